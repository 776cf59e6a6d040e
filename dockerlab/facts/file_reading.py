"""The files of an image, layer by layer: from an engine, or from an archive on disk."""

from pathlib import Path

import docker

from dockerlab.errors import UnknownNameError, UsageError
from dockerlab.facts.archive.layer import Capture
from dockerlab.facts.archives import ArchiveOnDisk
from dockerlab.facts.engine_images import ImageOnEngine
from dockerlab.facts.files import Content, Entry, Files, shown_path
from dockerlab.facts.layer_cache import LayerCache
from dockerlab.facts.names import Thing, find_image, identity, nearest
from dockerlab.facts.progress import Progress, silent
from dockerlab.language import _

_MOST_LINKS = 40  # symbolic links on the way to one file, as in the kernel
_MOST_NAMES = 2000  # that are looked at for the one that was meant


def read_files(
    client: docker.DockerClient | None,
    thing: Thing | Path,
    *,
    image: str | None = None,
    platform: str | None = None,
    progress: Progress = silent,
    cache: LayerCache | None = None,
) -> Files:
    """Read what each layer of an image adds, changes and deletes, what is seen and what wasted.

    From an engine the image is saved (GET /images/{name}/get) and read while it comes; nothing
    is unpacked to disk. An image whose layers were all read before is not saved again.

    Parameters
    ----------
    client : docker.DockerClient or None
        The engine; None for an archive.
    thing : Thing or Path
        An image by name, (short) ID or docker-py object; or the path of an archive that
        ``docker save`` made, of an OCI image layout in a tar archive, or of one in a folder.
    image, platform : str, optional
        Which image of an archive that holds several ("nginx:latest", "linux/arm64").
    progress : Progress
        Told how many bytes were read.
    cache : LayerCache, optional
        What was read before; in the user's cache folder unless told.

    Raises
    ------
    UnknownNameError
        There is no such image, neither there nor as a file; the error names the nearest one.
    UsageError
        The archive holds several images and none was named.
    ArchiveError
        The archive is damaged, cut off, or claims what can't be.
    EngineError
        The engine doesn't answer.
    """
    return _find(client, thing, image, platform).files(cache or LayerCache(), progress)


def read_content(
    client: docker.DockerClient | None,
    thing: Thing | Path,
    path: str,
    *,
    layer: int | None = None,
    limit: int = 1_000_000,
    image: str | None = None,
    platform: str | None = None,
    progress: Progress = silent,
    cache: LayerCache | None = None,
) -> Content:
    """Read what is in a file of an image.

    Parameters
    ----------
    client, thing, image, platform, progress, cache
        As in `read_files`.
    path : str
        The file; symbolic links are followed.
    layer : int, optional
        Read it as this layer stores it (0 is the base), even if it can't be seen any more;
        as a container sees it unless told. Links are not followed then.
    limit : int
        Bytes to read at most.

    Raises
    ------
    UnknownNameError
        There is no such file, or not in that layer.
    UsageError
        It is no regular file.
    ArchiveError, EngineError
        As in `read_files`.
    """
    place = _find(client, thing, image, platform)
    files = place.files(cache or LayerCache(), progress)
    path = "/" + path.strip("/")
    entry = _seen(files, path) if layer is None else _stored(files, path, layer)
    if entry.kind != "file":
        raise UsageError(
            _("{path} is no regular file.").format(path=shown_path(entry.path)),
            _("Only those have a content."),
        )
    capture = Capture(files.layers[entry.layer].diff_id, entry.inode, min(limit, entry.size))
    if capture.limit > 0:
        place.read(progress, capture)
    return Content(entry, bytes(capture.content))


def _find(
    client: docker.DockerClient | None, thing: Thing | Path, image: str | None, platform: str | None
) -> ArchiveOnDisk | ImageOnEngine:
    if client is None or isinstance(thing, Path):
        path = thing if isinstance(thing, Path) else Path(identity(thing)).expanduser()
        return ArchiveOnDisk(path, image, platform)
    if isinstance(thing, str):
        # No image is called like the first; any other may be both, and then the image is meant.
        path = Path(thing).expanduser()
        sure = thing.startswith(("/", ".", "~"))
        if sure or ("\0" not in thing and path.exists() and find_image(client, thing) is None):
            return ArchiveOnDisk(path, image, platform)
    return ImageOnEngine(client, thing)


def _seen(files: Files, path: str) -> Entry:
    """Return what a path leads to in a container, symbolic links followed."""
    followed = 0
    waiting = path.split("/")[::-1]
    at = ""
    while waiting:
        part = waiting.pop()
        if part in {"", "."}:
            continue
        if part == "..":
            at = at.rpartition("/")[0]
            continue
        entry = files.visible.get(f"{at}/{part}")
        if entry is None:
            raise _no_such_file(files, path)
        if entry.kind != "symlink":
            at = entry.path
            continue
        followed += 1
        if followed > _MOST_LINKS:
            raise UsageError(
                _("{path} is a symbolic link that leads nowhere.").format(path=shown_path(path))
            )
        at = "" if entry.target.startswith("/") else at
        waiting += entry.target.split("/")[::-1]
    return files.visible[at] if at else Entry("/", "directory", 0, 0, 0o755, 0, 0)


def _stored(files: Files, path: str, layer: int) -> Entry:
    told = files.layer(layer)
    change = told.changed.get(path)
    entry = change.after if change else told.added.get(path) or told.repeated.get(path)
    if entry is None:
        raise UnknownNameError(
            _("Layer {number} doesn't store {path}.").format(number=layer, path=shown_path(path))
        )
    return entry


def _no_such_file(files: Files, path: str) -> UnknownNameError:
    folder = path.rpartition("/")[0]
    beside = [one for one in files.visible if one.rpartition("/")[0] == folder]
    near = nearest(path, beside[:_MOST_NAMES])
    problem = _("There is no {path} in {image}").format(path=shown_path(path), image=files.name)
    if near is None:
        return UnknownNameError(problem + ".")
    return UnknownNameError(
        problem + ";", _("did you mean '{near}'?").format(near=shown_path(near))
    )
