"""Two images, or what containers made of them, side by side: layers, settings and files."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

import docker

from dockerlab.facts.file_reading import read_files
from dockerlab.facts.files import Entry
from dockerlab.facts.images import read_config, read_stack
from dockerlab.facts.names import (
    Thing,
    identity,
    inspect_container,
    inspect_image,
    is_container,
)
from dockerlab.facts.values import Config, Container, Image, Stack
from dockerlab.facts.written import read_written

FileKind = Literal["only a", "only b", "content", "mode", "owner", "type"]
"""How a path differs; "content" also where only a container's engine knows that it changed."""


@dataclass(frozen=True)
class Side:
    """One of the two.

    Parameters
    ----------
    name : str
        Of the image or of the container.
    image : Image
        The image, or the one the container stands on.
    container : Container or None
        The container, if it is one.
    config : Config
        The settings, which a container may have changed.
    """

    name: str
    image: Image
    container: Container | None
    config: Config

    @property
    def bytes(self) -> int:
        """Bytes of all layers, the writable one included."""
        return self.image.unpacked + ((self.container.writable or 0) if self.container else 0)


@dataclass(frozen=True)
class SettingDifference:
    """A setting that differs; None where a side does not have it.

    `kind` is as a Dockerfile calls it ("ENV", "CMD"), `key` is the name of the variable or label,
    or the port or volume.
    """

    kind: str
    key: str
    a: str | None
    b: str | None


@dataclass(frozen=True)
class FileDifference:
    """A path that differs, with its bytes on each side; None where it is not or is not known."""

    path: str
    kind: FileKind
    a: int | None = None
    b: int | None = None


@dataclass(frozen=True)
class Comparison:
    """What two sides have in common and what not.

    Parameters
    ----------
    stack : Stack
        Both, as one stack picture shows them.
    common : int
        How many layers from the base up are the same.
    settings : tuple of SettingDifference
        In the order of a Dockerfile's reference, then by key.
    files : tuple of FileDifference or None
        By path; None where the files were not read.
    """

    a: Side
    b: Side
    stack: Stack
    common: int
    settings: tuple[SettingDifference, ...]
    files: tuple[FileDifference, ...] | None = None

    @property
    def same(self) -> bool:
        """Whether both are the same image and nothing was written on top."""
        writes = [side.container.changes for side in (self.a, self.b) if side.container]
        same_layers = _diff_ids(self.a.image) == _diff_ids(self.b.image)
        return same_layers and not self.settings and not any(writes)


def read_comparison(
    client: docker.DockerClient, a: Thing, b: Thing, *, files: bool = True
) -> Comparison:
    """Read two images, an image and a container, or two containers.

    Parameters
    ----------
    client : docker.DockerClient
        A client to the engine.
    a, b : str or docker-py object
        By name, (short) ID or object.
    files : bool
        Whether to compare their files too. Layers that were never read are saved for that, which
        takes some seconds for a large image.

    Raises
    ------
    UnknownNameError
        One of them is not there; the error names the nearest.
    EngineError
        The engine doesn't answer.
    """
    stack = read_stack(client, a, b)
    left, right = _side(client, a, stack), _side(client, b, stack)
    return Comparison(
        a=left,
        b=right,
        stack=stack,
        common=_common(_diff_ids(left.image), _diff_ids(right.image)),
        settings=tuple(_settings(left.config, right.config)),
        files=_files(client, left, right) if files else None,
    )


def _side(client: docker.DockerClient, thing: Thing, stack: Stack) -> Side:
    images = {image.id: image for image in stack.images}
    if not is_container(client, thing):
        image = images[str(inspect_image(client, thing).get("Id"))]
        asked = identity(thing)
        named = next((tag for tag in (asked, f"{asked}:latest") if tag in image.tags), image.name)
        return Side(named, image, None, image.config)
    data = inspect_container(client, thing)
    container = next(one for one in stack.containers if one.id == data.get("Id"))
    config = read_config(data.get("Config") or {})
    return Side(container.name, images[container.image_id], container, config)


def _diff_ids(image: Image) -> tuple[str, ...]:
    return tuple(layer.diff_id for layer in image.layers)


