"""Podman's service, unpacked from the host's packages like the embedded engine: nothing installed.

It runs in mount and process namespaces of its own, so all it mounts and starts ends with it.
"""

import contextlib
import json
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import docker

from dockerlab.engine import daemon, programs
from dockerlab.engine.apt import Apt
from dockerlab.engine.places import Places

_WANTED = (
    "podman", "conmon", "netavark", "catatonit", "golang-github-containers-common", "libgpgme11",
    "libassuan0", "libgpg-error0", "libsubid4", "libdevmapper1.02.1",
)  # fmt: skip
_START_SECONDS = 30
_STOP_SECONDS = 10
_MADE_PRIVATE = 'mount -t overlay overlay -o "lowerdir=$1:/etc" /etc && shift && exec "$@"'


class Podman:
    """Podman's programs in the cache, and one service of them.

    Parameters
    ----------
    places : Places
        Whose cache to use; the folder of the service is this instance's.
    """

    def __init__(self, places: Places) -> None:
        self._cache = places
        self._root = places.engines / "podman"
        self._home = places.home / "podman"
        self._run = places.run / "podman"
        self.socket = self._run / "podman.sock"

    @contextmanager
    def service(self, mirror: str) -> Iterator[docker.DockerClient]:
        """Run the service with a registry as its mirror of Docker Hub, and give a client to it."""
        self._bring()
        for folder in ("config", "etc/containers", "tmp", "networks"):
            (self._home / folder).mkdir(parents=True, exist_ok=True)
        self._run.mkdir(parents=True, exist_ok=True)
        self._configure(mirror)
        log = (self._home / "log").open("wb")
        with log, subprocess.Popen(
            [
                "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                "--propagation", "private", "sh", "-c", _MADE_PRIVATE, "sh", self._home / "etc",
                # catatonit reaps what containers leave, as the first process has to
                self._root / "usr/bin/catatonit", "--",
                self._root / "usr/bin/podman", "--root", self._home / "storage",
                "--runroot", self._run / "storage", "--tmpdir", self._home / "tmp",
                "system", "service", "--time", "0", f"unix://{self.socket}",
            ],
            env=self._environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        ) as job:  # fmt: skip
            try:
                client = self._client(job)
                with contextlib.closing(client):
                    yield client
            finally:
                job.kill()
                job.wait()
                self._remove()

    def _remove(self) -> None:
        """Delete what it kept, which may be mounted until its last process is gone."""
        until = time.monotonic() + _STOP_SECONDS
        for folder in (self._home, self._run):
            while folder.exists():
                shutil.rmtree(folder, ignore_errors=time.monotonic() < until)

    def _bring(self) -> None:
        if (self._root / "usr/bin/podman").exists():
            return
        folder = self._cache.packages / "podman"
        apt = Apt(folder, [])
        apt.update()
        packages = apt.resolve(f"{name}/{apt.own_suite}" for name in _WANTED)
        apt.fetch(packages, folder / "files")
        fresh = self._root.with_name(f"podman.unpacking-{time.monotonic_ns()}")
        fresh.mkdir(parents=True)
        for package in packages:
            subprocess.run(["dpkg-deb", "-x", folder / "files" / package.file, fresh], check=True)
        fresh.rename(self._root)

    def _environment(self) -> dict[str, str]:
        brought = programs.bring(self._cache, programs.default_suite())
        return brought.environment() | self._variables()

    def _variables(self) -> dict[str, str]:
        config = self._home / "config"
        own = {str(path.parent) for path in self._root.glob("**/libgp*.so.*")}
        brought = programs.bring(self._cache, programs.default_suite())
        return {
            "CONTAINERS_CONF": str(config / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(config / "storage.conf"),
            "CONTAINERS_REGISTRIES_CONF": str(config / "registries.conf"),
            "LD_LIBRARY_PATH": ":".join([*sorted(own), str(brought.libraries)]),
            "HOME": str(self._home),
            "TMPDIR": str(self._home / "tmp"),
            "XDG_RUNTIME_DIR": str(self._run),
        }

    def _configure(self, mirror: str) -> None:
        brought = programs.bring(self._cache, programs.default_suite())
        usr, config = self._root / "usr", self._home / "config"
        # not more than this machine lets it give away
        # conmon starts a podman of its own when a container has ended
        inherited = [f"{name}={value}" for name, value in self._variables().items()]
        _soft, files = resource.getrlimit(resource.RLIMIT_NOFILE)
        (config / "containers.conf").write_text(f"""
[engine]
conmon_path = ["{usr}/bin/conmon"]
helper_binaries_dir = ["{usr}/lib/podman"]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
conmon_env_vars = {json.dumps(inherited)}
init_path = "{usr}/bin/catatonit"
static_dir = "{self._home}/storage/libpod"
volume_path = "{self._home}/storage/volumes"
[engine.runtimes]
runc = ["{brought.path("runc")}"]
[network]
network_backend = "netavark"
network_config_dir = "{self._home}/networks"
[containers]
seccomp_profile = "{usr}/share/containers/seccomp.json"
default_ulimits = ["nofile={min(files, 1024)}:{min(files, 1024)}", "nproc=1024:1024"]
""")
        (config / "storage.conf").write_text(f"""
[storage]
driver = "overlay"
graphroot = "{self._home}/storage"
runroot = "{self._run}/storage"
""")
        (config / "registries.conf").write_text(f"""
unqualified-search-registries = ["docker.io"]
[[registry]]
prefix = "docker.io"
location = "docker.io"
[[registry.mirror]]
location = "{mirror}"
insecure = true
""")
        # which it looks for in /etc alone when it commits
        policy = {"default": [{"type": "insecureAcceptAnything"}]}
        (self._home / "etc/containers/policy.json").write_text(json.dumps(policy))

    def _client(self, job: "subprocess.Popen[bytes]") -> docker.DockerClient:
        until = time.monotonic() + _START_SECONDS
        while not daemon.version(self.socket):
            said = (self._home / "log").read_text(errors="replace")
            assert job.poll() is None, said
            assert time.monotonic() < until, said
            time.sleep(0.1)
        return docker.DockerClient(f"unix://{self.socket}", timeout=60)
