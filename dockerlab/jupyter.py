"""JupyterLab as the course opens it: on loopback, with its token, and a profile of its own."""

import contextlib
import html
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from dockerlab.engine import records
from dockerlab.errors import LabError

FIRST_NOTEBOOK = "notebooks/00-welcome.ipynb"
_CONFIGURATION = "jupyter.json"
_USUAL_PORT = 8888
_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_SETTINGS: dict[str, dict[str, object]] = {
    "LabApp": {
        "check_for_updates_class": "jupyterlab.handlers.announcements.NeverCheckForUpdate",
        "custom_css": True,
    },
}
_STARTUP = """\
def tell(*arguments, **named):
    from dockerlab.course.mishaps import tell

    tell(*arguments, **named)


get_ipython().set_custom_exc((Exception,), tell)
del tell
"""
_PROFILE = {
    # a cell that runs before its notebook's first one is told so in a sentence
    "ipython/profile_default/startup/00-mishaps.py": _STARTUP,
    # JupyterLab shows a picture at its full width, however narrow the window is
    "config/custom/custom.css": ".jp-RenderedSVG img { max-width: 100%; height: auto; }\n",
    # no question about news over the corner of the first notebook
    "settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings": (
        '{"fetchNews": "false", "checkForUpdates": false}\n'
    ),
}


@dataclass(frozen=True)
class Server:
    """A running JupyterLab.

    Parameters
    ----------
    pid : int
        Its process.
    url : str
        Where the first notebook opens, token included.
    orphaned : bool
        Whether the command that started it is gone.
    """

    pid: int
    url: str
    orphaned: bool


class Jupyter:
    """JupyterLab over ``project``, with settings, workspaces and log under ``home``.

    Parameters
    ----------
    project : Path
        The folder JupyterLab shows.
    home : Path
        Where its profile is kept, apart from the user's own Jupyter.
    """

    def __init__(self, project: Path, home: Path) -> None:
        self.project = project
        self.home = home
        self.log = home / "jupyter.log"

    def running(self) -> Server | None:
        """Find a server that was started here and still answers."""
        for file in (self.home / "runtime").glob("jpserver-*.json"):
            match records.read(file):
                case {"pid": int(pid), "port": int(port), "url": str(base), "token": str(token)}:
                    here = ("http://127.0.0.1:", "http://localhost:")
                    ours = base.startswith(here) and 0 < port < 2**16 and 0 < pid < 2**31
                    if ours and psutil.pid_exists(pid) and _listens(port):
                        url = f"{base}lab/tree/{FIRST_NOTEBOOK}?token={token}"
                        return Server(pid, url, _orphaned(pid))
        return None

    def opening_page(self, server: Server) -> Path:
        """Write the page that leads a browser to the server; only this user can read it.

        A browser's command line is there for every user of the machine to read, so the token
        must not be on it.
        """
        page = self.home / "open.html"
        page.unlink(missing_ok=True)
        handle = os.open(page, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            address = html.escape(server.url)
            file.write(
                '<!DOCTYPE html><meta charset="utf-8"><title>dockerlab</title>'
                f'<meta http-equiv="refresh" content="0; url={address}">'
                f'<a href="{address}">JupyterLab</a>'
            )
        return page

    def end_orphans(self) -> None:
        """End servers whose command was killed, also one that does not answer yet."""
        marker = f"--config={self.home / _CONFIGURATION}"
        orphans = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if marker in process.cmdline() and _orphaned(process.pid):
                    process.terminate()
                    orphans.append(process)
        _, alive = psutil.wait_procs(orphans, timeout=_STOP_SECONDS)
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def require_port(self, port: int | None) -> None:
        """Refuse a port that is in use.

        Raises
        ------
        LabError
            Something listens there.
        """
        if port is not None and _listens(port):
            raise LabError(
                f"Port {port} is in use by another program.",
                "Leave --port out for the first free one, or choose another.",
            )

    def start(self, port: int | None, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start JupyterLab; it answers a little later (`wait`).

        Parameters
        ----------
        port : int, optional
            The port it must have; by default the first free one from 8888.
        environment : mapping of str to str
            Variables for the server and its kernels, beside this process's own.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        for stale in (self.home / "runtime").glob("jpserver-*"):
            stale.unlink()
        configuration = self.home / _CONFIGURATION
        configuration.write_text(json.dumps(_SETTINGS))
        for name, content in _PROFILE.items():
            file = self.home / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        profile = {
            "JUPYTER_RUNTIME_DIR": self.home / "runtime",
            "JUPYTER_CONFIG_DIR": self.home / "config",
            "JUPYTER_DATA_DIR": self.home / "data",
            "JUPYTERLAB_SETTINGS_DIR": self.home / "settings",
            "JUPYTERLAB_WORKSPACES_DIR": self.home / "workspaces",
            "IPYTHONDIR": self.home / "ipython",
        }
        command = [
            sys.executable, "-m", "jupyterlab", "--no-browser", f"--config={configuration}",
            "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port or _USUAL_PORT}",
            f"--ServerApp.port_retries={0 if port else 50}", "--ServerApp.open_browser=False",
            f"--ServerApp.root_dir={self.project}",
        ]  # fmt: skip
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--ServerApp.allow_root=True")
        with self.log.open("wb") as log:
            return subprocess.Popen(
                command, cwd=self.project, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **environment, **{k: str(v) for k, v in profile.items()}},
                start_new_session=True,  # a Ctrl-C is answered here, once
            )  # fmt: skip

    def wait(self, job: "subprocess.Popen[bytes]") -> Server:
        """Wait until the server answers.

        Raises
        ------
        LabError
            It ended or stayed silent; the message quotes its log.
        """
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until and job.poll() is None:
            if server := self.running():
                return server
            time.sleep(0.05)
        said = self.log.read_text(errors="replace").split("\n")
        last = next((line for line in reversed(said) if line.strip()), "it said nothing")
        raise LabError(f"JupyterLab did not start: {last[:300]}", f"Its log is {self.log}.")

    def stop(self, job: "subprocess.Popen[bytes]") -> None:
        """End the server and its kernels."""
        family = [psutil.Process(job.pid)] if job.poll() is None else []
        with contextlib.suppress(psutil.NoSuchProcess):
            family += [child for parent in family for child in parent.children(recursive=True)]
        if job.poll() is None:
            job.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                job.wait(_STOP_SECONDS)
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def _listens(port: int) -> bool:
    with contextlib.closing(socket.socket()) as trial:
        trial.settimeout(1)
        return trial.connect_ex(("127.0.0.1", port)) == 0


def _orphaned(pid: int) -> bool:
    try:
        parent = psutil.Process(pid).parent()
        return parent is None or "dockerlab" not in " ".join(parent.cmdline())
    except psutil.Error:
        return True
