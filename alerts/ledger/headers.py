"""What the current files say of themselves beside their rows: the time of their database, and their columns.

It knows files by domain and name, and which columns they had before. What a column means is in `rules`.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from alerts.batch import Batch
from alerts.ledger.files import is_current, last_read
from alerts.tables import SourceFile
from rules.records import StampFault


def database_time(session: Session, study: str, batch: Batch) -> datetime | None:
    """Return when the database behind the current files was last modified.

    None where one of them does not say: it may bring what another has not.
    """
    times = [row.database_at for key, row in last_read(session, study).items() if is_current(key, batch)]
    known = [time for time in times if time is not None]
    return max(known) if known and len(known) == len(times) else None


def stamp_faults(session: Session, study: str, batch: Batch) -> tuple[StampFault, ...]:
    """Return the current files of which a time that they give cannot be used."""
    current = [row for key, row in sorted(last_read(session, study).items()) if is_current(key, batch)]
    return tuple(
        StampFault(domain=row.domain, name=row.name, reason=row.stamp_fault) for row in current if row.stamp_fault
    )


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a domain's files: those that it had once and has no longer, and those that it has only now."""

    lost: frozenset[str]
    new: tuple[str, ...]


def changed_columns(session: Session, study: str, batch: Batch) -> dict[str, Columns]:
    """Return, by domain, the columns that are gone, and those that came with the current files.

    Nothing of a domain of which a current file was read before columns were kept.
    """
    current: dict[str, list[SourceFile]] = {}
    for key, row in last_read(session, study).items():
        if is_current(key, batch):
            current.setdefault(row.domain, []).append(row)
    changed = {}
    for domain, files in current.items():
        if any(file.columns is None for file in files):
            continue
        now = _columns(file.columns for file in files)
        kept = select(SourceFile.columns).where(SourceFile.study == study, SourceFile.domain == domain).distinct()
        before = _columns(session.execute(kept.where(col(SourceFile.id).not_in([file.id for file in files]))).scalars())
        if lost := before - now:
            changed[domain] = Columns(frozenset(lost), tuple(sorted(now - before)))
    return changed


def _columns(texts: Iterable[str | None]) -> set[str]:
    return {name for text in texts if text for name in json.loads(text)}
