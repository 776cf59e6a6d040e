"""Recipes, the packages they are made from, and the mirrors those come from."""

import subprocess
import tarfile
from pathlib import Path

import pytest

from dockerlab.engine import build, debian
from dockerlab.engine.bare_apt import BareApt, stanzas
from dockerlab.engine.debian import MIRROR_VARIABLE, image_sources, proxy_arguments
from dockerlab.engine.images import BUILT_FROM_LABEL, COURSE_IMAGES, course_image
from dockerlab.engine.progress import silent
from dockerlab.engine.sources import Source, configured_sources
from dockerlab.errors import HubError, LabError, UnknownNameError

RECIPES = Path(build.__file__).parent / "recipes"


def test_every_course_image_has_a_recipe_and_no_recipe_is_left_over() -> None:
    assert {folder.name for folder in RECIPES.iterdir()} == {image.name for image in COURSE_IMAGES}


@pytest.mark.parametrize("image", COURSE_IMAGES, ids=lambda image: image.name)
def test_a_recipe_is_honest_and_builds_on_the_oldest_builder(image) -> None:
    recipe = (RECIPES / image.name / "Dockerfile").read_text()
    assert f'{BUILT_FROM_LABEL}="debian packages"' in recipe
    assert "Not the Docker Official Image." in recipe
    for newer in ("--mount", "<<", "--link", "--chmod", "# syntax"):
        assert newer not in recipe
    if image.base:
        assert (
            f"ARG {image.base.upper()}={course_image(image.base).references[0]}".removesuffix(
                ":latest"
            )
            in recipe
        )
        names = [each.name for each in COURSE_IMAGES]
        assert names.index(image.base) < names.index(image.name)
    assert "http" not in recipe


def test_a_name_the_course_does_not_have_lists_those_it_has() -> None:
    with pytest.raises(UnknownNameError, match=r"no image 'ngnix'.*nginx, redis"):
        course_image("ngnix")


def test_the_context_has_modes_whatever_the_installation_made_of_them(tmp_path: Path) -> None:
    program = tmp_path / "busybox"
    program.write_bytes(b"\x7fELF...")
    build._pack("redis", {"busybox": program}, tmp_path / "context.tar")
    with tarfile.open(tmp_path / "context.tar") as context:
        modes = {member.name: member.mode for member in context}
    assert modes == {"Dockerfile": 0o644, "entrypoint": 0o755, "busybox": 0o755}


def make_package(folder: Path, name: str, files: dict[str, str]) -> Path:
    root = folder / name
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: x <x@y.z>\nDescription: x\n"
    )
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    package = folder / f"{name}.deb"
    subprocess.run(["dpkg-deb", "--build", root, package], check=True, capture_output=True)
    return package


def test_packages_unpack_into_a_merged_usr(tmp_path: Path) -> None:
    packages = [
        make_package(
            tmp_path, "one", {"bin/tool": "tool", "usr/share/man/man1/tool.1": "", "var/lib/x": ""}
        ),
        make_package(
            tmp_path,
            "two",
            {"usr/bin/other": "other", "usr/share/doc/two/copyright": "", "etc/y": ""},
        ),
    ]
    debian._unpack(packages, tmp_path / "all.tar", silent)
    with tarfile.open(tmp_path / "all.tar") as archive:
        members = {member.name: member for member in archive}
        names = archive.getnames()
    assert members["bin"].linkname == "usr/bin"
    assert members["usr/bin/tool"].isreg()
    assert members["usr/bin/other"].isreg()
    assert names.index("bin") < names.index("usr/bin/tool")
    assert not members["usr/bin"].issym()
    assert {"var/lib", "var/lib/x", "etc/y"} <= set(names)
    assert not [name for name in names if name.startswith(("usr/share/man/", "usr/share/doc/"))]


