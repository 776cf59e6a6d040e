"""From what a student types to the thing that was meant, or to a helpful no."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import docker
from docker.errors import APIError, DockerException, NotFound
from docker.models.containers import Container as DockerContainer
from docker.models.images import Image as DockerImage
from requests.exceptions import RequestException

from dockerlab.errors import EngineError, UnknownNameError
from dockerlab.facts.plain import plain
from dockerlab.facts.references import Reference
from dockerlab.facts.values import short_id
from dockerlab.language import _

Thing = str | DockerImage | DockerContainer
"""How things are named: by name, (short) ID or docker-py object."""

Json = Mapping[str, Any]


@contextmanager
def asking() -> Iterator[None]:
    """Turn an engine that doesn't answer, or answers with an error, into an EngineError."""
    try:
        yield
    except APIError as error:
        said = plain(error.explanation or error)
        raise EngineError(_("The engine refused: {said}.").format(said=said)) from error
    except (DockerException, RequestException) as error:
        raise EngineError(
            _("The engine does not answer ({cause}).").format(cause=type(error).__name__),
            _("Bring it back with lab.start(…) or `dockerlab engine start`."),
        ) from error


def identity(thing: Thing) -> str:
    """Return what the engine's API takes for a name, an ID or a docker-py object."""
    return thing.strip() if isinstance(thing, str) else str(thing.id)


def find_image(client: docker.DockerClient, name: str) -> Json | None:
    """Return GET /images/{name}/json, None where no image has this name."""
    api: Any = client.api
    return _ask(api.inspect_image, name)


def find_container(client: docker.DockerClient, name: str) -> Json | None:
    """Return GET /containers/{id}/json, None where no container has this name."""
    return _ask(client.api.inspect_container, name)


def inspect_image(client: docker.DockerClient, thing: Thing) -> Json:
    """Return GET /images/{name}/json, or raise UnknownNameError with what was meant."""
    found = find_image(client, identity(thing))
    if found is None:
        raise unknown_image(client, identity(thing))
    return found


def inspect_container(client: docker.DockerClient, thing: Thing) -> Json:
    """Return GET /containers/{id}/json, or raise UnknownNameError with what was meant."""
    found = find_container(client, identity(thing))
    if found is None:
        raise unknown_container(client, identity(thing))
    return found


def is_container(client: docker.DockerClient, thing: Thing) -> bool:
    """Whether a container is meant; of an image and a container of one name it is the image."""
    if not isinstance(thing, str):
        return isinstance(thing, DockerContainer)
    name = identity(thing)
    return find_image(client, name) is None and find_container(client, name) is not None


def unknown_image(client: docker.DockerClient, name: str) -> UnknownNameError:
    """Return the error for an image that is not there, with the nearest that is."""
    with asking():
        images = client.api.images()
    tags = [name for image in images for name in typed_names(image.get("RepoTags"))]
    near = nearest(name, tags)
    if find_container(client, name) is not None:
        return UnknownNameError(
            _("No image '{name}';").format(name=plain(name)),
            _("that is the name of a container."),
        )
    return _unknown(_("No image '{name}'").format(name=plain(name)), near, _pull_hint(name))


def unknown_container(client: docker.DockerClient, name: str) -> UnknownNameError:
    """Return the error for a container that is not there, with the nearest that is."""
    with asking():
        containers = client.api.containers(all=True)
    names = [name.lstrip("/") for one in containers for name in one.get("Names") or ()]
    near = nearest(name, names)
    hint = _("`docker ps -a` lists the containers.")
    return _unknown(_("No container '{name}'").format(name=plain(name)), near, hint)


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that `name` most likely meant, None where none is like it."""
    by_form: dict[str, str] = {}
    for candidate in sorted(candidates):
        without_tag = candidate[: candidate.rfind(":")] if ":" in candidate else candidate
        for form in (candidate.lower(), without_tag.lower(), without_tag.rpartition("/")[2]):
            by_form.setdefault(form, candidate)
    close = difflib.get_close_matches(name[:200].lower(), by_form, n=1, cutoff=0.6)
    return by_form[close[0]] if close else None


def display_name(tags: Iterable[str], image_id: str) -> str:
    """Return what an image is called where it has no better name: first tag or short ID.

    A name without a registry's address goes first: it is the one that is typed.
    """
    named = sorted(typed_names(tags), key=lambda one: Reference.parse(one).registry != "docker.io")
    return named[0] if named else short_id(image_id)


def typed_names(tags: Iterable[str] | None) -> tuple[str, ...]:
    """Return an image's names as they are typed, sorted; Podman tells them in full."""
    return tuple(sorted(Reference.parse(tag).familiar for tag in tags or () if "<none>" not in tag))


def _pull_hint(name: str) -> str:
    return _("`docker pull {name}` may bring it.").format(name=plain(name)[:80])


def _unknown(problem: str, near: str | None, hint: str) -> UnknownNameError:
    if near is None:
        return UnknownNameError(problem + ".", hint)
    return UnknownNameError(problem + ";", _("did you mean '{near}'?").format(near=plain(near)))


def _ask(ask: Callable[[str], Json], name: str) -> Json | None:
    if not name or "\0" in name:
        return None
    with asking():
        try:
            return ask(name)
        except NotFound:
            return None
        except APIError as error:
            # A name that can't be one ("Nginx", "a b") is a 400, and to a student as unknown.
            if error.response is not None and error.response.status_code == 400:
                return None
            raise
