"""Every cause the doctor knows is brought about, and the real command must name it."""

import json
import os
import shutil
import signal
import stat
import sys
from pathlib import Path

import pytest
from provoke import (
    NOWHERE,
    apart,
    dockerlab,
    impostor,
    listener,
    ordinary_user,
    replace,
    seed,
    small_disk,
)

from dockerlab.engine import Engine, embedded, processes
from dockerlab.engine.places import Places

pytestmark = pytest.mark.engine

Found = dict[str, str]


def examine(*arguments: str, status: int, **options: object) -> list[Found]:
    done = dockerlab("doctor", "--json", *arguments, **options)  # type: ignore[arg-type]
    assert done.returncode == status, done.stdout + done.stderr
    assert done.stderr == ""
    answer = json.loads(done.stdout.splitlines()[-1] if "\n{" in done.stdout else done.stdout)
    assert answer["ok"] == (status == 0)
    for finding in answer["findings"]:
        assert list(finding) == ["name", "level", "what", "mend"]
        assert finding["level"] in ("ok", "warning", "problem")
        assert finding["mend"] or finding["level"] == "ok"
    found: list[Found] = answer["findings"]
    return found


def only(findings: list[Found], level: str, name: str) -> Found:
    (finding,) = [f for f in findings if (f["level"], f["name"]) == (level, name)]
    return finding


def test_a_machine_that_can_have_an_engine_has_no_problem_and_is_left_as_it_was(
    tmp_path: Path,
) -> None:
    cache = tmp_path / "cache"
    found = examine(status=0, DOCKERLAB_CACHE=str(cache))
    assert "is not here yet" in only(found, "ok", "engine")["what"]
    assert not cache.exists()


def test_each_finding_is_one_line_with_a_sign_and_a_word() -> None:
    done = dockerlab("doctor", "--engine", f"tcp://{NOWHERE}")
    assert done.returncode == 1
    line = next(line for line in done.stdout.splitlines() if " engine " in line)
    assert line.startswith("✗ problem")
    assert "→ Check the address" in line
    assert done.stdout.splitlines()[-1] == "1 problem was found."
    plain = dockerlab("doctor", "--engine", f"tcp://{NOWHERE}", PYTHONIOENCODING="ascii")
    assert "x problem" in plain.stdout


def test_no_engine_at_all(tmp_path: Path) -> None:
    before = apart("mount -t tmpfs none /run")
    found = examine("--engine", "current", status=1, before=before, HOME=str(tmp_path))
    finding = only(found, "problem", "engine")
    assert "There is no Docker Engine on this machine" in finding["what"]
    assert "--engine embedded" in finding["mend"]


def test_a_socket_without_permission_says_that_its_group_is_as_good_as_root(
    tmp_path: Path,
) -> None:
    path = tmp_path / "docker.sock"
    tmp_path.chmod(0o755)
    with impostor(str(path), "{}"):
        if os.geteuid() == 0:
            os.chown(path, 0, 1)
            path.chmod(0o660)
        else:
            path.chmod(0)
        found = examine("--engine", f"unix://{path}", status=1, before=ordinary_user())
    finding = only(found, "problem", "engine")
    assert f"You may not use the socket {path}" in finding["what"]
    assert "--engine embedded" in finding["mend"]
    if os.geteuid() == 0:
        assert "as good as root" in finding["mend"]


def test_an_api_that_is_too_old(tmp_path: Path) -> None:
    path = tmp_path / "docker.sock"
    with impostor(str(path), '{"ApiVersion": "1.30", "Version": "17.06.0-ce"}'):
        found = examine("--engine", f"unix://{path}", status=1)
    finding = only(found, "problem", "engine")
    assert "speaks API 1.30, too old" in finding["what"]
    assert "20.10" in finding["mend"]


def test_an_engine_that_keeps_silent_does_not_keep_the_doctor(tmp_path: Path) -> None:
    path = tmp_path / "docker.sock"
    with impostor(str(path), None):
        found = examine("--engine", f"unix://{path}", status=1, seconds=40)
    assert "does not answer within" in only(found, "problem", "engine")["what"]


