"""A door to the engine on a TCP port, for one demonstration: the transport does not matter."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR
from threading import Thread, Timer

import docker
import requests

# The whole API without a password would make every user of this machine root while the door
# is open. These two questions tell nothing but the engine's version.
_QUESTION = re.compile(r"(/v\d{1,2}\.\d{1,3})?(/_ping|/version)")
_SECONDS = 5.0  # for a client to ask, and to take the answer
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
        def handle(self) -> None:
            # for all of it: a client that drips would never meet a limit for each read
            limit = Timer(_SECONDS, self._hang_up)
            limit.daemon = True
            limit.start()
            try:
                super().handle()
            except OSError:
                return  # the client went, or was hung up on
            finally:
                limit.cancel()

        def _hang_up(self) -> None:
            with suppress(OSError):
                self.connection.shutdown(SHUT_RDWR)

        def do_GET(self) -> None:
            self._pass_on()

        def do_HEAD(self) -> None:
            self._pass_on()

        def _pass_on(self) -> None:
            # the whole of it must fit: an ending alone lets "/containers/json#/version" through
            path = self.path
            body = "Content-Length" in self.headers or "Transfer-Encoding" in self.headers
            if body or not _QUESTION.fullmatch(path):
                self.send_error(403, "This door answers /version and /_ping only")
                return
            try:
                answer = client.api.request(
                    self.command, client.api.base_url + path, timeout=_SECONDS
                )
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
