"""The engine's own packages in a bundle: what a machine without any package mirror lacks."""

import re
import shutil
import tarfile
from pathlib import Path

from dockerlab.engine import programs
from dockerlab.engine.apt import Package, load_packages
from dockerlab.engine.disk import file_error
from dockerlab.engine.locking import locked
from dockerlab.engine.places import Places
from dockerlab.engine.programs import PACKAGES
from dockerlab.engine.progress import Progress, silent
from dockerlab.engine.sources import host_distribution
from dockerlab.errors import HubError
from dockerlab.language import _

MEMBER = re.compile(r"engine/([a-z0-9][a-z0-9-]*)/([A-Za-z0-9][\w.+~%:-]*)")
"""Name of such a file in a bundle: its suite and its own name."""

_LIST_LIMIT = 2**20


def pack(places: Places, suite: str, file: Path, progress: Progress = silent) -> None:
    """Append the packages of the suite's engine to the bundle ``file``.

    Raises
    ------
    EngineError
        They are not in the cache, and can't be fetched.
    HubError
        The file can't be written.
    """
    packages = programs.provide(places, suite, progress)
    folder = places.packages / suite
    label = _("Adding the engine")
    total, done = sum(package.size for package in packages), 0
    try:
        with tarfile.open(file, "a") as archive:
            archive.add(folder / PACKAGES, f"engine/{suite}/{PACKAGES}")
            for package in packages:
                archive.add(folder / "files" / package.file, f"engine/{suite}/{package.file}")
                done += package.size
                progress(label, done, total)
    except OSError as error:
        raise file_error(error, file) from error


def unpack(places: Places, suite: str, file: Path, progress: Progress = silent) -> bool:
    """Put a bundle's packages where the engine is brought from; tell whether it has any.

    Every package is checked against the list that came with it. Whatever is wrong with the
    bundle, nothing of it stays.

    Raises
    ------
    HubError
        The packages are damaged, or made for another system.
    """
    target = places.packages / suite
    fresh = target.with_name(f"{suite}.new")
    try:
        with locked(places.cache_lock):
            shutil.rmtree(fresh, ignore_errors=True)
            (fresh / "files").mkdir(parents=True)
            if not _extract(file, suite, fresh, progress):
                return False
            _require_fitting(file, load_packages(fresh / PACKAGES) or (), fresh / "files")
            shutil.rmtree(target, ignore_errors=True)
            fresh.rename(target)
            return True
    except tarfile.TarError as error:
        raise _refusal(file, str(error)) from error
    except OSError as error:
        raise file_error(error, file) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _extract(file: Path, suite: str, fresh: Path, progress: Progress) -> bool:
    total = file.stat().st_size
    found = False
    with tarfile.open(file, "r:") as archive:
        for member in archive:
            progress(_("Reading the engine"), archive.offset, total)
            name = MEMBER.fullmatch(member.name)
            content = archive.extractfile(member) if member.isreg() else None
            if not name or name[1] != suite or content is None:
                continue
            found = True
            if name[2] == PACKAGES and member.size > _LIST_LIMIT:
                raise _refusal(file, _("its list of packages is too large"))
            place = fresh if name[2] == PACKAGES else fresh / "files"
            with (place / name[2]).open("wb") as output:
                shutil.copyfileobj(content, output)
    return found


def _require_fitting(file: Path, packages: tuple[Package, ...], folder: Path) -> None:
    own = host_distribution()[1]
    suites = {package.request.partition("/")[2] for package in packages if package.name == "runc"}
    if suites != {own}:
        raise HubError(
            _("{file} brings an engine for {theirs}; this machine is {own}.").format(
                file=file, theirs=" ".join(sorted(suites)) or _("no system"), own=own
            ),
            _("Make a bundle on a machine like this one."),
        )
    for package in packages:
        if not package.intact(folder):
            raise _refusal(file, _("{name} is damaged").format(name=package.name))


def _refusal(file: Path, cause: str) -> HubError:
    return HubError(
        _("{file} is no whole bundle: {cause}.").format(file=file, cause=cause),
        _("Copy it again, or make a new one: dockerlab hub bundle save FILE"),
    )
