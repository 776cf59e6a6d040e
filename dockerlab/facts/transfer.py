"""Pulls and pushes, watched layer by layer through the engine's stream of progress."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Literal

import docker
from docker.errors import APIError
from docker.utils import parse_repository_tag

from dockerlab.errors import EngineError, LabError, RegistryError, UnknownNameError, UsageError
from dockerlab.facts.names import asking, inspect_image
from dockerlab.facts.plain import plain
from dockerlab.facts.references import Reference
from dockerlab.facts.registry.connection import Credentials, credentials
from dockerlab.facts.transfer_values import MovedLayer, Outcome, Transfer
from dockerlab.language import _

Json = Mapping[str, Any]

_OUTCOMES: Mapping[str, Outcome] = {
    "Already exists": "exists",
    "Layer already exists": "exists",
    "Download complete": "downloaded",
    "Pull complete": "downloaded",
    "Pushed": "pushed",
}
_DIGEST = re.compile(r"\bdigest: (sha256:[0-9a-f]{64})", re.IGNORECASE)


def pull_image(
    client: docker.DockerClient,
    name: str,
    *,
    username: str | None = None,
    password: str | None = None,
) -> Transfer:
    """Pull an image and tell what became of each layer.

    Raises
    ------
    UnknownNameError
        The registry has no such image.
    UsageError
        That is no name of an image, or one of user name and password is missing.
    RegistryError
        The registry can't be reached, can't be trusted, or refuses.
    EngineError
        The engine doesn't answer.

    Notes
    -----
    POST /images/create and its stream.
    """
    return _watched(client, "pull", name, credentials(username, password))


def push_image(
    client: docker.DockerClient,
    name: str,
    *,
    username: str | None = None,
    password: str | None = None,
) -> Transfer:
    """Push an image and tell what became of each layer.

    Raises
    ------
    UnknownNameError
        The engine has no such image; the error names the nearest one.
    RegistryError
        The registry can't be reached, can't be trusted, or refuses.
    EngineError
        The engine doesn't answer.

    Notes
    -----
    POST /images/{name}/push and its stream.
    """
    inspect_image(client, name)
    return _watched(client, "push", name, credentials(username, password))


def follow(direction: Literal["pull", "push"], name: str, stream: Iterable[Json]) -> Transfer:
    """Make a value of the engine's progress lines.

    Raises
    ------
    LabError
        The stream ends with an error; see `pull_image`.
    """
    outcomes: dict[str, Outcome] = {}
    sizes: dict[str, int] = {}
    sources: dict[str, str] = {}
    digest, unchanged, unpacked = "", False, False
    for line in stream:
        if line.get("error") or line.get("errorDetail"):
            detail = line.get("errorDetail") or {}
            raise explained(name, str(detail.get("message") or line.get("error")))
        status, layer = str(line.get("status") or ""), str(line.get("id") or "")
        progress: Json = line.get("progressDetail") or {}
        if status in ("Downloading", "Pushing"):
            counts = (progress.get("current") or 0, progress.get("total") or 0)
            sizes[layer] = max(sizes.get(layer, 0), *map(int, counts))
        elif status in _OUTCOMES:
            outcomes[layer] = _OUTCOMES[status]
        elif status.startswith("Mounted from "):
            outcomes[layer] = "mounted"
            sources[layer] = status.removeprefix("Mounted from ")
        elif status in ("Pulling fs layer", "Preparing", "Waiting"):
            outcomes.setdefault(layer, "exists")
        # Only a push from overlay2 prepares: it packs each layer again.
        unpacked = unpacked or status == "Preparing"
        found = _DIGEST.search(status)
        digest = found.group(1) if found else digest
        unchanged = unchanged or "is up to date" in status
    layers = tuple(
        MovedLayer(
            layer,
            outcome,
            sizes.get(layer) if outcome in ("downloaded", "pushed") else None,
            sources.get(layer, ""),
        )
        for layer, outcome in outcomes.items()
    )
    return Transfer(direction, name, layers, digest, unchanged, unpacked)


def explained(name: str, said: str) -> LabError:
    """Return the error for what the engine said of a registry, in plain words."""
    registry = plain(Reference.parse(name).registry)
    shown = plain(name)
    known: tuple[tuple[tuple[str, ...], LabError], ...] = (
        (
            ("invalid reference format", "invalid tag format", "no Host in request URL"),
            UsageError(
                _("'{name}' is no name of an image.").format(name=shown),
                _("Names are lower case, as 'nginx:latest' or '127.0.0.1:5000/team/app:1'."),
            ),
        ),
        (
            ("server gave HTTP response to HTTPS client",),
            RegistryError(
                _("{registry} speaks plain HTTP, and the engine wants TLS.").format(
                    registry=registry
                ),
                _('List it under "insecure-registries" in the engine\'s daemon.json.'),
            ),
        ),
        (
            ("x509", "certificate"),
            RegistryError(
                _("The engine doesn't trust the certificate of {registry}.").format(
                    registry=registry
                ),
                _("Put its signer's into /etc/docker/certs.d/{registry}/ca.crt.").format(
                    registry=registry
                ),
            ),
        ),
        (
            ("toomanyrequests", "429 Too Many"),
            RegistryError(
                _("{registry} has reached its limit of pulls for this address.").format(
                    registry=registry
                ),
                _("Wait some hours, or log in for a higher limit."),
            ),
        ),
        (
            (
                "no basic auth credentials",
                "unauthorized",
                "401",
                "access to the resource is denied",
            ),
            RegistryError(
                _("{registry} doesn't let you: it wants a user who may do this.").format(
                    registry=registry
                ),
                _("Run: docker login {registry} (or pass username= and password=).").format(
                    registry=registry
                ),
            ),
        ),
        (
            ("manifest unknown", "not found", "does not exist", "name unknown"),
            UnknownNameError(
                _("No image '{name}' in {registry}.").format(name=shown, registry=registry),
                _("Check name and tag; a private one looks like this too, without docker login."),
            ),
        ),
        (
            ("connection refused",),
            RegistryError(
                _("Nothing listens at {registry}.").format(registry=registry),
                _("Start the registry, or check the port."),
            ),
        ),
        (
            ("no such host", "lookup", "network is unreachable", "i/o timeout"),
            RegistryError(
                _("The engine can't reach {registry}.").format(registry=registry),
                _("Check the name '{name}', the network and any proxy.").format(name=shown),
            ),
        ),
    )
    for words, error in known:
        if any(word in said for word in words):
            return error
    return RegistryError(_("The engine said: {said}.").format(said=plain(said)[:300].rstrip(".")))


def _watched(
    client: docker.DockerClient,
    direction: Literal["pull", "push"],
    name: str,
    user: Credentials | None,
) -> Transfer:
    repository, tag = parse_repository_tag(name.strip())
    tag = tag or "latest"
    full = f"{repository}@{tag}" if tag.startswith("sha256:") else f"{repository}:{tag}"
    api: Any = client.api
    auth = dict(zip(("username", "password"), user, strict=True)) if user else None
    ask = partial(
        getattr(api, direction), repository, tag=tag, stream=True, decode=True, auth_config=auth
    )
    return follow(direction, full, _lines(full, ask))


def _lines(name: str, ask: Callable[[], Iterable[Json]]) -> Iterator[Json]:
    try:
        with asking():
            yield from ask()
    except EngineError as error:
        # A refusal is mostly the registry's, and the engine only passes it on.
        if isinstance(error.__cause__, APIError):
            said = str(error.__cause__.explanation or error.__cause__)
            raise explained(name, said) from error
        raise
