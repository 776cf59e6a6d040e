"""``lab.tags()`` on a thousand images, and every still picture of an image with a hundred layers.

The hundred-layer image is real: its facts are read from the engine, and only drawing is timed.
"""

import hashlib
import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import docker
from files import peak_of, process

from dockerlab.facts import (
    build_image,
    push_image,
    read_comparison,
    read_container,
    read_content,
    read_context,
    read_files,
    read_image,
    read_isolation,
    read_registry,
    read_stack,
    read_tags,
    read_timeline,
)
from dockerlab.pictures import (
    Picture,
    draw_build,
    draw_comparison,
    draw_content,
    draw_context,
    draw_files,
    draw_lifecycle,
    draw_namespaces,
    draw_registry,
    draw_stack,
    draw_tags,
    draw_timeline,
    draw_transfer,
)

IMAGES = 1_000
TAGS = 3  # an image
LAYERS = 100
RUNS = 5
NAME = "bench-picture"

Row = dict[str, Any]


def rows(engine: Any, runs: int = RUNS) -> list[Row]:
    """Measure all of it on an engine, as `dockerlab.engine.find` gives it.

    Returns
    -------
    list of dict
        As `files.rows` gives: pairs with ``beside``, ``ours``, ``theirs``, ``ratio`` and
        ``bound``; single ones with ``seconds`` and ``seconds_bound``, and ``svg_bytes``.
    """
    environment = {**os.environ, **engine.environment()}
    with closing(docker.DockerClient(base_url=engine.host, timeout=600)) as client:
        with images(client, (small(number) for number in range(IMAGES))):
            found = [*tags(client, engine.host, environment, runs)]
        with images(client, [deep(LAYERS, 0), deep(LAYERS, 1)]):
            found += stills(client, engine, runs)
    return found


def tags(
    client: docker.DockerClient, host: str, environment: dict[str, str], runs: int
) -> Iterator[Row]:
    """Read all names in turn with the CLI, each in a process of its own, then draw them."""
    ours, theirs, drawing = [], [], []
    world = read_tags(client)
    for run in range(runs + 1):
        read = reading(host)
        listed = process(["docker", "image", "ls", "-a"], environment)
        drawn, picture = timed(lambda: draw_tags(world))
        if run:  # the first time warms what keeps things
            ours.append(read)
            theirs.append(listed)
            drawing.append(drawn)
    count = f"{IMAGES * TAGS:,} tags on {IMAGES:,} images"
    yield {
        "what": f"facts of lab.tags(), {count}",
        "beside": "docker image ls -a",
        "ours": [seconds for seconds, _peak in ours],
        "theirs": [seconds for seconds, _peak in theirs],
        "ours_peak": [peak for _seconds, peak in ours],
        "theirs_peak": [peak for _seconds, peak in theirs],
        "ratio": statistics.median(a[0] / b[0] for a, b in zip(ours, theirs, strict=True)),
        "bound": 1.5,
    }
    yield {
        "what": f"drawing {count}",
        "ours": drawing,
        "seconds": statistics.median(drawing),
        "seconds_bound": 1.0,
        "svg_bytes": len(picture.svg.encode()),
        "svg_bytes_bound": 300_000,
    }


def reading(host: str) -> tuple[float, int]:
    """Seconds of `read_tags` in a fresh process that has all imported, and its peak bytes."""
    with subprocess.Popen([sys.executable, __file__, "read", host], stdout=subprocess.PIPE) as job:
        peak = peak_of(job)
        assert job.stdout is not None
        return float(job.stdout.read()), peak


def stills(client: docker.DockerClient, engine: Any, runs: int) -> Iterator[Row]:
    """Draw every picture of the image, and of a container of it."""
    for name, draw in drawers(client, engine).items():
        draw()
        measured = [timed(lambda draw=draw: draw().svg) for _run in range(runs)]
        yield {
            "what": f"{name} of {LAYERS} layers, facts to SVG",
            "ours": [seconds for seconds, _svg in measured],
            "seconds": statistics.median(seconds for seconds, _svg in measured),
            "seconds_bound": 0.1,
            "svg_bytes": len(measured[0][1].encode()),
        }


