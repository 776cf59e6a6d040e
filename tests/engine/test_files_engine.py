"""The files of images on a real engine: what is told is what a container shows."""

import io
import socket
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import pytest
from archive_maker import (
    docker_archive,
    file,
    folder,
    hardlink,
    opaque,
    special,
    symlink,
    tar,
    whiteout,
)

from dockerlab.errors import EngineError, LabError, UnknownNameError
from dockerlab.facts.archive import ArchiveError
from dockerlab.facts.file_reading import read_content, read_files
from dockerlab.facts.layer_cache import LayerCache

pytestmark = [pytest.mark.engine, pytest.mark.every_engine]

Cli = Callable[..., str]
TAG = "files-test-image"

DOCKERFILE = """
FROM busybox
RUN mkdir -p /opt/deep/er && dd if=/dev/urandom of=/opt/blob bs=1000 count=3000 2>/dev/null \\
 && echo one > /opt/deep/er/file && echo two > /etc/conf && ln /etc/conf /etc/linked
ENV A=1
RUN rm /opt/blob && rm -r /opt/deep && echo three > /etc/other
RUN mkdir /opt/again && chmod 600 /etc/conf && chown 7:8 /etc/other
RUN rm -r /opt/again && echo file > /opt/again && ln -s /etc/conf /opt/link && mkfifo /opt/pipe
RUN rm -r /opt && mkdir /opt && echo new > /opt/new && touch /etc/group
"""
ENGINES_OWN = {
    "/.dockerenv", "/dev", "/etc", "/proc", "/sys",
    "/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/etc/mtab",
}  # fmt: skip
KINDS = {
    tarfile.REGTYPE: "file", tarfile.LNKTYPE: "file", tarfile.SYMTYPE: "symlink",
    tarfile.DIRTYPE: "directory", tarfile.FIFOTYPE: "pipe", tarfile.CHRTYPE: "character",
}  # fmt: skip


@pytest.fixture
def image(client: docker.DockerClient, docker_cli: Cli, tmp_path: Path) -> Iterator[str]:
    if not client.api.images("busybox:latest"):
        docker_cli("pull", "busybox")
    (tmp_path / "context").mkdir()
    (tmp_path / "context/Dockerfile").write_text(DOCKERFILE)
    docker_cli("build", "--quiet", "--tag", TAG, str(tmp_path / "context"))
    yield TAG
    # the classic builder's steps stay for the next test
    client.api.remove_image(TAG, force=True, noprune=True)


@pytest.fixture
def cache(tmp_path: Path) -> LayerCache:
    return LayerCache(tmp_path / "cache")


def exported(client: docker.DockerClient, image: str) -> dict[str, tuple[str, int, int, int, int]]:
    """What a container of the image holds, as the engine tells it."""
    container = client.api.create_container(image)["Id"]
    try:
        content = b"".join(client.api.export(container))
    finally:
        client.api.remove_container(container)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        sizes = {info.name: info.size for info in archive}
        return {
            "/" + info.name.strip("/"): (
                KINDS[info.type], sizes[info.linkname] if info.islnk() else info.size,
                info.mode & 0o7777,  # 20.10 puts the kind into it, too
                info.uid, info.gid,
            )
            for info in archive
        }  # fmt: skip


def is_images_own(path: str) -> bool:
    return path not in ENGINES_OWN and not path.startswith(("/dev/", "/proc/", "/sys/"))


def saves(client: docker.DockerClient, since: float) -> int:
    """How often the engine saved an image since then."""
    events = client.api.events(
        since=since, until=time.time() + 1, filters={"type": "image", "event": "save"}, decode=True
    )
    return sum(1 for _event in events)


def test_what_is_visible_is_what_a_container_holds(client, image, cache):
    files = read_files(client, image, cache=cache)
    seen = {
        path: (entry.kind, entry.size, entry.mode, entry.uid, entry.gid)
        for path, entry in files.visible.items()
        if is_images_own(path)
    }
    real = {path: one for path, one in exported(client, image).items() if is_images_own(path)}
    assert seen == real
    assert "/etc/linked" in seen
    assert {path for path in seen if path.startswith("/opt")} == {"/opt", "/opt/new"}


