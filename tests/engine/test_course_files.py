"""``lab.files`` as a notebook types it: images, archives, contents, and what goes wrong."""

import asyncio
import os

import nbformat
import pytest
from course_engine import environment_restored, notebook_client

import dockerlab as lab
from dockerlab.course import bench
from dockerlab.engine.stock import stock
from dockerlab.errors import UnknownNameError

pytestmark = pytest.mark.engine

BLOB = 3_000_000
DOCKERFILE = f"""
FROM busybox
RUN head -c {BLOB} /dev/zero > /opt-blob && mkdir /shop && echo open > /shop/door
RUN rm /opt-blob && chmod 600 /shop/door
"""


@pytest.fixture
def shop(places, docker_cli, tmp_path):
    """An image in which a file travels that nobody sees, on the engine of a started chapter."""
    stock(places)
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    with environment_restored():
        lab.start("2.1")
        docker_cli("build", "--quiet", "--tag", "lab21-shop", str(tmp_path))
        yield "lab21-shop"
        lab.cleanup("2.1")


def test_an_image_s_layers_and_its_waste(shop):
    found = lab.files(shop)
    base, made, cut = found.layers
    assert len(base.added) > 100
    assert {"/opt-blob", "/shop", "/shop/door"} <= set(made.added)
    assert set(cut.deleted) == {"/opt-blob"}
    assert cut.changed["/shop/door"].aspects == ("mode",)
    assert "/opt-blob" not in found.visible
    assert (found.waste[0].path, found.waste[0].bytes) == ("/opt-blob", BLOB)
    assert found.waste_bytes == BLOB + len("open\n")
    assert 0 < found.efficiency < 1
    assert "/opt-blob, 3 MB, added by step" in str(found)


def test_content_of_what_is_seen_and_of_what_is_gone(shop):
    found = lab.files(shop)
    assert "open" in found.content("/shop/door").text
    assert "-rw-------" in found.content("shop/door").text
    assert "-rw-r--r--" in found.content("/shop/door", layer=1).text
    assert "This is no text" in found.content("/opt-blob", layer=1, limit=100).text
    with pytest.raises(UnknownNameError, match=r"no /shop/dor in .*did you mean '/shop/door'\?"):
        found.content("/shop/dor")


def test_names_ids_objects_and_mistakes(shop):
    client = bench.present().client
    image = client.images.get(shop)
    texts = {str(lab.files(thing)) for thing in (shop, image, f"{shop}:latest")}
    assert len({text.partition(" — ")[2] for text in texts}) == 1
    assert lab.files(image.short_id).waste_bytes == lab.files(shop).waste_bytes
    with pytest.raises(UnknownNameError, match=r"did you mean 'lab21-shop:latest'\?"):
        lab.files("lab21-shp")


def test_a_saved_archive_says_the_same_without_an_engine(shop, docker_cli, tmp_path, monkeypatch):
    path = tmp_path / "shop.tar"
    docker_cli("save", "-o", str(path), shop)
    here = lab.files(shop)
    with monkeypatch.context() as alone:
        alone.setattr(bench, "_present", [])
        for archive in (path, str(path)):
            found = lab.files(archive)
            assert [one.diff_id for one in found.layers] == [one.diff_id for one in here.layers]
            assert found.waste_bytes == here.waste_bytes
            assert "open" in found.content("/shop/door").text


def test_in_a_notebook_the_widget_has_its_still_form_beside_it(shop, places, tmp_path):
    source = f'import dockerlab as lab\nlab.start("0")\nlab.files({shop!r})'
    cells = [nbformat.v4.new_code_cell(one) for one in (source, 'lab.cleanup("0");')]
    content = nbformat.v4.new_notebook(cells=cells)
    variables = {"DOCKERLAB_ENGINE": "embedded", "DOCKERLAB_INSTANCE": places.instance}
    client = notebook_client(content, tmp_path)
    asyncio.run(client.async_execute(env={**os.environ, **variables}))
    data = content.cells[0].outputs[-1].data
    assert set(data) == {
        "application/vnd.jupyter.widget-view+json", "image/svg+xml", "text/plain"
    }  # fmt: skip
    assert data["text/plain"] == str(lab.files(shop))
    states = content.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    assert f"{shop}:latest" in [
        one["state"]["head"]["title"] for one in states.values() if "head" in one["state"]
    ]
