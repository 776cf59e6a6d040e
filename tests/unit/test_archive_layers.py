"""What layers do to one another: every rule of a layer's archive, read from a real archive."""

import io
import os
import subprocess
import tarfile

import pytest
from archive_maker import (
    file,
    folder,
    hardlink,
    opaque,
    read_layers,
    special,
    symlink,
    tar,
    whiteout,
)

from dockerlab.facts.archive.layer import LayerTable
from dockerlab.facts.archive.merge import merge
from dockerlab.facts.files import Entry, shown_path


def lost(files):
    return {(waste.path, waste.bytes, waste.stored_by, waste.hidden_by) for waste in files.waste}


def test_an_image_without_layers_wastes_nothing(tmp_path):
    files = read_layers(tmp_path)
    assert (files.layers, dict(files.visible), files.efficiency) == ((), {}, 1.0)


def test_a_layer_that_stores_nothing(tmp_path):
    files = read_layers(tmp_path, [], [file("a")])
    assert not files.layers[0].added
    assert list(files.visible) == ["/a"]


def test_folders_that_are_not_listed_are_there(tmp_path):
    files = read_layers(tmp_path, [file("a/b/c")])
    assert set(files.visible) == {"/a", "/a/b", "/a/b/c"}
    assert files.visible["/a/b"].kind == "directory"


@pytest.mark.parametrize(
    ("options", "aspects"),
    [
        ({"content": b"other"}, ("content",)),
        ({"content": b"y"}, ("content",)),
        ({"mode": 0o600}, ("mode",)),
        ({"uid": 7}, ("owner",)),
        ({"gid": 7}, ("owner",)),
        ({"pax": {"SCHILY.xattr.security.capability": "\x01"}}, ("attributes",)),
        ({"content": b"z", "mode": 0o755, "uid": 3}, ("content", "mode", "owner")),
    ],
)
def test_what_changed_is_told_apart(tmp_path, options, aspects):
    files = read_layers(tmp_path, [file("a", b"x")], [file("a", **{"content": b"x", **options})])
    assert files.layers[1].changed["/a"].aspects == aspects
    assert not files.layers[1].added
    assert not files.layers[1].deleted


def test_a_new_time_alone_is_no_change_but_stores_the_file_again(tmp_path):
    files = read_layers(tmp_path, [file("a", b"12", mtime=1)], [file("a", b"12", mtime=2)])
    upper = files.layers[1]
    assert (dict(upper.changed), dict(upper.added), dict(upper.deleted)) == ({}, {}, {})
    assert list(upper.repeated) == ["/a"]
    assert lost(files) == {("/a", 2, 0, 1)}
    assert "stored again unchanged by step 2" in files.waste[0].why


def test_a_folder_listed_again_is_no_change(tmp_path):
    files = read_layers(tmp_path, [folder("d"), file("d/a")], [folder("d"), file("d/b")])
    assert list(files.layers[1].added) == ["/d/b"]
    assert not files.layers[1].changed
    assert not files.layers[1].repeated
    assert {"/d/a", "/d/b"} <= set(files.visible)


def test_a_folders_mode_changes_and_what_is_in_it_stays(tmp_path):
    files = read_layers(tmp_path, [folder("d"), file("d/a")], [folder("d", mode=0o700)])
    assert files.layers[1].changed["/d"].aspects == ("mode",)
    assert "/d/a" in files.visible


def test_whiteout(tmp_path):
    files = read_layers(tmp_path, [file("opt/blob", b"1234")], [whiteout("opt/blob")])
    assert list(files.layers[1].deleted) == ["/opt/blob"]
    assert set(files.visible) == {"/opt"}
    assert lost(files) == {("/opt/blob", 4, 0, 1)}
    assert files.waste[0].why == "/opt/blob, 4 B, added by step 1, deleted by step 2, still travels"
    assert files.efficiency == 0.0


def test_a_deleted_folder_wastes_all_that_is_below(tmp_path):
    base = [file("d/a", b"1"), file("d/e/b", b"22"), symlink("d/l", "a"), file("kept", b"333")]
    files = read_layers(tmp_path, base, [whiteout("d")])
    assert set(files.layers[1].deleted) == {"/d", "/d/a", "/d/e", "/d/e/b", "/d/l"}
    assert lost(files) == {("/d/a", 1, 0, 1), ("/d/e/b", 2, 0, 1)}
    assert "deleted with /d by step 2" in files.waste[0].why
    assert files.efficiency == pytest.approx(0.5)


