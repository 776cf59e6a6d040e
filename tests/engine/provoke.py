"""Bring the real command into trouble: as another user, without a network, on a full disk."""

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ORDINARY = "65534"
NOWHERE = "127.0.0.1:1"
"""Where nothing listens: tcpmux has not been seen for decades."""

Done = subprocess.CompletedProcess[str]


def environment(**changes: str | None) -> dict[str, str]:
    """This process's environment with changes; None removes a variable."""
    merged: Mapping[str, str | None] = {**os.environ, "PYTHONUTF8": "1", **changes}
    return {name: value for name, value in merged.items() if value is not None}


def dockerlab(
    *arguments: str,
    before: Sequence[str] = (),
    seconds: float = 120,
    **changes: str | None,
) -> Done:
    """Run the real command, led by the words of `before`."""
    return subprocess.run(
        [*before, sys.executable, "-m", "dockerlab", *arguments],
        env=environment(**changes), capture_output=True, text=True, check=False,
        timeout=seconds, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def refusal(done: Done, status: int) -> str:
    """Give the one line a failed command says, having checked that it is one."""
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stdout + done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("dockerlab: ")
    assert "should not happen" not in lines[0]
    return lines[0].removeprefix("dockerlab: ")


def ordinary_user() -> list[str]:
    """Lead a command so that an ordinary user runs it, who may read but not write."""
    if os.geteuid() != 0:
        return []
    return [
        "setpriv", f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups",
        # the checkout may lie in root's home
        "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search",
    ]  # fmt: skip


def apart(script: str, *flags: str, then: Sequence[str] = ()) -> list[str]:
    """Lead a command so that `script` is run first, in namespaces of its own.

    What the script mounts is seen by the command alone and vanishes with it.
    """
    root = [] if os.geteuid() == 0 else ["--map-root-user"]
    back = [] if os.geteuid() == 0 or not then else ["unshare", f"--map-user={os.getuid()}"]
    run = ["sh", "-ec", f'{script}\nexec "$@"', "sh"]
    return ["unshare", *root, "--mount", *flags, *run, *back, *then]


def small_disk(at: Path, options: str, fill: str = "true", look: str = "true") -> list[str]:
    """Lead a command so that a small disk is mounted for it.

    Parameters
    ----------
    at : Path
        Where it is mounted.
    options : str
        Of the mount, such as ``size=50M``.
    fill, look : str
        What a shell does before the command, and after it.
    """
    at.mkdir(parents=True, exist_ok=True)
    mount = f"mount -t tmpfs -o {options} none '{at}'"
    return apart(f'{mount}\n{fill}\n"$@" && end=0 || end=$?\n{look}\nexit $end')


def seed(source: Path, cache: Path, suite: str, *parts: str) -> None:
    """Fill a new cache with the packages or engine of another, as links where possible."""
    for part in parts:
        shutil.copytree(
            source / part / suite, cache / part / suite, symlinks=True, copy_function=_link
        )


def replace(file: Path, content: bytes) -> None:
    """Write a file anew: what it was linked to stays as it is."""
    file.unlink(missing_ok=True)
    file.write_bytes(content)


class Impostor(ThreadingHTTPServer):
    """An HTTP server that answers every request alike, or keeps silent."""

    daemon_threads = False  # each ends, and its socket is closed, before the server is gone

    def __init__(self, place: str | tuple[str, int], body: str | None) -> None:
        self.body = body
        self.ended = threading.Event()
        self.address_family = socket.AF_UNIX if isinstance(place, str) else socket.AF_INET
        super().__init__(place, _Answer)  # type: ignore[arg-type]

    def server_bind(self) -> None:
        """Bind without asking for the name of this host."""
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "localhost", 0

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        """Give peers of a Unix socket an address to be logged with."""
        return self.socket.accept()[0], ("localhost", 0)


class _Answer(BaseHTTPRequestHandler):
    server: Impostor

    def do_GET(self) -> None:
        if self.server.body is None:
            self.server.ended.wait(60)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def impostor(place: str | tuple[str, int], body: str | None) -> Iterator[Impostor]:
    """Run an `Impostor` at a socket's path or an address."""
    with Impostor(place, body) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.ended.set()
            server.shutdown()
            thread.join()


@contextmanager
def listener() -> Iterator[int]:
    """Listen on a free port of the loopback, and give its number."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)
    return target
