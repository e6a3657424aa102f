"""What a source hands to the ledger after one look: files with their fate, rows with their identity, rows rejected."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLook:
    """One file as found in this look."""

    domain: str  # "AE", "LB"...
    name: str  # relative to the source folder
    state: Literal["read", "unchanged", "refused"]
    reason: str = ""  # why refused, in one sentence
    digest: str = ""  # SHA-256 of the bytes, hex
    size: int = 0
    modified_at: datetime | None = None  # UTC
    stamped_at: datetime | None = None  # UTC: the export's own time stamp, where it has one
    database_at: datetime | None = None  # UTC: when the database behind it was last modified, where the file says so
    stamp_fault: str = ""  # why a time that the file gives cannot be used, in one sentence
    rows: int = 0  # data rows found; 0 when unchanged or refused
    reading: str = ""  # names how it was read (encoding, keys...): read otherwise, the same bytes are other rows
    line_end: bool | None = None  # of a CSV: whether a line end closes its last line
    columns: tuple[str, ...] = ()  # of a file that was read, in its own order


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRow:
    """A row that cannot be identified or read at all, kept whole."""

    domain: str
    file: str
    line: int  # 1-based line of the file, or 1-based row of a format without lines
    column: str  # SDTM variable at fault, '' where the whole row is
    reason: str
    content: str  # the row as it stood
    digest: str  # SHA-256 of domain, reason and content: names the same bad row across looks


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainRows:
    """The rows of one domain, from all its files.

    `frame` holds SDTM variables as text columns (missing is null) and beside them `_key` (record key without
    occurrence), `_event` (AE event key, else ''), `_hash` (SHA-256 hex of the content without --SEQ), `_file` and
    `_line`. Rows that repeat another wholly are left out of it and counted in `duplicates`.
    """

    domain: str
    frame: "pl.DataFrame"
    rows: int  # rows read = frame height + duplicates + rejected
    duplicates: int = 0
    rejected: int = 0
    complete: bool = True  # False: a file of the domain is missing or refused, so nothing may be withdrawn


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One look at one study's source.

    A domain whose files are all unchanged is in `files` and not in `domains`: its rows stand as they are.
    `missing` names configured domains of which no file was found.
    """

    files: tuple[FileLook, ...] = ()
    domains: Mapping[str, DomainRows] = field(default_factory=dict)
    rejected: tuple[RejectedRow, ...] = ()
    missing: tuple[str, ...] = ()
    trouble: str = ""  # the source as a whole could not be read, in one sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFile:
    """What the ledger remembers of one content of a file name that was read (a refused one is not), oldest first."""

    domain: str
    name: str
    digest: str
    modified_at: datetime | None
    stamped_at: datetime | None
    database_at: datetime | None = None
    reading: str = ""
    settled: bool  # False: its withdrawals were held back, so it must be read again even when unchanged
    line_end: bool | None = None  # of a CSV: whether a line end closed its last line; None where that is not known
