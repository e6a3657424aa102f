"""Whether vigil does its work now: read from the ledger's figures and from how its jobs get on. Pure.

It names studies and counts, never a participant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.ledger.figures import Figures
from monitor.progress import LATE
from monitor.study import Study

MAIL_WAITS = timedelta(minutes=30)
"""A mail owed for longer than this is a fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The answer of /healthz: no faults means well."""

    faults: tuple[str, ...]
    details: Mapping[str, object]


def judge_health(figures: Figures | None, studies: Sequence[Study], overdue: Sequence[str], now: datetime) -> Health:
    """Judge by the figures just read (None: the database did not answer) and the jobs that are overdue."""
    if figures is None:
        return Health(faults=("the database does not answer",), details={"database": "does not answer"})
    faults = [f"{job} is overdue" for job in overdue]
    looks: dict[str, object] = {}
    for study in studies:
        last = figures.last_success.get((study.id,))
        if last is None:
            faults.append(f"study {study.id}: never swept")
        elif now - last > 2 * study.sweep_every + LATE:
            faults.append(f"study {study.id}: last swept {_minutes(now - last)} ago")
        looks[study.id] = {
            "last_sweep": None if last is None else last.isoformat(timespec="seconds"),
            "age_seconds": _seconds_since(last, now),
            "interval_seconds": study.sweep_every.total_seconds(),
        }
    oldest = min(figures.oldest_owed.values(), default=None)
    if oldest is not None and now - oldest > MAIL_WAITS:
        faults.append(f"a mail has been owed for {_minutes(now - oldest)}")
    mails = {"owed": sum(figures.mails_owed.values()), "oldest_seconds": _seconds_since(oldest, now)}
    return Health(faults=tuple(faults), details={"database": "answers", "studies": looks, "mails": mails})


def _seconds_since(moment: datetime | None, now: datetime) -> float | None:
    """Return an age to a tenth of a second; None for what has not happened."""
    return None if moment is None else round((now - moment).total_seconds(), 1)


def _minutes(age: timedelta) -> str:
    """Say an age in whole minutes."""
    return f"{int(age.total_seconds() // 60)} min"
