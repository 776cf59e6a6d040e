"""Nobody gets in: every listening socket and every file while everything runs, tried by another."""

import http.client
import json
import os
import socket
import stat
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from kernels import kernel
from machine import PROJECT, client_of

from dockerlab.course.door import tcp_door
from dockerlab.engine import embedded
from dockerlab.engine.places import Places
from dockerlab.engine.processes import families, find
from dockerlab.engine.stock import stock
from dockerlab.jupyter import Jupyter

pytestmark = pytest.mark.engine

NOBODY = 65534
_OPEN = stat.S_IRWXG | stat.S_IRWXO


def as_another(attempt: Callable[[], object]) -> object:
    """Do something as another user of this machine, in a process of its own."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            said = json.dumps(attempt())
        except BaseException:
            said = json.dumps(traceback.format_exc())
        os.write(write, said.encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return json.loads(said)


def reached(folders: list[str]) -> list[str]:
    """List what this user can read, enter or connect to below folders of ours."""
    found = []
    for folder in folders:
        for base, _folders, files in os.walk(folder):
            found += [base] * os.access(base, os.R_OK)
            found += [f"{base}/{name}" for name in files if os.access(f"{base}/{name}", os.R_OK)]
    return found


def connects(sockets: list[str]) -> list[str]:
    found = []
    for path in sockets:
        with socket.socket(socket.AF_UNIX) as trial:
            try:
                trial.connect(path)
                found.append(path)
            except OSError:
                pass
    return found


def status(port: int, method: str, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, body=b"x" if method in ("PUT", "PATCH") else None)
    answer = connection.getresponse()
    connection.close()
    return answer.status


@pytest.fixture
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077], indirect=True, ids=oct)
def test_nobody_else_gets_in(fire: Places, umask: int, tmp_path: Path) -> None:
    del umask  # in force
    fire.create()
    for folder in (fire.home, fire.firewall, fire.engines, fire.hub):  # as an older version did
        folder.mkdir(exist_ok=True)
        folder.chmod(0o777)
    running = embedded.start(fire)
    assert running.hub
    stock(fire)
    jupyter = Jupyter(PROJECT, fire.home / "jupyter")
    variables = {
        "DOCKERLAB_ENGINE": "embedded",
        "DOCKERLAB_INSTANCE": fire.instance,
        "DOCKERLAB_CACHE": str(fire.cache),
        "DOCKERLAB_PROGRESS": str(tmp_path / "progress"),
    }
    with ExitStack() as stack:
        job = jupyter.start(None, variables)
        stack.callback(jupyter.stop, job)
        server = jupyter.wait(job)
        notebook = stack.enter_context(kernel(tmp_path, variables))
        said = notebook.run('import dockerlab as lab\nclient = lab.start("3.4")')
        assert "embedded" in said, said
        said = notebook.run(
            "!docker run -d --name webserver -p 127.0.0.1:8080:80 nginx; sleep 1; docker ps -a; "
            "docker logs webserver"
        )
        assert " Up " in said, said
        client = stack.enter_context(client_of(fire))
        door = int(stack.enter_context(tcp_door(client)).rpartition(":")[2])
        page = jupyter.opening_page(server)

        ours = families([*find(str(fire.run), str(fire.home)), psutil.Process(job.pid)])
        listening = [
            (process.name(), one.laddr)
            for process in ours
            for one in process.net_connections("inet")
            if one.status == psutil.CONN_LISTEN
        ]
        hub = int(running.hub.rpartition(":")[2])
        port = urlsplit(server.url).port
        assert {hub, port, 8080} <= {place.port for _name, place in listening}
        assert all(ip_address(place.ip).is_loopback for _name, place in listening), listening

        sockets = [
            one.laddr
            for process in ours
            for one in process.net_connections("unix")
            if isinstance(one.laddr, str) and one.laddr.startswith("/")
        ]
        assert str(fire.socket) in sockets
        assert as_another(lambda: connects(sorted({*sockets, str(fire.socket)}))) == []

        folders = [fire.home, fire.run, *fire.shared]
        for folder in (*folders, fire.home.parent):
            assert folder.stat().st_mode & _OPEN == 0, folder
        count = sum(len(files) for folder in folders for _base, _f, files in os.walk(folder))
        assert count > 1000, "nothing was looked at"
        assert as_another(lambda: reached([str(folder) for folder in folders])) == []
        assert as_another(lambda: os.access(page, os.R_OK)) is False

        token = server.url.rpartition("token=")[2]
        for process in psutil.process_iter():
            try:
                assert token not in " ".join(process.cmdline())
            except psutil.Error:
                continue
        for path in ("/api/contents", "/api/kernels", "/api/sessions", "/api/terminals"):
            assert as_another(lambda path=path: status(port, "GET", path)) == 403
        for method, path in (
            ("POST", "/v2/library/busybox/blobs/uploads/"),
            ("PUT", "/v2/library/busybox/manifests/latest"),
            ("DELETE", f"/v2/library/busybox/manifests/sha256:{'0' * 64}"),
        ):
            assert as_another(lambda m=method, p=path: status(hub, m, p)) in (401, 403, 405)
        assert as_another(lambda: status(door, "GET", "/containers/json")) == 403
        notebook.run("lab.cleanup()")


@pytest.mark.parametrize("umask", [0o000, 0o077], indirect=True, ids=oct)
def test_what_images_and_volumes_hold_does_not_follow_the_umask(fire: Places, umask: int) -> None:
    del umask
    embedded.start(fire)
    stock(fire)
    with client_of(fire) as client:
        client.images.pull("busybox", "latest")
        shown = client.containers.run(
            "busybox", ["sh", "-c", "touch /v/x /x; stat -c %a /v /v/x /x /etc /tmp"],
            volumes={"lab-v": {"bind": "/v", "mode": "rw"}}, remove=True,
        )  # fmt: skip
        client.api.remove_volume("lab-v")
    assert shown.split() == [b"755", b"644", b"644", b"755", b"1777"]
