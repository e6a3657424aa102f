"""Reads SAS transport files, version 5. It knows their 80-byte records; it must not know domains or keys."""

import re
import struct
from datetime import UTC, date, datetime, time
from io import BytesIO
from typing import TYPE_CHECKING

from monitor.sources.table import LINE, Refusal, Table, canonical_number, column_names, decode, tidy

if TYPE_CHECKING:
    import polars as pl

MAGIC = b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!"
_MEMBER = b"HEADER RECORD*******MEMBER  HEADER RECORD!!!!!!!"
_NAMESTR = re.compile(rb"HEADER RECORD\*{7}NAMESTR HEADER RECORD!{7}0{6}(\d{4})")
_OBS = b"HEADER RECORD*******OBS     HEADER RECORD!!!!!!!"
_RECORD = 80
_NAMESTR_SIZE = 140


def read_xpt(data: bytes, encoding: str) -> Table:
    """Read a transport file's bytes, every column as text; raise Refusal where the file cannot be used."""
    import polars as pl
    import pyreadstat

    _check_whole(data)
    try:
        # as latin-1 every byte is a character; what it stands for is read below, so that a bad one costs a row only
        columns, meta = pyreadstat.read_xport(BytesIO(data), output_format="dict", encoding="ISO-8859-1")
    except pyreadstat.ReadstatError as error:
        raise Refusal(f"the file cannot be read as a SAS transport file: {error}") from None
    names = column_names(meta.column_names)
    series = [_text(name, list(columns[old]), encoding) for name, old in zip(names, meta.column_names, strict=True)]
    frame = tidy(pl.DataFrame(series).with_row_index(LINE, offset=1).with_columns(pl.col(LINE).cast(pl.Int64)))
    return Table(frame=frame, stamped_at=meta.modification_time.replace(tzinfo=UTC) if meta.modification_time else None)


def _check_whole(data: bytes) -> None:
    """Refuse a file that is cut off, or holds more than one dataset."""
    if data.count(_MEMBER) > 1:
        raise Refusal("the file holds more than one dataset")
    header, start = _NAMESTR.search(data), data.find(_OBS) + _RECORD
    if header is None or start < _RECORD or len(data) % _RECORD:
        raise Refusal("the file is half-written: it ends within a record of a SAS transport file")
    first = header.start() + _RECORD
    places = range(first, first + int(header[1]) * _NAMESTR_SIZE, _NAMESTR_SIZE)
    width = sum(struct.unpack_from(">h", data, place + 4)[0] for place in places)
    rest = (len(data) - start) % width if width else 0
    if rest >= _RECORD or data[len(data) - rest :].strip(b" "):
        raise Refusal("the file is half-written: it ends within a row")


def _text(name: str, values: list[object], encoding: str) -> "pl.Series":
    """Turn one column into text: numbers in one spelling, dates in ISO 8601, characters in the file's encoding."""
    import polars as pl

    known: dict[object, str | None] = {}
    for value in values:
        if value not in known:
            known[value] = _as_text(value, encoding)
    return pl.Series(name, [known[value] for value in values], dtype=pl.String)


def _as_text(value: object, encoding: str) -> str | None:
    if value is None or value != value:  # noqa: PLR0124 a missing number is not equal to itself
        return None
    if isinstance(value, str):
        return value if value.isascii() else decode(value.encode("latin-1"), encoding)
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    return canonical_number(repr(value))
