"""Builds: what a builder made of each instruction of a Dockerfile.

A build is run for real, by the docker command (BuildKit or the classic builder) or by the Docker
SDK for Python, and what it says is put beside the Dockerfile and the layers of the image.
"""

from dockerlab.facts.building.read import build_image
from dockerlab.facts.building.values import (
    Build,
    Builder,
    BuildFailure,
    BuildStage,
    BuildStep,
    FailureKind,
    StepOutcome,
)

__all__ = [
    "Build",
    "BuildFailure",
    "BuildStage",
    "BuildStep",
    "Builder",
    "FailureKind",
    "StepOutcome",
    "build_image",
]
