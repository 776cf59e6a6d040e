"""Pulls and pushes: a bar per layer, and what each bar means."""

from dataclasses import replace
from xml.etree import ElementTree as ET

from registry_zoo import digest, transfer

from dockerlab.facts import MovedLayer, Transfer
from dockerlab.pictures import draw_transfer, theme

SVG = "{http://www.w3.org/2000/svg}"


def bars(pulled: Transfer) -> list[float]:
    return [
        float(rect.get("width", 0))
        for rect in ET.fromstring(draw_transfer(pulled).svg).iter(f"{SVG}rect")
        if rect.get("fill") == theme.LAYERS[1].fill
    ]


def test_longer_bars_for_more_bytes() -> None:
    layers = (MovedLayer("a", "downloaded", 100), MovedLayer("b", "downloaded", 10_000))
    small, large = bars(replace(transfer(), layers=layers))
    assert small < large


def test_what_did_not_move_has_no_bytes() -> None:
    text = draw_transfer(transfer("exists", "downloaded", "mounted")).text
    lines = text.splitlines()
    assert "1 layer moved · 10 B · 2 not" in lines[0]
    assert lines[1].endswith("was there already")
    assert lines[2].endswith("downloaded · 10 B")
    assert lines[3].endswith("taken from team/web")


def test_the_digest_closes_it() -> None:
    picture = draw_transfer(transfer("downloaded"))
    short = digest("nginx").removeprefix("sha256:")[:12]
    assert f"nginx:latest → sha256:{short}…" in picture.text
    assert short in picture.svg


def test_up_to_date() -> None:
    picture = draw_transfer(replace(transfer(), unchanged=True))
    assert "no layer moved" in picture.text
    assert "The engine has the image" in picture.text


def test_sizes_that_are_not_told_and_sizes_before_compression() -> None:
    untold = draw_transfer(replace(transfer(), layers=(MovedLayer("a", "downloaded"),)))
    assert "not told" in untold.text
    assert "faster than the engine reports" in untold.text
    pushed = Transfer("push", "x:1", (MovedLayer("a", "pushed", 5),), "", unpacked=True)
    assert "before compression" in draw_transfer(pushed).text
    assert "before compression" not in draw_transfer(replace(pushed, unpacked=False)).text


def test_many_layers_fold() -> None:
    picture = draw_transfer(transfer(*["downloaded"] * 100))
    assert "and 80 more layers" in picture.text
    assert picture == draw_transfer(transfer(*["downloaded"] * 100))


def test_who_had_the_layers_that_did_not_move() -> None:
    pulled = transfer("downloaded", "exists")
    assert "1 not: the engine had it" in draw_transfer(pulled).text
    pushed = replace(transfer("pushed", "exists", "mounted"), direction="push")
    assert "2 not: the registry had them" in draw_transfer(pushed).text
