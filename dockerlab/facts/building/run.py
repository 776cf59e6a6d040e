"""A real build through the docker command, watched line by line and bounded in time."""

import contextlib
import os
import queue
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal, TypeVar

from dockerlab.facts.building.buildkit import JsonProgress, PlainProgress, Progress
from dockerlab.facts.building.classic import ClassicReport
from dockerlab.facts.building.values import Builder

_LONGEST_LINE = 1_000_000
_WAITING_LINES = 1_000
_GRACE_S = 5
_RAWJSON_SINCE = (0, 13)
_COMMAND_WITH_BUILDX = (23,)

Source = Literal["out", "err"]
Line = tuple[float, Source, str]
Entry = TypeVar("Entry")


@dataclass(frozen=True)
class Order:
    """What is to be built; the Dockerfile's path is that of an existing file."""

    folder: Path
    dockerfile: Path
    tag: str | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    no_cache: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Told:
    """What the builder told until it ended."""

    through: Literal["cli", "sdk"]
    classic: ClassicReport
    progress: Progress
    messages: list[str] = field(default_factory=list)
    image_id: str = ""
    seconds: float = 0.0
    out_of_time: bool = False

    def hear(self, source: Source, seconds: float, line: str) -> None:
        """Take a line of the docker command's output.

        The classic builder reports on its standard output, BuildKit on standard error.
        """
        if source == "out":
            self.classic.feed(seconds, line)
        else:
            self.progress.feed(line)

    @property
    def builder(self) -> Builder:
        """The builder whose words these are."""
        return "buildkit" if self.progress.vertices else "classic"


def has_command(environment: Mapping[str, str]) -> bool:
    """Whether there is a docker command to build with."""
    return shutil.which("docker", path=environment.get("PATH")) is not None


def build_by_command(
    order: Order, builder: Builder | None, environment: Mapping[str, str], timeout: float
) -> Told:
    """Run ``docker build``.

    Parameters
    ----------
    order : Order
        What is to be built.
    builder : str or None
        Which builder has to do it; None leaves it to the command.
    environment : mapping
        The command's environment: which engine, which configuration.
    timeout : float
        Seconds after which it is stopped.
    """
    wanted = {"buildkit": {"DOCKER_BUILDKIT": "1"}, "classic": {"DOCKER_BUILDKIT": "0"}}
    form = _form_of_progress(environment)
    environment = {
        **environment,
        "BUILDKIT_PROGRESS": form,
        "BUILDX_BUILDER": "default",
        "DOCKER_CLI_HINTS": "false",
        **(wanted[builder] if builder else {}),
    }
    progress: Progress = JsonProgress() if form == "rawjson" else PlainProgress()
    told = Told("cli", ClassicReport(), progress)
    with tempfile.TemporaryDirectory(prefix="dockerlab-") as folder:
        id_file = Path(folder, "image-id")
        began = time.monotonic()
        deadline = began + timeout
        with _running(_command(order, id_file), environment) as process:
            for seconds, source, line in _lines(process, deadline):
                told.hear(source, seconds - began, line)
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                told.out_of_time = True
        told.seconds = time.monotonic() - began
        told.classic.end(told.seconds)
        told.messages = told.progress.messages
        if id_file.exists() and not told.out_of_time:
            told.image_id = id_file.read_text().strip()
    return told


def _form_of_progress(environment: Mapping[str, str]) -> str:
    command = _version(["docker", "--version"], environment)
    buildx = _version(["docker", "buildx", "version"], environment)
    new = command >= _COMMAND_WITH_BUILDX and buildx >= _RAWJSON_SINCE
    return "rawjson" if new else "plain"


def _version(command: list[str], environment: Mapping[str, str]) -> tuple[int, ...]:
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    match = re.search(r"\bv?(\d{1,6})\.(\d{1,6})", done.stdout if not done.returncode else "")
    return (int(match[1]), int(match[2])) if match else ()


def _command(order: Order, id_file: Path) -> list[str]:
    command = ["docker", "build", "--iidfile", str(id_file), "--file", str(order.dockerfile)]
    command.append("--force-rm")  # else the classic builder keeps the container of a failed step
    if order.tag:
        command += ["--tag", order.tag]
    for name, value in order.arguments.items():
        command += ["--build-arg", f"{name}={value}"]
    for name, value in order.labels.items():
        command += ["--label", f"{name}={value}"]
    if order.target:
        command += ["--target", order.target]
    if order.no_cache:
        command.append("--no-cache")
    return [*command, "--", str(order.folder)]


@contextlib.contextmanager
def _running(
    command: list[str], environment: Mapping[str, str]
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a command with its plugins in a group of their own, and leave none of them behind."""
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            _signal(process, signal.SIGINT)  # asks the builder to give up what it has begun
            try:
                process.wait(_GRACE_S)
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGTERM)
                process.kill()
        process.wait()


def _signal(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
    else:
        process.terminate()


def _lines(process: "subprocess.Popen[bytes]", deadline: float) -> Iterator[Line]:
    """Yield the lines of both outputs as they come, until both end or the time is up."""
    waiting: queue.Queue[Line | None] = queue.Queue(_WAITING_LINES)
    over = threading.Event()

    def read(stream: IO[bytes], source: Source) -> None:
        with stream:
            while line := stream.readline(_LONGEST_LINE):
                put(waiting, (time.monotonic(), source, line.decode(errors="replace")), over)
        put(waiting, None, over)

    assert process.stdout  # noqa: S101 - both are pipes
    assert process.stderr  # noqa: S101
    threading.Thread(target=read, args=(process.stdout, "out"), daemon=True).start()
    threading.Thread(target=read, args=(process.stderr, "err"), daemon=True).start()
    try:
        yield from until(waiting, 2, deadline)
    finally:
        over.set()


def put(waiting: "queue.Queue[Entry | None]", entry: Entry | None, over: threading.Event) -> None:
    """Hand an entry over, unless nobody takes any more."""
    while not over.is_set():
        with contextlib.suppress(queue.Full):
            waiting.put(entry, timeout=0.2)
            return


def until(waiting: "queue.Queue[Entry | None]", sources: int, deadline: float) -> Iterator[Entry]:
    """Yield what comes until each source has said None or the time is up."""
    while sources and time.monotonic() < deadline:
        try:
            entry = waiting.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return
        if entry is None:
            sources -= 1
        else:
            yield entry
