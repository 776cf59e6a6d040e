"""Fill the hub with the course's images, and an engine from the hub.

An image comes from the first that has it: the hub itself, the engine (when it surely pulled it
from Docker Hub), Docker Hub or a mirror, a bundle, and last a build from Debian's packages.
"""

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import docker
import requests

from dockerlab.engine import bundle as bundles
from dockerlab.engine.archive import write
from dockerlab.engine.bounded import within
from dockerlab.engine.build import Workshop
from dockerlab.engine.bundle import WORK_LOCK, Trusted
from dockerlab.engine.disk import disk_full, file_error
from dockerlab.engine.hub import Hub
from dockerlab.engine.images import COURSE_IMAGES, CourseImage, host_architecture
from dockerlab.engine.locking import locked
from dockerlab.engine.progress import Progress, silent
from dockerlab.engine.registry import Registry, copy_image
from dockerlab.errors import HubError
from dockerlab.language import _

DOCKER_HUB = "https://registry-1.docker.io"

_PROBE_SECONDS = 3.0
_HARDLY_ANY = 32 * 2**20  # bytes left on a disk on which a failed write needs no other cause

Origin = Literal["hub", "engine", "registry", "bundle", "build"]


@dataclass(frozen=True)
class Filled:
    """Where an image came from.

    ``origin`` is ``hub`` for what was there already, ``engine``, ``registry`` (Docker Hub or
    the mirror named), ``bundle``, or ``build`` from Debian's packages.
    """

    image: CourseImage
    origin: Origin


def fill(
    hub: Hub,
    client: docker.DockerClient | None,
    images: Iterable[CourseImage] = COURSE_IMAGES,
    *,
    mirror: str | None = None,
    bundle: Trusted | None = None,
    thorough: bool = False,
    progress: Progress = silent,
) -> tuple[Filled, ...]:
    """Make sure that the running hub holds course images; needs no network when it does.

    What is not as it was put there is fetched again, and so is what nobody knows the origin of.

    The engine is left as it was: what is put there to be pushed or built is removed again.

    Parameters
    ----------
    hub : Hub
        The running hub.
    client : docker.DockerClient or None
        The engine that may have images, and builds what nobody else has.
    images : iterable of CourseImage, optional
        Which images, each after the one it builds on; all by default.
    mirror : str, optional
        The URL of a registry to ask instead of Docker Hub.
    bundle : Trusted, optional
        A bundle to take images from that the registry does not give.
    thorough : bool, optional
        Whether to read each byte of what the hub has, not only what changed.
    progress : Progress, optional
        Told the steps, with bytes where they are known.

    Returns
    -------
    tuple of Filled
        Each of the images and where it came from.

    Raises
    ------
    HubError, EngineError
        An image can be had from nowhere, or the disk is full.
    """
    wanted = tuple(images)
    with _knowing_full_disks(hub), _only_one(hub):
        storage = hub.storing()
        states = {image: storage.state(image, thorough=thorough) for image in wanted}
        origins: dict[str, Origin] = {
            image.name: "hub" for image, state in states.items() if state == "whole"
        }
        changed = [image for image, state in states.items() if state == "changed"]
        if changed:
            progress(_changed(changed), 0, None)
        if len(origins) < len(wanted):
            with tempfile.TemporaryDirectory(prefix="fill-", dir=hub.folder) as folder:
                run = _Run(hub, client, Path(folder), progress)
                try:
                    run.fill(wanted, origins, mirror, bundle)
                except HubError as error:
                    bad = [image for image in changed if image.name not in origins]
                    if bad:
                        raise HubError(f"{_changed(bad)} {error.problem}", error.mend) from error
                    raise
        return tuple(Filled(image, origins[image.name]) for image in wanted)


def _changed(images: Iterable[CourseImage]) -> str:
    names = ", ".join(image.references[0] for image in images)
    return _("In the hub, not as dockerlab put it there: {names}.").format(names=names)


