"""Start, reset and cleanup: the engine as a chapter needs it, and as it was before."""

import os
import sys
from contextlib import suppress
from pathlib import Path

import docker
import requests

from dockerlab.course.bench import Bench, present, sit_down, started
from dockerlab.course.card import Card
from dockerlab.course.chapters import CHAPTERS, Chapter, find_chapter
from dockerlab.course.cleared import Cleared
from dockerlab.course.mishaps import explain_mishaps
from dockerlab.course.record import Noted, Record, change_record, lost_notes, record_path, short
from dockerlab.course.resources import strangers, sweep
from dockerlab.course.strangers import in_the_way
from dockerlab.course.watcher import Watcher, catch_up_for_the_dead, watch_cells
from dockerlab.engine import Engine, connect, find
from dockerlab.errors import EngineError
from dockerlab.facts.names import asking, find_image
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
        path = record_path(client)
        _catch_up(client, path)
        if told := lost_notes(path):
            _say(told)
        cleared = _prepare(client, wanted, path)
        sit_down(Bench(engine, client, wanted, watcher=Watcher(engine, wanted, path)))
        explain_mishaps()
        watch_cells()
        if cleared.removed:
            _say(_("Removed what an earlier run had left: {names}.").format(names=cleared.names))
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
        path = record_path(bench.client)
        _catch_up(bench.client, path)
        cleared = _prepare(bench.client, wanted, path)
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
        path = record_path(bench.client)
        _catch_up(bench.client, path)
        for each in leaving:
            cleared += _leave(bench.client, each, path)
    return cleared.card(_("The engine is as it was before."))


def _catch_up(client: docker.DockerClient, path: Path) -> None:
    """Note what this notebook, and those whose kernels died, have made until now."""
    bench = started()
    if bench and bench.watcher:
        with suppress(docker.errors.DockerException, requests.RequestException):
            bench.watcher.catch_up()  # its engine may be another one, and gone
    catch_up_for_the_dead(client, path)


def _prepare(client: docker.DockerClient, chapter: Chapter, path: Path) -> Cleared:
    """Bring the engine to the chapter's start, and tell what an earlier run had left."""
    with change_record(path) as change:
        before = change.record.of(chapter.number)
        swept = sweep(client, change.record.made_for(chapter.number))
        foreign = strangers(client, chapter, swept.noted)
        if before is not None or not foreign:
            found = () if before else _images_found(client, change.record)
            change.record = change.record.with_chapter(
                chapter.number, swept.noted | Noted(found=found)
            )
    if foreign:
        raise in_the_way(foreign, chapter)
    for image in chapter.images:
        if not _has(client, image) and _pull(client, image):
            # noted only when done: what somebody else brings after a failure is theirs
            pulled = find_image(client, image) or {}
            with change_record(path) as change:
                brought = Noted(pulled={image: (str(pulled.get("Id")),)})
                change.record = change.record.adding(chapter.number, brought)
    return Cleared.of(swept)


def _images_found(client: docker.DockerClient, record: Record) -> tuple[str, ...]:
    """List the images that are there and that no chapter has made, by their short IDs."""
    made = {
        identity
        for noted in record.chapters.values()
        for identity in (*noted.images, *(one for ids in noted.pulled.values() for one in ids))
    }
    images = (str(image["Id"]) for image in client.api.images(all=True))
    return tuple(short(identity) for identity in images if identity not in made)


def _leave(client: docker.DockerClient, chapter: Chapter, path: Path) -> Cleared:
    """Remove what was made for a chapter, and the images it pulled that no other one needs."""
    with change_record(path) as change:
        noted = change.record.made_for(chapter.number)
        begun = change.record.of(chapter.number) is not None
        record = change.record.without_chapter(chapter.number)
        leaving = []
        for image, identities in noted.pulled.items():
            heirs = [each for each in record.chapters if image in find_chapter(each).images]
            if heirs:  # a notebook that is still open needs it: its cleanup removes it
                record = record.adding(heirs[0], Noted(pulled={image: identities}))
            else:
                leaving.append(image)
        swept = sweep(client, noted, leaving)
        change.record = record.leaving(chapter.number, swept.noted)
    foreign = strangers(client, chapter, swept.noted) if begun else ()
    return Cleared.of(swept, frozenset(leaving), tuple(thing for thing, _label in foreign))


def _has(client: docker.DockerClient, image: str) -> bool:
    try:
        client.images.get(image)
    except docker.errors.ImageNotFound:
        return False
    return True


def _pull(client: docker.DockerClient, image: str) -> bool:
    """Pull an image; False where somebody else did so at the same moment."""
    _say(_("Fetching {image} …").format(image=image))
    repository, tag = image.split(":")
    try:
        said = str(client.api.pull(repository, tag))
    except docker.errors.APIError as error:
        raise EngineError(
            _("The engine has no image {image} and can't pull it: {reason}.").format(
                image=image, reason=str(error.explanation or error).strip().rstrip(".")
            ),
            _("Check the network, or use the embedded engine, which has a hub of its own."),
        ) from error
    return "Image is up to date" not in said


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
