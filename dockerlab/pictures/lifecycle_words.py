"""A container's life in words: one line of what matters, and the text form."""

from dockerlab.facts import Container, State, StateChange
from dockerlab.language import _
from dockerlab.pictures.lifecycle_map import action_word, meaning_of, state_word
from dockerlab.pictures.measure import cells, fit_cells
from dockerlab.pictures.wording import exit_words, sentence, short_digest

_DIAGRAM = """\
{created}──start──▶{running}◀─pause · unpause─▶{paused}
       │                    │   ▲   ▲
       rm     stop·kill·end │   │   └─restart policy───▶{restarting}
       ▼                    ▼   │ start
{removing}◀───rm────{exited}
       ▼
{removed}          {dead}"""

_STEPS_SHOWN = 12


def headline(container: Container) -> str:
    """Say what matters in one line."""
    now = state_word(container.state)
    code = container.exit_code
    if code is not None:
        now = _("{state}, exit code {code}").format(state=now, code=code)
    if container.state == "created" and container.error:
        now = _("created, but its start failed with code {code}").format(code=code)
    policy = ""
    if container.restart_policy != "no":
        policy = _("restart policy {policy}").format(policy=container.restart_policy)
    image = container.image
    image = short_digest(image) if image.startswith("sha256:") else fit_cells(image, 60)
    return sentence((now, _("a container of {image}").format(image=image), policy))


def lifecycle_text(container: Container) -> list[str]:
    """Return the picture's lines for a terminal: the states, and the way as a numbered list."""
    lines = [f"{fit_cells(container.name, 60)} — {headline(container)}"]
    boxes = {state: _box(state, container.state) for state in _ALL}
    lines += _DIAGRAM.format(**boxes).splitlines()
    lines.append(_("the way it went:"))
    lines += _way(container.path)
    lines.append(meaning_of(container.state))
    if container.exit_code is not None:
        words = exit_words(container)
        lines.append(_("Exit code {code}: {words}.").format(code=container.exit_code, words=words))
    if container.error:
        error = fit_cells(container.error, 200)
        lines.append(_("The engine said: {error}").format(error=error))
    return lines


_ALL: tuple[State, ...] = (
    "created", "running", "paused", "restarting", "removing", "exited", "dead", "removed",
)  # fmt: skip


def _box(state: State, present: State) -> str:
    word = state_word(state)
    if state == present:
        word = f"*{word}*"
    room = 12 - cells(word)
    padded = " " * (room // 2) + word + " " * (room - room // 2)
    return f"[{padded}]" if state == present else f"({padded})"


def _way(path: tuple[StateChange, ...]) -> list[str]:
    """Return the way as numbered lines; of a long one the beginning and the end."""
    lines = [_step(number, change) for number, change in enumerate(path, 1)]
    if len(lines) <= _STEPS_SHOWN:
        return lines
    head, tail = _STEPS_SHOWN // 3, _STEPS_SHOWN - _STEPS_SHOWN // 3
    left_out = _("{count} more steps").format(count=len(lines) - head - tail)
    return [*lines[:head], f"    … {left_out}", *lines[-tail:]]


def _step(number: int, change: StateChange) -> str:
    code = "" if change.exit_code is None else f" ({change.exit_code})"
    seen = "" if change.witnessed else "  " + _("implied: no event left")
    # the policy starts it again; what ended it stands in the line above
    again = change.state == "running" and change.action == "policy"
    action = action_word("delay" if again else change.action) or "?"
    padding = " " * (24 - cells(action))
    return f"{number:>3} {action}{padding}→ {state_word(change.state)}{code}{seen}"
