"""What users of the layer explorer dive were told wrongly, told right.

Each test is named for a fault of version 0.13.1.
"""

import json

import pytest
from archive_maker import (
    Layout,
    docker_archive,
    file,
    folder,
    named,
    opaque,
    read_bytes,
    read_layers,
    tar,
    whiteout,
)

from dockerlab.facts.file_reading import read_content
from dockerlab.facts.layer_cache import LayerCache


def test_the_base_layer_is_shown_as_added(tmp_path):
    files = read_layers(tmp_path, [file("a"), file("b")], [file("c")])
    assert list(files.layers[0].added) == ["/a", "/b"]


def test_a_dangling_whiteout_does_not_end_the_layer(tmp_path):
    files = read_layers(tmp_path, [file("a")], [whiteout("nothing"), file("b"), whiteout("a")])
    assert list(files.layers[1].added) == ["/b"]
    assert list(files.layers[1].deleted) == ["/a"]


def test_deleting_a_folder_that_is_not_empty_is_waste(tmp_path):
    files = read_layers(tmp_path, [folder("d"), file("d/blob", b"x" * 1000)], [whiteout("d")])
    assert files.waste_bytes == 1000


def test_opaque_whiteouts_hide(tmp_path):
    files = read_layers(tmp_path, [file("d/old", b"x" * 10)], [opaque("d"), file("d/new")])
    assert "/d/old" not in files.visible
    assert files.waste_bytes == 10


def test_waste_is_counted_once(tmp_path):
    files = read_layers(tmp_path, [file("a", b"x" * 10)], [file("a", b"y" * 10)], [whiteout("a")])
    assert files.waste_bytes == 20
    assert files.stored_bytes == 20


def test_every_layer_of_an_oci_layout_has_an_id_of_its_own(tmp_path):
    made = Layout()
    layers = [tar(file("a")), tar(file("b"))]
    made.manifests.append(made.image(layers, annotations=named("made:1")))
    files = read_bytes(tmp_path, made.archive())
    assert len({layer.diff_id for layer in files.layers}) == 2
    assert all(len(layer.diff_id) == len("sha256:") + 64 for layer in files.layers)


def test_every_image_of_an_archive_can_be_read(tmp_path):
    archive = docker_archive({f"i:{n}": [tar(file(f"f{n}"))] for n in range(3)})
    for n in range(3):
        assert list(read_bytes(tmp_path, archive, image=f"i:{n}").visible) == [f"/f{n}"]


@pytest.mark.parametrize("run", range(3))
def test_layers_keep_their_order_without_manifest_json(tmp_path, run):
    layers = [tar(file(f"f{n}")) for n in range(20)]
    made = Layout()
    made.manifests.append(made.image(layers, annotations=named("made:1")))
    made.blobs = dict(sorted(made.blobs.items(), key=lambda item: hash((run, item[0]))))
    assert "manifest.json" not in made.files()
    files = read_bytes(tmp_path, made.archive())
    assert [list(layer.added) for layer in files.layers] == [[f"/f{n}"] for n in range(20)]


def test_the_score_is_what_is_seen_of_what_is_stored(tmp_path):
    # dive's own, the sum of each path's smallest size over all that is stored, is 0.5 here
    files = read_layers(tmp_path, [file("a", b"x" * 90)], [file("a", b"x" * 10)])
    assert files.efficiency == pytest.approx(0.1)


def test_wishes_a_files_content_and_sorting_by_size(tmp_path):
    path = tmp_path / "i.tar"
    path.write_bytes(
        docker_archive({"i:1": [tar(file("a", b"hello")), tar(file("b", b"long" * 9))]})
    )
    cache = LayerCache(tmp_path / "cache")
    assert read_content(None, path, "/a", cache=cache).content == b"hello"
    files = read_bytes(tmp_path, path.read_bytes())
    by_size = sorted(files.visible.values(), key=lambda entry: -entry.size)
    assert [entry.path for entry in by_size] == ["/b", "/a"]


def test_wishes_the_waste_is_explained(tmp_path):
    layers = [
        [file("opt/blob", b"x" * 300_000), file("etc/conf", b"1")],
        [whiteout("opt"), file("etc/conf", b"1", mode=0o600)],
    ]
    archive = docker_archive({"made:1": [tar(*layer) for layer in layers]})
    history = [
        {"created_by": "COPY base /"}, {"created_by": "ENV a=b", "empty_layer": True},
        {"created_by": "RUN rm"},
    ]  # fmt: skip
    made = Layout()
    made.manifests.append(
        made.image([tar(*layer) for layer in layers], annotations=named("made:1"))
    )
    plain = read_bytes(tmp_path, archive)
    assert [waste.why for waste in plain.waste] == [
        "/opt/blob, 300 kB, added by step 1, deleted with /opt by step 2, still travels",
        "/etc/conf, 1 B, added by step 1, stored again by step 2, which changed only its mode; "
        "what came first still travels",
    ]
    name, content = next(item for item in made.blobs.items() if b"rootfs" in item[1])
    changed = json.dumps({**json.loads(content), "history": history}).encode()
    manifest = next(n for n, c in made.blobs.items() if b'"layers": [{"digest"' in c)
    body = json.loads(made.blobs[manifest])
    body["config"] = made.blob(changed)
    made.manifests = [made.blob(json.dumps(body).encode(), annotations=named("made:1"))]
    del made.blobs[name]
    files = read_bytes(tmp_path, made.archive())
    assert [layer.step for layer in files.layers] == [0, 2]
    assert "deleted with /opt by step 3" in files.waste[0].why
