"""A hub of a test's own, beside the one of the engine."""

import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from dockerlab.engine import embedded
from dockerlab.engine.held import HeldImage, held_images
from dockerlab.engine.hub import Hub
from dockerlab.engine.images import COURSE_IMAGES
from dockerlab.engine.places import Places


def hub_in(places: Places, folder: Path) -> Hub:
    """Give a stopped, empty hub that lives in ``folder`` and runs the engine's registry."""
    programs = embedded.hub(places).programs
    return Hub(programs, folder / "hub", folder / "home", folder / "run")


@contextmanager
def running(hub: Hub) -> Iterator[Hub]:
    hub.start()
    try:
        yield hub
    finally:
        hub.stop()


def held(hub: Hub) -> dict[str, HeldImage]:
    with hub.registry() as registry:
        return {image.name: image for image in held_images(registry, hub.storing())}


def tags_in(hub: Hub) -> list[str]:
    with hub.registry() as registry:
        return [tag for image in COURSE_IMAGES for tag in registry.tags(image.repository)]


def rewrite(
    source: Path,
    target: Path,
    change: Callable[[tarfile.TarInfo, bytes], tuple[tarfile.TarInfo, bytes] | None],
) -> None:
    """Copy a tar archive, changing or leaving out members."""
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        for member in old:
            stream = old.extractfile(member)
            changed = change(member, stream.read() if stream else b"")
            if changed:
                header, content = changed
                header.size = len(content)
                new.addfile(header, BytesIO(content))
