"""What the ledger remembers of a source's files: their contents, their bad rows, and withdrawals that wait.

It knows files by domain and name. What their good rows mean is in `versions`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, select

from alerts.batch import Batch, FileLook, SeenFile
from alerts.ledger.rows import add_rows, next_id, table_of
from alerts.ledger.sweeps import Fates, OpenSweep
from alerts.tables import RejectedRow, SourceFile
from rules.records import RefusedFile, RejectedRows

if TYPE_CHECKING:
    from alerts.batch import DomainRows

HELD = "a large part of the rows that stood has vanished: they stand until a second look"
"""Why a file is not settled: its withdrawals wait for a second look."""

WAITING = "a file of the domain is missing or refused: rows that vanished stand until it is back"
"""Why a file is not settled: the domain is not whole."""

EXAMPLES = 5
"""How many rejected rows a group shows."""

FileKey = tuple[str, str]  # domain, name


def seen_files(session: Session, study: str) -> list[SeenFile]:
    """Return every content of every file that was read, oldest first; refused ones were not taken, so not seen."""
    read = select(SourceFile).where(SourceFile.study == study, SourceFile.state == "read").order_by(col(SourceFile.id))
    return [
        SeenFile(
            domain=row.domain,
            name=row.name,
            digest=row.digest,
            modified_at=row.modified_at,
            stamped_at=row.stamped_at,
            database_at=row.database_at,
            settled=row.settled,
            reading=row.reading,
            line_end=row.line_end,
        )
        for row in session.exec(read)
    ]


def last_rows(session: Session, study: str, *where: ColumnElement[bool]) -> dict[FileKey, SourceFile]:
    """Return the newest row of each file of a study, among those that meet the conditions."""
    newest = (
        select(func.max(col(SourceFile.id)))
        .where(col(SourceFile.study) == study, *where)
        .group_by(col(SourceFile.domain), col(SourceFile.name))
    )
    return {
        (row.domain, row.name): row for row in session.exec(select(SourceFile).where(col(SourceFile.id).in_(newest)))
    }


def last_read(session: Session, study: str) -> dict[FileKey, SourceFile]:
    """Return the row of each file's content as it was last read."""
    return last_rows(session, study, col(SourceFile.state) == "read")


def rows_held(session: Session, study: str, batch: Batch, domain: str) -> int | None:
    """Return how many rows a domain had when the last look held its withdrawals back; None if it held none."""
    of_domain = {key: row for key, row in last_read(session, study).items() if key[0] == domain}
    newest = max((row.sweep_id for row in of_domain.values()), default=0)
    looked_at = {key for key, row in of_domain.items() if row.sweep_id == newest}
    if not any(of_domain[key].reason == HELD for key in looked_at):
        return None
    present = {(look.domain, look.name) for look in batch.files}
    return sum(row.rows for key, row in of_domain.items() if key in looked_at | present)


def fates_of_unchanged(session: Session, sweep: OpenSweep, batch: Batch) -> Fates:
    """Count the rows of files that were not read again because they are as they were."""
    known = last_read(session, sweep.study)
    rows = [
        known[(look.domain, look.name)]
        for look in batch.files
        if look.state == "unchanged" and look.domain not in batch.domains
    ]
    duplicates, rejected = sum(row.duplicates for row in rows), sum(row.rejected for row in rows)
    read = sum(row.rows for row in rows)
    return Fates(read=read, unchanged=read - duplicates - rejected, duplicate=duplicates, rejected=rejected)


def save_files(session: Session, sweep: OpenSweep, batch: Batch, unsettled: Mapping[str, str]) -> None:
    """Add a row for each file whose state was not seen before, and the rejected rows of those that were read.

    `unsettled` names the domains whose withdrawals wait, and why.
    """
    newest, read = last_rows(session, sweep.study), last_read(session, sweep.study)
    counts = _counts(batch)
    rows = [
        _source_file(sweep, look, counts.get((look.domain, look.name)), read, unsettled.get(look.domain, ""))
        for look in batch.files
    ]
    fresh = [row for row in rows if _facts(row) != _facts(newest.get((row.domain, row.name)))]
    for number, row in enumerate(fresh, start=next_id(session, SourceFile)):
        row.id = number
    add_rows(session, SourceFile, [row.model_dump() for row in fresh])
    _save_rejected(session, sweep, batch, {(row.domain, row.name) for row in fresh if row.state == "read"})


@dataclass(frozen=True, slots=True)
class _Counts:
    rows: int
    duplicates: int
    rejected: int


def _counts(batch: Batch) -> dict[FileKey, _Counts]:
    """Count the rows of each file that was read in this look."""
    kept = {key: number for domain in batch.domains.values() for key, number in _kept(domain)}
    rejected: dict[FileKey, int] = {}
    for row in batch.rejected:
        rejected[(row.domain, row.file)] = rejected.get((row.domain, row.file), 0) + 1
    counts = {}
    for look in batch.files:
        key = (look.domain, look.name)
        if look.state == "read":
            bad = rejected.get(key, 0)
            counts[key] = _Counts(look.rows, max(0, look.rows - bad - kept.get(key, 0)), bad)
    return counts


