"""A container as a process: read from settings, from /proc, and from either kind of cgroup."""

from collections.abc import Callable
from typing import Any

import pytest
from recorded_engine import Memory, remembering

from dockerlab.errors import UnknownNameError
from dockerlab.facts import CAPABILITIES, Isolation, isolation, read_isolation
from dockerlab.facts.capabilities import DEFAULT, from_mask, from_settings
from dockerlab.facts.sight import Files, cgroup_paths, look_here

WEB = "c" * 64
DB = "d" * 64
STATUS = "Name:\tnginx\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\nNSpid:\t{pid}\t{inside}\n" \
    "CapBnd:\t00000000a80425fb\nSeccomp:\t2\n"  # fmt: skip
OVERLAY = "1 2 0:7 / / rw,relatime - overlay overlay rw,lowerdir=a:b:c,upperdir=u,workdir=w\n"
V1 = f"9:memory:/docker/{WEB}\n4:cpu,cpuacct:/docker/{WEB}\n3:pids:/docker/{WEB}\n0::/\n"
V2 = f"0::/system.slice/docker-{WEB}.scope\n"


class Engine(Memory):
    """Answers for the containers `web` and `db`, `docker top` included."""

    def answer(self, path: str, query: dict[str, str]) -> Any:
        if path.endswith("/top"):
            return self.contents["top"]
        return super().answer(path, query)


def files(**changed: str) -> Files:
    usual = {
        "cgroup": V2,
        "status": STATUS.format(uid=0, pid=4242, inside=1),
        "status/4242": STATUS.format(uid=0, pid=4242, inside=1),
        "status/4243": STATUS.format(uid=33, pid=4243, inside=7),
        "uid_map": "         0          0 4294967295\n",
        "mountinfo": OVERLAY,
        "memory.max": "64000000\n",
        "memory.current": "16000000\n",
        "cpu.max": "50000 100000\n",
        "pids.max": "max\n",
        "pids.current": "2\n",
    }
    for number, kind in enumerate(("mnt", "pid", "net", "uts", "ipc")):
        usual[f"ns/{kind}"] = f"{kind}:[{5000 + number}]"
        usual[f"host/{kind}"] = f"{kind}:[{4000 + number}]"
    for kind in ("user", "cgroup", "time"):
        usual[f"ns/{kind}"] = usual[f"host/{kind}"] = f"{kind}:[4100]"
    return {**usual, **changed}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Isolation]:
    def read(
        seen: Files | None = None, *, pid: int = 4242, images: Any = (), top: Any = None,
        info: Any = None, config: Any = None, **host: Any,
    ) -> Isolation:  # fmt: skip
        monkeypatch.setattr(isolation, "look_here", lambda *_: seen)
        status = "running" if pid else "exited"
        inspected = {
            WEB: {"Id": WEB, "Name": "/web", "State": {"Status": status, "Pid": pid},
                  "Config": {"Image": "nginx", **(config or {})},
                  "HostConfig": {"CgroupnsMode": "private", **host},
                  "GraphDriver": {"Name": "overlay2", "Data": {"MergedDir": "/m"}}},
            DB: {"Id": DB, "Name": "/db", "State": {}},
        }  # fmt: skip
        usual = {
            "Titles": ["UID", "PID", "PPID", "CMD"],
            "Processes": [["www", "4243", "4242", "worker"], ["root", "4242", "1", "nginx"]],
        }
        contents = {
            "info": info or {},
            "images": list(images),
            "containers": [
                {"Id": WEB, "Names": ["/web"], "State": status}, {"Id": DB, "Names": ["/db"]}
            ],
            "container-inspect": inspected,
            "top": top or usual,
        }  # fmt: skip
        with remembering(Engine(contents)) as client:
            return read_isolation(client, "web")

    return read


def sharing(view: Isolation) -> dict[str, str]:
    return {one.kind: one.sharing for one in view.namespaces}


def test_seen_in_proc(read: Callable[..., Isolation]) -> None:
    view = read(files())
    assert view.sight == "here"
    assert [(p.pid, p.inside, p.user) for p in view.processes] == [
        (4242, 1, "root"), (4243, 7, "www"),
    ]  # fmt: skip
    assert sharing(view) == {
        "mnt": "own", "pid": "own", "net": "own", "uts": "own", "ipc": "own",
        "user": "host", "cgroup": "host", "time": "host",
    }  # fmt: skip
    assert view.namespaces[0].own == 5000
    assert view.namespaces[0].host == 4000
    assert view.capabilities == tuple(sorted(DEFAULT))
    assert (view.uid, view.host_uid, view.seccomp) == (0, 0, True)
    assert view.root
    assert (view.root.kind, view.root.lower, view.root.read_only) == ("overlay", 3, False)


def test_limits_of_cgroup_v2(read: Callable[..., Isolation]) -> None:
    view = read(files(), Memory=64_000_000, NanoCpus=500_000_000)
    memory, cpu, pids = view.limits
    assert (memory.asked, memory.kept, memory.used, memory.file) == (
        64e6, 64e6, 16e6, "memory.max",
    )  # fmt: skip
    assert (cpu.asked, cpu.kept) == (0.5, 0.5)
    assert (pids.asked, pids.kept, pids.used) == (None, None, 2)
    assert view.cgroup_version == 2
    assert view.cgroup == f"/system.slice/docker-{WEB}.scope"


