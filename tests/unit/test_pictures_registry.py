"""The registry's picture: what is shared is known again, attestations are no platforms."""

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

from registry_zoo import digest, index_target, large_world, plain_target, small_world

from dockerlab.facts import Blob, HeldManifest, RegistryWorld, Repository, Target
from dockerlab.pictures import draw_registry

SVG = "{http://www.w3.org/2000/svg}"


def words(world: RegistryWorld) -> list[str]:
    svg = draw_registry(world).svg
    return ["".join(text.itertext()) for text in ET.fromstring(svg).iter(f"{SVG}text")]


def test_a_shared_blob_has_one_letter_everywhere() -> None:
    picture = draw_registry(small_world())
    lines = picture.text.splitlines()
    assert sum("· [A]" in line for line in lines) == 2
    assert any(re.fullmatch(r"\[A\] 6c617965722[0-9a-f]* · 29 MB · in 2 manifests", one)
               for one in lines)  # fmt: skip
    assert words(small_world()).count("A") == 3
    assert "stored and sent once" in picture.text


def test_what_is_stored_once_counts_once() -> None:
    world = small_world()
    once = sum(blob.size for blob in world.blobs)
    assert sum(one.travels for one in world.manifests) - once == 29_000_000
    assert "if none were shared" in draw_registry(world).text


def test_tags_of_one_manifest_meet_in_it() -> None:
    told = words(small_world())
    assert "12" in told
    assert "bookworm" in told
    assert sum(one == digest("debian").removeprefix("sha256:")[:12] for one in told) == 1
    assert "12, bookworm →" in draw_registry(small_world()).text


def test_an_index_lists_platforms_and_attestations_apart() -> None:
    text = draw_registry(small_world()).text
    assert "index of 2 platforms" in text
    assert "linux/amd64" in text
    assert re.search(r"attestation of [0-9a-f]{8}", text)
    assert re.search(r"linux/arm64/v8 · [0-9a-f]{8} · only listed here", text)
    assert "An attestation is no platform" in text
    assert "unknown" not in text


def test_what_could_not_be_read_says_why() -> None:
    text = draw_registry(small_world()).text
    assert "wants to know who asks (401)" in text
    assert "no tags: all were deleted" in text


def test_what_is_no_image_is_said() -> None:
    target = Target(digest("chart"), "other", ("1",), (), "application/vnd.example")
    text = draw_registry(RegistryWorld("x", True, (Repository("charts", 1, (target,)),))).text
    assert "no image" in text


def test_large_worlds_fold() -> None:
    picture = draw_registry(large_world(40, 30))
    assert "and 80 more repositories" in picture.text
    assert "29 more tags" in picture.text
    assert len(picture.svg) < 100_000
    assert len(picture.text.splitlines()) < 100
    assert "on 3 pages" in picture.text


def test_one_repository_shows_many_tags() -> None:
    targets = tuple(plain_target(f"t{number}", f"v{number}", base=1) for number in range(60))
    world = RegistryWorld("x", True, (Repository("team/app", 60, targets),))
    told = words(world)
    assert "v20" in told
    assert any("more tags" in one for one in told)


def test_an_image_of_a_hundred_layers_stays_within_its_bar() -> None:
    held = plain_target("big").manifests[0]
    many = HeldManifest(held.digest, 5, blobs=held.blobs * 40)
    world = RegistryWorld(
        "x", True, (Repository("a", 1, (Target("d", "manifest", ("1",), (many,)),)),)
    )
    for rect in ET.fromstring(draw_registry(world).svg).iter(f"{SVG}rect"):
        assert float(rect.get("x", 0)) + float(rect.get("width", 0)) <= 820


def test_an_index_of_many_platforms_folds() -> None:
    target = index_target("app", "1")
    many = Target(target.digest, "index", ("1",), target.manifests * 20)
    text = draw_registry(RegistryWorld("x", True, (Repository("a", 1, (many,)),))).text
    assert re.search(r"\d+ more manifests", text)


def test_empty() -> None:
    text = draw_registry(RegistryWorld("127.0.0.1:5000", False, (), pages=1)).text
    assert "holds nothing yet" in text


def test_same_facts_same_bytes() -> None:
    assert draw_registry(large_world(20, 5)) == draw_registry(large_world(20, 5))


def test_a_small_shared_blob_carries_its_letter_too() -> None:
    large, one, other = (plain_target(name, "1") for name in ("large", "one", "other"))
    small = HeldManifest(digest("one"), 5, blobs=(*one.manifests[0].blobs[:1], Blob("s", 9)))
    again = HeldManifest(digest("two"), 5, blobs=(*other.manifests[0].blobs[:1], Blob("s", 9)))
    targets = (
        large,
        replace(one, manifests=(small,)),
        replace(other, manifests=(again,)),
    )
    told = words(RegistryWorld("x", True, (Repository("a", 3, targets),)))
    assert told.count("A") == 3


def test_every_letter_is_explained() -> None:
    blobs = tuple(Blob(f"sha256:{number:02}", 1000 - number) for number in range(30))
    targets = tuple(
        Target(digest(name), "manifest", (name,), (HeldManifest(digest(name), 5, blobs=blobs),))
        for name in ("a", "b")
    )
    told = words(RegistryWorld("x", True, (Repository("r", 2, targets),)))
    letters = [one for one in told if len(one) == 1 and one.isupper()]
    assert set(letters) == set("ABCDEFGHIJKL")
    assert sum("in 2 manifests" in one for one in told) == 12
