"""A real terminal for commands that want one: what is typed, and what the screen shows."""

import html
import os
import re
import time
from dataclasses import dataclass
from typing import Any

import pyte

from dockerlab.errors import LabError
from dockerlab.facts import plain
from dockerlab.language import _

_COLUMNS, _LINES = 100, 400
_KEYS = re.compile(r"Ctrl\+[A-Z](?: Ctrl\+[A-Z])*")
_PROMPT = re.compile(r"[#$>] ?$")
_STILL = 0.15  # seconds without a word after a prompt, or at the end
_BUSY = 2.0  # seconds after which a program that shows no prompt is typed to all the same
_PIECE = 65_536  # bytes


@dataclass(frozen=True)
class Screen:
    """What a terminal showed.

    Parameters
    ----------
    command : str
        The command that ran in it.
    lines : tuple of str
        The screen's lines from top to bottom, without colours, as a reader would see them.
    status : int or None
        The command's exit status; None where it had not ended and was cut off.
    """

    command: str
    lines: tuple[str, ...]
    status: int | None

    @property
    def text(self) -> str:
        """The command and what came after it."""
        return "\n".join([f"$ {plain(self.command)}", *self.lines])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        del include, exclude  # IPython filters what it did not ask for itself
        head = f'<b style="color:#9ccbf0">$ {html.escape(plain(self.command))}</b>'
        body = "\n".join([head, *(html.escape(line) for line in self.lines)])
        style = (
            "background:#1f2933;color:#e4e7eb;padding:.7em 1em;border-radius:6px;margin:.3em 0;"
            "max-width:56em;overflow-x:auto;line-height:1.4"
        )
        return {"text/html": f'<pre style="{style}">{body}</pre>', "text/plain": self.text}

    def __str__(self) -> str:
        return self.text


def terminal(command: str, *typed: str, wait: float = 10.0, timeout: float = 30.0) -> Screen:
    """Run a command in a terminal of its own, type into it, and show the screen.

    For what needs a terminal, such as ``docker run -it``: a notebook's cell has none.

    Parameters
    ----------
    command : str
        As it would be typed into a shell.
    *typed : str
        Lines to type, one after the other, each when the program waits for it; or keys, as
        ``"Ctrl+C"`` or ``"Ctrl+P Ctrl+Q"``.
    wait : float
        Seconds to wait for the first words before something is typed all the same.
    timeout : float
        Seconds after which the command is cut off; `Screen.status` is None then.

    Returns
    -------
    Screen
        What the terminal showed, and how the command ended.

    Raises
    ------
    LabError
        This system has no terminals of this kind.
    """
    session = _Session(command, time.monotonic() + timeout)
    try:
        session.listen(wait)
        for words in typed:
            session.type(words)
            session.listen(_BUSY)
        session.hear_out()
        return Screen(command, session.lines(), session.status())
    finally:
        session.close()


class _Session:
    """A pseudo-terminal, the program in it, and the screen it paints."""

    def __init__(self, command: str, deadline: float) -> None:
        if os.name != "posix":
            raise LabError(
                _("This system has no pseudo-terminals, so this cell can't type for you."),
                _("Run the command in a terminal window instead: {command}").format(
                    command=command
                ),
            )
        import pexpect  # noqa: PLC0415 - it can't be imported on Windows

        self._ended: type[Exception] = pexpect.EOF
        self._silence: type[Exception] = pexpect.TIMEOUT
        self._screen = pyte.Screen(_COLUMNS, _LINES)
        self._stream = pyte.ByteStream(self._screen)
        self._deadline = deadline
        self._over = False
        self._program: Any = pexpect.spawn(
            "/bin/sh", ["-c", command], dimensions=(_LINES, _COLUMNS), timeout=None
        )
        self._program.delaybeforesend = None

    def type(self, words: str) -> None:
        """Type a line, or press keys; nothing where the program has ended."""
        if self._over:
            return
        if not _KEYS.fullmatch(words):
            self._program.send(f"{words}\r")
            return
        for key in words.split():
            self._program.send(bytes([ord(key[-1]) - ord("A") + 1]))
            self._hear(_STILL)

    def listen(self, patience: float) -> None:
        """Hear until a prompt waits, the program has ended, or patience is spent."""
        begun = heard = time.monotonic()
        while not self._over and time.monotonic() < self._deadline:
            if self._hear(_STILL):
                heard = time.monotonic()
            elif self._waits() and time.monotonic() - heard >= _STILL:
                return
            spent = time.monotonic() - begun
            if spent > patience or (any(self.lines()) and spent > _BUSY):
                return

    def hear_out(self) -> None:
        """Hear until the program ends; one that waits at a prompt will not."""
        while not self._over and time.monotonic() < self._deadline:
            self._hear(_BUSY)

    def lines(self) -> tuple[str, ...]:
        """Give the screen from its first line to its last one with words on it."""
        lines = [plain(line).rstrip() for line in self._screen.display]
        while lines and not lines[-1]:
            lines.pop()
        return tuple(lines)

    def status(self) -> int | None:
        """Give the exit status, None where the program still runs."""
        if not self._over:
            return None
        self._program.close()
        return (
            self._program.exitstatus
            if self._program.exitstatus is not None
            else 128 + (self._program.signalstatus or 0)
        )

    def close(self) -> None:
        """End what still runs."""
        self._program.close(force=True)

    def _hear(self, seconds: float) -> bool:
        seconds = max(0.0, min(seconds, self._deadline - time.monotonic()))
        try:
            self._stream.feed(self._program.read_nonblocking(_PIECE, timeout=seconds))
        except self._silence:
            return False
        except self._ended:
            self._over = True
            return False
        return True

    def _waits(self) -> bool:
        line = self._screen.display[self._screen.cursor.y][: self._screen.cursor.x]
        return bool(_PROMPT.search(line))
