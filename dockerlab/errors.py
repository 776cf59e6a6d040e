"""The few errors dockerlab raises: each says what was wrong and the mend, in one line."""

from typing import ClassVar


class LabError(Exception):
    """A job failed.

    Parameters
    ----------
    problem : str
        What was wrong, one sentence without a line break.
    mend : str
        What the reader can do about it, one sentence; may be empty where nothing helps.
    """

    exit_status: ClassVar[int] = 1

    def __init__(self, problem: str, mend: str = "") -> None:
        super().__init__(problem, mend)
        self.problem = problem
        self.mend = mend

    def __str__(self) -> str:
        return " ".join(part for part in (self.problem, self.mend) if part)

    def _render_traceback_(self) -> list[str]:
        """Show IPython one line instead of a traceback."""
        return [str(self)]


class UsageError(LabError):
    """What was asked for makes no sense: a wrong option, suite, chapter or address."""

    exit_status = 2


class EngineError(LabError):
    """No Docker Engine can be found, reached, brought or started."""


class HubError(LabError):
    """The local hub can't be started or filled."""


class RegistryError(LabError):
    """A registry can't be reached, can't be trusted, or refuses."""


class UnknownNameError(LabError):
    """No image, container or chapter has this name; the mend says which one was meant."""
