"""The packages of Debian 12 from a Debian mirror, unpacked far enough for dpkg to run.

``recipes/debian/Dockerfile`` does the rest.
"""

import os
import shlex
import subprocess
import tarfile
from pathlib import Path

from dockerlab.engine import apt_errors
from dockerlab.engine.apt import Apt
from dockerlab.engine.bare_apt import BareApt, run, stanzas
from dockerlab.engine.progress import Progress, silent
from dockerlab.engine.sources import Source, configured_sources, host_distribution, host_source
from dockerlab.errors import HubError
from dockerlab.language import _

MIRROR_VARIABLE = "DOCKERLAB_DEBIAN_MIRROR"
"""A Debian mirror's URL, for machines whose own apt has none."""

SUITE = "bookworm"
_KEYRING = "usr/share/keyrings/debian-archive-keyring.gpg"
_WANTED = ("?essential", "?priority(required)", "apt", "usr-is-merged")
_MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_LEFT_OUT = ("usr/share/doc/", "usr/share/man/", "usr/share/info/", "usr/share/locale/")


def image_sources(folder: Path) -> tuple[Source, ...]:
    """Find where Debian 12's packages come from: the host's own mirror, or a named one.

    Parameters
    ----------
    folder : Path
        Where a keyring may be kept that the host does not have.

    Raises
    ------
    HubError
        The host is no Debian and no mirror is named, or the mirror is none that a container
        can reach.
    """
    if mirror := os.environ.get(MIRROR_VARIABLE):
        sources = [Source(mirror, SUITE, ("main",), str(_fetch_keyring(folder)))]
    else:
        distribution, own = host_distribution()
        if distribution != "debian":
            raise HubError(
                _("This machine's apt has no mirror of Debian to build the course's images from."),
                _("Set {variable} to one's URL, or load a bundle.").format(
                    variable=MIRROR_VARIABLE
                ),
            )
        main = host_source()
        sources = [
            main,
            *(s for s in configured_sources() if s.suite == f"{own}-updates" and s.uri == main.uri),
            *(s for s in configured_sources() if s.suite == f"{own}-security"),
        ]
        sources = [
            Source(source.uri, SUITE + source.suite.removeprefix(own), ("main",), source.signed_by)
            for source in sources
        ]
    usable = tuple(source for source in sources if source.uri.startswith(("http://", "https://")))
    if not any(source.suite == SUITE for source in usable):
        raise HubError(
            _("This machine's package mirror is none that a container can reach."),
            _("Set {variable} to an http mirror of Debian, or load a bundle.").format(
                variable=MIRROR_VARIABLE
            ),
        )
    return usable


def prepare(folder: Path, progress: Progress = silent) -> dict[str, Path]:
    """Fetch and unpack the packages of ``debian:12``.

    Parameters
    ----------
    folder : Path
        An empty folder to work in.
    progress : Progress, optional
        Told the bytes fetched.

    Returns
    -------
    dict of str to Path
        The files that the recipe wants beside its own, by their names there.

    Raises
    ------
    HubError, EngineError
        There is no mirror, it can't be reached, or the disk is full.
    """
    sources = image_sources(folder)
    wanted = [*_WANTED]
    if any(source.uri.startswith("https:") for source in sources):
        wanted.append("ca-certificates")
    apt = BareApt(folder / "apt", sources)
    packages = apt.fetch(wanted, _("Fetching the packages of debian:12"), progress)
    unpacked = folder / "unpacked.tar"
    _unpack(packages, unpacked, progress)
    listing = folder / "debian.sources"
    listing.write_text(stanzas(sources, f"/{_KEYRING}"), encoding="utf-8")
    return {
        "unpacked.tar": unpacked,
        "debian.sources": listing,
        **{f"packages/{package.name}": package for package in packages},
    }


def proxy_arguments() -> dict[str, str]:
    """Give the proxies of the host's apt as build arguments, for a ``RUN apt-get …``."""
    found = {}
    for scheme in ("http", "https"):
        answer = run("apt-config", "shell", "proxy", f"Acquire::{scheme}::Proxy")
        value = "".join(shlex.split(answer.stdout)).removeprefix("proxy=")
        value = value or os.environ.get(f"{scheme}_proxy", "")
        if value and value != "DIRECT":
            found[f"{scheme}_proxy"] = value
    return found


def _unpack(packages: list[Path], target: Path, progress: Progress) -> None:
    """Unpack ``packages`` one over the other into a tar archive, as a merged-/usr system.

    Owners and modes stay what the packages say, which unpacking on disk would need root for.
    """
    total = sum(package.stat().st_size for package in packages)
    label = _("Unpacking the packages of debian:12")
    done = 0
    with tarfile.open(target, "w") as archive:
        merged: set[str] = set()
        for package in packages:
            command = ["dpkg-deb", "--fsys-tarfile", str(package)]
            with subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            ) as job:
                try:
                    with tarfile.open(fileobj=job.stdout, mode="r|") as content:
                        _add(archive, content, merged)
                except tarfile.TarError as error:
                    raise apt_errors.damaged(package.name) from error
            if job.returncode:
                raise apt_errors.damaged(package.name)
            done += package.stat().st_size
            progress(label, done, total)


def _add(archive: tarfile.TarFile, content: tarfile.TarFile, merged: set[str]) -> None:
    """Add a package's files to ``archive``, those of ``/bin`` and the like under ``/usr``."""
    for member in content:
        member.name = _in_usr(member.name)
        if member.islnk():
            member.linkname = _in_usr(member.linkname)
        if not member.name or member.name.startswith(_LEFT_OUT):
            continue
        usr, _slash, rest = member.name.partition("/")
        top = rest.partition("/")[0]
        if usr == "usr" and top in _MERGED:
            _merge(archive, top, merged)
            if rest == top:
                continue
        archive.addfile(member, content.extractfile(member) if member.isreg() else None)


def _merge(archive: tarfile.TarFile, name: str, merged: set[str]) -> None:
    """Make ``/bin`` a link to ``/usr/bin``, before the first file in either."""
    if name in merged:
        return
    merged.add(name)
    folder = tarfile.TarInfo(f"usr/{name}")
    folder.type, folder.mode = tarfile.DIRTYPE, 0o755
    link = tarfile.TarInfo(name)
    link.type, link.linkname = tarfile.SYMTYPE, f"usr/{name}"
    archive.addfile(folder)
    archive.addfile(link)


def _in_usr(name: str) -> str:
    path = name.removeprefix("./").strip("/")
    if path == ".":
        return ""
    return f"usr/{path}" if path.partition("/")[0] in _MERGED else path


def _fetch_keyring(folder: Path) -> Path:
    """Take Debian's keys from the package that Debian and Ubuntu both have."""
    _distribution, own = host_distribution()
    apt = Apt(folder / "keyring", (own,))
    apt.update()
    (package,) = apt.resolve(["debian-archive-keyring"])
    apt.fetch([package], folder)
    done = run("dpkg-deb", "-x", str(folder / package.file), str(folder / "keyring/files"))
    if done.returncode:
        raise apt_errors.damaged(package.file)
    return folder / "keyring/files" / _KEYRING
