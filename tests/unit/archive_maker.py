"""Makes small image archives in every format, member by member."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

import zstandard

from dockerlab.facts.file_reading import read_files
from dockerlab.facts.files import Files
from dockerlab.facts.layer_cache import LayerCache

Member = tuple[tarfile.TarInfo, bytes]


def file(name, content=b"x", *, mode=0o644, uid=0, gid=0, mtime=0, pax=None) -> Member:
    info = tarfile.TarInfo(name)
    info.mode, info.uid, info.gid, info.mtime, info.size = mode, uid, gid, mtime, len(content)
    info.pax_headers = pax or {}
    return info, content


def special(name, kind, *, target="", mode=0o755, device=(0, 0), uid=0) -> Member:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode, info.uid = kind, target, mode, uid
    info.devmajor, info.devminor = device
    return info, b""


def folder(name, *, mode=0o755, uid=0) -> Member:
    return special(name, tarfile.DIRTYPE, mode=mode, uid=uid)


def symlink(name, target) -> Member:
    return special(name, tarfile.SYMTYPE, target=target)


def hardlink(name, target) -> Member:
    return special(name, tarfile.LNKTYPE, target=target)


def whiteout(path) -> Member:
    parent, slash, base = path.rpartition("/")
    return file(f"{parent}{slash}.wh.{base}", b"")


def opaque(path) -> Member:
    return file(f"{path}/.wh..wh..opq".lstrip("/"), b"")


def tar(*members: Member, form=tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form, errors="surrogateescape") as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def checksummed(block: bytearray) -> bytes:
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def with_field(archive: bytes, at: int, value: bytes) -> bytes:
    """The archive with a field of its first header set, and the checksum made right again."""
    block = bytearray(archive[:512])
    block[at : at + len(value)] = value
    return checksummed(block) + archive[512:]


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def config(layers: Sequence[bytes], architecture="amd64", history=None) -> bytes:
    if history is None:
        history = [{"created_by": f"COPY {n} /"} for n in range(len(layers))]
    return json.dumps(
        {
            "os": "linux",
            "architecture": architecture,
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest(one)}" for one in layers]},
            "history": history,
        }
    ).encode()


def docker_archive(images: dict[str, Sequence[bytes]], *, backwards=False) -> bytes:
    """As docker up to version 24 saves: a folder a layer, a link where two are the same."""
    members, listing, places = [], [], {}
    for name, layers in images.items():
        paths = []
        for position, layer in enumerate(layers):
            folder_name = digest(f"{name} {position}".encode())
            path = f"{folder_name}/layer.tar"
            members += [folder(folder_name + "/"), file(f"{folder_name}/VERSION", b"1.0")]
            if layer in places:
                members.append(symlink(path, f"../{places[layer]}"))
            else:
                members.append(file(path, layer))
                places[layer] = path
            paths.append(path)
        made = config(layers)
        members.append(file(f"{digest(made)}.json", made))
        listing.append({"Config": f"{digest(made)}.json", "RepoTags": [name], "Layers": paths})
    members.append(file("manifest.json", json.dumps(listing).encode()))
    return tar(*(reversed(members) if backwards else members))


class Layout:
    """An OCI image layout while it is made."""

    def __init__(self):
        self.blobs: dict[str, bytes] = {}
        self.manifests: list[dict] = []

    def blob(self, content: bytes, **more) -> dict:
        self.blobs[f"blobs/sha256/{digest(content)}"] = content
        return {"digest": f"sha256:{digest(content)}", "size": len(content), **more}

    def image(self, layers, architecture="amd64", pack=bytes, **more) -> dict:
        manifest = {
            "schemaVersion": 2,
            "config": self.blob(config(layers, architecture)),
            "layers": [self.blob(pack(layer)) for layer in layers],
        }
        platform = {"os": "linux", "architecture": architecture}
        return self.blob(json.dumps(manifest).encode(), platform=platform, **more)

    def attestation(self, of: dict, *, empty=False) -> dict:
        statement = json.dumps({"_type": "https://in-toto.io/Statement/v0.1"}).encode()
        diff_ids = [] if empty else [f"sha256:{digest(statement)}"]
        manifest = {
            "schemaVersion": 2,
            "config": self.blob(
                json.dumps(
                    {
                        "os": "unknown",
                        "architecture": "unknown",
                        "rootfs": {"type": "layers", "diff_ids": diff_ids},
                    }
                ).encode()
            ),
            "layers": [] if empty else [self.blob(statement)],
        }
        return self.blob(
            json.dumps(manifest).encode(),
            platform={"os": "unknown", "architecture": "unknown"},
            annotations={
                "vnd.docker.reference.type": "attestation-manifest",
                "vnd.docker.reference.digest": of["digest"],
            },
        )

    def index(self, *manifests: dict, **more) -> dict:
        return self.blob(json.dumps({"manifests": manifests}).encode(), **more)

    def files(self) -> dict[str, bytes]:
        return {
            **self.blobs,
            "index.json": json.dumps({"manifests": self.manifests}).encode(),
            "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
        }

    def archive(self) -> bytes:
        return tar(*(file(name, content) for name, content in self.files().items()))

    def unpack(self, where: Path) -> Path:
        for name, content in self.files().items():
            (where / name).parent.mkdir(parents=True, exist_ok=True)
            (where / name).write_bytes(content)
        return where


def named(name: str) -> dict[str, str]:
    return {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": "latest"}


def gzipped(content: bytes) -> bytes:
    return gzip.compress(content, 1)


def zstandarded(content: bytes) -> bytes:
    return zstandard.compress(content)


def read_bytes(tmp_path: Path, content: bytes, **options) -> Files:
    path = tmp_path / "archive.tar"
    path.write_bytes(content)
    return read_files(None, path, cache=LayerCache(tmp_path / "cache"), **options)


def read_layers(tmp_path: Path, *layers: bytes | Sequence[Member]) -> Files:
    """The files of an image of these layers, each given as an archive or as its members."""
    archives = [layer if isinstance(layer, bytes) else tar(*layer) for layer in layers]
    return read_bytes(tmp_path, docker_archive({"made:latest": archives}))
