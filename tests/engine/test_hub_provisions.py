"""A bundle brings the engine too: to a machine that has neither a network nor a mirror.

Its packages are believed only as far as the loading machine's own keys vouch for them.
"""

import bz2
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bundle_zoo import Members, changed, members_of, pack, with_head
from hubs import held, trusted

from dockerlab.engine import apt, embedded, programs, provisions
from dockerlab.engine.bundle import Bundle
from dockerlab.engine.images import COURSE_IMAGES
from dockerlab.engine.places import Places
from dockerlab.engine.stock import load_bundle, save_bundle
from dockerlab.errors import LabError

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def saved(places: Places, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    file = tmp_path_factory.mktemp("bundle") / "everything.tar"
    return save_bundle(places, file)


@pytest.fixture(scope="module")
def good(saved: Bundle) -> Members:
    return members_of(saved.file)


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Places]:
    places = Places(tmp_path / "机器 bare", "bare")
    yield places
    embedded.remove(places)


def refused(file: Path, bare: Places) -> str:
    with pytest.raises(LabError) as error:
        load_bundle(bare, trusted(file))
    assert "\n" not in str(error.value)
    assert not bare.packages.exists()
    assert not bare.engines.exists()
    assert {path.name for path in bare.hub.iterdir()} == {"work.lock"}
    return str(error.value)


def test_a_bare_machine_gets_engine_and_images(saved: Bundle, bare: Places, tmp_path: Path) -> None:
    loaded = load_bundle(bare, trusted(saved.file))
    assert loaded.images == COURSE_IMAGES
    assert loaded.engine
    assert loaded.engine.dated
    assert programs.is_there(bare, programs.default_suite())
    assert set(held(embedded.hub(bare))) == {image.name for image in COURSE_IMAGES}
    assert embedded.start(bare).running
    # and what came from a bundle makes one, without a mirror
    again = save_bundle(bare, tmp_path / "again.tar")
    assert again.sha256 == saved.sha256


def test_a_machine_without_network_loads_in_one_command(saved: Bundle, bare: Places) -> None:
    command = [sys.executable, "-m", "dockerlab", "hub", "bundle", "load", str(saved.file)]
    environment = {
        **os.environ, "DOCKERLAB_CACHE": str(bare.cache), "DOCKERLAB_INSTANCE": bare.instance,
    }  # fmt: skip

    up = "ip link set lo up"

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["unshare", "--net", "--map-root-user", "sh", "-c", f"{up}; exec \"$@\"", "sh",
             *command, *more],
            env=environment, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    asked = run()
    assert asked.returncode == 1
    assert f"--sum {saved.sha256}" in asked.stderr
    for said in ("made by dockerlab", "signed by nobody", saved.sha256):
        assert said in asked.stdout
    wrong = run("--sum", "0" * 64)
    assert wrong.returncode == 1
    assert "not the bundle you were told of" in wrong.stderr
    assert not bare.cache.exists()
    loaded = run("--sum", saved.sha256)
    assert loaded.returncode == 0, loaded.stderr
    assert "The hub has busybox" in loaded.stdout


SUITE = "/dists/trixie/"


def swapped(good: Members) -> Members:
    """Put another program into runc's package, and its sum into the list of packages."""
    name, old = next((n, c) for n, c in good if "/runc_" in n)
    evil = old[:-1] + bytes([old[-1] ^ 1])
    members = changed(good, name, evil)
    own = programs.host_distribution()[1]
    lists = f"/dists/{own}/main/binary-{provisions.architecture()}/Packages.bz2"
    packages = bz2.decompress(next(c for n, c in good if n.endswith(lists)))
    sums = [hashlib.sha256(content).hexdigest().encode() for content in (old, evil)]
    assert sums[0] in packages
    packages = packages.replace(*sums)
    members = changed(members, lists, bz2.compress(packages))
    release = next(c for n, c in good if n.endswith(f"/dists/{own}/InRelease"))
    line = re.compile(
        rf" [0-9a-f]{{64}} +\d+ main/binary-{provisions.architecture()}/Packages\n".encode()
    )
    assert line.search(release)
    new = f" {hashlib.sha256(packages).hexdigest()} {len(packages)} main/binary-"
    new += f"{provisions.architecture()}/Packages\n"
    return changed(members, f"/dists/{own}/InRelease", line.sub(new.encode(), release))


def self_signed(members: Members, folder: Path) -> Members:
    """Sign a bundle's lists with a key of an attacker's."""
    folder.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(folder), "--batch", "--quiet", "--passphrase", ""]
    name = "Debian Archive Automatic Signing Key <ftpmaster@debian.org>"
    subprocess.run([*gpg, "--quick-generate-key", name], check=True, capture_output=True)
    try:
        for path, content in members:
            if path.endswith("/InRelease"):
                plain = re.sub(
                    rb"^-----BEGIN PGP SIGNED.*?\n\n|-----BEGIN PGP SIGNATURE.*", b"", content,
                    flags=re.DOTALL,
                )  # fmt: skip
                signed = subprocess.run(
                    [*gpg, "--clear-sign"], input=plain, check=True, capture_output=True
                )
                members = changed(members, path, signed.stdout)
    finally:
        subprocess.run(["gpgconf", "--homedir", str(folder), "--kill", "all"], check=False)
    return members


