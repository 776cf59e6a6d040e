"""Build a course image from its recipe, on any engine, and take it into the hub.

The engine's classic builder is used: every engine has it, it needs no ``docker`` command, and
unlike BuildKit it keeps no cache of its own behind and adds no attestations.
"""

import io
import re
import tarfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

import docker
import requests

from dockerlab.engine import debian
from dockerlab.engine.disk import disk_full
from dockerlab.engine.images import BUILT_FROM_LABEL, CourseImage, course_image
from dockerlab.engine.progress import Progress
from dockerlab.engine.registry import CHUNK, Target
from dockerlab.engine.saved import take
from dockerlab.errors import HubError
from dockerlab.facts.registry.manifest import Descriptor
from dockerlab.language import _

_RECIPES = Path(__file__).parent / "recipes"
STAGE_LABEL = "io.dockerlab.stage"
"""Label of a stage of a recipe that the image itself does not keep."""

_STEP = re.compile(r"Step \d+/\d+ : (\w+)")
_MADE = re.compile(r" ---> ([0-9a-f]{12})\s*$")
_TERMINAL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x1f\x7f-\x9f]")
_CANCEL_SECONDS = 2.0  # how long a cancelled step may take to end
_BUILD_SECONDS = 600  # how long a step may be silent


class Workshop:
    """One engine that builds for the hub, and is left as it was found.

    Use it in a ``with`` statement: on leaving, every name and stage that was made is removed.

    Parameters
    ----------
    client : docker.DockerClient
        The engine.
    hub : str
        ``host:port`` of the hub.
    storage : Target
        The hub's files, where what is built goes.
    folder : Path
        An empty folder to work in.
    busybox : Path
        A static busybox for this machine.
    progress : Progress
        Told the steps.
    """

    def __init__(
        self,
        client: docker.DockerClient,
        hub: str,
        storage: Target,
        folder: Path,
        *,
        busybox: Path,
        progress: Progress,
    ) -> None:
        self._client = client
        self._api = client.api
        self._hub = hub
        self._storage = storage
        self._folder = folder
        self._busybox = busybox
        self._progress = progress
        self._made: list[str] = []
        self._packed: dict[str, Descriptor] = {}
        self._step = ""
        self._building = False

    def __enter__(self) -> "Workshop":
        return self

    def __exit__(self, *_exception: object) -> None:
        with suppress(docker.errors.DockerException, requests.RequestException):
            self._made += self._orphans()
        # the latest first, for an image can't go before what was built on it
        for name in reversed(self._made):
            with suppress(docker.errors.APIError, requests.RequestException):
                self._remove(name)

    def build(self, image: CourseImage) -> None:
        """Build an image and take it into the hub; the image it builds on must be in the hub.

        Raises
        ------
        HubError
            The mirror or the engine fails, or the disk is full.
        """
        with self._one_sentence(image):
            self._build(image)
        self._take(image, f"{self._repository(image)}:{image.tags[0]}")

    def take_own(self, image: CourseImage) -> bool:
        """Take the engine's own copy of an image, when that surely came from Docker Hub.

        Only the overlay2 store's digests tell: it has one for what was pulled, and none for
        what was built, committed or tagged here. The containerd store makes one up for all.

        Returns
        -------
        bool
            Whether there was such a copy.
        """
        if _containerd_store(self._api.info()):
            return False
        try:
            found = self._client.images.get(image.references[0]).attrs
        except docker.errors.ImageNotFound:
            return False
        digests = found.get("RepoDigests") or []
        if not any(digest.startswith(f"{image.name}@") for digest in digests):
            return False
        self._take(image, found["Id"])
        return True

    def _build(self, image: CourseImage) -> None:
        extra: Mapping[str, Path] = {}
        if image.name == "busybox":
            extra = {"busybox": self._busybox}
        elif image.name == "debian":
            work = self._folder / "debian"
            work.mkdir()
            extra = debian.prepare(work, self._progress)
        label = _("Building {image}").format(image=image.references[0])
        self._progress(label, 0, None)
        arguments = debian.proxy_arguments()
        if image.base:
            base = course_image(image.base)
            reference = f"{self._repository(base)}:{base.tags[0]}"
            arguments[image.base.upper()] = reference
            self._made.append(reference)
        context = self._folder / "context.tar"
        _pack(image.name, extra, context)
        main = f"{self._repository(image)}:{image.tags[0]}"
        self._made.append(main)
        with context.open("rb") as stream:
            answer = self._api.build(
                fileobj=stream, custom_context=True, tag=main, nocache=True, rm=True, forcerm=True,
                network_mode="host", buildargs=arguments, decode=True, timeout=_BUILD_SECONDS,
            )  # fmt: skip
            self._building = True
            with closing(answer):  # the engine cancels a build that nobody listens to
                for said in _checked(answer):
                    self._note_step(str(said.get("stream", "")))
                    self._progress(label, 0, None)
            self._building = False
        context.unlink()

    def _note_step(self, said: str) -> None:
        """Remember what a step made, so that it goes again even when a later step fails."""
        if step := _STEP.match(said):
            self._step = step[1]
        # what FROM names was there before
        elif (made := _MADE.match(said)) and self._step != "FROM":
            self._made.append(made[1])

    def _orphans(self) -> list[str]:
        """Find what the engine still made of a build that nobody listened to until its end.

        It cancels such a build, but the step under way may yet become an image.
        """
        until = time.monotonic() + _CANCEL_SECONDS
        found: dict[str, None] = {}
        while self._building and time.monotonic() < until:
            time.sleep(0.2)
            for image in self._api.images(filters={"dangling": True}, quiet=True):
                with suppress(docker.errors.ImageNotFound):
                    found |= dict.fromkeys(reversed(self._line(image)))
        return list(found)

    def _line(self, image: str) -> list[str]:
        """Give an image and its parents, the latest first, when they go back to one of ours.

        Every stage of a recipe begins with a label, so a line without a parent we know begins
        with an image that has this label and no layer.
        """
        line = []
        while _short(image) not in self._made:
            line.append(image)
            attributes = self._client.images.get(image).attrs
            image = attributes.get("Parent") or ""
            if not image:
                labels = attributes["Config"].get("Labels") or {}
                ours = labels.keys() & {STAGE_LABEL, BUILT_FROM_LABEL}
                return line if ours and not attributes["RootFS"].get("Layers") else []
        return line

    def _remove(self, name: str) -> None:
        """Remove an image; one that a cancelled step still uses is waited for a little."""
        until = time.monotonic() + _CANCEL_SECONDS
        while True:
            try:
                self._api.remove_image(name)
            except docker.errors.APIError as error:
                in_use = error.status_code == HTTPStatus.CONFLICT and self._building
                if not in_use or time.monotonic() > until:
                    raise
                time.sleep(0.1)
            else:
                return

    def _take(self, image: CourseImage, name: str) -> None:
        """Have the engine save an image, and take it into the hub."""
        label = _("Storing {image} in the hub").format(image=image.references[0])
        self._progress(label, 0, None)
        file = self._folder / "saved.tar"
        before, self._api.timeout = self._api.timeout, _BUILD_SECONDS  # it gathers, then sends
        try:
            with self._one_sentence(image), file.open("wb") as target:
                for chunk in self._api.get_image(name, chunk_size=CHUNK):
                    target.write(chunk)
                    self._progress(label, target.tell(), None)
            take(self._storage, image, file, self._packed)
        finally:
            self._api.timeout = before
            file.unlink(missing_ok=True)

    def _repository(self, image: CourseImage) -> str:
        return f"{self._hub}/{image.repository}"

    def _one_sentence(self, image: CourseImage) -> "_OneSentence":
        return _OneSentence(image.references[0])


