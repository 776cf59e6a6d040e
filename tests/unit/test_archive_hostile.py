"""Archives that lie: a named error or the right answer, in bounded time and memory."""

import json
import os
import random
import tarfile
from pathlib import Path

import pytest
import zstandard
from archive_maker import (
    Layout,
    digest,
    docker_archive,
    file,
    gzipped,
    hardlink,
    named,
    read_bytes,
    read_layers,
    symlink,
    tar,
    whiteout,
    with_field,
)

from dockerlab.errors import LabError
from dockerlab.facts.archive import ArchiveError
from dockerlab.facts.archive.layer import Allowance
from dockerlab.facts.file_reading import read_files
from dockerlab.facts.files import shown_path
from dockerlab.facts.layer_cache import LayerCache


@pytest.mark.parametrize(
    "size",
    [b"77777777777\0", b"\x80" + b"\0" * 3 + b"\x7f" * 8, b"\x80" + b"\xff" * 11, b"\xff" * 12,
     b"-0000000001\0", b"not a size\0\0", b"9999\0"],
)  # fmt: skip
def test_sizes_that_are_lies(tmp_path, size):
    layer = with_field(tar(file("a", b"12345")), 124, size)
    with pytest.raises(ArchiveError):
        read_layers(tmp_path, layer)


def test_a_damaged_header_is_named(tmp_path):
    layer = tar(file("a"), file("b"))
    broken = layer[:1024] + b"X" + layer[1025:]
    with pytest.raises(ArchiveError, match="no header at byte 1024"):
        read_layers(tmp_path, broken)


@pytest.mark.parametrize("keep", [1, 511, 512, 700, 1023, 1024, 5000])
def test_a_truncated_archive(tmp_path, keep):
    with pytest.raises(ArchiveError):
        read_bytes(tmp_path, docker_archive({"a:1": [tar(file("a", b"x" * 5000))]})[:keep])


@pytest.mark.parametrize("pack", [gzipped, zstandard.compress])
def test_a_truncated_or_damaged_blob(tmp_path, pack):
    layer = tar(file("a", random.Random(1).randbytes(200_000)))
    for damage in (
        lambda packed: packed[: len(packed) // 2],
        lambda packed: packed[:-2],
        lambda packed: packed[:1000] + b"\xff" * 50 + packed[1050:],
        lambda packed: packed + b"rest",
    ):
        made = Layout()
        made.manifests.append(
            made.image(
                [layer], pack=lambda content, d=damage: d(pack(content)), annotations=named("a:1")
            )
        )
        with pytest.raises(ArchiveError):
            read_bytes(tmp_path, made.archive())


def test_a_hundred_levels_of_folders(tmp_path):
    files = read_layers(tmp_path, [file("d/" * 100 + "f", b"deep")], [whiteout("d")])
    assert len(files.layers[1].deleted) == 101
    assert files.waste_bytes == 4


def test_more_levels_than_memory(tmp_path):
    # a name of 500,000 folders, whose paths would be a hundred gigabytes
    layer = tar(file("d/" * 500_000 + "f"))
    with pytest.raises(ArchiveError, match="more files than can be looked at"):
        read_layers(tmp_path, layer)


def test_more_files_than_are_allowed():
    allowance = Allowance(1000)
    allowance.spend(999)
    with pytest.raises(ArchiveError, match="more files"):
        allowance.spend(2)


def test_a_header_that_claims_a_giant_name(tmp_path):
    layer = with_field(tar(file("n" * 200), form=tarfile.GNU_FORMAT), 124, b"70000000000\0")
    with pytest.raises(ArchiveError, match="claim"):
        read_layers(tmp_path, layer)


@pytest.mark.parametrize(
    "records",
    [b"10 path=a\n99 path=b\n", b"0 path=a\n", b"x path=a\n", b"11 path\n", b"12 path=a\0b\n",
     b"-5 path=a\n", b"999999999999999999999999 path=a\n", b"14 size=-100\n",
     b"18 size=99999999999\n",
     b"9 size=x\n"],
)  # fmt: skip
def test_records_that_are_lies(tmp_path, records):
    info, _content = file("pax", records)
    info.type = b"x"
    layer = tar((info, records), file("a", b"12345"))
    with pytest.raises(ArchiveError):
        read_layers(tmp_path, layer)


@pytest.mark.parametrize(
    ("size", "runs"),
    [("10", "0,20"), ("10", "5,3,2,3"), ("10", "0,1"), ("10", "0,-5"), ("10", "x,5"), ("-1", "0,5"),
     ("99999999999999999999999", "0,5"), ("10", "6,5")],
)  # fmt: skip
def test_sparse_maps_that_are_lies(tmp_path, size, runs):
    records = {"GNU.sparse.size": size, "GNU.sparse.map": runs}
    with pytest.raises(ArchiveError):
        read_layers(tmp_path, [file("a", b"12345", pax=records)])


def test_a_sparse_file_of_ten_gigabytes_takes_no_time(tmp_path):
    records = {"GNU.sparse.size": str(10 << 30), "GNU.sparse.map": f"{9 << 30},5"}
    layer = [file(f"a{n}", b"12345", pax=records) for n in range(100)]
    files = read_layers(tmp_path, layer, [*layer, file("a0", b"12345")])
    assert files.visible["/a1"].size == 10 << 30
    assert files.visible["/a1"].stored == 5
    assert files.stored_bytes == 1005
    assert "/a1" in files.layers[1].repeated


def test_a_sparse_map_without_end(tmp_path):
    records = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "10"}
    for content in (b"1" * 5000, b"99999999\n" + b"1\n" * 1000, b"", b"x\n" + b"\0" * 510):
        with pytest.raises(ArchiveError):
            read_layers(tmp_path, [file("a", content, pax=records)])


