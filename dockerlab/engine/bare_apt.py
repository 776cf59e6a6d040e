"""apt for a system on which nothing is installed yet.

It believes an empty dpkg, so it resolves and fetches all that a set of packages needs; it
verifies signatures and checksums as always.
"""

import os
import shlex
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from dockerlab.engine import apt_errors
from dockerlab.engine.disk import require_space
from dockerlab.engine.progress import Progress
from dockerlab.engine.sources import Source
from dockerlab.errors import HubError
from dockerlab.language import _

_JOB_SECONDS = 300.0
_SILENT_SECONDS = 120.0


class BareApt:
    """apt with the sources named and nothing else.

    Parameters
    ----------
    folder : Path
        A folder that does not exist yet.
    sources : sequence of Source
        Where packages come from.
    """

    def __init__(self, folder: Path, sources: Sequence[Source]) -> None:
        self._archives = folder / "archives"
        self._folder = folder
        for name in ("lists/partial", "archives/partial"):
            (folder / name).mkdir(parents=True)
        (folder / "status").touch()
        (folder / "debian.sources").write_text(stanzas(sources), encoding="utf-8")
        architecture = run("dpkg", "--print-architecture").stdout.strip()
        options = {
            "APT::Architecture": architecture,
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "",
            "Acquire::Languages": "none",
            "Acquire::Retries": "2",
            "Acquire::http::Timeout": "15",
            "Acquire::https::Timeout": "15",
            "Debug::NoLocking": "true",
            "Dir::Cache": str(folder),
            "Dir::Cache::Archives": str(self._archives),
            "Dir::Cache::pkgcache": "pkgcache.bin",
            "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
            "Dir::Etc::Preferences": "/dev/null",
            "Dir::Etc::PreferencesParts": "/dev/null",
            "Dir::Etc::SourceList": str(folder / "debian.sources"),
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::Log": str(folder),
            "Dir::State": str(folder),
            "Dir::State::Lists": str(folder / "lists"),
            "Dir::State::Status": str(folder / "status"),
        }
        (folder / "apt.conf").write_text(
            # the host's hooks and foreign architectures are none of this image's business
            "#clear APT::Update::Post-Invoke;\n#clear APT::Update::Post-Invoke-Success;\n"
            "#clear DPkg::Post-Invoke;\n#clear APT::Architectures;\n"
            f'APT::Architectures {{ "{architecture}"; }};\n'
            + "".join(f'{name} "{value}";\n' for name, value in options.items()),
            encoding="utf-8",
        )

    def fetch(self, wanted: Sequence[str], label: str, progress: Progress) -> list[Path]:
        """Download packages with all they need, and give their files.

        Parameters
        ----------
        wanted : sequence of str
            Names and apt-patterns(7).
        label : str
            What to call the step.
        progress : Progress
            Told the bytes fetched.

        Raises
        ------
        HubError, EngineError
            The mirror can't be reached or is silent, or the disk is full.
        """
        self._apt("update")
        answer = self._apt("--print-uris", "--yes", "install", *wanted)
        plan = [shlex.split(line) for line in answer.splitlines()]
        names = [file.partition("_")[0] for _uri, file, *_rest in plan]
        total = sum(int(line[2]) for line in plan)
        require_space(self._folder, total * 8)  # packages, unpacked, and both once more to send
        with subprocess.Popen(
            self._command("--download-only", "--yes", "install", *names), env=_environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        ) as job:  # fmt: skip
            try:
                self._watch(job, label, total, progress)
                said = job.stderr.read() if job.stderr else ""
            except BaseException:
                job.kill()
                raise
        if job.returncode:
            raise _apt_error(said, self._folder)
        return sorted(self._archives.glob("*.deb"))

    def _watch(
        self, job: "subprocess.Popen[str]", label: str, total: int, progress: Progress
    ) -> None:
        """Show how far the download is, and give up on one that stands still."""
        done, since = -1, time.monotonic()
        while job.poll() is None:
            fetched = sum(_sizes(self._archives))
            if fetched != done:
                done, since = fetched, time.monotonic()
            if time.monotonic() - since > _SILENT_SECONDS:
                raise apt_errors.no_time(_SILENT_SECONDS)
            progress(label, min(done, total), total)
            time.sleep(0.1)
        progress(label, total, total)

    def _apt(self, *arguments: str) -> str:
        done = run(*self._command(*arguments))
        if done.returncode or "Failed to fetch" in done.stderr:
            raise _apt_error(done.stderr, self._folder)
        return done.stdout

    def _command(self, *arguments: str) -> list[str]:
        return ["apt-get", "-c", str(self._folder / "apt.conf"), "-qq", *arguments]


def stanzas(sources: Sequence[Source], keyring: str = "") -> str:
    """Write sources as deb822, signed by ``keyring`` or by their own."""
    return "\n".join(
        "Types: deb\n"
        f"URIs: {source.uri}\n"
        f"Suites: {source.suite}\n"
        f"Components: {' '.join(source.components)}\n"
        + (f"Signed-By: {keyring or source.signed_by}\n" if keyring or source.signed_by else "")
        for source in sources
    )


def _sizes(folder: Path) -> Iterator[int]:
    for file in folder.rglob("*"):
        with suppress(OSError):
            yield file.stat().st_size


def _apt_error(said: str, folder: Path) -> HubError:
    error = apt_errors.explain(said, folder, "")
    bundle = _("Or take the images from a bundle: dockerlab hub bundle load FILE")
    return HubError(error.problem, f"{error.mend} {bundle}")


def _environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C"}  # apt's errors are read, so they must be English


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command that has minutes at most, in English, whatever it returns."""
    try:
        return subprocess.run(
            command, env=_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False, timeout=_JOB_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise apt_errors.no_time(_JOB_SECONDS) from error
