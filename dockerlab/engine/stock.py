"""The hub of the embedded engine, filled: what a first start does after the engine runs.

A bundle of it holds the images and the engine's packages: all that a machine without a network
needs beside dockerlab itself.
"""

from contextlib import closing
from pathlib import Path

from dockerlab.engine import bundle as bundles
from dockerlab.engine import embedded, programs, provisions
from dockerlab.engine.choice import choose
from dockerlab.engine.fill import Filled, fill
from dockerlab.engine.find import connect, find
from dockerlab.engine.hub import Hub
from dockerlab.engine.images import COURSE_IMAGES, CourseImage
from dockerlab.engine.places import Places
from dockerlab.engine.progress import Progress, silent
from dockerlab.language import _


def stock(
    places: Places,
    progress: Progress = silent,
    *,
    mirror: str | None = None,
    bundle: Path | None = None,
    thorough: bool = False,
) -> tuple[Filled, ...]:
    """Make sure that the hub runs and holds every course image.

    A hub that has them all needs neither network nor engine. An engine that had to be started
    to build images is stopped again; the hub is left running.

    Takes, gives and raises what `dockerlab.engine.fill.fill` does.
    """
    hub = _hub(places, bundle, progress)
    hub.start()
    storage = hub.storing()
    if all(storage.state(image, thorough=thorough) == "whole" for image in COURSE_IMAGES):
        return fill(hub, None)
    ran = embedded.is_running(places)
    try:
        with closing(connect(find("embedded", progress))) as client:
            return fill(hub, client, mirror=mirror, bundle=bundle, progress=progress)
    finally:
        if not ran:
            embedded.stop(places)
            hub.start()


def save_bundle(places: Places, file: Path, progress: Progress = silent) -> int:
    """Write the course's images and the engine's packages into ``file``; give its size in bytes.

    Raises
    ------
    HubError, EngineError
        Something of it can't be had, or the file can't be written.
    """
    stock(places, progress)
    suite = choose(places, None, None).suite
    with embedded.hub(places).registry() as registry:
        return bundles.save(
            registry,
            file,
            progress,
            finish=lambda whole: provisions.pack(places, suite, whole, progress),
        )


def load_bundle(places: Places, file: Path, progress: Progress = silent) -> tuple[CourseImage, ...]:
    """Put a bundle's images into the hub, and bring the engine from it where that is missing.

    Raises
    ------
    HubError, EngineError
        The file is no whole bundle, or was made for another system; nothing of it is kept.
    """
    hub = _hub(places, file, progress)
    hub.start()
    return bundles.load(hub.storing(_("a bundle")), file, hub.folder, progress=progress)


def _hub(places: Places, bundle: Path | None, progress: Progress) -> Hub:
    suite = choose(places, None, None).suite
    if bundle and not programs.is_there(places, suite):
        provisions.unpack(places, suite, bundle, progress)
    return embedded.hub(places, progress)
