"""What goes wrong in a student's cell, told in a sentence with its mend instead of a traceback."""

import subprocess
from types import TracebackType

import docker
from IPython import get_ipython
from IPython.core.interactiveshell import InteractiveShell

from dockerlab.course.bench import absence, started
from dockerlab.errors import LabError
from dockerlab.facts import plain
from dockerlab.language import _

_LONGEST = 300  # characters of what an engine said


def explain_mishaps() -> None:
    """Have the notebook explain the usual mishaps; everything else keeps its traceback."""
    shell = get_ipython()
    if shell is not None:
        shell.set_custom_exc((Exception,), tell)


def tell(
    shell: InteractiveShell,
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType,
    tb_offset: int | None = None,
) -> None:
    """Show a mishap as IPython asks for it; to nbval and to "Run All" it stays an error."""
    words = explanation(error)
    if words:
        shell._showtraceback(kind, error, [words])
    else:
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)


def explanation(error: BaseException) -> str:
    """Say what was wrong and the mend; empty where a traceback says more.

    Asks the engine whether it is there (``GET /_ping``): a cell that runs without it fails in many
    ways, and that is the one cause.
    """
    if isinstance(error, LabError):
        return ""
    bench = started()
    if bench and (absent := absence(bench)):
        return absent
    if isinstance(error, NameError):
        return _unknown(error.name or str(error), begun=bench is not None)
    if isinstance(error, docker.errors.APIError):
        said = plain(str(error.explanation or error)).strip().rstrip(".")[:_LONGEST]
        return _("The engine refused: {said}. Read it as you would the docker command's.").format(
            said=said
        )
    if isinstance(error, subprocess.CalledProcessError):
        return _(
            "The last command of this cell failed with exit status {status}; what it said stands "
            "above. After a mend, run the cell again."
        ).format(status=error.returncode)
    return ""


def _unknown(name: str, *, begun: bool) -> str:
    words = (
        _(
            "There is no {name!r} yet. If a cell above makes it, run that one first (menu Run, Run "
            "All Above Selected Cell); otherwise look for a slip in the name."
        )
        if begun
        else _(
            "There is no {name!r} yet: nothing has run since this notebook's kernel started. Run "
            "its cells from the top, the one with lab.start first."
        )
    )
    return words.format(name=name)
