"""SVG built as a tree, so that all text is escaped by construction; no markup is ever pasted."""

import hashlib
from collections.abc import Iterable
from typing import Literal
from xml.etree import ElementTree as ET

from dockerlab.facts import plain
from dockerlab.pictures.measure import fit, spaced, wrap
from dockerlab.pictures.theme import (
    CARD,
    CARD_EDGE,
    INK,
    INNER,
    MARGIN,
    MONO,
    SANS,
    SOFT,
    WIDTH,
    Paint,
)

Anchor = Literal["start", "middle", "end"]
Number = float | int

_DASHES = "5 4"


class Canvas:
    """One picture while it is drawn: a white card of 820 px that scales to what it gets.

    Parameters
    ----------
    title, description : str
        For those who can't see it: what it is, and what it shows.
    """

    def __init__(self, title: str, description: str) -> None:
        title, description = plain(title), plain(description)
        # Two pictures on one page must not share the names of their patterns.
        seed = hashlib.sha256(f"{title}\n{description}".encode()).hexdigest()[:8]
        self._prefix = f"dl{seed}"
        self._root = ET.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "role": "img",
                "aria-labelledby": f"{self._prefix}-t {self._prefix}-d",
                "font-family": SANS,
                "style": "max-width:100%;height:auto",
            },
        )
        ET.SubElement(self._root, "title", {"id": f"{self._prefix}-t"}).text = title
        ET.SubElement(self._root, "desc", {"id": f"{self._prefix}-d"}).text = description
        self._defs = ET.SubElement(self._root, "defs")
        self._card = self._add("rect", x=0.5, y=0.5, rx=12, fill=CARD, stroke=CARD_EDGE)
        self._defined: set[str] = set()

    def rect(
        self,
        x: Number,
        y: Number,
        width: Number,
        height: Number,
        paint: Paint,
        *,
        radius: Number = 6,
        line: Number = 1,
        hint: str = "",
    ) -> None:
        """Draw a box; `hint` is shown on hovering where the SVG stands in the page itself."""
        box = self._add(
            "rect", x=x, y=y, width=width, height=height, rx=radius,
            fill=paint.fill, stroke=paint.edge, stroke_width=line,
        )  # fmt: skip
        if paint.dashed:
            box.set("stroke-dasharray", _DASHES)
        self._hint(box, hint)

    def hatch(self, x: Number, y: Number, width: Number, height: Number, colour: str) -> None:
        """Draw a hatched box: the mark of what is shared."""
        name = self._pattern(colour)
        self._add(
            "rect", x=x, y=y, width=width, height=height, rx=3, fill=name, stroke=colour
        )  # fmt: skip

    def text(
        self,
        x: Number,
        y: Number,
        text: object,
        *,
        size: Number = 12,
        fill: str = INK,
        bold: bool = False,
        mono: bool = False,
        anchor: Anchor = "start",
        width: Number | None = None,
        middle: bool = False,
        columns: bool = False,
    ) -> None:
        """Write one line, cut to `width` pixels (at its end, or in the `middle`).

        What was cut is shown on hovering. With `columns` its spaces stay as they are.
        """
        line, cut = (spaced(text) if columns else plain(text), False)
        if width is not None:
            line, cut = fit(line, width, size, mono=mono, bold=bold, middle=middle)
        element = self._add("text", x=x, y=y, font_size=size, fill=fill)
        if bold:
            element.set("font-weight", "700" if not mono else "600")
        if mono:
            element.set("font-family", MONO)
        if anchor != "start":
            element.set("text-anchor", anchor)
        element.text = line
        if cut:
            ET.SubElement(element, "title").text = plain(text)

    def heading(self, title: str, line: str) -> None:
        """Write the picture's title and the one line of what matters."""
        self.text(MARGIN, 40, title, size=20, bold=True, width=INNER)
        self.text(MARGIN, 61, line, fill=SOFT, width=INNER)

    def paragraphs(self, y: Number, sentences: Iterable[str]) -> Number:
        """Write what the picture means, from `y` down; return where the card can end."""
        for sentence in sentences:
            for line in wrap(sentence, INNER, 12.5, most=3):
                self.text(MARGIN, y, line, size=12.5)
                y += 19
        return y + 3

    def line(
        self,
        x1: Number,
        y1: Number,
        x2: Number,
        y2: Number,
        colour: str,
        *,
        width: Number = 1,
        dashes: str = "",
    ) -> None:
        """Draw a straight line."""
        element = self._add("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=colour, stroke_width=width)
        if dashes:
            element.set("stroke-dasharray", dashes)

    def path(
        self,
        data: str,
        *,
        stroke: str = "none",
        fill: str = "none",
        width: Number = 1,
        dashes: str = "",
        arrow: bool = False,
        at: tuple[float, float] | None = None,
    ) -> None:
        """Draw a path of our own making (`data` never holds text from outside)."""
        element = self._add("path", d=data, fill=fill, stroke=stroke, stroke_width=width)
        if at:
            element.set("transform", f"translate({_number(at[0])} {_number(at[1])})")
        if dashes:
            element.set("stroke-dasharray", dashes)
        if arrow:
            element.set("marker-end", self._arrow_head(stroke))

    def circle(self, x: Number, y: Number, radius: Number, fill: str, edge: str = "none") -> None:
        """Draw a disc."""
        self._add("circle", cx=x, cy=y, r=radius, fill=fill, stroke=edge)

    def finish(self, height: Number) -> str:
        """Return the picture's bytes as text, `height` pixels tall."""
        for name, value in (("width", WIDTH), ("height", height)):
            self._root.set(name, _number(value))
            self._card.set(name, _number(value - 1))
        self._root.set("viewBox", f"0 0 {_number(WIDTH)} {_number(height)}")
        if not len(self._defs):
            self._root.remove(self._defs)
        return ET.tostring(self._root, encoding="unicode")

    def _add(self, tag: str, **attributes: str | Number) -> ET.Element:
        written = {
            name.replace("_", "-"): value if isinstance(value, str) else _number(value)
            for name, value in attributes.items()
        }
        return ET.SubElement(self._root, tag, written)

    def _hint(self, element: ET.Element, hint: str) -> None:
        if hint:
            ET.SubElement(element, "title").text = plain(hint)

    def _pattern(self, colour: str) -> str:
        name = f"{self._prefix}-h{colour.lstrip('#')}"
        if name not in self._defined:
            self._defined.add(name)
            pattern = ET.SubElement(
                self._defs, "pattern",
                {"id": name, "width": "6", "height": "6", "patternUnits": "userSpaceOnUse",
                 "patternTransform": "rotate(45)"},
            )  # fmt: skip
            ET.SubElement(pattern, "rect", {"width": "6", "height": "6", "fill": CARD})
            ET.SubElement(
                pattern, "line",
                {"x1": "0", "y1": "0", "x2": "0", "y2": "6", "stroke": colour, "stroke-width": "4"},
            )  # fmt: skip
        return f"url(#{name})"

    def _arrow_head(self, colour: str) -> str:
        name = f"{self._prefix}-a{colour.lstrip('#')}"
        if name not in self._defined:
            self._defined.add(name)
            marker = ET.SubElement(
                self._defs, "marker",
                {"id": name, "viewBox": "0 0 8 8", "refX": "7", "refY": "4", "orient": "auto",
                 "markerWidth": "10", "markerHeight": "10", "markerUnits": "userSpaceOnUse"},
            )  # fmt: skip
            ET.SubElement(marker, "path", {"d": "M0,0 L8,4 L0,8 z", "fill": colour})
        return f"url(#{name})"


def _number(value: Number) -> str:
    return f"{round(float(value), 1):g}"
