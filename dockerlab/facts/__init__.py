"""What an engine holds, as frozen values; the readers take a docker-py client and never draw.

`read_stack`, `read_tags` and `read_container` give what the pictures `draw_stack`, `draw_tags`
and `draw_lifecycle` take.
"""

from dockerlab.facts.archive import ArchiveError
from dockerlab.facts.building import (
    Build,
    Builder,
    BuildFailure,
    BuildStage,
    BuildStep,
    FailureKind,
    StepOutcome,
    build_image,
)
from dockerlab.facts.capabilities import NAMES as CAPABILITIES
from dockerlab.facts.comparison import (
    Comparison,
    FileDifference,
    SettingDifference,
    Side,
    read_comparison,
)
from dockerlab.facts.containers import read_container
from dockerlab.facts.context import Context, ContextFile, read_context
from dockerlab.facts.file_reading import read_content, read_files
from dockerlab.facts.files import (
    Change,
    Content,
    Entry,
    Files,
    LayerFiles,
    Waste,
    shown_path,
)
from dockerlab.facts.images import read_image, read_images, read_stack
from dockerlab.facts.isolation import read_isolation
from dockerlab.facts.isolation_values import (
    Isolation,
    Limit,
    Namespace,
    NamespaceKind,
    Process,
    RootFilesystem,
)
from dockerlab.facts.layer_cache import LayerCache
from dockerlab.facts.manifests import StoredManifest, read_manifests
from dockerlab.facts.names import Thing
from dockerlab.facts.plain import plain, printable
from dockerlab.facts.references import ContainerUse, Reference, TaggedImage, TagWorld
from dockerlab.facts.registry.read import read_registry
from dockerlab.facts.registry.values import (
    Blob,
    HeldManifest,
    RegistryWorld,
    Repository,
    Target,
)
from dockerlab.facts.surroundings import (
    Network,
    NetworkMember,
    Volume,
    VolumeUse,
    read_networks,
    read_volumes,
)
from dockerlab.facts.tags import read_tags
from dockerlab.facts.timeline import Since, read_timeline
from dockerlab.facts.timeline_values import Lane, Moment, Span, Timeline
from dockerlab.facts.transfer import pull_image, push_image
from dockerlab.facts.transfer_values import MovedLayer, Outcome, Transfer
from dockerlab.facts.values import (
    Commit,
    Config,
    Container,
    FileChange,
    Image,
    Layer,
    Stack,
    State,
    StateChange,
    Step,
    short_id,
)

__all__ = [
    "CAPABILITIES",
    "ArchiveError",
    "Blob",
    "Build",
    "BuildFailure",
    "BuildStage",
    "BuildStep",
    "Builder",
    "Change",
    "Commit",
    "Comparison",
    "Config",
    "Container",
    "ContainerUse",
    "Content",
    "Context",
    "ContextFile",
    "Entry",
    "FailureKind",
    "FileChange",
    "FileDifference",
    "Files",
    "HeldManifest",
    "Image",
    "Isolation",
    "Lane",
    "Layer",
    "LayerCache",
    "LayerFiles",
    "Limit",
    "Moment",
    "MovedLayer",
    "Namespace",
    "NamespaceKind",
    "Network",
    "NetworkMember",
    "Outcome",
    "Process",
    "Reference",
    "RegistryWorld",
    "Repository",
    "RootFilesystem",
    "SettingDifference",
    "Side",
    "Since",
    "Span",
    "Stack",
    "State",
    "StateChange",
    "Step",
    "StepOutcome",
    "StoredManifest",
    "TagWorld",
    "TaggedImage",
    "Target",
    "Thing",
    "Timeline",
    "Transfer",
    "Volume",
    "VolumeUse",
    "Waste",
    "build_image",
    "plain",
    "printable",
    "pull_image",
    "push_image",
    "read_comparison",
    "read_container",
    "read_content",
    "read_context",
    "read_files",
    "read_image",
    "read_images",
    "read_isolation",
    "read_manifests",
    "read_networks",
    "read_registry",
    "read_stack",
    "read_tags",
    "read_timeline",
    "read_volumes",
    "short_id",
    "shown_path",
]
