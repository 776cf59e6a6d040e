"""The embedded engine for tests of the course: its hub filled, its environment restored."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import docker
from nbclient import NotebookClient
from nbformat import NotebookNode

from dockerlab.course import bench

LONGEST_CELL = 120
"""Seconds after which a cell is said to hang."""


@contextmanager
def environment_restored() -> Iterator[None]:
    """Undo what ``lab.start`` does: set variables for the shell, and watch the engine."""
    before = dict(os.environ)
    try:
        yield
    finally:
        bench.leave()
        os.environ.clear()
        os.environ.update(before)


def holdings(client: docker.DockerClient) -> dict[str, set[object]]:
    """List all an engine holds, so that before and after can be compared."""
    api = client.api
    images = api.images()
    return {
        "containers": {
            (one["Id"], tuple(one["Names"]), one["State"]) for one in api.containers(all=True)
        },
        "images": {(one["Id"], tuple(sorted(one.get("RepoTags") or ()))) for one in images},
        "volumes": {one["Name"] for one in api.volumes().get("Volumes") or ()},
        "networks": {(one["Id"], one["Name"]) for one in api.networks()},
    }


def builder(docker_cli: Callable[..., str], folder) -> Callable[[str, str], None]:
    """Give a function that builds an image from a Dockerfile's text."""

    def build(name: str, dockerfile: str) -> None:
        (folder / "Dockerfile").write_text(dockerfile, encoding="utf-8")
        docker_cli("build", "--quiet", "--tag", name, str(folder))

    return build


def notebook_client(content: NotebookNode, folder: Path, **options: Any) -> NotebookClient:
    """Give what runs a notebook in a folder.

    Its kernel is reached through sockets in the file system: ports that a container publishes
    meanwhile, and rules that an engine sets for them, can't come between.
    """
    client = NotebookClient(
        content, timeout=LONGEST_CELL, kernel_name="python3",
        resources={"metadata": {"path": str(folder)}}, **options,
    )  # fmt: skip
    client.config.KernelManager.transport = "ipc"
    client.config.KernelManager.ip = f"{tempfile.gettempdir()}/kernel-{uuid4().hex[:8]}"
    return client
