"""The timeline in words: title, one line of what matters, its meaning, and the text form."""

from collections import Counter

from dockerlab.facts import Lane, Moment, State, Timeline
from dockerlab.language import _, ngettext
from dockerlab.pictures.lifecycle_map import state_word
from dockerlab.pictures.measure import cells, fit_cells
from dockerlab.pictures.timeline_scale import Scale
from dockerlab.pictures.wording import duration, exit_words, names, sentence, signal_name

MOST_LANES = 24
"""More lanes below each other can't be taken in at once."""

_CELLS = 60
_CUT = 5
_MARKS: dict[State, str] = {
    "created": "·", "running": "=", "paused": '"', "restarting": "~", "removing": "-",
    "exited": "_", "dead": "x",
}  # fmt: skip
_CODES_EXPLAINED = 6
_EVENTS_TOLD = 40


def shown_lanes(timeline: Timeline) -> list[Lane]:
    """Return the lanes to draw, in order: of too many the newest of those with most events."""
    newest_first = reversed(timeline.lanes)
    by_events = sorted(newest_first, key=lambda lane: len(lane.moments), reverse=True)
    kept = {id(lane) for lane in by_events[:MOST_LANES]}
    return [lane for lane in timeline.lanes if id(lane) in kept]


def left_out(timeline: Timeline) -> str:
    """Count what is not drawn, by state."""
    shown = {id(lane) for lane in shown_lanes(timeline)}
    rest = [lane for lane in timeline.lanes if id(lane) not in shown]
    if not rest:
        return ""
    states = Counter(lane.state for lane in rest)
    words = ", ".join(f"{count} {state_word(state)}" for state, count in sorted(states.items()))
    return _("and {count} more, with no more events than these: {states}").format(
        count=len(rest), states=words
    )


def title(timeline: Timeline) -> str:
    """Name what is shown."""
    if not timeline.lanes:
        return _("containers over time")
    return _("{names} over time").format(names=names([_name(one) for one in timeline.lanes], 3))


def headline(timeline: Timeline) -> str:
    """Say what matters in one line."""
    count = len(timeline.lanes)
    events = sum(len(lane.moments) for lane in timeline.lanes)
    length = duration((timeline.now - timeline.begin).total_seconds())
    begin = timeline.begin.strftime("%Y-%m-%d %H:%M:%S")
    return sentence(
        (
            ngettext("{count} container", "{count} containers", count).format(count=count),
            ngettext("{count} event", "{count} events", events).format(count=events),
            _("{length} from {begin} UTC until now").format(length=length, begin=begin),
        )
    )


def description(timeline: Timeline) -> str:
    """Say what the picture shows, for those who can't see it."""
    return _("States and events over time: {headline}.").format(headline=headline(timeline))


def lane_note(lane: Lane) -> str:
    """Return what a container has come to, in one line."""
    return sentence(lane_notes(lane))


def lane_notes(lane: Lane) -> list[str]:
    """Return what a container has come to: its state, and how it fares."""
    code = f" ({lane.exit_code})" if lane.exit_code is not None else ""
    ended = code if lane.state in ("exited", "dead", "restarting", "removed") else ""
    checked = lane.state == "running" and lane.health not in ("", "none")
    health = fit_cells(lane.health, 20) if checked else ""
    again = _("{count} restarts").format(count=lane.restarts) if lane.restarts > 1 else ""
    again = _("1 restart") if lane.restarts == 1 else again
    fares = sentence((health, again))
    return [state_word(lane.state) + ended, *([fares] if fares else [])]


def moment_words(moment: Moment) -> str:
    """Return an event in the engine's word, with its signal or exit code."""
    if moment.action == "kill" and moment.detail is not None:
        return f"kill {signal_name(moment.detail)}"
    if moment.action == "die" and moment.detail is not None:
        return f"die {moment.detail}"
    if moment.action == "health_status":
        return fit_cells(moment.health, 20) or "health_status"
    return fit_cells(moment.action, 20)


