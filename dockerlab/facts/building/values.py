"""What a build did, as frozen values: sizes in bytes, times in seconds."""

from dataclasses import dataclass
from typing import Literal

from dockerlab.facts.values import Image, Layer

Builder = Literal["buildkit", "classic"]

StepOutcome = Literal["base", "ran", "cached", "setting", "failed", "stopped", "waiting", "skipped"]
"""What became of an instruction.

"base" is a FROM, "setting" changed only the image's configuration, "stopped" ran when the time was
up, "waiting" was never reached, "skipped" stands in a stage that the image does not need.
"""

FailureKind = Literal["command", "copy", "syntax", "base", "timeout", "other"]


@dataclass(frozen=True)
class BuildStage:
    """One FROM and what follows it.

    Parameters
    ----------
    name : str
        As the Dockerfile names it ("AS …"), else empty.
    base : str
        What FROM names: an image, "scratch" or an earlier stage.
    parent : int or None
        The position of that earlier stage.
    in_image : bool
        Whether its layers are part of the image.
    """

    name: str
    base: str
    parent: int | None
    in_image: bool


@dataclass(frozen=True)
class BuildStep:
    """One instruction of a Dockerfile and what the builder made of it.

    Parameters
    ----------
    line : int
        Its line in the Dockerfile, 0 where it doesn't stand there.
    stage : int or None
        The position of its stage; None before the first FROM.
    seconds : float or None
        How long it took; None where nothing ran or the builder doesn't tell.
    output : tuple of str
        The last lines it wrote.
    layer : int or None
        The position of its layer in the image; None where it made none.
    source : int or None
        The stage that COPY --from names.
    """

    line: int
    instruction: str
    argument: str
    stage: int | None
    outcome: StepOutcome
    seconds: float | None = None
    output: tuple[str, ...] = ()
    layer: int | None = None
    source: int | None = None

    @property
    def text(self) -> str:
        """The instruction as a line of a Dockerfile."""
        return f"{self.instruction} {self.argument}".strip()


@dataclass(frozen=True)
class BuildFailure:
    """Why there is no image.

    Parameters
    ----------
    kind : str
        "command": a RUN ended with another code than 0; "copy": what COPY or ADD names is not
        there; "syntax": the Dockerfile can't be read; "base": the base image can't be had;
        "timeout": the time was up; "other".
    message : str
        In the builder's own words, empty for "timeout".
    step : int or None
        The position of the step that failed.
    exit_code : int or None
        Of the command that failed.
    subject : str
        The file, the image or the word that the builder names.
    """

    kind: FailureKind
    message: str = ""
    step: int | None = None
    exit_code: int | None = None
    subject: str = ""


@dataclass(frozen=True)
class Build:
    """A build that is over.

    Parameters
    ----------
    name : str
        The tag it was given, else the folder's name.
    builder : str
        Which builder did it: "buildkit" or "classic".
    through : str
        Who asked for it: the docker command ("cli") or the Docker SDK for Python ("sdk").
    steps : tuple of BuildStep
        In the Dockerfile's order.
    seconds : float
        From the request to the end.
    context_bytes : int or None
        What was sent to the builder, None where it doesn't tell.
    image : Image or None
        What came out.
    failure : BuildFailure or None
        Why nothing came out.
    """

    name: str
    builder: Builder
    through: Literal["cli", "sdk"]
    stages: tuple[BuildStage, ...]
    steps: tuple[BuildStep, ...]
    seconds: float
    context_bytes: int | None = None
    image: Image | None = None
    failure: BuildFailure | None = None

    @property
    def base_layers(self) -> tuple[Layer, ...]:
        """The layers of the image that no instruction of this Dockerfile made."""
        if self.image is None:
            return ()
        own = {step.layer for step in self.steps}
        return tuple(layer for i, layer in enumerate(self.image.layers) if i not in own)

    def layer_of(self, step: BuildStep) -> Layer | None:
        """Return the layer that a step made."""
        if self.image is None or step.layer is None:
            return None
        return self.image.layers[step.layer]
