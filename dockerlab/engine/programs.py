"""The engine's programs: fetched from a suite's packages and unpacked, never installed."""

import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from dockerlab.engine import unpacked
from dockerlab.engine.apt import Apt, Package, load_packages, save_packages
from dockerlab.engine.disk import require_space
from dockerlab.engine.locking import locked
from dockerlab.engine.places import Places
from dockerlab.engine.progress import Progress, silent
from dockerlab.engine.sources import host_distribution
from dockerlab.errors import EngineError
from dockerlab.language import _

_FROM_SUITE = ("docker.io", "containerd", "tini")
_FROM_SUITE_WHERE_SPLIT = ("docker-cli", "docker-buildx")
# newer suites' builds of these want a newer C library than the host's
_FROM_HOST = (
    "runc", "iptables", "libip4tc2", "libip6tc2", "libxtables12", "libnftnl11",
    "libnetfilter-conntrack3", "libnfnetlink0", "busybox-static", "docker-registry",
    "rootlesskit", "slirp4netns",
)  # fmt: skip
_FROM_HOST_WHERE_NAMED = ("libmnl0", "libslirp0", "libseccomp2", "libglib2.0-0")
_UNPACKED_RATIO = 4.2  # measured: 92 MB of packages unpack to 370 MB
_FIRST_START = 700_000_000  # bytes, measured: lists and packages 280 MB, unpacked 370 MB
_DELETE_TRIES = 20
_DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL")
PACKAGES = "packages.json"
"""The list of a suite's packages, in the folder that holds them."""


@dataclass(frozen=True)
class Programs:
    """An unpacked engine.

    Parameters
    ----------
    root : Path
        The folder the packages were unpacked into.
    suite : str
        Where its docker.io came from.
    version : str
        docker.io's package version.
    """

    root: Path
    suite: str
    version: str

    def path(self, name: str) -> Path:
        """Find the program ``name``.

        Raises
        ------
        EngineError
            The packages brought no such program.
        """
        for folder in ("usr/sbin", "usr/bin", "bin", "sbin"):
            if (program := self.root / folder / name).exists():
                return program
        raise EngineError(
            _("The unpacked engine has no program {name!r}.").format(name=name),
            _("Run 'dockerlab engine repair'."),
        )

    @property
    def libraries(self) -> Path:
        """The folder of the unpacked shared libraries."""
        found = sorted((self.root / "usr/lib").glob("*/libxtables.so*"))
        return found[0].parent if found else self.root / "usr/lib"

    @property
    def buildx(self) -> Path | None:
        """The CLI's build plugin; None where the suite has none."""
        return next(
            iter(sorted((self.root / "usr").glob("lib*/docker/cli-plugins/docker-buildx"))), None
        )

    @property
    def rootless_script(self) -> Path:
        """Docker's own ``dockerd-rootless.sh``."""
        return self.root / "usr/share/docker.io/contrib/dockerd-rootless.sh"

    def environment(self, *leading: Path) -> dict[str, str]:
        """Give dockerd what it needs to find its programs and libraries, here first."""
        folders = [*leading, self.root / "usr/sbin", self.root / "usr/bin", self.root / "bin"]
        path = os.pathsep.join([*map(str, folders), os.environ.get("PATH", os.defpath)])
        # a client's settings must not reach the daemon it starts
        clean = {k: v for k, v in os.environ.items() if not k.startswith("DOCKER_")}
        return clean | {
            "PATH": path,
            "LD_LIBRARY_PATH": str(self.libraries),
            "XTABLES_LIBDIR": str(self.libraries / "xtables"),
        }


def default_suite() -> str:
    """Name the suite whose engine is taken unless another is asked for."""
    distribution, own = host_distribution()
    return "trixie" if distribution == "debian" else own


def bring(places: Places, suite: str, progress: Progress = silent) -> Programs:
    """Make sure that the suite's engine is unpacked in the cache, and whole.

    An intact one needs no network. A broken one is unpacked again; a package that is
    missing or corrupt is fetched again.

    Raises
    ------
    UsageError
        There is no such suite.
    EngineError
        No network, no room, or a package that stays corrupt.
    """
    if whole := _unpacked(places, suite):
        return whole
    with locked(places.cache_lock):
        # another instance may have brought it meanwhile
        return _unpacked(places, suite) or _bring(places, suite, progress)


def _unpacked(places: Places, suite: str) -> Programs | None:
    root = places.engines / suite
    packages = _known(places.packages / suite / PACKAGES) or _known(root / PACKAGES)
    if packages and unpacked.is_whole(root):
        return Programs(root, suite, _engine_version(packages))
    return None


def is_there(places: Places, suite: str) -> bool:
    """Tell whether the suite's engine is unpacked and whole."""
    return _unpacked(places, suite) is not None


def repair(places: Places, suite: str, progress: Progress = silent) -> list[str]:
    """Compare every program with what was unpacked, and unpack again where one differs.

    Returns
    -------
    list of str
        The files that were damaged or gone, by their paths in the engine's folder.

    Raises
    ------
    EngineError
        They can't be brought: as `bring`.
    """
    root = places.engines / suite
    with locked(places.cache_lock):
        wrong = unpacked.damaged(root)
        if wrong:
            progress(
                _("Repairing the engine's programs ({files})").format(files=", ".join(wrong[:3])),
                0,
                None,
            )
            _bring(places, suite, progress)
        return wrong


def provide(
    places: Places, suite: str, progress: Progress = silent, *, again: bool = False
) -> tuple[Package, ...]:
    """Make sure that the suite's packages are in the cache, intact; raises as `bring`.

    ``again`` asks the mirror once more, so that apt's lists are those the packages are from.
    """
    with locked(places.cache_lock):
        return _provide(places, suite, progress, again=again)


