"""The chapters: what each needs on the engine, and which names it keeps for itself."""

import difflib
import fnmatch
from dataclasses import dataclass

from dockerlab.errors import UnknownNameError
from dockerlab.language import _


@dataclass(frozen=True)
class Chapter:
    """One notebook.

    Parameters
    ----------
    number : str
        The number of its section in the source text, ``"2.1"``; the welcome is ``"0"``.
    title : str
        Its heading.
    notebook : str
        Its file in the folder of the notebooks, without ``.ipynb``.
    images : tuple of str
        The images it starts from, ``name:tag``.
    names : tuple of str
        Names that the source text gives to containers, images (``name:tag``), volumes or networks,
        and that this chapter keeps besides those with its prefix; a star stands for anything.
    prunes : tuple of str
        Kinds (``container``, ``image``) of which the chapter's cells remove all that nobody uses
        and that bears the chapter's label.
    """

    number: str
    title: str
    notebook: str
    images: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    prunes: tuple[str, ...] = ()

    @property
    def prefix(self) -> str:
        """Every container, image, volume and network is this chapter's whose name begins so.

        Of an image, any part of its name: ``127.0.0.1:5000/lab23-student/hello`` is 2.3's.
        """
        return f"lab{self.number.replace('.', '')}-"

    def keeps(self, name: str) -> bool:
        """Tell whether a container, image, volume or network of this name is this chapter's."""
        parts = name.split("/")
        return any(part.startswith(self.prefix) for part in parts) or any(
            fnmatch.fnmatchcase(name, kept) for kept in self.names
        )


_BUSYBOX, _DEBIAN, _NGINX = "busybox:latest", "debian:12", "nginx:latest"

CHAPTERS = (
    Chapter("0", "Welcome", "00-welcome", (_BUSYBOX, "hello-world:latest")),
    Chapter("1", "Docker architecture", "01-architecture", (_BUSYBOX,)),
    Chapter("2.1", "Image", "02-1-image", (_BUSYBOX, _DEBIAN)),
    Chapter("2.2", "Container", "02-2-container", (_BUSYBOX,)),
    Chapter("2.3", "Repository", "02-3-repository", (_BUSYBOX, "registry:2")),
    Chapter("3.1", "Getting images: docker pull", "03-1-pull", (_BUSYBOX, _DEBIAN, "registry:2")),
    Chapter(
        "3.2",
        "Listing images: docker image ls",
        "03-2-list",
        (_BUSYBOX, _DEBIAN),
        prunes=("image",),
    ),
    Chapter("3.3", "Removing images: docker image rm", "03-3-remove", (_BUSYBOX, "registry:2")),
    Chapter(
        "3.4",
        "Understanding images with docker commit",
        "03-4-commit",
        (_NGINX,),
        ("webserver", "web2", "nginx:v2"),
    ),
    Chapter(
        "3.5",
        "Building images with a Dockerfile",
        "03-5-dockerfile",
        (_BUSYBOX, _DEBIAN, _NGINX),
        ("nginx:v3",),
    ),
    Chapter("3.6", "The instructions of a Dockerfile", "03-6-instructions", (_BUSYBOX,)),
    Chapter("4.0", "Containers, and listing them", "04-0-containers", (_BUSYBOX,)),
    Chapter("4.1", "Starting containers", "04-1-start", (_BUSYBOX, _DEBIAN)),
    Chapter("4.2", "Running in the background", "04-2-detached", (_BUSYBOX, _DEBIAN)),
    Chapter("4.3", "Stopping and restarting", "04-3-stop", (_BUSYBOX, _DEBIAN)),
    Chapter("4.4", "Entering a container", "04-4-enter", (_BUSYBOX, _DEBIAN)),
    Chapter(
        "4.5",
        "Exporting and importing",
        "04-5-export",
        (_BUSYBOX, _DEBIAN),
        ("test/ubuntu:v1.0",),
    ),
    Chapter(
        "4.6",
        "Removing containers",
        "04-6-remove",
        (_BUSYBOX,),
        ("crazy_solomon", "magical_zhukovsky"),
        prunes=("container",),
    ),
    Chapter(
        "5.1",
        "Docker Hub",
        "05-1-hub",
        (_BUSYBOX, _DEBIAN, "registry:2"),
        ("superyaaaang/*", "127.0.0.1:*/superyaaaang/*"),
    ),
    Chapter(
        "5.2",
        "A private registry",
        "05-2-registry",
        (_BUSYBOX, _DEBIAN, "registry:2"),
        ("registry", "127.0.0.*:*/debian:latest", "*:*/lab52/*"),
    ),
)


def find_chapter(number: str) -> Chapter:
    """Give the chapter of this number.

    Raises
    ------
    UnknownNameError
        There is none; the mend names the nearest.
    """
    numbers = [chapter.number for chapter in CHAPTERS]
    if number in numbers:
        return CHAPTERS[numbers.index(number)]
    near = difflib.get_close_matches(str(number), numbers, n=1, cutoff=0.5)
    raise UnknownNameError(
        _("There is no chapter {number!r}.").format(number=number),
        _("Did you mean {near!r}?").format(near=near[0])
        if near
        else _("The chapters are {numbers}.").format(numbers=", ".join(numbers)),
    )
