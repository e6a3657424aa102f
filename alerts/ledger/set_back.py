"""A clock that was set back: as of when a sweep then judges, and since when something was certainly known.

By less than a day, time stands still until the clock has caught up, so that nothing that was due is due again. By more,
the clock was wrong before and is believed now: everybody is judged anew. What was known when the clock stood ahead was
known at the latest in the first sweep after it was set back.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from alerts.tables import Sweep

HELD = timedelta(days=1)
"""By how much a clock can be set back without being believed at once."""

SetBacks = Sequence[tuple[int, datetime]]
"""The sweeps of a study that found the clock set back: id and moment."""


def set_back_from(last: Sweep | None, now: datetime) -> datetime | None:
    """Return where the clock stood if it was set back since the last sweep that was done."""
    before = as_of(last.now, last.set_back_from) if last is not None else None
    return before if before is not None and now < before else None


def as_of(now: datetime, before: datetime | None) -> datetime:
    """Return the moment as of which a sweep judges; `before` is where the clock stood if it was set back."""
    return before if before is not None and before - now <= HELD else now


def set_backs(session: Session, study: str) -> SetBacks:
    """Return the sweeps of a study that found the clock set back."""
    found = select(Sweep.id, Sweep.now).where(Sweep.study == study, col(Sweep.set_back_from).is_not(None))
    return session.exec(found.order_by(col(Sweep.id))).all()


def known_at(moment: datetime, sweep_id: int, backs: SetBacks) -> datetime:
    """Return when what a sweep saw at a moment was certainly known."""
    return min([moment, *(now for later, now in backs if later > sweep_id)])
