"""The engine's own packages in a bundle: what a machine without any package mirror lacks.

A bundle carries the lists that the distribution signed, as a mirror has them. The loading
machine's own apt verifies them with its own keys, and they say what each package must be.
"""

import bz2
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from dockerlab.engine import programs
from dockerlab.engine.apt import Apt, Package, architecture, save_packages
from dockerlab.engine.bundle import ENGINE
from dockerlab.engine.disk import file_error, require_space
from dockerlab.engine.locking import locked
from dockerlab.engine.members import Part
from dockerlab.engine.places import Places
from dockerlab.engine.programs import PACKAGES
from dockerlab.engine.progress import Progress, silent
from dockerlab.errors import EngineError, HubError, LabError
from dockerlab.language import _

_SIGNED = ("InRelease", "Release", "Release.gpg")
_LIST_LIMIT = 2**29  # bytes of one list unpacked; Debian's largest has 56 MB
_CHUNK = 2**20
_CAT = "/usr/lib/apt/apt-helper"


@dataclass(frozen=True)
class Verified:
    """Packages of a bundle that are what their distribution signed.

    Parameters
    ----------
    packages : tuple of Package
        The packages.
    dated : datetime or None
        When the newest list of them was signed.
    expired : bool
        Whether a list says of itself that it is too old to be relied on.
    """

    packages: tuple[Package, ...]
    dated: datetime | None
    expired: bool


def parts(places: Places, suite: str, work: Path, progress: Progress = silent) -> list[Part]:
    """Give what a bundle must hold for the suite's engine.

    Parameters
    ----------
    places : Places
        Where the packages and apt's lists are; what is missing is fetched.
    suite : str
        Whose engine.
    work : Path
        A folder for files that are wanted until the bundle is written.
    progress : Progress, optional
        Told the steps.

    Raises
    ------
    HubError, EngineError
        The packages can't be had, or not verified.
    """
    programs.provide(places, suite, progress)
    try:
        return _parts(places, suite, work / "first", progress)
    except LabError:
        # lists that are gone, or newer than the packages
        programs.provide(places, suite, progress, again=True)
        return _parts(places, suite, work / "second", progress)


def verify(suite: str, folder: Path, progress: Progress = silent) -> Verified | None:
    """Let this machine's apt, with this machine's keys, verify unpacked packages.

    Parameters
    ----------
    suite : str
        Whose engine is wanted.
    folder : Path
        An unpacked bundle; it is worked in.
    progress : Progress, optional
        Told the steps.

    Returns
    -------
    Verified or None
        The packages; None where the bundle has none of the suite.

    Raises
    ------
    HubError, EngineError
        They are not what their distribution signed for this machine, or lack something.
    """
    own = folder / ENGINE / suite
    if not own.is_dir():
        return None
    progress(_("Verifying the packages"), 0, None)
    for packed in own.glob("dists/*/*/*/Packages.bz2"):
        _unpack_list(packed)
    work = folder / "apt"
    apt = Apt(work, [suite], copied=own.resolve())
    apt.update()
    packages = programs.resolve(apt, suite)
    for package in packages:
        if not package.intact(own):
            raise HubError(
                _("The bundle's {name} is not the package that its distribution signed.").format(
                    name=package.name
                ),
                _("Use a bundle from somebody you trust."),
            )
    if extra := {file.name for file in own.glob("*.deb")} - {each.file for each in packages}:
        raise HubError(
            _("The bundle brings {name}, which is no part of the engine.").format(name=min(extra)),
            _("Use a bundle from somebody you trust."),
        )
    return Verified(packages, *_dates(work / "lists"))


def install(places: Places, suite: str, folder: Path, verified: Verified) -> None:
    """Put verified packages, and the lists that vouch for them, where the engine is brought from.

    The list of packages is exchanged last: whatever is killed before it leaves the old packages
    in force, and what it left is removed by the next.

    Raises
    ------
    HubError
        The disk refuses.
    """
    target = places.packages / suite
    try:
        with locked(places.cache_lock):
            (target / "files").mkdir(parents=True, exist_ok=True)
            for package in verified.packages:
                (folder / ENGINE / suite / package.file).replace(target / "files" / package.file)
            save_packages(verified.packages, target / PACKAGES)
            wanted = {package.file for package in verified.packages}
            for file in (target / "files").iterdir():
                if file.name not in wanted:
                    file.unlink()
            shutil.rmtree(target / "lists", ignore_errors=True)
            (folder / "apt/lists").rename(target / "lists")
    except OSError as error:
        raise file_error(error, target) from error


