"""How a browser is led to JupyterLab: no other user of the machine learns the token."""

from dockerlab import up
from dockerlab.engine.places import Places
from dockerlab.jupyter import Jupyter, Server

SERVER = Server(1, "http://127.0.0.1:8888/lab/tree/notebooks/00-welcome.ipynb?token=s3cret", False)


def test_the_token_is_not_on_the_browser_s_command_line(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(up.webbrowser, "open", opened.append)
    monkeypatch.setattr(Jupyter, "running", lambda _self: SERVER)
    said = []
    places = Places(tmp_path / "cache", "unit")
    (places.home / "jupyter").mkdir(parents=True)
    up.open_lab(places, tmp_path, up.Wish("current"), said.append, lambda *_step: None)
    assert "s3cret" not in opened[0]
    page = places.home / "jupyter" / "open.html"
    assert opened == [page.as_uri()]
    assert page.stat().st_mode & 0o777 == 0o600
    assert f'url={SERVER.url}"' in page.read_text()
    assert SERVER.url in said[0]


def test_the_page_is_written_anew_and_never_through_a_link(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    (tmp_path / "open.html").symlink_to(elsewhere)
    page = Jupyter(tmp_path, tmp_path).opening_page(SERVER)
    assert elsewhere.read_text() == "mine"
    assert not page.is_symlink()
