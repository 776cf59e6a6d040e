"""A registry that misbehaves at one endpoint in every way there is; run by its test as a program.

    python tests/unit/hostile_registry.py ENDPOINT

It reads that registry once for each fault, in a process that may take little memory and time, and
prints what came of it: a line for each.
"""

import gzip
import json
import os
import random
import resource
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from archive_mutations import changed
from test_facts_registry import INDEX, OCI_INDEX, OCI_MANIFEST, image
from test_facts_registry import digest_of as sha

from dockerlab.errors import LabError, RegistryError, UnknownNameError
from dockerlab.facts import read_registry
from dockerlab.facts.registry import address, line

AMD = image(b"base", b"amd")
PAGES = {
    "v2": b"{}",
    "token": b'{"token": "t"}',
    "catalog": b'{"repositories": ["team/app"]}',
    "tags": b'{"tags": ["one"]}',
    "manifest": INDEX,
    "digest": AMD,
}
KINDS = {"manifest": OCI_INDEX, "digest": OCI_MANIFEST}
ENDPOINTS = tuple(PAGES)
WEIRD: tuple[object, ...] = (
    None, True, -1, 0, 1.5, 10**400, "", "a", "\ud800", "a\nb", "../..", "x" * 100_000, [], [[]],
    [None], [1], [""], ["\ud800"], ["a\r\nb"], {}, {"a": 1}, [{}], [{"digest": 5}],
    [{"digest": "sha256:" + "\n" * 64}], [{"digest": "sha256:" + "0" * 64, "size": 10**400}],
)  # fmt: skip


def head(content: bytes, kind: str, status: str = "200 OK", more: str = "") -> bytes:
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nConnection: close\r\n{more}"
        f"Content-Length: {len(content)}\r\n\r\n"
    ).encode() + content


def endless(first: bytes, again: bytes) -> Iterator[bytes]:
    yield first
    while True:
        yield again


def dripping(content: bytes) -> Iterator[bytes]:
    for at in range(len(content)):
        time.sleep(0.02)
        yield content[at : at + 1]


OPEN = b"HTTP/1.1 200 OK\r\nContent-Type: x\r\nConnection: close\r\n"
CHUNKED = OPEN + b"Transfer-Encoding: chunked\r\n\r\n"
A_LOT = b"a" * 65_536
MUTATIONS = int(30 * float(os.environ.get("DOCKERLAB_FUZZ_SECONDS", "1")))  # some ms each
Fault = Callable[[], Iterator[bytes]]


