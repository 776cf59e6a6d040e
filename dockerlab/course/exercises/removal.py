"""The exercises of chapter 3.3: take away a name, and remove what is held fast."""

import docker

from dockerlab.course.check import Exercise, Point
from dockerlab.course.exercises.finding import inspect_container, inspect_image, judged
from dockerlab.language import _

_DRAFT, _FINAL, _LABEL = "lab33-draft", "lab33-final", "lab33"
_STUCK, _HOLDER = "lab33-stuck", "lab33-holder"


def _look_at_names(client: docker.DockerClient) -> tuple[Point, ...]:
    draft, final = inspect_image(client, _DRAFT), inspect_image(client, _FINAL)
    labels = ((final or {}).get("Config") or {}).get("Labels") or {}
    kept = _("{name} is still the letter").format(name=_FINAL)
    if final is None:
        hint = _(
            "The image had two names and both are gone, so it was deleted. Run the cell above "
            "again, and remove the name {name} only."
        ).format(name=_DRAFT)
        keeping = Point(kept, False, _("there is no such image"), hint)
    else:
        hint = _("{name} is another image now. Run the cell above again.").format(name=_FINAL)
        mine = labels.get(_LABEL) == "letter"
        keeping = judged(kept, mine, _("it is another image"), hint, fine=_("it is"))
    hint = _("`docker image rm {name}` takes the name away; by its ID both would have to go.")
    gone = _("the name {name} is gone").format(name=_DRAFT)
    seen = _("it is still there")
    return (
        keeping,
        judged(gone, draft is None, seen, hint.format(name=_DRAFT), fine=_("it is")),
    )


def _look_at_stuck(client: docker.DockerClient) -> tuple[Point, ...]:
    box = inspect_container(client, _HOLDER)
    wanted = _("no container holds it")
    if box and box["State"]["Running"]:
        hint = _("{name} runs. Stop and remove it: `docker rm --force {name}`.")
    else:
        hint = _(
            "{name} has stopped, but it is still there and needs its image: `docker rm {name}`."
        )
    seen = _("{name} is there").format(name=_HOLDER)
    holding = judged(wanted, box is None, seen, hint.format(name=_HOLDER), fine=_("none does"))
    image = inspect_image(client, _STUCK)
    hint = (
        _("Nothing holds it any more: `docker image rm {name}`.")
        if box is None
        else _("As long as the container is there, the engine protects the image.")
    )
    gone = _("there is no image {name}").format(name=_STUCK)
    seen = _("it is there")
    return (
        holding,
        judged(gone, image is None, seen, hint.format(name=_STUCK), fine=_("there is none")),
    )


EXERCISES = (
    Exercise("3.3.a", _("only the name"), _look_at_names),
    Exercise("3.3.b", _("it won't go"), _look_at_stuck),
)
