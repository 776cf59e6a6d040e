"""The ways in and out: ports, proxies, and the package mirror."""

import json
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

import psutil
import requests

from dockerlab.engine.doctor.finding import Finding
from dockerlab.engine.places import Places
from dockerlab.engine.sources import host_source
from dockerlab.language import _

_CONNECT_SECONDS = 4
_JUPYTER_PORT = 8888
_VARIABLES = ("http_proxy", "https_proxy", "all_proxy")
_APT_PROXY = re.compile(r"Acquire::(https?)::Proxy=(.+)")
_PROXY_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080, "socks4": 1080}


def port(wanted: int | None) -> Iterator[Finding]:
    """Look whether the port JupyterLab is to have is free."""
    name = "port"
    if wanted is not None and (holder := _holder(wanted)):
        yield Finding(
            name,
            "problem",
            _("Port {port} is in use by {program}.").format(port=wanted, program=holder),
            _("Choose another --port, or leave it out for the first free one."),
        )
    elif wanted is not None:
        yield Finding(name, "ok", _("Port {port} is free.").format(port=wanted))
    elif holder := _holder(_JUPYTER_PORT):
        yield Finding(
            name,
            "ok",
            _("Port {port} is in use by {program}; JupyterLab takes the next free one.").format(
                port=_JUPYTER_PORT, program=holder
            ),
        )
    else:
        yield Finding(name, "ok", _("Port {port} is free.").format(port=_JUPYTER_PORT))


def hub_port(places: Places) -> Iterator[Finding]:
    """Look whether the port the hub had last time is free, or its own."""
    hub = _remembered_hub_port(places)
    if hub and (holder := _holder(hub, str(places.run))):
        yield Finding(
            "hub-port",
            "warning",
            _("The hub's port {port} is in use by {program}; it will take another.").format(
                port=hub, program=holder
            ),
            _("End that program to keep the hub's address."),
        )


def proxies() -> Iterator[Finding]:
    """Look whether every proxy that is set answers, and leaves this machine's own ports alone."""
    name = "proxy"
    found = {**_from_environment(), **_from_apt()}
    dead = [(where, address) for where, address in found.items() if not _reachable(address)]
    for where, address in dead:
        yield Finding(
            name,
            "problem",
            _("The proxy {address}, which {where} names, does not answer.").format(
                address=_shown(address), where=where
            ),
            _("Mend its address, or take it out of {where}.").format(where=where),
        )
    if not _from_environment():
        if not dead:
            yield Finding(name, "ok", _("No proxy stands in the way."))
    elif not requests.utils.should_bypass_proxies("http://127.0.0.1/", None):
        yield Finding(
            name,
            "warning",
            _("A proxy is set, and NO_PROXY does not keep 127.0.0.1 from it."),
            _("export NO_PROXY=localhost,127.0.0.1 no_proxy=localhost,127.0.0.1"),
        )
    elif not dead:
        yield Finding(name, "ok", _("A proxy is set, and leaves 127.0.0.1 alone."))


def mirror(places: Places) -> Iterator[Finding]:
    """Look whether the package mirror answers, as apt would ask it."""
    source = host_source()
    host = _shown(urlsplit(source.uri))
    if not source.uri.startswith(("http://", "https://")):
        yield Finding("mirror", "ok", _("Packages come from {mirror}.").format(mirror=host))
        return
    from_apt = {where.split("::")[1]: url.geturl() for where, url in _from_apt().items()}
    try:
        answer = requests.head(
            f"{source.uri.rstrip('/')}/dists/{source.suite}/InRelease",
            proxies=from_apt or None, timeout=_CONNECT_SECONDS, allow_redirects=True,
        )  # fmt: skip
        cause = "" if answer.ok else _("it answers with status {s}").format(s=answer.status_code)
    except (requests.RequestException, ValueError) as error:
        cause = _named(error)
    if not cause:
        what = _("The package mirror {mirror} answers.").format(mirror=host)
        yield Finding("mirror", "ok", what)
        return
    brought = bool(list(places.engines.glob("*/usr")))
    yield Finding(
        "mirror",
        "warning" if brought else "problem",
        _("The package mirror {mirror} can't be used: {cause}.").format(mirror=host, cause=cause),
        _("Without it the engine that is here still runs.")
        if brought
        else _("Connect to a network, or mend the sources or the proxy of apt in /etc/apt."),
    )


def _from_environment() -> dict[str, SplitResult]:
    named = {name: os.environ.get(name) for v in _VARIABLES for name in (v, v.upper())}
    return {name: _proxy(value) for name, value in named.items() if value}


def _from_apt() -> dict[str, SplitResult]:
    try:
        dump = subprocess.run(
            ["apt-config", "dump", "--format", "%f=%v%n"],
            capture_output=True, text=True, check=False, timeout=_CONNECT_SECONDS,
        ).stdout  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return {}
    settings = (_APT_PROXY.fullmatch(line) for line in dump.splitlines())
    return {
        f"Acquire::{setting[1]}::Proxy": _proxy(setting[2])
        for setting in settings
        if setting and setting[2] != "DIRECT"
    }


def _proxy(value: str) -> SplitResult:
    return urlsplit(value if "://" in value else f"http://{value}")


def _reachable(address: SplitResult) -> bool:
    try:
        port = address.port or _PROXY_PORTS.get(address.scheme, 80)
        socket.create_connection((address.hostname or "", port), _CONNECT_SECONDS).close()
    except (OSError, ValueError):
        return False
    return True


def _shown(address: SplitResult) -> str:
    """Give an address without the name and password it may carry."""
    place = address.netloc.rpartition("@")[2]
    return f"{address.scheme}://{place}" if place else f"{address.scheme}:{address.path}"


def _holder(port: int, marker: str | None = None) -> str | None:
    """Name the program that listens on a port; None if none does, or one of ``marker`` does."""
    with socket.socket() as trial:
        trial.settimeout(_CONNECT_SECONDS)
        if trial.connect_ex(("127.0.0.1", port)) != 0:
            return None
    try:
        connections = psutil.net_connections("tcp")
        pids = [c.pid for c in connections if c.laddr and c.laddr.port == port and c.pid]
        owner = psutil.Process(pids[0]) if pids else None
        if owner and marker and any(marker in word for word in owner.cmdline()):
            return None
        return f"{owner.name()} ({owner.pid})" if owner else _("another program")
    except psutil.Error:
        return _("another program")


def _remembered_hub_port(places: Places) -> int | None:
    try:
        return int(json.loads((places.home / "hub.json").read_text())["port"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _named(error: Exception) -> str:
    """Give the innermost cause, which is what a reader can use."""
    text = str(error)
    for cause in ("Name or service not known", "Temporary failure in name resolution",
                  "Connection refused", "Network is unreachable", "No route to host"):  # fmt: skip
        if cause in text:
            return cause
    if isinstance(error, requests.exceptions.ProxyError):
        return _("its proxy does not answer")
    if isinstance(error, requests.Timeout):
        return _("it does not answer within {seconds} s").format(seconds=_CONNECT_SECONDS)
    return re.sub(r"//[^@/\s]*@", "//", " ".join(text.split()))[:120]