def other_suite(good: Members) -> Members:
    """Exchange the signed lists of two suites."""
    own = f"/dists/{programs.host_distribution()[1]}/"
    return [
        (name.replace(SUITE, "/dists/x/").replace(own, SUITE).replace("/dists/x/", own), content)
        for name, content in good
    ]


def without(good: Members, part: str) -> Members:
    return [(name, content) for name, content in good if part not in name]


@pytest.mark.parametrize(
    ("attack", "says"),
    [
        (lambda m, _p: changed(m, runc(m), b"no package"), "runc is not the package"),
        (lambda m, _p: swapped(m), "can't be verified.*BADSIG"),
        (lambda m, p: self_signed(swapped(m), p), "can't be verified.*NO_PUBKEY"),
        (self_signed, "can't be verified.*NO_PUBKEY"),
        (lambda m, _p: other_suite(m), "can't be verified.*Conflicting distribution"),
        (lambda m, _p: without(m, "/InRelease"), "not those that their distribution signed"),
        (lambda m, _p: without(m, "/Packages.bz2"), "can't be verified"),
        (lambda m, _p: without(m, "/runc_"), "runc is not the package"),
        (lambda m, _p: [*m, (runc(m).replace("runc", "evil"), b"x")], "evil.* no part of"),
        (
            lambda m, _p: changed(m, "/Packages.bz2", bz2.compress(bytes(2 * 10**8))),
            "not those that their distribution signed",
        ),
        (lambda m, _p: changed(m, "/Packages.bz2", b"BZh9"), "not those that their distribution"),
        (
            lambda m, _p: changed(m, "index.json", b'{"manifests": []}'),
            "it lacks busybox",
        ),
    ],
)  # fmt: skip
def test_what_the_distribution_did_not_sign_is_refused(
    attack: Callable[[Members, Path], Members], says: str, good: Members, bare: Places,
    tmp_path: Path,
) -> None:  # fmt: skip
    bad = pack(tmp_path / "bad.tar", with_head(attack(good, tmp_path / "keys")))
    assert re.search(says, refused(bad, bare))


def runc(members: Members) -> str:
    return next(name for name, _content in members if "/runc_" in name)


def test_a_host_that_lets_apt_get_away_with_more_refuses_too(
    good: Members, bare: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lax = tmp_path / "lax.conf"
    lax.write_text(
        'Acquire::AllowInsecureRepositories "true";\nAPT::Get::AllowUnauthenticated "true";\n'
        'Acquire::AllowWeakRepositories "true";\n'
    )
    monkeypatch.setitem(apt._ENVIRONMENT, "APT_CONFIG", str(lax))
    bad = pack(tmp_path / "bad.tar", with_head(self_signed(swapped(good), tmp_path / "keys")))
    assert "can't be verified" in refused(bad, bare)


def test_an_engine_for_another_system_is_refused(
    good: Members, bare: Places, tmp_path: Path
) -> None:
    head = json.loads(good[0][1])
    head["system"] = "debian potato " + head["system"].split()[-1]
    foreign = [(good[0][0], json.dumps(head).encode()), *good[1:]]
    assert "is for debian potato" in refused(pack(tmp_path / "f.tar", foreign), bare)


def test_lists_that_are_gone_are_fetched_for_a_bundle(
    places: Places, saved: Bundle, tmp_path: Path
) -> None:
    shutil.rmtree(places.packages / programs.default_suite() / "lists")
    assert save_bundle(places, tmp_path / "b.tar").size > saved.size * 0.9


LOADER = """
import sys
from pathlib import Path
from hubs import trusted
from dockerlab.engine.places import Places
from dockerlab.engine.stock import load_bundle
load_bundle(Places(Path(sys.argv[2]), "bare"), trusted(Path(sys.argv[1])))
"""


def test_a_load_killed_anywhere_is_made_good_by_the_next(saved: Bundle, bare: Places) -> None:
    suite = programs.default_suite()
    here = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "unit")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(here)}
    killed = 0
    for seconds in (0.9, 2.5, 4.5, 6.5):
        with subprocess.Popen(
            [sys.executable, "-c", LOADER, str(saved.file), str(bare.cache)], env=environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        ) as job:  # fmt: skip
            time.sleep(seconds)
            job.send_signal(signal.SIGKILL)
        killed += job.returncode == -signal.SIGKILL
        packages = programs.load_packages(bare.packages / suite / programs.PACKAGES)
        files = bare.packages / suite / "files"
        assert packages is None or all(package.intact(files) for package in packages)
        assert len(list(bare.hub.glob("bundle-*"))) <= 1
    assert killed >= 3
    load_bundle(bare, trusted(saved.file))
    assert list(bare.hub.glob("bundle-*")) == []
    assert programs.is_there(bare, suite)
    assert set(held(embedded.hub(bare))) == {image.name for image in COURSE_IMAGES}
