"""Takes a file's table as rows of a study's domain: who cannot be taken and why, then keys, hashes and duplicates.

It knows STUDYID, DOMAIN and USUBJID; it must not know formats or folders.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alerts.batch import DomainRows, RejectedRow
from monitor.sources.identity import Variant, hashed, named, needed
from monitor.sources.table import LINE, MARK, BadRow, Refusal, Table, visible

if TYPE_CHECKING:
    import polars as pl

_LONGEST_USUBJID = 200
_REQUIRED = ("STUDYID", "DOMAIN", "USUBJID")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the rows of one domain of one study must say, and how they are named."""

    domain: str
    studyid: str  # '' where any will do
    keys: tuple[Variant, ...]
    events: tuple[Variant, ...] = ()

    def reading(self, encoding: str) -> str:
        """Name this way of reading a file: the same bytes, read otherwise, are other rows."""
        how = (encoding, self.studyid, self.keys, self.events)
        return hashlib.sha256(repr(how).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRows:
    """The rows of one file: those taken, those rejected, and how many there were."""

    name: str
    frame: "pl.DataFrame"  # variables, LINE
    rejected: tuple[RejectedRow, ...] = ()

    @property
    def rows(self) -> int:
        """How many data rows the file holds."""
        return self.frame.height + len(self.rejected)


def take(table: Table, name: str, expected: Expected) -> FileRows:
    """Part the rows that can be identified from those that cannot; raise Refusal where none can or a column lacks."""
    import polars as pl

    _check_columns(table.frame.columns, expected)
    faults = _faults(table.frame, expected)
    wrong = table.frame.hstack(faults).filter(pl.col("_reason") != "")
    bad = sorted([*table.bad, *(_bad_row(row) for row in wrong.iter_rows(named=True))], key=lambda row: row.line)
    good = table.frame.filter(faults["_reason"] == "")
    if bad and not good.height:
        [(reason, _)] = Counter(row.reason for row in bad).most_common(1)
        raise Refusal(f"the file has no row that can be used: {len(bad)} were read, and {reason}")
    return FileRows(name=name, frame=good, rejected=tuple(_rejected(row, name, expected.domain) for row in bad))


def _check_columns(columns: Sequence[str], expected: Expected) -> None:
    absent = [name for name in _REQUIRED if name not in columns]
    naming = needed(expected.keys)
    if absent:
        raise Refusal(f"the file has no column {absent[0]}")
    if naming and not set(naming) & set(columns):
        raise Refusal(f"the file has no column {' or '.join(naming)} to know a record of {expected.domain} by")


def _faults(frame: "pl.DataFrame", expected: Expected) -> "pl.DataFrame":
    """Return for each row the column and the reason why it cannot be taken, '' where it can.

    Reasons go into mails to blinded readers: they quote no value, since in a torn row any value may be the treatment.
    """
    import polars as pl

    variables = [name for name in frame.columns if name != LINE]
    naming = [name for name in needed(expected.keys) if name in variables]
    studyid, domain, usubjid = pl.col("STUDYID"), pl.col("DOMAIN"), pl.col("USUBJID")
    conditions: list[tuple[pl.Expr, str, str]] = []
    for name in variables:
        conditions += [
            (pl.col(name).str.contains(MARK, literal=True), name, f"{name} holds a byte that is not text"),
            (pl.col(name).str.contains("\0", literal=True), name, f"{name} holds a NUL character"),
        ]
    if expected.studyid:
        conditions.append((studyid.ne_missing(expected.studyid), "STUDYID", f"STUDYID is not {expected.studyid}"))
    conditions += [
        (domain.ne_missing(expected.domain), "DOMAIN", f"DOMAIN is not {expected.domain}"),
        (usubjid.is_null(), "USUBJID", "USUBJID is missing"),
        (usubjid.str.len_chars() > _LONGEST_USUBJID, "USUBJID", "USUBJID is longer than any identifier is"),
    ]
    if naming:
        said = f"{' and '.join(naming)} {'are' if naming[1:] else 'is'} missing, so that the record has no key"
        conditions.append((pl.all_horizontal(pl.col(name).is_null() for name in naming), naming[0], said))
    column, reason = pl.lit(""), pl.lit("")
    for condition, name, said in reversed(conditions):
        column = pl.when(condition).then(pl.lit(name)).otherwise(column)
        reason = pl.when(condition).then(pl.lit(said)).otherwise(reason)
    return frame.select(_column=column, _reason=reason)


def _bad_row(row: Mapping[str, str | int | None]) -> BadRow:
    """Keep a row whole, as JSON of what was there."""
    content = {name: value for name, value in row.items() if value is not None and not name.startswith("_")}
    return BadRow(
        line=int(row[LINE] or 0),
        column=str(row["_column"]),
        reason=str(row["_reason"]),
        content=visible(json.dumps(content, ensure_ascii=False).replace("\\uffff", "")),
    )


def _rejected(row: BadRow, file: str, domain: str) -> RejectedRow:
    digest = hashlib.sha256("\0".join((domain, row.reason, row.content)).encode()).hexdigest()
    return RejectedRow(
        domain=domain,
        file=file,
        line=row.line,
        column=row.column,
        reason=row.reason,
        content=row.content,
        digest=digest,
    )


def join(parts: Sequence[FileRows], expected: Expected, *, complete: bool) -> DomainRows:
    """Make one domain of its files' rows: named, hashed, and without those that repeat another wholly."""
    import polars as pl

    frame = pl.concat([part.frame.with_columns(_file=pl.lit(part.name)) for part in parts], how="diagonal")
    variables = frame.drop(LINE, "_file")
    frame = frame.with_columns(
        named(variables, expected.keys).alias("_key"),
        named(variables, expected.events).fill_null("").alias("_event"),
        hashed(variables, expected.domain).alias("_hash"),
    )
    sequence = [name for name in (f"{expected.domain}SEQ",) if name in variables.columns]
    distinct = frame.unique(["_hash", *sequence], keep="first", maintain_order=True)
    rejected = sum(len(part.rejected) for part in parts)
    return DomainRows(
        domain=expected.domain,
        frame=distinct,
        rows=frame.height + rejected,
        duplicates=frame.height - distinct.height,
        rejected=rejected,
        complete=complete,
    )
