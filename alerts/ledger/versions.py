"""Append-only versions of source rows: what is new, changed, withdrawn or back since the last look.

The comparison is columnar, by record key (see `occurrences`) and content hash.
"""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import sqlalchemy
from sqlalchemy import func
from sqlmodel import Session, col, select

from alerts.audience import Shrink
from alerts.batch import Batch, DomainRows
from alerts.ledger.files import HELD, WAITING, fates_of_unchanged, rows_held, save_files
from alerts.ledger.occurrences import record_keys
from alerts.ledger.rows import add_rows, chunks, next_id, table_of
from alerts.ledger.sweeps import Fates, OpenSweep, Touched
from alerts.tables import RecordVersion

if TYPE_CHECKING:
    import polars as pl

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_PIECE = 5000
"""How many rows are turned into versions at a time, which bounds memory."""


def save_new_versions(session: Session, sweep: OpenSweep, batch: Batch, shrink: Shrink) -> Touched:
    """Compare a look with what stands, add a version for every difference, and say whom that touches.

    Rows that vanished become versions "withdrawn", but not while a file of their domain is missing or refused, not at
    the first look at a large shrink, and not beside a rejected row that may be the same one, unreadable now.
    """
    touched: set[str] = set()
    fates = fates_of_unchanged(session, sweep, batch)
    unsettled: dict[str, str] = {}
    for domain, rows in batch.domains.items():
        standing = _standing(session, sweep.study, domain)
        fresh, vanished = _differences(rows.frame, standing)
        why = _why_withheld(session, sweep, batch, rows, standing, vanished, shrink)
        if why:
            unsettled[domain] = why
        withdrawn = vanished.clear() if why else _surely_gone(vanished, domain, batch)
        _add_versions(session, sweep, domain, fresh)
        _add_withdrawn(session, sweep, withdrawn)
        touched.update(fresh["USUBJID"], withdrawn["usubjid"])
        fates += _fates(rows, fresh, withdrawn.height, vanished.height - withdrawn.height)
    save_files(session, sweep, batch, unsettled)
    return Touched(usubjids=frozenset(touched), fates=fates)


