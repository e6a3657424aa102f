"""Whom a sweep judges, what the rules answered, and when time alone calls for another look."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, func
from sqlmodel import Session, col, select

from alerts.ledger.rows import add_rows, chunks, next_id, table_of
from alerts.ledger.sweeps import OpenSweep, Touched
from alerts.tables import ParticipantDue, RecordVersion, RuleFailure, RuleRun, Sweep
from rules.hit import Failure

if TYPE_CHECKING:
    from rules.evaluate import Evaluation  # would load every kind of rule for a look at the alerts

FAILURE_KNOWN_FOR = timedelta(hours=24)
"""How long a rule's failure about a participant is not told again."""

FAILED_TRIED_AGAIN = timedelta(hours=1)
"""When a participant about whom a rule failed is judged again, though nothing changed."""


def participants(session: Session, study: str) -> list[str]:
    """Return every participant the study ever brought, also those whose rows are all withdrawn; sorted.

    Walks the index from one participant to the next, so it costs participants and not rows.
    """
    table = table_of(RecordVersion)
    of_study = table.c.study == study
    walk = select(func.min(table.c.usubjid).label("usubjid")).where(of_study, table.c.usubjid > "").cte(recursive=True)
    following = select(func.min(table.c.usubjid)).where(of_study, table.c.usubjid > walk.c.usubjid).scalar_subquery()
    walk = walk.union_all(select(following).where(walk.c.usubjid.is_not(None)))
    return sorted(session.execute(select(walk.c.usubjid).where(walk.c.usubjid.is_not(None))).scalars())


def whom_to_judge(session: Session, sweep: OpenSweep, touched: Touched) -> tuple[str, ...]:
    """Return everybody in a full sweep, else those whom the data touched and those who came due; sorted."""
    if sweep.is_full:
        return tuple(participants(session, sweep.study))
    due = select(ParticipantDue.usubjid).where(
        ParticipantDue.study == sweep.study, col(ParticipantDue.due_at) <= sweep.as_of, ParticipantDue.usubjid != ""
    )  # the feed is judged in every sweep
    return tuple(sorted(touched.usubjids.union(session.exec(due))))


def save_runs(
    session: Session, sweep: OpenSweep, evaluation: "Evaluation", judged: Iterable[str]
) -> tuple[Failure, ...]:
    """Write what the rules answered of those judged, and when to look again; return the failures not known already."""
    runs = [
        {
            "sweep_id": sweep.id,
            "rule_id": run.rule_id,
            "study": sweep.study,
            "judged": run.judged,
            "hits": run.hits,
            "not_evaluable": run.not_evaluable,
            "clear": run.clear,
            "failed": run.failed,
        }
        for run in evaluation.runs
        if run.judged
    ]
    add_rows(session, RuleRun, runs)
    known = _known_failures(session, sweep)
    failures = [
        {
            "id": number,
            "sweep_id": sweep.id,
            "study": sweep.study,
            "rule_id": failure.rule_id,
            "usubjid": failure.usubjid,
            "error": failure.error,
        }
        for number, failure in enumerate(evaluation.failures, start=next_id(session, RuleFailure))
    ]
    add_rows(session, RuleFailure, failures)
    _save_due(session, sweep, _due(evaluation, sweep.as_of), {"", *judged})
    return tuple(f for f in evaluation.failures if (f.rule_id, f.usubjid, f.error) not in known)


def _known_failures(session: Session, sweep: OpenSweep) -> set[tuple[str, str, str]]:
    """Return the failures of the last day, which operators were told of."""
    recent = (
        select(RuleFailure.rule_id, RuleFailure.usubjid, RuleFailure.error)
        .join(Sweep, col(Sweep.id) == col(RuleFailure.sweep_id))
        .where(RuleFailure.study == sweep.study, col(Sweep.now) > sweep.now - FAILURE_KNOWN_FOR)
    )
    return {(rule_id, usubjid, error) for rule_id, usubjid, error in session.exec(recent)}


def _due(evaluation: "Evaluation", now: datetime) -> dict[str, datetime]:
    """Return when each participant, and the feed (''), must be judged again though nothing changed."""
    due = dict(evaluation.due)
    again = now + FAILED_TRIED_AGAIN
    for failure in evaluation.failures:
        if failure.usubjid:
            due[failure.usubjid] = min(again, due.get(failure.usubjid, again))
    return due


def _save_due(session: Session, sweep: OpenSweep, due: Mapping[str, datetime], judged: Iterable[str]) -> None:
    """Write when those judged are due next, in place of what was said of them; of whom nothing is said, never."""
    of_study = col(ParticipantDue.study) == sweep.study
    for piece in chunks(sorted({*judged, *due})):
        session.execute(delete(ParticipantDue).where(of_study, col(ParticipantDue.usubjid).in_(piece)))
    rows = [{"study": sweep.study, "usubjid": usubjid, "due_at": at} for usubjid, at in sorted(due.items())]
    add_rows(session, ParticipantDue, rows)
