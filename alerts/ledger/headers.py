"""What the current files say of themselves beside their rows: the time of their database, and their columns.

It knows files by domain and name, and which columns they had before. What a column means is in `rules`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select as select_columns
from sqlmodel import Session, col

from alerts.batch import Batch
from alerts.ledger.files import is_current, last_read
from alerts.tables import SourceFile
from rules.records import StampFault


@dataclass(frozen=True, slots=True, kw_only=True)
class Headers:
    """What the current files of a study say of themselves."""

    database_at: datetime | None  # when their database was last modified; None where one of them does not say
    stamp_faults: tuple[StampFault, ...]
    lost: Mapping[str, tuple[str, ...]]  # domain -> columns that its files had once and have no longer
    new: Mapping[str, tuple[str, ...]]  # domain that has lost some -> columns that its files have only now


def headers(session: Session, study: str, batch: Batch) -> Headers:
    """Return what the current files say: of a domain that could not be looked at, those that were read before.

    Nothing of the columns of a domain of which a current file was read before columns were kept.
    """
    files = [row for key, row in sorted(last_read(session, study).items()) if is_current(key, batch)]
    times = [file.database_at for file in files]
    known = [time for time in times if time is not None]
    looked_at = {look.domain for look in batch.files}
    newest = {file.domain: file.id for file in sorted(files, key=lambda file: file.id)}
    faults = (file for file in files if file.domain in looked_at or file.id == newest[file.domain])
    changed = dict(_changed_columns(session, study, files))
    return Headers(
        database_at=max(known) if known and len(known) == len(times) else None,
        stamp_faults=tuple(
            StampFault(domain=file.domain, name=file.name, reason=file.stamp_fault)
            for file in faults
            if file.stamp_fault
        ),
        lost={domain: lost for domain, (lost, _) in changed.items()},
        new={domain: new for domain, (_, new) in changed.items()},
    )


def _changed_columns(
    session: Session, study: str, files: Sequence[SourceFile]
) -> Iterator[tuple[str, tuple[tuple[str, ...], tuple[str, ...]]]]:
    """Yield each domain that has lost columns, with those and the ones that its files have only now."""
    kept = select_columns(col(SourceFile.domain), col(SourceFile.columns)).where(col(SourceFile.study) == study)
    before: dict[str, set[str]] = {}
    for domain, text in session.execute(kept.where(col(SourceFile.id).not_in([f.id for f in files])).distinct()):
        before.setdefault(domain, set()).update(_columns(text))
    current: dict[str, list[SourceFile]] = {}
    for file in files:
        current.setdefault(file.domain, []).append(file)
    for domain, its_files in current.items():
        then, now = before.get(domain, set()), {name for file in its_files for name in _columns(file.columns)}
        if then - now and all(file.columns is not None for file in its_files):
            yield domain, (tuple(sorted(then - now)), tuple(sorted(now - then)))


def _columns(text: str | None) -> list[str]:
    return json.loads(text) if text else []
