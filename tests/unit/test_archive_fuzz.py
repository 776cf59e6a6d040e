"""Archives damaged at random: an answer that adds up or a named error, in bounds."""

import json
import os
import random
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import zstandard
from archive_maker import (
    Layout,
    checksummed,
    docker_archive,
    file,
    folder,
    gzipped,
    hardlink,
    named,
    opaque,
    special,
    symlink,
    tar,
    whiteout,
)


def whole_archive(chance):
    layers = [
        tar(
            folder("d"), file("d/a", chance.randbytes(700)), hardlink("d/b", "d/a"),
            symlink("l", "d"), file("l/x", b"1"), file("n" * 150, b"2"),
            special("null", tarfile.CHRTYPE, device=(1, 3)),
            form=chance.choice([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
        ),
        tar(whiteout("d/a"), opaque("e"), file("e/f", b"33"), file("l", b"4")),
    ]  # fmt: skip
    if chance.random() < 0.5:
        return docker_archive({"a:1": layers})
    made = Layout()
    pack = chance.choice([bytes, gzipped, zstandard.compress])
    made.manifests.append(made.image(layers, pack=pack, annotations=named("a:1")))
    return made.archive()


def mutated(chance, content):
    content = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(content))
        match chance.randrange(6):
            case 0:
                content[at] = chance.randrange(256)
            case 1:
                del content[at : at + chance.choice([1, 100, 512, 1024])]
            case 2:
                content[at:at] = chance.randbytes(chance.choice([1, 512]))
            case 3:
                content[at : at + 512] = content[: len(content[at : at + 512])]
            case 4:
                block = at // 512 * 512
                header = content[block : block + 512]
                if len(header) == 512:
                    header[chance.choice([0, 100, 124, 135, 156, 157, 257, 345])] = chance.choice(
                        b"\x00\x20\x2f\x2e\x37\x80\xff\x53\x78\x4c\x31"
                    )
                    content[block : block + 512] = checksummed(header)
            case 5:
                del content[at:]
        if not content:
            break
    return bytes(content)


def random_archive(chance):
    """Bytes without sense, behind what makes them look like an archive."""
    noise = chance.randbytes(chance.choice([0, 10, 600, 5_000]))
    head = tar(file("a", b""))[:512]
    match chance.randrange(5):
        case 0:
            return noise
        case 1:
            return head + noise
        case 2:
            return gzipped(head + noise)[: chance.choice([20, 200, 10_000])]
        case 3:
            return zstandard.compress(head)[: chance.choice([10, 10_000])] + noise
    made = Layout()
    made.manifests.append(
        made.image([b"%d" % n for n in range(3)], pack=lambda layer: random_layer(chance, layer))
    )
    return made.archive()


def random_layer(chance, layer):
    blocks = []
    for _ in range(chance.randint(1, 20)):
        block = bytearray(chance.randbytes(512))
        block[156:157] = chance.choice([b"0", b"1", b"2", b"5", b"L", b"K", b"x", b"g", b"S"])
        block[124:136] = b"%011o\0" % chance.choice([0, 1, 512, 513, 2_000, 1 << 20, 1 << 32])
        if chance.random() < 0.7:
            block[100:124] = b"0000644\0" * 3
        blocks.append(checksummed(block))
    return layer + b"".join(blocks) if chance.random() < 0.1 else b"".join(blocks)


BOUNDED = """
import random, resource, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from archive_maker import read_bytes
from archive_mutations import agrees
from test_archive_fuzz import mutated, random_archive, whole_archive
from dockerlab.errors import LabError
resource.setrlimit(resource.RLIMIT_DATA, (300 << 20, 300 << 20))
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
chance = random.Random(sys.argv[1])
for number in range(150):
    made = random_archive(chance) if number % 2 else mutated(chance, whole_archive(chance))
    try:
        files = read_bytes(Path({folder!r}), made)
    except LabError as error:
        assert str(error).isprintable()
    else:
        agrees(Path({folder!r}), made, files)
"""


@pytest.mark.parametrize("seed", range(4))
def test_damage_takes_neither_time_nor_memory(tmp_path, seed):
    program = BOUNDED.format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", program, str(seed)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]


FUZZ_SECONDS = os.environ.get("DOCKERLAB_FUZZ_SECONDS")


def test_changes_inside_of_what_is_valid(tmp_path):
    """An answer as the model has it where nothing else is said, one that adds up, or our error.

    For longer: DOCKERLAB_FUZZ_SECONDS=600, from another seed each time.
    """
    first = random.SystemRandom().randrange(1 << 40) if FUZZ_SECONDS else 8
    how = [FUZZ_SECONDS] if FUZZ_SECONDS else ["30", "300"]
    program = Path(__file__).with_name("archive_mutations.py")
    done = subprocess.run(
        [sys.executable, program, tmp_path, str(first), *how],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert not told["wrong"], done.stderr[-2000:]
    assert told["readable"] > told["tried"] / 2
