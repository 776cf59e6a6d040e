"""What an engine holds, as frozen values: sizes in bytes, times in UTC, IDs in full."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

State = Literal[
    "created", "running", "paused", "restarting", "removing", "exited", "dead", "removed"
]
"""A container's state; "removed" is what remains of it in the engine's events."""

IdSource = Literal["config", "manifest", "index", "manifest or index"]
"""What an image's ID is the digest of: its store decides, so one image has several IDs."""

EMPTY_LAYER = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
"""The diff ID of a tar archive without entries: a layer that changes nothing."""


def short_id(identity: str) -> str:
    """Return an ID as the docker CLI prints it: 12 characters, without its algorithm."""
    return identity.rpartition(":")[2][:12]


@dataclass(frozen=True)
class Step:
    """One line of an image's history (GET /images/{name}/history).

    Parameters
    ----------
    instruction : str
        The Dockerfile keyword ("RUN", "COPY", …), "COMMIT" for a container that was committed,
        or empty where the history doesn't say.
    argument : str
        What followed the keyword; without one, all that the history says.
    size : int
        Bytes that the step added.
    comment : str
        The builder's mark or the message of a commit.
    image_id : str
        The image that ends with this step, empty where the engine doesn't have it ("<missing>").
    created : datetime or None
        When the step was made.
    """

    instruction: str
    argument: str
    size: int
    comment: str = ""
    image_id: str = ""
    created: datetime | None = None

    @property
    def text(self) -> str:
        """The step as a line of a Dockerfile."""
        return f"{self.instruction} {self.argument}".strip()


@dataclass(frozen=True)
class Layer:
    """One read-only layer.

    Parameters
    ----------
    diff_id : str
        Digest of the layer's uncompressed archive.
    size : int or None
        Bytes unpacked, None where the engine's history doesn't tell.
    step : int or None
        Which of the image's steps made it, None where the history doesn't tell.
    shared_with : tuple of str
        Other local images that stand on this very layer and all those below it.
    """

    diff_id: str
    size: int | None
    step: int | None
    shared_with: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether the layer changes nothing at all."""
        return self.diff_id == EMPTY_LAYER


@dataclass(frozen=True)
class Config:
    """The settings an image gives its containers."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    user: str = ""
    directory: str = ""
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Image:
    """An image on an engine.

    Parameters
    ----------
    id : str
        Its ID: the digest of its config (overlay2) or of its manifest or index (containerd).
    id_of : IdSource
        Which of these it is here; "manifest or index" where the engine doesn't say.
    name : str
        The tag it was asked for by, else its first tag, else its short ID.
    tags, digests : tuple of str
        All names it has here.
    size : int
        Bytes as the engine counts them: unpacked (overlay2), compressed (containerd store).
    platform : str
        As "linux/amd64".
    store : str
        The engine's image store: "containerd", or the storage driver's name.
    layers : tuple of Layer
        Base first.
    steps : tuple of Step
        Oldest first.
    """

    id: str
    name: str
    size: int
    layers: tuple[Layer, ...]
    steps: tuple[Step, ...]
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    platform: str = ""
    store: str = ""
    parent: str = ""
    created: datetime | None = None
    config: Config = Config()
    id_of: IdSource = "config"

    @property
    def unpacked(self) -> int:
        """Bytes of all layers together, on disk; the same on every image store."""
        return sum(layer.size or 0 for layer in self.layers)


@dataclass(frozen=True)
class FileChange:
    """A path in a container that differs from its image: "A"dded, "C"hanged or "D"eleted."""

    kind: Literal["A", "C", "D"]
    path: str


@dataclass(frozen=True)
class StateChange:
    """A step on a container's way.

    Parameters
    ----------
    state : State
        The state it came to.
    action : str
        What led there: "create", "start", "restart", "pause", "unpause", "stop", "kill", "end"
        (the process ended by itself), "oom", "policy" (the restart policy), "rm"; empty where there
        is no telling.
    at : datetime or None
        When.
    exit_code : int or None
        Of the process that ended here.
    witnessed : bool
        True where an event tells it; False where it follows from the container's present state,
        because the engine keeps only its last 256 events and none over its own restart.
    """

    state: State
    action: str
    at: datetime | None = None
    exit_code: int | None = None
    witnessed: bool = True


@dataclass(frozen=True)
class Container:
    """A container on an engine, or what the events remember of one.

    Parameters
    ----------
    exit_code : int or None
        Of the last process that ended, or that couldn't be started; None if there is none.
    error : str
        What the engine said when it couldn't start it.
    path : tuple of StateChange
        The states it went through, in order.
    writable : int or None
        Bytes in its writable layer, None where the engine doesn't tell.
    changes : tuple of FileChange
        The paths in its writable layer that differ from the image.
    """

    id: str
    name: str
    image: str
    image_id: str
    state: State
    exit_code: int | None = None
    oom_killed: bool = False
    error: str = ""
    restart_policy: str = "no"
    path: tuple[StateChange, ...] = ()
    writable: int | None = None
    changes: tuple[FileChange, ...] = ()


@dataclass(frozen=True)
class Commit:
    """An image that ``docker commit`` made: its top layer was the container's writable one.

    `witnessed` is False where only the same command tells that it was this container.
    """

    container_id: str
    image_id: str
    witnessed: bool = True


@dataclass(frozen=True)
class Stack:
    """What one stack picture shows: images, and containers that stand on them."""

    images: tuple[Image, ...]
    containers: tuple[Container, ...] = ()
    commits: tuple[Commit, ...] = ()
