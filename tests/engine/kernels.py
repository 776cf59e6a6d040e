"""A notebook's kernel, cell by cell: what a student runs, and what is done elsewhere meanwhile."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager

LONGEST_CELL = 120
"""Seconds after which a cell is said to hang."""


class Kernel:
    """A kernel that runs cells in a folder."""

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        self._manager = KernelManager(kernel_name="python3", transport="ipc")
        # sockets in the file system: ports that a container publishes can't come between
        self._manager.ip = f"{tempfile.gettempdir()}/kernel-{uuid4().hex[:8]}"
        self._manager.start_kernel(cwd=str(folder), env={**os.environ, **variables})
        self._client: BlockingKernelClient = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=60)

    def run(self, code: str) -> str:
        """Run a cell to its end; give what it printed, its errors as ``ERROR: …``."""
        said = []

        def hear(message: Mapping) -> None:
            content = message["content"]
            match message["msg_type"]:
                case "stream":
                    said.append(content["text"])
                case "error":
                    said.append(f"ERROR: {content['ename']}: {content['evalue']}\n")
                case "execute_result" | "display_data":
                    said.append(content["data"].get("text/plain", "") + "\n")

        self._client.execute_interactive(code, output_hook=hear, timeout=LONGEST_CELL)
        return "".join(said)

    def begin(self, code: str) -> None:
        """Let a cell begin, and do not wait for its end."""
        self._client.execute(code)

    def kill(self) -> None:
        """Kill it as a crash does: it can do nothing any more."""
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)


@contextmanager
def kernel(folder: Path, variables: Mapping[str, str]) -> Iterator[Kernel]:
    """Give a kernel that is killed at the end."""
    one = Kernel(folder, variables)
    try:
        yield one
    finally:
        one.kill()
