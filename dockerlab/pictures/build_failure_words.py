"""Why a build failed, in words: what was wrong, and what mends it."""

from dockerlab.facts import plain
from dockerlab.facts.building import Build, BuildFailure, BuildStep
from dockerlab.language import _
from dockerlab.pictures.wording import duration, exit_code_words


def seconds(value: float) -> str:
    """Return a step's time; what is too short to matter is only said to be short."""
    return _("< 0.1 s") if value < 0.095 else duration(value)


def failed_step(build: Build) -> BuildStep | None:
    """Return the step at which the build ended, None where it has no such step."""
    if build.failure is None or build.failure.step is None:
        return None
    return build.steps[build.failure.step]


def failure_words(build: Build, failure: BuildFailure) -> list[str]:
    """Say what was wrong, and what a student can do about it."""
    step = failed_step(build)
    line = step.line if step else 0
    subject = plain(failure.subject)
    if failure.kind == "timeout":
        first = _("The build was stopped after {time}: its time was up.").format(
            time=seconds(build.seconds)
        )
        mend = _("Give it longer with timeout=…, or find out what line {line} waits for.").format(
            line=line
        )
        return [first, mend if step else ""]
    if failure.kind == "command" and failure.exit_code is not None:
        return [
            _("The command of line {line} ended with exit code {code}: {words}.").format(
                line=line, code=failure.exit_code, words=exit_code_words(failure.exit_code)
            ),
            _("What it said stands above. There is no image: a build is whole or not at all."),
        ]
    if failure.kind == "copy":
        what = _("'{name}'").format(name=subject) if subject else _("what it names")
        return [
            _("Line {line} can't copy {what}: it is not in the build context.").format(
                line=line, what=what
            ),
            _("It is missing in the folder, or .dockerignore keeps it out: lab.context shows it."),
        ]
    if failure.kind == "syntax":
        return [
            _("The Dockerfile can't be read: {message}.").format(message=_said(failure)),
            _("Nothing was built."),
        ]
    if failure.kind == "base":
        return [
            _("The base image '{name}' is neither here nor to be had: {message}.").format(
                name=subject, message=_said(failure)
            ),
            _("Check its name and tag, and the network."),
        ]
    return [_("The builder said: {message}.").format(message=_said(failure) or "?")]


def _said(failure: BuildFailure) -> str:
    return plain(failure.message).rstrip(".")
