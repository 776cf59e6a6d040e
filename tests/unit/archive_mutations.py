"""Archives changed inside of what is valid: checksums and digests are made right again.

A program too: reads such archives, one for each seed, in little memory, and prints how many could
be read.

    python tests/unit/archive_mutations.py FOLDER FIRST_SEED SECONDS [MOST]
"""

import copy
import gzip
import json
import random
import resource
import sys
import tarfile
import time
import traceback
from pathlib import Path

import zstandard
from archive_maker import Layout, checksummed, config, digest, file, named, read_bytes, tar
from test_archive_model import model, random_layer

from dockerlab.errors import LabError
from dockerlab.facts.archive.headers import is_header

FORMS = (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT)
TYPES = b"01234567xgLKSXNDMV\0 \xff"
NUMBERS = (0, 1, 511, 512, 513, 4096, 1 << 20, (1 << 33) - 1)
NAMES = (
    "", ".", "..", "/", "a", "b/", "a/b", "../a", "a/../b", "./a", "/a", "a//b", "a/.wh.b", ".wh.a",
    ".wh.", ".wh..wh..opq", "a/.wh..wh..opq", ".wh..wh.plnk", ".wh..wh.aufs", "a/.wh.b/c",
    ".wh.a/b", ".wh...", "n" * 300, "n/" * 200, "\udcff", "\u202e", "a\nb", " ", ".wh..wh.a",
)  # fmt: skip
RECORDS = (
    ("path", "c"), ("path", ""), ("path", ".wh.a"), ("linkpath", "a"), ("linkpath", ""),
    ("size", "0"), ("size", "1"), ("size", "99999999999"), ("size", "-1"), ("size", "x"),
    ("uid", "5"),
    ("SCHILY.xattr.user.a", "1"), ("SCHILY.xattr.", ""), ("GNU.sparse.major", "1"),
    ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "s"), ("GNU.sparse.realsize", "9"),
    ("GNU.sparse.size", "9"), ("GNU.sparse.numblocks", "1"), ("GNU.sparse.map", "0,1"),
    ("GNU.sparse.map", "5,1,0"), ("GNU.sparse.offset", "0"), ("mtime", "nan"), ("x", "y" * 2_000),
    ("charset", "BINARY"), ("hdrcharset", "x"), ("comment", "\udcff"),
)  # fmt: skip
VALUES: tuple[object, ...] = (
    None, True, 0, -1, 1.5, 1 << 70, "", "a", "\ud800", "sha256:", "sha256:" + "0" * 64, "../a", [],
    [None], [[]], ["a"], [1], {}, {"a": 1}, [{}], [{"digest": 5}],
)  # fmt: skip


def reshaped(chance, members):
    """Members that say the same otherwise: no reader may tell the difference."""
    made = []
    for original, content in members:
        info = copy.copy(original)
        if chance.random() < 0.2 and not info.name.startswith((".", "/")):
            info.name = chance.choice(["./", "/", ".//"]) + info.name
        if chance.random() < 0.2:
            info.pax_headers = {"comment": "x" * chance.randint(0, 600), "VENDOR.a": "1"}
        if chance.random() < 0.2:
            info.mtime = chance.choice([1.5, 0, 1 << 31])
        made.append((info, content))
    return made


def disturbed(chance, members):
    """Members of which some say something else."""
    made = [(copy.copy(info), content) for info, content in members]
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(made))
        info, content = made[at]
        match chance.randrange(9):
            case 0:
                info.name = chance.choice(NAMES)
            case 1:
                info.type = bytes([chance.choice(b"0123456")])
                if info.type != b"0":
                    made[at] = (info, b"")
                    info.size = 0
            case 2:
                info.linkname = chance.choice([*NAMES, info.name])
            case 3:
                info.pax_headers = dict(chance.sample(RECORDS, chance.randint(1, 4)))
            case 4:
                made.insert(chance.randrange(len(made)), (copy.copy(info), content))
            case 5:
                chance.shuffle(made)
            case 6:
                made.insert(at, file(chance.choice(NAMES), b"new"))
            case 7:
                info.mode, info.uid = (
                    chance.choice([0, 0o7777, 0o4755]),
                    chance.choice([0, 1 << 20]),
                )
            case 8:
                parent = info.name.rpartition("/")[0]
                made.insert(at, file(f"{parent}/.wh..wh..opq".lstrip("/"), b""))
    return made


def rewritten(chance, layer):
    """A layer with a field of one of its headers changed, and the checksum made right."""
    places = [
        at for at in range(0, len(layer), 512) if layer[at : at + 512].strip(b"\0")
        and is_header(layer[at : at + 512])
    ]  # fmt: skip
    if not places:
        return layer
    at = chance.choice(places)
    block = bytearray(layer[at : at + 512])
    match chance.randrange(6):
        case 0:
            block[124:136] = b"%011o\0" % chance.choice(NUMBERS)
        case 1:
            block[156] = chance.choice(TYPES)
        case 2:
            block[chance.randrange(100)] = chance.randrange(256)
        case 3:
            block[257:265] = chance.choice([b"ustar\x0000", b"ustar  \0", bytes(8), b"ustar\0\0\0"])
        case 4:
            block[157 + chance.randrange(100)] = chance.randrange(256)
        case 5:
            block[386:512] = chance.randbytes(126)  # where GNU's old sparse maps are
    return layer[:at] + checksummed(block) + layer[at + 512 :]


