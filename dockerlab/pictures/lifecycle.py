"""A container's life: the state machine, the present state, and the way it went."""

from dockerlab.facts import Container, State, StateChange
from dockerlab.language import _
from dockerlab.pictures import theme
from dockerlab.pictures.lifecycle_map import (
    EDGES,
    PILL_HEIGHT,
    PILL_WIDTH,
    PLACES,
    Edge,
    action_word,
    meaning_of,
    route,
    state_word,
)
from dockerlab.pictures.lifecycle_words import headline, lifecycle_text
from dockerlab.pictures.measure import text_width
from dockerlab.pictures.picture import Picture
from dockerlab.pictures.svg import Canvas
from dockerlab.pictures.theme import Paint
from dockerlab.pictures.wording import exit_words


def draw_lifecycle(container: Container) -> Picture:
    """Draw the states a container can be in, the one it is in, and how it came there.

    Parameters
    ----------
    container : Container
        From `dockerlab.facts.read_container`.

    Returns
    -------
    Picture
        The present state is filled and ringed, the arrows taken are bold and numbered in their
        order; dashed are those that no event tells but the present state implies.
    """
    description = _("The states of container {name}: {headline}.").format(
        name=container.name, headline=headline(container)
    )
    svg = _Drawing(container, description).draw()
    return Picture.of(container.name, description, svg, lifecycle_text(container), container)


class _Drawing:
    def __init__(self, container: Container, description: str) -> None:
        self.container = container
        self.canvas = Canvas(container.name, description)
        self.taken: dict[tuple[State | None, State], list[int]] = {}
        self.done: dict[tuple[State | None, State], set[str]] = {}
        self.implied: set[tuple[State | None, State]] = set()
        self._follow(container.path)

    def _follow(self, path: tuple[StateChange, ...]) -> None:
        before: State | None = None
        for number, change in enumerate(path, 1):
            arrows = route(before, change.state)
            for arrow in arrows:
                self.taken.setdefault(arrow, [])
                self.done.setdefault(arrow, set()).add(change.action)
                if not change.witnessed:
                    self.implied.add(arrow)
            if arrows:
                self.taken[arrows[0]].append(number)
            before = change.state

    def draw(self) -> str:
        canvas, container = self.canvas, self.container
        canvas.heading(container.name, headline(container))
        for arrow in sorted(EDGES, key=lambda one: one in self.taken):
            self._edge(arrow, EDGES[arrow])
        canvas.circle(108, 84, 5, theme.INK)
        for state in PLACES:
            self._state(state)
        for arrow, numbers in self.taken.items():
            if numbers:
                self._badge(EDGES[arrow].badge, numbers)
        if container.state == "created" and container.error:
            self._failed_start()
        self._legend()
        return canvas.finish(canvas.paragraphs(412, self._meaning()))

    def _state(self, state: State) -> None:
        canvas = self.canvas
        x, y = PLACES[state]
        paint = theme.STATES[state]
        here = state == self.container.state
        left, top = x - PILL_WIDTH / 2, y - PILL_HEIGHT / 2
        if here:
            ring = Paint("none", paint.ink, paint.edge)
            canvas.rect(
                left - 5, top - 5, PILL_WIDTH + 10, PILL_HEIGHT + 10, ring, radius=25, line=1.5
            )  # fmt: skip
        ink = paint.ink if here else (paint.edge if not paint.dashed else paint.ink)
        fill = paint.fill if here else theme.CARD
        canvas.rect(
            left, top, PILL_WIDTH, PILL_HEIGHT, Paint(fill, ink, paint.edge, paint.dashed),
            radius=20, line=2,
        )  # fmt: skip
        word = state_word(state)
        code = self.container.exit_code
        if here and code is not None and state in ("exited", "restarting", "dead"):
            word = f"{word} ({code})"
        symbol = theme.SYMBOLS.get(state, ())
        shift = 9 if symbol else 0
        for shape in symbol:
            at = (x + shift - text_width(word, 13.5, bold=True) / 2 - 11, y)
            canvas.path(shape, fill=ink, at=at)
        canvas.text(
            x + shift, y + 4.5, word, size=13.5, bold=True, fill=ink, anchor="middle",
        )  # fmt: skip

    def _edge(self, arrow: tuple[State | None, State], edge: Edge) -> None:
        taken = arrow in self.taken
        colour = theme.PATH if taken else theme.FAINT
        (x1, y1), (x2, y2) = edge.start, edge.end
        self.canvas.path(
            f"M{x1},{y1} L{x2},{y2}",
            stroke=colour,
            width=2.5 if taken else 1.2,
            dashes="6 4" if arrow in self.implied else "",
            arrow=True,
        )
        x, y, anchor = edge.label
        done = self.done.get(arrow, set())
        shown = [action for action in edge.actions if action != "oom" or "oom" in done]
        if len(shown) == 1 and taken:
            done = set(shown)
        for action in shown:
            bold = action in done
            self.canvas.text(
                x, y, action_word(action), size=12, mono=_is_typed(action), bold=bold,
                fill=theme.PATH if bold else theme.SOFT, anchor=anchor,
            )  # fmt: skip
            y += 15

    def _badge(self, place: tuple[int, int], numbers: list[int]) -> None:
        x, y = place
        words = " ".join(str(number) for number in numbers)
        if len(numbers) > 3:
            words = _("{count}×").format(count=len(numbers))  # noqa: RUF001  the sign for times
        width = max(18.0, text_width(words, 11, bold=True) + 10)
        self.canvas.rect(
            x - width / 2, y - 9, width, 18, Paint(theme.PATH, "#ffffff", "#ffffff"), radius=9
        )  # fmt: skip
        self.canvas.text(
            x, y + 4, words, size=11, bold=True, fill="#ffffff", anchor="middle"
        )  # fmt: skip

    def _failed_start(self) -> None:
        x, y = EDGES["created", "running"].badge
        word = _("failed")
        width = text_width(word, 11, bold=True) + 16
        canvas = self.canvas
        canvas.rect(x - width / 2, y - 9, width, 18, theme.GONE, radius=9, line=1.5)
        canvas.text(
            x, y + 4, word, size=11, bold=True, fill=theme.GONE.ink, anchor="middle"
        )  # fmt: skip

    def _legend(self) -> None:
        x, y = 590, 334
        lines = [_("docker run = create + start"), _("docker rm -f = kill + rm")]
        for line in lines:
            self.canvas.text(x, y, line, size=11.5, mono=True, fill=theme.SOFT)
            y += 16
        if self.implied:
            self.canvas.line(x, y + 1, x + 24, y + 1, theme.PATH, width=2.5, dashes="6 4")
            self.canvas.text(
                x + 31, y + 5, _("implied: no event left"), size=11.5, fill=theme.SOFT
            )  # fmt: skip

    def _meaning(self) -> list[str]:
        container = self.container
        lines = [meaning_of(container.state)]
        if container.exit_code is not None:
            lines.append(
                _("Exit code {code}: {words}.").format(
                    code=container.exit_code, words=exit_words(container)
                )
            )
        if container.error:
            lines.append(_("The engine said: {error}").format(error=container.error))
        return lines


def _is_typed(action: str) -> bool:
    return action_word(action) == action
