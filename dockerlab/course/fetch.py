"""What a browser would get from a container's published port."""

import time
from urllib.parse import urlsplit

import requests

from dockerlab.course.bench import present
from dockerlab.errors import LabError
from dockerlab.language import _

_PAUSE = 0.1  # seconds between two tries


def fetch(port: int, path: str = "/", *, timeout: float = 20.0) -> str:
    """Get a page from a port that a container publishes, waiting until its program is ready.

    Parameters
    ----------
    port : int
        The published port, on the machine where the engine is.
    path : str
        The page.
    timeout : float
        Seconds to wait for the first answer.

    Returns
    -------
    str
        The answer's text, whatever its status.

    Raises
    ------
    LabError
        Nothing answers there.
    """
    host = urlsplit(present().engine.host).hostname or "127.0.0.1"
    until = time.monotonic() + timeout
    while True:
        try:
            return requests.get(f"http://{host}:{port}{path}", timeout=timeout).text
        except requests.RequestException as error:
            if time.monotonic() > until:
                raise LabError(
                    _("Nothing answers on port {port}.").format(port=port),
                    _("Look whether its container runs: docker ps -a, then docker logs NAME."),
                ) from error
            time.sleep(_PAUSE)