def faults(endpoint: str, port: int) -> dict[str, Fault]:
    good, kind = PAGES[endpoint], KINDS.get(endpoint, "application/json")
    whole = head(good, kind)
    zeros = gzip.compress(bytes(64 << 20), 1)
    bodies = {
        "no json": b"<html>", "nothing": b"", "null": b"null", "list": b"[]", "number": b"5",
        "text": b'"x"', "deep": b"[" * 100_000, "deep object": b'{"a":' * 100_000,
        "not a number": b'{"tags": [NaN], "size": Infinity}', "no utf-8": b'{"tags": ["\xff"]}',
        "twice": b'{"tags": ["a"], "tags": 5, "repositories": ["b"], "repositories": {}}',
        "long number": b'{"tags": %s}' % (b"9" * 100_000), "bom": b"\xef\xbb\xbf{}",
        "too long": b'{"tags": ["' + b"a" * (5 << 20) + b'"]}',
        "a million lists": b'{"layers": [' + b"[]," * 1_000_000 + b"[]]}",
        "a million objects": b'{"manifests": [' + b"{}," * 1_000_000 + b"{}]}",
        "many names": b'{"repositories": [%s], "tags": [%s]}' % ((b'"a",' * 400_000 + b'"a"',) * 2),
    }  # fmt: skip
    made: dict[str, Fault] = {
        f"body: {name}": lambda body=body: iter([head(body, kind)]) for name, body in bodies.items()
    }
    fields = (
        "repositories", "tags", "token", "access_token", "mediaType", "manifests", "config",
        "layers", "schemaVersion",
    )  # fmt: skip
    for field in fields:
        for number, value in enumerate(WEIRD):
            try:
                base = {**json.loads(good), field: value}
                body = json.dumps(base).encode()
            except ValueError:
                body = b'{"%s": 1%s}' % (field.encode(), b"0" * 400)
            made[f"field {field} {number}"] = lambda body=body: iter([head(body, kind)])
    for seed in range(MUTATIONS):
        body = json.dumps(changed(random.Random(seed), json.loads(good))).encode()
        made[f"mutation {seed}"] = lambda body=body: iter([head(body, kind)])
    for cut in (0, 1, 8, 12, 15, 17, 40, len(whole) - len(good) - 1, len(whole) - 1):
        made[f"cut at {cut}"] = lambda cut=cut: iter([whole[:cut]])
    for status in ("100 Continue", "101 Switching", "204 No", "301 M", "304 Not", "418 T",
                   "999 X", "000 X", "-1 X", "abc", "", "500 \x1b[2J", "429 T", "502 B",
                   "401 U"):  # fmt: skip
        made[f"status {status!r}"] = lambda status=status: iter([head(good, kind, status)])
    there = f"http://127.0.0.1:{port}/again"
    for where in (there, "file:///etc/passwd", "ftp://127.0.0.1/", "//[", "http://", "http://a b/",
                  "http://127.0.0.1:99999/", "\x01", "https://127.0.0.1:9/", "http:/" + "a" * 9_000,
                  "http://" + "a" * 300 + "/", "data:text/plain,x", ""):  # fmt: skip
        made[f"redirect {where[:30]!r}"] = lambda where=where: iter(
            [head(b"", kind, "307 T", f"Location: {where}\r\n")]
        )
    for name, challenge in {
        "of a's": "Bearer " + "a" * 60_000, "of quotes": "Bearer " + 'a="' * 20_000,
        "bare": "Bearer",
        "file": 'Bearer realm="file:///etc/passwd"', "nowhere": 'Bearer realm="http://["',
        "no host": 'Bearer realm="http://"', "odd": "\xff\xfe", "self": f'Bearer realm="{there}"',
    }.items():  # fmt: skip
        made[f"challenge {name}"] = lambda challenge=challenge: iter(
            [head(b"", kind, "401 U", f"WWW-Authenticate: {challenge}\r\n")]
        )
    for name, link in {
        "of brackets": "<" * 60_000, "of pairs": "<>" * 30_000, "nowhere": '<http://[>; rel="next"',
        "without end": f'<{"/" * 9}again>; rel="next"', "blanks": "<a>" + " " * 60_000,
    }.items():  # fmt: skip
        made[f"link {name}"] = lambda link=link: iter([head(good, kind, more=f"Link: {link}\r\n")])
    made |= {
        "drip": lambda: dripping(whole * 100),
        "drip in the body": lambda: endless_drip(OPEN + b"\r\n"),
        "drip in the head": lambda: endless_drip(OPEN + b"A: "),
        "silence": lambda: iter([OPEN, silence()]),
        "no end": lambda: endless(OPEN + b"\r\n", A_LOT),
        "no end of a refusal": lambda: endless(b"HTTP/1.1 500 X\r\n\r\n", A_LOT),
        "no end of a 404": lambda: endless(b"HTTP/1.1 404 X\r\n\r\n", A_LOT),
        "no end of chunks": lambda: endless(CHUNKED, b"10000\r\n" + A_LOT + b"\r\n"),
        "no end of small chunks": lambda: endless(CHUNKED, b"1\r\n \r\n" * 5_000),
        "no end of a chunk's size": lambda: endless(CHUNKED, A_LOT),
        "no end of trailers": lambda: endless(CHUNKED + b"0\r\n", b"a: b\r\n" * 9_000),
        "no end of headers": lambda: endless(OPEN, b"a: b\r\n" * 9_000),
        "no end of a header": lambda: endless(OPEN + b"a: ", A_LOT),
        "no end of a status": lambda: endless(b"HTTP/1.1 200 ", A_LOT),
        "no end of continues": lambda: endless(b"", b"HTTP/1.1 100 C\r\n\r\n" * 3_000),
        "a size that is a lie": lambda: iter([OPEN + b"Content-Length: 99999999999\r\n\r\n{}"]),
        "a size that is none": lambda: iter([OPEN + b"Content-Length: x\r\n\r\n{}"]),
        "two sizes": lambda: iter([OPEN + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"]),
        "a size below nothing": lambda: iter([OPEN + b"Content-Length: -5\r\n\r\n{}"]),
        "a chunk below nothing": lambda: iter([CHUNKED + b"-5\r\n{}\r\n0\r\n\r\n"]),
        "a gzip bomb": lambda: iter([head(zeros, kind, more="Content-Encoding: gzip\r\n")]),
        "no gzip": lambda: iter([head(good, kind, more="Content-Encoding: gzip\r\n")]),
        "no http": lambda: iter([b"SSH-2.0-x\r\n"]),
        "zeros": lambda: endless(b"", bytes(65_536)),
    }
    return made


def endless_drip(first: bytes) -> Iterator[bytes]:
    yield first
    while True:
        time.sleep(0.02)
        yield b"a"


def silence() -> bytes:
    time.sleep(2)
    return b""


class Registry:
    """Answers well, but at one endpoint with the fault."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.fault: Fault = lambda: iter(())
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            line, _address = self.listener.accept()
            threading.Thread(target=self.answer, args=(line,), daemon=True).start()

    def answer(self, line: socket.socket) -> None:
        with line, suppress(OSError):
            asked = b""
            while b"\r\n\r\n" not in asked:
                piece = line.recv(65_536)
                if not piece:
                    return
                asked += piece
            path = asked.split(b" ")[1].decode()
            endpoint = self.endpoint_of(path)
            known = b"\r\nauthorization: bearer" in asked.lower()
            if endpoint == self.endpoint:
                for piece in self.fault():
                    line.sendall(piece)
            elif self.endpoint == "token" and endpoint != "token" and not known:
                realm = f'WWW-Authenticate: Bearer realm="http://127.0.0.1:{self.port}/token"\r\n'
                line.sendall(head(b"", "x", "401 U", realm))
            else:
                line.sendall(head(PAGES[endpoint], KINDS.get(endpoint, "application/json")))
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 1))

    def endpoint_of(self, path: str) -> str:
        for words, endpoint in (
            ("again", self.endpoint), ("/token", "token"), ("_catalog", "catalog"),
            ("/tags/", "tags"), (sha(AMD), "digest"), ("sha256:", "digest"),
            ("/manifests/", "manifest"),
        ):  # fmt: skip
            if words in path:
                return endpoint
        return "v2"


def main() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (500 << 20, 500 << 20))
    resource.setrlimit(resource.RLIMIT_CPU, (120 + MUTATIONS, 120 + MUTATIONS))
    line.ANSWER_SECONDS, address._SECONDS = 0.2, 0.6  # as they are, it would take hours
    server = Registry(sys.argv[1])
    for name, fault in faults(sys.argv[1], server.port).items():
        server.fault = fault
        began = time.monotonic()
        try:
            read_registry(f"http://127.0.0.1:{server.port}")
            came = "answer"
        except (RegistryError, UnknownNameError) as error:
            came = f"error {error}"
            assert came.isprintable(), came
        except LabError as error:
            came = f"wrong kind of error {error!r}"
        except Exception as error:
            came = f"traceback {error!r}"
        took = time.monotonic() - began
        sys.stdout.write(f"{name}\t{'late ' if took > 15 else ''}{came[:200]}\n")


if __name__ == "__main__":
    main()
