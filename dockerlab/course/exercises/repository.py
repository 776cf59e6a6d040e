"""The exercises of chapter 2.3: an image on a registry's shelf, and a name that means it."""

import docker

from dockerlab.course.check import Exercise, Point
from dockerlab.course.exercises.finding import (
    image_names,
    inspect_image,
    judged,
    registry_address,
)
from dockerlab.errors import LabError
from dockerlab.facts import read_registry
from dockerlab.facts.registry.values import Target
from dockerlab.language import _

_REGISTRY, _BOX, _TAGS = "lab23-registry", "lab23-student/box", ("1.0", "stable")
_MENU = "lab23-menu"


def _look_at_shelf(client: docker.DockerClient) -> tuple[Point, ...]:
    wanted = _("the registry of this chapter answers")
    address = registry_address(client, _REGISTRY)
    if not address:
        hint = _("Run the cell that starts {name} again.").format(name=_REGISTRY)
        return (Point(wanted, False, _("it does not run"), hint),)
    try:
        shelf = read_registry(address)
    except LabError as error:
        return (Point(wanted, False, error.problem, error.mend),)
    found = {
        each.name: {tag: target for target in each.targets for tag in target.tags}
        for each in shelf.repositories
    }
    if _BOX not in found:
        local = [name for name in image_names(client) if name.startswith(f"{address}/{_BOX}")]
        if local:
            hint = _("The name is there, on this machine only: `docker push {name}` sends it.")
            hint = hint.format(name=local[0])
        elif any(name.split(":")[0] == _BOX for name in image_names(client)):
            hint = _(
                "A name without an address belongs to Docker Hub. Begin it with the registry's: "
                "{{address}}/{box}"
            ).format(box=_BOX)
        else:
            hint = _("First a name, `docker tag busybox {{address}}/{box}:1.0`, then push it.")
            hint = hint.format(box=_BOX)
        seen = _("it holds {names}").format(names=", ".join(sorted(found)) or _("nothing"))
        return (
            Point(wanted, True, _("it does")),
            Point(_("it holds {box}").format(box=_BOX), False, seen, hint),
        )
    box = found[_BOX]
    return (Point(wanted, True, _("it does")), _tags(set(box)), _content(client, box))


def _tags(found: set[str]) -> Point:
    wanted = _("its tags are {tags}").format(tags=", ".join(_TAGS))
    seen = _("there are {tags}").format(tags=", ".join(sorted(found)))
    missing = [tag for tag in _TAGS if tag not in found]
    if found == {"latest"}:
        hint = _("Without a tag you pushed latest: a tag stands after a colon, as in :1.0.")
    else:
        hint = _("Each tag is pushed by itself; missing is {tags}.").format(tags=", ".join(missing))
    return judged(wanted, not missing, seen, hint)


def _content(client: docker.DockerClient, pushed: dict[str, Target]) -> Point:
    """Judge by the numbers that the registry has: an image's layers may be another's as well."""
    wanted = _("both are busybox")
    busybox = inspect_image(client, "busybox") or {}
    digests = [str(name).partition("@")[2] for name in busybox.get("RepoDigests") or []]
    known = {str(busybox.get("Id")), *digests}
    for tag in _TAGS:
        if tag in pushed and not known & _numbers(pushed[tag]):
            hint = _("Tag it again from busybox and push it: `docker tag busybox …`")
            return Point(wanted, False, _("{tag} is another image").format(tag=tag), hint)
    return Point(wanted, True, _("they are"))


def _numbers(target: Target) -> set[str]:
    """Give the digests of a target, its manifests and their configurations.

    One of them is the image's ID: the configuration's with the overlay2 store, the target's with
    the containerd image store.
    """
    configurations = {
        blob.digest for one in target.manifests for blob in one.blobs if blob.kind == "config"
    }
    return {target.digest, *(one.digest for one in target.manifests), *configurations}


def _look_at_menu(client: docker.DockerClient) -> tuple[Point, ...]:
    return (_same(client, f"{_MENU}:3"), _same(client, f"{_MENU}:latest"), _no_more(client))


def _same(client: docker.DockerClient, name: str) -> Point:
    wanted = _("{name} is busybox").format(name=name)
    image, busybox = inspect_image(client, name), inspect_image(client, "busybox")
    if image is None:
        hint = _("A tag stands after a colon, a slash makes another repository: {name}")
        return Point(wanted, False, _("there is no such name"), hint.format(name=name))
    if busybox is not None and image["Id"] == busybox["Id"]:
        return Point(wanted, True, _("it is"))
    hint = _("A name can be moved: `docker tag busybox {name}` points it at busybox.")
    return Point(wanted, False, _("it is another image"), hint.format(name=name))


def _no_more(client: docker.DockerClient) -> Point:
    wrong = [name for name in image_names(client) if name.startswith(f"{_MENU}/")]
    hint = _("`docker image rm {name}` takes only the name away while the image has others.")
    return judged(
        _("no wrong name is left"),
        not wrong,
        _("there is {names}").format(names=", ".join(wrong)) if wrong else _("none is"),
        hint.format(name=wrong[0]) if wrong else "",
    )


EXERCISES = (
    Exercise("2.3.a", _("on the shelf"), _look_at_shelf),
    Exercise("2.3.b", _("repair a name"), _look_at_menu),
)