def test_what_each_step_did(client, image, cache):
    files = read_files(client, image, cache=cache)
    base = len(files.layers) - 5
    first, second, third, fourth, fifth = files.layers[base:]
    assert {"/opt/blob", "/opt/deep/er/file", "/etc/conf"} <= set(first.added)
    assert {"/opt/blob", "/opt/deep", "/opt/deep/er", "/opt/deep/er/file"} == set(second.deleted)
    assert third.changed["/etc/conf"].aspects == ("mode",)
    assert third.changed["/etc/other"].aspects == ("owner",)
    assert fourth.changed["/opt/again"].aspects == ("type",)
    assert {"/opt/link", "/opt/pipe"} <= set(fourth.added)
    assert {"/opt/again", "/opt/link", "/opt/pipe"} <= set(fifth.deleted)
    assert "/etc/group" in fifth.repeated
    for layer in files.layers[base:]:
        assert files.steps[layer.step].instruction == "RUN"


def test_the_waste_and_its_story(client, image, cache):
    files = read_files(client, image, cache=cache)
    blob = files.waste[0]
    assert (blob.path, blob.bytes, blob.reason) == ("/opt/blob", 3_000_000, "deleted")
    added = 1 + next(n for n, step in enumerate(files.steps) if "of=/opt/blob" in step.text)
    assert blob.why == (
        f"/opt/blob, 3 MB, added by step {added}, deleted by step {added + 2}, still travels"
    )
    assert "/opt/deep/er/file" in {waste.path for waste in files.waste}
    assert files.waste_bytes == sum(waste.bytes for waste in files.waste)


def test_an_archive_of_it_tells_the_same(client, docker_cli, image, cache, tmp_path):
    path = tmp_path / "saved.tar"
    docker_cli("save", "--output", str(path), image)
    here = read_files(client, image, cache=cache)
    there = read_files(None, path, cache=LayerCache(tmp_path / "other"))
    assert there.layers == here.layers
    assert there.visible == here.visible
    assert there.waste == here.waste
    assert (there.name, there.platform) == (here.name, here.platform)


def layers_as_made() -> list[bytes]:
    """Layers with all that a layer can have, as no builder would make them together."""
    base = [
        folder("opt"), file("opt/a", b"12345"), hardlink("opt/b", "opt/a"), file("opt/gone", b"1"),
        folder("opt/d"), file("opt/d/x", b"22"), file("opt/d/y", b"333"), symlink("opt/l", "d/x"),
        special("opt/pipe", tarfile.FIFOTYPE), file("opt/" + "n" * 180, b"long"),
        file("opt/caf\xe9", b"4"), file("opt/kept", b"5", mode=0o644), file("opt/owned", b"6"),
    ]  # fmt: skip
    upper = [
        folder("opt"), whiteout("opt/gone"), folder("opt/d"), opaque("opt/d"), file("opt/d/z", b""),
        file("opt/a", b"other"), file("opt/kept", b"5", mode=0o600), file("opt/owned", b"6", uid=7),
    ]  # fmt: skip
    last = [folder("opt"), whiteout("opt/b"), whiteout("opt/d"), file("opt/kept", b"5", mode=0o600)]
    return [tar(*members) for members in (base, upper, last)]


def test_every_store_tells_what_the_archive_it_was_loaded_from_does(client, cache, tmp_path):
    name = "files-loaded:latest"
    path = tmp_path / "made.tar"
    path.write_bytes(docker_archive({name: layers_as_made()}))
    made = read_files(None, path, cache=LayerCache(tmp_path / "other"))
    client.images.load(path.read_bytes())
    try:
        loaded = read_files(client, name, cache=cache)
    finally:
        client.api.remove_image(name, force=True)
    assert loaded.layers == made.layers
    assert loaded.visible == made.visible
    assert loaded.waste == made.waste
    assert {"/opt/a", "/opt/d/x", "/opt/d/y", "/opt/gone"} <= {one.path for one in loaded.waste}
    assert loaded.layers[1].changed["/opt/kept"].aspects == ("mode",)
    assert loaded.layers[1].changed["/opt/owned"].aspects == ("owner",)


