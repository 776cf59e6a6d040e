"""The files of an image, layer by layer, as frozen values: sizes in bytes, paths absolute.

Paths are `str`; bytes that are not UTF-8 are kept as lone surrogates (``os.fsencode`` gives them
back), and `shown_path` is what can be printed.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from dockerlab.errors import UnknownNameError
from dockerlab.facts.values import Step
from dockerlab.language import _

Kind = Literal["file", "directory", "symlink", "link", "character", "block", "pipe"]
"""What a path is; "link" is a hard link to something that is nowhere."""

Aspect = Literal["content", "mode", "owner", "type", "attributes"]
"""What of a path a layer changed; "attributes" are the extended ones, like capabilities."""

Reason = Literal["deleted", "replaced", "mode", "owner", "attributes", "type", "repeated", "twice"]
"""Why stored bytes are no longer to be seen.

A later layer deleted the file, replaced its content, changed only its mode, owner or attributes,
put something that is no file in its place, or stored the very same once more; or one layer stores
a path twice.
"""


class Entry(NamedTuple):
    """A path as one layer stores it.

    A tuple, not a dataclass: an image has hundred thousands, and a tuple is made five times as
    fast.

    Parameters
    ----------
    path : str
        Absolute, without a slash at its end.
    kind : Kind
        What it is.
    size : int
        Bytes that a reader of the file sees.
    stored : int
        Bytes that the layer stores for it: less than `size` where the file is sparse.
    mode, uid, gid : int
        Permission bits and the numbers of user and group.
    target : str
        What a symbolic link points at, as written.
    device : tuple of int
        Major and minor number of a device.
    digest : bytes
        Tells contents apart: the first half of a SHA-256.
    attributes : bytes
        Tells sets of extended attributes apart; empty without any.
    inode : int
        The same for all hard links to one file in a layer.
    link : str
        For a further name of a file that the layer stores already: its first name.
    layer : int
        Position of the layer, 0 the base; -1 outside of an image.
    """

    path: str
    kind: Kind
    size: int
    stored: int
    mode: int
    uid: int
    gid: int
    target: str = ""
    device: tuple[int, int] = (0, 0)
    digest: bytes = b""
    attributes: bytes = b""
    inode: int = -1
    link: str = ""
    layer: int = -1


@dataclass(frozen=True, slots=True)
class Change:
    """A path that a layer stores otherwise than the layers below show it."""

    before: Entry
    after: Entry
    aspects: tuple[Aspect, ...]

    @property
    def path(self) -> str:
        """Where."""
        return self.after.path


@dataclass(frozen=True)
class LayerFiles:
    """What one layer does to the files of those below it.

    Parameters
    ----------
    diff_id : str
        Digest of its uncompressed archive.
    step : int or None
        Position in the image's steps, 0 the oldest; None where the history doesn't tell.
    size : int
        Bytes of file contents it stores; a file with several hard links counts once.
    added, deleted : mapping of str to Entry
        By path, in order; of what is deleted, what there was, with all that lay below it.
    changed : mapping of str to Change
        By path. A new time alone is no change.
    repeated : mapping of str to Entry
        What it stores again although nothing about it changed; folders are left out.
    dangling : tuple of str
        Paths it deletes that the layers below don't have.
    """

    diff_id: str
    step: int | None
    size: int
    added: Mapping[str, Entry]
    changed: Mapping[str, Change]
    deleted: Mapping[str, Entry]
    repeated: Mapping[str, Entry]
    dangling: tuple[str, ...] = ()


@dataclass(frozen=True)
class Waste:
    """A file that travels with the image and that nobody sees.

    Parameters
    ----------
    path : str
        Its path in the layer that stores it.
    bytes : int
        What that layer stores of it.
    stored_by, hidden_by : int
        Positions of the layers.
    reason : Reason
        How it was hidden.
    why : str
        All that in a sentence.
    """

    path: str
    bytes: int
    stored_by: int
    hidden_by: int
    reason: Reason
    why: str


@dataclass(frozen=True)
class Files:
    """The files of an image.

    Parameters
    ----------
    name, platform : str
        As "nginx:latest" and "linux/amd64".
    steps : tuple of Step
        The image's history, oldest first.
    layers : tuple of LayerFiles
        Bottom first.
    visible : mapping of str to Entry
        What a container sees, by path: the entry of the layer that provides it.
    waste : tuple of Waste
        The largest first.
    """

    name: str
    platform: str
    steps: tuple[Step, ...]
    layers: tuple[LayerFiles, ...]
    visible: Mapping[str, Entry]
    waste: tuple[Waste, ...]

    @property
    def stored_bytes(self) -> int:
        """Bytes of file contents in all layers."""
        return sum(layer.size for layer in self.layers)

    @property
    def unseen_bytes(self) -> tuple[int, ...]:
        """Of each layer, bytes that it stores and that can't be seen in a container."""
        unseen = [0] * len(self.layers)
        for waste in self.waste:
            unseen[waste.stored_by] += waste.bytes
        return tuple(unseen)

    def layer(self, number: int) -> LayerFiles:
        """Return a layer by its number, 0 the base.

        Raises
        ------
        UnknownNameError
            There is no such layer.
        """
        if not 0 <= number < len(self.layers):
            raise UnknownNameError(
                _("There is no layer {number};").format(number=number),
                _("{image} has {count}, counted from 0.").format(
                    image=self.name, count=len(self.layers)
                ),
            )
        return self.layers[number]

    @property
    def waste_bytes(self) -> int:
        """Bytes of them that can't be seen in a container."""
        return sum(waste.bytes for waste in self.waste)

    @property
    def efficiency(self) -> float:
        """The share of the stored bytes that can be seen, 1.0 where nothing is stored."""
        stored = self.stored_bytes
        return 1 - self.waste_bytes / stored if stored else 1.0


@dataclass(frozen=True)
class Content:
    """What is in a file.

    Parameters
    ----------
    entry : Entry
        The file, after symbolic links to it were followed.
    content : bytes
        Its first bytes, all of them where `whole`.
    """

    entry: Entry
    content: bytes

    @property
    def whole(self) -> bool:
        """Whether that is all of it."""
        return len(self.content) == self.entry.size


def shown_path(path: str) -> str:
    r"""Return a path fit to print, different paths differently.

    Bytes that are not UTF-8, control characters, direction marks and all that is not to be seen
    become escapes like ``\xff`` and ``\u202e``.
    """
    return "".join(character if _is_seen(character) else _escape(character) for character in path)


def _is_seen(character: str) -> bool:
    if character in " \\":
        return character == " "
    return unicodedata.category(character)[0] in "LMNPS"


def _escape(character: str) -> str:
    if character == "\\":
        return r"\\"
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python keeps a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
