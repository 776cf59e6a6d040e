"""A door to the engine on a TCP port, for one demonstration: the transport does not matter."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import docker
import requests

# The whole API without a password would make every user of this machine root while the door
# is open. These two questions tell nothing but the engine's version.
_QUESTIONS = ("/_ping", "/version")
_HEADERS = ("Api-Version", "Builder-Version", "Content-Type", "Docker-Experimental", "Ostype")


@contextmanager
def tcp_door(client: docker.DockerClient) -> Iterator[str]:
    """Open a port on this machine that passes two harmless questions to the engine.

    ``GET /version`` and ``/_ping`` are answered, all else is refused with 403. The door is shut
    at the end of the ``with`` block.

    Yields
    ------
    str
        Its address as ``docker --host`` takes it, ``tcp://127.0.0.1:PORT``.
    """

    class Doorkeeper(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._pass_on()

        def do_HEAD(self) -> None:
            self._pass_on()

        def _pass_on(self) -> None:
            path = self.path.partition("?")[0]
            if not path.endswith(_QUESTIONS):
                self.send_error(403, "This door answers /version and /_ping only")
                return
            try:
                answer = client.api.request(self.command, client.api.base_url + path, timeout=10)
            except requests.RequestException:
                self.send_error(502, "The engine does not answer")
                return
            self.send_response(answer.status_code)
            for header in _HEADERS:
                if header in answer.headers:
                    self.send_header(header, answer.headers[header])
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_arguments: object) -> None:
            """Write no log: the notebook shows what was asked."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Doorkeeper)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"tcp://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
