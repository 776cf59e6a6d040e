"""An engine that only remembers: answers the Docker API from recorded files, over real HTTP."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import docker

FOLDER = Path(__file__).parent / "recorded"
ENGINES = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())

_WHOLE = ("info", "version", "volumes", "networks")
_FILES = {
    ("images", "json"): "image-inspect",
    ("images", "history"): "image-history",
    ("containers", "json"): "container-inspect",
    ("containers", "changes"): "container-changes",
}


class Memory:
    """The recorded answers of one engine."""

    def __init__(self, contents: dict[str, Any], name: str = "") -> None:
        self.contents = {"version": {"ApiVersion": "1.41"}} | contents
        self.name = name
        self.requests: list[str] = []

    @classmethod
    def read(cls, name: str) -> "Memory":
        files = (FOLDER / name).glob("*.json")
        return cls({path.stem: json.loads(path.read_text()) for path in files}, name)

    def answer(self, path: str, query: dict[str, str]) -> Any:
        """Return what the engine said, None where it knows no such thing."""
        self.requests.append(path)
        if (name := path[1:]) in _WHOLE:
            return self.contents[name]
        filters = json.loads(query.get("filters", "{}"))
        if path == "/images/json":
            return self.contents[_list_of_images(query)]
        if path == "/containers/json":
            wanted = filters.get("id")
            return [c for c in self.contents["containers"] if not wanted or c["Id"] in wanted]
        if path == "/events":
            wanted = filters.get("container")
            return [e for e in self.contents["events"] if not wanted or e["Actor"]["ID"] in wanted]
        _empty, kind, *name, question = path.split("/")
        thing = "/".join(name)
        identity = self.image_id(thing) if kind == "images" else self.container_id(thing)
        return self.contents[_FILES[kind, question]].get(identity)

    def image_id(self, name: str) -> str:
        name = name.removeprefix("docker.io/library/")
        for image in self.contents["images-all"]:
            # Podman writes names in full
            tags = [tag.removeprefix("docker.io/library/") for tag in image.get("RepoTags") or ()]
            hexadecimal = image["Id"].removeprefix("sha256:")
            is_id = re.fullmatch("[0-9a-f]{4,64}", name.removeprefix("sha256:"))
            if name in tags or f"{name}:latest" in tags:
                return str(image["Id"])
            if is_id and hexadecimal.startswith(name.removeprefix("sha256:")):
                return str(image["Id"])
        return ""

    def container_id(self, name: str) -> str:
        for container in self.contents["containers"]:
            if f"/{name}" in container["Names"] or container["Id"].startswith(name):
                return str(container["Id"])
        return ""


def _list_of_images(query: dict[str, str]) -> str:
    if query.get("manifests"):
        return "images-manifests"
    return "images-all" if query.get("all") in ("1", "True") else "images"


@contextmanager
def remembering(memory: Memory) -> Iterator[docker.DockerClient]:
    """Serve the memory and give a client to it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65536  # one packet an answer: else each waits for an acknowledgement

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            path = re.sub(r"^/v[0-9.]+", "", url.path)
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            found = memory.answer(path, query)
            if found is None:
                self.reply(404, json.dumps({"message": f"No such thing: {path}"}).encode())
            elif path == "/events":
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for event in found:
                    line = json.dumps(event).encode() + b"\n"
                    self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
                self.wfile.write(b"0\r\n\r\n")
            else:
                self.reply(200, json.dumps(found).encode())

        def reply(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    client = docker.DockerClient(
        f"tcp://127.0.0.1:{server.server_port}", version=memory.contents["version"]["ApiVersion"]
    )
    try:
        yield client
    finally:
        client.close()
        server.shutdown()
        server.server_close()
        thread.join()
