"""environment.yml gives conda users what pyproject.toml gives pip's."""

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
ON_CONDA = {"docker": "docker-py", "graphviz": "python-graphviz"}
"""Where conda-forge has a package of PyPI under another name."""


def pins(requirements: list[str]) -> dict[str, str]:
    """Take ``name==1.2.*`` or ``name=1.2.*`` apart."""
    taken = [re.fullmatch(r"([a-z0-9-]+)==?([0-9.]+\*)", each) for each in requirements]
    assert all(taken), requirements
    return {each[1]: each[2] for each in taken if each}


def test_every_dependency_has_the_same_version_for_conda() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    extras = project["optional-dependencies"]
    wanted = pins([*project["dependencies"], *extras["book"], *extras["test"]])

    listed = environment["dependencies"]
    (from_pip,) = [each["pip"] for each in listed if isinstance(each, dict)]
    plain = [each for each in listed if isinstance(each, str)]
    assert plain[:2] == [f"python{project['requires-python']}", "pip"]
    assert from_pip[-1] == "--editable ."

    given = pins(plain[2:]) | pins(from_pip[:-1])
    assert given == {ON_CONDA.get(name, name): version for name, version in wanted.items()}


def test_only_one_channel_is_used() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["channels"] == ["conda-forge", "nodefaults"]