def meaning(timeline: Timeline) -> list[str]:
    """Say what the picture means in a few sentences."""
    if not timeline.lanes:
        return [_("No container did anything in this time.")]
    lines = [_("A tall bar has a process, a low one has none; the marks are the engine's events.")]
    ended: dict[tuple[int | None, bool], list[Lane]] = {}
    for lane in timeline.lanes:
        if lane.exit_code is not None:
            ended.setdefault((lane.exit_code, lane.oom_killed), []).append(lane)
    for (code, _oom), lanes in list(ended.items())[:_CODES_EXPLAINED]:
        who = names([_name(lane) for lane in lanes], 3)
        lines.append(
            _("Exit code {code} ({names}): {words}.").format(
                code=code, names=who, words=exit_words(lanes[0])
            )
        )
    if any(not span.witnessed for lane in timeline.lanes for span in lane.spans):
        lines.append(
            _("Dashed: implied by the present state. The engine keeps only its last 256 events.")
        )
    return lines


def timeline_text(timeline: Timeline) -> list[str]:
    """Return the picture's lines for a terminal: a lane of signs each, its events below it."""
    lines = [f"{fit_cells(title(timeline), 60)} — {headline(timeline)}"]
    lanes = shown_lanes(timeline)
    moments = [one.at for lane in timeline.lanes for one in lane.moments]
    moments += [one.begin for lane in timeline.lanes for one in lane.spans]
    scale = Scale(timeline.begin, timeline.now, moments, _CELLS, _CUT)
    if lanes:
        lines.append(" " * 14 + _axis(scale))
    for lane in lanes:
        lines.append(f"{_padded(_name(lane), 14)}{_bar(lane, scale)} {lane_note(lane)}")
        if len(lanes) <= MOST_LANES // 2:
            told = [_told(timeline, one) for one in lane.moments[:_EVENTS_TOLD]]
            lines += _lines(told, "  ", 78)
    note = left_out(timeline)
    lines += [note] if note else []
    used = {span.state for lane in lanes for span in lane.spans}
    legend = [f"{mark} {state_word(state)}" for state, mark in _MARKS.items() if state in used]
    if any(stretch.cut for stretch in scale.stretches):
        legend.append("// " + _("a pause, cut short"))
    lines += ["   ".join(legend)] if legend else []
    return [*lines, *meaning(timeline)]


def _axis(scale: Scale) -> str:
    row = [" "] * (_CELLS + 8)
    for stretch in scale.stretches:
        if stretch.cut:
            middle = round((stretch.left + stretch.right) / 2)
            row[middle - 1 : middle + 1] = "//"
    for tick in scale.ticks(12):
        words = duration(tick.seconds)
        place = round(tick.x)
        if all(sign == " " for sign in row[place : place + len(words)]):
            row[place : place + len(words)] = words
    return "".join(row).rstrip()


def _bar(lane: Lane, scale: Scale) -> str:
    row = [" "] * _CELLS
    for span in lane.spans:
        left = min(int(scale.place(span.begin)), _CELLS - 1)
        right = max(left + 1, round(scale.place(span.end)))
        row[left:right] = _MARKS.get(span.state, "?") * (right - left)
    return "".join(row[:_CELLS])


def _told(timeline: Timeline, moment: Moment) -> str:
    seconds = (moment.at - timeline.begin).total_seconds()
    return f"{duration(seconds)} {moment_words(moment)}"


def _lines(parts: list[str], indent: str, width: int) -> list[str]:
    lines: list[str] = []
    for part in parts:
        joined = f"{lines[-1]} · {part}" if lines else ""
        if lines and cells(joined) <= width:
            lines[-1] = joined
        else:
            lines.append(indent + fit_cells(part, width - len(indent)))
    return lines


def _name(lane: Lane) -> str:
    return fit_cells(lane.name or lane.id[:12], 40)


def _padded(text: str, width: int) -> str:
    line = fit_cells(text, width - 2)
    return line + " " * (width - cells(line))