@pytest.mark.parametrize("first", [True, False])
def test_an_opaque_folder_hides_what_is_below_it_and_nothing_of_its_own(tmp_path, first):
    own = [file("d/new", b"new")]
    upper = [opaque("d"), *own] if first else [*own, opaque("d")]
    files = read_layers(tmp_path, [folder("d"), file("d/old", b"old"), file("d/s/x")], upper)
    assert set(files.visible) == {"/d", "/d/new"}
    assert set(files.layers[1].deleted) == {"/d/old", "/d/s", "/d/s/x"}
    assert files.waste_bytes == 4


def test_an_opaque_root_hides_everything(tmp_path):
    files = read_layers(tmp_path, [file("a"), file("b/c")], [opaque(""), file("n")])
    assert set(files.visible) == {"/n"}


@pytest.mark.parametrize("first", [True, False])
def test_a_whiteout_spares_what_its_own_layer_stores(tmp_path, first):
    upper = [whiteout("d"), file("d/z", b"z")]
    files = read_layers(tmp_path, [file("d/x", b"x")], upper if first else upper[::-1])
    assert set(files.visible) == {"/d", "/d/z"}
    assert list(files.layers[1].deleted) == ["/d/x"]


def test_deleted_and_stored_again_in_one_layer_is_a_change(tmp_path):
    files = read_layers(tmp_path, [file("a", b"old")], [whiteout("a"), file("a", b"new!")])
    assert files.layers[1].changed["/a"].aspects == ("content",)
    assert not files.layers[1].deleted
    assert [waste.reason for waste in files.waste] == ["replaced"]


def test_a_dangling_whiteout_is_told_and_harms_nothing(tmp_path):
    files = read_layers(tmp_path, [file("a")], [whiteout("d/nothing"), file("b")])
    assert files.layers[1].dangling == ("/d/nothing",)
    assert set(files.visible) == {"/a", "/b"}
    assert not files.layers[1].deleted


def test_a_name_that_ends_like_a_mark_is_a_file(tmp_path):
    upper = [file("d/not.wh..opq"), file("d/a.wh.b"), file("d/.wh")]
    files = read_layers(tmp_path, [file("d/old")], upper)
    assert set(files.layers[1].added) == {"/d/not.wh..opq", "/d/a.wh.b", "/d/.wh"}
    assert "/d/old" in files.visible


def test_marks_of_aufs_are_no_files(tmp_path):
    files = read_layers(tmp_path, [file("a"), folder(".wh..wh.plnk"), file(".wh..wh.aufs", b"")])
    assert set(files.visible) == {"/a"}


def test_deleted_added_and_deleted_again(tmp_path):
    files = read_layers(
        tmp_path, [file("a", b"1")], [whiteout("a")], [file("a", b"22")], [whiteout("a")]
    )
    assert lost(files) == {("/a", 1, 0, 1), ("/a", 2, 2, 3)}
    assert "/a" in files.layers[2].added


def test_a_hard_linked_file_counts_once(tmp_path):
    base = [file("a", b"12345"), hardlink("b", "a"), hardlink("c", "b")]
    files = read_layers(tmp_path, base, [whiteout("a")], [whiteout("b"), whiteout("c")])
    assert files.layers[0].size == files.stored_bytes == 5
    assert lost(files) == {("/a", 5, 0, 2)}


def test_a_hard_linked_file_is_no_waste_while_one_name_is_left(tmp_path):
    files = read_layers(tmp_path, [file("a", b"12345"), hardlink("b", "a")], [whiteout("a")])
    assert files.waste == ()
    assert files.visible["/b"].size == 5
    assert files.visible["/b"].kind == "file"


def test_a_hard_linked_file_is_no_waste_while_one_name_is_not_replaced(tmp_path):
    base = [file("a", b"12345"), hardlink("b", "a")]
    files = read_layers(tmp_path, base, [file("a", b"new")], [file("b", b"other")])
    assert files.layers[1].changed["/a"].aspects == ("content",)
    assert lost(files) == {("/a", 5, 0, 2)}
    assert "replaced by step 3" in files.waste[0].why


def test_a_hard_link_to_a_file_of_a_lower_layer_keeps_it_in_sight(tmp_path):
    files = read_layers(tmp_path, [file("a", b"123")], [hardlink("b", "a"), whiteout("a")])
    assert files.waste == ()
    assert files.visible["/b"].layer == 0
    assert files.layers[1].size == 0