def _bring(places: Places, suite: str, progress: Progress) -> Programs:
    packages = _provide(places, suite, progress)
    root = places.engines / suite
    _unpack(packages, places.packages / suite / "files", root, progress)
    return Programs(root, suite, _engine_version(packages))


def _provide(
    places: Places, suite: str, progress: Progress, *, again: bool = False
) -> tuple[Package, ...]:
    listed = places.packages / suite / PACKAGES
    archives = places.packages / suite / "files"
    packages = _known(listed) or _known(places.engines / suite / PACKAGES)
    if again or not packages or not all(package.intact(archives) for package in packages):
        require_space(archives, _FIRST_START)
        try:
            packages = _fetch(places.packages / suite, archives, suite, progress)
        except BaseException:
            # whole packages save the next start their download
            if not list(archives.glob("*.deb")):
                shutil.rmtree(places.packages / suite, ignore_errors=True)
            raise
    if load_packages(listed) != packages:
        save_packages(packages, listed)
    return packages


def _known(file: Path) -> tuple[Package, ...] | None:
    packages = load_packages(file) or ()
    return packages if any(package.name == "docker.io" for package in packages) else None


def _fetch(folder: Path, archives: Path, suite: str, progress: Progress) -> tuple[Package, ...]:
    """Find out which packages the suite's engine needs now, and download those."""
    progress("Package lists", 0, None)
    apt = Apt(folder, [suite])
    apt.update()
    packages = resolve(apt, suite)
    apt.fetch(packages, archives, progress)
    return packages


def resolve(apt: Apt, suite: str) -> tuple[Package, ...]:
    """Name the packages that the suite's engine needs, as apt's lists have them."""
    return apt.resolve(
        [f"{name}/{suite}" for name in _FROM_SUITE]
        + [f"{name}/{apt.own_suite}" for name in _FROM_HOST],
        [f"{name}/{suite}" for name in _FROM_SUITE_WHERE_SPLIT]
        + [f"{name}/{apt.own_suite}" for name in _FROM_HOST_WHERE_NAMED],
    )


def _engine_version(packages: tuple[Package, ...]) -> str:
    return next(package.version for package in packages if package.name == "docker.io")


def _unpack(packages: tuple[Package, ...], archives: Path, root: Path, progress: Progress) -> None:
    """Unpack beside the final place and rename, so that half an engine never looks whole."""
    total = sum(package.size for package in packages)
    for folder in (root, *root.parent.glob(f"{root.name}.unpacking-*")):
        _delete(folder)
    root.parent.mkdir(parents=True, exist_ok=True)
    # under a new name: what a killed start began may go on for a moment
    fresh = Path(tempfile.mkdtemp(prefix=f"{root.name}.unpacking-", dir=root.parent))
    try:
        fresh.chmod(0o755)
        require_space(fresh, int(total * _UNPACKED_RATIO))
        done = 0
        sums: dict[str, str] = {}
        for package in packages:
            progress("Unpacking", done, total)
            if said := _extract(archives / package.file, fresh):
                raise _unpack_error(said, package, fresh)
            sums |= unpacked.sums_of(archives / package.file)
            done += package.size
        _link(fresh)
        save_packages(packages, fresh / PACKAGES)
        if wrong := unpacked.record(fresh, sums):
            raise EngineError(
                _("The disk did not keep what was written to {folder}: {file} differs.").format(
                    folder=root, file=wrong[0]
                ),
                _("Set DOCKERLAB_CACHE to a folder on another disk, and have this one checked."),
            )
        fresh.rename(root)
        progress("Unpacking", total, total)
    except OSError as error:
        raise _unpack_error(str(error), packages[0], fresh) from error
    finally:
        _delete(fresh)


def _extract(package: Path, into: Path) -> str:
    """Unpack one package and give what went wrong.

    Not by ``dpkg-deb -x``, whose tar goes on writing after it, or this program, was killed.
    """
    with subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as source:
        unpacked = subprocess.run(
            [*_DIES_WITH_US, "tar", "--extract", "--preserve-permissions", "--directory", into],
            stdin=source.stdout, capture_output=True, check=False,
            env={**os.environ, "LC_ALL": "C"},
        )  # fmt: skip
        said = source.communicate()[1]
    if source.returncode or unpacked.returncode:
        return (said + unpacked.stderr).decode(errors="replace") or "it ended without a word"
    return ""


def _delete(folder: Path) -> None:
    """Delete what a program that was killed a moment ago may still be writing."""
    for _attempt in range(_DELETE_TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)


def _link(root: Path) -> None:
    """Make the links that the packages' install scripts would have made."""
    sbin = root / "usr/sbin"
    for name in ("iptables", "ip6tables"):
        for end in ("", "-save", "-restore"):
            (sbin / f"{name}{end}").symlink_to("xtables-nft-multi")
    init = root / "usr/bin/docker-init"
    if not init.exists():
        init.unlink(missing_ok=True)
        init.symlink_to("tini-static")


def _unpack_error(said: str, package: Package, folder: Path) -> EngineError:
    if "No space left" in said:
        return EngineError(
            f"The disk filled up while the engine was unpacked into {folder.parent}.",
            "Make room, or set DOCKERLAB_CACHE to a folder on a larger disk.",
        )
    return EngineError(
        f"The package {package.file} can't be unpacked: {said.strip()[:200]}",
        "Start again; if it stays so, run 'dockerlab engine remove' first.",
    )
