"""The manifests an engine keeps of an image: one a platform, and what attests them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import docker

from dockerlab.facts.names import Thing, asking, identity, inspect_image

_SINCE = (1, 47)
"""The first API version that lists manifests."""


@dataclass(frozen=True)
class StoredManifest:
    """A manifest that an image on the containerd store has.

    Parameters
    ----------
    digest : str
        By which registries know it; of an image for one platform only, also the image's ID.
    kind : {"image", "attestation", "unknown"}
        An image for one platform; what its builder says about one (BuildKit lists such under the
        platform unknown/unknown); or neither.
    platform : str
        As "linux/amd64"; empty for what is no image.
    attests : str
        The digest of the manifest that an attestation is about.
    here : bool
        Whether the engine has its content: a pull brings one platform of an index.
    size : int
        Bytes of its content here, compressed.
    unpacked : int
        Bytes of its layers' files here.
    """

    digest: str
    kind: Literal["image", "attestation", "unknown"]
    platform: str = ""
    attests: str = ""
    here: bool = True
    size: int = 0
    unpacked: int = 0


def read_manifests(client: docker.DockerClient, thing: Thing) -> tuple[StoredManifest, ...]:
    """Read which manifests an engine keeps of an image.

    Parameters
    ----------
    thing : str or docker-py object
        An image by name, (short) ID or object.

    Returns
    -------
    tuple of StoredManifest
        Empty where the engine keeps none (overlay2) or doesn't tell (before API 1.47).

    Raises
    ------
    UnknownNameError
        No image has this name; the error names the nearest one.
    EngineError
        The engine doesn't answer.

    Notes
    -----
    GET /images/json?manifests=1, which docker-py has no method for.
    """
    image_id = str(inspect_image(client, identity(thing)).get("Id") or "")
    api: Any = client.api
    with asking():
        if tuple(int(part) for part in str(api.api_version).split(".")) < _SINCE:
            return ()
        answer = api._get(api._url("/images/json"), params={"all": 1, "manifests": 1})
        images = api._result(answer, json=True)
    found = (image.get("Manifests") for image in images if image.get("Id") == image_id)
    return tuple(_manifest(one) for one in next(found, None) or ())


def _manifest(fields: Mapping[str, Any]) -> StoredManifest:
    kind = fields.get("Kind")
    image = fields.get("ImageData") or {}
    platform = image.get("Platform") or {}
    parts = (platform.get(name) for name in ("os", "architecture", "variant"))
    return StoredManifest(
        digest=str((fields.get("Descriptor") or {}).get("digest") or fields.get("ID") or ""),
        kind=kind if kind in ("image", "attestation") else "unknown",
        platform="/".join(str(part) for part in parts if part),
        attests=str((fields.get("AttestationData") or {}).get("For") or ""),
        here=bool(fields.get("Available")),
        size=int((fields.get("Size") or {}).get("Content") or 0),
        unpacked=int((image.get("Size") or {}).get("Unpacked") or 0),
    )
