"""Bundles: trusted by their sum, read within bounds, and refused in a sentence."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from bundle_zoo import (
    Members,
    changed,
    load,
    make,
    members_of,
    pack,
    storage_in,
    tree,
    with_head,
)

from dockerlab.engine import bundle
from dockerlab.engine.images import COURSE_IMAGES
from dockerlab.engine.members import HEAD
from dockerlab.errors import EngineError, HubError, LabError


@pytest.fixture
def good(tmp_path: Path) -> Path:
    file = tmp_path / "课程 course.tar"
    make(file)
    return file


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    folder = tmp_path / "hub"
    folder.mkdir()
    return folder


def refused(file: Path, hub: Path, sha256: str = "") -> str:
    """A bad bundle changes nothing, and is refused in one line."""
    before = tree(hub)
    with pytest.raises(LabError) as error:
        load(file, hub, sha256)
    assert tree(hub) == before
    assert error.value.problem.endswith(".")
    assert error.value.mend.endswith((".", "FILE", "version."))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_bundle_moves_all_images(good: Path, hub: Path) -> None:
    storage = load(good, hub)
    assert {storage.state(image, thorough=True) for image in COURSE_IMAGES} == {"whole"}
    assert list(hub.glob("bundle-*")) == []


def test_the_same_images_make_the_same_bundle(good: Path, tmp_path: Path) -> None:
    again = make(tmp_path / "again.tar")
    assert again.file.read_bytes() == good.read_bytes()
    assert again == bundle.inspect(again.file)


def test_only_the_file_of_the_sum_is_loaded(good: Path, hub: Path) -> None:
    seen = bundle.inspect(good)
    assert "its sum is " + seen.sha256 in refused(good, hub, "0" * 64)
    assert "no SHA-256 sum" in refused(good, hub, seen.sha256[:63])
    load(good, hub, f"sha256:{seen.sha256.upper()[:32]} {seen.sha256[32:]}\n")


def test_a_file_exchanged_after_it_was_trusted_is_refused(good: Path, hub: Path) -> None:
    trusted = bundle.inspect(good)
    trusted = trusted.trust(trusted.sha256)
    members = members_of(good)
    index = json.loads(dict(members)["index.json"])
    index["mediaType"] = "x"
    pack(good, with_head(changed(members, "index.json", json.dumps(index).encode())))
    with pytest.raises(HubError, match="not the bundle you were told of"):
        bundle.load(storage_in(hub), trusted, hub)
    assert tree(hub) == {}


def fifo(path: Path) -> Path:
    os.mkfifo(path)
    return path


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda p: p / "missing", "There is no file"),
        (lambda p: (p / "f", (p / "f").write_text("x"))[0] / "below", "There is no file"),
        (lambda p: p, "is a folder"),
        (lambda p: fifo(p / "pipe"), "no ordinary file"),
        (lambda _p: Path("/dev/zero"), "no ordinary file"),
        (lambda _p: Path("/dev/full"), "no ordinary file"),
        (lambda p: (p / "e", (p / "e").touch())[0], "it is empty"),
        (lambda p: (p / "t", (p / "t").write_text("Dear hub,\n" * 999))[0], "no whole bundle"),
        (lambda p: (p / "s", (p / "s").write_bytes(b"abc"))[0], "ends too early"),
    ],
)
def test_what_is_no_bundle_is_named(
    made: Callable[[Path], Path], says: str, tmp_path: Path, hub: Path
) -> None:
    file = made(tmp_path)
    said = refused(file, hub)
    assert says in said
    assert str(file) in said
    assert "Choose a folder you can write to" not in said


def test_a_huge_hole_is_refused_at_once(good: Path, hub: Path) -> None:
    os.truncate(good, 3 * 10**12)
    began = time.monotonic()
    assert "too large" in refused(good, hub)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("first", "says"),
    [
        ("index.json", "saved by an older dockerlab"),
        ("engine/trixie/packages.json", "does not belong"),
    ],
)
def test_a_bundle_of_the_first_format_is_named(
    first: str, says: str, tmp_path: Path, hub: Path
) -> None:
    said = refused(pack(tmp_path / "old.tar", [(first, b"{}")]), hub)
    assert says in said
    assert "dockerlab hub bundle save FILE" in said


def edited(good: Path, edit: Callable[[dict[str, object]], object]) -> Members:
    members = members_of(good)
    head = json.loads(members[0][1])
    edit(head)
    return [(HEAD, json.dumps(head).encode()), *members[1:]]


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda h: h.update(format=3), "newer dockerlab"),
        (lambda h: h.update(format=True), "list is damaged"),
        (lambda h: h.pop("format"), "list is damaged"),
        (lambda h: h.update(system="debian bookworm z80"), "for z80; this machine"),
        (lambda h: h.update(made_by="\x1b[2J"), "list is damaged"),
        (lambda h: h.update(made_by="x" * 9999), "list is damaged"),
        (lambda h: h.update(members={}), "list is damaged"),
        (lambda h: h["members"].append(h["members"][0]), "a name twice"),
        (lambda h: h["members"].pop(), "cut short, or longer"),
        (lambda h: h["members"].reverse(), "not where it is announced"),
        (lambda h: h["members"][0].__setitem__(1, 10**15), "cut short, or longer"),
        (lambda h: h["members"][0].__setitem__(1, -1), "list is damaged"),
        (lambda h: h["members"][0].__setitem__(1, True), "list is damaged"),
        (lambda h: h["members"][0].__setitem__(2, "0" * 64), "has other bytes"),
        (lambda h: h["members"].extend(["x", 0, ""] for _ in range(2000)), "list is damaged"),
    ],
)
def test_a_lying_head_is_refused(
    edit: Callable[[dict[str, object]], object], says: str, good: Path, hub: Path
) -> None:
    said = refused(pack(good, edited(good, edit)), hub)
    assert says in said.replace("debian bookworm z80", "z80")


@pytest.mark.parametrize("content", [b"", b"null", b"[" * 10**6, b"\xff", b'{"format": 1e999}'])
def test_a_head_that_is_none_is_refused(content: bytes, good: Path, hub: Path) -> None:
    refused(pack(good, changed(members_of(good), HEAD, content)), hub)


@pytest.mark.parametrize(
    "name",
    [
        "../outside", "/tmp/outside", "blobs/sha256/../../../x", "extra", "engine/trixie/../a.deb",
        "engine/trixie/packages.json", "engine/../a.deb", "a\nb", "engine/trixie/.deb",
    ],
)  # fmt: skip
def test_a_name_outside_the_layout_is_refused(name: str, good: Path, hub: Path) -> None:
    bad = pack(good, with_head([*members_of(good), (name, b"content")]))
    assert "does not belong" in refused(bad, hub)


KINDS = {
    "symbolic link": tarfile.SYMTYPE, "hard link": tarfile.LNKTYPE, "device": tarfile.CHRTYPE,
    "block device": tarfile.BLKTYPE, "pipe": tarfile.FIFOTYPE, "folder": tarfile.DIRTYPE,
    "sparse file": tarfile.GNUTYPE_SPARSE, "long name": tarfile.GNUTYPE_LONGNAME,
    "extension": tarfile.XHDTYPE, "global extension": tarfile.XGLTYPE, "old file": tarfile.AREGTYPE,
    "contiguous": tarfile.CONTTYPE, "unknown": b"Z",
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [0, 1, 5])
def test_only_plain_files_are_read(kind: str, number: int, good: Path, hub: Path) -> None:
    content = bytearray(good.read_bytes())
    with tarfile.open(good) as archive:
        at = archive.getmembers()[number].offset
    content[at + 156 : at + 157] = KINDS[kind]
    if "link" in kind:
        content[at + 157 : at + 168] = b"/etc/passwd"
    good.write_bytes(with_checksum(content, at))
    said = refused(good, hub)
    assert "plain file" in said or "no whole bundle" in said


def with_checksum(content: bytearray, at: int) -> bytearray:
    """Make a tar header valid again, whatever it says."""
    content[at + 148 : at + 156] = b" " * 8
    content[at + 148 : at + 156] = b"%06o\0 " % sum(content[at : at + 512])
    return content


@pytest.mark.parametrize(
    "size",
    [b"77777777777\0", b"\x80" + b"\xff" * 11, b"\xff" * 12, b"-0000000001\0", b"00000000000\0"],
)
def test_a_size_that_is_not_announced_is_refused(size: bytes, good: Path, hub: Path) -> None:
    with tarfile.open(good) as archive:
        offsets = [member.offset for member in archive.getmembers()[:3]]
    original = good.read_bytes()
    for at in offsets:
        content = bytearray(original)
        content[at + 124 : at + 136] = size
        good.write_bytes(with_checksum(content, at))
        refused(good, hub)


@pytest.mark.parametrize("where", ["padding", "end", "after"])
def test_bytes_outside_the_files_are_refused(where: str, good: Path, hub: Path) -> None:
    content = bytearray(good.read_bytes())
    with tarfile.open(good) as archive:
        second = archive.getmembers()[1].offset
    if where == "after":
        content += b"\0" * 10240
    else:
        content[{"padding": second - 1, "end": len(content) - 1}[where]] = 7
    good.write_bytes(content)
    refused(good, hub)


@pytest.mark.parametrize("part", [0.001, 0.1, 0.5, 0.9, 0.999])
def test_a_bundle_cut_short_is_refused(part: float, good: Path, hub: Path) -> None:
    os.truncate(good, int(good.stat().st_size * part))
    assert "no whole bundle" in refused(good, hub)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda i: i.update(manifests=[]), "it lacks busybox:latest"),
        (lambda i: i["manifests"].pop(), "it lacks registry:2"),
        (lambda i: i.pop("manifests"), "manifests"),
        (lambda i: i["manifests"][0].update(digest="sha256:../../etc/passwd"), "no digest"),
        (lambda i: i["manifests"][0].update(size=-1), "no size"),
        (lambda i: i["manifests"][0].update(size=5), "is missing"),
        (lambda i: i["manifests"][0].update(mediaType="text/plain"), "no manifest"),
        (lambda i: i["manifests"][0].pop("annotations"), "annotations"),
        (
            lambda i: i["manifests"][0]["annotations"].update(
                {"io.containerd.image.name": "docker.io/library/evil:latest"}
            ),
            "no image of the course",
        ),
        (
            # one of debian's two names given to another image's manifest
            lambda i: i["manifests"][2].update(
                {key: i["manifests"][0][key] for key in ("digest", "size")}
            ),
            "tags of debian differ",
        ),
    ],
)
def test_a_lying_index_is_refused(
    change: Callable[[dict[str, object]], object], says: str, good: Path, hub: Path
) -> None:
    members = members_of(good)
    index = json.loads(dict(members)["index.json"])
    change(index)
    bad = pack(good, with_head(changed(members, "index.json", json.dumps(index).encode())))
    assert says in refused(bad, hub)


def test_a_disk_too_small_is_known_before_anything_is_written(
    good: Path, hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=1000))
    seen = bundle.inspect(good)
    written: list[object] = []
    monkeypatch.setattr("dockerlab.engine.members._content", lambda *each: written.append(each))
    with pytest.raises(EngineError, match="The disk is full"):
        bundle.load(storage_in(hub), seen.trust(seen.sha256), hub)
    assert written == []
    assert tree(hub) == {}


@pytest.mark.parametrize(
    ("name", "says"),
    [("/dev/full", "no ordinary file"), ("none/b.tar", "no folder"), ("hub", "no ordinary file")],
)
def test_a_bundle_goes_into_a_file_only(name: str, says: str, tmp_path: Path, hub: Path) -> None:
    before = sorted(tmp_path.iterdir())
    with pytest.raises(HubError, match=says):
        make(tmp_path / name)
    assert sorted(tmp_path.iterdir()) == before == [hub]
    assert Path("/dev/full").is_char_device()


def test_what_a_killed_save_left_is_removed_by_the_next(tmp_path: Path) -> None:
    left, alive = tmp_path / ".b.tar.99999999.part", tmp_path / ".b.tar.1.part"
    left.touch()
    alive.touch()
    make(tmp_path / "b.tar")
    assert sorted(tmp_path.iterdir()) == [alive, tmp_path / "b.tar"]


LOADER = """
import sys
from pathlib import Path
from bundle_zoo import load
sys.stdout.write("go\\n")
sys.stdout.flush()
load(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def test_a_load_killed_anywhere_leaves_each_image_absent_or_whole(
    good: Path, hub: Path, tmp_path: Path
) -> None:
    whole = tree_of_images(load(good, tmp_path / "whole"))
    paths = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    killed = 0
    for step in range(8):
        with subprocess.Popen(
            [sys.executable, "-c", LOADER, str(good), str(hub)],
            stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": paths},
        ) as job:  # fmt: skip
            assert job.stdout
            job.stdout.readline()
            time.sleep(step * 0.004)
            job.send_signal(signal.SIGKILL)
        killed += job.returncode == -signal.SIGKILL
        storage = storage_in(hub)
        assert {storage.state(image, thorough=True) for image in COURSE_IMAGES} <= {
            "missing", "whole",
        }  # fmt: skip
        assert len(list(hub.glob("bundle-*"))) <= 1
        if step % 2:
            assert tree_of_images(load(good, hub)) == whole
            assert list(hub.glob("bundle-*")) == []
            shutil.rmtree(hub)
    assert killed


def tree_of_images(storage: object) -> list[str]:
    return [f"{i.name} {storage.state(i, thorough=True)}" for i in COURSE_IMAGES]  # type: ignore[attr-defined]
