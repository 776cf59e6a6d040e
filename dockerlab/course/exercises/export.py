"""The exercises of chapter 4.5: a snapshot that starts, and a saved image that was imported."""

from typing import Any

import docker

from dockerlab.course.check import Exercise, Point
from dockerlab.course.exercises.finding import (
    file_in_container,
    image_point,
    judged,
    passing_container,
)
from dockerlab.language import _

_COPY, _NOTE, _TRAVEL = "lab45-copy", "/note", "lab45-travel"
_GREETING = "GREETING=hello"


def _command(image: dict[str, Any]) -> str:
    config = image.get("Config") or {}
    return " ".join([*(config.get("Entrypoint") or []), *(config.get("Cmd") or [])])


def _file(client: docker.DockerClient, image: str, path: str) -> bytes | None:
    with passing_container(client, image, "4.5") as container:
        return file_in_container(client, container, path)


def _look_at_copy(client: docker.DockerClient) -> tuple[Point, ...]:
    way = _("`docker export lab45-source | docker import - {name}` makes it.").format(name=_COPY)
    image, there = image_point(client, _COPY, way)
    if image is None:
        return (there,)
    return (there, _one_layer(image), _note(client), _prints_note(image))


def _one_layer(image: dict[str, Any]) -> Point:
    count = len((image.get("RootFS") or {}).get("Layers") or [])
    hint = _("A commit or a build adds to the layers of its base. An import makes one of all.")
    return judged(_("it has one layer"), count == 1, _("it has {n}").format(n=count), hint)


def _note(client: docker.DockerClient) -> Point:
    wanted = _("{file} is in it").format(file=_NOTE)
    content = _file(client, _COPY, _NOTE)
    if content is None:
        seen, hint = (
            _("it is not"),
            _("The container that was exported had none: `docker diff` shows what it wrote."),
        )
    else:
        seen, hint = _("it is empty"), _("Write a word into it before the export.")
    return judged(wanted, bool(content and content.strip()), seen, hint, fine=_("it is"))


def _prints_note(image: dict[str, Any]) -> Point:
    command = _command(image)
    if not command:
        seen = _("it has no command")
        hint = _('An import knows no settings. --change \'CMD ["cat", "/note"]\' gives it one.')
    else:
        seen = _("it runs {command}").format(command=command)
        hint = _("It starts, but what it runs does not print {file}: cat does.").format(file=_NOTE)
    return judged(_("run without a command, it prints the note"), _NOTE in command, seen, hint)


def _look_at_travel(client: docker.DockerClient) -> tuple[Point, ...]:
    way = _("`docker save` writes an image into an archive, `docker load` reads it: {name}.")
    image, there = image_point(client, _TRAVEL, way.format(name=_TRAVEL))
    if image is None:
        return (there,)
    files = _is_an_image(client)
    if not files.met:  # all else that is wrong follows from this
        return (there, files)
    return (there, files, *_is_whole(image))


def _is_an_image(client: docker.DockerClient) -> Point:
    json_there = _file(client, _TRAVEL, "/manifest.json") is not None
    hint = _(
        "The archive came from `docker save` and was imported as though it were a container's "
        "files. `docker load` reads it."
    )
    wanted, seen = _("it has an image's files"), _("it has a manifest.json at its root")
    return judged(wanted, not json_there, seen, hint, fine=_("it has"))


def _is_whole(image: dict[str, Any]) -> tuple[Point, ...]:
    count = len((image.get("RootFS") or {}).get("Layers") or [])
    hint = _("An export keeps neither layers nor history: take save and load.")
    seen = _("it has {n}").format(n=count)
    layers = judged(_("it has its three layers"), count == 3, seen, hint)
    set_there = _GREETING in ((image.get("Config") or {}).get("Env") or [])
    runs = "/result" in _command(image)
    seen = _("they are missing")
    hint = _("This is not lab45-app: its command or its variable is missing.")
    wanted = _("it has its settings, command and variable")
    return layers, judged(wanted, set_there and runs, seen, hint, fine=_("it has"))


EXERCISES = (
    Exercise("4.5.a", _("a snapshot that starts"), _look_at_copy),
    Exercise("4.5.b", _("the wrong pair"), _look_at_travel),
)
