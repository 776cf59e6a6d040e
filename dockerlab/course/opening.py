"""Start, reset and cleanup: the engine as a chapter needs it, and as it was before."""

import os
import sys
from pathlib import Path

import docker

from dockerlab.course.belongings import belongings, remove_image, sweep
from dockerlab.course.bench import Bench, present, sit_down
from dockerlab.course.card import Card
from dockerlab.course.chapters import CHAPTERS, Chapter, find_chapter
from dockerlab.course.cleared import Cleared
from dockerlab.course.mishaps import explain_mishaps
from dockerlab.course.record import Record, held, read_record, record_path, write_record
from dockerlab.course.witness import watch_names
from dockerlab.engine import Engine, connect, find
from dockerlab.errors import EngineError, LabError
from dockerlab.facts.names import asking
from dockerlab.language import _

# a cell's output is the lesson: no advertisements, and the builder that belongs to the engine
_QUIET = {"DOCKER_CLI_HINTS": "false", "BUILDX_BUILDER": "default"}


def start(chapter: str) -> docker.DockerClient:
    """Connect to the engine and bring it to the chapter's start.

    Points ``!docker`` at the same engine, removes what an earlier run of the chapter left,
    pulls the images that are missing, and prints one line that says which engine this is.

    Parameters
    ----------
    chapter : str
        The chapter's number, ``"2.1"``.

    Returns
    -------
    docker.DockerClient
        The client of the Docker SDK for Python, ready for use.

    Raises
    ------
    UnknownNameError
        There is no such chapter.
    EngineError
        No engine can be found or started, or an image can't be had.
    LabError
        Something that is not the course's bears a name the chapter needs.
    """
    wanted = find_chapter(chapter)
    engine = find()
    client = connect(engine)
    os.environ.update(engine.environment() | _QUIET)
    with asking():
        _prepare(client, wanted)
        sit_down(Bench(engine, client, wanted))
        explain_mishaps()
        watch_names()
        _say(_engine_line(client, engine))
    return client


def reset(chapter: str | None = None) -> Card:
    """Bring the engine back to the chapter's start.

    Parameters
    ----------
    chapter : str, optional
        The chapter's number; by default the one that was started in this notebook.
    """
    bench = present()
    wanted = find_chapter(chapter) if chapter else bench.chapter
    with asking():
        cleared = _prepare(bench.client, wanted)
    return cleared.card(_("The chapter can start again."))


def cleanup(chapter: str | None = None) -> Card:
    """Remove what the course made, images it pulled included; nothing else.

    Parameters
    ----------
    chapter : str, optional
        Only this chapter's; by default all chapters'.
    """
    bench = present()
    leaving = [find_chapter(chapter)] if chapter else list(CHAPTERS)
    cleared = Cleared()
    with asking():
        for each in leaving:
            cleared += _leave(bench.client, each)
    return cleared.card(_("The engine is as it was before."))


def _prepare(client: docker.DockerClient, chapter: Chapter) -> Cleared:
    """Bring the engine to the chapter's start, and tell what an earlier run had left."""
    path = record_path(client)
    with held(path):
        return _prepare_alone(client, chapter, path)


def _prepare_alone(client: docker.DockerClient, chapter: Chapter, path: Path) -> Cleared:
    record = read_record(path)
    if not record.started(chapter.number):
        _refuse_strangers(client, chapter)
    cleared = _sweep(client, chapter, record)
    record = record.with_chapter(chapter.number, ())
    write_record(path, record)
    for image in chapter.images:
        if not _has(client, image):
            _pull(client, image)
            # noted only when done: what somebody else brings after a failure is theirs
            record = record.with_chapter(chapter.number, (image,))
            write_record(path, record)
    return cleared


def _sweep(client: docker.DockerClient, chapter: Chapter, record: Record) -> Cleared:
    named = record.named.get(chapter.number, ())
    removed = sweep(client, chapter, named)
    left = belongings(client, chapter, named)
    return Cleared(removed, left=tuple(thing.name for thing in left))


def _leave(client: docker.DockerClient, chapter: Chapter) -> Cleared:
    path = record_path(client)
    with held(path):
        return _leave_alone(client, chapter, path)


def _leave_alone(client: docker.DockerClient, chapter: Chapter, path: Path) -> Cleared:
    record = read_record(path)
    if not record.started(chapter.number):
        return Cleared()
    cleared = _sweep(client, chapter, record)
    pulled = record.pulled[chapter.number]
    record = record.without_chapter(chapter.number)
    for image in pulled:
        heirs = [
            other.number
            for other in CHAPTERS
            if record.started(other.number) and image in other.images
        ]
        if heirs:  # a notebook that is still open needs it: its cleanup removes it
            record = record.with_chapter(heirs[0], (image,))
        elif remove_image(client, image):
            cleared += Cleared(fetched=(image,))
        else:
            cleared += Cleared(left=(image,))
    write_record(path, record)
    return cleared


def _refuse_strangers(client: docker.DockerClient, chapter: Chapter) -> None:
    for thing in belongings(client, chapter):
        if not thing.labelled:
            raise LabError(
                _("The {kind} '{name}' is in the way, and the course did not make it.").format(
                    kind=thing.kind, name=thing.name
                ),
                _("Rename or remove it; this chapter keeps {names} for itself.").format(
                    names=_kept(chapter)
                ),
            )


def _kept(chapter: Chapter) -> str:
    every = _("names that begin with {prefix}").format(prefix=chapter.prefix)
    return ", ".join([*chapter.names, every])


def _has(client: docker.DockerClient, image: str) -> bool:
    try:
        client.images.get(image)
    except docker.errors.ImageNotFound:
        return False
    return True


def _pull(client: docker.DockerClient, image: str) -> None:
    _say(_("Fetching {image} …").format(image=image))
    repository, tag = image.split(":")
    try:
        client.api.pull(repository, tag)
    except docker.errors.APIError as error:
        raise EngineError(
            _("The engine has no image {image} and can't pull it: {reason}.").format(
                image=image, reason=str(error.explanation or error).strip().rstrip(".")
            ),
            _("Check the network, or use the embedded engine, which has a hub of its own."),
        ) from error


def _engine_line(client: docker.DockerClient, engine: Engine) -> str:
    version, info = client.version(), client.info()
    makers = version.get("Components") or [{}]
    name = makers[0].get("Name") or "Engine"
    status = dict(pair for pair in info.get("DriverStatus") or [] if len(pair) == 2)
    driver = str(info.get("Driver"))
    if "containerd" in str(status.get("driver-type")):
        driver = _("containerd image store ({driver})").format(driver=driver)
    kinds = {"embedded": _("embedded"), "current": _("your own"), "url": _("at an address")}
    number = str(version.get("Version")).split("+")[0]
    api = version.get("ApiVersion")
    return f"{name} {number} · {driver} · {kinds[engine.kind]} · API {api}"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
