"""Reading a file's content, and values as pictures take them."""

import dataclasses

import pytest
from archive_maker import (
    docker_archive,
    file,
    folder,
    hardlink,
    read_bytes,
    read_layers,
    symlink,
    tar,
    whiteout,
)

from dockerlab.errors import UnknownNameError, UsageError
from dockerlab.facts.file_reading import read_content
from dockerlab.facts.files import shown_path
from dockerlab.facts.layer_cache import LayerCache
from dockerlab.facts.sizes import size_text

LAYERS = [
    [
        folder("usr/lib"), file("usr/lib/release", b"one"), file("blob", b"b" * 100_000),
        hardlink("blob2", "blob"), symlink("etc", "/usr/lib"), symlink("r", "etc/../lib/release"),
        symlink("loop", "loop"), file("empty", b""), symlink("up", "../../../usr"),
        file("holes", b"12", pax={"GNU.sparse.size": "9", "GNU.sparse.map": "3,2"}),
    ],
    [file("usr/lib/release", b"two"), whiteout("blob"), whiteout("r")],
    [symlink("r", "etc/release"), file("usr/lib/release", b"two")],
]  # fmt: skip


@pytest.fixture
def content(tmp_path):
    path = tmp_path / "a.tar"
    path.write_bytes(docker_archive({"a:1": [tar(*layer) for layer in LAYERS]}, backwards=True))

    def read(name, **options):
        return read_content(None, path, name, cache=LayerCache(tmp_path / "cache"), **options)

    return read


@pytest.mark.parametrize(
    "name", ["/usr/lib/release", "usr/lib/release", "/etc/release", "/r", "/up/lib/release"]
)
def test_a_files_content_is_what_a_container_sees(content, name):
    seen = content(name)
    assert (seen.content, seen.whole) == (b"two", True)
    assert seen.entry.path == "/usr/lib/release"
    assert seen.entry.layer == 2


def test_a_layers_own_content(content):
    assert content("/usr/lib/release", layer=0).content == b"one"
    assert content("/usr/lib/release", layer=1).content == b"two"
    assert content("/usr/lib/release", layer=2).content == b"two"  # stored again, unchanged
    assert content("/blob", layer=0).content == b"b" * 100_000


def test_a_content_is_cut_at_its_limit(content):
    seen = content("/blob2", limit=1000)
    assert seen.content == b"b" * 1000
    assert not seen.whole
    assert seen.entry.size == 100_000


def test_empty_and_sparse_contents(content):
    assert content("/empty").content == b""
    assert content("/empty").whole
    assert content("/holes").content == b"\0\0\x0012\0\0\0\0"


def test_what_has_no_content(content):
    with pytest.raises(UsageError, match=r"/usr/lib is no regular file"):
        content("/etc")
    with pytest.raises(UsageError, match="leads nowhere"):
        content("/loop")
    with pytest.raises(UsageError, match=r"/ is no regular file"):
        content("/")


def test_what_is_not_there(content):
    with pytest.raises(UnknownNameError, match=r"no /usr/lib/relaese.*did you mean '/usr/lib/rel"):
        content("/usr/lib/relaese")
    with pytest.raises(UnknownNameError, match="no /blob in"):
        content("/blob")
    with pytest.raises(UnknownNameError, match="Layer 1 doesn't store /blob"):
        content("/blob", layer=1)
    with pytest.raises(UnknownNameError, match=r"has 3, counted from 0"):
        content("/blob", layer=3)


def test_values_are_frozen(tmp_path):
    files = read_layers(tmp_path, [file("a")])
    with pytest.raises(dataclasses.FrozenInstanceError):
        files.name = "other"
    with pytest.raises(TypeError):
        files.visible["/b"] = files.visible["/a"]
    with pytest.raises(AttributeError):
        files.visible["/a"].size = 3


def test_the_same_archive_gives_the_same_values(tmp_path):
    archive = docker_archive({"a:1": [tar(*layer) for layer in LAYERS]})
    first, second = read_bytes(tmp_path, archive), read_bytes(tmp_path, archive)
    assert first == second
    assert list(first.visible) == list(second.visible)


def test_waste_is_sorted_by_size(tmp_path):
    base = [file("s", b"1"), file("l", b"1" * 9), file("m", b"1" * 5)]
    files = read_layers(tmp_path, base, [whiteout(name) for name in "slm"])
    assert [waste.path for waste in files.waste] == ["/l", "/m", "/s"]


def test_how_far_it_is_told(tmp_path):
    told = []
    read_bytes(
        tmp_path,
        docker_archive({"a:1": [tar(file("a", b"x" * 5_000_000))]}),
        progress=lambda label, done, total: told.append((label, done, total)),
    )
    assert told[0][0] == "Reading archive.tar"
    assert told[-1][1] == told[-1][2] > 5_000_000
    assert [done for _label, done, _total in told] == sorted(done for _label, done, _total in told)


@pytest.mark.parametrize(
    ("path", "shown"),
    [("/a b/é/日本", "/a b/é/日本"), ("/a\nb\x1b", "/a\\x0ab\\x1b"), ("/\udcff", "/\\xff"),
     ("/\u202e", "/\\u202e"), ("/\\xff", "/\\\\xff"), ("/\U000e0001", "/\\U000e0001"),
     ("/\xa0", "/\\u00a0")],
)  # fmt: skip
def test_paths_are_shown_so_that_two_never_look_alike(path, shown):
    assert shown_path(path) == shown


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (314_572_800, "315 MB"), (999_999, "1 MB")],
)
def test_sizes(number, text):
    assert size_text(number) == text
