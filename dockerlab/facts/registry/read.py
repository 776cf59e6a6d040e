"""Read what a registry holds: catalogue, tags, manifests; no blob is fetched."""

import re
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urljoin, urlsplit

from dockerlab.errors import RegistryError, UnknownNameError
from dockerlab.facts.names import nearest
from dockerlab.facts.plain import plain
from dockerlab.facts.registry.address import connect, plain_name
from dockerlab.facts.registry.connection import Connection, credentials
from dockerlab.facts.registry.documents import LONGEST_NAME, ReadManifest, take_manifest
from dockerlab.facts.registry.manifest import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    digest_of,
    is_digest,
)
from dockerlab.facts.registry.refusals import Senseless, broken
from dockerlab.facts.registry.values import (
    HeldManifest,
    RegistryWorld,
    Repository,
    Target,
)
from dockerlab.language import _

Json = Mapping[str, Any]

_PAGE = 100
_MOST_PAGES = 100
_MOST_REPOSITORIES = 40
_MOST_MANIFESTS = 120
"""How many are read of all repositories together: each is a request."""
_MOST_NAMES = 100_000  # in all pages of one list
_ACCEPT = {"Accept": ", ".join((*INDEX_TYPES, *MANIFEST_TYPES))}


def read_registry(
    address: str,
    repository: str | None = None,
    *,
    username: str | None = None,
    password: str | None = None,
    ca: str | Path | None = None,
) -> RegistryWorld:
    """Read a registry, or one of its repositories.

    Parameters
    ----------
    address : str
        Host and port, or a URL. Without "http://" TLS is used, but for this machine's own
        addresses plain HTTP where there is no TLS: as docker itself does.
    repository : str, optional
        Only this one, as "library/nginx" or "library/nginx:latest"; by default the catalogue.
    username, password : str, optional
        Given to the registry when it asks who is there.
    ca : str or Path, optional
        A PEM file with the certificates to trust instead of the machine's own.

    Raises
    ------
    RegistryError
        It can't be reached, can't be trusted, or refuses; the error names the mend.
    UnknownNameError
        It has no such repository or tag; the error names the nearest one.
    UsageError
        The address makes no sense, or half of name and password is missing.

    Notes
    -----
    GET /v2/_catalog?n=100&last=…, /v2/NAME/tags/list and /v2/NAME/manifests/REFERENCE. Manifests
    of at most 40 repositories, and no more than 120, are read; the rest is listed.
    """
    with connect(address, credentials(username, password), ca) as connection:
        reader = _Reader(connection)
        if repository:
            name, _colon, tag = plain_name(repository, connection.url).partition(":")
            found = reader.one(name, tag)
            return _world(connection, (found,), (), 0)
        names, pages = reader.catalogue()
        read = tuple(reader.repository(name) for name in names[:_MOST_REPOSITORIES])
        return _world(connection, read, tuple(names[_MOST_REPOSITORIES:]), pages)


def _world(
    connection: Connection, read: tuple[Repository, ...], unread: tuple[str, ...], pages: int
) -> RegistryWorld:
    parts = urlsplit(connection.url)
    return RegistryWorld(
        address=parts.netloc,
        secure=parts.scheme == "https",
        repositories=read,
        unread=unread,
        user=connection.credentials[0] if connection.credentials else "",
        pages=pages,
    )


