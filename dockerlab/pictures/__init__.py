"""Facts in, picture out: pure functions; no client, no clock, no randomness.

`draw_stack` takes what `dockerlab.facts.read_stack` gives, `draw_tags` what `read_tags` gives (and
as `before` what it gave earlier), `draw_lifecycle` what `read_container`, `draw_timeline` what
`read_timeline`, `draw_namespaces` what `read_isolation`, `draw_registry` what `read_registry`,
`draw_transfer` what `pull_image` and `push_image` give, `draw_build` what `build_image`,
`draw_context` what `read_context`, `draw_comparison` what `read_comparison`, `draw_files` what
`read_files`, `draw_content` what `read_content`. Each returns a
`Picture`, whose `facts` is the value it was drawn from.
"""

from dockerlab.pictures.build import draw_build
from dockerlab.pictures.comparison import draw_comparison
from dockerlab.pictures.content import draw_content
from dockerlab.pictures.context import draw_context
from dockerlab.pictures.files import draw_files
from dockerlab.pictures.lifecycle import draw_lifecycle
from dockerlab.pictures.namespaces import draw_namespaces
from dockerlab.pictures.picture import Picture
from dockerlab.pictures.registry import draw_registry
from dockerlab.pictures.stack import draw_stack
from dockerlab.pictures.tags import draw_tags
from dockerlab.pictures.timeline import draw_timeline
from dockerlab.pictures.transfer import draw_transfer

__all__ = [
    "Picture",
    "draw_build",
    "draw_comparison",
    "draw_content",
    "draw_context",
    "draw_files",
    "draw_lifecycle",
    "draw_namespaces",
    "draw_registry",
    "draw_stack",
    "draw_tags",
    "draw_timeline",
    "draw_transfer",
]
