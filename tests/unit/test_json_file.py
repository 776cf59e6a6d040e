"""A small file of ours: locked, written whole, set aside when damaged, open to newer fields."""

import errno
import json
import os
import random
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from fuzzing import damaged, rounds

from dockerlab import json_file
from dockerlab.json_file import Kept, held, read, update


@dataclass(frozen=True)
class Part:
    name: str
    size: int = 0


@dataclass(frozen=True)
class Whole:
    count: int = 0
    words: tuple[str, ...] = ()
    parts: Mapping[str, Part] = field(default_factory=dict)
    row: tuple[Part, ...] = ()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "whole.json"


@pytest.fixture
def there(path):
    """A file that holds something."""
    update(path, Whole, lambda _: Whole(7, ("a",), {"p": Part("p", 1)}, (Part("r"),)))
    return path


def count_on(before):
    before = before or Whole()
    return replace(before, count=before.count + 1)


def names(path):
    return sorted(each.name for each in path.parent.iterdir())


def test_what_is_written_is_read(there):
    assert read(there, Whole) == Kept(Whole(7, ("a",), {"p": Part("p", 1)}, (Part("r"),)))
    assert update(there, Whole, count_on).value.count == 8
    assert names(there) == ["whole.json", "whole.json.lock"]


def test_where_there_is_nothing_nothing_is_made(path):
    assert read(path, Whole) == Kept(None)
    assert not path.parent.exists()


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_nobody_else_may_read_it_whatever_the_umask(path, umask):
    before = os.umask(umask)
    try:
        path.parent.mkdir()
        path.parent.chmod(0o700)
        update(path, Whole, count_on)
    finally:
        os.umask(before)
    for each in path.parent.iterdir():
        assert stat.S_IMODE(each.stat().st_mode) == 0o600


def test_fields_of_a_newer_version_stay_at_every_level(there):
    written = json.loads(there.read_text())
    written["newer"] = {"deep": [1, {"x": None}]}
    written["parts"]["p"]["newer"] = 1.5
    written["row"][0]["newer"] = True
    there.write_text(json.dumps(written))

    def change(before):
        return replace(before, row=(Part("first"), *before.row))

    assert update(there, Whole, change).broken is None
    now = json.loads(there.read_text())
    assert now["newer"] == written["newer"]
    assert now["parts"] == written["parts"]
    assert now["row"] == [{"name": "first", "size": 0}, written["row"][0]]


def test_what_is_taken_out_is_gone(there):
    update(there, Whole, lambda before: replace(before, parts={}, row=()))
    assert (json.loads(there.read_text())["parts"], read(there, Whole).value.row) == ({}, ())


def nested(levels):
    return b'{"newer":' + b"[" * levels + b"]" * levels + b"}"


READABLE = {
    "a byte order mark": b'\xef\xbb\xbf{"count": 1}',
    "half of a pair of surrogates": b'{"count": 1, "words": ["\\ud800"]}',
    "a large whole number": b'{"count": %s}' % (b"9" * 4000),
    "unknown numbers": b'{"count": 1, "newer": [1e300, 12345678901234567890, -0.0]}',
    "nested as deep as it may be": nested(json_file.DEEPEST - 2),
    "white space": b' \n\t{"count" : 1 }\r\n ',
}
DAMAGED = {
    "nothing": b"",
    "truncated": b'{"count": 1, "wor',
    "zeros, as a crash leaves them": b"\0" * 400,
    "a wrong byte": b'{"count": 1, "words": ["\xff"]}',
    "UTF-16": '{"count": 1}'.encode("utf-16"),
    "two in one": b'{"count": 1}{"count": 2}',
    "a key twice": b'{"count": 1, "count": 2}',
    "an inner key twice": b'{"newer": {"a": 1, "a": 2}}',
    "null": b"null",
    "a list": b"[1, 2]",
    "a text": b'"count"',
    "no number": b'{"count": 1, "newer": NaN}',
    "endless": b'{"count": 1, "newer": -Infinity}',
    "too large for a float": b'{"newer": 1e999}',
    "a whole number without end": b'{"count": %s}' % (b"9" * 5000),
    "a float for a whole number": b'{"count": 1.5}',
    "true for a number": b'{"count": true}',
    "a number for words": b'{"words": 1}',
    "a word for words": b'{"words": "abc"}',
    "a part without its name": b'{"parts": {"p": {"size": 1}}}',
    "a list for parts": b'{"parts": []}',
    "half of a pair of surrogates for a number": b'{"count": "\\ud800"}',
    "half of a pair of surrogates for a name": b'{"\\ud800": 1}',
    "nested too deep": nested(json_file.DEEPEST),
    "nested deeper than Python goes": nested(100_000),
    "nested and cut": b'{"a":' * 100_000,
}


