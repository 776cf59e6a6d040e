"""Whose engine answers: Docker's API is spoken by others too, each with ways of its own."""

from weakref import WeakKeyDictionary

import docker

from dockerlab.facts.names import asking

_known: "WeakKeyDictionary[docker.DockerClient, bool]" = WeakKeyDictionary()


def is_podman(client: docker.DockerClient) -> bool:
    """Whether it is Podman that answers (GET /version, once a client).

    Raises
    ------
    EngineError
        The engine doesn't answer.
    """
    if client not in _known:
        with asking():
            components = client.api.version(api_version=False).get("Components") or ()
        _known[client] = any(one.get("Name") == "Podman Engine" for one in components)
    return _known[client]
