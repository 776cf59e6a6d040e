"""What this machine is, and the package sources its apt has, whether or not it fetched them."""

import platform
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path

from dockerlab.errors import EngineError
from dockerlab.language import _

# a source may follow a role instead of naming the suite that has it today
_ROLES = ("stable", "oldstable", "oldoldstable", "testing", "unstable", "devel")
_ONE_LINE = re.compile(
    r"deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<rest>.*)"
)


@dataclass(frozen=True)
class Source:
    """A package source of the host: where from, for which suite, signed by whom."""

    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str


def host_distribution() -> tuple[str, str]:
    """Name the host's distribution and suite, such as ``("debian", "bookworm")``.

    Raises
    ------
    EngineError
        The host is not Debian, Ubuntu or a derivative, or has no ``apt-get``.
    """
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    family = [release.get("ID", ""), *release.get("ID_LIKE", "").split()]
    if shutil.which("apt-get") is None or not {"debian", "ubuntu"} & set(family):
        raise EngineError(
            _("The embedded engine needs Debian or Ubuntu, with apt-get."),
            _("Install Docker your own way and use '--engine current'."),
        )
    if "ubuntu" in family:
        return "ubuntu", release.get("UBUNTU_CODENAME") or release.get("VERSION_CODENAME", "")
    return "debian", release.get("DEBIAN_CODENAME") or release.get("VERSION_CODENAME", "")


def host_source() -> Source:
    """Give the source of the host's own suite, with all its components.

    Raises
    ------
    EngineError
        No source of the host serves its suite.
    """
    distribution, own = host_distribution()
    sources = [source for source in configured_sources() if source.suite == own]
    sources = sources or [s for s in configured_sources() if s.suite in _ROLES]
    # a third party may name its suite alike; its address does not name the distribution
    sources.sort(key=lambda source: distribution not in source.uri)
    main = next((source for source in sources if "main" in source.components), None)
    if main is None:
        raise EngineError(
            _("apt on this machine has no source for its own suite {suite!r}.").format(suite=own),
            _("Check the sources in /etc/apt."),
        )
    components = dict.fromkeys(
        component
        for source in sources
        if (source.uri, source.signed_by) == (main.uri, main.signed_by)
        for component in source.components
    )
    return Source(main.uri, own, tuple(components), main.signed_by)


def configured_sources() -> tuple[Source, ...]:
    """List every enabled source of binary packages, one for each address and suite.

    Both forms of sources.list(5) are read. A list of mirrors in a local file stands for its
    first mirror.
    """
    names = ["list", "Dir::Etc::sourcelist/f", "parts", "Dir::Etc::sourceparts/d"]
    answer = subprocess.run(
        ["apt-config", "shell", *names], capture_output=True, text=True, check=False
    )
    places = dict(word.split("=", 1) for word in shlex.split(answer.stdout))
    files = [Path(places["list"])] if "list" in places else []
    if "parts" in places:
        files += sorted(Path(places["parts"]).glob("*"))
    return tuple(source for file in files for source in _read(file))


def _read(file: Path) -> Iterator[Source]:
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    if file.suffix == ".sources":
        plain = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
        for stanza in re.split(r"\n\s*\n", plain):
            yield from _stanza(stanza)
    elif file.suffix == ".list":
        for line in text.splitlines():
            if found := _ONE_LINE.fullmatch(line.partition("#")[0].strip()):
                signed_by = re.search(r"signed-by=(\S+)", found["options"] or "")
                yield Source(
                    _mirror(found["uri"]),
                    found["suite"],
                    tuple(found["rest"].split()),
                    signed_by[1] if signed_by else "",
                )


def _stanza(text: str) -> Iterator[Source]:
    fields = Parser().parsestr(text.strip() + "\n")
    words = {name.lower(): value.split() for name, value in fields.items()}
    if "deb" not in words.get("types", []) or words.get("enabled") == ["no"]:
        return
    signed_by = words.get("signed-by", [])
    # a key may be written into the stanza itself; only a file's name is of use elsewhere
    keyring = signed_by[0] if len(signed_by) == 1 else ""
    for uri in words.get("uris", []):
        for suite in words.get("suites", []):
            yield Source(_mirror(uri), suite, tuple(words.get("components", [])), keyring)


def _mirror(uri: str) -> str:
    """Take the first mirror where a source names a local file of them."""
    if not uri.startswith("mirror+file:"):
        return uri
    try:
        lines = Path("/" + uri.partition(":")[2].lstrip("/")).read_text().splitlines()
    except OSError:
        return uri
    return next((line.split()[0] for line in lines if line.startswith("http")), uri)
