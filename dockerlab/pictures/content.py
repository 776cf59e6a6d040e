"""What is in a file of an image: its lines, or its bytes where it is no text."""

from dockerlab.facts import printable
from dockerlab.facts.files import Content, shown_path
from dockerlab.language import _
from dockerlab.pictures import theme
from dockerlab.pictures.files_words import mode_text
from dockerlab.pictures.picture import Picture
from dockerlab.pictures.svg import Canvas
from dockerlab.pictures.wording import sentence, size

MOST_LINES = 40
_DUMPED = 16  # bytes a line
_MOST_DUMPED = 12  # lines
_TOP = 84
_LINE = 17
_TAB = 4


def draw_content(content: Content, image: str) -> Picture:
    """Draw the beginning of a file's content.

    Parameters
    ----------
    content : Content
        From `dockerlab.facts.read_content`.
    image : str
        Where the file is.

    Returns
    -------
    Picture
        Its first lines with their numbers; of what is no text, its first bytes in hexadecimal.
    """
    path = shown_path(content.entry.path)
    lines = content_lines(content)
    headline = content_headline(content, image)
    description = _("The content of {path}: {headline}.").format(path=path, headline=headline)
    canvas = Canvas(path, description)
    canvas.heading(path, headline)
    height = _LINE * max(len(lines), 1) + 14
    canvas.rect(theme.MARGIN, _TOP, theme.INNER, height, theme.HOST)
    y = _TOP + 20
    for number, line in lines:
        canvas.text(theme.MARGIN + 52, y, number, size=11, fill=theme.SOFT, mono=True, anchor="end")
        canvas.text(theme.MARGIN + 64, y, line, mono=True, width=theme.INNER - 76, columns=True)
        y += _LINE
    if not lines:
        canvas.text(theme.MARGIN + 14, y, _("The file is empty."), fill=theme.SOFT)
    rest = content_rest(content, lines)
    svg = canvas.finish(canvas.paragraphs(_TOP + height + 22, rest))
    text = [f"{path} — {headline}", *(f"{number:>8}  {line}" for number, line in lines), *rest]
    return Picture.of(path, description, svg, text, content)


def content_headline(content: Content, image: str) -> str:
    """Say what matters of a file in one line."""
    entry = content.entry
    return sentence(
        (
            size(entry.size),
            mode_text(entry),
            _("owner {owner}").format(owner=f"{entry.uid}:{entry.gid}"),
            _("layer {number} of {image}").format(number=entry.layer, image=image),
        )
    )


def content_lines(content: Content, most: int = MOST_LINES) -> list[tuple[str, str]]:
    """Return the first lines with their numbers, or the first bytes with their positions."""
    if is_text(content):
        text = content.content.decode("utf-8", "replace").removesuffix("\n")
        lines = text.split("\n")[:most] if content.content else []
        return [(str(n), printable(line.expandtabs(_TAB))) for n, line in enumerate(lines, 1)]
    dumped = content.content[: _DUMPED * _MOST_DUMPED]
    return [
        (f"{at:04x}", _dump(dumped[at : at + _DUMPED])) for at in range(0, len(dumped), _DUMPED)
    ]


def is_text(content: Content) -> bool:
    """Tell whether a content is text: UTF-8 without a zero byte, but for a cut at its end."""
    if b"\0" in content.content:
        return False
    try:
        content.content.decode()
    except UnicodeDecodeError as error:
        return not content.whole and error.start >= len(content.content) - 3
    return True


def content_rest(content: Content, lines: list[tuple[str, str]]) -> list[str]:
    """Say what is not shown."""
    if not is_text(content):
        return [_("This is no text; these are its first bytes.")]
    more = content.content.removesuffix(b"\n").count(b"\n") + 1 - len(lines)
    if not content.whole:
        return [
            _("Only the first {read} of {all} were read.").format(
                read=size(len(content.content)), all=size(content.entry.size)
            )
        ]
    return [_("{count} more lines follow.").format(count=more)] if lines and more > 0 else []


def _dump(piece: bytes) -> str:
    shown = "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in piece)
    return f"{piece.hex(' '):<{_DUMPED * 3}} {shown}"
