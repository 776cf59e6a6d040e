"""The classic builder's report, read line by line while it arrives."""

import re
from collections import deque
from dataclasses import dataclass, field

from dockerlab.facts.building.buildkit import KEPT_LINES, size_in_words

_STEP = re.compile(r"(?:Step|STEP) (\d+)/(\d+) ?: (.*)")
_BETWEEN = re.compile(
    r" ---> |(?: ---> )?Remov(?:ed|ing) intermediate container |Successfully (?:built|tagged) "
)
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class ClassicStep:
    """One step while it is worked on; `seconds` is None as long as it has not ended."""

    text: str
    began: float
    seconds: float | None = None
    cached: bool = False
    output: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))


class ClassicReport:
    """Reads what the classic builder says, of the docker command or of the SDK's stream."""

    def __init__(self) -> None:
        self.steps: list[ClassicStep] = []
        self.sent: int | None = None
        self.count = 0

    def feed(self, seconds: float, line: str) -> None:
        """Take the next line and the time at which it came."""
        line = _COLOURS.sub("", line).rstrip()
        match = _STEP.fullmatch(line)
        # a program may print "Step 1/1 : …" too, but hardly the number that comes next
        if match and int(match[1][:6]) == len(self.steps) + 1:
            self.end(seconds)
            self.count = int(match[2][:6])
            self.steps.append(ClassicStep(match[3], seconds))
        elif line.startswith("Sending build context to Docker daemon") and not self.steps:
            self.sent = size_in_words(line)
        elif self.steps and line == " ---> Using cache":
            self.steps[-1].cached = True
        elif self.steps and line and not _BETWEEN.match(line):
            self.steps[-1].output.append(line)

    def end(self, seconds: float) -> None:
        """Say that the step at hand has ended."""
        if self.steps and self.steps[-1].seconds is None:
            self.steps[-1].seconds = seconds - self.steps[-1].began
