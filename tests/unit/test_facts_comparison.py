"""Comparisons and commits, read from what engines have said."""

import hashlib
import io
import tarfile
from collections.abc import Iterator
from typing import Any

import docker
import pytest
from recorded_engine import ENGINES, Memory, remembering

from dockerlab.errors import UnknownNameError
from dockerlab.facts import FileDifference, read_comparison, read_stack
from dockerlab.facts.comparison import _between, _differ, _State
from dockerlab.facts.files import Entry
from dockerlab.facts.written import MOST_PATHS, read_written


@pytest.fixture(params=ENGINES, scope="module")
def memory(request: pytest.FixtureRequest) -> Memory:
    return Memory.read(request.param)


@pytest.fixture
def client(memory: Memory) -> Iterator[docker.DockerClient]:
    with remembering(memory) as client:
        yield client


def test_an_image_and_what_was_built_on_it(client: docker.DockerClient) -> None:
    found = read_comparison(client, "recorded-base:1", "recorded-app:1", files=False)
    assert found.common == len(found.a.image.layers)
    assert (found.a.name, found.b.name) == ("recorded-base:1", "recorded-app:1")
    settings = {(one.kind, one.key): (one.a, one.b) for one in found.settings}
    assert settings["CMD", ""] == ("cat /greeting", "sleep 1000")
    assert settings["WORKDIR", ""][1] == "/srv"
    assert settings["EXPOSE", "80/tcp"] == (None, "")
    assert ("ENV", "GREETING") not in settings
    assert found.files is None
    assert not found.same


def test_names_as_they_were_asked_for(client: docker.DockerClient) -> None:
    found = read_comparison(client, "recorded-app:1", "recorded-app:also", files=False)
    assert (found.a.name, found.b.name) == ("recorded-app:1", "recorded-app:also")
    assert found.a.image == found.b.image
    assert found.same
    with pytest.raises(UnknownNameError, match="did you mean 'recorded-app:also'"):
        read_comparison(client, "recorded-app:1", "recorded-app:alzo", files=False)


def test_an_image_and_a_container_of_it(client: docker.DockerClient) -> None:
    found = read_comparison(client, "recorded-app:1", "recorded-exited", files=False)
    assert found.b.container is not None
    assert found.common == len(found.a.image.layers)
    assert found.b.bytes >= found.a.bytes
    assert not found.same


def test_a_commit_is_recognised_by_its_container(client: docker.DockerClient) -> None:
    stack = read_stack(client, "recorded-exited", "recorded-commit:1")
    (commit,) = stack.commits
    (container,) = stack.containers
    assert commit.container_id == container.id
    assert commit.image_id == stack.images[1].id
    assert commit.witnessed


def test_a_forgotten_commit_is_told_by_its_command(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgetful = Memory(dict(memory.contents))
    forgetful.contents["events"] = []
    inspected = {key: dict(value) for key, value in memory.contents["image-inspect"].items()}
    for data in inspected.values():
        data.pop("Container", None)
        data["Config"] = {**data["Config"], "Hostname": ""}
    forgetful.contents["image-inspect"] = inspected
    containers = {key: dict(value) for key, value in memory.contents["container-inspect"].items()}
    for data in containers.values():
        command = [*(data["Config"].get("Entrypoint") or ()), *(data["Config"].get("Cmd") or ())]
        data["Path"], data["Args"] = command[0], command[1:]
    forgetful.contents["container-inspect"] = containers
    with remembering(forgetful) as client:
        commits = read_stack(client, "recorded-exited", "recorded-commit:1").commits
        # Podman writes no more than "/bin/sh" into the image's history
        podman = "podman" in str(memory.contents["version"]).lower()
        assert [commit.witnessed for commit in commits] == ([] if podman else [False])
        assert read_stack(client, "recorded-running", "recorded-commit:1").commits == ()


def test_another_containers_commit_is_none_of_this_ones(client: docker.DockerClient) -> None:
    assert read_stack(client, "recorded-running", "recorded-commit:1").commits == ()
    assert read_stack(client, "recorded-exited", "recorded-base:1").commits == ()


def entry(path: str, content: bytes = b"", **changes: Any) -> Entry:
    digest = hashlib.sha256(content).digest()[:16]
    facts = {"kind": "file", "size": len(content), "stored": 0, "mode": 0o644, "uid": 0, "gid": 0}
    return Entry(path, digest=digest, **(facts | changes))


def test_how_files_differ() -> None:
    a = [entry("/same", b"x"), entry("/gone", b"abc"), entry("/text", b"one"), entry("/mode"),
         entry("/owner"), entry("/kind"), entry("/link", kind="symlink", target="a")]  # fmt: skip
    b = [entry("/same", b"x"), entry("/new", b"ab"), entry("/text", b"two!"),
         entry("/mode", mode=0o755), entry("/owner", uid=7), entry("/kind", kind="directory"),
         entry("/link", kind="symlink", target="b")]  # fmt: skip
    found = _between({one.path: one for one in a}, {one.path: one for one in b})
    assert sorted(found, key=lambda one: one.path) == [
        FileDifference("/gone", "only a", 3, None),
        FileDifference("/kind", "type", 0, 0),
        FileDifference("/link", "content", 0, 0),
        FileDifference("/mode", "mode", 0, 0),
        FileDifference("/new", "only b", None, 2),
        FileDifference("/owner", "owner", 0, 0),
        FileDifference("/text", "content", 3, 4),
    ]


def test_states_of_what_containers_wrote() -> None:
    here, gone = _State(there=True, size=3, digest=b"1"), _State(there=False)
    assert _differ("/a", here, gone) == FileDifference("/a", "only a", 3, None)
    assert _differ("/a", gone, here) == FileDifference("/a", "only b", None, 3)
    assert _differ("/a", gone, gone) is None
    assert _differ("/a", here, here) is None
    assert _differ("/a", here, here._replace(digest=b"2")) == FileDifference("/a", "content", 3, 3)
    folder = _State(there=True, folder=True, mode=0o755)
    assert _differ("/a", folder, folder) is None
    assert _differ("/a", folder, folder._replace(mode=0o700)) == FileDifference("/a", "mode")
    assert _differ("/a", _State(there=True), _State(there=True)) is not None


def test_no_more_paths_are_asked_for_than_agreed() -> None:
    asked: list[str] = []

    class Api:
        def get_archive(self, _container: str, path: str) -> tuple[Any, dict[str, Any]]:
            asked.append(path)
            told = io.BytesIO()
            with tarfile.open(fileobj=told, mode="w") as archive:
                member = tarfile.TarInfo("x")
                member.size = 3
                archive.addfile(member, io.BytesIO(b"abc"))
            chunks = (chunk for chunk in [told.getvalue()])
            return chunks, {"size": 3, "mode": 0o644}

    class Client:
        api = Api()

    found = read_written(Client(), "c", [f"/{n}" for n in range(1_000)])  # type: ignore[arg-type]
    assert len(asked) == len(found) == MOST_PATHS
    assert found["/0"].digest == hashlib.sha256(b"abc").digest()[:16]
    assert (found["/0"].size, found["/0"].mode, found["/0"].folder) == (3, 0o644, False)