def test_a_damaged_package_is_one_sentence(tmp_path: Path) -> None:
    good = make_package(tmp_path, "one", {"etc/y": "y" * 10_000})
    broken = tmp_path / "broken.deb"
    broken.write_bytes(good.read_bytes()[:300])
    with pytest.raises(LabError, match=r"broken\.deb is corrupt") as error:
        debian._unpack([broken], tmp_path / "all.tar", silent)
    assert "\n" not in str(error.value)


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The real apt-config, with a folder of our own for the host's sources."""
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    configuration = tmp_path / "apt.conf"
    configuration.write_text(
        f'Dir::Etc::SourceList "{tmp_path}/sources.list";\nDir::Etc::SourceParts "{parts}";\n'
        'Acquire::http::Proxy "http://127.0.0.1:3142";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(configuration))
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
    monkeypatch.setattr(debian, "host_distribution", lambda: ("debian", "trixie"))
    monkeypatch.setattr("dockerlab.engine.sources.host_distribution", lambda: ("debian", "trixie"))
    return tmp_path


def test_both_forms_of_sources_are_read(apt: Path) -> None:
    (apt / "sources.list").write_text(
        "# a comment\ndeb [arch=amd64 signed-by=/k.gpg] http://m/debian trixie main contrib # x\n"
        "deb-src http://m/debian trixie main\n"
    )
    (apt / "sources.list.d/more.sources").write_text(
        "# a comment\nTypes: deb deb-src\nURIs: http://a/debian http://b/debian\n"
        "Suites: trixie trixie-updates\nComponents: main\nSigned-By:\n -----BEGIN\n .\n abc\n\n"
        "Types: deb\nURIs: http://c/debian\nSuites: trixie\nComponents: main\nEnabled: no\n"
    )
    (apt / "sources.list.d/ignored.txt").write_text("deb http://d/debian trixie main\n")
    assert [(s.uri, s.suite, s.components, s.signed_by) for s in configured_sources()] == [
        ("http://m/debian", "trixie", ("main", "contrib"), "/k.gpg"),
        ("http://a/debian", "trixie", ("main",), ""),
        ("http://a/debian", "trixie-updates", ("main",), ""),
        ("http://b/debian", "trixie", ("main",), ""),
        ("http://b/debian", "trixie-updates", ("main",), ""),
    ]


def test_a_local_list_of_mirrors_stands_for_its_first(apt: Path) -> None:
    (apt / "mirrors.list").write_text("# ours\nhttps://first/debian priority:1\nhttp://second/x\n")
    (apt / "sources.list").write_text(f"deb mirror+file:{apt}/mirrors.list trixie main\n")
    assert [source.uri for source in configured_sources()] == ["https://first/debian"]


def test_debian_12_comes_from_the_hosts_own_mirror_and_from_no_third_party(apt: Path) -> None:
    (apt / "sources.list").write_text(
        "deb http://m/debian trixie main\ndeb http://m/debian trixie-updates main\n"
        "deb http://s/debian-security trixie-security main\n"
        "deb https://third.party/packages trixie main\n"
    )
    assert [(source.uri, source.suite) for source in image_sources(apt)] == [
        ("http://m/debian", "bookworm"),
        ("http://m/debian", "bookworm-updates"),
        ("http://s/debian-security", "bookworm-security"),
    ]


def test_a_mirror_no_container_can_reach_is_refused(apt: Path) -> None:
    (apt / "sources.list").write_text("deb file:/srv/debian trixie main\n")
    with pytest.raises(HubError, match=MIRROR_VARIABLE):
        image_sources(apt)


def test_a_host_that_is_no_debian_is_told_what_to_do(
    apt: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debian, "host_distribution", lambda: ("ubuntu", "noble"))
    with pytest.raises(HubError, match=rf"no mirror of Debian.*{MIRROR_VARIABLE}.*bundle"):
        image_sources(apt)


def test_the_hosts_proxy_reaches_the_build(apt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("https_proxy", raising=False)
    assert proxy_arguments() == {"http_proxy": "http://127.0.0.1:3142"}
    monkeypatch.setenv("https_proxy", "http://proxy:1")
    assert proxy_arguments()["https_proxy"] == "http://proxy:1"


def test_a_mirror_that_does_not_answer_is_one_sentence_with_the_way_out(tmp_path: Path) -> None:
    apt = BareApt(
        tmp_path / "apt", [Source("http://127.0.0.1:9/debian", "bookworm", ("main",), "")]
    )
    with pytest.raises(HubError, match=r"mirror can't be reached.*bundle load FILE") as error:
        apt.fetch(["apt"], "Fetching", silent)
    assert "\n" not in str(error.value)


def test_sources_are_written_as_apt_reads_them() -> None:
    written = stanzas([Source("http://m/debian", "bookworm", ("main",), "/k.gpg")], "/other.gpg")
    assert written == (
        "Types: deb\nURIs: http://m/debian\nSuites: bookworm\nComponents: main\n"
        "Signed-By: /other.gpg\n"
    )
