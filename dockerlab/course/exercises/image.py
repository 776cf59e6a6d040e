"""The exercises of chapter 2.1: what an image carries, and the settings it gives."""

import docker

from dockerlab.course.chapters import find_chapter
from dockerlab.course.check import Exercise, Point
from dockerlab.course.exercises.finding import (
    file_in_container,
    image_names,
    inspect_image,
    missing,
    passing_container,
)
from dockerlab.facts import Image, read_image
from dockerlab.facts.values import Layer
from dockerlab.language import _

_TIDY, _REPORT, _NUMBERS = "lab21-tidy", "/report.txt", "/numbers.txt"
_LINES = "3000000"
_HEAVY = 5_000_000  # bytes; the list of numbers has 22.9 million
_READY, _NAME, _VALUE, _FOLDER = "lab21-ready", "COURSE", "docker", "/data"
_REPORT_LIMIT = 100  # bytes of a wrong report that are shown


def _look_at_tidy(client: docker.DockerClient) -> tuple[Point, ...]:
    there = _("an image named {name}").format(name=_TIDY)
    if inspect_image(client, _TIDY) is None:
        return (_no_image(client, there, _TIDY),)
    visible = _file(client, _TIDY, _NUMBERS) is not None
    return (
        Point(there, True, _("there it is")),
        _reported(_file(client, _TIDY, _REPORT)),
        _light(read_image(client, _TIDY), _bases(client), visible=visible),
    )


def _reported(report: bytes | None) -> Point:
    wanted = _("{report} says how many lines there were").format(report=_REPORT)
    if report is None:
        hint = _("Nothing at {report}. Keep the report when you remove the numbers.")
        return Point(wanted, False, _("there is no such file"), hint.format(report=_REPORT))
    words = report[:_REPORT_LIMIT].decode(errors="replace").split()
    if words[:1] == [_LINES]:
        return Point(wanted, True, _("it says {lines}").format(lines=_LINES))
    seen = _("it says “{words}”").format(words=" ".join(words))
    hint = _("The first word should be {lines}: `wc -l` counts lines, and only after they exist.")
    return Point(wanted, False, seen, hint.format(lines=_LINES))


def _light(image: Image, bases: tuple[str, ...], *, visible: bool) -> Point:
    wanted = _("no layer of yours carries more than 5 MB")
    heavy = [
        layer for layer in image.layers if (layer.size or 0) > _HEAVY and layer.diff_id not in bases
    ]
    if not heavy:
        return Point(wanted, True, _("none does"))
    seen = _("{instruction} left {size} MB").format(
        instruction=_instruction(image, heavy[0]), size=f"{(heavy[0].size or 0) / 1e6:.1f}"
    )
    if visible:
        hint = _("{numbers} is still in the image. Remove it before its own RUN ends.")
    else:
        hint = _(
            "{numbers} can't be seen any more, but a later layer only hides it. Make it, count "
            "it and remove it in one RUN: … && … && rm {numbers}"
        )
    return Point(wanted, False, seen, hint.format(numbers=_NUMBERS))


def _instruction(image: Image, layer: Layer) -> str:
    return image.steps[layer.step].instruction if layer.step is not None else _("a layer")


def _bases(client: docker.DockerClient) -> tuple[str, ...]:
    """List the layers of the chapter's own images: they are not the student's to slim."""
    bases: list[str] = []
    for name in find_chapter("2.1").images:
        image = inspect_image(client, name)
        bases += image["RootFS"].get("Layers") or [] if image else []
    return tuple(bases)


def _look_at_ready(client: docker.DockerClient) -> tuple[Point, ...]:
    there = _("an image named {name}").format(name=_READY)
    image = inspect_image(client, _READY)
    if image is None:
        return (_no_image(client, there, _READY),)
    config = image.get("Config") or {}
    return (
        Point(there, True, _("there it is")),
        _environment(config.get("Env") or []),
        _user(config.get("User") or ""),
        _volumes(list(config.get("Volumes") or {})),
    )


def _environment(variables: list[str]) -> Point:
    wanted = _("it sets {name}={value}").format(name=_NAME, value=_VALUE)
    values = dict(variable.partition("=")[::2] for variable in variables)
    if values.get(_NAME) == _VALUE:
        return Point(wanted, True, _("it does"))
    if _NAME in values:
        seen = _("it sets {name}={value}").format(name=_NAME, value=values[_NAME])
        hint = _("Only the value is wrong; quotation marks may have become part of it.")
        return Point(wanted, False, seen, hint)
    hint = _(
        "RUN export ends with its own shell, and the layer keeps files only. "
        "`ENV {name}={value}` is kept in the configuration."
    ).format(name=_NAME, value=_VALUE)
    return Point(wanted, False, _("it does not set {name}").format(name=_NAME), hint)


def _user(user: str) -> Point:
    wanted = _("its programs do not run as root")
    if user.partition(":")[0] not in ("", "0", "root"):
        return Point(wanted, True, _("they run as {user}").format(user=user))
    if user:
        hint = _("That is root by another name. `USER 1000` is somebody else.")
    else:
        hint = _("Nothing in the configuration names a user, and then it is root: `USER 1000`.")
    return Point(wanted, False, _("they run as {user}").format(user=user or "root"), hint)


def _volumes(volumes: list[str]) -> Point:
    wanted = _("{folder} is a volume").format(folder=_FOLDER)
    places = [volume.rstrip("/") for volume in volumes]
    if _FOLDER in places:
        return Point(wanted, True, _("it is"))
    if places:
        seen = _("the volume is {places}").format(places=", ".join(places))
        return Point(wanted, False, seen, _("The place has to be {folder}.").format(folder=_FOLDER))
    hint = _(
        "A folder made by RUN mkdir is part of a layer. `VOLUME {folder}` in the configuration "
        "asks for a new volume with each container."
    ).format(folder=_FOLDER)
    return Point(wanted, False, _("it declares no volume"), hint)


def _no_image(client: docker.DockerClient, wanted: str, name: str) -> Point:
    way = _("Build one, and name it with -t: `docker build -t {name} …`").format(name=name)
    return missing(wanted, name, image_names(client), way)


def _file(client: docker.DockerClient, image: str, path: str) -> bytes | None:
    """Read a file as a container of the image would see it, without starting one."""
    with passing_container(client, image, "2.1") as container:
        return file_in_container(client, container, path, _REPORT_LIMIT)


EXERCISES = (
    Exercise("2.1.a", _("an image that carries only its result"), _look_at_tidy),
    Exercise("2.1.b", _("an image that brings its settings"), _look_at_ready),
)
