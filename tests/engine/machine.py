"""What an engine leaves on the machine, looked at without the code that is to remove it."""

import io
import os
import re
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import docker
import psutil
from docker.models.containers import Container

from dockerlab.engine import Engine, connect, embedded, programs
from dockerlab.engine.places import Places
from dockerlab.engine.programs import Programs

PROJECT = Path(__file__).parents[2]
IMAGE = "lab-busybox:1"
SLEEP = ["sleep", "86399"]
STUBBORN = ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"]
_ROOM = """
set -e
mount --make-rprivate /
mkdir -p "$1/groups"
mount --rbind /sys/fs/cgroup "$1/groups"
mount -t sysfs sysfs /sys
mount --move "$1/groups" /sys/fs/cgroup
"$2" ip link set lo up
shift 2
exec "$@"
"""
_APPLETS = ["sh", "sleep", "httpd", "wget", "cat", "nc", "ls", "ip", "mkdir", "id"]


def environment(places: Places, **more: str) -> dict[str, str]:
    """The variables with which a command of ours works on ``places``."""
    return {
        **os.environ,
        "DOCKERLAB_CACHE": str(places.cache),
        "DOCKERLAB_INSTANCE": places.instance,
        "DOCKERLAB_ENGINE": "embedded",
        **more,
    }