def test_a_hard_link_to_nothing_is_shown_as_one(tmp_path):
    files = read_layers(tmp_path, [hardlink("b", "a"), hardlink("c", "c")])
    assert files.visible["/b"].kind == files.visible["/c"].kind == "link"
    assert files.visible["/b"].link == "/a"


def test_a_file_for_a_folder_and_back(tmp_path):
    files = read_layers(
        tmp_path, [file("d/x", b"1")], [file("d", b"22")], [folder("d"), file("d/y", b"3")]
    )
    assert files.layers[1].changed["/d"].aspects == ("type",)
    assert list(files.layers[1].deleted) == ["/d/x"]
    assert files.layers[2].changed["/d"].aspects == ("type",)
    assert set(files.visible) == {"/d", "/d/y"}
    assert lost(files) == {("/d/x", 1, 0, 1), ("/d", 2, 1, 2)}


def test_a_path_stored_twice_in_one_layer_is_the_later_one(tmp_path):
    files = read_layers(tmp_path, [file("a", b"1"), file("a", b"22")])
    assert files.visible["/a"].size == 2
    assert lost(files) == {("/a", 1, 0, 0)}
    assert files.waste[0].why == ("/a, 1 B, stored twice by step 1; what came first still travels")
    assert files.layers[0].size == 3


def test_a_folder_that_becomes_a_file_within_one_layer(tmp_path):
    files = read_layers(tmp_path, [file("d/x", b"1"), file("d", b"22")])
    assert set(files.visible) == {"/d"}
    assert files.waste_bytes == 1


@pytest.mark.parametrize(
    ("name", "path"),
    [("/abs/x", "/abs/x"), ("./dot/x", "/dot/x"), ("a//b", "/a/b"), ("a/./b", "/a/b"),
     ("a/../b", "/b"), ("../../up", "/up"), ("d/.hidden", "/d/.hidden"), ("...", "/...")],
)  # fmt: skip
def test_names_are_paths_within_the_image(tmp_path, name, path):
    # engines 26.1 of both image stores unpack each of them just there
    assert path in read_layers(tmp_path, [file(name)]).visible


def test_the_root_itself_is_no_file(tmp_path):
    assert set(read_layers(tmp_path, [folder("./"), folder("/"), file("./a")]).visible) == {"/a"}


def test_a_path_through_a_symbolic_link_of_its_own_layer_follows_it(tmp_path):
    # measured: so do engines 26.1 of both image stores
    base = [folder("usr/lib"), symlink("lib", "usr/lib"), file("lib/x"), symlink("l", "/lib")]
    files = read_layers(tmp_path, [*base, file("l/y")])
    assert {"/usr/lib/x", "/usr/lib/y"} <= set(files.visible)
    assert files.visible["/lib"].kind == "symlink"


def test_a_path_through_a_symbolic_link_of_a_lower_layer_replaces_it(tmp_path):
    # measured: a layer is unpacked by itself, and its folder covers the link
    base = [folder("usr/lib"), file("usr/lib/a"), symlink("lib", "usr/lib")]
    files = read_layers(tmp_path, base, [file("lib/x")])
    assert files.layers[1].changed["/lib"].aspects == ("type",)
    assert set(files.visible) == {"/usr", "/usr/lib", "/usr/lib/a", "/lib", "/lib/x"}


def test_devices_and_pipes(tmp_path):
    files = read_layers(
        tmp_path,
        [
            special("null", tarfile.CHRTYPE, device=(1, 3)),
            special("disk", tarfile.BLKTYPE, device=(8, 0)),
            special("zero", tarfile.CHRTYPE, device=(0, 0)),
            special("pipe", tarfile.FIFOTYPE),
        ],
        [special("null", tarfile.CHRTYPE, device=(1, 5))],
    )
    kinds = {path: entry.kind for path, entry in files.visible.items()}
    assert kinds == {"/null": "character", "/disk": "block", "/zero": "character", "/pipe": "pipe"}
    assert files.visible["/disk"].device == (8, 0)
    assert files.layers[1].changed["/null"].aspects == ("content",)


def test_a_symbolic_links_target_changes(tmp_path):
    files = read_layers(tmp_path, [symlink("l", "a")], [symlink("l", "b")])
    assert files.layers[1].changed["/l"].aspects == ("content",)
    assert files.visible["/l"].target == "b"


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_long_names_and_targets(tmp_path, form):
    name = "/".join(["folder-with-a-long-name"] * 12) + "/" + "f" * 200
    layer = tar(file(name), symlink("l" * 150, name), hardlink("h" * 150, name), form=form)
    files = read_layers(tmp_path, layer)
    assert files.visible[f"/{name}"].kind == "file"
    assert files.visible["/" + "l" * 150].target == name
    assert files.visible["/" + "h" * 150].link == f"/{name}"