def _common(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    count = 0
    for one, other in zip(a, b, strict=False):
        if one != other:
            break
        count += 1
    return count


def _settings(a: Config, b: Config) -> Iterator[SettingDifference]:
    left, right = _flat(a), _flat(b)
    for kind in _KINDS:
        keys = {key for side in (left, right) for of_kind, key in side if of_kind == kind}
        for key in sorted(keys):
            one, other = left.get((kind, key)), right.get((kind, key))
            if one != other:
                yield SettingDifference(kind, key, one, other)


_KINDS = ("ENTRYPOINT", "CMD", "ENV", "USER", "WORKDIR", "EXPOSE", "VOLUME", "LABEL")


def _flat(config: Config) -> dict[tuple[str, str], str]:
    single = {
        "ENTRYPOINT": " ".join(config.entrypoint),
        "CMD": " ".join(config.command),
        "USER": config.user,
        "WORKDIR": config.directory,
    }
    found = {(kind, ""): value for kind, value in single.items() if value}
    for variable in config.environment:
        name, _, value = variable.partition("=")
        found["ENV", name] = value
    found.update({("EXPOSE", port): "" for port in config.ports})
    found.update({("VOLUME", path): "" for path in config.volumes})
    found.update({("LABEL", name): value for name, value in config.labels})
    return found


def _files(client: docker.DockerClient, a: Side, b: Side) -> tuple[FileDifference, ...]:
    same = _diff_ids(a.image) == _diff_ids(b.image)
    visible: list[Mapping[str, Entry]] = (
        [{}, {}]
        if same  # the layers can't differ: only what containers wrote does
        else [read_files(client, side.image.id).visible for side in (a, b)]
    )
    found = {one.path: one for one in _between(visible[0], visible[1])}
    views = [_view(client, side) for side in (a, b)]
    for path in views[0].keys() | views[1].keys():
        states = [
            view[path][1]
            if path in view
            # without having read the image: what the other container did tells what was there
            else _State(there=beside[path][0] != "A")
            if same
            else _state(entries.get(path))
            for view, beside, entries in zip(views, reversed(views), visible, strict=True)
        ]
        found.pop(path, None)
        if (difference := _differ(path, *states)) is not None:
            found[path] = difference
    # a folder differs because of what lies in it, which is told anyway
    folders = {str(parent) for path in found for parent in PurePosixPath(path).parents}
    told = (found[path] for path in sorted(found))
    return tuple(one for one in told if one.path not in folders or one.kind in ("mode", "owner"))


def _between(a: Mapping[str, Entry], b: Mapping[str, Entry]) -> Iterator[FileDifference]:
    for path in a.keys() | b.keys():
        one, other = a.get(path), b.get(path)
        if one is None or other is None:
            kind: FileKind = "only b" if one is None else "only a"
            yield FileDifference(path, kind, one and one.size, other and other.size)
        elif (different := _aspect(one, other)) is not None:
            yield FileDifference(path, different, one.size, other.size)


def _aspect(one: Entry, other: Entry) -> FileKind | None:
    if one.kind != other.kind:
        return "type"
    if (one.size, one.digest, one.target, one.device) != (
        other.size, other.digest, other.target, other.device,
    ):  # fmt: skip
        return "content"
    if one.mode != other.mode:
        return "mode"
    return "owner" if (one.uid, one.gid) != (other.uid, other.gid) else None


class _State(NamedTuple):
    """What a side has at a path, as far as it is known."""

    there: bool
    size: int | None = None
    mode: int | None = None
    digest: bytes = b""
    folder: bool = False


def _state(entry: Entry | None) -> _State:
    if entry is None:
        return _State(there=False)
    folder = entry.kind == "directory"
    size = None if folder else entry.size
    return _State(
        there=True, size=size, mode=entry.mode & 0o777, digest=entry.digest, folder=folder
    )


def _view(client: docker.DockerClient, side: Side) -> dict[str, tuple[str, _State]]:
    """Return what a container wrote: by path the kind of change, and what is there now."""
    if side.container is None:
        return {}
    changes = side.container.changes
    stored = [change.path for change in changes if change.kind != "D"]
    now = read_written(client, side.container.id, stored)
    view: dict[str, tuple[str, _State]] = {}
    for change in changes:
        state = _State(there=change.kind != "D")
        if (found := now.get(change.path)) and state.there:
            size = None if found.folder else found.size
            state = _State(
                there=True, size=size, mode=found.mode, digest=found.digest, folder=found.folder
            )
        view[change.path] = (change.kind, state)
    return view


def _differ(path: str, a: _State, b: _State) -> FileDifference | None:
    if not a.there or not b.there:
        if a.there == b.there:
            return None
        return FileDifference(path, "only a" if a.there else "only b", a.size, b.size)
    if (a.folder and b.folder) or (a.digest and a.digest == b.digest):
        differs = None not in (a.mode, b.mode) and a.mode != b.mode
        return FileDifference(path, "mode", a.size, b.size) if differs else None
    return FileDifference(path, "content", a.size, b.size)
