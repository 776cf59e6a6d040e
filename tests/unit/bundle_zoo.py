"""Small bundles with all of the course's images, and every way to spoil one."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from dockerlab.engine import bundle
from dockerlab.engine.images import COURSE_IMAGES, host_architecture
from dockerlab.engine.members import HEAD, Part
from dockerlab.engine.storage import Storage
from dockerlab.facts.registry.manifest import Descriptor, Manifest

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
Members = list[tuple[str, bytes]]


class SmallHub:
    """A registry with the course's images, a few bytes each; two share a layer."""

    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}
        self._manifests: dict[str, Manifest] = {}
        base = self._add("layer", b"all build on this" * 99)
        for image in COURSE_IMAGES:
            config = {"architecture": host_architecture(), "config": {"Labels": {"is": image.name}}}
            content = {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": self._add("config", json.dumps(config).encode()),
                "layers": [base, self._add("layer", image.name.encode() * 300)],
            }
            self._manifests[image.repository] = Manifest.read(json.dumps(content).encode())

    def _add(self, kind: str, content: bytes) -> dict[str, object]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self._blobs[digest] = content
        return {"mediaType": f"application/{kind}", "digest": digest, "size": len(content)}

    def manifest(self, repository: str, _reference: str, _architecture: str = "") -> Manifest:
        return self._manifests[repository]

    def blob(self, _repository: str, wanted: Descriptor) -> Iterator[bytes]:
        yield self._blobs[wanted.digest]


def make(file: Path, packages: Mapping[str, bytes] | None = None) -> bundle.Bundle:
    """Save a small bundle, with members that stand for packages."""
    parts = [Part.of_bytes(name, content) for name, content in (packages or {}).items()]
    return bundle.save(SmallHub(), file, packages=parts)  # type: ignore[arg-type]


def storage_in(folder: Path) -> Storage:
    return Storage(folder / "storage", folder / "digests.json")


def load(file: Path, folder: Path, sha256: str = "") -> Storage:
    """Load a bundle, by its own sum unless another is given."""
    storage = storage_in(folder)
    seen = bundle.inspect(file)
    bundle.load(storage, seen.trust(sha256 or seen.sha256), folder)
    return storage


def tree(folder: Path) -> dict[str, bytes]:
    """Take down all files below a folder, without its lock."""
    return {
        str(file.relative_to(folder)): file.read_bytes() if file.is_file() else b""
        for file in sorted(folder.rglob("*"))
        if file.name != bundle.WORK_LOCK
    }


def members_of(file: Path) -> Members:
    """Read a bundle's members, the head included."""
    with tarfile.open(file) as archive:
        found = []
        for member in archive:
            stream = archive.extractfile(member)
            assert stream
            found.append((member.name, stream.read()))
        return found


def with_head(members: Sequence[tuple[str, bytes]]) -> Members:
    """Announce members as they are now: what an attacker would do."""
    head = json.loads(next(content for name, content in members if name == HEAD))
    rest = [(name, content) for name, content in members if name != HEAD]
    head["members"] = [
        [name, len(content), hashlib.sha256(content).hexdigest()] for name, content in rest
    ]
    return [(HEAD, json.dumps(head, indent=1).encode()), *rest]


def pack(file: Path, members: Sequence[tuple[str, bytes]]) -> Path:
    """Write members as a tar archive, whatever they are."""
    with tarfile.open(file, "w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in members:
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    return file


def changed(members: Sequence[tuple[str, bytes]], name: str, content: bytes) -> Members:
    """Give one member, found by the end of its name, other bytes."""
    assert any(each.endswith(name) for each, _old in members)
    return [(each, content if each.endswith(name) else old) for each, old in members]