def withdrawn_keys(session: Session, study: str, keys: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return those of the given (domain, record key) pairs whose rows are withdrawn now."""
    by_domain: dict[str, list[str]] = {}
    for domain, key in keys:
        by_domain.setdefault(domain, []).append(key)
    withdrawn: set[tuple[str, str]] = set()
    for domain, wanted in by_domain.items():
        for piece in chunks(sorted(wanted)):
            of_piece = (RecordVersion.study == study, RecordVersion.domain == domain)
            newest = (
                select(func.max(col(RecordVersion.id)))
                .where(*of_piece, col(RecordVersion.record_key).in_(piece))
                .group_by(col(RecordVersion.record_key))
            )
            gone = select(RecordVersion.record_key).where(
                col(RecordVersion.id).in_(newest), RecordVersion.change == "withdrawn"
            )
            withdrawn.update((domain, key) for key in session.exec(gone))
    return withdrawn


def _standing(session: Session, study: str, domain: str) -> "pl.DataFrame":
    """Return the newest version of every record key of a domain, withdrawn ones too."""
    import polars as pl

    version = table_of(RecordVersion).c
    newest = (
        sqlalchemy.select(func.max(version.id))
        .where(version.study == study, version.domain == domain)
        .group_by(version.record_key)
    )
    columns = (version.id, version.record_key, version.usubjid, version.content_hash, version.change)
    found = session.execute(sqlalchemy.select(*columns).where(version.id.in_(newest))).all()
    schema = {"id": pl.Int64, "record_key": pl.String, "usubjid": pl.String, "hash": pl.String, "change": pl.String}
    return pl.DataFrame([tuple(row) for row in found], schema=schema, orient="row").sort("id")


def _differences(frame: "pl.DataFrame", standing: "pl.DataFrame") -> tuple["pl.DataFrame", "pl.DataFrame"]:
    """Return the rows of a look that differ, with `_record_key` and `_change`, and the standing rows that vanished."""
    import polars as pl

    numbered = frame.with_columns(record_keys(frame, standing))
    before = standing.select(pl.col("record_key").alias("_record_key"), pl.col("hash", "change").name.prefix("_old_"))
    compared = numbered.join(before, on="_record_key", how="left", maintain_order="left")
    fresh = compared.with_columns(
        pl.when(pl.col("_old_change").is_null())
        .then(pl.lit("new"))
        .when(pl.col("_old_change") == "withdrawn")
        .then(pl.lit("reappeared"))
        .when(pl.col("_old_hash") != pl.col("_hash"))
        .then(pl.lit("changed"))
        .alias("_change")
    ).filter(pl.col("_change").is_not_null())
    current = standing.filter(pl.col("change") != "withdrawn")
    vanished = current.join(numbered, left_on="record_key", right_on="_record_key", how="anti", maintain_order="left")
    return fresh, vanished


def _why_withheld(
    session: Session,
    sweep: OpenSweep,
    batch: Batch,
    rows: DomainRows,
    standing: "pl.DataFrame",
    vanished: "pl.DataFrame",
    shrink: Shrink,
) -> str:
    """Say why the rows that vanished are not withdrawn now; '' if they are."""
    if vanished.is_empty():
        return ""
    if not rows.complete:
        return WAITING
    current = standing.height - int((standing["change"] == "withdrawn").sum())
    if not _is_large(current, vanished.height, shrink):
        return ""
    held = rows_held(session, sweep.study, batch, rows.domain)
    return "" if held is not None and not _is_large(held, held - rows.rows, shrink) else HELD


def _surely_gone(vanished: "pl.DataFrame", domain: str, batch: Batch) -> "pl.DataFrame":
    """Return the rows that vanished of participants whom no rejected row of the domain names."""
    import polars as pl

    rejected = [row.content for row in batch.rejected if row.domain == domain]
    named = [usubjid for usubjid in vanished["usubjid"].unique() if any(usubjid in content for content in rejected)]
    return vanished.filter(~pl.col("usubjid").is_in(named)) if named else vanished


def _is_large(before: int, vanished: int, shrink: Shrink) -> bool:
    """Whether so many rows have vanished that it may be the export's fault: both limits are passed."""
    return vanished > shrink.rows and vanished > shrink.share * before


def _add_versions(session: Session, sweep: OpenSweep, domain: str, fresh: "pl.DataFrame") -> None:
    variables = sorted(name for name in fresh.columns if not name.startswith("_"))
    number = next_id(session, RecordVersion)
    for piece in fresh.iter_slices(_PIECE):
        versions: list[dict[str, Any]] = []
        for row in piece.iter_rows(named=True):
            content = {name: row[name] for name in variables if row[name] is not None}
            versions.append(
                {
                    "id": number,
                    "study": sweep.study,
                    "sweep_id": sweep.id,
                    "domain": domain,
                    "record_key": row["_record_key"],
                    "event_key": row["_event"] or "",
                    "usubjid": row["USUBJID"],
                    "change": row["_change"],
                    "content_hash": row["_hash"],
                    "content": _ENCODER.encode(content),
                    "file": row["_file"],
                    "line": row["_line"],
                }
            )
            number += 1
        add_rows(session, RecordVersion, versions)


def _add_withdrawn(session: Session, sweep: OpenSweep, withdrawn: "pl.DataFrame") -> None:
    """Write that rows are not there any more, each with its last content."""
    number = next_id(session, RecordVersion)
    for piece in chunks(withdrawn["id"].to_list()):
        versions: list[dict[str, Any]] = []
        last = select(RecordVersion).where(col(RecordVersion.id).in_(piece)).order_by(col(RecordVersion.id))
        for row in session.exec(last):
            versions.append({**row.model_dump(), "id": number, "sweep_id": sweep.id, "change": "withdrawn"})
            number += 1
        add_rows(session, RecordVersion, versions)


def _fates(rows: DomainRows, fresh: "pl.DataFrame", withdrawn: int, withheld: int) -> Fates:
    changes: dict[str, int] = dict(fresh["_change"].value_counts().iter_rows())
    return Fates(
        read=rows.rows,
        unchanged=rows.frame.height - fresh.height,
        duplicate=rows.duplicates,
        rejected=rows.rejected,
        withdrawn=withdrawn,
        withheld=withheld,
        **changes,
    )
