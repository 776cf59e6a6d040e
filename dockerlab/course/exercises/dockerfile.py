"""The exercises of chapter 3.5: a recipe of one's own, and one that is to become lighter."""

import docker

from dockerlab.course.check import Exercise, Point
from dockerlab.course.exercises.finding import (
    file_in_container,
    image_point,
    judged,
    passing_container,
)
from dockerlab.course.ownership import LABEL
from dockerlab.language import _

_RECIPE, _MESSAGE, _SLIM, _REPORT = "lab35-recipe", "/message", "lab35-slim", "/report"
_BYTES = b"20000000"
_LIGHT = 1_000_000  # bytes
_SECONDS = 20


def _look_at_recipe(client: docker.DockerClient) -> tuple[Point, ...]:
    way = _("Write a Dockerfile and build it: `docker build -t {name} …`").format(name=_RECIPE)
    image, there = image_point(client, _RECIPE, way)
    if image is None:
        return (there,)
    with passing_container(client, _RECIPE, "3.5") as container:
        content = file_in_container(client, container, _MESSAGE)
    text = (content or b"").strip()
    wanted = _("{file} has a text").format(file=_MESSAGE)
    if content is None:
        seen, hint = _("there is no such file"), _("RUN echo … > {file} makes it, or a COPY.")
    else:
        seen, hint = _("it is empty"), _("Put a text into {file} while the image is built.")
    written = judged(wanted, bool(text), seen, hint.format(file=_MESSAGE), fine=_("it has"))
    return (there, written, _prints(client, text))


def _prints(client: docker.DockerClient, text: bytes) -> Point:
    wanted = _("docker run prints that text")
    box = client.containers.create(_RECIPE, labels={LABEL: "3.5"})
    try:
        box.start()
        box.wait(timeout=_SECONDS)
        said = box.logs().strip()
    except docker.errors.APIError:
        said = b""
    finally:
        box.remove(force=True, v=True)
    if not said:
        seen, hint = _("it prints nothing"), _('CMD says what runs: CMD ["cat", "{file}"]')
    else:
        seen = _("it prints something else")
        hint = _("Let it print the file itself, so that both are the same: cat {file}")
    right = bool(text) and said == text
    return judged(wanted, right, seen, hint.format(file=_MESSAGE), fine=_("it does"))


def _look_at_slim(client: docker.DockerClient) -> tuple[Point, ...]:
    way = _("Name it with -t when you build it: {name}").format(name=_SLIM)
    image, there = image_point(client, _SLIM, way)
    if image is None:
        return (there,)
    with passing_container(client, _SLIM, "3.5") as container:
        report = file_in_container(client, container, _REPORT)
        data = file_in_container(client, container, "/data", 1) is not None
    wanted = _("{file} says {count}").format(file=_REPORT, count=_BYTES.decode())
    hint = _("The report is to stay: count first, then remove what was counted.")
    seen = _("it does not") if report is not None else _("there is no such file")
    reported = judged(wanted, (report or b"").strip() == _BYTES, seen, hint, fine=_("it does"))
    return (there, reported, _light(client, visible=data))


def _light(client: docker.DockerClient, *, visible: bool) -> Point:
    base = len(client.images.get("busybox").history())
    steps = client.images.get(_SLIM).history()
    heaviest = max((step["Size"] for step in steps[: len(steps) - base]), default=0)
    if visible:
        hint = _("/data is still in it. Remove it in the RUN that has made it.")
    else:
        hint = _(
            "A later RUN only hides /data. Join them with &&, or leave the work to a first stage "
            "and COPY --from it."
        )
    seen = _("the heaviest has {size} MB").format(size=f"{heaviest / 1e6:.1f}")
    wanted = _("no layer of yours has more than 1 MB")
    return judged(wanted, heaviest <= _LIGHT, seen, hint)


EXERCISES = (
    Exercise("3.5.a", _("a recipe of your own"), _look_at_recipe),
    Exercise("3.5.b", _("slim it down"), _look_at_slim),
)
