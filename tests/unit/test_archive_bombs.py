"""Small archives made to fill a machine: a named error, in bounded time and memory."""

import gzip
import json
import struct
import subprocess
import sys
import tarfile

import pytest
from archive_maker import (
    Layout,
    digest,
    file,
    gzipped,
    named,
    read_bytes,
    symlink,
    tar,
    with_field,
)

ENDLESS = b"77777777777\0"
"""A size of eight gigabytes."""


def layer_of(packed: bytes) -> bytes:
    """An archive of one image whose one layer this is, or claims to be."""
    made = Layout()
    made.manifests.append(made.image([b""], pack=lambda _layer: packed, annotations=named("a:1")))
    return made.archive()


def listing(entries: int, layers: int, config: dict, *members) -> bytes:
    """An archive whose list names one image often, or one layer often."""
    entry = {"Config": "c", "Layers": ["l"] * layers, "RepoTags": ["a:1"]}
    return tar(
        *members,
        file("c", json.dumps({"os": "linux", **config}).encode()),
        file("manifest.json", json.dumps([entry] * entries).encode()),
    )


def whole_blocks(*members) -> bytes:
    """Members as an archive has them in its middle, without its end."""
    archive = tar(*members, form=tarfile.GNU_FORMAT).rstrip(b"\0")
    return archive.ljust(-(-len(archive) // 512) * 512, b"\0")


def bomb_in_a_process(tmp_path, archive: bytes, memory: int = 400 << 20) -> str:
    """Read an archive in a process that may take little memory and time; what it raised."""
    path = tmp_path / "bomb.tar"
    path.write_bytes(archive)
    return read_in_a_process(tmp_path, path, memory)


def read_in_a_process(tmp_path, path, memory: int) -> str:
    """As `bomb_in_a_process`; whatever it writes outside of the cache ends it."""
    program = f"""
import resource, sys
from pathlib import Path
from dockerlab.errors import LabError
from dockerlab.facts.archive import shelf, unpack
from dockerlab.facts.file_reading import read_files
from dockerlab.facts.layer_cache import LayerCache
unpack._FREE, shelf.MEMORY = 200 << 20, 100 << 20  # the bounds as they are would take a minute
resource.setrlimit(resource.RLIMIT_DATA, ({memory}, {memory}))
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
def watch(event, arguments):
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & 3:
        sys.exit(f"opened {{arguments[0]}} to write")
sys.addaudithook(watch)
try:
    files = read_files(None, Path({str(path)!r}), cache=LayerCache(Path({str(tmp_path)!r})))
    print(len(files.visible), "files")
except LabError as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_a_gzip_bomb(tmp_path):
    # a file of zeros that gzip packs a thousandfold, larger than anything may unpack to
    head = tar(file("a", b""))[:512]
    claim = with_field(head, 124, ENDLESS)
    packed = gzip.compress(claim) + gzip.compress(bytes(64 << 20), 1) * 100
    assert "unpacks to more than 200 times its size" in bomb_in_a_process(
        tmp_path, layer_of(packed)
    )


def test_a_zstandard_bomb(tmp_path):
    claim = with_field(tar(file("a", b""))[:512], 124, ENDLESS)
    # one block of 128 kB that repeats a byte takes four bytes
    block = (1 << 1 | (128 << 10) << 3).to_bytes(3, "little") + b"\0"
    raw = (0 << 1 | len(claim) << 3).to_bytes(3, "little") + claim
    frame = struct.pack("<IBB", 0xFD2FB528, 0x00, 0x50) + raw + block * 4_000
    assert "unpacks to more than 200 times its size" in bomb_in_a_process(tmp_path, layer_of(frame))


def test_a_course_layer_of_zeros_is_no_bomb(tmp_path):
    layer = tar(file("opt/blob", bytes(300_000_000)))
    made = Layout()
    made.manifests.append(made.image([layer], pack=gzipped, annotations=named("a:1")))
    assert read_bytes(tmp_path, made.archive()).visible["/opt/blob"].size == 300_000_000


def test_a_bomb_of_empty_files(tmp_path):
    member = tar(file("f" * 90, b""))[:512]
    packed = gzip.compress(member * 400_000, 1)
    assert "more files than can be looked at" in bomb_in_a_process(tmp_path, layer_of(packed))


def test_streams_that_are_bombs_together(tmp_path):
    claim = with_field(tar(file("a", b""))[:512], 124, ENDLESS)
    zeros = gzip.compress(bytes(64 << 20), 1)
    made = Layout()
    packed = [gzip.compress(claim + b"%d" % n) + zeros for n in range(20)]
    layers = [b"%d" % n for n in range(20)]
    made.manifests.append(
        made.image(layers, pack=lambda layer: packed[int(layer)], annotations=named("a:1"))
    )
    # each unpacks to what it may by itself
    archive = gzip.compress(made.archive())
    assert len(archive) < 1 << 20
    assert "unpacks to more than 200 times its size" in bomb_in_a_process(tmp_path, archive)


def test_a_stream_of_a_million_tiny_ones(tmp_path):
    layer = tar(file("a"))
    made = Layout()
    made.manifests.append(
        made.image(
            [layer],
            pack=lambda content: gzip.compress(b"") * 500_000 + gzip.compress(content),
            annotations=named("a:1"),
        )
    )
    assert bomb_in_a_process(tmp_path, made.archive()) == "1 files\n"


def test_headers_before_a_member_without_end(tmp_path):
    records = b"".join(b"19 k%06d=%07d\n" % (number, number) for number in range(20_000))
    info, _content = file("pax", records)
    info.type = b"x"
    packed = gzip.compress(whole_blocks((info, records)) * 500, 1)
    assert "its records claim" in bomb_in_a_process(tmp_path, layer_of(packed))


@pytest.mark.parametrize("make", [symlink, lambda name, _target: file(name, b"{}")])
def test_an_archive_of_giant_names(tmp_path, make):
    blocks = [whole_blocks(make(f"{number:06}" + "n" * 900_000, "t")) for number in range(300)]
    archive = gzip.compress(b"".join(blocks), 1)
    assert "more files than can be looked at" in bomb_in_a_process(tmp_path, archive)


def test_a_layer_that_is_listed_without_end(tmp_path):
    layer = tar(*(file(f"d/{number}", b"") for number in range(5_000)))
    config = {"rootfs": {"diff_ids": [f"sha256:{digest(layer)}"] * 20_000}}
    archive = listing(1, 20_000, config, file("l", layer))
    assert "a:1 lists more files than can be looked at" in bomb_in_a_process(tmp_path, archive)


def test_an_image_that_is_listed_without_end(tmp_path):
    config = {"rootfs": {"diff_ids": []}, "x": [[]] * 900_000}
    archive = listing(40_000, 0, config)
    assert "lists more images than can be looked at" in bomb_in_a_process(tmp_path, archive)


def test_a_document_that_is_asked_for_without_end(tmp_path):
    made = Layout()
    large = made.blob(json.dumps({"manifests": [], "x": [[]] * 300_000}).encode())
    made.manifests += [{**large, "annotations": named(f"a:{number}")} for number in range(10_000)]
    assert "lists more images than can be looked at" in bomb_in_a_process(tmp_path, made.archive())


def test_an_image_with_many_names_is_no_bomb(tmp_path):
    made = Layout()
    layer = tar(file("a"))
    image = made.image([layer])
    names = [f"a:{number}" for number in range(500)]
    made.manifests += [{**image, "annotations": named(name)} for name in names]
    for name in names[::100]:
        assert read_bytes(tmp_path, made.archive(), image=name).name == "a:0"


def test_memory_does_not_grow_with_files_and_nothing_is_written(tmp_path):
    # a gigabyte of zeros that takes no room on the disk
    size = 1 << 30
    head = with_field(tar(file("big", b""))[:512], 124, b"%011o\0" % size)
    layer = with_field(tar(file("l", b""))[:512], 124, b"%011o\0" % (size + 2048))
    path = tmp_path / "large.tar"
    config = {"rootfs": {"diff_ids": ["sha256:" + "0" * 64]}}
    with path.open("wb") as archive:
        archive.write(layer + head)
        archive.truncate(1024 + size + 1024 + 512)
        archive.seek(0, 2)
        archive.write(listing(1, 1, config))
    told = read_in_a_process(tmp_path, path, 150 << 20)
    assert "Layer 1 of a:1 is not what its config says" in told  # so all of it was read
