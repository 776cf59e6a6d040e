"""Talk to a registry over its HTTP API: what it holds, and its blobs.

Everything that is read is checked against its digest, so neither a broken disk nor a mirror
that lies can put a wrong byte into the hub. Every answer is bounded in bytes and in time.
"""

import hashlib
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Protocol

import requests

from dockerlab.engine.disk import disk_full
from dockerlab.engine.progress import Progress, silent
from dockerlab.errors import HubError
from dockerlab.facts.registry.connection import Connection
from dockerlab.facts.registry.manifest import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    Descriptor,
    Manifest,
    read_image,
)
from dockerlab.facts.registry.refusals import Senseless
from dockerlab.language import _

CHUNK = 2**18
_LARGEST_IMAGE = 4 * 2**30  # bytes; the course's have a hundredth of it


class Target(Protocol):
    """What images are put into: the hub's storage."""

    def has_blob(self, repository: str, wanted: Descriptor, /) -> bool:
        """Tell whether it has a blob."""

    def put_blob(self, repository: str, wanted: Descriptor, content: Iterable[bytes], /) -> None:
        """Put a blob there."""

    def put_manifest(self, repository: str, tag: str, manifest: Manifest, /) -> None:
        """Give a tag to an image whose blobs are all there."""


class Registry(Connection):
    """One registry, as the hub and its mirrors are talked to."""

    def answers(self) -> bool:
        """Tell whether there is a registry, one that wants a token included."""
        try:
            with self.session.get(f"{self.url}/v2/", timeout=self.seconds, stream=True) as answer:
                return answer.ok or answer.status_code == HTTPStatus.UNAUTHORIZED
        except (requests.RequestException, OSError, ValueError):
            return False

    def repositories(self) -> tuple[str, ...]:
        """List the catalogue."""
        return self._names("/v2/_catalog?n=1000", "repositories")

    def tags(self, repository: str) -> tuple[str, ...]:
        """List a repository's tags, in alphabetical order."""
        return tuple(sorted(self._names(f"/v2/{repository}/tags/list", "tags")))

    def _names(self, path: str, key: str) -> tuple[str, ...]:
        """Read a list of names; a page that is not there has none."""
        answer = self.ask("GET", path, missing=True)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return ()
        found = self.document(answer).get(key, "")
        if found is None:  # all that had this key were removed
            return ()
        if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
            raise self.broken(Senseless())
        return tuple(found)

    def manifest(
        self, repository: str, reference: str, architecture: str | None = None
    ) -> Manifest | None:
        """Fetch an image's manifest by tag or digest.

        Parameters
        ----------
        repository, reference : str
            Such as ``library/nginx`` and ``latest``.
        architecture : str, optional
            Which image of an index to take, in Go's words (``amd64``).

        Returns
        -------
        Manifest or None
            None where the registry has no such image.

        Raises
        ------
        HubError
            The registry can't be reached, or answers what is no image for that architecture.
        """
        found = self._fetch(repository, reference, architecture)
        if isinstance(found, Descriptor):
            found = self._fetch(repository, found.digest, None)
            if isinstance(found, Descriptor):
                raise self.broken(Senseless())
        return found

    def _fetch(
        self, repository: str, reference: str, architecture: str | None
    ) -> Manifest | Descriptor | None:
        """Fetch a manifest, or of an index the entry for an architecture."""
        path = f"/v2/{repository}/manifests/{reference}"
        accept = {"Accept": ", ".join((*INDEX_TYPES, *MANIFEST_TYPES))}
        with self.ask("GET", path, headers=accept, missing=True) as answer:
            if answer.status_code == HTTPStatus.NOT_FOUND:
                return None
            content = answer.content
            announced = answer.headers.get("Content-Type", "").partition(";")[0]
        try:
            found = read_image(content, reference, announced, architecture)
            if isinstance(found, Manifest) and found.size > _LARGEST_IMAGE:
                raise ValueError(f"{found.size} bytes")  # noqa: TRY301 - one sentence for all
        except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
            raise HubError(
                _("{registry} gave no usable manifest for {image}: {cause}").format(
                    registry=self.url,
                    image=f"{repository}:{reference}",
                    cause=" ".join(str(error).split())[:200],
                )
            ) from error
        return found

    def blob(self, repository: str, wanted: Descriptor) -> Iterator[bytes]:
        """Stream a blob; the last step raises when its size or digest is wrong."""
        path = f"/v2/{repository}/blobs/{wanted.digest}"
        digest = hashlib.sha256()
        seen = 0
        with self.ask("GET", path, stream=True) as answer:
            while chunk := answer.raw.read(CHUNK):
                seen += len(chunk)
                if seen > wanted.size:
                    raise HubError(
                        _("{registry} sends more than it announced.").format(registry=self.url),
                        _("Try again, or another mirror."),
                    )
                digest.update(chunk)
                yield chunk
        if f"sha256:{digest.hexdigest()}" != wanted.digest:
            raise HubError(
                _("{registry} sent other bytes than {digest} stands for.").format(
                    registry=self.url, digest=wanted.digest
                ),
                _("Try again, or another mirror."),
            )

    def refused(self, answer: requests.Response) -> HubError:
        """Say why the registry refused."""
        said = answer.text
        if "no space left on device" in said:
            return disk_full(self.url)
        if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            return HubError(
                _("{registry} has reached its limit of pulls for this address.").format(
                    registry=self.url
                ),
                _("Wait some hours, or load a bundle: dockerlab hub bundle load FILE"),
            )
        return HubError(
            _("{registry} refused with status {status}.").format(
                registry=self.url, status=answer.status_code
            )
        )

    def broken(self, error: requests.RequestException) -> HubError:
        """Say why the registry can't be talked to."""
        why = super().broken(error)
        return HubError(why.problem, why.mend)


def copy_image(
    source: Registry,
    target: Target,
    image: tuple[str, Manifest],
    tags: Iterable[str],
    progress: Progress = silent,
) -> None:
    """Copy an image's blobs, then give it its tags: it is there whole or not at all.

    Parameters
    ----------
    source : Registry
        From where.
    target : Target
        To where.
    image : tuple of str and Manifest
        The repository's name, the same on both sides, and the image.
    tags : iterable of str
        The tags the image is to have at the target.
    progress : Progress
        Told the bytes copied.
    """
    repository, manifest = image
    label = _("Copying {image}").format(image=repository.removeprefix("library/"))
    done = 0

    def counted(chunks: Iterable[bytes]) -> Iterator[bytes]:
        nonlocal done
        for chunk in chunks:
            yield chunk
            done += len(chunk)
            progress(label, min(done, manifest.size), manifest.size)

    for blob in manifest.blobs:
        if target.has_blob(repository, blob):
            done += blob.size
        else:
            target.put_blob(repository, blob, counted(source.blob(repository, blob)))
    for tag in tags:
        target.put_manifest(repository, tag, manifest)
    progress(label, manifest.size, manifest.size)
