"""What engines told while they pulled and pushed, one recording an engine."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from dockerlab.errors import LabError, RegistryError, UnknownNameError, UsageError
from dockerlab.facts import Transfer
from dockerlab.facts.transfer import explained, follow

STREAMS = Path(__file__).parent / "streams"
ENGINES = sorted(path.stem for path in STREAMS.glob("*.json"))
Follow = Callable[[str], Transfer]


def test_there_are_recordings() -> None:
    assert {"20.10-overlay2", "26.1-overlay2", "26.1-containerd"} <= set(ENGINES)


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def told(engine: str) -> Follow:
    streams: dict[str, list[Any]] = json.loads((STREAMS / f"{engine}.json").read_text())

    def read(name: str) -> Transfer:
        direction: Literal["pull", "push"] = "pull" if name.startswith("pull") else "push"
        return follow(direction, "127.0.0.1:9/web:1", streams[name])

    return read


def outcomes(transfer: Transfer) -> list[str]:
    return sorted(layer.outcome for layer in transfer.layers)


def test_a_first_pull_downloads_all(told: Follow) -> None:
    pulled = told("pull")
    assert outcomes(pulled) == ["downloaded"] * 3
    assert pulled.digest.startswith("sha256:")
    assert not pulled.unchanged
    assert 25_000_000 < max(layer.size or 0 for layer in pulled.layers) < 32_000_000


def test_a_second_pull_moves_nothing(told: Follow) -> None:
    again = told("pull-again")
    assert again.unchanged
    assert again.layers == ()
    assert again.digest == told("pull").digest


def test_a_shared_base_is_not_downloaded(told: Follow, engine: str) -> None:
    pulled = told("pull-shared")
    base = max(told("pull").layers, key=lambda layer: layer.size or 0).id
    by_id = {layer.id: layer.outcome for layer in pulled.layers}
    # The containerd store doesn't speak of what it has.
    assert by_id.get(base) == (None if "containerd" in engine else "exists")
    assert outcomes(pulled).count("downloaded") == 2


def test_pushes(told: Follow, engine: str) -> None:
    pushed = told("push")
    assert outcomes(pushed) == ["pushed"] * 3
    if "containerd" in engine:  # overlay2 packs each layer again, and may pack it otherwise
        assert pushed.digest == told("pull").digest
    assert pushed.digest == told("push-again").digest
    assert pushed.unpacked == ("containerd" not in engine)
    assert outcomes(told("push-again")) == ["exists"] * 3
    mounted = told("push-mounted")
    assert outcomes(mounted) == ["mounted"] * 3
    assert {layer.source for layer in mounted.layers} == {"team/web"}
    assert outcomes(told("push-shared")) == ["mounted", "pushed", "pushed"]


def test_a_registry_that_is_not_there(told: Follow) -> None:
    with pytest.raises(RegistryError, match=r"Nothing listens at 127\.0\.0\.1:9\."):
        told("push-nowhere")


@pytest.mark.parametrize(
    ("said", "kind", "problem", "mend"),
    [
        ("http: server gave HTTP response to HTTPS client", RegistryError, "plain HTTP",
         "insecure-registries"),
        ("tls: failed to verify certificate: x509: certificate signed by unknown authority",
         RegistryError, "doesn't trust", "/etc/docker/certs.d/reg.example:5000/ca.crt"),
        ("no basic auth credentials", RegistryError, "wants a user",
         "docker login reg.example:5000"),
        ("unauthorized: authentication required", RegistryError, "wants a user", "docker login"),
        ("toomanyrequests: You have reached", RegistryError, "limit", "log in"),
        ("manifest for x not found: manifest unknown", UnknownNameError, "No image", "Check"),
        ("repository name not known to registry: name unknown", UnknownNameError, "No image", ""),
        ("dial tcp: lookup reg.example: no such host", RegistryError, "can't reach", "network"),
        ("dial tcp: connect: connection refused", RegistryError, "Nothing listens", "port"),
        ("invalid reference format: must be lowercase", UsageError, "no name of an image", "lower"),
        ("something \x1b[31mnew", RegistryError, "The engine said: something new.", ""),
    ],
)  # fmt: skip
def test_refusals_in_plain_words(said: str, kind: type[LabError], problem: str, mend: str) -> None:
    error = explained("reg.example:5000/team/app:1", said)
    assert type(error) is kind
    assert problem in error.problem
    assert mend in error.mend
    assert "\n" not in str(error)


def test_senseless_lines_are_passed_over() -> None:
    lines: list[dict[str, Any]] = [
        {}, {"status": None}, {"id": "x"}, {"status": "Downloading", "id": "x"},
        {"status": "Pushing", "id": "y", "progressDetail": {"current": None}},
    ]  # fmt: skip
    assert follow("pull", "x:1", lines).layers == ()
