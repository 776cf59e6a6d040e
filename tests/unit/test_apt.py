"""The private apt: which source it takes, and what its errors say."""

from pathlib import Path

import pytest

from dockerlab.engine import apt_errors
from dockerlab.engine.apt import Package, load_packages, save_packages
from dockerlab.engine.disk import nearest, require_space
from dockerlab.engine.sources import host_distribution, host_source
from dockerlab.errors import EngineError, UsageError

MIRROR = "http://mirror.example/debian"
FETCH = f"E: Failed to fetch {MIRROR}/dists/trixie/InRelease  "
UNSIGNED = f"E: The repository '{MIRROR} trixie InRelease' is not signed."


@pytest.mark.parametrize(
    ("said", "problem", "mend"),
    [
        (
            f"E: The repository '{MIRROR} trixie Release' does not have a Release file.\n"
            f"E: The repository '{MIRROR} bookworm Release' does not have a Release file.",
            "The package mirror, or a proxy before it, refuses",
            "proxy",
        ),
        (f"{FETCH}403  Forbidden [IP: 192.0.2.1 80]\n{UNSIGNED}", "403  Forbidden", "proxy"),
        (
            f"{FETCH}407  Proxy Authentication Required [IP: 192.0.2.1 80]\n{UNSIGNED}",
            "407  Proxy Authentication Required",
            "proxy",
        ),
        (
            f"{FETCH}Clearsigned file isn't valid, got 'NOSPLIT' "
            f"(does the network require authentication?)\n{UNSIGNED}",
            "answers with a page of its own",
            "Sign in",
        ),
        (
            "W: Failed to fetch http://mirror.example/InRelease  Temporary failure resolving "
            "'mirror.example'\nW: Some index files failed to download.",
            "can't be reached",
            "dockerlab doctor",
        ),
        (
            "W: Failed to fetch http://mirror.example/InRelease  Could not connect to "
            "127.0.0.1:1 (127.0.0.1). - connect (111: Connection refused)",
            "Connection refused",
            "proxy",
        ),
        (
            "E: Write error - write (28: No space left on device)",
            "The disk filled up while packages were fetched into /cache",
            "larger disk",
        ),
        (
            "E: Could not get lock /cache/lists/lock. It is held by process 7 (apt-get)",
            "Another program is fetching",
            "Let it end",
        ),
        (
            f"E: Failed to fetch {MIRROR}/pool/tini.deb  Hash Sum mismatch",
            f"The download of {MIRROR}/pool/tini.deb is corrupt",
            "Start again",
        ),
        (
            f"W: GPG error: {MIRROR} trixie InRelease: The following signatures couldn't be "
            f"verified because the public key is not available: NO_PUBKEY 0E98404D386FA1D9\n"
            f"{UNSIGNED}",
            "signature is not trusted",
            "debian-archive-keyring",
        ),
        (UNSIGNED, "signature is not trusted", "debian-archive-keyring"),
        (
            f"E: Release file for {MIRROR}/dists/trixie/InRelease is not valid yet (invalid for "
            "another 3h 2min 1s). Updates for this repository will not be applied.",
            "do not fit this machine's date",
            "clock",
        ),
        ("E: Unable to locate package tini", "has no package 'tini'", "--engine current"),
        ("", "apt-get failed without a word", "dockerlab doctor"),
    ],
)
def test_what_apt_said_becomes_a_cause_and_a_mend(said: str, problem: str, mend: str) -> None:
    error = apt_errors.explain(said, Path("/cache"), "bookworm")
    assert isinstance(error, EngineError)
    assert problem in error.problem
    assert mend in error.mend
    assert "\n" not in str(error)
    assert ".." not in str(error)


@pytest.mark.parametrize(
    "said",
    [
        f"E: The repository '{MIRROR} nosuch Release' does not have a Release file.",
        "E: Release 'nosuch' for 'docker.io' was not found\nE: Release 'nosuch' for 'tini' was "
        "not found",
    ],
)
def test_a_suite_that_is_not_there_is_the_readers_mistake(said: str) -> None:
    error = apt_errors.explain(said, Path("/cache"), "bookworm")
    assert isinstance(error, UsageError)
    assert "'nosuch'" in error.problem


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of sources that apt is told to take instead of the host's."""
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    configuration = tmp_path / "apt.conf"
    configuration.write_text(
        f'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "{parts}";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(configuration))
    return parts


def test_the_distributions_own_source_is_taken_though_others_name_its_suite(
    sources: Path,
) -> None:
    distribution, own = host_distribution()
    mirror = f"http://mirror.example/{distribution}"
    (sources / "a-vendor.list").write_text(f"deb https://vendor.example {own} main\n")
    (sources / "b.list").write_text(
        f"# deb {mirror} {own} contrib\ndeb {mirror} {own} main\ndeb [arch=amd64] {mirror} "
        f"{own} universe\ndeb-src {mirror} {own} main\n"
    )
    source = host_source()
    assert (source.uri, source.suite) == (mirror, own)
    assert source.components == ("main", "universe")


def test_a_source_may_follow_a_role_instead_of_a_suite(sources: Path) -> None:
    distribution, own = host_distribution()
    (sources / "host.sources").write_text(
        f"Types: deb\nURIs: http://mirror.example/{distribution}\nSuites: stable\n"
        "Components: main\nSigned-By: /usr/share/keyrings/some.gpg\n"
    )
    source = host_source()
    assert source.suite == own
    assert source.signed_by == "/usr/share/keyrings/some.gpg"


def test_a_host_without_a_source_is_told_where_to_look(sources: Path) -> None:
    with pytest.raises(EngineError, match=r"no source for its own suite .* /etc/apt"):
        host_source()


PACKAGE = Package(
    "tini/trixie", "tini", "0.19", "tini_0.19_amd64.deb", 5,
    "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
)  # fmt: skip


@pytest.mark.parametrize(
    ("content", "intact"), [(b"hello", True), (b"hell", False), (b"hellp", False), (None, False)]
)
def test_a_package_is_intact_by_size_and_checksum(
    content: bytes | None, intact: bool, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / PACKAGE.file).write_bytes(content)
    assert PACKAGE.intact(tmp_path) is intact


def test_the_list_of_packages_is_read_back(tmp_path: Path) -> None:
    save_packages([PACKAGE], tmp_path / "packages.json")
    assert load_packages(tmp_path / "packages.json") == (PACKAGE,)
    assert [path.name for path in tmp_path.iterdir()] == ["packages.json"]


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"{}", b"7", b"[7]", b'[{"name": "tini"}]', b'[{"a": 1', None]
)
def test_a_broken_list_of_packages_is_none(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "packages.json"
    if content is not None:
        file.write_bytes(content)
    assert not load_packages(file)


def test_a_disk_is_asked_before_a_folder_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    require_space(folder, 1)
    with pytest.raises(EngineError, match=r"The disk is full: .* are needed"):
        require_space(folder, 10**18)
    assert nearest(folder) == tmp_path
    assert not list(tmp_path.iterdir())
