"""Talk to a registry over its HTTP API: what it holds, and blobs to and from it.

Everything that is read is checked against its digest, so neither a broken disk nor a mirror
that lies can put a wrong byte into the hub.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any

import requests

from dockerlab.engine.disk import disk_full
from dockerlab.engine.progress import Progress, silent
from dockerlab.errors import HubError
from dockerlab.facts.registry.connection import Connection
from dockerlab.facts.registry.manifest import (
    INDEX_TYPES,
    MANIFEST_LIMIT,
    MANIFEST_TYPES,
    Descriptor,
    Manifest,
    read_image,
)
from dockerlab.language import _

CHUNK = 2**18


class Registry(Connection):
    """One registry, as the hub and its mirrors are talked to."""

    def answers(self) -> bool:
        """Tell whether there is a registry, one that wants a token included."""
        try:
            with self.session.get(f"{self.url}/v2/", timeout=self.seconds) as answer:
                return answer.ok or answer.status_code == HTTPStatus.UNAUTHORIZED
        except requests.RequestException:
            return False

    def repositories(self) -> tuple[str, ...]:
        """List the catalogue."""
        with self.ask("GET", "/v2/_catalog?n=1000") as answer:
            return tuple(answer.json()["repositories"])

    def tags(self, repository: str) -> tuple[str, ...]:
        """List a repository's tags, in alphabetical order."""
        with self.ask("GET", f"/v2/{repository}/tags/list", missing=True) as answer:
            found = answer.json().get("tags") if answer.status_code == HTTPStatus.OK else None
            return tuple(sorted(found or ()))

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
        path = f"/v2/{repository}/manifests/{reference}"
        accept = {"Accept": ", ".join((*INDEX_TYPES, *MANIFEST_TYPES))}
        with self.ask("GET", path, headers=accept, missing=True, stream=True) as answer:
            if answer.status_code == HTTPStatus.NOT_FOUND:
                return None
            content = b"".join(_limited(answer.iter_content(CHUNK), MANIFEST_LIMIT, self.url))
            announced = answer.headers.get("Content-Type", "").partition(";")[0]
        try:
            found = read_image(content, reference, announced, architecture)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise HubError(
                _("{registry} gave no usable manifest for {image}: {cause}").format(
                    registry=self.url, image=f"{repository}:{reference}", cause=error
                )
            ) from error
        if isinstance(found, Descriptor):
            return self.manifest(repository, found.digest)
        return found

    def blob(self, repository: str, wanted: Descriptor) -> Iterator[bytes]:
        """Stream a blob; the last step raises when its size or digest is wrong."""
        path = f"/v2/{repository}/blobs/{wanted.digest}"
        with self.ask("GET", path, stream=True) as answer:
            digest = hashlib.sha256()
            try:
                for chunk in _limited(answer.iter_content(CHUNK), wanted.size, self.url):
                    digest.update(chunk)
                    yield chunk
            except requests.RequestException as error:
                raise self.broken(error) from error
        if f"sha256:{digest.hexdigest()}" != wanted.digest:
            raise HubError(
                _("{registry} sent other bytes than {digest} stands for.").format(
                    registry=self.url, digest=wanted.digest
                ),
                _("Try again, or another mirror."),
            )

    def has_blob(self, repository: str, wanted: Descriptor) -> bool:
        """Tell whether the repository holds a blob."""
        path = f"/v2/{repository}/blobs/{wanted.digest}"
        with self.ask("HEAD", path, missing=True) as answer:
            return answer.status_code == HTTPStatus.OK

    def put_blob(self, repository: str, wanted: Descriptor, content: Iterable[bytes]) -> None:
        """Upload a blob; the registry refuses it when its digest is wrong."""
        with self.ask("POST", f"/v2/{repository}/blobs/uploads/") as answer:
            location = requests.compat.urljoin(f"{self.url}/", answer.headers["Location"])
        joint = "&" if "?" in location else "?"
        self.ask(
            "PUT",
            f"{location}{joint}digest={wanted.digest}",
            headers={"Content-Type": "application/octet-stream"},
            data=content,
        ).close()

    def put_manifest(self, repository: str, tag: str, manifest: Manifest) -> None:
        """Give a tag to an image whose blobs are all there."""
        self.ask(
            "PUT",
            f"/v2/{repository}/manifests/{tag}",
            headers={"Content-Type": manifest.media_type},
            data=manifest.content,
        ).close()

    def configuration(self, repository: str, manifest: Manifest) -> dict[str, Any]:
        """Read an image's configuration."""
        if manifest.config.size > MANIFEST_LIMIT:
            raise HubError(_("{registry} holds no usable image.").format(registry=self.url))
        fields = json.loads(b"".join(self.blob(repository, manifest.config)))
        return fields if isinstance(fields, dict) else {}

    def refused(self, answer: requests.Response) -> HubError:
        """Say why the registry refused."""
        said = answer.text[:MANIFEST_LIMIT]
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
        return HubError(
            _("{registry} can't be reached: {cause}").format(
                registry=self.url, cause=" ".join(str(error).split())[:200]
            ),
            _("Check the network and any proxy."),
        )


def copy_image(
    source: Registry,
    target: Registry,
    image: tuple[str, Manifest],
    tags: Iterable[str],
    progress: Progress = silent,
) -> None:
    """Copy an image's blobs, then give it its tags: it is there whole or not at all.

    Parameters
    ----------
    source, target : Registry
        From where, to where.
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


def _limited(chunks: Iterable[bytes], limit: int, registry: str) -> Iterator[bytes]:
    seen = 0
    for chunk in chunks:
        seen += len(chunk)
        if seen > limit:
            raise HubError(
                _("{registry} sends more than it announced.").format(registry=registry),
                _("Try again, or another mirror."),
            )
        yield chunk
