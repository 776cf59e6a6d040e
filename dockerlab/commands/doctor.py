"""The ``dockerlab doctor`` command."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from dockerlab.commands.console import AsJson, out, require_words, say
from dockerlab.engine.doctor import Finding, examine
from dockerlab.engine.places import Places
from dockerlab.language import _, ngettext

_SIGNS = {"ok": "✓", "warning": "!", "problem": "✗", "mend": "→"}
_PLAIN_SIGNS = {"ok": "+", "warning": "!", "problem": "x", "mend": "->"}
_STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red"}


def doctor(
    choice: Annotated[
        str | None, typer.Option("--engine", help="embedded, current or an address.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="The port JupyterLab is to have.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find out what keeps the course from running here; nothing is changed."""
    require_words(choice)
    findings = examine(Places.from_environment(), choice, port)
    problems = sum(finding.level == "problem" for finding in findings)
    if as_json:
        say(json.dumps({"ok": not problems, "findings": [asdict(f) for f in findings]}, indent=1))
    else:
        width = max(len(finding.name) for finding in findings)
        for finding in findings:
            out.print(_line(finding, width))
        say(
            ngettext("{count} problem was found.", "{count} problems were found.", problems).format(
                count=problems
            )
            if problems
            else _("No problem was found.")
        )
    raise typer.Exit(1 if problems else 0)


def _line(finding: Finding, width: int) -> Text:
    """Lay a finding out on one line, told by a sign and a word as well as by its colour."""
    words = {"ok": _("ok"), "warning": _("warning"), "problem": _("problem")}
    signs = _SIGNS if out.encoding.lower().startswith("utf") else _PLAIN_SIGNS
    column = max(map(len, words.values()))
    mend = f" {signs['mend']} {finding.mend}" if finding.mend else ""
    return Text.assemble(
        (f"{signs[finding.level]} {words[finding.level]:{column}}", _STYLES[finding.level]),
        f"  {finding.name:{width}}  ",
        " ".join(f"{finding.what}{mend}".split()),
    )