def test_a_name_split_as_ustar_splits_it(tmp_path):
    name = "p" * 120 + "/" + "n" * 90
    files = read_layers(tmp_path, tar(file(name), form=tarfile.USTAR_FORMAT))
    assert f"/{name}" in files.visible


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_names_that_are_not_utf8_are_kept(tmp_path, form):
    name = os.fsdecode(b"caf\xe9/\xff" + b"n" * 120)
    files = read_layers(tmp_path, tar(file(name), file("caf\xc3\xa9/ok"), form=form))
    assert os.fsencode(f"/{name}") in {os.fsencode(path) for path in files.visible}
    assert shown_path(f"/{name}").startswith("/caf\\xe9/\\xff")


def test_large_numbers(tmp_path):
    layer = tar(file("a", uid=3_000_000, gid=2**31), form=tarfile.GNU_FORMAT)
    entry = read_layers(tmp_path, layer).visible["/a"]
    assert (entry.uid, entry.gid) == (3_000_000, 2**31)


def test_a_folder_of_20_000_entries(tmp_path):
    files = read_layers(tmp_path, [file(f"d/{n}") for n in range(20_000)], [whiteout("d")])
    assert len(files.layers[0].added) == 20_001
    assert len(files.waste) == files.waste_bytes == 20_000


def sparse_file(path, size, data):
    with path.open("wb") as made:
        made.truncate(size)
        for offset, content in data.items():
            made.seek(offset)
            made.write(content)


@pytest.mark.parametrize("form", [
    ["--format=gnu"],
    *(["--format=pax", f"--sparse-version={version}"] for version in ("0.0", "0.1", "1.0")),
])  # fmt: skip
def test_sparse_files(tmp_path, form):
    folder_ = tmp_path / "made"
    folder_.mkdir()
    many = {offset * 65536: b"x" * 4096 for offset in range(60)}
    sparse_file(folder_ / "few", 4_000_000, {1_000_000: b"y" * 8192})
    sparse_file(folder_ / "many", 4_000_000, many)
    sparse_file(folder_ / "none", 4_000_000, {})
    (folder_ / "after").write_bytes(b"z" * 700)
    made = subprocess.run(
        ["tar", "-c", "--sparse", *form, "-C", folder_, "few", "many", "none", "after"],
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    plain = tar(*(file(name, (folder_ / name).read_bytes()) for name in ("few", "many", "after")))
    files = read_layers(tmp_path, made, plain)
    for name, least in (("few", 8192), ("many", 60 * 4096), ("none", 0)):
        entry = files.layers[0].added[f"/{name}"]
        assert entry.size == 4_000_000
        assert least <= entry.stored < 400_000
    # the same content, once sparse, once not, is no change
    assert not files.layers[1].changed
    assert set(files.layers[1].repeated) == {"/few", "/many", "/after"}
    assert files.waste_bytes == sum(
        files.layers[0].added[f"/{name}"].stored for name in ("few", "many", "after")
    )


def test_steps_are_those_of_the_history(tmp_path):
    files = read_layers(tmp_path, [file("a")], [file("b")])
    assert [layer.step for layer in files.layers] == [0, 1]
    assert files.steps[1].text == "COPY 1 /"
    assert [layer.diff_id.startswith("sha256:") for layer in files.layers] == [True, True]


def test_the_waste_of_a_large_file_in_a_sentence():
    blob = Entry("/opt/blob", "file", 300_000_000, 300_000_000, 0o644, 0, 0, inode=0)
    tables = [LayerTable("sha256:1", (blob,)), LayerTable("sha256:2", (), ("/opt/blob",))]
    files = merge("made:1", "linux/amd64", (), tables, [4, 5])
    assert [waste.why for waste in files.waste] == [
        "/opt/blob, 300 MB, added by step 5, deleted by step 6, still travels"
    ]
    assert (files.waste[0].stored_by, files.waste[0].hidden_by) == (0, 1)


def test_members_of_unknown_kind_are_left_out(tmp_path):
    info, content = file("odd", b"12345")
    info.type = b"Q"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(info, io.BytesIO(content))
        archive.addfile(*[part if i == 0 else io.BytesIO(part) for i, part in enumerate(file("a"))])
    assert set(read_layers(tmp_path, buffer.getvalue()).visible) == {"/a"}