def test_symbolic_links_in_a_circle(tmp_path):
    with pytest.raises(ArchiveError, match="round in a circle"):
        read_layers(tmp_path, [symlink("a", "b"), symlink("b", "a"), file("a/x")])
    with pytest.raises(ArchiveError, match="round in a circle"):
        read_layers(tmp_path, [symlink("a", "a/b/c"), file("a/x")])


@pytest.mark.parametrize("target", ["../../../../etc/passwd", "/etc/passwd", "", "."])
def test_links_that_lead_upward_stay_text(tmp_path, target):
    files = read_layers(tmp_path, [symlink("l", target), hardlink("h", target or "x")])
    assert files.visible["/l"].target == target


@pytest.mark.parametrize("name", [".wh.", ".wh..", ".wh...", "d/.wh.", "d/.wh...", "d/.wh.../x"])
def test_whiteouts_of_no_name_delete_nothing(tmp_path, name):
    files = read_layers(tmp_path, [file("d/a"), file("b")], [file(name, b"")])
    assert {"/d", "/d/a", "/b"} <= set(files.visible)


def test_links_of_an_archive_lead_to_no_file_of_the_machine(tmp_path):
    where = tmp_path / "layout"
    made = Layout()
    secret = tmp_path / "secret.tar"
    secret.write_bytes(tar(file("secret")))
    made.manifests.append(made.image([secret.read_bytes()], annotations=named("a:1")))
    made.unpack(where)
    blob = where / f"blobs/sha256/{digest(secret.read_bytes())}"
    blob.unlink()
    blob.symlink_to(secret)
    with pytest.raises(ArchiveError):
        read_files(None, where, cache=LayerCache(tmp_path / "cache"))


@pytest.mark.parametrize(
    "document",
    [b"[" * 100_000, b"{", b"[1, 2]", b"[{}]", b'[{"Config": 1, "Layers": "x"}]', b'{"a": 1}',
     b'[{"Config": "c", "Layers": [[1]], "RepoTags": null}]', b"[null]", b'[{"Layers": {"a": 1}}]'],
)  # fmt: skip
def test_documents_that_make_no_sense(tmp_path, document):
    with pytest.raises(ArchiveError):
        read_bytes(tmp_path, tar(file("manifest.json", document), file("c", b'{"rootfs": {}}')))


