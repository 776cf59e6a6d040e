"""What to say of something that is not the course's and bears a name that a chapter needs."""

from collections.abc import Sequence

from dockerlab.course.chapters import Chapter
from dockerlab.course.resources import Resource
from dockerlab.errors import LabError
from dockerlab.language import _

_NAMED = 3  # of which the way out is told


def in_the_way(foreign: Sequence[tuple[Resource, bool]], chapter: Chapter) -> LabError:
    """Say what is in the way, and the command that gets it out of the way without losing it.

    Parameters
    ----------
    foreign : sequence of (Resource, bool)
        What bears a name of the chapter, and whether it has the course's label.
    chapter : Chapter
        The chapter that needs the names.
    """
    first, labelled = foreign[0]
    problem = _("The {kind} '{name}' is in the way, and the course did not make it.").format(
        kind=first.kind, name=first.name
    )
    if labelled:
        problem = _(
            "The {kind} '{name}' is in the way. It has the course's label, but the course has no "
            "note of making it, so it does not remove it."
        ).format(kind=first.kind, name=first.name)
    if more := len(foreign) - 1:
        problem += " " + _("So are {count} more.").format(count=more)
    ways = [_way_out(thing, labelled=labelled) for thing, labelled in foreign[:_NAMED]]
    every = _("names that begin with {prefix}").format(prefix=chapter.prefix)
    kept = _("This chapter keeps {names} for itself.").format(
        names=", ".join([*chapter.names, every])
    )
    return LabError(problem, f"{kept} {'; '.join(ways)}")


def _way_out(thing: Resource, *, labelled: bool) -> str:
    if labelled:
        return _("If you don't need it: {command}").format(command=_removal(thing))
    name, other = thing.name, _other_name(thing.name)
    match thing.kind:
        case "container":
            return _("Give it another name: {command}").format(
                command=f"docker rename {name} {other}"
            )
        case "image":
            return _("Give it another name: {command}").format(
                command=f"docker tag {name} {other} && docker image rm {name}"
            )
        case "volume":
            return _("Copy it, then remove it: {command}").format(
                command=f"docker run --rm -v {name}:/from -v {other}:/to busybox "
                f"cp -a /from/. /to && docker volume rm {name}"
            )
        case _:
            return _("Make it again under another name, then: {command}").format(
                command=_removal(thing)
            )


def _removal(thing: Resource) -> str:
    commands = {"container": "rm --force", "image": "image rm"}
    return f"docker {commands.get(thing.kind, f'{thing.kind} rm')} {thing.name}"


def _other_name(name: str) -> str:
    return f"my-{name.rpartition('/')[2]}"
