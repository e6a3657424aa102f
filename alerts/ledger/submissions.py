"""What people entered as submitted: the only thing that stops a reporting clock."""

from collections.abc import Sequence
from datetime import date

from sqlmodel import Session, col, select

from alerts.decide import Action
from alerts.tables import Decision
from rules.records import Submission


def submissions(session: Session, study: str, usubjids: Sequence[str]) -> dict[str, tuple[Submission, ...]]:
    """Return the submissions entered about some participants, by usubjid, in the order of entry."""
    entered = (
        select(Decision)
        .where(Decision.study == study, Decision.action == str(Action.SUBMITTED), col(Decision.usubjid).in_(usubjids))
        .order_by(col(Decision.id))
    )
    found: dict[str, tuple[Submission, ...]] = {}
    for row in session.exec(entered):
        entry = Submission(
            scope=row.scope, on=date.fromisoformat(row.submitted_on or ""), by=row.author, at=row.decided_at
        )
        found[row.usubjid] = (*found.get(row.usubjid, ()), entry)
    return found
