"""A claim of the source text, proved or corrected by the engine in this very cell."""

import docker

from dockerlab.course.bench import absence, present
from dockerlab.course.card import Card
from dockerlab.course.ledger import Row, find_row
from dockerlab.course.progress import note_claim
from dockerlab.course.traits import engine_traits, fits
from dockerlab.errors import EngineError, LabError, UsageError
from dockerlab.language import _


def claim(identity: str, *, holds: bool | None = None, because: str = "") -> Card:
    """Set what the engine has just shown against one row of the ledger.

    Parameters
    ----------
    identity : str
        The claim's number, ``"2.1.11"``.
    holds : bool, optional
        Whether the claim as the text makes it holds, computed from the engine. Left out only for
        a claim that no engine can decide, which the ledger calls stated.
    because : str
        What the engine said, one sentence.

    Returns
    -------
    Card
        The claim, the verdict, what this engine says, and what is right today.

    Raises
    ------
    UnknownNameError
        The ledger has no such claim.
    UsageError
        ``holds`` is no answer, or is given or missing where it should not be.
    EngineError
        The engine doesn't answer.
    LabError
        The engine contradicts the ledger: one of them is wrong.
    """
    bench = present()
    row = find_row(identity)
    if absent := absence(bench):  # whatever was computed then, no engine said it
        raise EngineError(absent)
    if row.verdict == "stated":
        card = _stated(row, holds)
    else:
        card = _shown(row, _answer(row, holds, because, bench.client), because)
    note_claim(bench.chapter.number, row.id)
    return card


def _answer(row: Row, holds: bool | None, because: str, client: docker.DockerClient) -> bool:
    """Give back what the engine said, once it is what the ledger expects of this engine."""
    if not isinstance(holds, bool):
        raise UsageError(
            _("holds={value!r} is not an answer.").format(value=holds),
            _("Give True or False, computed from what the engine said."),
        )
    expected = row.verdict == "holds"
    if row.verdict == "depends":
        expected = fits(row.where, engine_traits(client))
    if holds != expected:
        raise LabError(
            _(
                "Claim {identity}: the ledger says it {verdict}, this engine says otherwise: "
                "{because}"
            ).format(
                identity=row.id,
                verdict=_("holds") if expected else _("does not hold"),
                because=because,
            ),
            _("If the cells above ran without an error, please report it with your engine line."),
        )
    return holds


def _shown(row: Row, holds: bool, because: str) -> Card:
    facts = [(_("The text says"), _(row.says)), (_("This engine says"), because)]
    if row.adds:
        facts.append((_("And more") if holds else _("Right is"), _(row.adds)))
    if row.since:
        facts.append((_("Since"), _(row.since)))
    title = _("Claim {identity}").format(identity=row.id)
    if row.verdict == "depends":
        here = _("holds here") if holds else _("does not hold here")
        return Card("changed", _("Depends on the engine"), f"{title} · {here}", facts=tuple(facts))
    if holds:
        return Card("good", _("Holds"), title, facts=tuple(facts))
    return Card("changed", _("Corrected"), title, facts=tuple(facts))


def _stated(row: Row, holds: bool | None) -> Card:
    if holds is not None:
        raise UsageError(
            _("Claim {identity} is stated in the ledger: no engine decides it.").format(
                identity=row.id
            ),
            _("Leave holds= out, or give the row another verdict."),
        )
    facts = [(_("The text says"), _(row.says)), (_("Today"), _(row.adds))]
    if row.since:
        facts.append((_("Since"), _(row.since)))
    title = _("Claim {identity}").format(identity=row.id)
    return Card("neutral", _("Stated"), title, facts=tuple(facts))
