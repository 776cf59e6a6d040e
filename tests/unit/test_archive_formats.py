"""One image in every format that an archive of it can have."""

import gzip
import json
import tarfile

import pytest
from archive_maker import (
    Layout,
    digest,
    docker_archive,
    file,
    folder,
    gzipped,
    named,
    read_bytes,
    symlink,
    tar,
    whiteout,
    zstandarded,
)

from dockerlab.errors import UnknownNameError, UsageError
from dockerlab.facts.archive import ArchiveError
from dockerlab.facts.archive.shelf import read_archive
from dockerlab.facts.file_reading import read_files
from dockerlab.facts.layer_cache import LayerCache

LAYERS = [
    tar(folder("etc"), file("etc/conf", b"one"), file("big", b"b" * 3_000_000)),
    tar(file("etc/conf", b"other"), whiteout("big")),
]


def as_expected(files):
    assert set(files.visible) == {"/etc", "/etc/conf"}
    assert files.waste_bytes == 3_000_003
    assert [layer.diff_id for layer in files.layers] == [f"sha256:{digest(one)}" for one in LAYERS]
    assert [layer.size for layer in files.layers] == [3_000_003, 5]


def layout(pack=bytes, name="docker.io/library/made:latest"):
    made = Layout()
    made.manifests.append(made.image(LAYERS, pack=pack, annotations=named(name)))
    return made


@pytest.mark.parametrize("backwards", [False, True])
def test_docker_before_25(tmp_path, backwards):
    files = read_bytes(tmp_path, docker_archive({"made:latest": LAYERS}, backwards=backwards))
    as_expected(files)
    assert files.name == "made:latest"


def test_docker_before_25_links_layers_that_are_the_same(tmp_path):
    archive = docker_archive({"a:1": LAYERS, "b:1": [*LAYERS, LAYERS[0]]})
    as_expected(read_bytes(tmp_path, archive, image="a:1"))
    files = read_bytes(tmp_path, archive, image="b:1")
    assert files.layers[0].diff_id == files.layers[2].diff_id
    assert "/big" in files.layers[2].added
    assert "/big" in files.visible


@pytest.mark.parametrize("pack", [bytes, gzipped, zstandarded])
def test_oci_layout(tmp_path, pack):
    files = read_bytes(tmp_path, layout(pack).archive())
    as_expected(files)
    assert (files.name, files.platform) == ("made:latest", "linux/amd64")


def in_members(content):
    """As estargz packs: a gzip member a file, and an empty one at the end."""
    pieces = [content[at : at + 700] for at in range(0, len(content), 700)]
    return b"".join(gzipped(piece) for piece in [*pieces[:50], b"".join(pieces[50:]), b""])


def in_frames(content):
    """As zstd:chunked packs: frame after frame, and one that is to be skipped."""
    pieces = [content[:1000], content[1000:5000], content[5000:]]
    skipped = b"\x50\x2a\x4d\x18" + (7).to_bytes(4, "little") + b"skipped"
    return skipped.join(zstandarded(piece) for piece in pieces) + skipped


@pytest.mark.parametrize("pack", [in_members, in_frames])
def test_layers_packed_piece_by_piece(tmp_path, pack):
    as_expected(read_bytes(tmp_path, layout(pack).archive()))


def test_layers_packed_each_otherwise(tmp_path):
    packs = {LAYERS[0]: zstandarded, LAYERS[1]: gzipped}
    as_expected(read_bytes(tmp_path, layout(lambda layer: packs[layer](layer)).archive()))


@pytest.mark.parametrize("pack", [bytes, gzipped, zstandarded])
def test_oci_layout_in_a_folder(tmp_path, pack):
    where = layout(pack).unpack(tmp_path / "layout")
    as_expected(read_files(None, where, cache=LayerCache(tmp_path / "cache")))


def test_docker_since_25_writes_both_lists(tmp_path):
    made = layout()
    name = made.manifests[0]["digest"].replace(":", "/")
    manifest = json.loads(made.blobs[f"blobs/{name}"])
    listing = [
        {
            "Config": "blobs/" + manifest["config"]["digest"].replace(":", "/"),
            "RepoTags": ["made:latest", "made:2"],
            "Layers": ["blobs/" + one["digest"].replace(":", "/") for one in manifest["layers"]],
        }
    ]
    made.blobs["manifest.json"] = json.dumps(listing).encode()
    as_expected(read_bytes(tmp_path, made.archive(), image="made:2"))
    as_expected(read_bytes(tmp_path, made.archive()))


def test_the_whole_archive_compressed(tmp_path):
    as_expected(read_bytes(tmp_path, gzip.compress(layout().archive(), 1)))
    as_expected(read_bytes(tmp_path, zstandarded(layout().archive())))


