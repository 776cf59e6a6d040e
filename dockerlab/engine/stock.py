"""The hub of the embedded engine, filled: what a first start does after the engine runs.

A bundle of it holds the images and the engine's packages: all that a machine without a network
needs beside dockerlab itself.
"""

import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from dockerlab.engine import bundle as bundles
from dockerlab.engine import embedded, programs, provisions
from dockerlab.engine.bundle import Bundle, Trusted
from dockerlab.engine.choice import choose
from dockerlab.engine.disk import require_writable
from dockerlab.engine.fill import Filled, fill
from dockerlab.engine.find import connect, find
from dockerlab.engine.images import COURSE_IMAGES, CourseImage
from dockerlab.engine.places import Places
from dockerlab.engine.progress import Progress, silent
from dockerlab.engine.provisions import Verified
from dockerlab.language import _


def stock(
    places: Places,
    progress: Progress = silent,
    *,
    mirror: str | None = None,
    bundle: Trusted | None = None,
    thorough: bool = False,
) -> tuple[Filled, ...]:
    """Make sure that the hub runs and holds every course image.

    A hub that has them all needs neither network nor engine. An engine that had to be started
    to build images is stopped again; the hub is left running.

    Takes, gives and raises what `dockerlab.engine.fill.fill` does.
    """
    suite = choose(places, None, None).suite
    if bundle and not programs.is_there(places, suite):
        with bundles.unpacked(bundle, places.hub, packages=True, progress=progress) as content:
            _install(places, suite, content.folder, progress)
    hub = embedded.hub(places, progress)
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


@dataclass(frozen=True)
class Loaded:
    """What came from a bundle: its images, and its packages where the engine was missing."""

    images: tuple[CourseImage, ...]
    engine: Verified | None


def save_bundle(places: Places, file: Path, progress: Progress = silent) -> Bundle:
    """Write the course's images and the engine's packages into ``file``.

    Raises
    ------
    HubError, EngineError
        Something of it can't be had, or the file can't be written.
    """
    require_writable(file)
    stock(places, progress)
    suite = choose(places, None, None).suite
    with (
        tempfile.TemporaryDirectory(prefix="save-", dir=places.packages) as work,
        embedded.hub(places).registry() as registry,
    ):
        packages = provisions.parts(places, suite, Path(work), progress)
        return bundles.save(registry, file, progress, packages=packages)


def load_bundle(places: Places, bundle: Trusted, progress: Progress = silent) -> Loaded:
    """Put a bundle's images into the hub, and bring the engine from it where that is missing.

    Raises
    ------
    HubError, EngineError
        The file is not the trusted one, no whole bundle, or was made for another system; its
        packages are not what the distribution signed. Nothing of it is then kept.
    """
    suite = choose(places, None, None).suite
    lacking = not programs.is_there(places, suite)
    with bundles.unpacked(bundle, places.hub, packages=lacking, progress=progress) as content:
        engine = _install(places, suite, content.folder, progress) if lacking else None
        origin = _("a bundle")
        images = content.store(embedded.hub(places, progress).storing(origin), progress=progress)
    embedded.hub(places).start()
    return Loaded(images, engine)


def _install(places: Places, suite: str, folder: Path, progress: Progress) -> Verified | None:
    verified = provisions.verify(suite, folder, progress)
    if verified:
        provisions.install(places, suite, folder, verified)
    return verified
