"""A hub of a test's own, beside the one of the engine."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dockerlab.engine import embedded
from dockerlab.engine.bundle import Trusted, inspect
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


def trusted(file: Path) -> Trusted:
    """Trust a bundle, whatever its sum."""
    seen = inspect(file)
    return seen.trust(seen.sha256)
