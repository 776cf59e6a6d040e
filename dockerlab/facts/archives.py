"""Image archives on disk: which images they hold, and which one is meant."""

import platform as machine
from collections.abc import Sequence
from pathlib import Path

from dockerlab.errors import UnknownNameError, UsageError
from dockerlab.facts.archive.fault import ArchiveError
from dockerlab.facts.archive.images import ArchivedImage, find_images
from dockerlab.facts.archive.layer import Capture, LayerTable
from dockerlab.facts.archive.merge import merge, refuse_too_many
from dockerlab.facts.archive.shelf import Shelf, read_archive, read_folder
from dockerlab.facts.archive.source import file_chunks
from dockerlab.facts.files import Files
from dockerlab.facts.layer_cache import LayerCache
from dockerlab.facts.names import nearest
from dockerlab.facts.plain import plain
from dockerlab.facts.progress import Progress, counted
from dockerlab.facts.steps import read_steps
from dockerlab.facts.times import from_text
from dockerlab.facts.values import Step
from dockerlab.language import _

_LISTS = ("index.json", "manifest.json")  # one of them tells what an archive holds
_MOST_NAMES = 1000  # that are looked at for the one that was meant
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm/v7"}


class ArchiveOnDisk:
    """An image in an archive that ``docker save`` or another tool made, or in an OCI layout.

    Parameters
    ----------
    path : Path
        The archive, or the layout's folder.
    image, platform : str or None
        Which image of several.
    """

    def __init__(self, path: Path, image: str | None = None, platform: str | None = None) -> None:
        self._path = path
        self._image = image
        self._platform = platform

    def files(self, cache: LayerCache, progress: Progress) -> Files:
        """Read its files; what is learned of its layers is kept for next time."""
        shelf = self.read(progress)
        image = choose(find_images(shelf), self._image, self._platform)
        tables = tables_of(shelf, image)
        refuse_too_many(plain(image.name), tables)
        cache.put(tables)
        steps, made_by = steps_of(image, tables)
        return merge(plain(image.name), plain(image.platform), steps, tables, made_by)

    def read(self, progress: Progress, capture: Capture | None = None) -> Shelf:
        """Read the archive, as far as it is needed for `capture`.

        Raises
        ------
        ArchiveError
            It can't be read, or is none.
        """
        if self._path.is_dir():
            if not any(Path(self._path, name).is_file() for name in _LISTS):
                raise ArchiveError(
                    _("The folder {name} holds no image.").format(name=plain(self._path)),
                    _("Name an OCI image layout, or an archive that `docker save` made."),
                )
            return read_folder(self._path, capture)
        if self._path.exists() and not self._path.is_file():
            raise ArchiveError(
                _("{name} is no file.").format(name=plain(self._path)),
                _("Name an archive that `docker save` made."),
            )
        label = _("Reading {name}").format(name=plain(self._path.name))
        total = self._path.stat().st_size if self._path.is_file() else None
        return read_archive(counted(file_chunks(self._path), progress, label, total), capture)


def choose(
    images: Sequence[ArchivedImage], name: str | None, platform: str | None
) -> ArchivedImage:
    """Return the one image that is meant; of several platforms this machine's, if none is named.

    Raises
    ------
    UnknownNameError
        The archive has no image of this name or for this platform.
    UsageError
        It has several, and none was named.
    """
    if name is not None:
        images = [image for image in images if _is_called(image, name)] or _unknown(images, name)
    if platform is not None:
        images = [image for image in images if image.platform == platform] or _not_for(
            images, platform
        )
    elif len({image.name for image in images}) == 1:
        images = [image for image in images if image.platform == _own_platform()] or images
    if len(images) > 1:
        listed = ", ".join(f"{plain(one.name)} ({plain(one.platform)})" for one in images[:10])
        raise UsageError(
            _("The archive holds {count} images: {listed}.").format(
                count=len(images), listed=listed
            ),
            _("Say which with image= or platform=."),
        )
    return images[0]


def tables_of(shelf: Shelf, image: ArchivedImage) -> tuple[LayerTable, ...]:
    """Return an image's layers, base first.

    Raises
    ------
    ArchiveError
        A layer isn't there, can't be read, or isn't the one that the image names.
    """
    tables = []
    for position, (name, diff_id) in enumerate(zip(image.layers, image.diff_ids, strict=True), 1):
        table = shelf.layer(name)
        if table is None:
            raise ArchiveError(
                _("The archive lacks layer {number} of {image}.").format(
                    number=position, image=plain(image.name)
                )
            )
        if table.diff_id != diff_id:
            raise ArchiveError(
                _("Layer {number} of {image} is not what its config says it is.").format(
                    number=position, image=plain(image.name)
                )
            )
        tables.append(table)
    return tuple(tables)


def steps_of(
    image: ArchivedImage, tables: Sequence[LayerTable]
) -> tuple[tuple[Step, ...], list[int | None]]:
    """Return an image's steps, oldest first, and for each layer the position of its step."""
    made_by: list[int | None] = []
    history = []
    for position, entry in enumerate(image.history):
        size = 0
        if entry.get("empty_layer") is not True and len(made_by) < len(tables):
            size = tables[len(made_by)].size
            made_by.append(position)
        history.append(
            {
                "CreatedBy": entry.get("created_by"),
                "Comment": entry.get("comment"),
                "Size": size,
                "Created": _seconds(entry.get("created")),
            }
        )
    steps = read_steps(history[::-1], parent="")
    return steps, made_by + [None] * (len(tables) - len(made_by))


def _seconds(text: object) -> float | None:
    try:
        time = from_text(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return None if time is None else time.timestamp()


def _is_called(image: ArchivedImage, name: str) -> bool:
    return name in image.names or f"{name}:latest" in image.names or name == image.name


def _unknown(images: Sequence[ArchivedImage], name: str) -> list[ArchivedImage]:
    near = nearest(name, [one.name for one in images[:_MOST_NAMES]])
    raise UnknownNameError(
        _("The archive holds no image '{name}';").format(name=plain(name)),
        _("did you mean '{near}'?").format(near=plain(near or images[0].name)),
    )


def _not_for(images: Sequence[ArchivedImage], platform: str) -> list[ArchivedImage]:
    listed = ", ".join(sorted({plain(image.platform) for image in images}))
    raise UnknownNameError(
        _("The archive holds nothing for {platform};").format(platform=plain(platform)),
        _("only for {listed}.").format(listed=listed),
    )


def _own_platform() -> str:
    own = machine.machine()
    return f"linux/{_ARCHITECTURES.get(own, own)}"
