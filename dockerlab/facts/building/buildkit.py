"""BuildKit's progress, as JSON or as plain text, read line by line while it arrives."""

import base64
import binascii
import json
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from dockerlab.facts.times import from_text

KEPT_LINES = 200
"""How much of a step's output is kept: its last lines."""

_SIZE = re.compile(r"(?<!\d)(\d{1,15}(?:\.\d{1,15})?) ?([kMGT]?)B\b")
_CONTEXT = "[internal] load build context"
_POWERS = {"": 0, "k": 1, "M": 2, "G": 3, "T": 4}
_LONGEST_OBJECT = 4_000_000
_LONGEST_LINE = 10_000


@dataclass
class Vertex:
    """One node of BuildKit's graph while it is worked on.

    `spans` holds when it was worked on: BuildKit takes up a node several times.
    """

    name: str = ""
    started: bool = False
    finished: bool = False
    cached: bool = False
    error: str = ""
    seconds: float = 0.0
    output: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    spans: dict[datetime, float] = field(default_factory=dict)


class Progress(Protocol):
    """A reader of one of BuildKit's two forms of progress."""

    vertices: dict[str, Vertex]
    messages: list[str]
    sent: int

    def feed(self, line: str) -> None:
        """Take the next line."""


class JsonProgress:
    """Reads ``--progress=rawjson`` (buildx 0.13 and newer): objects, on one line or on several."""

    def __init__(self) -> None:
        self.vertices: dict[str, Vertex] = {}
        self.messages: list[str] = []
        self.sent = 0
        self._open: list[str] = []
        self._unfinished: dict[str, str] = {}
        self._length = 0

    def feed(self, line: str) -> None:
        """Take the next line."""
        line = line.rstrip()
        if not self._open and not line.startswith("{"):
            if line:
                self.messages.append(line)
            return
        self._open.append(line)
        self._length += len(line)
        if line.endswith("}") and (len(self._open) == 1 or line == "}"):
            self._close()
        elif self._length > _LONGEST_OBJECT:
            self._open.clear()
            self._length = 0

    def _close(self) -> None:
        text = "\n".join(self._open)
        try:
            report = json.loads(text)
        except ValueError:
            if len(self._open) == 1 and text == "{}":
                return
            self.messages.append(text)
            report = {}
        self._open.clear()
        self._length = 0
        for entry in report.get("vertexes") or ():
            self._vertex(entry)
        for entry in report.get("statuses") or ():
            vertex = self.vertices.get(str(entry.get("vertex")))
            # .dockerignore is asked for in the same words
            if vertex and vertex.name == _CONTEXT and "context" in str(entry.get("id")):
                self.sent = int(entry.get("current") or 0)
        for entry in report.get("logs") or ():
            self._output(entry)

    def _output(self, entry: Mapping[str, Any]) -> None:
        """Take a piece of a step's output, which may begin and end within a line."""
        text = _decoded(entry)
        if not text:
            return
        digest, stream = str(entry.get("vertex")), str(entry.get("stream"))
        output = self.vertices.setdefault(digest, Vertex()).output
        first, *rest = text.split("\n")
        if self._unfinished.get(digest) == stream:
            output[-1] = (output[-1] + first)[:_LONGEST_LINE]
        else:
            output.append(first)
        output.extend(rest)
        if text.endswith("\n"):
            output.pop()
            self._unfinished.pop(digest, None)
        else:
            self._unfinished[digest] = stream

    def _vertex(self, entry: Mapping[str, Any]) -> None:
        vertex = self.vertices.setdefault(str(entry.get("digest")), Vertex())
        vertex.name = str(entry.get("name") or vertex.name)
        vertex.cached = vertex.cached or bool(entry.get("cached"))
        vertex.error = str(entry.get("error") or vertex.error)
        started, completed = from_text(entry.get("started")), from_text(entry.get("completed"))
        vertex.started = vertex.started or started is not None
        if started and completed:
            vertex.finished = True
            vertex.spans[started] = (completed - started).total_seconds()
            vertex.seconds = sum(vertex.spans.values())


class PlainProgress:
    """Reads ``--progress=plain``: of older buildx, and of BuildKit inside docker 20.10."""

    _LINE = re.compile(r"#(\d+) ?(.*)")
    _DONE = re.compile(r"DONE (\d+(?:\.\d+)?)s")
    _OUTPUT = re.compile(r"\d+\.\d+ (.*)")
    _DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

    def __init__(self) -> None:
        self.vertices: dict[str, Vertex] = {}
        self.messages: list[str] = []
        self.sent = 0

    def feed(self, line: str) -> None:
        """Take the next line."""
        line = line.rstrip()
        match = self._LINE.match(line)
        if not match:
            if line:
                self.messages.append(line)
            return
        number, said = match.groups()
        vertex = self.vertices.get(number)
        if vertex is None or said == vertex.name:
            # its name comes first, and again when the report returns to it
            self.vertices.setdefault(number, Vertex(said, started=True))
        elif done := self._DONE.match(said):
            vertex.finished, vertex.seconds = True, vertex.seconds + float(done[1])
        elif said == "CACHED":
            vertex.finished = vertex.cached = True
        elif said.startswith("ERROR: "):
            vertex.error = said.removeprefix("ERROR: ")
        elif said.startswith("transferring context:") and vertex.name == _CONTEXT:
            self.sent = size_in_words(said) or self.sent
        elif (output := self._OUTPUT.match(said)) and not self._DIGEST.match(said):
            vertex.output.append(output[1])


def size_in_words(text: str) -> int | None:
    """Read a size as the docker command prints it ("3.072kB"), None where there is none."""
    match = _SIZE.search(text)
    if not match:
        return None
    return round(float(match[1]) * 1000.0 ** _POWERS[match[2]])


def _decoded(entry: Mapping[str, Any]) -> str:
    try:
        return base64.b64decode(str(entry.get("data") or "")).decode(errors="replace")
    except binascii.Error:
        return ""