@pytest.mark.parametrize("content", READABLE.values(), ids=READABLE)
def test_what_can_be_read_is_kept(there, content):
    there.write_bytes(content)
    before = json.loads(content.decode("utf-8-sig"))
    assert update(there, Whole, count_on).broken is None
    after = json.loads(there.read_bytes())
    assert after.pop("count") == before.pop("count", 0) + 1
    assert {key: after[key] for key in before} == before


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
@pytest.mark.parametrize("use", [read, lambda path, shape: update(path, shape, count_on)])
def test_what_is_damaged_is_set_aside_and_told(there, content, use):
    there.write_bytes(content)
    aside = there.with_name("whole.json.broken")
    assert use(there, Whole).broken == aside
    assert aside.read_bytes() == content
    assert use(there, Whole).broken is None
    assert update(there, Whole, count_on).value.count in {1, 3}


def test_no_earlier_one_that_was_set_aside_is_overwritten_and_their_number_is_bounded(there):
    for number in range(10):
        there.write_text(f"damaged {number}")
        assert read(there, Whole).broken.read_text() == f"damaged {number}"
    there.write_text("damaged once more")
    with pytest.raises(OSError, match="exists"):
        update(there, Whole, count_on)
    assert read(there, Whole) == Kept(None, there)
    assert there.read_text() == "damaged once more"
    asides = [each for each in names(there) if ".broken" in each]
    assert len(asides) == 10


def make_folder(path):
    path.mkdir()
    (path / "inside").touch()


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def make_huge(path):
    path.touch()
    os.truncate(path, 2**40)  # sparse


STRANGE = {
    "folder": make_folder,
    "pipe": os.mkfifo,
    "circle of links": lambda path: path.symlink_to(path),
    "link to nowhere": lambda path: path.symlink_to("/nowhere/at/all"),
    "link to a device": lambda path: path.symlink_to("/dev/zero"),
    "link to a folder": lambda path: path.symlink_to(path.parent),
    "socket": make_socket,
    "larger than the memory": make_huge,
}


@pytest.mark.parametrize("make", STRANGE.values(), ids=STRANGE)
@pytest.mark.parametrize("use", [read, lambda path, shape: update(path, shape, count_on)])
def test_what_is_no_file_of_ours_is_set_aside_unread(there, monkeypatch, make, use):
    monkeypatch.chdir(there.parent)  # a socket's address is short
    there.unlink()
    make(Path(there.name))
    what = there.lstat()
    aside = there.with_name("whole.json.broken")
    assert use(there, Whole).broken == aside
    assert os.path.samestat(aside.lstat(), what)
    assert update(there, Whole, count_on).broken is None
    assert Path("/dev/zero").is_char_device()


def test_a_link_to_a_good_file_is_read(there, tmp_path):
    link = tmp_path / "link.json"
    link.symlink_to(there)
    assert update(link, Whole, count_on).value.count == 8
    assert read(there, Whole).value.count == 7


