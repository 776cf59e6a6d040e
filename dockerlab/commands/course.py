"""``dockerlab claims`` and ``dockerlab progress``: the ledger, and how far a student is."""

import json
from collections import Counter
from typing import get_args

from rich.table import Table

from dockerlab.commands.console import AsJson, out, say
from dockerlab.commands.project import notebooks_folder
from dockerlab.course.chapters import CHAPTERS
from dockerlab.course.ledger import Verdict, read_ledger
from dockerlab.language import _


def claims(as_json: AsJson = False) -> None:
    """Print the ledger: every claim of the text, its chapter, its cell and the verdict expected."""
    rows = list(read_ledger().values())
    if as_json:
        say(json.dumps(_counts(), indent=1))
        return
    table = Table(box=None, pad_edge=False)
    for heading in (_("Claim"), _("Chapter"), _("Cell"), _("Verdict"), _("The text says")):
        table.add_column(heading, overflow="fold", no_wrap=heading == _("Claim"))
    notebooks = {chapter.number: chapter.notebook for chapter in CHAPTERS}
    for row in rows:
        where = f"{row.verdict} ({', '.join(row.where)})" if row.where else row.verdict
        table.add_row(row.id, notebooks[row.chapter], row.cell, where, row.says)
    out.print(table, soft_wrap=False)


def progress(as_json: AsJson = False) -> None:
    """Print how far the student of these notebooks is; with --json all of it, for a teacher."""
    # here, because it brings IPython, which no other command should wait for
    from dockerlab.course import progress_report  # noqa: PLC0415

    found = progress_report.progress(notebooks_folder())
    say(json.dumps(found.as_json(), indent=1) if as_json else found.text)


def _counts() -> dict[str, object]:
    rows = list(read_ledger().values())
    verdicts = Counter(row.verdict for row in rows)
    chapters = Counter(row.chapter for row in rows)
    return {
        "claims": len(rows),
        "verdicts": {verdict: verdicts[verdict] for verdict in get_args(Verdict)},
        "chapters": {chapter.number: chapters[chapter.number] for chapter in CHAPTERS},
    }