def _kept(rows: "DomainRows") -> Iterable[tuple[FileKey, int]]:
    """Count the rows of a domain that were kept, by file."""
    return (((rows.domain, name), number) for name, number in rows.frame["_file"].value_counts().iter_rows())


def _source_file(
    sweep: OpenSweep, look: FileLook, counts: _Counts | None, read: Mapping[FileKey, SourceFile], why_unsettled: str
) -> SourceFile:
    """Return the row that says how a file is now; an unchanged one is as it was last read."""
    known = read.get((look.domain, look.name))
    if look.state == "unchanged" and known is not None:
        known_counts = _Counts(known.rows, known.duplicates, known.rejected)
        why_unsettled = known.reason
        look = replace(
            look,
            stamped_at=known.stamped_at,
            database_at=known.database_at,
            columns=tuple(json.loads(known.columns)) if known.columns else (),
            stamp_fault=known.stamp_fault or "",
            line_end=known.line_end,
        )
    refused = look.state == "refused"
    counts = counts or (known_counts if look.state == "unchanged" else _Counts(0, 0, 0))
    return SourceFile(
        id=0,
        sweep_id=sweep.id,
        study=sweep.study,
        domain=look.domain,
        name=look.name,
        state="refused" if refused else "read",
        reason=look.reason if refused else why_unsettled,
        digest=look.digest,
        size=look.size,
        modified_at=look.modified_at,
        stamped_at=look.stamped_at,
        database_at=look.database_at,
        columns=json.dumps(look.columns) if look.columns else None,
        stamp_fault=look.stamp_fault or None,
        rows=counts.rows,
        duplicates=counts.duplicates,
        rejected=counts.rejected,
        settled=refused or not why_unsettled,
        reading=look.reading,
        line_end=look.line_end,
    )


def _facts(row: SourceFile | None) -> tuple[object, ...]:
    """Return what makes a file's state a new one."""
    if row is None:
        return ()
    return row.state, row.digest, row.reason, row.settled, row.rows, row.duplicates, row.rejected, row.reading


def _save_rejected(session: Session, sweep: OpenSweep, batch: Batch, files: set[FileKey]) -> None:
    rows = [row for row in batch.rejected if (row.domain, row.file) in files]
    first = next_id(session, RejectedRow)
    add_rows(
        session,
        RejectedRow,
        [
            {
                "id": number,
                "study": sweep.study,
                "sweep_id": sweep.id,
                "domain": row.domain,
                "file": row.file,
                "line": row.line,
                "column_name": row.column,
                "reason": row.reason,
                "content": row.content,
                "digest": row.digest,
            }
            for number, row in enumerate(rows, start=first)
        ],
    )


def rejected_groups(session: Session, study: str, batch: Batch) -> tuple[RejectedRows, ...]:
    """Return the rejected rows of the current file contents, grouped by domain and by the sweep that first had them."""
    current = [row for key, row in last_read(session, study).items() if row.rejected and is_current(key, batch)]
    first_seen = table_of(RejectedRow).alias()
    first = (
        select(func.min(first_seen.c.sweep_id))
        .where(first_seen.c.study == study, first_seen.c.digest == RejectedRow.digest)
        .where(first_seen.c.domain == RejectedRow.domain)
        .scalar_subquery()
    )
    groups: dict[tuple[str, int], list[RejectedRow]] = {}
    for file in current:
        of_file = select(RejectedRow, first).where(
            RejectedRow.study == study,
            RejectedRow.domain == file.domain,
            RejectedRow.sweep_id == file.sweep_id,
            RejectedRow.file == file.name,
        )
        for row, since in session.exec(of_file.order_by(col(RejectedRow.id))):
            groups.setdefault((row.domain, since), []).append(row)
    return tuple(_group(domain, rows) for (domain, _), rows in sorted(groups.items(), key=lambda group: group[0]))


def is_current(key: FileKey, batch: Batch) -> bool:
    """Whether a file known from before still stands: it is there, or its whole domain could not be looked at."""
    present = {(look.domain, look.name) for look in batch.files}
    return key in present or key[0] not in {domain for domain, _ in present}


def _group(domain: str, rows: Sequence[RejectedRow]) -> RejectedRows:
    return RejectedRows(
        domain=domain,
        digests=frozenset(row.digest for row in rows),
        examples=tuple(
            f"{row.file}, line {row.line}{f', {row.column_name}' if row.column_name else ''}: {row.reason}"
            for row in rows[:EXAMPLES]
        ),
    )


def refused_files(batch: Batch) -> tuple[RefusedFile, ...]:
    """Return the files that this look refused whole."""
    return tuple(
        RefusedFile(domain=look.domain, name=look.name, digest=look.digest, reason=look.reason)
        for look in batch.files
        if look.state == "refused"
    )
