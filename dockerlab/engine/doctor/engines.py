"""The engine in question, the others on this machine, and what points at which."""

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import docker
import requests

from dockerlab.engine.doctor.finding import Finding, problem
from dockerlab.engine.find import connect, find, usual_sockets
from dockerlab.engine.places import Places
from dockerlab.errors import LabError
from dockerlab.language import _

_INFO_SECONDS = 10
_ROOM_BYTES = 500_000_000
_POINTERS = ("DOCKER_HOST", "DOCKER_CONTEXT")


def chosen(places: Places, choice: str) -> Iterator[Finding]:
    """Look at the engine that would be used, without starting it."""
    if choice == "embedded":
        yield _embedded(places)
        return
    try:
        engine = find(choice)
        client = connect(engine)
    except LabError as error:
        yield problem("engine", error)
        return
    with closing(client):
        client.api.timeout = _INFO_SECONDS
        try:
            version: dict[str, Any] = client.version()
            info: dict[str, Any] = client.info()
        except (docker.errors.DockerException, requests.RequestException) as error:
            what = _("The engine at {host} fails when asked: {cause}.").format(
                host=engine.host, cause=" ".join(str(error).split())[:150]
            )
            yield Finding("engine", "problem", what, _("Start that engine again."))
            return
    components = version.get("Components") or [{}]
    yield Finding(
        "engine",
        "ok",
        _("{name} {version} answers at {host} (API {api}, store {store}).").format(
            name=components[0].get("Name") or "Engine",
            version=version.get("Version"),
            host=engine.host,
            api=version.get("ApiVersion"),
            store=info.get("Driver"),
        ),
    )
    if engine.host.startswith("unix:"):
        yield from _data_root(Path(info.get("DockerRootDir") or "/"))


def others(choice: str) -> Iterator[Finding]:
    """Name the other engines of this machine, which the course leaves alone."""
    if choice != "embedded":
        return
    for path in usual_sockets():
        state = _state(path)
        if state == "answers":
            what = _("There is an engine of yours at {socket}: it is left alone.")
        elif state == "closed":
            what = _(
                "There is an engine at {socket}, which you may not use and need not: "
                "whoever may is as good as root on this machine."
            )
        else:
            continue
        yield Finding("other-engines", "ok", what.format(socket=path))


def environment(places: Places, choice: str) -> Iterator[Finding]:
    """Look at the variables that point this terminal's docker somewhere."""
    name = "environment"
    ours = f"unix://{places.socket}"
    for variable in _POINTERS:
        value = os.environ.get(variable)
        if not value:
            continue
        if choice == "embedded" and value != ours:
            yield Finding(
                name,
                "warning",
                _(
                    "{variable}={value} points this terminal's docker at another engine than "
                    "the course's; notebooks do not follow it."
                ).format(variable=variable, value=value),
                _("For this terminal, use the line that 'dockerlab engine status' prints."),
            )
        else:
            what = _("{variable}={value}.").format(variable=variable, value=value)
            yield Finding(name, "ok", what)
    if pinned := os.environ.get("DOCKER_API_VERSION"):
        yield Finding(
            name,
            "warning",
            _("DOCKER_API_VERSION={value} keeps docker from newer answers.").format(value=pinned),
            _("unset DOCKER_API_VERSION"),
        )


def _embedded(places: Places) -> Finding:
    from dockerlab.engine import embedded, processes, programs, unpacked  # noqa: PLC0415 - Linux alone

    now = embedded.status(places)
    name = "engine"
    root = places.engines / (now.suite or programs.default_suite())
    if root.is_dir() and (wrong := unpacked.damaged(root)):
        return Finding(
            name,
            "problem" if now.running else "warning",
            _("Programs of the embedded engine in {folder} are damaged: {files}.").format(
                folder=root, files=", ".join(wrong[:3])
            ),
            _("dockerlab engine repair"),
        )
    if now.running:
        what = _("The embedded engine {version} runs (API {api}, store {store}).")
        return Finding(name, "ok", what.format(version=now.version, api=now.api, store=now.store))
    silent = processes.find_daemon("dockerd", str(places.run / "daemon.json"))
    if silent:
        return Finding(
            name,
            "problem",
            _("The embedded engine (process {pid}) runs but does not answer.").format(
                pid=silent.pid
            ),
            _("Run 'dockerlab engine stop', then start again. Its log is {log}.").format(
                log=now.log
            ),
        )
    if any((places.run / left).exists() for left in ("daemon.json", "docker.sock", "exec")):
        return Finding(
            name,
            "warning",
            _("The embedded engine ended without tidying up."),
            _("'dockerlab engine start' repairs that. Its log is {log}.").format(log=now.log),
        )
    if not root.exists():
        what = _("The embedded engine is not here yet: the first start brings it, about 100 MB.")
        return Finding(name, "ok", what)
    return Finding(name, "ok", _("The embedded engine is stopped, and whole."))


def _data_root(folder: Path) -> Iterator[Finding]:
    """Look for room where an engine of this machine keeps its images, if that can be seen."""
    with suppress(OSError):  # Docker Desktop's is inside a virtual machine
        free = shutil.disk_usage(folder).free
        if free < _ROOM_BYTES:
            yield Finding(
                "disk",
                "problem",
                _("The disk is full where the engine keeps its images: {folder}.").format(
                    folder=folder
                ),
                _("Make room: 'docker system df' shows what images and containers take."),
            )


def _state(path: Path) -> str:
    """Tell whether an engine's socket answers, is closed to this user, or is none."""
    try:
        if not path.exists():
            return "none"
        with socket.socket(socket.AF_UNIX) as trial:
            trial.settimeout(_INFO_SECONDS)
            trial.connect(str(path))
    except PermissionError as error:
        # a folder that is closed says nothing of what is in it
        return "none" if error.filename else "closed"
    except OSError:
        return "none"
    return "answers"
