"""Read what a registry holds: catalogue, tags, manifests; no blob is fetched."""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urljoin, urlsplit

import requests

from dockerlab.errors import RegistryError, UnknownNameError
from dockerlab.facts.names import nearest
from dockerlab.facts.plain import plain
from dockerlab.facts.registry.address import connect, plain_name
from dockerlab.facts.registry.connection import Connection, credentials
from dockerlab.facts.registry.manifest import (
    INDEX_TYPES,
    MANIFEST_LIMIT,
    MANIFEST_TYPES,
    digest_of,
)
from dockerlab.facts.registry.values import (
    Blob,
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
        self.known: dict[str, tuple[str, Json, int]] = {}

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
            names += [str(name) for name in content.get("repositories") or ()]
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
            tags += [str(tag) for tag in content.get("tags") or ()]
            if not following:
                break
            path = following
        return sorted(set(tags))

    def _list(self, path: str) -> tuple[Json | None, str]:
        """Return one page of a list and the path of the next; None where there is no list."""
        with self.connection.ask("GET", path, missing=True, stream=True) as answer:
            if answer.status_code == HTTPStatus.NOT_FOUND:
                return None, ""
            content = _json(_bounded(answer, self.connection.url), self.connection.url)
            link = re.search(r'<([^>]*)>\s*;\s*rel="?next', answer.headers.get("Link", ""))
        if not link:
            return content, ""
        following = urlsplit(urljoin(f"{self.connection.url}{path}", link.group(1)))
        # Only the way is taken from the header: it must not lead to another host.
        return content, f"{following.path}?{following.query}"

    def _read(self, name: str, tags: list[str]) -> Repository:
        targets: dict[str, Target] = {}
        note = ""
        for tag in tags:
            if self.room <= 0:
                break
            try:
                digest, content, size = self._manifest(name, tag)
            except RegistryError as error:
                note = error.problem
                continue
            before = targets.get(digest)
            if before:
                targets[digest] = Target(
                    digest, before.kind, (*before.tags, tag), before.manifests, before.media_type
                )
            else:
                targets[digest] = self._target(name, tag, (digest, content, size))
        return Repository(name, len(tags), tuple(targets.values()), note)

    def _manifest(self, name: str, reference: str) -> tuple[str, Json, int]:
        """Return a manifest's digest, content and size in bytes."""
        if reference in self.known:
            return self.known[reference]
        self.room -= 1
        path = f"/v2/{quote(name)}/manifests/{quote(reference, safe=':')}"
        with self.connection.ask("GET", path, headers=_ACCEPT, stream=True) as answer:
            raw = _bounded(answer, self.connection.url)
            announced = answer.headers.get("Content-Type", "").partition(";")[0]
        digest = digest_of(raw)
        if reference.startswith("sha256:") and digest != reference:
            raise RegistryError(
                _("{address} gave another manifest than the one asked for.").format(
                    address=plain(urlsplit(self.connection.url).netloc)
                )
            )
        content = {"mediaType": announced, **_json(raw, self.connection.url)}
        self.known[digest] = (digest, content, len(raw))
        return self.known[digest]

    def _target(self, name: str, tag: str, found: tuple[str, Json, int]) -> Target:
        digest, content, size = found
        media_type = str(content.get("mediaType") or "")
        kind: Literal["manifest", "index", "other"] = "other"
        manifests: tuple[HeldManifest, ...] = ()
        if media_type in INDEX_TYPES:
            kind = "index"
            entries = [one for one in content.get("manifests") or () if isinstance(one, dict)]
            manifests = tuple(self._entry(name, entry) for entry in entries)
        elif media_type in MANIFEST_TYPES:
            kind = "manifest"
            manifests = (HeldManifest(digest, size, blobs=_blobs(content)),)
        return Target(digest, kind, (tag,), manifests, media_type)

    def _entry(self, name: str, entry: Json) -> HeldManifest:
        platform, notes = (_object(entry.get(name)) for name in ("platform", "annotations"))
        parts = (platform.get("os"), platform.get("architecture"), platform.get("variant"))
        attestation = notes.get("vnd.docker.reference.type") == "attestation-manifest"
        known = HeldManifest(
            digest=str(entry.get("digest") or ""),
            size=_whole(entry.get("size")),
            platform="" if attestation else "/".join(str(part) for part in parts if part),
            attests=str(notes.get("vnd.docker.reference.digest") or "?") if attestation else "",
            read=False,
        )
        if self.room <= 0 or not known.digest.startswith("sha256:"):
            return known
        try:
            _digest, content, size = self._manifest(name, known.digest)
        except RegistryError:
            return known  # listed, but not here: a copy of one platform only
        return HeldManifest(known.digest, size, known.platform, known.attests, _blobs(content))


def _blobs(content: Json) -> tuple[Blob, ...]:
    found = []
    kinds: tuple[tuple[Any, Literal["config", "layer"]], ...] = (
        ([content.get("config")], "config"), (content.get("layers") or (), "layer"),
    )  # fmt: skip
    for entries, kind in kinds:
        for entry in entries:
            if isinstance(entry, dict) and entry.get("digest"):
                found.append(Blob(str(entry["digest"]), _whole(entry.get("size")), kind))
    return tuple(found)


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _whole(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _bounded(answer: requests.Response, url: str) -> bytes:
    content = b""
    try:
        for chunk in answer.iter_content(2**16):
            content += chunk
            if len(content) > MANIFEST_LIMIT:
                raise _senseless(url)
    except requests.RequestException as error:
        raise _senseless(url) from error
    return content


def _json(content: bytes, url: str) -> Json:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _senseless(url) from error
    if not isinstance(found, dict):
        raise _senseless(url)
    return found


def _senseless(url: str) -> RegistryError:
    return RegistryError(
        _("{address} gave an answer that makes no sense for a registry.").format(
            address=plain(urlsplit(url).netloc)
        ),
        _("Check the address."),
    )
