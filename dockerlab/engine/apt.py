"""A private apt: fetches packages of any suite into the cache and installs nothing.

The host's own source is used with another suite name, so its mirror, proxy and keys stay in
force and apt itself verifies every signature and checksum.
"""

import os
import re
import shlex
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from hashlib import file_digest
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from dockerlab.engine import apt_errors, records
from dockerlab.engine.disk import require_space
from dockerlab.engine.progress import Progress, silent
from dockerlab.engine.sources import host_distribution, host_source
from dockerlab.errors import EngineError
from dockerlab.language import _

_CONNECT_SECONDS = 15
_UPDATE_SECONDS = 300.0  # apt-get has been seen to wait for ever on a disk that filled up
_SILENT_SECONDS = 120.0
_NOT_AS_ASKED = "Failed to fetch|Conflicting distribution"
_ENVIRONMENT = {**os.environ, "LC_ALL": "C"}  # apt's errors are read, so they must be English


@dataclass(frozen=True)
class Package:
    """One package file: its name, version, size in bytes and checksum as apt gave them.

    ``request`` is what to ask apt for: ``name`` or ``name/suite``.
    """

    request: str
    name: str
    version: str
    file: str
    size: int
    sha256: str

    def intact(self, folder: Path) -> bool:
        """Whether the file in ``folder`` has the size and checksum it must have."""
        path = folder / self.file
        try:
            if path.stat().st_size != self.size:
                return False
            with path.open("rb") as stream:
                return file_digest(stream, "sha256").hexdigest() == self.sha256
        except FileNotFoundError:
            return False


