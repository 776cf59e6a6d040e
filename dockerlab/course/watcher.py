"""What a chapter's cells make is noted while they run, by the engine's events.

The watcher has connections of its own. It notes at once, so that a kernel that dies leaves nothing
unnoted; what it made in its last moment is found by when its cells ran, which a small file tells.
"""

import contextlib
import json
import os
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import docker
import psutil
import requests
from IPython import get_ipython

from dockerlab.course.bench import started
from dockerlab.course.chapters import Chapter, find_chapter
from dockerlab.course.ownership import Cells, Event, Ownership, destroyed, knows_birth, moment_of
from dockerlab.course.record import Noted, change_record, read_record
from dockerlab.engine import Engine, connect
from dockerlab.errors import LabError

_BEAT = 1.0  # seconds between two signs of life
_SPANS = 50  # cells that are remembered for a kernel that dies
_KNOWN = 1000  # events that may be told twice
_SKEW = 50_000_000  # nanoseconds by which two clocks differ because asking takes time
_KINDS = {"type": ["container", "image", "network", "volume"]}
_FAULTS = (docker.errors.DockerException, requests.RequestException, LabError, OSError, ValueError)


class Watcher:
    """Notes what the cells of one notebook make.

    Parameters
    ----------
    engine : Engine
        The engine in use.
    chapter : Chapter
        The chapter that was started.
    record : Path
        The engine's record.
    """

    def __init__(self, engine: Engine, chapter: Chapter, record: Path) -> None:
        self._client = connect(engine)
        self._listener = connect(engine)
        self._chapter = chapter
        self._record = record
        self._cells = Cells()
        self._ahead = _clock(self._client)
        self._ownership = Ownership(self._client, chapter, self._cells)
        self._known: deque[tuple[object, ...]] = deque(maxlen=_KNOWN)
        self._since = self._now()
        self._lock = threading.RLock()
        self._closed = threading.Event()
        self._file = cells_folder(record) / f"{os.getpid()}.json"
        self.begin_cell()
        self._stream: Any = None
        self._jobs = [
            threading.Thread(target=job, name=f"dockerlab{job.__name__}", daemon=True)
            for job in (self._listen, self._beat)
        ]
        for job in self._jobs:
            job.start()

    def begin_cell(self) -> None:
        """Note that a cell begins to run."""
        with self._lock:
            self._end_span()
            self._cells.spans = [*self._cells.spans[-_SPANS:], (self._now(), None)]
            self._write_cells()

    def end_cell(self) -> None:
        """Note that the cell has ended, and which images bear the chapter's names now.

        An engine that tells of a build in no event (26.1 with the containerd store) leaves it to
        this look.
        """
        with self._lock:
            self._end_span()
            self._write_cells()
            with contextlib.suppress(*_FAULTS):  # an engine that is away is told where needed
                noted = read_record(self._record).of(self._chapter.number)
                if noted is not None:
                    self._note(self._ownership.images(noted, ()) | self._changed_volumes(noted))

    def catch_up(self) -> None:
        """Note all that happened until now.

        Raises
        ------
        DockerException, RequestException
            The engine does not answer.
        LabError
            The record can't be written.
        """
        with self._lock:
            now = self._now()
            self._take(replay(self._client, self._since, now))
            noted = read_record(self._record).of(self._chapter.number)
            if noted is not None:
                self._note(self._ownership.told_by_engine(noted) | self._changed_volumes(noted))

    def close(self) -> None:
        """Stop watching, after a last look."""
        with contextlib.suppress(*_FAULTS):
            self.catch_up()
        self._closed.set()
        with contextlib.suppress(*_FAULTS, AttributeError):  # it may just have ended
            self._stream.close()
        for job in self._jobs:
            job.join(_BEAT)
        self._file.unlink(missing_ok=True)
        for client in (self._client, self._listener):
            with contextlib.suppress(*_FAULTS):
                client.close()

    def _now(self) -> int:
        return time.time_ns() + self._ahead

    def _end_span(self) -> None:
        if self._cells.spans and self._cells.spans[-1][1] is None:
            self._cells.spans[-1] = (self._cells.spans[-1][0], self._now())

    def _listen(self) -> None:
        while not self._closed.is_set():
            with contextlib.suppress(*_FAULTS, AttributeError):  # a stream that is closed under it
                self._stream = self._listener.api.events(
                    since=_seconds(self._since), filters=_KINDS, decode=True
                )
                with contextlib.closing(self._stream):
                    for event in self._stream:
                        with self._lock:
                            self._take([event])
                        if self._closed.is_set():
                            return
            self._closed.wait(_BEAT)  # an engine that starts again is listened to again

    def _beat(self) -> None:
        while not self._closed.wait(_BEAT):
            spans = self._cells.spans
            if spans and spans[-1][1] is None:
                with contextlib.suppress(OSError):
                    os.utime(self._file)

    def _take(self, events: Iterable[Event]) -> None:
        fresh = []
        for event in events:
            key = (event.get("timeNano"), event.get("Action"), str(event.get("Actor")))
            if key not in self._known:
                self._known.append(key)
                fresh.append(event)
                self._since = max(self._since, int(event.get("timeNano") or 0))
        if not fresh:
            return
        noted = read_record(self._record).of(self._chapter.number)
        if noted is not None:
            found = self._ownership.told_by_events(fresh, noted)
            self._note(found, destroyed(fresh) & noted.volumes.keys())

    def _note(self, found: Noted, gone: Iterable[str] = ()) -> None:
        if found == Noted() and not gone:
            return
        with change_record(self._record) as change:
            change.record = change.record.adding(self._chapter.number, found, gone)

    def _changed_volumes(self, noted: Noted) -> Noted:
        """Give the time that an old engine shows for the chapter's volumes now."""
        if not noted.volumes or knows_birth(self._client):
            return Noted()
        return Noted(
            volumes={
                volume["Name"]: str(volume.get("CreatedAt"))
                for volume in self._client.api.volumes().get("Volumes") or ()
                if volume["Name"] in noted.volumes
            }
        )

    def _write_cells(self) -> None:
        born = psutil.Process().create_time()
        content = {
            "chapter": self._chapter.number,
            "born": born,
            "ahead": self._ahead,
            "cells": self._cells.spans,
        }
        draft = self._file.with_suffix(".new")
        with contextlib.suppress(OSError):  # it only helps a kernel that dies
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.write_text(json.dumps(content), encoding="utf-8")
            draft.replace(self._file)