def test_limits_of_cgroup_v1(read: Callable[..., Isolation]) -> None:
    old = {
        "cgroup": V1, "memory.max": "", "memory.current": "", "cpu.max": "",
        "memory.limit_in_bytes": "9223372036854771712\n", "memory.usage_in_bytes": "5\n",
        "cpu.cfs_quota_us": "150000\n", "cpu.cfs_period_us": "50000\n", "pids.max": "20\n",
    }  # fmt: skip
    view = read(files(**old), CpuQuota=150_000, CpuPeriod=50_000, PidsLimit=20)
    memory, cpu, pids = view.limits
    assert (memory.asked, memory.kept, memory.used) == (None, None, 5)
    assert (cpu.asked, cpu.kept, cpu.file) == (3, 3, "cpu.cfs_quota_us")
    assert (pids.asked, pids.kept) == (20, 20)
    assert view.cgroup_version == 1
    assert cgroup_paths(V1)["cpuacct"] == f"/docker/{WEB}"
    unlimited = read(files(**{**old, "cpu.cfs_quota_us": "-1"}))
    assert unlimited.limits[1].kept is None


def test_what_is_shared_by_wish(read: Callable[..., Isolation]) -> None:
    same = {f"ns/{kind}": files()[f"host/{kind}"] for kind in ("pid", "net")}
    view = read(files(**same, **{"ns/ipc": "ipc:[77]"}), PidMode="host", NetworkMode="host",
                IpcMode=f"container:{DB}")  # fmt: skip
    assert sharing(view)["pid"] == "host"
    assert sharing(view)["net"] == "host"
    (ipc,) = (one for one in view.namespaces if one.kind == "ipc")
    assert (ipc.sharing, ipc.other) == ("container", "db")


def test_user_namespaces(read: Callable[..., Isolation]) -> None:
    remapped = files(
        status=STATUS.format(uid=100_033, pid=4242, inside=1),
        uid_map="0 100000 65536\n", **{"ns/user": "user:[9]"},
    )  # fmt: skip
    view = read(remapped, config={"User": "www-data"})
    assert sharing(view)["user"] == "own"
    assert (view.user, view.uid, view.host_uid) == ("www-data", 33, 100_033)


def test_from_settings_alone(read: Callable[..., Isolation]) -> None:
    view = read(None, Memory=5_000_000, NetworkMode=f"container:{DB}", CapAdd=["CAP_SYS_TIME"],
                CapDrop=["KILL"], ReadonlyRootfs=True)  # fmt: skip
    assert (view.sight, view.obstacle) == ("settings", "no helper")
    assert sharing(view)["net"] == "container"
    assert sharing(view)["user"] == "host"
    assert view.limits[0].asked == 5_000_000
    assert view.limits[0].file == ""
    assert "SYS_TIME" in view.capabilities
    assert "KILL" not in view.capabilities
    assert view.root
    assert (view.root.kind, view.root.folder, view.root.read_only) == ("overlay2", "/m", True)
    assert view.uid is None
    remapped = read(None, info={"SecurityOptions": ["name=seccomp", "name=rootless"]})
    assert sharing(remapped)["user"] == "own"


def test_a_helper_that_is_refused(read: Callable[..., Isolation]) -> None:
    # The recorded engine has an image for a helper, and can't start anything.
    view = read(None, images=[{"Id": "sha256:1", "RepoTags": ["busybox:latest"]}])
    assert (view.sight, view.obstacle) == ("settings", "refused")


def test_podmans_top_counts_otherwise(read: Callable[..., Isolation]) -> None:
    podman = {
        "Titles": ["USER", "PID", "PPID", "COMMAND"],
        "Processes": [["root", "1", "0", "nginx"]],
    }
    view = read(files(), top=podman)
    assert [(p.pid, p.inside) for p in view.processes] == [(4242, 1)]


def test_a_stopped_container(read: Callable[..., Isolation]) -> None:
    view = read(None, pid=0)
    assert (view.sight, view.obstacle, view.processes) == ("settings", "stopped", ())
    assert sharing(view)["pid"] == "own"


def test_another_process_with_the_same_number_is_not_taken_for_it() -> None:
    assert look_here("f" * 64, [1]) is None
    assert look_here("f" * 64, [2**22 + 1]) is None


def test_capabilities_by_dockers_rules() -> None:
    assert from_mask(0x00000000A80425FB) == tuple(sorted(DEFAULT))
    assert from_mask(0) == ()
    assert set(from_mask(2**63 - 1)) == set(CAPABILITIES)
    assert from_settings(None, None, privileged=False) == tuple(sorted(DEFAULT))
    assert set(from_settings(None, ["ALL"], privileged=True)) == set(CAPABILITIES)
    assert from_settings(["net_admin"], ["ALL"], privileged=False) == ("NET_ADMIN",)
    assert set(CAPABILITIES) - set(from_settings(["ALL"], ["KILL"], privileged=False)) == {"KILL"}


def test_an_unknown_name() -> None:
    contents = {"containers": [{"Id": WEB, "Names": ["/web"]}], "container-inspect": {}, "info": {}}
    with (
        remembering(Memory(contents)) as client,
        pytest.raises(UnknownNameError, match="did you mean 'web'"),
    ):
        read_isolation(client, "wbe")
