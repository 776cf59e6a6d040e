"""Small files damaged at random, the same each time; for longer where it is asked for."""

import itertools
import os
import random
import time
from collections.abc import Iterator

_LONGER = "DOCKERLAB_FUZZ_SECONDS"
_WORDS = (
    b"null", b"true", b"[]", b"{}", b'""', b"-1", b"1e999", b"NaN", b"9" * 30, b'"\\ud800"',
    b"\xff", b"\0", b"\xef\xbb\xbf", b"{", b"}", b"[", b"]", b",", b":", b'"', b"[" * 3000, b"1.5",
)  # fmt: skip


def rounds(seconds: float, least: int = 100) -> Iterator[int]:
    """Give seeds from 0 on for some seconds, for longer if DOCKERLAB_FUZZ_SECONDS says so."""
    end = time.monotonic() + float(os.environ.get(_LONGER) or seconds)
    for seed in itertools.count():
        if seed >= least and time.monotonic() > end:
            return
        yield seed


def damaged(chance: random.Random, content: bytes) -> bytes:
    """Change a few bytes, words or stretches of a small JSON file; or nothing that matters."""
    made = bytearray(content)
    for _again in range(chance.choice([1, 1, 1, 2, 5])):
        at = chance.randrange(len(made) + 1)
        stretch = chance.choice([1, 2, 10, 100])
        match chance.randrange(7):
            case 0:
                made[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del made[at : at + stretch]
            case 2:
                del made[at:]
            case 3:
                made[at:at] = chance.choice(_WORDS)
            case 4:
                made[at : at + stretch] = bytes(stretch)
            case 5:
                made[at:at] = made[at : at + stretch]
            case 6:
                _instead(chance, made)
    return bytes(made)


def _instead(chance: random.Random, made: bytearray) -> None:
    """Put another value in the place of one: what still is JSON reaches the shape's check."""
    starts = [number for number, byte in enumerate(made) if byte in b":["]
    if not starts:
        return
    start = chance.choice(starts) + 1
    ends = [number for number in range(start, len(made)) if made[number] in b",}]"]
    if ends:
        made[start : ends[0]] = chance.choice(_WORDS)
