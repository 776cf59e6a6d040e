"""What a student meets before the start, and the notes that the course keeps."""

import pytest

import dockerlab as lab
from dockerlab.course import bench
from dockerlab.errors import LabError, UnknownNameError


@pytest.mark.parametrize(
    "early",
    [
        lambda: lab.stack("busybox"),
        lab.tags,
        lambda: lab.lifecycle("web"),
        lambda: lab.claim("1.2", holds=True, because="…"),
        lambda: lab.predict("What?", yes="Yes.", no="No."),
        lambda: lab.check("1.a"),
        lambda: lab.reset("1"),
        lab.cleanup,
    ],
)
def test_before_the_start_every_name_gives_the_same_clear_sentence(early, monkeypatch):
    monkeypatch.setattr(bench, "_present", [])
    with pytest.raises(LabError, match=r"not been started.*lab\.start"):
        early()


def test_an_unknown_chapter_is_refused_before_any_engine_is_touched(monkeypatch):
    monkeypatch.setenv("DOCKERLAB_ENGINE", "unix:///nobody/here.sock")
    with pytest.raises(UnknownNameError, match="no chapter '9'"):
        lab.start("9")
