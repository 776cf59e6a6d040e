"""``dockerlab book``: the notebooks as a site, built strictly and without a network."""

import html
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dockerlab.commands.console import say
from dockerlab.commands.project import notebooks_folder, project_folder
from dockerlab.course.chapters import CHAPTERS
from dockerlab.course.ledger import Row, read_ledger
from dockerlab.errors import LabError
from dockerlab.language import _, ngettext

if TYPE_CHECKING:
    from nbformat import NotebookNode

_CLAIM = re.compile(r'lab\.claim\(\s*"([0-9.]+)"')
_CODE = re.compile(r"`([^`]+)`")
_WORDS = {
    "holds": _("holds"),
    "corrected": _("corrected"),
    "depends": _("depends on the engine"),
    "stated": _("stated"),
}
_MARKS = {"holds": "✓", "corrected": "✎", "depends": "◐", "stated": "•"}


def book() -> None:
    """Build the notebooks into a site, book/_build/html; a warning is an error."""
    folder = project_folder() / "book"
    source, site = folder / "_build" / "source", folder / "_build" / "html"
    for old in (source, site):
        shutil.rmtree(old, ignore_errors=True)
    gather(folder, notebooks_folder(), source)
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-j", "auto", "-b", "html",
         "-d", folder / "_build" / "doctrees", source, site],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        problems = [line for line in done.stderr.splitlines() if line.strip()]
        for line in problems:
            say(line.replace(f"{source}/", ""))
        raise LabError(
            _("The book was not built: {reason}").format(
                reason=problems[-1] if problems else _("Sphinx gave no reason.")
            ),
            _("Mend what the lines above name, and build it again."),
        )
    say(_("The book is in {folder}.").format(folder=site.relative_to(project_folder())))


def gather(book_folder: Path, notebooks: Path, source: Path) -> None:
    """Put the book's pages, the notebooks and the ledger's page together for Sphinx."""
    import nbformat  # noqa: PLC0415 - slow to import, and needed by this command alone

    shutil.copytree(book_folder, source, ignore=shutil.ignore_patterns("_build", "__pycache__"))
    shutil.copytree(notebooks / "pictures", source / "pictures", dirs_exist_ok=True)
    for chapter in CHAPTERS:
        notebook = nbformat.read(notebooks / f"{chapter.notebook}.ipynb", as_version=4)
        _mark_claims(notebook)
        notebook.metadata.language_info["pygments_lexer"] = "ipython3"  # lines with ! and %%bash
        nbformat.write(notebook, source / f"{chapter.notebook}.ipynb")
    (source / "ledger.md").write_text(_ledger_page(), encoding="utf-8")


def _mark_claims(notebook: "NotebookNode") -> None:
    """Put before each cell with a claim a place that the ledger's page can link to."""
    import nbformat  # noqa: PLC0415

    cells = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            for identity in _CLAIM.findall(cell.source):
                mark = nbformat.v4.new_markdown_cell(f'<span id="{_place(identity)}"></span>')
                cells.append(mark)
        cells.append(cell)
    notebook.cells = cells


def _ledger_page() -> str:
    rows = read_ledger().values()
    parts = [f"# {_('The ledger')}", "", _lead(list(rows)), ""]
    for chapter in CHAPTERS:
        mine = [row for row in rows if row.chapter == chapter.number]
        if mine:
            head = f"{chapter.number} {_(chapter.title)}"
            parts += [f"## {head}", "", _table(chapter.notebook, mine), ""]
    return "\n".join(parts)


def _lead(rows: list[Row]) -> str:
    counts = ", ".join(
        f"{sum(row.verdict == verdict for row in rows)} {words}"
        for verdict, words in _WORDS.items()
    )
    return ngettext(
        "The text makes {count} claim: {verdicts}.",
        "The text makes {count} claims: {verdicts}. Each number leads to the cell that shows it.",
        len(rows),
    ).format(count=len(rows), verdicts=counts)


def _table(notebook: str, rows: list[Row]) -> str:
    lines = [
        '<div class="ledger"><table><thead><tr>'
        + "".join(
            f"<th>{html.escape(word)}</th>"
            for word in (_("Claim"), _("The text says"), _("Verdict"), _("What is right, and more"))
        )
        + "</tr></thead><tbody>"
    ]
    for row in rows:
        link = f'<a href="{notebook}.html#{_place(row.id)}">{row.id}</a>'
        where = f" ({', '.join(row.where)})" if row.where else ""
        words = html.escape(f"{_MARKS[row.verdict]} {_WORDS[row.verdict]}{where}")
        verdict = f'<span class="{row.verdict}">{words}</span>'
        more = _shown(_(row.adds)) if row.adds else ""
        if row.since:
            more += f" <em>({html.escape(_('since'))} {_shown(_(row.since))})</em>"
        cells = (link, _shown(_(row.says)), verdict, more)
        lines.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    return "\n".join([*lines, "</tbody></table></div>"])


def _shown(words: str) -> str:
    return _CODE.sub(r"<code>\1</code>", html.escape(words))


def _place(identity: str) -> str:
    return f"claim-{identity.replace('.', '-')}"