@contextmanager
def lab(places: Places, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
    """Run ``dockerlab ...`` as a process of its own, killed at the end if it still runs."""
    with subprocess.Popen(
        [sys.executable, "-m", "dockerlab", *arguments], cwd=PROJECT, env=environment(places),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        process_group=0,
    ) as job:  # fmt: skip
        try:
            yield job
        finally:
            job.kill()


def in_a_room(
    places: Places, folder: Path, *command: object, **variables: str
) -> "subprocess.CompletedProcess[str]":
    """Run a command in a network of its own, with nothing in it but its loopback.

    ``/sys`` shows the devices of the network in which it was mounted, so it is mounted anew
    in ``folder``'s place; the control groups stay as they are.
    """
    busybox = any_programs(places).path("busybox")
    words = ["unshare", "--net", "--mount", "sh", "-c", _ROOM, "sh", folder, busybox, *command]
    return subprocess.run(
        [str(word) for word in words], cwd=PROJECT, capture_output=True, text=True, check=False,
        timeout=300, env=environment(places, **variables),
    )  # fmt: skip


def ctrl_c(job: "subprocess.Popen[str]") -> str:
    """Interrupt as a terminal does, the programs it runs included; give its last words."""
    os.killpg(job.pid, signal.SIGINT)
    return job.communicate(timeout=90)[1]


def lab_says(places: Places, *arguments: str) -> str:
    """Run ``dockerlab ...``, which must succeed, and give what it prints."""
    with lab(places, *arguments) as job:
        out, errors = job.communicate(timeout=300)
    assert job.returncode == 0, errors
    return out


@contextmanager
def client_of(places: Places) -> Iterator[docker.DockerClient]:
    with closing(connect(Engine("embedded", f"unix://{places.socket}"))) as client:
        yield client


def unpacked(places: Places) -> Programs:
    """The unpacked engine that ``places`` was last started with."""
    suite = embedded.status(places).suite
    assert suite
    return Programs(places.engines / suite, suite, "")


def any_programs(places: Places) -> Programs:
    """The unpacked engine of this machine's usual suite, whether or not it was started."""
    suite = programs.default_suite()
    return Programs(places.engines / suite, suite, "")


def make_image(client: docker.DockerClient, brought: Programs) -> None:
    """Make an image of busybox alone, by an import: every engine and store can."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(brought.path("busybox"), "bin/busybox")
        for applet in _APPLETS:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
    name, tag = IMAGE.split(":")
    client.api.import_image_from_data(
        buffer.getvalue(), repository=name, tag=tag, changes=["ENV PATH=/bin", 'CMD ["sh"]']
    )


def serve(client: docker.DockerClient, port: int | None, **more: object) -> Container:
    """Run a web server that says hello on a published port."""
    return client.containers.run(
        IMAGE,
        ["sh", "-c", "mkdir /www; echo hello > /www/index.html; httpd -f -p 80 -h /www"],
        detach=True,
        ports={"80/tcp": ("127.0.0.1", port)},
        **more,
    )


def published(container: Container) -> int:
    container.reload()
    return int(container.ports["80/tcp"][0]["HostPort"])


def says_hello(port: int, address: str = "127.0.0.1") -> bool:
    done = subprocess.run(
        [
            sys.executable, "-c", "import sys, urllib.request as r; "
            "print(r.build_opener(r.ProxyHandler({})).open(sys.argv[1], timeout=5).read())",
            f"http://{address}:{port}/",
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return "hello" in done.stdout


def until(
    happens: Callable[[], object],
    job: "subprocess.Popen[str] | None" = None,
    seconds: float = 60,
) -> None:
    """Wait until something is so; fail where ``job``, which is to bring it, ends before."""
    end = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < end, "it did not happen"
        assert job is None or job.poll() is None or happens(), job.communicate()
        time.sleep(0.002)


def devices_of(client: docker.DockerClient, places: Places) -> set[str]:
    """The network devices this engine has made: bridges and containers' ends on them."""
    bridges = {f"dlab{places.key}"}
    for network in client.networks.list():
        options = network.attrs["Options"] or {}
        if network.attrs["Driver"] == "bridge" and network.name != "bridge":
            bridges.add(options.get("com.docker.network.bridge.name", f"br-{network.id[:12]}"))
    ends = {
        master.parent.name
        for master in Path("/sys/class/net").glob("*/master")
        if master.resolve().name in bridges
    }
    return bridges | ends


def processes_of(places: Places) -> list[psutil.Process]:
    """Every process of the engine, told by command line, environment or root file system."""
    home = str(places.home.resolve())
    found = []
    for process in psutil.process_iter():
        folder = Path(f"/proc/{process.pid}")
        try:
            command = (folder / "cmdline").read_bytes().decode(errors="replace")
            variables = (folder / "environ").read_bytes().decode(errors="replace")
            root = next(
                line for line in (folder / "mountinfo").read_text().splitlines() if " / / " in line
            )
        except (OSError, StopIteration):
            continue
        escaped = root.replace("\\040", " ").encode().decode(errors="replace")
        if (
            (f"/{places.key}/" in command or f"{home}/firewall" in variables
             or f"upperdir={home}/" in escaped)
            and process.pid != os.getpid()
        ):  # fmt: skip
            found.append(process)
    return found


def stale_shim_sockets() -> set[str]:
    """Sockets at containerd's fixed place on which nothing listens."""
    listening = Path("/proc/net/unix").read_text()
    folder = Path("/run/containerd/s")
    return {str(file) for file in folder.glob("*") if str(file) not in listening}


def rules(brought: Programs, about: str) -> list[str]:
    """All firewall lines, of IPv4 and IPv6, that match a pattern."""
    saved = ""
    for program in ("iptables-save", "ip6tables-save"):
        saved += subprocess.run(
            [brought.path(program)], env=brought.environment(), capture_output=True, text=True,
            check=True,
        ).stdout  # fmt: skip
    return [line for line in saved.splitlines() if re.search(about, line)]


def traces(places: Places, brought: Programs, devices: set[str], *addresses: str) -> list[str]:
    """All that is to be seen of an engine: must be empty after it was stopped."""
    found = [f"process {p.pid} {' '.join(p.cmdline())[:90]}" for p in processes_of(places)]
    home = str(places.home.resolve())
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        plain = line.replace("\\040", " ")
        if f"{home}/" in plain or str(places.run) in plain:
            found.append(f"mount {plain}")
    present = set(psutil.net_if_addrs())
    found += [f"device {name}" for name in sorted(devices & present)]
    if os.geteuid() == 0:
        words = [f"DL{places.key}".upper(), *map(re.escape, [*devices, *addresses])]
        found += [f"rule {rule}" for rule in rules(brought, rf"({'|'.join(words)})\b")]
    for line in Path("/proc/net/unix").read_text().splitlines():
        if f"/{places.key}/" in line:
            found.append(f"socket {line}")
    if places.run.is_dir():
        left = {file.name for file in places.run.iterdir()} - {"hub.lock"}
        found += [f"file {name}" for name in sorted(left)]
    for container in places.home.glob("data/*/containers/*"):
        for under in ("docker", "*/docker"):  # cgroup v2 and v1
            groups = Path("/sys/fs/cgroup").glob(f"{under}/{container.name}")
            found += [f"group {group}" for group in groups]
    return found
