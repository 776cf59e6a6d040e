"""What was read of layers is kept: rightly, in bounds, through crashes and beside others."""

import os
import sqlite3
import subprocess
import sys
import tarfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from archive_maker import digest, docker_archive, file, hardlink, special, symlink, tar, whiteout

from dockerlab.facts.archive.layer import LayerTable
from dockerlab.facts.archive.shelf import read_archive
from dockerlab.facts.file_reading import read_files
from dockerlab.facts.files import Entry
from dockerlab.facts.layer_cache import LayerCache, cache_folder

EVERYTHING = tar(
    file("a", b"1", mode=0o4755, uid=2**40, gid=3),
    file("b", b"", pax={"SCHILY.xattr.security.capability": "x"}),
    file("sparse", b"12", pax={"GNU.sparse.size": "9", "GNU.sparse.map": "3,2"}),
    hardlink("c", "a"), hardlink("nowhere", "x"), symlink("l", "new\nline"),
    special("null", tarfile.CHRTYPE, device=(1, 3)),
    file(os.fsdecode(b"caf\xe9")), whiteout("gone"), file("d/.wh..wh..opq", b""),
)  # fmt: skip


def read_table(content: bytes) -> LayerTable:
    shelf = read_archive([tar(file("layer.tar", content))])
    return shelf.layer("layer.tar")


def made_table(number: int, entries: int = 100) -> LayerTable:
    made = tuple(
        Entry(f"/{number}/{n}", "file", n, n, 0o644, 0, 0, digest=os.urandom(16), inode=n)
        for n in range(entries)
    )
    return LayerTable(f"sha256:{digest(str(number).encode())}", made)


def database_of(tmp_path):
    return next(tmp_path.glob("layers/*.sqlite3"))


@pytest.mark.parametrize("content", [EVERYTHING, tar()])
def test_what_comes_back_is_what_was_kept(tmp_path, content):
    table = read_table(content)
    LayerCache(tmp_path).put([table])
    assert LayerCache(tmp_path).get([table.diff_id, "sha256:other"]) == {table.diff_id: table}


def test_an_archive_fills_it(tmp_path):
    path = tmp_path / "a.tar"
    path.write_bytes(docker_archive({"a:1": [EVERYTHING]}))
    cache = LayerCache(tmp_path / "cache")
    read_files(None, path, cache=cache)
    assert list(cache.get([f"sha256:{digest(EVERYTHING)}"]))


def test_what_was_used_longest_ago_goes_first(tmp_path):
    tables = [made_table(n) for n in range(4)]
    LayerCache(tmp_path).put(tables[:1])
    with sqlite3.connect(database_of(tmp_path)) as database:
        size = database.execute("SELECT size FROM layers").fetchone()[0]
    database.close()
    cache = LayerCache(tmp_path, limit=int(size * 3.5))
    cache.put(tables[1:3])
    cache.get([tables[0].diff_id])
    cache.put(tables[3:])
    assert set(cache.get([table.diff_id for table in tables])) == {
        tables[0].diff_id, tables[2].diff_id, tables[3].diff_id
    }  # fmt: skip


def test_it_stays_within_its_bounds(tmp_path):
    cache = LayerCache(tmp_path, limit=100_000)
    for number in range(60):
        cache.put([made_table(number, 200)])
    assert database_of(tmp_path).stat().st_size < 250_000
    assert cache.get([made_table(59).diff_id])


def test_a_layer_larger_than_all_of_it_is_not_kept(tmp_path):
    cache = LayerCache(tmp_path, limit=100)
    cache.put([made_table(1)])
    assert cache.get([made_table(1).diff_id]) == {}


def test_another_version_is_thrown_away(tmp_path):
    old = tmp_path / "layers/layers-0.sqlite3"
    old.parent.mkdir()
    old.write_bytes(b"old")
    LayerCache(tmp_path).put([made_table(1)])
    assert not old.exists()


@pytest.mark.parametrize("damage", [b"garbage" * 1000, b"", b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_begun_anew(tmp_path, damage):
    cache = LayerCache(tmp_path)
    cache.put([made_table(1)])
    database_of(tmp_path).write_bytes(damage)
    assert cache.get([made_table(1).diff_id]) == {}
    cache.put([made_table(2)])
    assert cache.get([made_table(2).diff_id])


def test_damaged_pages_are_no_answer(tmp_path):
    cache = LayerCache(tmp_path)
    table = made_table(1, 2000)
    cache.put([table])
    path = database_of(tmp_path)
    content = bytearray(path.read_bytes())
    for at in range(9000, len(content), 4096):
        content[at] ^= 0xFF
    path.write_bytes(content)
    assert cache.get([table.diff_id]) == {}


@pytest.mark.parametrize("body", [b"", b"x", zlib.compress(b"\0" * 8 + b"{}")])
def test_a_body_that_makes_no_sense_is_no_answer(tmp_path, body):
    cache = LayerCache(tmp_path)
    cache.put([made_table(1)])
    with sqlite3.connect(database_of(tmp_path)) as database:
        database.execute("UPDATE layers SET body = ?", (body,))
    database.close()
    assert cache.get([made_table(1).diff_id]) == {}


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "layers").write_bytes(b"in the way")
    cache = LayerCache(tmp_path)
    cache.put([made_table(1)])
    assert cache.get([made_table(1).diff_id]) == {}


def test_only_its_owner_can_look_into_it(tmp_path):
    LayerCache(tmp_path / "new").put([made_table(1)])
    assert (tmp_path / "new/layers").stat().st_mode & 0o077 == 0


def test_where_it_lies(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKERLAB_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_files_cache import made_table
from dockerlab.facts.layer_cache import LayerCache
print("ready", flush=True)
cache = LayerCache(Path({folder!r}))
for number in range({first}, {last}):
    cache.put([made_table(number, 500)])
"""


def writer(folder, first, last):
    program = WRITER.format(
        tests=str(Path(__file__).parent), folder=str(folder), first=first, last=last
    )
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)


def test_two_processes_at_once(tmp_path):
    jobs = [writer(tmp_path, 0, 30), writer(tmp_path, 30, 60)]
    with ThreadPoolExecutor() as threads:
        assert list(threads.map(lambda job: job.wait(), jobs)) == [0, 0]
    for job in jobs:
        job.stdout.close()
    wanted = [made_table(number).diff_id for number in range(60)]
    assert set(LayerCache(tmp_path).get(wanted)) == set(wanted)


def test_a_reader_beside_a_writer_sees_all_of_a_layer_or_nothing(tmp_path):
    table = read_table(EVERYTHING)
    LayerCache(tmp_path).put([table])
    job = writer(tmp_path, 0, 60)
    job.stdout.readline()
    seen = []
    while job.poll() is None:
        seen.append(LayerCache(tmp_path).get([table.diff_id, made_table(30).diff_id]))
    job.stdout.close()
    assert job.returncode == 0
    assert seen
    for found in seen:
        assert found[table.diff_id] == table
        assert all(len(other.entries) in {len(table.entries), 500} for other in found.values())


@pytest.mark.parametrize("chance", range(5))
def test_a_write_that_is_cut_off(tmp_path, chance):
    LayerCache(tmp_path).put([made_table(1)])
    job = writer(tmp_path, 2, 100_000)
    job.stdout.readline()
    try:
        job.wait(0.1 + chance * 0.07)
    except subprocess.TimeoutExpired:
        job.kill()
    job.wait()
    job.stdout.close()
    cache = LayerCache(tmp_path)
    assert cache.get([made_table(1).diff_id])
    cache.put([made_table(0)])
    assert cache.get([made_table(0).diff_id])
