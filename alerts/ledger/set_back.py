"""A clock that was set back: as of when a sweep then judges, and since when something was certainly known.

By less than a day, time stands still until the clock has caught up, so that nothing that was due is due again. By more,
the clock was wrong before and is believed now: everybody is judged anew. What was known when the clock stood ahead was
known at the latest in the first sweep after it was set back.

A clock that fell behind and was put right looks the same at first, and shows itself later: it jumps forward, past where
it had stood, by as much as it was set back. Then nothing before was wrong, and what came meanwhile came after that.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlmodel import Session, col, func, select

from alerts.ledger.rows import next_id
from alerts.tables import Decision, Sweep

if TYPE_CHECKING:
    from alerts.ledger.sweeps import OpenSweep  # which asks here whether the clock was set back

HELD = timedelta(days=1)
"""By how much a clock can be set back without being believed at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBack:
    """A sweep that found the clock set back."""

    sweep_id: int
    now: datetime  # UTC
    before: datetime  # UTC: where the clock stood
    undone_by: int | None = None  # the sweep that found it right again, where it had only fallen behind


SetBacks = Sequence[SetBack]

DecidedAt = Sequence[tuple[int, int, datetime]]
"""The sweeps that decided something: the first and the last id of their decisions, and when they certainly were."""


def set_back_from(last: Sweep | None, now: datetime) -> datetime | None:
    """Return where the clock stood if it was set back since the last sweep that was done."""
    before = as_of(last.now, last.set_back_from) if last is not None else None
    return before if before is not None and now < before else None


def as_of(now: datetime, before: datetime | None) -> datetime:
    """Return the moment as of which a sweep judges; `before` is where the clock stood if it was set back."""
    return before if before is not None and before - now <= HELD else now


def set_backs(session: Session, study: str, sweep: "OpenSweep | None" = None) -> SetBacks:
    """Return the sweeps of a study that found the clock set back, in order; an open one, which has no row yet, too."""
    found = select(Sweep.id, Sweep.now, Sweep.set_back_from).where(
        Sweep.study == study, col(Sweep.set_back_from).is_not(None)
    )
    rows = list(session.exec(found.order_by(col(Sweep.id))))
    if sweep is not None:
        rows.append((sweep.id, sweep.now, sweep.set_back_from))
    backs = [SetBack(sweep_id=number, now=now, before=before) for number, now, before in rows if before is not None]
    return [replace(back, undone_by=_undone_by(session, study, back, sweep)) for back in backs]


def known_at(moment: datetime, sweep_id: int, backs: SetBacks) -> datetime:
    """Return when what a sweep saw at a moment was certainly known."""
    for back in backs:
        if back.undone_by is not None and back.sweep_id <= sweep_id < back.undone_by:
            moment = max(moment, back.before)
    return min([moment, *(back.now for back in backs if back.undone_by is None and back.sweep_id > sweep_id)])


def decided_at(session: Session, study: str, backs: SetBacks, sweep: "OpenSweep | None" = None) -> DecidedAt:
    """Return between which decisions a person's entry lies; nothing where the clock was never set back."""
    if not backs:
        return ()
    number, moment = col(Decision.id), func.max(Decision.decided_at)
    of_sweeps = select(Decision.sweep_id, func.min(number), func.max(number), moment).where(
        Decision.study == study, col(Decision.sweep_id).is_not(None)
    )
    rows = session.exec(of_sweeps.group_by(col(Decision.sweep_id))).all()
    found = [(first, last, known_at(at, by, backs)) for by, first, last, at in rows if by is not None]
    if sweep is not None:  # it decides after all that is there
        first = next_id(session, Decision)
        found.append((first, first, sweep.now))
    return found


def entered_at(moment: datetime, decision_id: int, decided: DecidedAt) -> datetime:
    """Return when a person certainly made an entry: after what was decided before it, before what was decided next."""
    latest = min([moment, *(at for first, _, at in decided if first > decision_id)])
    return max([latest, *(at for _, last, at in decided if last < decision_id)])


def _undone_by(session: Session, study: str, back: SetBack, sweep: "OpenSweep | None") -> int | None:
    """Return the sweep before which the clock jumped forward again by as much, None where it went on at its pace."""
    if back.before - back.now <= HELD:
        return None
    done = select(Sweep.id, Sweep.now).where(Sweep.study == study, Sweep.status == "done")
    later = done.where(Sweep.id > back.sweep_id, Sweep.now >= back.before).order_by(col(Sweep.id)).limit(1)
    past = session.exec(later).first()
    if past is None and sweep is not None and sweep.id > back.sweep_id and sweep.now >= back.before:
        past = (sweep.id, sweep.now)
    if past is None:
        return None
    number, now = past
    _, last = session.exec(done.where(Sweep.id < number).order_by(col(Sweep.id).desc()).limit(1)).one()
    return number if now - last >= back.before - back.now else None
