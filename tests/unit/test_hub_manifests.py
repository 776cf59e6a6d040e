"""Manifests and descriptors: what is accepted, and what is refused before it can do harm."""

import json

import pytest

from dockerlab.facts.registry.manifest import Descriptor, Manifest, digest_of, read_image

OCI = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"


def blob(content: bytes) -> dict[str, object]:
    return {"mediaType": "x", "digest": digest_of(content), "size": len(content)}


def manifest(**changes: object) -> bytes:
    fields = {
        "schemaVersion": 2,
        "mediaType": DOCKER,
        "config": blob(b"config"),
        "layers": [blob(b"layer one"), blob(b"layer two"), blob(b"layer one")],
    }
    return json.dumps(fields | changes).encode()


def test_a_manifest_names_its_blobs_once_and_counts_every_byte() -> None:
    read = Manifest.read(manifest())
    assert [each.size for each in read.blobs] == [6, 9, 9]
    assert len(read.layers) == 3
    assert read.size == len(manifest()) + 6 + 9 + 9
    assert read.descriptor == Descriptor(DOCKER, digest_of(manifest()), len(manifest()))


def test_an_oci_manifest_may_leave_its_type_to_the_registry() -> None:
    fields = json.loads(manifest())
    del fields["mediaType"]
    content = json.dumps(fields).encode()
    assert Manifest.read(content, OCI).media_type == OCI
    with pytest.raises(ValueError, match="no manifest"):
        Manifest.read(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        manifest(mediaType=OCI_INDEX),
        manifest(config=None),
        manifest(layers={}),
        manifest(layers=["x"]),
        manifest(config={"digest": "md5:1", "size": 1}),
        manifest(config={"digest": "sha256:" + "0" * 63 + "/", "size": 1}),
        manifest(config={"digest": "sha256:" + "0" * 64, "size": "1"}),
        manifest(config={"digest": "sha256:" + "0" * 64, "size": -1}),
    ],
)
def test_what_is_no_manifest_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"no |without|Expecting"):
        Manifest.read(content)


def index(*platforms: tuple[str, str], media_type: str = OCI_INDEX) -> bytes:
    entries = [
        {
            **blob(f"{system}/{machine}".encode()),
            "platform": {"os": system, "architecture": machine},
        }
        for system, machine in platforms
    ]
    return json.dumps({"mediaType": media_type, "manifests": entries}).encode()


@pytest.mark.parametrize("media_type", [OCI_INDEX, DOCKER_LIST])
def test_of_an_index_the_entry_for_this_machine_is_taken(media_type: str) -> None:
    content = index(
        ("windows", "arm64"), ("unknown", "unknown"), ("linux", "amd64"), ("linux", "arm64"),
        media_type=media_type,
    )  # fmt: skip
    found = read_image(content, "latest", "", "arm64")
    assert isinstance(found, Descriptor)
    assert found.digest == digest_of(b"linux/arm64")


def test_an_index_without_this_machine_is_refused() -> None:
    with pytest.raises(ValueError, match="no image for linux/s390x"):
        read_image(index(("linux", "amd64")), "latest", "", "s390x")


def test_a_manifest_asked_for_by_digest_must_have_it() -> None:
    assert isinstance(read_image(manifest(), digest_of(manifest()), "", None), Manifest)
    with pytest.raises(ValueError, match="another manifest"):
        read_image(manifest(), digest_of(b"other"), "", None)