def test_what_would_not_be_read_again_is_not_written(there):
    with pytest.raises(OSError, match="too large"):
        update(there, Whole, lambda _: Whole(words=("x" * json_file.LARGEST,)))
    assert read(there, Whole).value.count == 7
    assert names(there) == ["whole.json", "whole.json.lock"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
@pytest.mark.parametrize("call", ["fsync", "replace", "open"])
def test_a_write_that_fails_changes_nothing_and_leaves_nothing(there, monkeypatch, number, call):
    before = there.read_bytes()
    real = os.open

    def fails(*_arguments, **_more):
        raise OSError(number, os.strerror(number))

    def opens(name, flags, *more, **others):
        if str(name).endswith(".draft"):
            fails()
        return real(name, flags, *more, **others)

    place, does = {"replace": (Path, fails), "fsync": (os, fails), "open": (os, opens)}[call]
    with monkeypatch.context() as patch:
        patch.setattr(place, call, does)
        with pytest.raises(OSError, match=os.strerror(number)):
            update(there, Whole, count_on)
    assert there.read_bytes() == before
    assert names(there) == ["whole.json", "whole.json.lock"]
    assert update(there, Whole, count_on).value.count == 8


def test_a_folder_that_is_a_file_can_not_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="exists"):
        update(tmp_path / "file" / "whole.json", Whole, count_on)
    with pytest.raises(NotADirectoryError):
        read(tmp_path / "file" / "whole.json", Whole)


def test_a_leftover_of_a_killed_writer_is_cleared(there):
    draft = there.with_name("whole.json.draft")
    draft.write_text('{"count": 9')
    assert update(there, Whole, count_on).value.count == 8
    assert not draft.exists()


def test_threads_take_turns(path):
    def work():
        for _again in range(20):
            update(path, Whole, count_on)

    threads = [threading.Thread(target=work) for _number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read(path, Whole).value.count == 120


def test_who_holds_it_may_write_more_than_once_and_others_wait(there):
    waited = []

    def other():
        waited.append(update(there, Whole, count_on).value.count)

    thread = threading.Thread(target=other)
    with held(there, Whole) as file:
        thread.start()
        for _again in range(3):
            file.write(count_on(file.value))
            time.sleep(0.05)
        assert not waited
    thread.join()
    assert waited == [11]


def test_patience_ends(there):
    with held(there, Whole):
        errors = []

        def other():
            try:
                with held(there, Whole, patience=0.1):
                    pass
            except OSError as error:
                errors.append(error)

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert isinstance(errors[0], TimeoutError)


HOLDER = """
import sys, time
from pathlib import Path
sys.path.insert(0, {here!r})
from test_json_file import Whole
from dockerlab.json_file import held
with held(Path(sys.argv[1]), Whole):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_kill_lets_it_go(there):
    words = [sys.executable, "-c", HOLDER.format(here=str(Path(__file__).parent)), str(there)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        holder.send_signal(signal.SIGKILL)
    with held(there, Whole, patience=5) as file:
        assert file.value.count == 7


def test_whatever_is_done_to_a_file_it_is_read_or_set_aside(path):
    """Mutations of valid files: never an error, never a byte lost."""
    read_well = 0
    tried = 0
    for seed in rounds(1.0):
        chance = random.Random(seed)
        before = json.dumps(
            {
                "count": chance.randrange(100),
                "words": ["é", "\n", "x" * chance.randrange(40)],
                "parts": {"p": {"name": "p", "size": chance.randrange(9), "newer": [1.5, None]}},
                "row": [{"name": "r", "newer": {"a": {"b": "c"}}}],
                "newer": {"deep": [[[]]]},
            },
            ensure_ascii=chance.random() < 0.5,
        ).encode()
        path.parent.mkdir(exist_ok=True)
        content = damaged(chance, before)
        path.write_bytes(content)
        seen = read(path, Whole)
        tried += 1
        if seen.broken:
            assert seen.broken.read_bytes() == content
            seen.broken.unlink()
            assert not path.exists()
        else:
            read_well += 1
            known = json.loads(content.decode("utf-8-sig"))
            assert update(path, Whole, lambda value: value).broken is None
            after = json.loads(path.read_bytes())
            assert keeps(after, known)
    assert tried / 50 < read_well < tried, "the mutations test one way only"


def keeps(after, before):
    """Tell whether all that was in a value is in another one."""
    if isinstance(before, dict):
        return all(key in after and keeps(after[key], before[key]) for key in before)
    if isinstance(before, list):
        return len(after) == len(before) and all(map(keeps, after, before))
    return after == before