def test_a_full_disk(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    found = examine(status=1, before=small_disk(cache, "size=50M"), DOCKERLAB_CACHE=str(cache))
    finding = only(found, "problem", "disk")
    assert "The disk is full" in finding["what"]
    assert "DOCKERLAB_CACHE" in finding["mend"]


def test_a_disk_without_room_for_more_files(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    before = small_disk(cache, "size=3G,nr_inodes=100")
    found = examine(status=1, before=before, DOCKERLAB_CACHE=str(cache))
    assert "more files only" in only(found, "problem", "disk")["what"]


def test_a_full_disk_under_the_images_of_an_engine_of_ones_own(tmp_path: Path) -> None:
    path, data = tmp_path / "docker.sock", tmp_path / "data"
    answer = {"ApiVersion": "1.45", "Version": "26.1.5", "Driver": "overlay2"}
    with impostor(str(path), json.dumps(answer | {"DockerRootDir": str(data)})):
        found = examine("--engine", f"unix://{path}", status=1, before=small_disk(data, "size=10M"))
    assert str(data) in only(found, "problem", "disk")["what"]
    assert "26.1.5" in only(found, "ok", "engine")["what"]


def test_folders_that_cannot_be_written(short_folder: Path) -> None:
    short_folder.chmod(0o555)
    found = examine(
        status=1, before=ordinary_user(), DOCKERLAB_CACHE=str(short_folder / "cache"),
        XDG_RUNTIME_DIR=str(short_folder),
    )  # fmt: skip
    mends = [f["mend"] for f in found if (f["level"], f["name"]) == ("problem", "folders")]
    assert len(mends) == 2
    assert "DOCKERLAB_CACHE" in mends[0]
    assert "XDG_RUNTIME_DIR" in mends[1]


def test_a_path_too_long_for_a_socket(tmp_path: Path) -> None:
    runtime = tmp_path / ("long" * 20)
    found = examine(
        status=1, before=ordinary_user(), XDG_RUNTIME_DIR=str(runtime),
        DOCKERLAB_CACHE=str(tmp_path / "cache"),
    )  # fmt: skip
    whats = [f["what"] for f in found if (f["level"], f["name"]) == ("problem", "folders")]
    assert any("longer than 104 bytes" in what for what in whats)


def test_a_file_system_that_holds_no_image_store(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    script = (
        f"mount -t tmpfs none '{tmp_path}'; cd '{tmp_path}'; mkdir cache lower upper work\n"
        "mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work none cache; cd /"
    )
    found = examine(status=1, before=apart(script), DOCKERLAB_CACHE=str(cache))
    assert "(overlay)" in only(found, "problem", "filesystem")["what"]


def test_a_root_that_may_not_run_an_engine() -> None:
    before = apart("true", then=["setpriv", "--bounding-set=-net_admin"])
    if os.geteuid() != 0:
        before = ["unshare", "--map-root-user", "setpriv", "--bounding-set=-net_admin"]
    found = examine(status=1, before=before)
    finding = only(found, "problem", "permissions")
    assert "CAP_NET_ADMIN" in finding["what"]
    assert "--privileged" in finding["mend"]


def test_rootless_without_newuidmap(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    tmp_path.chmod(0o755)
    for name in ("apt-get", "apt-config", "dpkg"):
        (programs / name).symlink_to(shutil.which(name) or name)
    before = [*ordinary_user(), "env", f"PATH={programs}"]
    finding = obstacle("newuidmap", examine(status=1, before=before))
    assert "newgidmap" in finding["what"]
    assert "apt-get install uidmap" in finding["mend"]
    assert "--engine current" in finding["mend"]


@pytest.mark.parametrize("file", ["/etc/subuid", "/etc/subgid"])
def test_rootless_without_a_range_of_ids(file: str) -> None:
    script = f"[ -e {file} ] || exit 0\nmount --bind /dev/null {file}"
    before = apart(script, then=ordinary_user())
    found = examine(status=1, before=before)
    assert "usermod --add-subuids" in obstacle(file, found)["mend"]


def test_rootless_without_the_device_its_network_needs(tmp_path: Path) -> None:
    closed = tmp_path / "tun"
    closed.touch(0o600 if os.geteuid() == 0 else 0)
    script = f"if [ -e /dev/net/tun ]; then mount --bind '{closed}' /dev/net/tun; fi"
    found = examine(status=1, before=apart(script, then=ordinary_user()))
    assert "chmod 0666 /dev/net/tun" in obstacle("may not write /dev/net/tun", found)["mend"]


def test_rootless_where_user_namespaces_are_off(tmp_path: Path) -> None:
    off = tmp_path / "off"
    off.write_text("0\n")
    tmp_path.chmod(0o755)
    script = f"mount --bind '{off}' /proc/sys/user/max_user_namespaces"
    found = examine(status=1, before=apart(script, then=ordinary_user()))
    assert "sysctl" in obstacle("User namespaces are switched off", found)["mend"]


def test_rootless_on_the_first_kind_of_cgroups() -> None:
    before = apart("mount -t tmpfs none /sys/fs/cgroup", then=ordinary_user())
    found = json.loads(dockerlab("doctor", "--json", before=before).stdout)["findings"]
    assert "can't limit memory or CPU" in only(found, "warning", "limits")["what"]


def obstacle(word: str, found: list[Found]) -> Found:
    (finding,) = [f for f in found if f["name"] == "rootless" and word in f["what"]]
    assert finding["level"] == "problem"
    return finding


def test_a_port_that_is_taken() -> None:
    with listener() as port:
        found = examine("--port", str(port), status=1)
        finding = only(found, "problem", "port")
        assert f"Port {port} is in use by" in finding["what"]
        assert f"({os.getpid()})" in finding["what"]
    examine("--port", str(port), status=0)


def test_the_hubs_port_taken_by_another(tmp_path: Path) -> None:
    home = Places(tmp_path, os.environ["DOCKERLAB_INSTANCE"]).home
    home.mkdir(parents=True)
    with listener() as port:
        (home / "hub.json").write_text(json.dumps({"port": port}))
        found = examine(status=0, DOCKERLAB_CACHE=str(tmp_path))
    assert f"hub's port {port}" in only(found, "warning", "hub-port")["what"]


def test_a_proxy_that_does_not_answer_and_whose_password_is_not_shown() -> None:
    proxy = f"http://me:secret@{NOWHERE}"
    done = dockerlab("doctor", "--json", http_proxy=proxy, HTTP_PROXY=None)
    assert done.returncode == 1
    assert "secret" not in done.stdout
    finding = only(json.loads(done.stdout)["findings"], "problem", "proxy")
    assert f"The proxy http://{NOWHERE}, which http_proxy names" in finding["what"]


def test_a_proxy_of_apt_that_does_not_answer(tmp_path: Path) -> None:
    parts = tmp_path / "apt.conf.d"
    parts.mkdir()
    (parts / "proxy").write_text(f'Acquire::http::Proxy "http://{NOWHERE}";\n')
    configuration = tmp_path / "apt.conf"
    configuration.write_text(f'Dir::Etc::parts "{parts}";\n')
    found = examine(
        status=1, APT_CONFIG=str(configuration), DOCKERLAB_CACHE=str(tmp_path / "cache")
    )
    assert "Acquire::http::Proxy names" in only(found, "problem", "proxy")["what"]
    assert "can't be used" in only(found, "problem", "mirror")["what"]


def test_a_proxy_that_takes_this_machines_own_ports() -> None:
    with listener() as port:
        proxy = f"http://127.0.0.1:{port}"
        found = examine(
            "--engine",
            f"tcp://{NOWHERE}",
            status=1,
            HTTPS_PROXY=proxy,
            no_proxy=None,
            NO_PROXY=None,
        )
        finding = only(found, "warning", "proxy")
        assert "NO_PROXY=localhost,127.0.0.1" in finding["mend"]
        found = examine(
            "--engine", f"tcp://{NOWHERE}", status=1, HTTPS_PROXY=proxy,
            no_proxy="localhost,127.0.0.1",
        )  # fmt: skip
        assert "leaves 127.0.0.1 alone" in only(found, "ok", "proxy")["what"]


def test_no_network_matters_only_until_the_engine_is_here(tmp_path: Path, places: Places) -> None:
    embedded.bring(places)
    offline = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--net"]
    found = examine(status=1, before=offline, DOCKERLAB_CACHE=str(tmp_path / "cache"))
    assert only(found, "problem", "mirror")["mend"]
    found = examine(status=0, before=offline)
    assert "still runs" in only(found, "warning", "mirror")["mend"]


def test_a_name_server_that_keeps_silent_does_not_keep_the_doctor(tmp_path: Path) -> None:
    """Every request goes to a port where somebody listens and nobody answers."""
    resolv = tmp_path / "resolv.conf"
    resolv.write_text("nameserver 127.99.0.1\noptions timeout:30 attempts:5\n")
    hosts = tmp_path / "nsswitch.conf"
    hosts.write_text("hosts: dns\n")
    serve = (
        "import socket, sys, subprocess; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
        "s.bind(('127.99.0.1', 53)); sys.exit(subprocess.run(sys.argv[1:]).returncode)"
    )
    script = f"mount --bind '{resolv}' /etc/resolv.conf; mount --bind '{hosts}' /etc/nsswitch.conf"
    before = apart(script, then=[sys.executable, "-c", serve])
    found = examine("--engine", "tcp://engine.example:2375", status=1, before=before, seconds=60)
    assert only(found, "problem", "engine")


def test_an_engine_that_was_killed_or_hangs(engine: Engine, places: Places) -> None:
    running = embedded.status(places)
    assert running.pid
    os.kill(running.pid, signal.SIGSTOP)
    try:
        found = examine(status=1)
    finally:
        os.kill(running.pid, signal.SIGCONT)
    assert (
        f"(process {running.pid}) runs but does not answer"
        in (only(found, "problem", "engine")["what"])
    )
    assert "26." in only(examine(status=0), "ok", "engine")["what"]
    daemon = processes.find_daemon("dockerd", str(places.run / "daemon.json"))
    assert daemon
    daemon.kill()
    daemon.wait(10)
    finding = only(examine(status=0), "warning", "engine")
    assert "ended without tidying up" in finding["what"]
    assert "dockerlab engine start" in finding["mend"]
    embedded.start(places)
    assert "runs" in only(examine(status=0), "ok", "engine")["what"]


def test_programs_that_are_damaged(places: Places, tmp_path: Path) -> None:
    embedded.bring(places)
    suite = embedded.status(places).suite or "trixie"
    seed(places.cache, tmp_path, suite, "engines", "packages")
    assert "whole" in only(examine(status=0, DOCKERLAB_CACHE=str(tmp_path)), "ok", "engine")["what"]
    replace(tmp_path / "engines" / suite / "usr/bin/docker", b"#!/bin/sh\n")
    found = examine(status=0, DOCKERLAB_CACHE=str(tmp_path))
    assert "are damaged" in only(found, "warning", "engine")["what"]


def test_variables_that_point_a_terminal_elsewhere(places: Places) -> None:
    found = examine(status=0, DOCKER_HOST=f"tcp://{NOWHERE}")
    finding = only(found, "warning", "environment")
    assert f"DOCKER_HOST=tcp://{NOWHERE}" in finding["what"]
    assert "dockerlab engine status" in finding["mend"]
    found = examine(status=0, DOCKER_HOST=f"unix://{places.socket}")
    assert only(found, "ok", "environment")


def test_another_engine_is_named_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "docker.sock"
    with impostor(str(path), "{}"):
        found = examine(status=0, XDG_RUNTIME_DIR=str(tmp_path))
        assert f"engine of yours at {path}" in " ".join(
            f["what"] for f in found if f["name"] == "other-engines"
        )
        assert stat.S_ISSOCK(path.stat().st_mode)


def test_what_is_no_engine_is_refused_as_usage() -> None:
    done = dockerlab("doctor", "--engine", "bogus")
    assert done.returncode == 2
    assert "is no engine" in done.stderr
