"""What a container has in its files now, a few of them: size and content, without unpacking."""

import hashlib
import io
import stat
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import docker
from docker.errors import APIError

from dockerlab.facts.names import asking

MOST_PATHS = 60
"""How many paths are asked for; each is a request."""

_MOST_BYTES = 4_000_000
_FOLDER = 1 << 31  # Go's os.ModeDir


@dataclass(frozen=True)
class Written:
    """A path in a container.

    Parameters
    ----------
    folder : bool
        Whether it is one.
    size : int
        Bytes.
    mode : int
        Permission bits.
    digest : bytes
        The first half of the content's SHA-256, as `dockerlab.facts.files.Entry` has it; empty for
        what is no file, or too large to be fetched.
    """

    folder: bool
    size: int
    mode: int
    digest: bytes = b""


def read_written(
    client: docker.DockerClient, container_id: str, paths: Iterable[str]
) -> Mapping[str, Written]:
    """Read the first `MOST_PATHS` of some paths; what is gone by now is left out.

    Notes
    -----
    GET /containers/{id}/archive, once for each path.
    """
    found: dict[str, Written] = {}
    for path, _number in zip(paths, range(MOST_PATHS), strict=False):
        written = _read(client, container_id, path)
        if written is not None:
            found[path] = written
    return found


def _read(client: docker.DockerClient, container_id: str, path: str) -> Written | None:
    api: Any = client.api
    with asking():
        try:
            chunks, told = api.get_archive(container_id, path)
        except APIError:
            return None
        mode, size = int(told.get("mode") or 0), int(told.get("size") or 0)
        folder = bool(mode & _FOLDER)
        content = b"" if folder or size > _MOST_BYTES else b"".join(chunks)
        chunks.close()
    return Written(folder, size, stat.S_IMODE(mode & 0o777), _digest(content))


def _digest(archive: bytes) -> bytes:
    if not archive:
        return b""
    with tarfile.open(fileobj=io.BytesIO(archive)) as members:
        member = members.next()
        file = members.extractfile(member) if member and member.isreg() else None
        return hashlib.sha256(file.read()).digest()[:16] if file else b""
