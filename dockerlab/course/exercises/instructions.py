"""The exercises of chapter 3.6: an entrypoint with a default, and a folder to work in."""

import docker

from dockerlab.course.check import Exercise, Point
from dockerlab.course.exercises.finding import image_point, judged
from dockerlab.course.ownership import LABEL
from dockerlab.language import _

_GREET, _DESK, _DRAWER = "lab36-greet", "lab36-desk", "/desk/drawer"
_SECONDS = 20


def _said(client: docker.DockerClient, image: str, *command: str) -> str:
    """Run an image once, with these words after its name, and give what it prints."""
    box = client.containers.create(image, list(command) or None, labels={LABEL: "3.6"})
    try:
        box.start()
        box.wait(timeout=_SECONDS)
        return str(box.logs().decode(errors="replace")).strip()
    except docker.errors.APIError as error:
        return str(error.explanation or error)
    finally:
        box.remove(force=True, v=True)


def _look_at_greet(client: docker.DockerClient) -> tuple[Point, ...]:
    way = _("Build it with a name: `docker build -t {name} …`").format(name=_GREET)
    image, there = image_point(client, _GREET, way)
    if image is None:
        return (there,)
    alone, moon = _said(client, _GREET), _said(client, _GREET, "moon")
    entry = list((image.get("Config") or {}).get("Entrypoint") or [])
    shell = entry[:2] == ["/bin/sh", "-c"]
    if shell:
        hint = _("In the shell form the words are lost: write ENTRYPOINT as a list.")
    elif entry:
        hint = _("ENTRYPOINT stays, and what follows the image's name replaces CMD: split them.")
    else:
        hint = _("Words after the image's name replace CMD. What must stay belongs in ENTRYPOINT.")
    seen = _("it prints “{words}”").format(words=moon[:60])
    second = judged(_("with the word moon it prints hello moon"), moon == "hello moon", seen, hint)
    hint = _("CMD has the default arguments, and is put after ENTRYPOINT's words: hello world.")
    seen = _("it prints “{words}”").format(words=alone[:60])
    first = judged(_("by itself it prints hello world"), alone == "hello world", seen, hint)
    return (there, first, second)


def _look_at_desk(client: docker.DockerClient) -> tuple[Point, ...]:
    way = _("Build it with a name: `docker build -t {name} …`").format(name=_DESK)
    image, there = image_point(client, _DESK, way)
    if image is None:
        return (there,)
    config = image.get("Config") or {}
    place, user = str(config.get("WorkingDir") or "/"), str(config.get("User") or "root")
    hint = _("`WORKDIR {folder}` is kept for the container; a cd in RUN is not.")
    starts = judged(
        _("it starts in {folder}").format(folder=_DRAWER),
        place.rstrip("/") == _DRAWER,
        _("it starts in {folder}").format(folder=place),
        hint.format(folder=_DRAWER),
    )
    hint = _("`USER 1000` says who its programs run as.")
    seen = _("it runs as {user}").format(user=user)
    runs = judged(_("it runs as user 1000"), user.partition(":")[0] == "1000", seen, hint)
    writes = _said(client, _DESK, "sh", "-c", "touch x && echo yes")
    hint = _(
        "The folder belongs to somebody else: RUN chown 1000 {folder} while you are still root, "
        "before USER."
    )
    wanted, seen = _("it can write there"), _("it can't")
    can = judged(wanted, writes == "yes", seen, hint.format(folder=_DRAWER), fine=_("it can"))
    return (there, starts, runs, can)


EXERCISES = (
    Exercise("3.6.a", _("a polite tool"), _look_at_greet),
    Exercise("3.6.b", _("a place to work"), _look_at_desk),
)
