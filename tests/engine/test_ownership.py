"""Nothing of the reader's is touched: the course removes what it saw being made, and no more.

Each test plays a student's notebook in a kernel, and beside it what the same person does in a
terminal, on an engine of their own.
"""

import io
import tarfile
import time

import docker
import pytest
from kernels import Kernel, kernel

from dockerlab.course.record import record_path

pytestmark = pytest.mark.engine
everywhere = pytest.mark.every_engine
"""For what engines tell of in different ways; the rest is the same on all of them."""

START = 'import dockerlab as lab\nclient = lab.start("3.4")'
CLEAN = "lab.cleanup()"
MADE = "Removed what an earlier run had left: "


@pytest.fixture
def variables(engine, tmp_path_factory, monkeypatch):
    """The engine as one of the student's own, and a cache in which no other test notes anything."""
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("DOCKERLAB_CACHE", str(cache))
    return {
        **engine.environment(),
        "DOCKERLAB_ENGINE": "current",
        "DOCKERLAB_CACHE": str(cache),
        "DOCKERLAB_PROGRESS": str(cache / "progress"),
    }


@pytest.fixture
def notebook(variables, tmp_path, client):
    before = ids(client)
    with kernel(tmp_path, variables) as one:
        yield one
    clear(client, before)


@pytest.fixture
def again(variables, tmp_path, notebook):
    """The same notebook after its kernel was killed."""

    def restart() -> Kernel:
        notebook.kill()
        restarted.append(Kernel(tmp_path, variables))
        return restarted[-1]

    restarted: list[Kernel] = []
    yield restart
    for one in restarted:
        one.kill()


def ids(client):
    api = client.api
    return {
        *(one["Id"] for one in api.containers(all=True)),
        *(one["Id"] for one in api.networks()),
        *(one["Name"] for one in api.volumes().get("Volumes") or ()),
        *(f"{one['Id']} {tag}" for one in api.images() for tag in one.get("RepoTags") or [""]),
    }


def clear(client, before):
    """Remove what a test left, whoever made it."""
    api = client.api
    for one in api.containers(all=True):
        if one["Id"] not in before:
            api.remove_container(one["Id"], force=True, v=True)
    for one in api.networks():
        if one["Id"] not in before:
            api.remove_network(one["Id"])
    for one in api.volumes().get("Volumes") or ():
        if one["Name"] not in before:
            api.remove_volume(one["Name"])
    for __ in range(2):
        for one in api.images():
            for tag in one.get("RepoTags") or [""]:
                if f"{one['Id']} {tag}" not in before:
                    try:
                        name = one["Id"] if tag in ("", "<none>:<none>") else tag
                        api.remove_image(name, force=True)
                    except docker.errors.APIError:
                        pass


