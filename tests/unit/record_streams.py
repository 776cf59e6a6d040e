"""Record what one engine tells while it pulls and pushes, for the tests of transfers.

    DOCKER_HOST=unix:///run/docker.sock python tests/unit/record_streams.py 26.1-overlay2 HOST:PORT

Needs a running, empty registry at HOST:PORT, and an engine that can pull nginx and redis but has
neither. The images are removed again. The file is written beside this one, in `streams/`.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, ImageNotFound

FOLDER = Path(__file__).parent / "streams"
IMAGES = ("nginx:latest", "redis:latest")


def main(name: str, registry: str) -> None:
    client = docker.from_env()
    api: Any = client.api
    web, other, redis = (f"{registry}/{each}" for each in ("team/web", "other/web", "team/redis"))
    nowhere = "127.0.0.1:9/web"

    def pull(image: str) -> Iterable[dict[str, Any]]:
        return api.pull(image, tag="latest", stream=True, decode=True)

    def push(repository: str) -> Iterable[dict[str, Any]]:
        return api.push(repository, tag="1", stream=True, decode=True)

    told = {
        "pull": shortened(pull("nginx")),
        "pull-again": shortened(pull("nginx")),
        "pull-shared": shortened(pull("redis")),
    }
    for image, repositories in zip(IMAGES, ((web, other, nowhere), (redis,)), strict=True):
        for repository in repositories:
            api.tag(image, repository, "1")
    told |= {
        "push": shortened(push(web)),
        "push-again": shortened(push(web)),
        "push-mounted": shortened(push(other)),
        "push-shared": shortened(push(redis)),
        "push-nowhere": shortened(push(nowhere)),
    }
    for each in (*IMAGES, f"{web}:1", f"{other}:1", f"{redis}:1", f"{nowhere}:1"):
        try:
            api.remove_image(each)
        except (APIError, ImageNotFound) as error:
            print(error, file=sys.stderr)  # noqa: T201
    text = json.dumps(told, indent=1).replace(registry, "127.0.0.1:5000")
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_text(text + "\n")


def shortened(stream: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave the last line of each status of each layer, without its bar."""
    last: dict[tuple[Any, Any], dict[str, Any]] = {}
    for line in stream:
        key = (line.get("id"), line.get("status"))
        last.pop(key, None)
        last[key] = {name: value for name, value in line.items() if name != "progress"}
    return list(last.values())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