def _short(image: str) -> str:
    """Shorten an image's ID as the builder does."""
    return image.removeprefix("sha256:")[:12]


class _OneSentence:
    """Turns what the engine says when it fails into one HubError."""

    def __init__(self, image: str) -> None:
        self._image = image

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if not isinstance(error, (docker.errors.DockerException, requests.RequestException)):
            return
        said = " ".join(_TERMINAL.sub(" ", str(error)).split())
        if "no space left on device" in said:
            raise disk_full(_("the engine's data root")) from error
        raise HubError(
            _("The image {image} can't be built: {cause}").format(
                image=self._image, cause=said[:300]
            ),
            _("Check the engine with 'dockerlab doctor', or load a bundle."),
        ) from error


def _checked(answer: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """Pass on what a long job says to its end, and raise when it said that it failed."""
    last = failure = ""
    for said in answer:
        failure = failure or str(said.get("error", ""))
        last = str(said.get("stream", "")).strip() or last
        yield said
    if failure:
        raise docker.errors.BuildError(f"{last} ({failure})" if last else failure, iter(()))


def _pack(recipe: str, extra: Mapping[str, Path], target: Path) -> None:
    """Pack a recipe's folder and what it needs besides into a build context."""
    own = {path.name: path for path in sorted((_RECIPES / recipe).iterdir())}
    with tarfile.open(target, "w") as archive:
        for name, path in {**own, **extra}.items():
            entry = tarfile.TarInfo(name)
            entry.size = path.stat().st_size
            with path.open("rb") as stream:
                start = stream.read(4)
                # an installed package may have lost its scripts' modes
                entry.mode = 0o755 if start.startswith((b"#!", b"\x7fELF")) else 0o644
                stream.seek(0, io.SEEK_SET)
                archive.addfile(entry, stream)


def _containerd_store(info: Mapping[str, Any]) -> bool:
    return any("containerd" in str(value) for _name, value in info.get("DriverStatus") or ())