class Apt:
    """apt with sources, lists and cache of its own in ``folder``.

    Parameters
    ----------
    folder : Path
        Where sources, lists and packages are kept.
    suites : sequence of str
        The suites to take packages from, beside the host's own.
    copied : Path, optional
        A folder laid out as a mirror is (``dists/SUITE/InRelease`` and unpacked ``Packages``),
        to be used instead of the host's mirror. Who must have signed it stays the host's word.
    """

    def __init__(self, folder: Path, suites: Sequence[str], copied: Path | None = None) -> None:
        distribution, own = host_distribution()
        source = host_source()
        self.folder = folder
        self.own_suite = own
        wanted = list(dict.fromkeys([*suites, own]))
        if distribution == "ubuntu":
            wanted = [name for suite in wanted for name in (suite, f"{suite}-updates")]
        self.suites = tuple(wanted)
        self._copied = copied
        uri = f"copy:{quote(str(copied))}" if copied else source.uri
        self._stanzas = [
            "Types: deb\n"
            f"URIs: {uri}\n"
            f"Suites: {suite}\n"
            f"Components: {' '.join(_components(copied, suite) if copied else source.components)}\n"
            + (f"Signed-By: {source.signed_by}\n" if source.signed_by else "")
            + (f"Architectures: {architecture()}\nTargets: Packages\n" if copied else "")
            for suite in wanted
        ]
        self._configuration = folder / "apt.conf"

    def update(self) -> None:
        """Fetch the lists of packages.

        Raises
        ------
        UsageError
            A suite does not exist at the host's mirror.
        EngineError
            The mirror can't be reached, or apt failed otherwise.
        """
        for name in ("lists/partial", "archives/partial"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        sources = self.folder / "lab.sources"
        sources.write_text("\n".join(self._stanzas), encoding="utf-8")
        options = {
            "Dir::Etc::SourceList": sources,
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::State::Lists": self.folder / "lists",
            "Dir::Cache": self.folder,
            "Dir::Cache::Archives": self.folder / "archives",
            "Dir::Cache::pkgcache": "pkgcache.bin",
            "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
            "Acquire::Languages": "none",
            "Acquire::Retries": "2",
            "Acquire::http::Timeout": _CONNECT_SECONDS,
            "Acquire::https::Timeout": _CONNECT_SECONDS,
            "APT::Sandbox::User": "",
            "APT::Get::List-Cleanup": "false",
            # whatever the host lets its own apt get away with
            "APT::Get::AllowUnauthenticated": "false",
            "Acquire::AllowInsecureRepositories": "false",
            "Acquire::AllowWeakRepositories": "false",
            "Acquire::AllowDowngradeToInsecureRepositories": "false",
        }
        if self._copied:
            # a copy may be months old, and has each list once, under its own name
            options |= {"Acquire::Check-Valid-Until": "false", "Acquire::By-Hash": "no"}
        self._configuration.write_text(
            "".join(f'{name} "{value}";\n' for name, value in options.items())
            # the host's hooks tell its package manager of news that are none of its business
            + "#clear APT::Update::Post-Invoke;\n#clear APT::Update::Post-Invoke-Success;\n",
            encoding="utf-8",
        )
        self._run("apt-get", "-qq", "update")

    def resolve(self, names: Iterable[str], optional: Iterable[str] = ()) -> tuple[Package, ...]:
        """Find what apt would download for ``names`` (``name`` or ``name/suite``).

        Parameters
        ----------
        names : iterable of str
            Packages that must exist.
        optional : iterable of str
            Packages that are left out where the suite has none.
        """
        wanted = [*names, *self._existing(list(optional))]
        requests = {request.partition("/")[0]: request for request in wanted}
        lines = self._run("apt-get", "--print-uris", "download", *wanted).splitlines()
        packages = []
        for line in lines:
            if not line.startswith("'"):
                continue
            uri, file, size, digest = shlex.split(line)
            name, version, _architecture = file.rsplit("_", 2)
            if not digest.startswith("SHA256:"):
                raise EngineError(
                    _("apt gave no SHA-256 checksum for {path}.").format(path=urlsplit(uri).path),
                    _("Use a mirror with a current Release file."),
                )
            packages.append(
                Package(
                    requests[name],
                    name,
                    unquote(version),
                    file,
                    int(size),
                    digest.removeprefix("SHA256:"),
                )
            )
        return tuple(packages)

    def fetch(self, packages: Sequence[Package], into: Path, progress: Progress = silent) -> None:
        """Download resolved ``packages`` into ``into``; what is there intact stays.

        Raises
        ------
        EngineError
            The disk is full, the mirror can't be reached, or a download stays corrupt.
        """
        into.mkdir(parents=True, exist_ok=True)
        missing = [package for package in packages if not package.intact(into)]
        if not missing:
            return
        for package in missing:
            (into / package.file).unlink(missing_ok=True)
        total = sum(package.size for package in missing)
        require_space(into, total)
        try:
            self._download(missing, into, total, progress)
        finally:
            # large, and needed again only after the next update
            for cache in ("pkgcache.bin", "srcpkgcache.bin"):
                (self.folder / cache).unlink(missing_ok=True)
        broken = [package.file for package in missing if not package.intact(into)]
        if broken:
            raise apt_errors.damaged(broken[0])
        progress("Packages", total, total)

    def _download(
        self, missing: Sequence[Package], into: Path, total: int, progress: Progress
    ) -> None:
        with subprocess.Popen(
            self._command("apt-get", "-qq", "download", *(p.request for p in missing)),
            cwd=into, env=_ENVIRONMENT, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        ) as job:  # fmt: skip
            try:
                self._watch(job, missing, into, total, progress)
                said = job.stderr.read() if job.stderr else ""
            except BaseException:
                job.kill()
                raise
        if job.returncode:
            raise apt_errors.explain(said, into, self.own_suite)

    def _watch(
        self,
        job: "subprocess.Popen[str]",
        missing: Sequence[Package],
        into: Path,
        total: int,
        progress: Progress,
    ) -> None:
        done, since = -1, time.monotonic()
        while job.poll() is None:
            fetched = sum(_size(into, package.file) for package in missing)
            if fetched != done:
                done, since = fetched, time.monotonic()
            if time.monotonic() - since > _SILENT_SECONDS:
                raise apt_errors.no_time(_SILENT_SECONDS)
            progress("Packages", done, total)
            time.sleep(0.1)

    def _existing(self, requests: Sequence[str]) -> list[str]:
        if not requests:
            return []
        shown = self._run("apt-cache", "madison", *(r.partition("/")[0] for r in requests))
        offers = [[field.strip() for field in line.split("|")] for line in shown.splitlines()]
        return [
            request
            for request in requests
            for name, _slash, suite in [request.partition("/")]
            if any(offer[0] == name and f" {suite}/" in offer[2] for offer in offers)
        ]

    def _run(self, *command: str) -> str:
        try:
            done = subprocess.run(
                self._command(*command), env=_ENVIRONMENT, stdin=subprocess.DEVNULL,
                capture_output=True, text=True, check=False, timeout=_UPDATE_SECONDS,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise apt_errors.no_time(_UPDATE_SECONDS) from error
        if self._copied and (done.returncode or re.search(_NOT_AS_ASKED, done.stderr)):
            raise apt_errors.unverified(done.stderr)
        if done.returncode or re.search(r"^(E|W): .*Failed to fetch", done.stderr, re.MULTILINE):
            raise apt_errors.explain(done.stderr, self.folder, self.own_suite)
        return done.stdout

    def _command(self, program: str, *arguments: str) -> list[str]:
        return [program, "-c", str(self._configuration), *arguments]


def architecture() -> str:
    """Name this machine's architecture as dpkg does (``amd64``)."""
    answer = subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip()


def _components(copied: Path, suite: str) -> list[str]:
    return sorted(file.parent.parent.name for file in copied.glob(f"dists/{suite}/*/*/Packages"))


def save_packages(packages: Iterable[Package], file: Path) -> None:
    """Write down which packages a folder must hold."""
    records.write(file, [asdict(package) for package in packages])


def load_packages(file: Path) -> tuple[Package, ...] | None:
    """Read what `save_packages` wrote; None where it is missing or broken."""
    found = records.read(file)
    try:
        packages = [Package(**fields) for fields in found] if isinstance(found, list) else []
    except TypeError:
        return None
    return tuple(packages) if packages and all(map(_is_package, packages)) else None


def _is_package(package: Package) -> bool:
    """Tell whether what was read back is a package, and its file a name and no way elsewhere."""
    words = (package.request, package.name, package.version, package.file, package.sha256)
    return (
        all(isinstance(word, str) for word in words)
        and type(package.size) is int
        and package.size >= 0
        and re.fullmatch(r"[A-Za-z0-9][\w.+~%:-]*", package.file) is not None
        and re.fullmatch(r"[a-z0-9][\w.+~:/-]*", package.request) is not None
    )


def _size(folder: Path, file: str) -> int:
    try:
        return (folder / file).stat().st_size
    except FileNotFoundError:
        return 0
