"""In what engines differ as far as a claim of the text is concerned."""

import os
import re

import docker

from dockerlab.errors import LabError
from dockerlab.language import _

TRAITS = (
    "buildkit",
    "classic-builder",
    "containerd-store",
    "overlay2",
    "podman",
    "posix",
    "rootful",
    "rootless",
)
"""The words a row's ``where`` may have, beside a comparison such as ``api>=1.44``."""

_COMPARISON = re.compile(r"api(<|>=)(\d+)\.(\d+)")


def engine_traits(client: docker.DockerClient) -> frozenset[str]:
    """Tell an engine's traits (``GET /info``, ``/version`` and the headers of ``/_ping``).

    Returns
    -------
    frozenset of str
        Words of `TRAITS`, and the API's version as ``api=1.45``.
    """
    info, version = client.info(), client.version()
    answer = client.api.get(f"{client.api.base_url}/_ping", timeout=client.api.timeout)
    status = dict(pair for pair in info.get("DriverStatus") or [] if len(pair) == 2)
    parts = [part.get("Name") for part in version.get("Components") or []]
    options = " ".join(info.get("SecurityOptions") or [])
    containerd = "containerd" in str(status.get("driver-type"))
    return frozenset(
        {
            "buildkit" if answer.headers.get("Builder-Version") == "2" else "classic-builder",
            "containerd-store" if containerd else str(info.get("Driver")),
            "rootless" if "rootless" in options else "rootful",
            f"api={version.get('ApiVersion')}",
            *(["podman"] if "Podman Engine" in parts else []),
            *(["posix"] if os.name == "posix" else []),
        }
    )


def fits(where: tuple[str, ...], traits: frozenset[str]) -> bool:
    """Tell whether an engine has every trait that is asked for.

    Raises
    ------
    LabError
        A word is no trait.
    """
    return all(_fits(word, traits) for word in where)


def _fits(word: str, traits: frozenset[str]) -> bool:
    if comparison := _COMPARISON.fullmatch(word):
        least = (int(comparison[2]), int(comparison[3]))
        return (_api(traits) >= least) == (comparison[1] == ">=")
    if word not in TRAITS:
        raise LabError(_("The ledger knows no trait {word!r} of an engine.").format(word=word))
    return word in traits


def _api(traits: frozenset[str]) -> tuple[int, ...]:
    version = next((trait[4:] for trait in traits if trait.startswith("api=")), "0")
    return tuple(int(part) for part in version.split(".") if part.isdigit())
