"""What the hub holds, as a list."""

from dataclasses import dataclass, replace

from dockerlab.engine.images import COURSE_IMAGES, host_architecture
from dockerlab.engine.registry import Registry
from dockerlab.engine.storage import Storage


@dataclass(frozen=True)
class HeldImage:
    """An image in the hub.

    Parameters
    ----------
    name : str
        Its repository as a student types it.
    tags : tuple of str
        The tags that mean it.
    digest : str
        Its manifest's digest.
    size : int
        Bytes a pull of it travels, layers compressed.
    purpose : str
        What the course uses it for; empty for an image that is not the course's.
    origin : str
        Where it came from: ``"Debian packages"`` when it was built here, ``"Docker Hub"``, a
        mirror's URL. Empty where it is not what dockerlab put there, all of it and unchanged.
    """

    name: str
    tags: tuple[str, ...]
    digest: str
    size: int
    purpose: str
    origin: str


def held_images(hub: Registry, storage: Storage) -> tuple[HeldImage, ...]:
    """List what the hub holds, the course's images first and in the course's order.

    Parameters
    ----------
    hub : Registry
        The running hub.
    storage : Storage
        Its files, which know where an image came from.

    Raises
    ------
    HubError
        The hub does not answer.
    """
    order = {image.repository: number for number, image in enumerate(COURSE_IMAGES)}
    repositories = sorted(hub.repositories(), key=lambda name: (order.get(name, len(order)), name))
    return tuple(held for name in repositories for held in _held(hub, storage, name))


def _held(hub: Registry, storage: Storage, repository: str) -> list[HeldImage]:
    found: dict[str, HeldImage] = {}
    name = repository.removeprefix("library/")
    put = storage.put()
    for tag in hub.tags(repository):
        manifest = hub.manifest(repository, tag, host_architecture())
        if manifest is None:
            continue
        digest = manifest.descriptor.digest
        whole = storage.state_of(repository, tag) == "whole"
        origin = put[f"{name}:{tag}"].origin if whole else ""
        if known := found.get(digest):
            # one tag that nobody answers for takes the origin from all
            agreed = origin if origin == known.origin else ""
            found[digest] = replace(known, tags=(*known.tags, tag), origin=agreed)
            continue
        image = next((each for each in COURSE_IMAGES if each.repository == repository), None)
        purpose = image.purpose if image else ""
        found[digest] = HeldImage(name, (tag,), digest, manifest.size, purpose, origin)
    return list(found.values())
