"""What apt-get said when it failed, in one sentence with its mend."""

import re
from collections.abc import Callable
from pathlib import Path

from dockerlab.errors import EngineError, HubError, LabError, UsageError
from dockerlab.language import _

_NO_RELEASE = re.compile(
    r"repository '\S+ (\S+) Release' (?:does not have|no longer has) a Release file"
)
_NO_ENGINE = re.compile(r"(?:Release|Version) '(\S+)' for 'docker\.io' was not found")
_NO_PACKAGE = re.compile(
    r"Unable to locate package (\S+)|Can't find a source to download .* '(\S+)'"
)
_REFUSED = re.compile(r"\b(40[1357]|502|503|504) +[A-Z][A-Za-z ]+")
_OFFLINE = re.compile(
    r"Temporary failure|Could not resolve|Network is unreachable|[Uu]nable to connect|"
    r"Connection (?:refused|timed out|failed)|Could not connect|No route to host|"
    r"Something wicked happened|Cannot initiate the connection|connection timed out"
)


def explain(said: str, folder: Path, own_suite: str) -> LabError:
    """Name the cause of a failed apt-get.

    Parameters
    ----------
    said : str
        What it wrote to its standard error, in English.
    folder : Path
        Where it was to write.
    own_suite : str
        The host's suite, which its mirror must have.
    """
    lines = [line[3:] for line in said.splitlines() if line.startswith(("E: ", "W: "))]
    words = " ".join(dict.fromkeys(lines)) or said.strip() or _("apt-get failed without a word.")
    first = (lines or [words])[0][:200]
    for pattern, error in _CAUSES:
        if re.search(pattern, words):
            return error(first, folder)
    missing = set(_NO_RELEASE.findall(words))
    refused = "Failed to fetch" in words or _REFUSED.search(words)
    if missing and own_suite not in missing and not _REFUSED.search(words):
        return _no_suite(missing.pop())
    if found := _NO_ENGINE.search(words):
        return UsageError(
            _("The suite {suite!r} has no package of Docker Engine.").format(suite=found[1]),
            _("Choose another suite, or leave --suite out."),
        )
    return _unreachable(words, first, refused=bool(missing or refused))


def unverified(said: str) -> LabError:
    """Say why apt does not trust a copy of a mirror's lists that came with a file."""
    lines = [line[3:] for line in said.splitlines() if line.startswith(("E: ", "W: "))]
    cause = next(
        (line for line in lines if re.search(r"signature|GPG|[Mm]ismatch|Conflicting", line)),
        (lines or [_("apt-get failed without a word")])[0],
    )
    if "No space left" in said:
        return EngineError(
            _("The disk filled up while the packages were verified."),
            _("Make room, or set DOCKERLAB_CACHE to a folder on a larger disk."),
        )
    if "NO_PUBKEY" in said:
        remedy = _("If they are real, this machine's keys are old: install {keys}.").format(
            keys="debian-archive-keyring"
        )
    else:
        remedy = _("Use a bundle from somebody you trust.")
    return HubError(
        _("The bundle's packages can't be verified with this machine's keys: {cause}.").format(
            cause=re.sub(r"copy:\S+", "", cause)[:200].rstrip(".")
        ),
        remedy,
    )


def no_time(seconds: float) -> EngineError:
    """Say that apt-get made no progress and was ended."""
    return EngineError(
        _("The package mirror stayed silent for {seconds:.0f} s.").format(seconds=seconds),
        _("Check the network and any proxy ('dockerlab doctor'), then start again."),
    )


def damaged(file: str) -> EngineError:
    """Say that a download is not what the mirror's signed lists promise."""
    return EngineError(
        _("The download of {file} is corrupt.").format(file=file),
        _("Start again to fetch it anew; if it stays so, a proxy or the mirror is at fault."),
    )


def _no_suite(suite: str) -> UsageError:
    return UsageError(
        _("There is no suite {suite!r} at this machine's package mirror.").format(suite=suite),
        _("Leave --suite out, or name one the mirror has, such as trixie of Debian."),
    )


def _unreachable(words: str, first: str, *, refused: bool) -> LabError:
    cause = first.rstrip(".")
    if _OFFLINE.search(words):
        return EngineError(
            _("The package mirror can't be reached: {cause}.").format(cause=cause),
            _("Check the network and any proxy ('dockerlab doctor'), then start again."),
        )
    if refused:
        return EngineError(
            _("The package mirror, or a proxy before it, refuses: {cause}.").format(cause=cause),
            _("Check the proxy and the sources in /etc/apt ('dockerlab doctor')."),
        )
    if found := _NO_PACKAGE.search(words):
        return EngineError(
            _("The package mirror has no package {name!r}.").format(name=found[1] or found[2]),
            _("Check the sources in /etc/apt, or use '--engine current'."),
        )
    return EngineError(
        _("apt-get failed: {cause}.").format(cause=cause), _("See 'dockerlab doctor'.")
    )


def _full(_first: str, folder: Path) -> LabError:
    return EngineError(
        _("The disk filled up while packages were fetched into {folder}.").format(folder=folder),
        _("Make room, or set DOCKERLAB_CACHE to a folder on a larger disk."),
    )


def _locked(_first: str, folder: Path) -> LabError:
    return EngineError(
        _("Another program is fetching packages into {folder}.").format(folder=folder),
        _("Let it end, then start again."),
    )


def _mismatch(first: str, _folder: Path) -> LabError:
    return damaged(first.removeprefix("Failed to fetch ").split()[0])


def _untrusted(first: str, _folder: Path) -> LabError:
    return EngineError(
        _("The package mirror's signature is not trusted here: {cause}.").format(
            cause=first.rstrip(".")
        ),
        _("Bring the keys up to date: apt-get install debian-archive-keyring (or ubuntu-keyring)."),
    )


def _portal(_first: str, _folder: Path) -> LabError:
    return EngineError(
        _("The network answers with a page of its own instead of the package mirror."),
        _("Sign in to the network in a browser, or mend the proxy, then start again."),
    )


def _clock(first: str, _folder: Path) -> LabError:
    return EngineError(
        _("The package lists do not fit this machine's date: {cause}.").format(
            cause=first.rstrip(".")
        ),
        _("Set the clock right, or use a mirror that is up to date."),
    )


_CAUSES: tuple[tuple[str, Callable[[str, Path], LabError]], ...] = (
    (r"No space left on device|Disk quota exceeded", _full),
    (r"Could not get lock|Unable to lock", _locked),
    (r"Release file for \S+ is (?:not valid yet|expired)", _clock),
    (r"NOSPLIT|does the network require authentication", _portal),
    (r"NO_PUBKEY|signatures? (?:were|was|couldn't)", _untrusted),
    # what was refused is unsigned too
    (r"^(?!.*Failed to fetch).* is not signed", _untrusted),
    (r"[Hh]ash [Ss]um mismatch|has unexpected size|File is corrupted", _mismatch),
)
