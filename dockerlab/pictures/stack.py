"""The layer stack: one bar a layer, base at the bottom, what is shared drawn once."""

from dockerlab.facts import Stack
from dockerlab.pictures.picture import Picture
from dockerlab.pictures.stack_plan import plan
from dockerlab.pictures.stack_shape import StackShape
from dockerlab.pictures.stack_words import description, headline, meaning, stack_text, title
from dockerlab.pictures.svg import Canvas

_TOP = 78


def draw_stack(stack: Stack) -> Picture:
    """Draw images, and containers on them, as layers on their common base.

    Parameters
    ----------
    stack : Stack
        From `dockerlab.facts.read_stack`.

    Returns
    -------
    Picture
        A bar's height hints at its bytes on disk; hatching marks what other local images share;
        steps that made no layer stand as chips where they happened; a container's writable layer
        lies dashed on top. Of more than 16 layers on each other the small ones are folded.
    """
    tree, left_out = plan(stack)
    canvas = Canvas(title(stack), description(stack))
    canvas.heading(title(stack), headline(stack))
    bottom = StackShape(canvas, tree).draw(_TOP)
    svg = canvas.finish(canvas.paragraphs(bottom + 26, meaning(stack, left_out)))
    lines = stack_text(stack, tree, left_out)
    return Picture.of(title(stack), description(stack), svg, lines, stack)
