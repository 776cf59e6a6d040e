"""The course's images, listed once."""

import platform
from dataclasses import dataclass

from dockerlab.errors import UnknownNameError
from dockerlab.language import _

BUILT_FROM_LABEL = "io.dockerlab.built-from"
"""Label of an image that was built here from Debian's packages, not pulled from Docker Hub."""

_ARCHITECTURES = {
    "x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64", "armv7l": "arm",
    "i686": "386", "ppc64le": "ppc64le", "s390x": "s390x", "riscv64": "riscv64",
}  # fmt: skip


@dataclass(frozen=True)
class CourseImage:
    """An image the course uses.

    Parameters
    ----------
    name : str
        Its repository, as a student types it.
    tags : tuple of str
        Its tags; all mean the same image.
    purpose : str
        What the course uses it for.
    base : str or None
        The course image its recipe builds on.
    """

    name: str
    tags: tuple[str, ...]
    purpose: str
    base: str | None = None

    @property
    def repository(self) -> str:
        """Its repository at Docker Hub and in the hub."""
        return f"library/{self.name}"

    @property
    def references(self) -> tuple[str, ...]:
        """Its names with each tag, such as ``debian:12``."""
        return tuple(f"{self.name}:{tag}" for tag in self.tags)


COURSE_IMAGES = (
    CourseImage("busybox", ("latest",), _("the smallest image with a shell: first containers")),
    CourseImage("hello-world", ("latest",), _("says what happened: the first run"), "busybox"),
    CourseImage("debian", ("12", "bookworm"), _("a whole distribution: what images build on")),
    CourseImage("nginx", ("latest",), _("a web server: ports, logs, commits"), "debian"),
    CourseImage("redis", ("latest",), _("a database: volumes, networks, processes"), "debian"),
    CourseImage("registry", ("2",), _("a registry of your own: push and pull"), "debian"),
)
"""Every course image; one that others build on comes before them."""


def course_image(name: str) -> CourseImage:
    """Find a course image by its repository's name.

    Raises
    ------
    UnknownNameError
        The course has no such image.
    """
    for image in COURSE_IMAGES:
        if image.name == name:
            return image
    raise UnknownNameError(
        _("The course has no image {name!r}.").format(name=name),
        _("It has: {names}.").format(names=", ".join(image.name for image in COURSE_IMAGES)),
    )


def host_architecture() -> str:
    """Name this machine's architecture as images do (``amd64``)."""
    machine = platform.machine().lower()
    return _ARCHITECTURES.get(machine, machine)
