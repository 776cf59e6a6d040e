"""Random layers, read by the reader and by a second, plain and slow reading of the rules."""

import random
import tarfile

import pytest
from archive_maker import file, folder, hardlink, opaque, read_layers, symlink, whiteout

NAMES = ["a", "b", "c"]


def random_path(chance):
    return "/".join(chance.choice(NAMES) for _ in range(chance.randint(1, 3)))


def random_layer(chance):
    """Members that do not contradict each other within the layer, as an engine makes them."""
    kinds = {}
    for _ in range(chance.randint(1, 8)):
        path = random_path(chance)
        parents = [path[:at] for at, sign in enumerate(path) if sign == "/"]
        if path in kinds or any(kinds.get(parent, "d") != "d" for parent in parents):
            continue
        if any(other.startswith(f"{path}/") for other in kinds):
            kinds[path] = "d"
            continue
        for parent in parents:
            kinds.setdefault(parent, "d")
        kinds[path] = chance.choice("fffffdlwwh")
    members, files = [], []
    for path, kind in kinds.items():
        if kind == "d":
            members.append(folder(path))
            if chance.random() < 0.2:
                members.append(opaque(path))
        elif kind == "l":
            members.append(symlink(path, chance.choice(NAMES)))
        elif kind == "w":
            members.append(whiteout(path))
        elif kind == "h" and files:
            members.append(hardlink(path, chance.choice(files)))
        else:
            files.append(path)
            content = chance.choice([b"1", b"22", b"333", b"4444", b""])
            members.append(file(path, content, mode=chance.choice([0o644, 0o600])))
    return members


def below(path, folder_path):
    return path.startswith(f"{folder_path}/")


def model(layers):  # noqa: PLR0912 - the rules, one after the other, as they are written
    """The merged paths, the stored bytes and the wasted bytes, by the letter of the rules."""
    merged, stored = {}, {}
    for position, members in enumerate(layers):
        names = [(info.name.rpartition("/"), info, content) for info, content in members]
        for (parent, _slash, base), _info, _content in names:
            if base == ".wh..wh..opq":
                merged = {path: one for path, one in merged.items() if not below(path, parent)}
            elif base.startswith(".wh."):
                gone = f"{parent}/{base[4:]}".lstrip("/")
                merged = {p: o for p, o in merged.items() if p != gone and not below(p, gone)}
        for (_parent, _slash, base), info, content in names:
            if base.startswith(".wh."):
                continue
            path = info.name
            parents = [path[:at] for at, sign in enumerate(path) if sign == "/"]
            for parent in parents:
                if merged.get(parent, ("", None))[0] != "directory":
                    merged[parent] = ("directory", None)
            if info.type == tarfile.DIRTYPE:
                if merged.get(path, ("", None))[0] != "directory":
                    merged[path] = ("directory", None)
                continue
            merged = {other: one for other, one in merged.items() if not below(other, path)}
            if info.type == tarfile.SYMTYPE:
                merged[path] = ("symlink", None)
            elif info.type == tarfile.LNKTYPE:
                merged[path] = merged[info.linkname]
            else:
                stored[position, path] = len(content)
                merged[path] = ("file", (position, path))
    seen = {one for _kind, one in merged.values()}
    wasted = sum(size for key, size in stored.items() if key not in seen)
    return {f"/{path}": kind for path, (kind, _key) in merged.items()}, sum(stored.values()), wasted


@pytest.mark.parametrize("seed", range(150))
def test_both_readings_agree(tmp_path, seed):
    chance = random.Random(seed)
    layers = [random_layer(chance) for _ in range(chance.randint(1, 6))]
    merged, stored, wasted = model(layers)
    files = read_layers(tmp_path, *layers)
    assert {path: entry.kind for path, entry in files.visible.items()} == merged
    assert files.stored_bytes == stored
    assert files.waste_bytes == wasted
    before: set[str] = set()
    for position, layer in enumerate(files.layers):
        # what the layers say they did leads from one merged file system to the next
        now = set(read_layers(tmp_path, *layers[: position + 1]).visible)
        assert set(layer.added) == now - before
        assert set(layer.deleted) == before - now
        assert set(layer.changed) <= now & before
        before = now
