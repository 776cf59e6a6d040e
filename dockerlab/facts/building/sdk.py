"""A real build through the Docker SDK for Python, bounded in time: always the classic builder."""

import contextlib
import queue
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException
from docker.types import CancellableStream

from dockerlab.facts.building.buildkit import PlainProgress
from dockerlab.facts.building.classic import ClassicReport
from dockerlab.facts.building.run import Order, Told, put, until
from dockerlab.facts.names import asking

_WAITING_CHUNKS = 1_000

Chunk = Mapping[str, Any]


def build_by_sdk(client: docker.DockerClient, order: Order, timeout: float) -> Told:
    """Send POST /build and follow its stream.

    Parameters
    ----------
    client : docker.DockerClient
        A client to the engine that builds.
    order : Order
        What is to be built.
    timeout : float
        Seconds after which the connection is cut, which ends the build.
    """
    told = Told("sdk", ClassicReport(), PlainProgress())
    began = time.monotonic()
    unfinished = ""
    for chunk in _chunks(client, order, began + timeout, told):
        seconds = time.monotonic() - began
        if "stream" in chunk:
            *lines, unfinished = (unfinished + str(chunk["stream"])).split("\n")
            for line in lines:
                told.classic.feed(seconds, line)
        if "error" in chunk:
            told.messages.append(str(chunk["error"]))
        if isinstance(chunk.get("aux"), Mapping) and "ID" in chunk["aux"]:
            told.image_id = str(chunk["aux"]["ID"])
    told.seconds = time.monotonic() - began
    told.classic.end(told.seconds)
    if told.messages or told.out_of_time:
        told.image_id = ""  # the steps before the last leave images too
    return told


def _chunks(
    client: docker.DockerClient, order: Order, deadline: float, told: Told
) -> Iterator[Chunk]:
    waiting: queue.Queue[Chunk | None] = queue.Queue(_WAITING_CHUNKS)
    over = threading.Event()
    responses: list[requests.Response] = []
    failures: list[Exception] = []

    def note(response: requests.Response, *_arguments: object, **_options: object) -> None:
        if "/build?" in response.url:
            responses.append(response)

    def read() -> None:
        try:
            for chunk in _stream(client, order, max(1.0, deadline - time.monotonic())):
                put(waiting, chunk, over)
        except Exception as error:  # a stream that is cut ends in any of a dozen ways
            failures.append(error)
        put(waiting, None, over)

    hooks = client.api.hooks["response"]
    hooks.append(note)
    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield from until(waiting, 1, deadline)
        told.out_of_time = time.monotonic() >= deadline
    finally:
        over.set()
        hooks.remove(note)
        for response in responses:
            _cut(response)
    if failures and not told.out_of_time:
        error = failures[0]
        if isinstance(error, requests.RequestException) and not isinstance(error, APIError):
            with asking():
                raise error
        if not isinstance(error, DockerException | OSError):
            raise error
        # what the engine refuses, and what the SDK does before it asks: a tag that can't be one
        told.messages.append(str(getattr(error, "explanation", None) or error))


def _stream(client: docker.DockerClient, order: Order, timeout: float) -> Iterator[Chunk]:
    api: Any = client.api
    chunks: Iterator[Chunk] = api.build(
        path=str(order.folder),
        dockerfile=str(order.dockerfile),
        tag=order.tag,
        buildargs=dict(order.arguments),
        target=order.target,
        nocache=order.no_cache,
        labels=dict(order.labels) or None,
        rm=True,
        forcerm=True,
        decode=True,
        timeout=timeout,
    )
    return chunks


def _cut(response: requests.Response) -> None:
    """End a stream that another thread reads, by its socket."""
    with contextlib.suppress(DockerException, OSError, AttributeError, ValueError):
        CancellableStream(iter(()), response).close()
    with contextlib.suppress(OSError, ValueError, AttributeError):
        response.close()
