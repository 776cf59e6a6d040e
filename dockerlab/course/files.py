"""``lab.files``: what each layer of an image does to files, as a value, a picture and a widget."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dockerlab.course.bench import present, started
from dockerlab.facts import Thing, read_content, read_files
from dockerlab.facts.files import Content, Entry, Files, LayerFiles, Waste
from dockerlab.pictures import Picture, draw_content, draw_files
from dockerlab.pictures.files_tree import Sort

if TYPE_CHECKING:
    from dockerlab.live.files import Reader


class ImageFiles:
    """The files of an image.

    In JupyterLab it is a widget to walk through; everywhere else its `picture` is shown.

    Parameters
    ----------
    facts : Files
        What was read.
    picture : Picture
        Its still form.
    read : Reader
        Reads a file of it.
    """

    def __init__(self, facts: Files, picture: Picture, read: "Reader") -> None:
        self.facts = facts
        self.picture = picture
        self._read = read
        self._widget: Any = None

    @property
    def layers(self) -> tuple[LayerFiles, ...]:
        """The layers, the base first; each with what it added, changed and deleted by path."""
        return self.facts.layers

    @property
    def visible(self) -> Mapping[str, Entry]:
        """The paths that a container of the image sees."""
        return self.facts.visible

    @property
    def waste(self) -> tuple[Waste, ...]:
        """What is stored and sent though nobody sees it, the largest first."""
        return self.facts.waste

    @property
    def waste_bytes(self) -> int:
        """Bytes of that."""
        return self.facts.waste_bytes

    @property
    def efficiency(self) -> float:
        """The share of the stored bytes that can be seen, from 0 to 1."""
        return self.facts.efficiency

    def content(self, path: str, *, layer: int | None = None, limit: int = 1_000_000) -> Picture:
        """Show what is in a file.

        Parameters
        ----------
        path : str
            The file, as a container sees it; symbolic links are followed.
        layer : int, optional
            As this layer stores it (0 is the base), even if it can't be seen any more.
        limit : int
            Bytes to read at most.

        Raises
        ------
        UnknownNameError
            There is no such file, or not in that layer; the mend names the nearest.
        UsageError
            It is no regular file.
        """
        return draw_content(self._read(path, layer, limit), self.facts.name)

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> dict[str, str] | tuple[dict[str, Any], dict[str, Any]]:
        from dockerlab.live import FilesExplorer  # noqa: PLC0415 - only where it is shown

        still = self.picture._repr_mimebundle_(include, exclude)
        if self._widget is None:
            self._widget = FilesExplorer(self.facts, self._read)
        live = self._widget._repr_mimebundle_(include=include, exclude=exclude)
        if isinstance(live, tuple):
            bundle, metadata = live
            return {**bundle, **still}, metadata
        return {**(live or {}), **still}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.picture.title!r}>"

    def __str__(self) -> str:
        return self.picture.text


def files(
    thing: Thing | Path,
    *,
    find: str = "",
    sort: Sort = "size",
    layer: int | None = None,
    image: str | None = None,
    platform: str | None = None,
) -> ImageFiles:
    """Show what each layer of an image adds, changes and deletes, and what is stored unseen.

    Parameters
    ----------
    thing : str, Path or docker-py object
        An image by name, short ID or object; or the path of an archive that ``docker save`` made.
    find : str
        Only paths that match: a pattern such as ``*.conf``, or else a part of the path.
    sort : {"size", "path"}
        In which order the paths of a folder stand.
    layer : int, optional
        Only this layer, 0 the base, in more detail.
    image, platform : str, optional
        Which image of an archive that holds several ("nginx:latest", "linux/arm64").

    Returns
    -------
    ImageFiles
        A value with ``layers``, ``visible``, ``waste``, ``waste_bytes`` and ``efficiency``.

    Raises
    ------
    UnknownNameError
        There is no such image, neither on the engine nor as a file, or no such layer; the mend
        names the nearest.
    UsageError
        The archive holds several images and none was named.
    ArchiveError
        The archive is damaged, cut off, or claims what can't be.
    """
    on_disk = started() is None and isinstance(thing, str | Path) and Path(thing).exists()
    client = None if on_disk else present().client

    def read(path: str, layer: int | None, limit: int) -> Content:
        return read_content(
            client, thing, path, layer=layer, limit=limit, image=image, platform=platform
        )

    facts = read_files(client, thing, image=image, platform=platform)
    return ImageFiles(facts, draw_files(facts, find=find, sort=sort, layer=layer), read)
