"""Graphs in columns: Graphviz finds the order with the fewest crossings, the places follow from it.

Only the order is taken from Graphviz, because its coordinates differ from one release to the next
and a picture must not. Nodes reach it as numbers: no text from outside is ever part of the DOT.
"""

from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise
from subprocess import CalledProcessError
from typing import TypeVar

import graphviz
import pygraphviz

Node = TypeVar("Node", bound=Hashable)
Edges = Sequence[tuple[Node, Node]]


def order(columns: Sequence[Sequence[Node]], edges: Edges[Node]) -> list[list[Node]]:
    """Return the columns' nodes in an order with few crossings of the edges between them.

    Parameters
    ----------
    columns : sequence of sequence
        The nodes of each column, left to right; the order given is the starting point.
    edges : sequence of pairs
        Between nodes of neighbouring columns.
    """
    numbers = {node: f"n{i}" for i, node in enumerate(n for column in columns for n in column)}
    if not numbers:
        return [[] for _column in columns]
    heights = _heights(_source(columns, edges, numbers))
    connected = {node for edge in edges for node in edge}
    ordered: list[list[Node]] = []
    places: dict[Node, int] = {}
    for column in columns:
        parents = _parents(column, edges, places)

        def rank(node: Node, parents: Mapping[Node, float] = parents) -> tuple[bool, float, float]:
            # What nothing points at stands below, out of the way; branches of a tree stay together.
            return (node not in connected, parents.get(node, 0.0), heights[numbers[node]])

        ordered.append(sorted(column, key=rank))
        places.update({node: place for place, node in enumerate(ordered[-1])})
    return ordered


def _parents(
    column: Sequence[Node], edges: Edges[Node], places: Mapping[Node, int]
) -> dict[Node, float]:
    """Return for each node the middle of those that point at it."""
    found: dict[Node, list[int]] = {node: [] for node in column}
    for start, end in edges:
        if end in found and start in places:
            found[end].append(places[start])
    return {node: sum(near) / len(near) for node, near in found.items() if near}


def _source(
    columns: Sequence[Sequence[Node]], edges: Edges[Node], numbers: Mapping[Node, str]
) -> str:
    lines = [
        "digraph { rankdir=LR; nodesep=0.1; ranksep=1;",
        'node [shape=box, fixedsize=true, label="", width=1, height=0.4]; edge [arrowhead=none];',
    ]
    anchors = [f"a{position}" for position in range(len(columns))]
    for anchor, column in zip(anchors, columns, strict=True):
        members = "; ".join([*(numbers[node] for node in column), anchor])
        lines.append(f"{{ rank=same; {members} }}")
    lines += [f"{left} -> {right} [weight=0, style=invis];" for left, right in pairwise(anchors)]
    lines += [f"{numbers[start]} -> {numbers[end]};" for start, end in edges]
    return "\n".join([*lines, "}"])


def _heights(source: str) -> dict[str, float]:
    """Return the y of each node, top to bottom, as Graphviz lays the graph out."""
    heights: dict[str, float] = {}
    for line in _layout(source).splitlines():
        words = line.split()
        if words and words[0] == "node":
            heights[words[1]] = -float(words[3])
    return heights


def _layout(source: str) -> str:
    try:
        return str(graphviz.pipe_string("dot", "plain", source, encoding="utf-8"))
    except (graphviz.ExecutableNotFound, CalledProcessError):
        # The wheel of pygraphviz carries Graphviz's libraries with it.
        drawn: bytes = pygraphviz.AGraph(string=source).draw(format="plain", prog="dot")
        return drawn.decode()


def settle(
    columns: Sequence[Sequence[Node]],
    edges: Edges[Node],
    heights: Mapping[Node, float],
    gap: float,
) -> dict[Node, float]:
    """Return the centre of each node, in pixels from the top.

    The tallest column is packed; the others follow outwards from it, each node as near to the
    middle of its neighbours as the order and the gap allow.
    """
    tallest = max(range(len(columns)), key=lambda i: sum(heights[n] + gap for n in columns[i]))
    centres: dict[Node, float] = {}
    top = 0.0
    for node in columns[tallest]:
        centres[node] = top + heights[node] / 2
        top += heights[node] + gap
    outwards = [*range(tallest - 1, -1, -1), *range(tallest + 1, len(columns))]
    for position in outwards:
        _place(columns[position], edges, heights, gap, centres)
    least = min((centres[n] - heights[n] / 2 for n in centres), default=0.0)
    return {node: centre - least for node, centre in centres.items()}


def _place(
    column: Sequence[Node],
    edges: Edges[Node],
    heights: Mapping[Node, float],
    gap: float,
    centres: dict[Node, float],
) -> None:
    # Least squares with a least distance: nodes that would overlap form a pool that moves as one.
    bottom = max((centres[n] + heights[n] / 2 for n in centres), default=0.0)
    neighbours: dict[Node, list[float]] = {node: [] for node in column}
    for start, end in edges:
        if start in neighbours and end in centres:
            neighbours[start].append(centres[end])
        elif end in neighbours and start in centres:
            neighbours[end].append(centres[start])
    offsets: list[float] = []
    wanted: list[float] = []
    offset = 0.0
    for node in column:
        near = neighbours[node]
        centre = sum(near) / len(near) if near else bottom
        offsets.append(offset + heights[node] / 2)
        wanted.append(centre - offsets[-1])
        offset += heights[node] + gap
    pools: list[tuple[float, int]] = []
    for shift in wanted:
        pool = (shift, 1)
        while pools and pools[-1][0] > pool[0]:
            mean, count = pools.pop()
            total = count + pool[1]
            pool = ((mean * count + pool[0] * pool[1]) / total, total)
        pools.append(pool)
    shifts = [mean for mean, count in pools for _member in range(count)]
    for node, own, shift in zip(column, offsets, shifts, strict=True):
        centres[node] = own + shift
