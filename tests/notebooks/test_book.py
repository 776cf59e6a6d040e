"""The book is built from the notebooks, strictly, and needs nothing from another host."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from dockerlab.course.chapters import CHAPTERS
from dockerlab.course.exercises import EXERCISES
from dockerlab.course.ledger import read_ledger

ROOT = Path(__file__).parents[2]
SITE = ROOT / "book" / "_build" / "html"
LOADING = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}


class Page(HTMLParser):
    """What a page loads, where it leads, and the places in it."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.leads: list[str] = []
        self.places: set[str] = set()
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attributes}
        if "id" in known:
            self.places.add(known["id"])
        if tag == "a" and "href" in known:
            self.leads.append(known["href"])
        loading = LOADING.get(tag)
        if loading in known and known.get("rel") not in ("canonical", "search", "next", "prev"):
            self.loads.append(known[loading])


@pytest.fixture(scope="module")
def pages() -> dict[str, Page]:
    # a proxy where nobody listens: whatever asked for a network would fail
    nowhere = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-m", "dockerlab", "book"], cwd=ROOT, env={**os.environ, **nowhere},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return {file.name: Page(file) for file in SITE.glob("*.html")}


def test_every_chapter_has_its_page_in_order(pages):
    index = (ROOT / "book" / "index.md").read_text(encoding="utf-8")
    listed = re.findall(r"^(\d\d-[\w-]+)$", index, re.M)
    assert listed == [chapter.notebook for chapter in CHAPTERS]
    assert {f"{chapter.notebook}.html" for chapter in CHAPTERS} <= set(pages)


def test_nothing_is_loaded_from_another_host(pages):
    for name, page in pages.items():
        for address in page.loads:
            assert not urlsplit(address).netloc, (name, address)
    for style in SITE.rglob("*.css"):
        loaded = re.findall(
            r"(?:@import|url\()\s*[\"']?https?://|url\(//", style.read_text("utf-8")
        )
        assert not loaded, style


def test_every_claim_of_the_ledger_leads_to_its_cell(pages):
    links = [link for link in pages["ledger.html"].leads if "#claim-" in link]
    assert len(links) == len(read_ledger())
    for link in links:
        page, __, place = link.partition("#")
        assert place in pages[page].places, link


def test_every_link_inside_the_book_leads_somewhere(pages):
    for name, page in pages.items():
        for link in page.leads:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or not parts.path:
                continue
            assert (SITE / unquote(parts.path)).exists(), (name, link)


def test_solutions_are_folded():
    for chapter in CHAPTERS:
        mine = [exercise for exercise in EXERCISES if exercise.chapter == chapter.number]
        page = (SITE / f"{chapter.notebook}.html").read_text(encoding="utf-8")
        assert page.count("tag_hide-input") >= len(mine)
        assert page.count("<details") >= len(mine)