def _parts(places: Places, suite: str, work: Path, progress: Progress) -> list[Part]:
    """Lay out a mirror of the packages, verify it as the loading machine will, and pack it."""
    source, own = places.packages / suite, work / ENGINE / suite
    progress(_("Packing the package lists"), 0, None)
    for name in Apt(work, [suite]).suites:
        _lay_out(source / "lists", name, own / "dists" / name)
    for package in programs.provide(places, suite):
        (own / package.file).symlink_to((source / "files" / package.file).resolve())
    verify(suite, work, progress)
    for plain in own.glob("dists/*/*/*/Packages"):
        _pack_list(plain)
    shutil.rmtree(work / "apt")
    return [
        Part.of_file(str(file.relative_to(work)), file)
        for file in sorted(own.rglob("*"))
        if file.is_file()
    ]


def _lay_out(lists: Path, suite: str, into: Path) -> None:
    """Copy a suite's lists out of apt's folder, under the names that they have on a mirror."""
    newest = max(
        (file for name in _SIGNED[:2] for file in lists.glob(f"*_dists_{suite}_{name}")),
        key=lambda file: file.stat().st_ctime,
        default=None,
    )
    if newest is None:
        raise EngineError(_("apt's lists of {suite} are missing.").format(suite=suite))
    into.mkdir(parents=True)
    beginning = newest.name.rpartition("_")[0]
    for name in _SIGNED:
        with suppress(FileNotFoundError):
            shutil.copyfile(lists / f"{beginning}_{name}", into / name)
    named = re.compile(
        re.escape(beginning) + rf"_([a-z][a-z0-9-]*)_(binary-{architecture()})_Packages(\.\w+)?"
    )
    for file in lists.iterdir():
        if found := named.fullmatch(file.name):
            plain = into / found[1] / found[2] / "Packages"
            plain.parent.mkdir(parents=True)
            with plain.open("wb") as output:
                subprocess.run([_CAT, "cat-file", file], stdout=output, check=False)


def _pack_list(plain: Path) -> None:
    packer = bz2.BZ2Compressor()
    with plain.open("rb") as source, plain.with_name("Packages.bz2").open("wb") as target:
        while chunk := source.read(_CHUNK):
            target.write(packer.compress(chunk))
        target.write(packer.flush())
    plain.unlink()


def _unpack_list(packed: Path) -> None:
    """Unpack a list, to no more bytes than the release says that it has."""
    plain = packed.with_name("Packages")
    expected = _expected_size(packed)
    require_space(packed.parent, expected * 2)  # apt keeps a copy of its own
    unpacker, size = bz2.BZ2Decompressor(), 0
    try:
        with packed.open("rb") as source, plain.open("wb") as target:
            while not unpacker.eof and size <= expected:
                fresh = source.read(_CHUNK) if unpacker.needs_input else b""
                if unpacker.needs_input and not fresh:
                    break
                chunk = unpacker.decompress(fresh, _CHUNK)
                size += len(chunk)
                target.write(chunk)
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise _bad_list() from error
    if size != expected or not unpacker.eof or unpacker.unused_data:
        raise _bad_list()


def _expected_size(packed: Path) -> int:
    """Read how large a list is; what is read here is verified by apt afterwards."""
    suite = packed.parents[2]
    name = re.escape(f"{packed.parent.relative_to(suite)}/Packages")
    listed = re.compile(rf"^ [0-9a-f]{{64}} +(\d{{1,9}}) {name}$", re.MULTILINE)
    for signed in _SIGNED[:2]:
        with suppress(FileNotFoundError):
            if found := listed.search(_text(suite / signed)):
                if int(found[1]) > _LIST_LIMIT:
                    break
                return int(found[1])
    raise _bad_list()


def _bad_list() -> HubError:
    return HubError(
        _("The bundle's lists of packages are not those that their distribution signed."),
        _("Use a bundle from somebody you trust."),
    )


def _dates(lists: Path) -> tuple[datetime | None, bool]:
    """Tell when the newest of verified lists was signed, and whether one is too old."""
    files = [file for name in _SIGNED[:2] for file in lists.glob(f"*_{name}")]
    dated = [date for file in files for date in _field(file, "Date")]
    limits = [date for file in files for date in _field(file, "Valid-Until")]
    return max(dated, default=None), any(limit < datetime.now(UTC) for limit in limits)


def _field(file: Path, name: str) -> Iterator[datetime]:
    if found := re.search(rf"^{name}: (.+)$", _text(file), re.MULTILINE):
        with suppress(ValueError, TypeError):
            yield parsedate_to_datetime(found[1]).astimezone(UTC)


def _text(file: Path) -> str:
    with file.open("rb") as stream:
        return stream.read(2**23).decode("utf-8", "replace")
