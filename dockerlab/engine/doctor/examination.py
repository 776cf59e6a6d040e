"""The whole examination: every look at once, each for a bounded time."""

import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from dockerlab.engine.bounded import within
from dockerlab.engine.doctor import engines, machine, ways
from dockerlab.engine.doctor.finding import Finding, problem
from dockerlab.engine.find import require_choice, usual
from dockerlab.engine.places import Places
from dockerlab.errors import LabError
from dockerlab.language import _

_LOOK_SECONDS = 25.0

Look = Callable[[], Iterable[Finding]]


def examine(
    places: Places, choice: str | None = None, port: int | None = None
) -> tuple[Finding, ...]:
    """Look at everything the course needs; nothing is changed and nothing is started.

    Parameters
    ----------
    places : Places
        Where everything lives.
    choice : str, optional
        The engine in question, as `find` takes it; by default the one that would be used.
    port : int, optional
        The port JupyterLab is to have.

    Returns
    -------
    tuple of Finding
        In an order that stays; a look may have several findings.

    Raises
    ------
    UsageError
        ``choice`` is no engine.
    """
    choice = choice or usual()
    require_choice(choice)
    looks: dict[str, Look] = {}
    if choice == "embedded":
        looks |= {
            "system": machine.system,
            "folders": partial(machine.folders, places),
            "disk": partial(machine.disk, places),
            "permissions": partial(machine.permissions, places),
            "mirror": partial(ways.mirror, places),
            "hub-port": partial(ways.hub_port, places),
        }
    looks |= {
        "engine": partial(engines.chosen, places, choice),
        "other-engines": partial(engines.others, choice),
        "environment": partial(engines.environment, places, choice),
        "port": partial(ways.port, port),
        "proxy": ways.proxies,
    }
    if choice == "embedded" and sys.platform != "linux":
        looks = {"system": machine.system, "port": looks["port"], "proxy": looks["proxy"]}
    with ThreadPoolExecutor(len(looks)) as pool:
        found = pool.map(_bounded, looks.keys(), looks.values())
        return tuple(finding for findings in found for finding in findings)


def _bounded(name: str, look: Look) -> list[Finding]:
    try:
        return within(_LOOK_SECONDS, lambda: list(look()))
    except TimeoutError:
        what = _("Looking at this took longer than {seconds:.0f} s.").format(seconds=_LOOK_SECONDS)
        return [Finding(name, "problem", what, _("See what keeps this machine so busy."))]
    except LabError as error:
        return [problem(name, error)]
    except OSError as error:
        what = _("This can't be looked at: {cause}.").format(cause=error)
        return [Finding(name, "warning", what)]