def test_the_second_time_nothing_is_saved(client, image, cache):
    begun = time.time()
    first = read_files(client, image, cache=cache)
    assert saves(client, begun) == 1
    assert read_files(client, image, cache=cache) == first
    assert saves(client, begun) == 1


def test_an_image_whose_layers_were_all_seen_is_not_saved(client, image, cache):
    read_files(client, image, cache=cache)
    begun = time.time()
    files = read_files(client, "busybox", cache=cache)
    assert saves(client, begun) == 0
    assert "/bin/busybox" in files.visible or "/bin/sh" in files.visible


def test_a_files_content(client, image, cache):
    assert read_content(client, image, "/opt/new", cache=cache).content == b"new\n"
    files = read_files(client, image, cache=cache)
    blob = read_content(
        client, image, "/opt/blob", layer=files.waste[0].stored_by, limit=1000, cache=cache
    )
    assert len(blob.content) == 1000
    assert not blob.whole


def test_a_wrong_name(client, image, cache):
    with pytest.raises(UnknownNameError, match="did you mean 'files-test-image:latest'"):
        read_files(client, "files-tset-image", cache=cache)
    with pytest.raises(LabError, match="can't be read"):
        read_files(client, "./nothing.tar", cache=cache)


@contextmanager
def relay(client: docker.DockerClient, listener: socket.socket, most: int) -> Iterator[None]:
    """Pass connections on to the engine, of each answer `most` bytes."""
    path = client.api.get_adapter(client.api.base_url).socket_path

    def pump(source: socket.socket, target: socket.socket, left: int) -> None:
        try:
            while left > 0 and (piece := source.recv(min(left, 65536))):
                target.sendall(piece)
                left -= len(piece)
            target.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the other side closed it

    def serve(connection: socket.socket) -> None:
        with connection, socket.socket(socket.AF_UNIX) as engine:
            engine.connect(path)
            up = threading.Thread(target=pump, args=(connection, engine, 1 << 40))
            up.start()
            pump(engine, connection, most)
            up.join()

    def accept() -> None:
        while True:
            try:
                connection, _address = listener.accept()
            except OSError:
                return
            job = threading.Thread(target=serve, args=(connection,))
            jobs.append(job)
            job.start()

    jobs: list[threading.Thread] = []
    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join()
        for job in jobs:
            job.join()


def test_over_tcp(client, image, cache, tmp_path):
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    with relay(client, listener, 1 << 40):
        remote = docker.DockerClient(base_url=address)
        try:
            files = read_files(remote, image, cache=LayerCache(tmp_path / "remote"))
        finally:
            remote.close()
    assert files == read_files(client, image, cache=cache)


@pytest.mark.parametrize("most", [0, 100_000])
def test_an_engine_that_breaks_off(client, image, cache, tmp_path, most):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "socket"))
    listener.listen()
    with relay(client, listener, most):
        far = docker.DockerClient(base_url=f"unix://{tmp_path / 'socket'}", version="1.41")
        try:
            with pytest.raises((EngineError, ArchiveError), match=r"does not answer|too early"):
                read_files(far, image, cache=cache)
        finally:
            far.close()


def test_an_image_that_goes_while_it_is_read(client, docker_cli, image, cache, monkeypatch):
    from dockerlab.facts import engine_images

    whole = engine_images.saved

    def gone(engine, image_id):
        client.api.remove_image(image, force=True)
        return whole(engine, image_id)

    monkeypatch.setattr(engine_images, "saved", gone)
    with pytest.raises(EngineError, match="refused"):
        read_files(client, image, cache=cache)
    docker_cli("tag", "busybox", TAG)  # for the fixture to remove