def packed(chance, layer, *, harsh):
    made = chance.choice([bytes, lambda one: gzip.compress(one, 1), zstandard.compress])(layer)
    if harsh and chance.random() < 0.1:
        return made[: chance.randrange(len(made))]
    return made


def changed(chance, document):
    """A JSON document with one value, anywhere in it, replaced, removed or doubled."""
    places = []

    def walk(value):
        if isinstance(value, (dict, list)):
            for key in value if isinstance(value, dict) else range(len(value)):
                places.append((value, key))
                walk(value[key])

    walk(document)
    if not places:
        return document
    holder, key = chance.choice(places)
    if isinstance(holder, list) and chance.random() < 0.3:
        holder.append(copy.deepcopy(holder[key]))
    elif chance.random() < 0.3:
        del holder[key]
    else:
        holder[key] = chance.choice(VALUES)
    return document


def whole(chance, layers, *, harsh):
    """An archive of these layers; one of its documents may be changed."""
    kinds = ["config", "manifest", "list"]
    which = chance.choice(kinds) if harsh and chance.random() < 0.35 else ""

    def document(kind, content):
        if kind == which:
            content = json.dumps(changed(chance, json.loads(content))).encode()
        return content

    made = document("config", config(layers))
    if chance.random() < 0.5:
        paths = [f"{digest(b'%d' % number)}/layer.tar" for number in range(len(layers))]
        entry = {"Config": f"{digest(made)}.json", "RepoTags": ["made:latest"], "Layers": paths}
        if which == "manifest":
            entry = changed(chance, copy.deepcopy(entry))
        listing = document("list", json.dumps([entry]).encode())
        members = [file(path, layer) for path, layer in zip(paths, layers, strict=True)]
        members += [file(f"{digest(made)}.json", made), file("manifest.json", listing)]
    else:
        layout = Layout()
        manifest = {
            "schemaVersion": 2,
            "config": layout.blob(made),
            "layers": [layout.blob(packed(chance, layer, harsh=harsh)) for layer in layers],
        }
        content = document("manifest", json.dumps(manifest).encode())
        layout.manifests.append(layout.blob(content, annotations=named("made:latest")))
        files = layout.files()
        files["index.json"] = document("list", files["index.json"])
        members = [file(name, content) for name, content in files.items()]
    chance.shuffle(members)
    if harsh and chance.random() < 0.1:
        members.insert(chance.randrange(len(members)), chance.choice(members))
    if harsh and chance.random() < 0.05:
        del members[chance.randrange(len(members))]
    archive = tar(*members, form=chance.choice(FORMS[:2]))
    return gzip.compress(archive, 1) if chance.random() < 0.1 else archive


def written(chance, members):
    for form in (chance.choice(FORMS), tarfile.PAX_FORMAT):
        try:
            return tar(*members, form=form)
        except (ValueError, UnicodeError):
            continue  # ustar takes no such name
    return tar(file("a"))


def read_one(folder, seed):
    """Read the archive of a seed; True if it could be read."""
    chance = random.Random(seed)
    harsh = chance.random() < 0.8
    members = [random_layer(chance) for _ in range(chance.randint(1, 4))]
    layers = []
    for layer in members:
        made = reshaped(chance, layer)
        if harsh and chance.random() < 0.6:
            made = disturbed(chance, made)
        archive = written(chance, made)
        if harsh and chance.random() < 0.2:
            archive = rewritten(chance, archive)
        layers.append(archive)
    archive = whole(chance, layers, harsh=harsh)
    try:
        files = read_bytes(folder, archive)
    except LabError as error:
        told = str(error)
    else:
        agrees(folder, archive, files)
        if not harsh:
            merged, stored, wasted = model(members)
            assert {path: entry.kind for path, entry in files.visible.items()} == merged
            assert (files.stored_bytes, files.waste_bytes) == (stored, wasted)
        return True
    assert harsh, told
    assert told.isprintable()
    return False


def agrees(folder, archive, files):
    """An answer has to add up, and to be the same the next time."""
    assert 0 <= files.waste_bytes <= files.stored_bytes
    for path in files.visible:
        parent = path.rpartition("/")[0]
        assert not parent or files.visible[parent].kind == "directory"
    assert all(waste.why.isprintable() for waste in files.waste)
    assert sum(waste.bytes for waste in files.waste) <= files.stored_bytes
    assert read_bytes(folder, archive).visible == files.visible


def main():
    folder, first, seconds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    most = int(sys.argv[4]) if len(sys.argv) > 4 else None
    resource.setrlimit(resource.RLIMIT_DATA, (300 << 20, 300 << 20))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 60, int(seconds) + 60))
    until = time.monotonic() + seconds
    seed, readable = first, 0
    wrong = []
    while (seed - first < most) if most else (time.monotonic() < until):
        try:
            readable += read_one(folder, seed)
        except Exception:
            wrong.append(seed)
            sys.stderr.write(f"seed {seed}\n{traceback.format_exc()}\n")
        seed += 1
    sys.stdout.write(json.dumps({"tried": seed - first, "readable": readable, "wrong": wrong}))


if __name__ == "__main__":
    main()
