"""Bundles changed at random inside valid structures: refused, or the very same content.

A few seconds from a fixed seed; for longer: DOCKERLAB_FUZZ_SECONDS=600, from other seeds.
"""

import hashlib
import json
import logging
import os
import random
import shutil
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from bundle_zoo import Members, load, make, members_of, pack, storage_in, tree, with_head
from test_bundle import with_checksum

from dockerlab.engine import bundle
from dockerlab.engine.images import COURSE_IMAGES
from dockerlab.engine.members import HEAD
from dockerlab.errors import LabError

_LOG = logging.getLogger(__name__)
_LONGER = os.environ.get("DOCKERLAB_FUZZ_SECONDS")
_ROUNDS = 40  # of each kind
_ODD = (None, True, -1, 0, 2**63, 1.5, "", "../x", "\0", "sha256:" + "0" * 64, [], {}, [[]])

Mutation = Callable[[random.Random, Path], None]


def a_header(dice: random.Random, file: Path) -> None:
    """Change a byte of a member's header, whose checksum fits again."""
    with tarfile.open(file) as archive:
        at = dice.choice(archive.getmembers()).offset
    content = bytearray(file.read_bytes())
    content[at + dice.randrange(512)] = dice.choice((0, 0x30, 0x35, 0x37, 0x80, 0xFF, 0x2F))
    file.write_bytes(with_checksum(content, at))


def a_byte(dice: random.Random, file: Path) -> None:
    """Change one bit anywhere."""
    content = bytearray(file.read_bytes())
    content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    file.write_bytes(content)


def a_byte_of_a_member(dice: random.Random, file: Path) -> None:
    """Change one bit of a member that has any."""
    members = members_of(file)
    number = dice.randrange(len(members))
    content = bytearray(members[number][1])
    content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    members[number] = (members[number][0], bytes(content))
    pack(file, members)


def the_order(dice: random.Random, file: Path) -> None:
    """Swap, drop or double members."""
    members = members_of(file)
    one, other = dice.sample(range(len(members)), 2)
    match dice.choice(("swap", "drop", "double", "contents")):
        case "swap":
            members[one], members[other] = members[other], members[one]
        case "drop":
            del members[one]
        case "double":
            members.insert(other, members[one])
        case _:
            members[one], members[other] = (
                (members[one][0], members[other][1]), (members[other][0], members[one][1]),
            )  # fmt: skip
    pack(file, members)


def the_order_announced(dice: random.Random, file: Path) -> None:
    """Do the same, and announce it."""
    the_order(dice, file)
    members = members_of(file)
    if any(name == HEAD and content.startswith(b'{\n "format"') for name, content in members):
        pack(file, with_head(members))


def a_field(dice: random.Random, file: Path) -> None:
    """Change a field of the head, or of an index or manifest that is then announced anew."""
    members = members_of(file)
    texts = [n for n, (_name, content) in enumerate(members) if content.startswith((b"{", b"["))]
    number = dice.choice(texts)
    name, content = members[number]
    fields = json.loads(content)
    odd(dice, fields)
    content = json.dumps(fields).encode()
    if name.startswith("blobs/"):
        name = f"blobs/sha256/{hashlib.sha256(content).hexdigest()}"
    members[number] = (name, content)
    pack(file, members if name == HEAD else with_head(members))


def odd(dice: random.Random, fields: object) -> None:
    """Put something odd somewhere into what was read from JSON."""
    while isinstance(fields, (dict, list)) and fields:
        key = dice.choice(list(fields) if isinstance(fields, dict) else range(len(fields)))
        inner = fields[key]
        if not (isinstance(inner, (dict, list)) and inner) or not dice.randrange(4):
            fields[key] = dice.choice(_ODD)
            return
        fields = inner


UNANNOUNCED: tuple[Mutation, ...] = (a_header, a_byte, a_byte_of_a_member, the_order)
ANNOUNCED: tuple[Mutation, ...] = (the_order_announced, a_field)


@pytest.mark.parametrize("mutation", UNANNOUNCED + ANNOUNCED)
def test_a_changed_bundle_is_refused_or_is_the_same(mutation: Mutation, tmp_path: Path) -> None:
    file, hub = tmp_path / "good.tar", tmp_path / "hub"
    sound = make(file)
    original = file.read_bytes()
    whole = images(load(file, hub), hub)
    shutil.rmtree(hub)
    seconds = float(_LONGER) / 6 if _LONGER else None
    ends = time.monotonic() + (seconds or 0)
    seeds, refused, loaded = 0, 0, 0
    while time.monotonic() < ends if seconds else seeds < _ROUNDS:
        seed = f"{mutation.__name__} {seeds} {os.getpid() if seconds else ''}"
        dice = random.Random(seed)
        seeds += 1
        file.write_bytes(original)
        mutation(dice, file)
        hub.mkdir()
        if file.read_bytes() != original:
            with pytest.raises(LabError):
                load(file, hub, sound.sha256)
            assert tree(hub) == {}, seed
        said = ""
        try:
            storage = load(file, hub)
        except LabError as error:
            said = str(error)
        if said:
            assert "\n" not in said, seed
            assert tree(hub) == {}, seed
            refused += 1
        else:
            states = {storage.state(image, thorough=True) for image in COURSE_IMAGES}
            assert states == {"whole"}, seed
            if mutation in UNANNOUNCED:
                assert images(storage, hub) == whole, seed
            loaded += 1
        shutil.rmtree(hub)
    _LOG.info("%s: %d tried, %d refused, %d loaded", mutation.__name__, seeds, refused, loaded)
    assert refused


def images(_storage: object, hub: Path) -> dict[str, bytes]:
    assert storage_in(hub).put()
    assert not list(hub.glob("bundle-*"))
    return tree(hub / "storage")


def test_the_sum_is_what_a_bundle_is_trusted_by(tmp_path: Path) -> None:
    """Members exchanged with all lists made anew load only by the new sum."""
    file = tmp_path / "b.tar"
    sound = make(file)
    members: Members = members_of(file)
    pack(file, with_head(list(reversed(members))))
    with pytest.raises(LabError, match="not the bundle you were told of"):
        bundle.inspect(file).trust(sound.sha256)
