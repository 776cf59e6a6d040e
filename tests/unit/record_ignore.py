"""Record which files a build can see, for the tests of .dockerignore: what Docker itself says.

    DOCKER_HOST=unix:///run/docker.sock python tests/unit/record_ignore.py

Needs the docker CLI with buildx, and an image `busybox` on the engine. Each of the samples below is
built with both builders, and the files that ``COPY .`` copied are listed. The result is written
beside this file, to `builds/dockerignore.samples`; the images are removed again.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path

FILE = Path(__file__).parent / "builds" / "dockerignore.samples"

FILES = [
    *("keep.txt", "x.log", "#src", "#h", "*.md", "we[ird", "a+b", "c(d)", "e{f}", ".env", "deep"),
    *("src/a.txt", "src/b.txt", "src/x.log", "src/deep/deep.txt", "src/deep/er/deep.txt"),
    *("src/cache/c", "lib/cache/d", "lib/l.txt", "node_modules/m/i.js", "a/b/c/d", "a/b/e", "a/f"),
    *(".hid/x", "-dash", "sp ace.txt", "\u00e9.txt", "Dockerfile"),
]
LINKS = {"linkdir": "src", "broken": "nowhere"}
SAMPLES = [
    ["node_modules", "*.log"],
    ["**/*.log"],
    ["*", "!src"],
    ["*", "!src/a.txt"],
    ["**", "!**/*.txt"],
    ["src/", "!src/*.txt"],
    ["**/cache"],
    ["s?c"],
    ["src/[ab].txt"],
    ["#src", " #lib", "\\#h"],
    ["/src/", "lib/"],
    ["./src/../lib", "src/./a.txt"],
    ["*/*.txt", "!src/a.txt"],
    ["src/**/deep.txt"],
    ["**/deep"],
    ["Dockerfile", ".dockerignore"],
    ["*.txt", "! keep.txt"],
    ["!keep.txt", "*.txt"],
    ["a+b", "c(d)", "e{f}"],
    ["src", "!**/deep.txt"],
    ["src/*", "!src/deep/**"],
    ["src/**"],
    ["\ufeffsrc"],
    ["\\*.md", "we\\[ird"],
    ["src/[^a].txt"],
    ["**.txt"],
    ["../src"],
    ["."],
    [".*"],
    ["src", "!"],
    ["src/[a"],
    ["*.txt", "!src", "src/b.txt"],
    ["linkdir"],
    ["a", "!a/b/c"],
    ["\\a", "!.*"],
    ["", "  ", "# nothing", "lib"],
]


def main() -> None:
    told = [{"lines": lines, **{one: seen(lines, one) for one in BUILDERS}} for lines in SAMPLES]
    content = {"files": FILES, "links": LINKS, "samples": told}
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(content, indent=1) + "\n")


def make(folder: Path, lines: list[str]) -> None:
    """Make the folder that every sample is tried on."""
    for name in FILES:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    for name, target in LINKS.items():
        (folder / name).symlink_to(target)
    (folder / "Dockerfile").write_text("FROM busybox\nCOPY . /context\n")
    (folder / ".dockerignore").write_text("\n".join(lines) + "\n")


BUILDERS = {"buildkit": "1", "classic": "0"}
TAG = "recorded-ignore:1"


def seen(lines: list[str], builder: str) -> list[str] | None:
    """Return the files that COPY copies, None where Docker refuses the .dockerignore."""
    environment = {**os.environ, "DOCKER_BUILDKIT": BUILDERS[builder], "BUILDX_BUILDER": "default"}
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), lines)
        build = ["docker", "build", "--quiet", "--tag", TAG, folder]
        if subprocess.run(build, env=environment, check=False, capture_output=True).returncode:
            return None
    find = ["find", "/context", "!", "-type", "d"]
    listed = subprocess.run(
        ["docker", "run", "--rm", TAG, *find], check=True, capture_output=True, text=True
    )
    subprocess.run(["docker", "image", "rm", TAG], check=True, capture_output=True)
    return sorted(line.removeprefix("/context/") for line in listed.stdout.splitlines())


if __name__ == "__main__":
    main()
