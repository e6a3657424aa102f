"""What people entered about reports, as submitted or as not owed: the only thing that stops a reporting clock."""

from collections.abc import Sequence
from datetime import date

from sqlmodel import Session, col, select

from alerts.decide import Action
from alerts.ledger.set_back import DecidedAt, entered_at
from alerts.tables import Decision
from rules.records import Submission

_ENTRIES = tuple(map(str, (Action.SUBMITTED, Action.NOT_OWED)))


def submissions(
    session: Session, study: str, usubjids: Sequence[str], decided: DecidedAt = ()
) -> dict[str, tuple[Submission, ...]]:
    """Return what was entered about reports of some participants, by usubjid, in the order of entry.

    `decided` sets right an entry that was made while the clock stood wrong.
    """
    entered = (
        select(Decision)
        .where(Decision.study == study, col(Decision.action).in_(_ENTRIES), col(Decision.usubjid).in_(usubjids))
        .order_by(col(Decision.id))
    )
    found: dict[str, tuple[Submission, ...]] = {}
    for row in session.exec(entered):
        entry = Submission(
            scope=row.scope,
            on=date.fromisoformat(row.submitted_on) if row.submitted_on else None,
            by=row.author,
            at=entered_at(row.decided_at, row.id, decided),
        )
        found[row.usubjid] = (*found.get(row.usubjid, ()), entry)
    return found
