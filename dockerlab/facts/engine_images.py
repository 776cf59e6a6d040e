"""The files of an image on an engine, which saves it while they are read."""

from collections.abc import Mapping
from typing import Any

import docker

from dockerlab.facts.archive.fault import ArchiveError
from dockerlab.facts.archive.layer import Capture, LayerTable
from dockerlab.facts.archive.merge import merge
from dockerlab.facts.archive.shelf import Shelf, read_archive
from dockerlab.facts.archive.source import is_local, saved
from dockerlab.facts.files import Files
from dockerlab.facts.layer_cache import LayerCache
from dockerlab.facts.names import Thing, asking, display_name, find_image, inspect_image
from dockerlab.facts.plain import plain
from dockerlab.facts.progress import Progress, counted
from dockerlab.facts.steps import match_layers, read_steps
from dockerlab.language import _


class ImageOnEngine:
    """An image of an engine, by name, (short) ID or docker-py object.

    Raises
    ------
    UnknownNameError
        No image has this name.
    """

    def __init__(self, client: docker.DockerClient, thing: Thing) -> None:
        self._client = client
        self._data = inspect_image(client, thing)
        self._name = str(thing) if isinstance(thing, str) else ""

    @property
    def _id(self) -> str:
        return str(self._data["Id"])

    @property
    def _diff_ids(self) -> tuple[str, ...]:
        return _diff_ids(self._data)

    def files(self, cache: LayerCache, progress: Progress) -> Files:
        """Read its files; without saving it where all its layers were read before."""
        known = cache.get(self._diff_ids)
        if not all(diff_id in known for diff_id in self._diff_ids):
            known = self._tables(self.read(progress))
            cache.put(known.values())
        api: Any = self._client.api
        with asking():
            history = api.history(self._id)
        steps = read_steps(history, parent=str(self._data.get("Parent") or ""))
        made_by = match_layers(steps, self._diff_ids, self._layer_count)
        parts = (self._data.get(part) for part in ("Os", "Architecture", "Variant"))
        return merge(
            plain(self._title()),
            plain("/".join(str(part) for part in parts if part)),
            steps,
            [known[diff_id] for diff_id in self._diff_ids],
            made_by,
        )

    def read(self, progress: Progress, capture: Capture | None = None) -> Shelf:
        """Have it saved and read the archive, as far as it is needed for `capture`.

        An engine puts a layer's archive together anew and checks every file of it while it does;
        since version 25 it then names the archive by the layer's digest. On this machine it is
        taken at its word: to take that digest again is a third of all the work.

        Raises
        ------
        EngineError
            The engine doesn't answer.
        """
        label = _("Reading {name}").format(name=plain(self._title()))
        total = int(self._data.get("Size") or 0) or None
        with saved(self._client, self._id) as chunks:
            vouched = self._diff_ids if is_local(self._client) else ()
            return read_archive(counted(chunks, progress, label, total), capture, vouched)

    def _tables(self, shelf: Shelf) -> dict[str, LayerTable]:
        found = {one.diff_id: one for one in shelf.layers.values() if isinstance(one, LayerTable)}
        for diff_id in self._diff_ids:
            if diff_id not in found:
                for layer in shelf.layers.values():
                    if isinstance(layer, ArchiveError):
                        raise layer
                raise ArchiveError(
                    _("The engine saved {name} without layer {layer}.").format(
                        name=plain(self._title()), layer=plain(diff_id)
                    ),
                    _("Pull or build the image again."),
                )
        return {diff_id: found[diff_id] for diff_id in self._diff_ids}

    def _layer_count(self, image_id: str) -> int | None:
        data = find_image(self._client, image_id)
        return None if data is None else len(_diff_ids(data))

    def _title(self) -> str:
        tags = self._data.get("RepoTags") or ()
        for candidate in (self._name, f"{self._name}:latest"):
            if candidate in tags:
                return candidate
        return display_name(tags, self._id)


def _diff_ids(data: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple((data.get("RootFS") or {}).get("Layers") or ())
