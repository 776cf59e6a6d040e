"""A claim of the source text, proved or corrected by the engine in this very cell."""

from dockerlab.course.bench import present
from dockerlab.course.card import Card
from dockerlab.course.ledger import find_row
from dockerlab.errors import LabError, UsageError
from dockerlab.language import _


def claim(identity: str, *, holds: bool, because: str) -> Card:
    """Set what the engine has just shown against one row of the ledger.

    Parameters
    ----------
    identity : str
        The claim's number, ``"2.1.11"``.
    holds : bool
        Whether the claim as the text makes it holds, computed from the engine.
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
    LabError
        The engine contradicts the ledger: one of them is wrong.
    """
    present()
    row = find_row(identity)
    if not isinstance(holds, bool):
        raise UsageError(
            _("holds={value!r} is not an answer.").format(value=holds),
            _("Give True or False, computed from what the engine said."),
        )
    if row.verdict != "depends" and holds != (row.verdict == "holds"):
        raise LabError(
            _(
                "Claim {identity}: the ledger says it {verdict}, this engine says otherwise: "
                "{because}"
            ).format(
                identity=row.id,
                verdict=_("holds") if row.verdict == "holds" else _("does not hold"),
                because=because,
            ),
            _("If the cells above ran without an error, please report it with your engine line."),
        )
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
