"""A build context: what a folder sends to the builder, and what .dockerignore keeps out."""

import os
import re
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dockerlab.errors import LabError
from dockerlab.facts.building import Builder
from dockerlab.facts.ignore import Ignore, Rule, read_rules
from dockerlab.facts.plain import plain
from dockerlab.language import _

MOST_ENTRIES = 300_000
"""A folder with more entries is not read to its end."""

MOST_SECONDS = 60.0
"""Nor one that takes longer, as many entries under many rules do."""

_LONGEST_IGNORE = 1_000_000
_SECRET = re.compile(
    r"\.env(?:\..*)?|\.?netrc|_netrc|\.npmrc|\.pypirc|\.pgpass|\.htpasswd|\.git-credentials"
    r"|id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?|.*\.(?:pem|key|p12|pfx|jks|keystore|kdbx|ppk)"
    r"|credentials(?:\.json)?|secrets?\.(?:ya?ml|json|toml|txt)|service-account.*\.json",
    re.IGNORECASE,
)
_SECRET_FOLDERS = frozenset((".git", ".ssh", ".aws", ".gnupg", ".docker", ".kube"))
_HARMLESS = re.compile(r"\.env\.(?:example|sample|template|dist)|.*\.pub", re.IGNORECASE)


@dataclass(frozen=True)
class ContextFile:
    """A file of the folder; `rule` is the position of the rule that decided on it, if any."""

    path: str
    size: int
    rule: int | None = None