class _Reader:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.room = _MOST_MANIFESTS
        self.known: dict[str, ReadManifest] = {}

    def catalogue(self) -> tuple[list[str], int]:
        """Return all names, and on how many pages they came."""
        names: list[str] = []
        path = f"/v2/_catalog?n={_PAGE}"
        for page in range(1, _MOST_PAGES + 1):
            try:
                content, following = self._list(path)
            except RegistryError as error:
                raise RegistryError(
                    error.problem,
                    _("{mend} Many registries list their repositories to nobody: name one, as in "
                      "repository='library/nginx'.").format(mend=error.mend).strip(),
                ) from error  # fmt: skip
            if content is None:
                raise RegistryError(
                    _("This registry doesn't list its repositories."),
                    _("Name one, as in repository='library/nginx'."),
                )
            names += self._names(content.get("repositories"), len(names))
            if not following:
                return sorted(set(names)), page
            path = following
        return sorted(set(names)), _MOST_PAGES

    def one(self, name: str, tag: str) -> Repository:
        """Return the repository that was asked for, or say what was meant."""
        tags = self._tags(name)
        if tags is None:
            raise self._unknown(name)
        if tag and tag not in tags:
            near = nearest(tag, tags)
            raise UnknownNameError(
                _("No tag '{tag}' in {repository};").format(tag=plain(tag), repository=plain(name)),
                _("did you mean '{near}'?").format(near=plain(near)) if near
                else _("it has {count} other tags.").format(count=len(tags)),
            )  # fmt: skip
        return self._read(name, [tag] if tag else tags)

    def repository(self, name: str) -> Repository:
        """Return one repository of the catalogue; what can't be read of it is said, not raised."""
        try:
            tags = self._tags(name)
        except RegistryError as error:
            return Repository(name, 0, (), error.problem)
        return self._read(name, tags or [])

    def _unknown(self, name: str) -> UnknownNameError:
        try:
            near = nearest(name, self.catalogue()[0])
        except RegistryError:
            near = None
        host = urlsplit(self.connection.url).netloc
        return UnknownNameError(
            _("No repository '{name}' in {address}").format(name=plain(name), address=host)
            + (";" if near else "."),
            _("did you mean '{near}'?").format(near=plain(near)) if near
            else _("Push to it first, or check the name."),
        )  # fmt: skip

    def _tags(self, name: str) -> list[str] | None:
        tags: list[str] = []
        path = f"/v2/{quote(name)}/tags/list?n=1000"
        for _page in range(_MOST_PAGES):
            content, following = self._list(path)
            if content is None:
                return None
            tags += self._names(content.get("tags"), len(tags))
            if not following:
                break
            path = following
        return sorted(set(tags))

    def _list(self, path: str) -> tuple[Json | None, str]:
        """Return one page of a list and the path of the next; None where there is no list."""
        with self.connection.ask("GET", path, missing=True) as answer:
            if answer.status_code == HTTPStatus.NOT_FOUND:
                return None, ""
            content = self.connection.document(answer)
            link = re.search(r'<([^<>]*)>\s*+;\s*+rel="?next', answer.headers.get("Link", ""))
        if not link:
            return content, ""
        try:
            following = urlsplit(urljoin(f"{self.connection.url}{path}", link.group(1)))
        except ValueError as error:
            raise self._senseless() from error
        # Only the way is taken from the header: it must not lead to another host.
        return content, f"/{following.path.lstrip('/')}?{following.query}"

    def _names(self, listed: object, before: int) -> list[str]:
        """Return what a page lists, `before` of which many others were listed."""
        names = [] if listed is None else listed
        if not isinstance(names, list) or not all(map(_is_name, names)):
            raise self._senseless()
        if before + len(names) > _MOST_NAMES:
            raise RegistryError(
                _("{address} lists more names than can be looked at.").format(
                    address=plain(urlsplit(self.connection.url).netloc)
                ),
                _("Name one repository, as in repository='library/nginx'."),
            )
        return names

    def _senseless(self) -> RegistryError:
        return broken(self.connection.url, Senseless())

    def _read(self, name: str, tags: list[str]) -> Repository:
        targets: dict[str, Target] = {}
        note = ""
        for tag in tags:
            if self.room <= 0:
                break
            try:
                read = self._manifest(name, tag)
            except RegistryError as error:
                note = error.problem
                continue
            before = targets.get(read.digest)
            if before:
                targets[read.digest] = replace(before, tags=(*before.tags, tag))
            else:
                targets[read.digest] = self._target(name, tag, read)
        return Repository(name, len(tags), tuple(targets.values()), note)

    def _manifest(self, name: str, reference: str) -> ReadManifest:
        if reference in self.known:
            return self.known[reference]
        self.room -= 1
        path = f"/v2/{quote(name)}/manifests/{quote(reference, safe=':')}"
        with self.connection.ask("GET", path, headers=_ACCEPT) as answer:
            raw = answer.content
            announced = answer.headers.get("Content-Type", "").partition(";")[0]
            content = {"mediaType": announced, **self.connection.document(answer)}
        digest = digest_of(raw)
        if reference.startswith("sha256:") and digest != reference:
            raise RegistryError(
                _("{address} gave another manifest than the one asked for.").format(
                    address=plain(urlsplit(self.connection.url).netloc)
                )
            )
        try:
            self.known[digest] = take_manifest(digest, len(raw), content)
        except Senseless as error:
            raise self._senseless() from error
        return self.known[digest]

    def _target(self, name: str, tag: str, read: ReadManifest) -> Target:
        kind: Literal["manifest", "index", "other"] = "other"
        manifests: tuple[HeldManifest, ...] = ()
        if read.media_type in INDEX_TYPES:
            kind = "index"
            manifests = tuple(self._entry(name, entry) for entry in read.entries)
        elif read.media_type in MANIFEST_TYPES:
            kind = "manifest"
            manifests = (HeldManifest(read.digest, read.size, blobs=read.blobs),)
        return Target(read.digest, kind, (tag,), manifests, read.media_type)

    def _entry(self, name: str, known: HeldManifest) -> HeldManifest:
        if self.room <= 0 or not is_digest(known.digest):
            return known
        try:
            read = self._manifest(name, known.digest)
        except RegistryError:
            return known  # listed, but not here: a copy of one platform only
        return replace(known, size=read.size, blobs=read.blobs, read=True)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_NAME and value.isprintable()
