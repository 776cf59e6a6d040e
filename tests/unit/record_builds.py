"""Record what the docker command of one engine says while it builds, for the tests of builds.

    DOCKER_HOST=unix:///run/docker.sock python tests/unit/record_builds.py 26.1-overlay2

Needs the docker CLI (with buildx where the engine has BuildKit) and an image `busybox` on the
engine. The file is written beside this one, in `builds/`: for each sample, builder and form of
progress the lines of both outputs. What is built stays untagged, and is removed again.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent / "builds"

SAMPLES = {
    "stages": """
FROM busybox AS base
ENV GREETING=hello
RUN echo $GREETING > /greeting

FROM base AS tools
# comments and empty lines belong to nobody
RUN dd if=/dev/zero of=/big \\
    # not even in the middle

    bs=100000 count=1 2>/dev/null
COPY note /app/

FROM busybox AS unused
RUN echo never asked for

FROM busybox
COPY --from=tools /big /big
WORKDIR /srv
COPY note .
RUN echo line1; echo line2 >&2; rm -f /big
EXPOSE 80
CMD ["cat", "/srv/note"]
""",
    "command": "FROM busybox\nCOPY note /\nRUN echo before; echo oops >&2; exit 7\nENV A=1\n",
    "copy": "FROM busybox\nRUN echo ok\nCOPY nothing /\nRUN echo never\n",
    "syntax": "FROM busybox\nRUNN echo\n",
    "base": "FROM 127.0.0.1:9/nowhere:1\nRUN echo never\n",
    "empty": "\n",
}
FORMS = {"classic": ("0", "plain"), "plain": ("1", "plain"), "rawjson": ("1", "rawjson")}


def main(name: str) -> None:
    told: dict[str, dict[str, dict[str, list[str]]]] = {sample: {} for sample in SAMPLES}
    told["cached"] = {}
    for sample, dockerfile in SAMPLES.items():
        for form in FORMS:
            first, identity = build(dockerfile, form, "--no-cache")
            if any('invalid value "rawjson"' in line for line in first["err"]):
                continue  # a docker command without this form
            told[sample][form] = first
            if sample == "stages":
                told["cached"][form], _again = build(dockerfile, form)
            if identity:
                remove = ["docker", "image", "rm", identity]
                subprocess.run(remove, check=False, capture_output=True)
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_text(json.dumps(told, indent=0) + "\n")


def build(dockerfile: str, form: str, *options: str) -> tuple[dict[str, list[str]], str]:
    """Return the lines of both outputs, and the image's ID where there is one."""
    buildkit, progress = FORMS[form]
    environment = {
        **os.environ,
        "DOCKER_BUILDKIT": buildkit,
        "BUILDKIT_PROGRESS": progress,
        "BUILDX_BUILDER": "default",
    }
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder, "context")
        context.mkdir()
        (context / "Dockerfile").write_text(dockerfile)
        (context / "note").write_text("good day\n")
        identity = Path(folder, "id")
        command = ["docker", "build", "--iidfile", str(identity), *options, str(context)]
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        image = identity.read_text() if identity.exists() else ""
    texts = {"out": done.stdout.decode(), "err": done.stderr.decode()}
    if form == "rawjson":  # a digest here only tells one node from another
        texts = {key: re.sub("(sha256:[0-9a-f]{12})[0-9a-f]+", r"\1", texts[key]) for key in texts}
    # of a program's own lines a line feed ends one, never a carriage return
    return {source: text.split("\n") for source, text in texts.items()}, image


if __name__ == "__main__":
    main(sys.argv[1])
