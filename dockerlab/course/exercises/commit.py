"""The exercises of chapter 3.4: an image made of a container, and one without ballast."""

from typing import Any

import docker

from dockerlab.course.check import Exercise, Point
from dockerlab.course.exercises.finding import (
    file_in_container,
    image_point,
    inspect_image,
    judged,
    passing_container,
)
from dockerlab.language import _

_MINE, _SLIM, _BASE, _LARGE = "lab34-mine", "lab34-slim", "nginx", "/large"
_PAGES = (
    "/usr/share/nginx/html/index.html",
    "/var/www/html/index.html",
    "/var/www/html/index.nginx-debian.html",
)
_WELCOME = b"Welcome to nginx"
_HELLO = b"Hello, Docker!"
_MUCH = 5_000_000  # bytes that a page surely does not need


def _look_at_mine(client: docker.DockerClient) -> tuple[Point, ...]:
    way = _("Run a container of nginx, change its page, then `docker commit CONTAINER {name}`.")
    image, there = image_point(client, _MINE, way.format(name=_MINE))
    if image is None:
        return (there,)
    return (there, _on_nginx(client, image, _MINE), _own_page(client), _author(image))


def _on_nginx(client: docker.DockerClient, image: dict[str, Any], name: str) -> Point:
    wanted = _("it has the layers of nginx and one more")
    base = (inspect_image(client, _BASE) or {}).get("RootFS", {}).get("Layers") or []
    layers = image["RootFS"].get("Layers") or []
    more = len(layers) - len(base)
    if layers[: len(base)] != base:
        seen, hint = _("it stands on something else"), _("Start from a container of nginx.")
    elif more < 1:
        seen = _("it has none of its own")
        hint = _("That is nginx by another name: commit a container, not `docker tag`.")
    else:
        seen = _("it has {count} more").format(count=more)
        hint = _("Each commit adds a layer. Start again from nginx and commit once: {name}.")
    return judged(wanted, more == 1 and layers[: len(base)] == base, seen, hint.format(name=name))


def _page(client: docker.DockerClient, image: str) -> bytes:
    with passing_container(client, image, "3.4") as container:
        found = (file_in_container(client, container, path) for path in _PAGES)
        return next((content for content in found if content is not None), b"")


def _own_page(client: docker.DockerClient) -> Point:
    content = _page(client, _MINE)
    wanted = _("its page is your own")
    if not content.strip():
        return Point(wanted, False, _("there is none"), _("Write one into the page's file."))
    hint = _("The change was made after the commit, or elsewhere: look with `docker diff`.")
    seen = _("it is nginx's welcome")
    return judged(wanted, _WELCOME not in content, seen, hint, fine=_("it is"))


def _author(image: dict[str, Any]) -> Point:
    author = str(image.get("Author") or "")
    hint = _("`docker commit --author NAME …` says who made it.")
    return judged(_("it names its author"), bool(author), author or _("it names none"), hint)


def _look_at_slim(client: docker.DockerClient) -> tuple[Point, ...]:
    way = _("Change the page in a new container of nginx and commit that one as {name}.")
    image, there = image_point(client, _SLIM, way.format(name=_SLIM))
    if image is None:
        return (there,)
    hello = judged(
        _("its page says Hello, Docker!"),
        _HELLO in _page(client, _SLIM),
        _("it does not"),
        _("Make the change before the commit; its words are <h1>Hello, Docker!</h1>."),
        fine=_("it does"),
    )
    return (there, hello, _light(client))


def _light(client: docker.DockerClient) -> Point:
    wanted = _("no layer upon nginx carries more than 5 MB")
    base = len(client.images.get(_BASE).history())
    mine = client.images.get(_SLIM).history()
    heaviest = max((step["Size"] for step in mine[: len(mine) - base]), default=0)
    with passing_container(client, _SLIM, "3.4") as container:
        seen_file = file_in_container(client, container, _LARGE, 1) is not None
    if seen_file:
        hint = _("The large file is still in it: start from a new container of nginx.")
    else:
        hint = _(
            "A layer below still has the large file; removing it only hides it. Start again from "
            "nginx itself."
        )
    seen = _("the heaviest has {size} MB").format(size=f"{heaviest / 1e6:.1f}")
    return judged(wanted, heaviest < _MUCH, seen, hint)


EXERCISES = (
    Exercise("3.4.a", _("a page of your own"), _look_at_mine),
    Exercise("3.4.b", _("without the ballast"), _look_at_slim),
)