def watch_cells() -> bool:
    """Have the notebook tell the watcher when a cell begins and ends; False outside one."""
    shell = get_ipython()
    if shell is None:
        return False
    for name, tell in (("pre_run_cell", _before_cell), ("post_run_cell", _after_cell)):
        if tell not in shell.events.callbacks[name]:
            shell.events.register(name, tell)
    return True


def _before_cell(_info: object) -> None:
    if (bench := started()) and bench.watcher:
        bench.watcher.begin_cell()


def _after_cell(_result: object) -> None:
    if (bench := started()) and bench.watcher:
        bench.watcher.end_cell()


def catch_up_for_the_dead(client: docker.DockerClient, record: Path) -> None:
    """Note what notebooks made whose kernels died, in the moments before they could note it.

    Raises
    ------
    DockerException, RequestException
        The engine does not answer.
    LabError
        The record can't be written.
    """
    for file in sorted(cells_folder(record).glob("*.json")):
        if (left := _left_by_the_dead(file)) is None:
            continue
        chapter, cells = left
        ownership = Ownership(client, chapter, cells)
        noted = read_record(record).of(chapter.number)
        if noted is not None and cells.spans:
            events = list(replay(client, cells.spans[0][0], time.time_ns() + _clock(client)))
            found = ownership.told_by_events(events, noted)
            found |= ownership.told_by_engine(noted | found)
            with change_record(record) as change:
                change.record = change.record.adding(chapter.number, found, destroyed(events))
        file.unlink(missing_ok=True)


def _left_by_the_dead(file: Path) -> tuple[Chapter, Cells] | None:
    """Read when the cells of a kernel that has ended ran; None while it lives."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        with contextlib.suppress(psutil.NoSuchProcess):
            if psutil.Process(int(file.stem)).create_time() == content["born"]:
                return None
        last = file.stat().st_mtime_ns + int(2 * _BEAT * 1e9) + int(content["ahead"])
        spans = [(int(begin), last if end is None else int(end)) for begin, end in content["cells"]]
        return find_chapter(content["chapter"]), Cells(list(spans))
    except (OSError, ValueError, KeyError, TypeError, LabError, psutil.Error):
        file.unlink(missing_ok=True)  # what can't be read can't help
        return None


def cells_folder(record: Path) -> Path:
    """Say where the notebooks on an engine tell when their cells run."""
    return record.with_suffix(".cells")


def replay(client: docker.DockerClient, since: int, until: int) -> Iterator[Event]:
    """Give the events that the engine still remembers (``GET /events``), of the course's kinds."""
    stream = client.api.events(
        since=_seconds(since), until=_seconds(until), filters=_KINDS, decode=True
    )
    with contextlib.closing(stream):
        yield from stream


def _clock(client: docker.DockerClient) -> int:
    """Tell how far the engine's clock is ahead of this machine's, in nanoseconds."""
    before = time.time_ns()
    there = moment_of(client.info().get("SystemTime"))
    after = time.time_ns()
    if there is None or before - _SKEW <= there <= after + _SKEW:
        return 0
    return there - (before + after) // 2


def _seconds(moment: int) -> Any:  # noqa: ANN401 - see below
    """Write a time as the engine takes it; the SDK's types know whole seconds only."""
    return f"{moment // 10**9}.{moment % 10**9:09d}"
