"""What a pull or a push moved, as frozen values: sizes in bytes."""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["exists", "downloaded", "pushed", "mounted"]


@dataclass(frozen=True)
class MovedLayer:
    """What became of one layer.

    Parameters
    ----------
    id : str
        The 12 characters the engine calls it by: of the compressed blob in a pull, on overlay2 in
        a push of the unpacked layer.
    outcome : Outcome
        "exists": the other side had it; "mounted": the registry took it from another repository.
    size : int or None
        Bytes that moved; None where none did or the engine doesn't tell.
    source : str
        The repository it was mounted from.
    """

    id: str
    outcome: Outcome
    size: int | None = None
    source: str = ""


@dataclass(frozen=True)
class Transfer:
    """A pull or push that has ended well.

    Parameters
    ----------
    name : str
        The image's name with its tag.
    layers : tuple of MovedLayer
        In the engine's order; without those it doesn't speak of.
    digest : str
        The manifest's (or index's) digest, by which both sides now know it.
    unchanged : bool
        Whether a pull found that the engine has this very image.
    unpacked : bool
        Whether the sizes are those before compression: so overlay2 counts a push.
    """

    direction: Literal["pull", "push"]
    name: str
    layers: tuple[MovedLayer, ...] = ()
    digest: str = ""
    unchanged: bool = False
    unpacked: bool = False