@dataclass(frozen=True)
class Context:
    """A folder as a build context.

    Parameters
    ----------
    name : str
        The folder's name.
    builder : str
        Whose rules were followed: "buildkit" or "classic".
    dockerfile : str
        The Dockerfile's path, from the folder where it lies in it.
    ignore_file : str
        The file whose rules hold, empty where there is none.
    sent, kept_out : tuple of ContextFile
        The files, links and other entries that are no folders, by path. BuildKit asks for those of
        `sent` that a COPY or ADD names; the classic builder gets them all.
    complete : bool
        False where the folder has too many entries to read them all.
    unread : tuple of str
        Folders that may not be read.
    """

    name: str
    builder: Builder
    dockerfile: str
    ignore_file: str
    rules: tuple[Rule, ...]
    sent: tuple[ContextFile, ...]
    kept_out: tuple[ContextFile, ...]
    complete: bool = True
    unread: tuple[str, ...] = ()

    @property
    def sent_bytes(self) -> int:
        """Bytes of all that can be sent."""
        return sum(file.size for file in self.sent)

    @property
    def kept_out_bytes(self) -> int:
        """Bytes of all that is kept out."""
        return sum(file.size for file in self.kept_out)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What can be sent and by its name should not: folders once, with a slash at the end."""
        found: dict[str, None] = {}
        for file in self.sent:
            parts = file.path.split("/")
            folder = next((i for i, part in enumerate(parts[:-1]) if part in _SECRET_FOLDERS), None)
            if folder is not None:
                found["/".join(parts[: folder + 1]) + "/"] = None
            elif _SECRET.fullmatch(parts[-1]) and not _HARMLESS.fullmatch(parts[-1]):
                found[file.path] = None
        return tuple(found)


def read_context(
    path: str | os.PathLike[str],
    dockerfile: str | os.PathLike[str] | None = None,
    *,
    builder: Builder = "buildkit",
) -> Context:
    """Read which files of a folder a build can see.

    Parameters
    ----------
    path : path
        The folder given to ``docker build``.
    dockerfile : path, optional
        The Dockerfile; by default ``Dockerfile`` in the folder. It need not exist.
    builder : {"buildkit", "classic"}, optional
        BuildKit knows a ``NAME.dockerignore`` beside the Dockerfile, and finds an exception with
        ``**`` below a folder that is out; the classic builder knows neither.

    Raises
    ------
    LabError
        There is no such folder, or its .dockerignore can't be read.
    """
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise LabError(
            _("There is no folder '{path}'.").format(path=plain(folder)),
            _("A build context is a folder: give its path from this notebook."),
        )
    wanted = Path(dockerfile or "Dockerfile").expanduser()
    file = folder / wanted if (folder / wanted).is_file() or not wanted.is_file() else wanted
    ignore_file = _ignore_file(folder, file, builder)
    rules = read_rules(_read(ignore_file)) if ignore_file else ()
    walk = _Walk(folder, Ignore(rules), builder)
    sent: list[ContextFile] = []
    kept_out: list[ContextFile] = []
    for out, entry in walk.files():
        (kept_out if out else sent).append(entry)
    return Context(
        name=folder.resolve().name,
        builder=builder,
        dockerfile=_inside(folder, file),
        ignore_file=_inside(folder, ignore_file) if ignore_file else "",
        rules=rules,
        sent=tuple(sorted(sent, key=lambda one: one.path)),
        kept_out=tuple(sorted(kept_out, key=lambda one: one.path)),
        complete=walk.complete,
        unread=tuple(walk.unread),
    )


def _ignore_file(folder: Path, dockerfile: Path, builder: Builder) -> Path | None:
    own = dockerfile.with_name(f"{dockerfile.name}.dockerignore")
    if builder == "buildkit" and own.is_file():
        return own
    usual = folder / ".dockerignore"
    return usual if usual.is_file() else None


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST_IGNORE + 1)
    except OSError as error:
        raise LabError(
            _("'{path}' can't be read: {cause}.").format(path=plain(path), cause=error.strerror)
        ) from error
    if len(content) > _LONGEST_IGNORE:
        raise LabError(
            _("'{path}' is too long to be looked at.").format(path=plain(path)),
            _("A .dockerignore has some lines: write patterns with * in place of many names."),
        )
    return content.decode(errors="surrogateescape")


def _inside(folder: Path, path: Path) -> str:
    try:
        return path.relative_to(folder).as_posix()
    except ValueError:
        return str(path)


class _Walk:
    """Goes through a folder without following links, in the order of the names."""

    def __init__(self, folder: Path, ignore: Ignore, builder: Builder) -> None:
        self.folder = folder
        self.ignore = ignore
        self.builder = builder
        self.entries = 0
        self.complete = True
        self.unread: list[str] = []

    def files(self) -> Iterator[tuple[bool, ContextFile]]:
        """Yield each file and whether it is kept out."""
        # folder, what each rule matched of it, and the rule that keeps out all below it
        until = time.monotonic() + MOST_SECONDS
        waiting: list[tuple[str, tuple[bool, ...], int | None]] = [("", (), None)]
        while waiting:
            folder, above, closed = waiting.pop()
            for entry in self._entries(folder):
                self.entries += 1
                if self.entries >= MOST_ENTRIES or time.monotonic() > until:
                    self.complete = False
                    return
                path = f"{folder}/{entry.name}" if folder else entry.name
                decision, matched = self.ignore.decide(path, above)
                out = closed is not None or self.ignore.keeps_out(decision)
                if entry.is_dir(follow_symlinks=False):
                    shut = closed if closed is not None else self._shut(path, decision)
                    waiting.append((path, matched, shut))
                else:
                    rule = decision if closed is None else closed
                    yield out, ContextFile(path, _size(entry), rule)

    def _shut(self, path: str, decision: int | None) -> int | None:
        """Return the rule that keeps out all below a folder, None where something may come back."""
        if not self.ignore.keeps_out(decision):
            return None
        if self.builder == "classic":
            # it looks below only for an exception that names something there by its full path
            return None if self.ignore.may_return_below(path) else decision
        return None if self.ignore.has_exceptions else decision

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.folder / folder) as found:
                return sorted(found, key=lambda entry: entry.name)
        except OSError:
            self.unread.append(folder)
            return []


def _size(entry: os.DirEntry[str]) -> int:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return 0  # removed since the folder was read
    return status.st_size if stat.S_ISREG(status.st_mode) else 0