def image_of(client, name, labels=None, files=("x",)):
    """Make an image as ``docker import`` does, without a cell of the course."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for file in files:
            tar.addfile(tarfile.TarInfo(file))
    changes = [f"LABEL {key}={value}" for key, value in (labels or {}).items()]
    repository, _colon, tag = name.rpartition(":")
    client.api.import_image_from_data(
        archive.getvalue(), repository=repository, tag=tag, changes=changes
    )
    return client.images.get(name)


def there(client, container):
    return any(one["Id"] == container.id for one in client.api.containers(all=True))


def volumes(client):
    return {one["Name"] for one in client.api.volumes().get("Volumes") or ()}


def tags(client):
    return {tag for one in client.api.images() for tag in one.get("RepoTags") or ()}


# what the chapter made goes, however it was made and whatever became of its kernel


@everywhere
def test_all_kinds_go_that_a_cell_made(notebook, client):
    before = ids(client)
    notebook.run(START)
    start = ids(client)
    notebook.run(
        "!docker run -d --name webserver -v /anonymous -v lab34-data:/data nginx:latest\n"
        "!docker network create lab34-net\n"
        "!docker commit webserver nginx:v2\n"
    )
    notebook.run("%%bash\ndocker tag nginx:v2 lab34-other\ndocker rename webserver web2")
    assert ids(client) > start
    said = notebook.run(CLEAN)
    assert ids(client) == before, said
    assert "Clean" in said


@everywhere
def test_a_killed_kernel_s_things_go_at_the_next_start(notebook, again, client):
    notebook.run(START)
    start = ids(client)
    notebook.run("!docker run -d --name webserver nginx:latest\n!docker commit webserver nginx:v2")
    said = again().run(START)
    assert MADE in said
    assert "webserver" in said
    assert ids(client) == start


@pytest.mark.parametrize("moment", [0.0, 0.3, 0.6, 1.0])
def test_a_kernel_killed_in_the_middle_of_a_cell_leaves_nothing(notebook, again, client, moment):
    notebook.run(START)
    start = ids(client)
    notebook.begin(
        "%%bash\nfor n in 1 2 3; do\n docker run -d --name lab34-$n -v /an nginx:latest\n"
        " docker commit lab34-$n lab34-image-$n\n docker volume create lab34-v$n\ndone"
    )
    time.sleep(moment)
    kernel_after = again()
    time.sleep(1.5)  # what the shell's child had asked for is done by then
    kernel_after.run(START)
    assert ids(client) == start


@everywhere
def test_volumes_without_a_name_go_when_their_container_is_gone(notebook, client):
    notebook.run(START)
    start = ids(client)
    notebook.run("!docker run -d --name webserver -v /one -v /two nginx:latest")
    notebook.run("!docker rm -f webserver")
    assert len(ids(client) - start) == 2
    notebook.run("lab.reset()")
    assert ids(client) == start


@everywhere
def test_an_image_that_its_name_left_goes(notebook, client):
    notebook.run(START)
    start = ids(client)
    notebook.run("!docker run -d --name webserver nginx:latest")
    notebook.run(
        "!docker commit -m one webserver nginx:v2\n!docker commit -m two webserver nginx:v2"
    )
    assert len({one.split()[0] for one in ids(client) - start}) >= 3
    notebook.run("lab.reset()")
    assert ids(client) == start


@everywhere
def test_a_container_renamed_in_a_cell_is_the_course_s(notebook, client):
    notebook.run(START)
    start = ids(client)
    notebook.run("!docker run -d nginx:latest")  # nobody named it yet
    notebook.run("!docker rename $(docker ps -lq) webserver")
    notebook.run("!docker rename webserver anything")
    notebook.run("lab.reset()")
    assert ids(client) == start


# what is the reader's stays, whatever its name


@everywhere
def test_names_that_were_free_when_the_kernel_died_are_the_reader_s_since(notebook, again, client):
    notebook.run(START)
    notebook.run("!docker run -d --name webserver nginx:latest")
    notebook.kill()
    client.containers.get("webserver").remove(force=True)
    client.volumes.create("lab34-precious")
    mine = client.containers.create("nginx:latest", name="webserver", volumes=["lab34-precious:/d"])
    client.images.get("nginx:latest").tag("nginx", "v2")
    network = client.networks.create("lab34-mine")
    before = ids(client)
    second = again()
    for way_out in (
        "docker rename webserver my-webserver",
        "docker network rm lab34-mine",
        "docker volume rm lab34-precious",
        "docker image rm nginx:v2",
    ):
        said = second.run(START)
        assert "is in the way, and the course did not make it" in said
        assert way_out in said, said
        assert ids(client) == before, "refusing changed something"
        if "rename" in way_out:
            mine.rename("my-webserver")
        elif "network" in way_out:
            network.remove()
        elif "volume" in way_out:
            mine.remove()
            client.api.remove_volume("lab34-precious")
        else:
            client.images.remove("nginx:v2")
        before = ids(client)
    assert "in the way" not in second.run(START)


def test_what_is_made_elsewhere_between_two_cells_is_refused_by_name(notebook, client):
    notebook.run(START)
    notebook.run("!docker run -d --name webserver nginx:latest")
    mine = client.containers.create("nginx:latest", name="web2")
    client.images.get("nginx:latest").tag("nginx", "v2")
    notebook.run("!docker ps")
    said = notebook.run(CLEAN)
    assert there(client, mine)
    assert "nginx:v2" in tags(client)
    assert "Left alone, because the course did not make it: nginx:v2, web2" in said


@everywhere
def test_a_label_that_an_image_hands_on_says_nothing(notebook, client):
    notebook.run(START)
    notebook.run("!docker run -d --name webserver nginx:latest")
    notebook.run("!docker commit -c 'LABEL io.dockerlab.course=3.4' webserver lab34-labelled")
    box = client.containers.create("lab34-labelled", ["x"], name="mine")
    box.commit("mine/derived", "v1")
    box.remove()
    runs = client.containers.create("mine/derived:v1", ["x"], name="mine-running")
    said = notebook.run(CLEAN)
    assert there(client, runs)
    assert "mine/derived:v1" in tags(client)
    assert "lab34-labelled:latest" not in tags(client), said


def test_a_container_of_the_reader_s_from_an_image_of_the_course_keeps_it(notebook, client):
    notebook.run(START)
    notebook.run("!docker run -d --name webserver nginx:latest\n!docker commit webserver nginx:v2")
    mine = client.containers.create("nginx:v2", name="mine")
    said = notebook.run(CLEAN)
    assert there(client, mine)
    assert "nginx:v2" in tags(client)
    assert "Still there, because something of yours uses it" in said
    mine.remove()
    notebook.run(START)
    notebook.run(CLEAN)
    assert "nginx:v2" not in tags(client)


def test_a_name_of_the_reader_s_keeps_an_image(notebook, client):
    notebook.run(START)
    notebook.run("!docker run -d --name webserver nginx:latest\n!docker commit webserver nginx:v2")
    client.images.get("nginx:v2").tag("mine/kept", "v1")
    notebook.run(CLEAN)
    assert "mine/kept:v1" in tags(client)
    assert "nginx:v2" not in tags(client)


def test_a_container_that_the_reader_renamed_is_theirs(notebook, client):
    notebook.run(START)
    notebook.run("!docker run -d --name webserver nginx:latest")
    mine = client.containers.get("webserver")
    mine.rename("mine")
    said = notebook.run(CLEAN)
    assert there(client, mine)
    assert "you renamed or replaced it: mine" in said


@everywhere
def test_a_volume_made_anew_under_the_same_name_is_the_reader_s(notebook, again, client):
    notebook.run(START)
    notebook.run("!docker volume create lab34-data")
    second = again()
    client.api.remove_volume("lab34-data")
    time.sleep(1.1)  # the engine's clock of volumes knows whole seconds
    client.volumes.create("lab34-data")
    said = second.run(START)
    assert "The volume 'lab34-data' is in the way" in said
    assert "lab34-data" in volumes(client)


def test_a_volume_that_the_reader_s_container_uses_stays(notebook, client):
    notebook.run(START)
    notebook.run("!docker run -d --name webserver -v /anonymous -v lab34-data:/data nginx:latest")
    mine = client.containers.create("nginx:latest", name="mine", volumes_from=["webserver"])
    before = volumes(client)
    said = notebook.run(CLEAN)
    assert volumes(client) == before
    assert "lab34-data" in said
    assert there(client, mine)


def test_a_network_that_the_reader_s_stopped_container_needs_stays(notebook, client):
    notebook.run(START)
    notebook.run("!docker network create lab34-net")
    mine = client.containers.create("nginx:latest", ["true"], name="mine", network="lab34-net")
    notebook.run(CLEAN)
    mine.start()
    assert "lab34-net" in {one["Name"] for one in client.api.networks()}


@everywhere
def test_a_tag_that_moved_to_the_reader_s_image_stays(notebook, client):
    notebook.run(START)
    notebook.run("!docker run -d --name webserver nginx:latest\n!docker commit webserver nginx:v2")
    old = client.images.get("nginx:v2").id
    mine = image_of(client, "nginx:v2")
    said = notebook.run(CLEAN)
    assert client.images.get("nginx:v2").id == mine.id
    assert old not in {one["Id"] for one in client.api.images()}
    assert "nginx:v2" in said


def test_a_pulled_name_that_is_the_reader_s_own_since_stays(notebook, client):
    notebook.run(START)
    client.images.remove("nginx:latest", force=True)
    mine = image_of(client, "nginx:latest")
    notebook.run(CLEAN)
    assert client.images.get("nginx:latest").id == mine.id


def test_an_image_of_the_reader_s_that_a_cell_gave_a_name_stays_without_its_own(notebook, client):
    mine = image_of(client, "mine/app:v1")
    notebook.run(START)
    notebook.run("!docker tag mine/app:v1 nginx:v2")
    client.images.remove("mine/app:v1")
    said = notebook.run(CLEAN)
    assert mine.id in {one["Id"] for one in client.api.images()}, said


@everywhere
def test_saved_removed_and_loaded_again_elsewhere(notebook, client):
    notebook.run(START)
    notebook.run("!docker run -d --name webserver nginx:latest\n!docker commit webserver nginx:v2")
    archive = b"".join(client.images.get("nginx:v2").save(named=True))
    notebook.run(CLEAN)
    client.images.load(archive)
    said = notebook.run(START)
    assert "The image 'nginx:v2' is in the way" in said
    assert "nginx:v2" in tags(client)
    notebook.run(CLEAN)
    assert "nginx:v2" in tags(client)


def test_a_prune_in_between_changes_nothing(notebook, client):
    notebook.run(START)
    notebook.run("!docker create --name webserver nginx:latest\n!docker volume create lab34-v")
    client.containers.prune()
    client.volumes.create("mine-v")
    said = notebook.run(CLEAN)
    assert "mine-v" in volumes(client)
    assert "lab34-v" not in volumes(client), said


# the notes themselves


def test_a_lost_record_removes_nothing_and_says_so(notebook, again, client):
    notebook.run(START)
    notebook.run("!docker run -d --name webserver --label io.dockerlab.course=3.4 nginx:latest")
    path = record_path(client)
    second = again()
    path.unlink()
    before = ids(client)
    said = second.run(START)
    assert "has no note of making it" in said
    assert "docker rm --force webserver" in said
    assert ids(client) == before


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"pulled": {"3.4": ["nginx:latest"]}, "named": {}}', "older version, and are now in"),
        ('{"chapters": {"3.4": 7}}', "were damaged, or"),
        ("\0\0\0\0", "were damaged, or"),
        ('{"version": 99, "chapters": {}}', "newer"),
    ],
)
def test_a_record_that_is_old_or_damaged_removes_nothing_and_says_so(
    notebook, again, client, content, says
):
    notebook.run(START)
    notebook.run("!docker run -d --name webserver nginx:latest")
    path = record_path(client)
    second = again()
    path.write_text(content)
    before = ids(client)
    said = second.run(START)
    assert says in said, said
    assert ids(client) == before
    kept = [file.read_text() for file in path.parent.glob(f"{path.stem}*") if file.is_file()]
    assert content in kept


def test_two_folders_of_the_course_on_one_engine(variables, notebook, client, tmp_path_factory):
    notebook.run(START)
    notebook.run("!docker run -d --name webserver nginx:latest")
    other = {**variables, "DOCKERLAB_CACHE": str(tmp_path_factory.mktemp("other"))}
    with kernel(tmp_path_factory.mktemp("elsewhere"), other) as second:
        said = second.run(START)
        assert "The container 'webserver' is in the way" in said
        assert second.run('lab.start("1")').count("ERROR") == 0
        second.run(CLEAN)
    assert client.containers.get("webserver")
    assert "nginx:latest" in tags(client)
    said = notebook.run(CLEAN)
    assert "webserver" in said


def test_names_that_a_cell_gave_to_the_reader_s_image_go_though_their_container_uses_it(
    notebook, client
):
    mine = image_of(client, "mine/app:v1")
    box = client.containers.create("mine/app:v1", ["x"], name="mine-box")
    before = ids(client)
    notebook.run(START)
    notebook.run("!docker tag mine/app:v1 nginx:v2\n!docker tag mine/app:v1 lab34-more:1")
    said = notebook.run(CLEAN)
    assert ids(client) == before, said
    assert client.images.get("mine/app:v1").id == mine.id
    assert there(client, box)
