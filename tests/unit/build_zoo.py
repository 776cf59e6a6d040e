"""Made-up builds, contexts and comparisons for the pictures' tests: small, large and hostile."""

from typing import Any

from picture_zoo import hostile_container, hostile_image, image

from dockerlab.facts import (
    Build,
    BuildFailure,
    BuildStage,
    BuildStep,
    Commit,
    Comparison,
    Context,
    ContextFile,
    FileDifference,
    SettingDifference,
    Side,
    Stack,
)
from dockerlab.facts.ignore import Rule


def build(count: int, **changes: Any) -> Build:
    """Make a build of one stage whose every instruction is a RUN that made a layer."""
    made = image("app:1", count + 1)
    steps = [BuildStep(1, "FROM", "busybox", 0, "base")]
    steps += [
        BuildStep(number + 2, "RUN", f"make {number}", 0, "ran", 0.1 * number, layer=number + 1)
        for number in range(count)
    ]
    facts: dict[str, Any] = {
        "name": "app:1",
        "builder": "buildkit",
        "through": "cli",
        "stages": (BuildStage("", "busybox", None, in_image=True),),
        "steps": tuple(steps),
        "seconds": 3.5,
        "context_bytes": 28,
        "image": made,
    }
    return Build(**(facts | changes))


def hostile_build(text: str) -> Build:
    failed = BuildStep(3, text, text, 1, "failed", 2.0, (text, text), source=0)
    return Build(
        name=text,
        builder="classic",
        through="sdk",
        stages=(
            BuildStage(text, text, None, in_image=False),
            BuildStage("", text, 0, in_image=True),
        ),
        steps=(
            BuildStep(1, "FROM", text, 0, "base", 1.0),
            BuildStep(2, "RUN", text, 0, "ran", 7.0, (text,)),
            failed,
            BuildStep(4, "CMD", text, 1, "waiting"),
        ),
        seconds=9.0,
        failure=BuildFailure("copy", text, 2, subject=text),
    )


def hostile_success(text: str) -> Build:
    return build(
        1, name=text, image=hostile_image(text),
        stages=(BuildStage(text, text, None, in_image=True),),
        steps=(BuildStep(1, "FROM", text, 0, "base"), BuildStep(2, text, text, 0, "ran", layer=0)),
    )  # fmt: skip


def hostile_context(text: str) -> Context:
    return Context(
        name=text,
        builder="buildkit",
        dockerfile=text,
        ignore_file=text,
        rules=(Rule(1, text, text, exception=False), Rule(2, "!" + text, text, exception=True)),
        sent=(
            ContextFile(text, 5),
            ContextFile(f"{text}/.env", 7, 1),
            ContextFile(".ssh/" + text, 1),
        ),
        kept_out=(ContextFile(text + "2", 10**9, 0),),
        complete=False,
        unread=(text, text),
    )  # fmt: skip


def hostile_comparison(text: str) -> Comparison:
    made, other = hostile_image(text), image("good:1", 3)
    return Comparison(
        a=Side(text, made, hostile_container(text), made.config),
        b=Side("good:1", other, None, other.config),
        stack=Stack((made, other), (hostile_container(text),)),
        common=0,
        settings=(
            SettingDifference("ENV", text, text, None),
            SettingDifference(text, f"{text}.{text}.{text}", "", text),
        ),
        files=(FileDifference(text, "only a", 5), FileDifference("/" + text, "content", 1, 2)),
    )


def hostile_commit(text: str) -> Stack:
    made, container = hostile_image(text), hostile_container(text)
    below = image("good:1", 3)
    return Stack((below, made), (container,), (Commit(container.id, made.id, witnessed=False),))
