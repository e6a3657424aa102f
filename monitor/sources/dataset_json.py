"""Reads Dataset-JSON 1.1: one JSON document, one row a line (NDJSON), or that compressed (DSJC).

It knows the standard's header; it must not know domains or keys.
"""

import gzip
import json
import re
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from monitor.sources.table import (
    LINE,
    BadRow,
    Refusal,
    Table,
    canonical_number,
    column_names,
    mark_surrogates,
    tidy,
    visible,
)

if TYPE_CHECKING:
    import polars as pl

_REQUIRED = ("datasetJSONCreationDateTime", "datasetJSONVersion", "itemGroupOID", "records", "name", "label", "columns")
_NUMERIC = {"integer", "float", "double", "decimal"}
_DECODER = json.JSONDecoder(parse_float=canonical_number, parse_int=canonical_number, parse_constant=str)
_SURROGATE = re.compile(r"[\ud800-\udfff]|\\u[dD][89a-fA-F]")  # a byte that is not UTF-8, or an escape that is no text


def is_compressed(data: bytes) -> bool:
    """Whether bytes begin like gzip, as published files do, or like zlib, as the standard says."""
    return data[:2] == b"\x1f\x8b" or (data[:1] == b"\x78" and int.from_bytes(data[:2]) % 31 == 0)


def read_dataset_json(data: bytes) -> Table:
    """Read a Dataset-JSON file's bytes, every column as text; raise Refusal where the file cannot be used."""
    text = _expand(data).removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="surrogateescape").lstrip()
    try:
        header, end = _DECODER.raw_decode(text)
    except json.JSONDecodeError as error:
        raise Refusal(f"the file is half-written or not JSON: {error}") from None
    if not isinstance(header, dict):
        raise Refusal("the file is JSON and not Dataset-JSON: it is not one object")
    rest = text[end:].strip()
    if "rows" not in header:
        rows, first = [_load_line(line) for line in rest.split("\n")] if rest else [], 2
        if rows and isinstance(rows[-1], str):
            raise Refusal("the file is half-written: its last line is broken off")
    else:
        rows, first = header["rows"], 1
        if rest or not isinstance(rows, list):
            raise Refusal("the file is not Dataset-JSON 1.1: it is more than one object with its rows in an array")
    names, numeric = _check_header(header, len(rows))
    frame, bad = _columns(names, rows, first, has_surrogates=_SURROGATE.search(text) is not None)
    stamped_at, database_at, fault = _stamps(header)
    return Table(
        frame=tidy(frame, numeric), bad=tuple(bad), stamped_at=stamped_at, database_at=database_at, stamp_fault=fault
    )


def _expand(data: bytes) -> bytes:
    if not is_compressed(data):
        return data
    try:
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else zlib.decompress(data)
    except (EOFError, OSError, zlib.error) as error:
        raise Refusal(f"the file is half-written: its compressed content is broken: {error}") from None


def _load_line(line: str) -> Any:
    """Read one row of NDJSON; one that is not JSON comes back as its text."""
    try:
        return _DECODER.decode(line)
    except json.JSONDecodeError:
        return line


def _check_header(header: dict[str, Any], rows: int) -> tuple[list[str], list[str]]:
    """Return the variable names and those declared as numbers; raise Refusal where header and rows do not agree."""
    absent = [entry for entry in _REQUIRED if entry not in header]
    if absent:
        raise Refusal(f"the file is not Dataset-JSON 1.1: its header has no {absent[0]}")
    if not str(header["datasetJSONVersion"]).startswith("1.1"):
        raise Refusal(f"the file is Dataset-JSON {header['datasetJSONVersion']}, and 1.1 is read")
    columns = header["columns"]
    if not isinstance(columns, list) or not all(isinstance(column, dict) and "name" in column for column in columns):
        raise Refusal("the file is not Dataset-JSON 1.1: its columns are not named")
    if str(header["records"]) != str(rows):
        raise Refusal(f"the file is half-written: its header announces {header['records']} rows and it holds {rows}")
    names = column_names([str(column["name"]) for column in columns])
    return names, [name for name, column in zip(names, columns, strict=True) if column.get("dataType") in _NUMERIC]


def _columns(
    names: list[str], rows: list[Any], first: int, *, has_surrogates: bool
) -> tuple["pl.DataFrame", list[BadRow]]:
    """Turn rows into text columns; what is not a row of that many plain values comes apart."""
    import polars as pl

    good: list[list[str | None]] = []
    lines: list[int] = []
    bad: list[BadRow] = []
    for line, row in enumerate(rows, start=first):
        if fault := _fault(row, len(names)):
            content = row if isinstance(row, str) else json.dumps(row, ensure_ascii=True)
            bad.append(BadRow(line=line, column="", reason=fault, content=visible(mark_surrogates(content))))
            continue
        good.append(row)
        lines.append(line)
    by_name = zip(*good, strict=True) if good else [()] * len(names)
    columns = [
        pl.Series(name, _texts(values, has_surrogates), dtype=pl.String)
        for name, values in zip(names, by_name, strict=True)
    ]
    return pl.DataFrame([*columns, pl.Series(LINE, lines, dtype=pl.Int64)]), bad


def _fault(row: Any, width: int) -> str:
    if not isinstance(row, list):
        return "the row is not a JSON array"
    if len(row) != width:
        return f"the row has {len(row)} value{'s' * (len(row) != 1)} and the header {width} columns"
    if not {*map(type, row)} <= {str, bool, type(None)}:
        return "the row holds a value that is not text, number, true, false or null"
    return ""


def _texts(values: tuple[Any, ...], has_surrogates: bool) -> list[str | None]:
    """Write true and false as JSON does, and what no encoding can write as a mark."""
    texts = [str(value).lower() if isinstance(value, bool) else value for value in values]
    return [mark_surrogates(text) if text else text for text in texts] if has_surrogates else texts


def _stamps(header: dict[str, Any]) -> tuple[datetime | None, datetime | None, str]:
    """Return when the file was made, when its database was last modified, and what of the two cannot be read.

    A time without zone is read as UTC, whatever zone the exporter meant: it may be 14 hours off, which matters neither
    among times of one exporter nor to a silence of days. A day alone is its first moment. One that cannot be read is
    said and not used; it costs no row.
    """
    times: list[datetime | None] = []
    faults = []
    for entry in ("datasetJSONCreationDateTime", "dbLastModifiedDateTime"):
        text = str(header.get(entry) or "")
        try:
            time = datetime.fromisoformat(text) if text else None
            times.append(time and (time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)))
        except (ValueError, OverflowError):
            times.append(None)
            faults.append(f"{entry} {text[:40]!r} is not a date and time")
    return times[0], times[1], " and ".join(faults)