def bring(
    client: docker.DockerClient,
    hub: Hub,
    images: Iterable[CourseImage] = COURSE_IMAGES,
    progress: Progress = silent,
) -> tuple[CourseImage, ...]:
    """Make sure that an engine has images, taking from the hub those it has not.

    An engine that has the hub as its mirror pulls them, as a student would. Any other gets
    them as an archive, since it may not reach this machine's loopback.

    Parameters
    ----------
    client : docker.DockerClient
        The engine.
    hub : Hub
        The running hub.
    images : iterable of CourseImage, optional
        Which images; all by default.
    progress : Progress, optional
        Told the steps.

    Returns
    -------
    tuple of CourseImage
        The images that were missing.

    Raises
    ------
    HubError
        The hub lacks an image, or the engine refuses it.
    """
    present = {
        reference
        for summary in client.api.images()
        for reference in (summary.get("RepoTags") or ())
    }
    missing = tuple(image for image in images if not set(image.references) <= present)
    if not missing:
        return ()
    try:
        if _is_mirror(client, hub):
            for image in missing:
                label = _("Pulling {image}").format(image=image.references[0])
                progress(label, 0, None)
                for tag in image.tags:
                    client.images.pull(image.name, tag, auth_config={})
        else:
            with hub.registry() as registry, tempfile.TemporaryFile(dir=hub.folder) as archive:
                write(registry, missing, archive, progress)
                archive.seek(0)
                progress(_("Loading the images"), 0, None)
                client.images.load(archive)
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise HubError(
            _("The engine did not take the course's images: {cause}").format(
                cause=" ".join(str(error).split())[:300]
            ),
            _("Check it with 'dockerlab doctor'."),
        ) from error
    except OSError as error:
        raise file_error(error, hub.folder) from error
    return missing


class _Run:
    """One filling of the hub."""

    def __init__(
        self,
        hub: Hub,
        client: docker.DockerClient | None,
        folder: Path,
        progress: Progress,
    ) -> None:
        self._hub = hub
        self._client = client
        self._folder = folder
        self._progress = progress

    def fill(
        self,
        images: tuple[CourseImage, ...],
        origins: dict[str, Origin],
        mirror: str | None,
        bundle: Trusted | None,
    ) -> None:
        """Try source after source until every image has an origin."""

        def missing() -> list[CourseImage]:
            return [image for image in images if image.name not in origins]

        if self._client is not None:
            with self._workshop("Docker Hub") as workshop:
                for image in missing():
                    if workshop.take_own(image):
                        origins[image.name] = "engine"
        if missing():
            self._copy(missing(), origins, mirror)
        if missing() and bundle:
            for image in bundles.load(
                self._hub.storing(_("a bundle")), bundle, self._folder,
                wanted=lambda image: image in missing(), progress=self._progress,
            ):  # fmt: skip
                origins[image.name] = "bundle"
        if missing():
            with self._workshop() as workshop:
                for image in missing():
                    workshop.build(image)
                    origins[image.name] = "build"

    def _copy(
        self, images: list[CourseImage], origins: dict[str, Origin], mirror: str | None
    ) -> None:
        """Copy from Docker Hub, or from a mirror that the user named and that must answer."""
        self._progress(_("Asking {registry}").format(registry=mirror or "Docker Hub"), 0, None)
        storage = self._hub.storing(mirror or "Docker Hub")
        with Registry(mirror or DOCKER_HUB) as source:
            if mirror is None and not answers(source):
                return
            for image in images:
                try:
                    manifest = source.manifest(image.repository, image.tags[0], host_architecture())
                    if manifest:
                        found = (image.repository, manifest)
                        copy_image(source, storage, found, image.tags, self._progress)
                        origins[image.name] = "registry"
                except HubError:
                    if mirror is not None or self._hub.free_space() < _HARDLY_ANY:
                        raise
                    return  # it answered at first; what it does not give is built

    def _workshop(self, origin: str = "") -> Workshop:
        if self._client is None:
            raise HubError(
                _("The hub lacks images, and there is no engine to build them."),
                _("Start one: dockerlab engine start"),
            )
        return Workshop(
            self._client, self._hub.address.host, self._hub.storing(origin), self._folder,
            busybox=self._hub.busybox, progress=self._progress,
        )  # fmt: skip


def answers(registry: Registry, seconds: float = _PROBE_SECONDS) -> bool:
    """Tell within ``seconds`` whether a registry can be reached, name resolution included."""
    try:
        return within(seconds, registry.answers)
    except TimeoutError:
        return False


def _is_mirror(client: docker.DockerClient, hub: Hub) -> bool:
    mirrors = (client.info().get("RegistryConfig") or {}).get("Mirrors") or ()
    return f"http://{hub.address.host}" in {mirror.rstrip("/") for mirror in mirrors}


@contextmanager
def _only_one(hub: Hub) -> Iterator[None]:
    """Let one job at a time fill the hub; what a killed one left is removed."""
    with locked(hub.folder / WORK_LOCK):
        for left in hub.folder.glob("fill-*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


@contextmanager
def _knowing_full_disks(hub: Hub) -> Iterator[None]:
    """Tell a full disk from the many ways in which writing to one fails."""
    try:
        yield
    except OSError as error:
        raise file_error(error, hub.folder) from error
    except HubError as error:
        if hub.free_space() < _HARDLY_ANY:
            raise disk_full(hub.folder) from error
        raise
