"""How the embedded engine is started and ended, by whoever holds its instance's lock."""

import contextlib
import os
import shlex

from dockerlab.engine import daemon, leftovers, network, processes, programs, rootless
from dockerlab.engine.choice import Choice, choose, last_choice, remember
from dockerlab.engine.hub import Hub
from dockerlab.engine.places import Places
from dockerlab.engine.programs import Programs
from dockerlab.engine.progress import Progress
from dockerlab.errors import EngineError, HubError, LabError
from dockerlab.language import _

_RUN_FILES = ("daemon.json", "network.json", "owner.json")


def start(places: Places, suite: str | None, store: str | None, progress: Progress) -> None:
    """Start the engine unless it runs; repair its programs where they keep it from starting.

    Raises
    ------
    UsageError
        There is no such suite or store.
    LabError
        It can't be brought or started; nothing of it is left running.
    """
    before = last_choice(places)
    wanted = choose(places, suite, store)
    if daemon.answers_in_time(places):
        root = daemon.data_root(places, before or wanted)
        # what it had mounted stays as an empty folder when all of it is deleted
        if all((root / name).is_dir() for name in ("containers", "tmp")):
            _require_same(wanted, before)
            _equip(places, programs.bring(places, wanted.suite, progress))
            return
        stop(places)  # its images and containers are gone, so it can't do anything any more
        places.create()
    if os.geteuid() != 0:
        rootless.require()
    brought = programs.bring(places, wanted.suite, progress)
    try:
        _launch(places, brought, wanted, progress)
    except (EngineError, HubError):
        if not programs.repair(places, wanted.suite, progress):
            raise
        _launch(places, brought, wanted, progress)


def stop(places: Places) -> bool:
    """End the engine and remove what it left; tell whether it ran.

    Raises
    ------
    EngineError
        Its bridge and rules can't be removed.
    """
    if process := daemon.find(places):
        daemon.end(places, process)
    missing = None
    try:
        brought = _programs_to_clean(places)
    except EngineError as error:
        brought, missing = None, error
    try:
        _end_all(places, brought)
    except EngineError as error:
        missing = error
        with contextlib.suppress(EngineError):
            if brought and programs.repair(places, brought.suite):
                _end_all(places, brought)
                missing = None
    if missing:
        raise EngineError(
            _("The engine is stopped, but its bridge and firewall rules remain: {cause}").format(
                cause=missing.problem
            ),
            missing.mend,
        )
    return process is not None


def _launch(places: Places, brought: Programs, wanted: Choice, progress: Progress) -> None:
    """Start what is not running; a failure leaves nothing behind."""
    before = last_choice(places)
    leftovers.remove(places, brought)
    progress("Starting the engine", 0, None)
    try:
        # first of all: it tells a stop what there is to stop
        remember(places, wanted)
        _equip(places, brought)
        hub = Hub.of(places, brought)
        daemon.run(places, brought, wanted, hub.start())
        hub.start()  # now that a rootless engine has a network to serve in
    except BaseException as error:
        try:
            _end_all(places, brought)
        except EngineError:  # the same program as before is damaged; what is first is told
            if not isinstance(error, LabError):
                raise
        remember(places, before)
        raise


def _programs_to_clean(places: Places) -> Programs | None:
    """Give the programs that know the bridge and the rules, brought again where they are gone."""
    last = last_choice(places)
    suite = last.suite if last else programs.default_suite()
    unpacked = Programs(places.engines / suite, suite, "")
    if network.can_use(unpacked):
        return unpacked
    if os.geteuid() != 0 or not network.exists(places.key):
        return None
    return programs.bring(places, suite)


def _end_all(places: Places, brought: Programs | None) -> None:
    # to stop the hub its program need not be there any more
    Hub.of(places, Programs(places.engines, "", "")).stop()
    if not places.run.exists() and (stray := processes.find(f"/{places.key}/hub.yml")):
        processes.end(stray)
    leftovers.remove(places, brought)
    for name in _RUN_FILES:
        leftovers.discard(places.run / name)


def _require_same(wanted: Choice, running: Choice | None) -> None:
    if running and running != wanted:
        raise EngineError(
            _("The engine runs already, from {suite} with the {store} store.").format(
                suite=running.suite, store=running.store
            ),
            _("Run 'dockerlab engine stop' first."),
        )


def _equip(places: Places, brought: Programs) -> None:
    """Give the student's terminal the engine's own ``docker`` and its plugin, nothing else."""
    plugins = places.docker_config / "cli-plugins"
    for folder in (places.bin, plugins):
        folder.mkdir(parents=True, exist_ok=True)
    link, plugin = places.bin / "docker", plugins / "docker-buildx"
    for old in (link, plugin):
        leftovers.discard(old)
    link.symlink_to(brought.path("docker"))
    if brought.buildx:
        # it leaves its folders for a Dockerfile from standard input behind
        temporary = shlex.quote(str(places.temporary))
        plugin.write_text(
            f"#!/bin/sh\n[ -d {temporary} ] && TMPDIR={temporary} && export TMPDIR\n"
            f'exec {shlex.quote(str(brought.buildx))} "$@"\n',
            encoding="utf-8",
        )
        plugin.chmod(0o755)