def test_indexes_in_a_circle(tmp_path):
    made = Layout()
    one = {"digest": "sha256:one"}
    made.blobs["blobs/sha256/one"] = json.dumps({"manifests": [one, one, one]}).encode()
    made.manifests.append(one)
    with pytest.raises(ArchiveError, match="holds no image"):
        read_bytes(tmp_path, made.archive())


NASTY = [
    "<script>alert(1)</script>", "]]>", '"><svg onload=x>', "a\x1b[31mred", "\u202egnp.exe",
    "\\N|{}<>", "n" * 10_000, "new\nline", "tab\t", "\x7f", "café", "日本", "zero\u200bwidth",
]  # fmt: skip


@pytest.mark.parametrize("name", NASTY)
def test_names_made_to_do_harm_are_kept_and_shown_harmless(tmp_path, name):
    files = read_layers(tmp_path, [file(name), symlink("l", name)], [whiteout(name)])
    path = f"/{name}"
    assert path in files.layers[0].added
    assert files.layers[0].added["/l"].target == name
    shown = shown_path(path)
    assert shown.isprintable()
    assert "\u202e" not in shown
    assert files.waste[0].why.isprintable()


def test_nasty_config_fields(tmp_path):
    for field in ("history", "os", "architecture", "rootfs", "variant"):
        for value in (
            None,
            1,
            [],
            {},
            "x" * 10_000,
            [None],
            [{"created_by": 5, "created": "never"}],
        ):
            archive = docker_archive({"a:1": [tar(file("a"))]})
            made = tmp_path / "nasty.tar"
            made.write_bytes(archive)
            with tarfile.open(made) as whole:
                members = [(i, whole.extractfile(i).read() if i.isfile() else b"") for i in whole]
            changed = []
            for info, content in members:
                other = content
                if b"rootfs" in content:
                    other = json.dumps({**json.loads(content), field: value}).encode()
                    info.size = len(other)
                changed.append((info, other))
            try:
                files = read_bytes(tmp_path, tar(*changed))
            except LabError:
                continue
            assert "/a" in files.visible


def test_a_hundred_levels_of_indexes(tmp_path):
    made = Layout()
    index = made.image([tar(file("a"))])
    for _ in range(100):
        index = made.index(index)
    made.manifests.append({**index, "annotations": named("a:1")})
    with pytest.raises(ArchiveError, match="holds no image"):
        read_bytes(tmp_path, made.archive())


def test_a_hundred_archives_in_one_another(tmp_path):
    inner = tar(file("a"))
    for _ in range(100):
        inner = tar(file("inner.tar", inner))
    files = read_layers(tmp_path, inner)
    assert list(files.visible) == ["/inner.tar"]
    with pytest.raises(ArchiveError, match="holds no image"):
        read_bytes(tmp_path, inner)


def test_a_layer_packed_a_hundred_times(tmp_path):
    made = Layout()
    packed = tar(file("a"))
    for _ in range(100):
        packed = gzipped(packed)
    made.manifests.append(made.image([b""], pack=lambda _layer: packed, annotations=named("a:1")))
    with pytest.raises(ArchiveError, match="holds no image"):
        read_bytes(tmp_path, made.archive())


@pytest.mark.parametrize("name", ["\x1b[31mred", "\u202egnp", "n" * 10_000])
def test_errors_name_what_is_hostile_harmlessly(tmp_path, name):
    lacks = [{"Config": "c", "RepoTags": [name], "Layers": []}]
    damaged = [{"Config": name, "Layers": []}]
    for listing in (lacks, damaged):
        archive = tar(file("manifest.json", json.dumps(listing).encode()), file(name, b"{"))
        with pytest.raises(ArchiveError) as told:
            read_bytes(tmp_path, archive)
        assert str(told.value).isprintable()
        assert len(str(told.value)) < 3000


def test_a_folder_that_is_no_layout_is_not_searched(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home/layer.tar").write_bytes(docker_archive({"a:1": [tar(file("a"))]}))
    with pytest.raises(ArchiveError, match="home holds no image"):
        read_files(None, tmp_path / "home", cache=LayerCache(tmp_path / "cache"))


def test_what_never_ends_is_not_begun(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(ArchiveError, match="is no file"):
            read_files(None, path, cache=LayerCache(tmp_path / "cache"))