@pytest.mark.parametrize("empty", [False, True])
def test_attestations_are_no_platforms(tmp_path, empty):
    made = Layout()
    image = made.image(LAYERS)
    attestation = made.attestation(image, empty=empty)
    top = made.index(image, attestation, annotations=named("docker.io/library/made:1"))
    made.manifests.append(top)
    files = read_bytes(tmp_path, made.archive())
    as_expected(files)
    assert (files.name, files.platform) == ("made:1", "linux/amd64")
    with pytest.raises(UnknownNameError, match=r"only for linux/amd64\."):
        read_bytes(tmp_path, made.archive(), platform="unknown/unknown")


def test_an_attestation_without_its_mark_is_no_platform_either(tmp_path):
    made = Layout()
    image = made.image(LAYERS)
    attestation = made.attestation(image)
    del attestation["annotations"]
    made.manifests.append(made.index(image, attestation, annotations=named("made:1")))
    as_expected(read_bytes(tmp_path, made.archive()))


def test_several_platforms_in_an_index_within_an_index(tmp_path):
    made = Layout()
    other = [tar(file("arm", b"arm"))]
    inner = made.index(made.image(LAYERS), made.image(other, architecture="s390x"))
    made.manifests.append(made.index(inner, annotations=named("docker.io/library/made:1")))
    as_expected(read_bytes(tmp_path, made.archive(), platform="linux/amd64"))
    assert set(read_bytes(tmp_path, made.archive(), platform="linux/s390x").visible) == {"/arm"}
    with pytest.raises(UnknownNameError, match=r"linux/amd64, linux/s390x"):
        read_bytes(tmp_path, made.archive(), platform="linux/arm64")


def test_of_several_platforms_this_machines_is_taken(tmp_path, monkeypatch):
    made = Layout()
    arm = made.image([tar(file("arm"))], architecture="arm64")
    made.manifests.append(made.index(made.image(LAYERS), arm, annotations=named("made:1")))
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert set(read_bytes(tmp_path, made.archive()).visible) == {"/arm"}
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    as_expected(read_bytes(tmp_path, made.archive()))


def test_a_platform_whose_layers_are_elsewhere_is_left_out(tmp_path):
    made = Layout()
    absent = made.image([tar(file("absent"))], architecture="arm64")
    made.manifests.append(made.index(made.image(LAYERS), absent, annotations=named("made:1")))
    del made.blobs[f"blobs/sha256/{digest(tar(file('absent')))}"]
    as_expected(read_bytes(tmp_path, made.archive()))


def test_several_images_must_be_named(tmp_path):
    archive = docker_archive({"a:1": LAYERS, "b:latest": [tar(file("b"))]})
    with pytest.raises(UsageError, match=r"2 images: a:1 \(linux/amd64\), b:latest"):
        read_bytes(tmp_path, archive)
    as_expected(read_bytes(tmp_path, archive, image="a:1"))
    assert set(read_bytes(tmp_path, archive, image="b").visible) == {"/b"}
    with pytest.raises(UnknownNameError, match="did you mean 'b:latest'"):
        read_bytes(tmp_path, archive, image="bb:latest")


def test_a_file_system_is_no_image(tmp_path):
    with pytest.raises(ArchiveError, match=r"holds no image.*docker export"):
        read_bytes(tmp_path, tar(folder("etc"), file("etc/passwd", b"root"), symlink("a", "b")))


def test_what_is_no_archive(tmp_path):
    for content in (b"", b"hello", b"{}", b"\0" * 100, bytes(range(256)) * 40):
        with pytest.raises(ArchiveError, match="no archive of an image"):
            read_bytes(tmp_path, content)


def test_what_is_not_there(tmp_path):
    with pytest.raises(ArchiveError, match=r"nothing\.tar can't be read: No such file"):
        read_files(None, tmp_path / "nothing.tar")


def test_a_layer_that_is_not_the_one_named(tmp_path):
    made = layout()
    made.blobs[f"blobs/sha256/{digest(LAYERS[1])}"] = tar(file("evil"))
    with pytest.raises(ArchiveError, match=r"Layer 2 of made:latest is not what its config says"):
        read_bytes(tmp_path, made.archive())


def test_a_layer_that_is_missing(tmp_path):
    archive = docker_archive({"made:latest": LAYERS})
    path = tmp_path / "whole.tar"
    path.write_bytes(archive)
    with tarfile.open(path) as whole:
        members = [
            (info, whole.extractfile(info).read() if info.isfile() else b"") for info in whole
        ]
    layers = [info.name for info, _content in members if info.name.endswith("layer.tar")]
    kept = [(info, content) for info, content in members if info.name != layers[1]]
    with pytest.raises(ArchiveError, match="lacks layer 2 of made:latest"):
        read_bytes(tmp_path, tar(*kept))


def test_a_layer_is_taken_at_its_word_only_where_somebody_vouches_for_it():
    layer, other = LAYERS
    real, claimed = f"sha256:{digest(layer)}", f"sha256:{digest(other)}"
    lying = tar(file(f"blobs/sha256/{digest(other)}", layer))
    found = {
        vouched: [one.diff_id for one in read_archive([lying], None, vouched).layers.values()]
        for vouched in ((), (real,), (claimed,))
    }
    assert found == {(): [real], (real,): [real], (claimed,): [claimed]}