def drawers(client: docker.DockerClient, engine: Any) -> dict[str, Callable[[], Picture]]:
    """Read the facts of every picture."""
    a, b = f"{NAME}-{LAYERS}-0:1", f"{NAME}-{LAYERS}-1:1"
    assert len(read_image(client, a).layers) == LAYERS
    client.api.create_container(a, ["/none"], name=NAME)
    there = f"{engine.hub}/{NAME}"
    client.images.get(a).tag(there, "1")
    try:
        content = read_content(client, a, f"/file{LAYERS - 1}")
        return {
            "stack": drawer(draw_stack, read_stack(client, a)),
            "stack of two": drawer(draw_stack, read_stack(client, a, b)),
            "stack of a container": drawer(draw_stack, read_stack(client, NAME)),
            "files": drawer(draw_files, read_files(client, a)),
            "a file's content": lambda: draw_content(content, a),
            "compare": drawer(draw_comparison, read_comparison(client, a, b)),
            "tags": drawer(draw_tags, read_tags(client)),
            "lifecycle": drawer(draw_lifecycle, read_container(client, NAME)),
            "timeline": drawer(draw_timeline, read_timeline(client, NAME)),
            "namespaces": drawer(draw_namespaces, read_isolation(client, NAME)),
            "push": drawer(draw_transfer, push_image(client, f"{there}:1")),
            "registry": drawer(draw_registry, read_registry(engine.hub, f"{NAME}:1")),
            **building(client, engine),
        }
    finally:
        client.api.remove_container(NAME, force=True)
        client.api.remove_image(f"{there}:1")


def building(client: docker.DockerClient, engine: Any) -> dict[str, Callable[[], Picture]]:
    """Build an image of as many layers, and read what was sent and done."""
    with tempfile.TemporaryDirectory() as folder:
        lines = ["FROM scratch"]
        for number in range(LAYERS):
            Path(folder, f"file{number}").write_text(f"{number}\n" * 100)
            lines.append(f"COPY file{number} /")
        Path(folder, "Dockerfile").write_text("\n".join(lines))
        context = read_context(folder)
        build = build_image(client, folder, tag=f"{NAME}-built:1", environment=engine.environment())
    client.api.remove_image(f"{NAME}-built:1")
    return {"build": drawer(draw_build, build), "context": drawer(draw_context, context)}


def drawer(draw: Callable[[Any], Picture], facts: Any) -> Callable[[], Picture]:
    """Bind facts to the function that draws them."""
    return lambda: draw(facts)


@contextmanager
def images(client: docker.DockerClient, archives: Any) -> Iterator[None]:
    """Have images on the engine, and take them away at the end."""
    try:
        for archive in archives:
            client.images.load(archive)
        yield
    finally:
        for image in client.api.images():
            for name in image.get("RepoTags") or ():
                if name.startswith(NAME):
                    client.api.remove_image(name, force=True)


def small(number: int) -> bytes:
    """Make an image of one small layer with three names."""
    names = [f"{NAME}/app{number:04}:v{tag}" for tag in range(TAGS)]
    return archive_of([f"{number}\n".encode()], names)


def deep(layers: int, variant: int) -> bytes:
    """Make an image of many layers, which has half of them in common with its other variant."""
    contents = []
    for number in range(layers):
        line = f"{number} of {variant if number >= layers // 2 else 'both'}\n"
        contents.append(line.encode() * 100 * (number + 1))
    return archive_of(contents, [f"{NAME}-{layers}-{variant}:1"])


def archive_of(contents: list[bytes], names: list[str]) -> bytes:
    """Write an image as ``docker load`` takes it, with one file a layer."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        digests, files = [], []
        for number, content in enumerate(contents):
            layer = io.BytesIO()
            with tarfile.open(fileobj=layer, mode="w") as inner:
                add(inner, f"file{number}", content)
            digests.append("sha256:" + hashlib.sha256(layer.getvalue()).hexdigest())
            files.append(f"{number}/layer.tar")
            add(archive, files[-1], layer.getvalue())
        config = {
            "os": "linux",
            "architecture": "amd64",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": digests},
            "history": [{"created_by": f"COPY file{n} /"} for n in range(len(contents))],
        }
        add(archive, "config.json", json.dumps(config).encode())
        listing = [{"Config": "config.json", "RepoTags": names, "Layers": files}]
        add(archive, "manifest.json", json.dumps(listing).encode())
    return buffer.getvalue()


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    """Put a file into an archive."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    archive.addfile(info, io.BytesIO(content))


def timed(job: Callable[[], Any]) -> tuple[float, Any]:
    """Run a job; give its seconds and its result."""
    begun = time.perf_counter()
    result = job()
    return time.perf_counter() - begun, result


if __name__ == "__main__" and sys.argv[1:2] == ["read"]:
    engine_client = docker.DockerClient(base_url=sys.argv[2], timeout=600)
    print(timed(lambda: read_tags(engine_client))[0])  # noqa: T201 - what it is started for
