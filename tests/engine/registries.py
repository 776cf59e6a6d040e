"""Real registries of a test's own: plain, with passwords, with TLS, with tokens."""

import base64
import hashlib
import json
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
import trustme
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from dockerlab.engine.programs import Programs

USER, PASSWORD = "student", "learn"
# bcrypt of PASSWORD: the only kind of hash that the registry takes
HTPASSWD = f"{USER}:$2y$04$lZzf5/xvcSdZvFC9bxxMReUA7j86GNG33lWDDaTLJt2Evqgn290Vy\n"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def registry(
    programs: Programs,
    folder: Path,
    *,
    auth: dict[str, Any] | None = None,
    certificate: trustme.LeafCert | None = None,
) -> Iterator[str]:
    """Run a registry and give its address; it stops with the block."""
    folder.mkdir(exist_ok=True)
    address = f"127.0.0.1:{free_port()}"
    http: dict[str, Any] = {"addr": address}
    if certificate:
        certificate.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
        certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
        http["tls"] = {"certificate": str(folder / "cert.pem"), "key": str(folder / "key.pem")}
    configuration = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}},
        "http": http,
        **({"auth": auth} if auth else {}),
    }
    (folder / "config.yml").write_text(json.dumps(configuration))
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            [programs.path("docker-registry"), "serve", folder / "config.yml"],
            stdout=log, stderr=log,
        ) as process,
    ):  # fmt: skip
        try:
            _wait_for(address, process, folder)
            yield address
        finally:
            process.terminate()


def _wait_for(address: str, process: "subprocess.Popen[bytes]", folder: Path) -> None:
    host, _, port = address.rpartition(":")
    until = time.monotonic() + 20
    while time.monotonic() < until:
        assert process.poll() is None, (folder / "log").read_text()
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the registry does not answer")


def passwords(folder: Path) -> dict[str, Any]:
    """Configure basic authentication."""
    (folder / "htpasswd").write_text(HTPASSWD)
    return {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}


def put(address: str, repository: str, tag: str, content: dict[str, Any], *blobs: bytes) -> str:
    """Store a manifest and its blobs, as any client would; return its digest."""
    base = f"http://{address}/v2/{repository}"
    with requests.Session() as session:
        session.trust_env = False
        for blob in blobs:
            start = session.post(f"{base}/blobs/uploads/", timeout=10)
            location = start.headers["Location"]
            joint = "&" if "?" in location else "?"
            done = session.put(f"{location}{joint}digest={digest(blob)}", data=blob, timeout=10)
            assert done.status_code == 201, done.text
        raw = json.dumps(content).encode()
        kind = {"Content-Type": content["mediaType"]}
        done = session.put(f"{base}/manifests/{tag}", data=raw, headers=kind, timeout=10)
        assert done.status_code == 201, done.text
    return digest(raw)


def image(config: bytes, *layers: bytes) -> dict[str, Any]:
    """Write the manifest of an image."""
    return {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": described(config, "application/vnd.oci.image.config.v1+json"),
        "layers": [described(one, "application/vnd.oci.image.layer.v1.tar") for one in layers],
    }


def described(content: bytes, kind: str) -> dict[str, Any]:
    return {"mediaType": kind, "digest": digest(content), "size": len(content)}


def digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


class Tokens(ThreadingHTTPServer):
    """Gives out tokens that a registry trusts, to who knows the password."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _TokenHandler)
        authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
        leaf = authority.issue_cert("tokens.example", key_type=trustme.KeyType.ECDSA)
        authority.cert_pem.write_to_path(str(folder / "tokens.pem"))
        key = serialization.load_pem_private_key(leaf.private_key_pem.bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self.key = key
        pem = leaf.cert_chain_pems[0].bytes().decode()
        self.chain = ["".join(pem.split("-----")[2].split())]
        self.auth = {
            "token": {
                "realm": f"http://127.0.0.1:{self.server_address[1]}/token",
                "service": "test", "issuer": "tests", "rootcertbundle": str(folder / "tokens.pem"),
            }
        }  # fmt: skip

    def token(self, scopes: list[str]) -> str:
        now = int(time.time())
        access = []
        for scope in scopes:
            kind, name, actions = scope.split(":")
            access.append({"type": kind, "name": name, "actions": actions.split(",")})
        parts = [
            {"alg": "ES256", "typ": "JWT", "x5c": self.chain},
            {"iss": "tests", "sub": USER, "aud": "test", "exp": now + 300, "nbf": now - 60,
             "iat": now, "jti": "1", "access": access},
        ]  # fmt: skip
        signed = ".".join(_packed(json.dumps(part).encode()) for part in parts)
        r, s = decode_dss_signature(self.key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{_packed(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    @contextmanager
    def running(self) -> "Iterator[Tokens]":
        thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.shutdown()
            self.server_close()
            thread.join()


class _TokenHandler(BaseHTTPRequestHandler):
    server: Tokens

    def do_GET(self) -> None:
        known = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        right = self.headers.get("Authorization") == known
        scopes = parse_qs(urlsplit(self.path).query).get("scope", [])
        body = json.dumps({"token": self.server.token(scopes)}).encode() if right else b"{}"
        self.send_response(200 if right else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


def _packed(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
