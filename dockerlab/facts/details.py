"""What an engine tells of single images, asked for side by side and once per immutable ID."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from weakref import WeakKeyDictionary

import docker

from dockerlab.facts.names import Thing, asking, find_image, inspect_image

Json = Mapping[str, Any]

Chain = tuple[str, ...]
"""A layer's diff ID after those of all layers below it: what the engine stores once."""

_AT_ONCE = 8
"""Requests on their way together: docker-py keeps ten connections."""

_details: "WeakKeyDictionary[docker.DockerClient, ImageDetails]" = WeakKeyDictionary()


class ImageDetails:
    """The images of one engine, by ID: their inspection and history.

    An ID is a digest, so what it stands for never changes and is asked for once. What does change
    (tags, digests of registries, the parent that may be removed) is only fresh in what `inspect`
    gives for a name, and in GET /images/json.
    """

    def __init__(self, client: docker.DockerClient) -> None:
        self._client = client.api
        self._inspected: dict[str, Json] = {}
        self._histories: dict[str, Sequence[Json]] = {}

    @classmethod
    def of(cls, client: docker.DockerClient) -> "ImageDetails":
        """Return those of the engine that a client talks to, kept as long as the client is."""
        return _details.setdefault(client, cls(client))

    def inspect(self, client: docker.DockerClient, thing: Thing) -> Json:
        """Return GET /images/{name}/json as it is now.

        Raises
        ------
        UnknownNameError
            No image has this name; the error names the nearest one.
        """
        data = inspect_image(client, thing)
        self._keep(data)
        return data

    def diff_ids(self, client: docker.DockerClient, image_ids: Iterable[str]) -> dict[str, Chain]:
        """Return the layers of images, base first; without those that are gone by now."""
        wanted = list(dict.fromkeys(image_ids))
        unknown = [image_id for image_id in wanted if image_id not in self._inspected]
        found = _side_by_side(lambda image_id: find_image(client, image_id), unknown)
        fresh = {key: data for key, data in zip(unknown, found, strict=True) if data}
        for data in fresh.values():
            self._keep(data)
        known = {**self._inspected, **fresh}
        return {image_id: diff_ids(known[image_id]) for image_id in wanted if image_id in known}

    def histories(self, image_ids: Iterable[str]) -> dict[str, Sequence[Json]]:
        """Return GET /images/{id}/history of images."""
        wanted = list(dict.fromkeys(image_ids))
        unknown = [image_id for image_id in wanted if image_id not in self._histories]
        api: Any = self._client

        def ask(image_id: str) -> Sequence[Json]:
            with asking():
                history: Sequence[Json] = api.history(image_id)
            return history

        found = dict(zip(unknown, _side_by_side(ask, unknown), strict=True))
        self._histories.update(found)
        return {image_id: self._histories[image_id] for image_id in wanted}

    def _keep(self, data: Json) -> None:
        # An index may be here without any platform of it, which a later pull can bring.
        if diff_ids(data):
            self._inspected[str(data.get("Id"))] = data


def diff_ids(inspected: Json) -> Chain:
    """Return the layers that GET /images/{name}/json tells, base first."""
    return tuple((inspected.get("RootFS") or {}).get("Layers") or ())


def _side_by_side(ask: Callable[[str], Any], names: Sequence[str]) -> list[Any]:
    if len(names) < 2:
        return [ask(name) for name in names]
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as workers:
        return list(workers.map(ask, names))
