"""The exercises of chapter 3.2: names for an image, and images without one."""

import docker

from dockerlab.course.check import Exercise, Point
from dockerlab.course.exercises.finding import image_names, inspect_image, judged, missing
from dockerlab.course.ownership import LABEL
from dockerlab.language import _

_TEA = ("lab32-tea:latest", "lab32-tea:green", "lab32-tea:1.0")
_FOUND = "lab32-found"


def _look_at_tea(client: docker.DockerClient) -> tuple[Point, ...]:
    busybox = inspect_image(client, "busybox") or {}
    return tuple(_named(client, name, str(busybox.get("Id"))) for name in _TEA)


def _named(client: docker.DockerClient, name: str, identity: str) -> Point:
    wanted = _("{name} is busybox").format(name=name)
    image = inspect_image(client, name)
    if image is None:
        way = _("`docker tag busybox {name}` gives the name.").format(name=name)
        if name.endswith(":latest"):
            way += " " + _("Without a tag, latest is filled in.")
        return missing(wanted, name, image_names(client), way)
    hint = _("That was built or named from something else: tag busybox itself, once more.")
    same = image["Id"] == identity
    return judged(wanted, same, _("it is another image"), hint, fine=_("it is"))


def _look_at_found(client: docker.DockerClient) -> tuple[Point, ...]:
    label = f"{LABEL}=3.2"
    nameless = client.api.images(filters={"dangling": True, "label": [label]})
    return (_found(client, label, len(nameless)), _no_more(len(nameless)))


def _found(client: docker.DockerClient, label: str, nameless: int) -> Point:
    wanted = _("{name} is the image that was lost").format(name=_FOUND)
    image = inspect_image(client, _FOUND)
    if image is None:
        way = _(
            "`docker image ls -f dangling=true -f label={label}` lists the nameless ones; "
            "`docker tag ID {name}` names one."
        )
        if not nameless:
            way = _(
                "No nameless image is left to be found: a prune takes all of them. Run the cell "
                "above again, and name one before you prune."
            )
        way = way.format(label=label, name=_FOUND)
        return missing(wanted, _FOUND, image_names(client), way)
    labels = (image.get("Config") or {}).get("Labels") or {}
    hint = _("It lacks the label lost=yes, so it is another image. Run the cell above again.")
    mine = labels.get("lost") == "yes"
    return judged(wanted, mine, _("it is another one"), hint, fine=_("it is"))


def _no_more(count: int) -> Point:
    wanted = _("no nameless image of this chapter is left")
    hint = _("Name it before you prune: `docker image prune --force --filter label={label}=3.2`")
    seen = _("left are {count}").format(count=count)
    return judged(wanted, not count, seen, hint.format(label=LABEL), fine=_("none is"))


EXERCISES = (
    Exercise("3.2.a", _("one image, three names"), _look_at_tea),
    Exercise("3.2.b", _("tidy up"), _look_at_found),
)
