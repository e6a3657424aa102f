"""Reads CSV. It knows quotes, line ends and encodings; it must not know domains or keys.

A row that does not split into the header's columns is named with its line, and the rest goes on. A stray quote would
swallow the rows after it: a row of several lines is trusted only where no line of it is a row of its own.
"""

import csv
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Literal

from monitor.sources.table import LINE, BadRow, Refusal, Table, column_names, decode, tidy, visible

if TYPE_CHECKING:
    import polars as pl
    from pyarrow.csv import InvalidRow

csv.field_size_limit(sys.maxsize)  # a narrative may be longer than the standard reader's 128 kB

_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(r"\r\n|\n|\r")
_FIRST_BODY_LINE = 2


@dataclass(frozen=True, slots=True)
class _Split:
    """A row of the wrong width, as the columnar reader met it: its 1-based place among the rows, and its text."""

    place: int
    text: str


def read_csv(data: bytes, encoding: str) -> Table:
    """Read a CSV file's bytes, every column as text; raise Refusal where the file as a whole cannot be used."""
    text = decode(data[len(_BOM) :], "utf-8") if data.startswith(_BOM) else decode(data, encoding)
    end = _LINE_END.search(text)
    if end is None:
        raise Refusal("the file is half-written: it ends within its first line")
    names = column_names(next(csv.reader([text[: end.start()]]), []))
    if len(names) < 2:
        raise Refusal("the file is neither comma-separated text with a header nor any other format that is read")
    body = text[end.end() :]
    lines = _LINE_END.split(body)
    rows, splits = _parse(body, names)
    frame, bad = _settle(rows, splits, lines, len(names))
    line_end = not lines[-1].strip()
    if not line_end and _is_broken(lines, frame, bad, len(names)):
        raise Refusal("the file is half-written: its last line is broken off")
    return Table(frame=tidy(frame), bad=tuple(bad), line_end=line_end)


def _is_broken(lines: Sequence[str], frame: "pl.DataFrame", bad: Sequence[BadRow], width: int) -> bool:
    """Whether the last line, which no line end closes, is not a whole row."""
    last = len(lines) - 1 + _FIRST_BODY_LINE
    if any(row.line == last for row in bad):
        return True
    return frame.height > 0 and frame[LINE].max() == last and len(_fields(lines[-1:])) != width


def _parse(body: str, names: Sequence[str]) -> tuple["pl.DataFrame", list[_Split]]:
    """Split the rows into text columns; rows of the wrong width come apart from them. An empty line is an empty row."""
    import polars as pl
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    data = body.encode()
    splits: list[_Split] = []
    if not data:
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String)), splits

    def note(row: "InvalidRow") -> Literal["skip"]:
        splits.append(_Split(row.number or 0, row.text))
        return "skip"

    try:
        table = arrow_csv.read_csv(
            BytesIO(data),
            # one block, in one thread: only then are rows numbered, and a long text cannot straddle two blocks
            read_options=arrow_csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=list(names)),
            parse_options=arrow_csv.ParseOptions(
                newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=note
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        raise Refusal("the file cannot be read as CSV") from None  # the library's own words quote data
    return pl.DataFrame(table), splits


def _settle(
    frame: "pl.DataFrame", splits: Sequence[_Split], lines: Sequence[str], width: int
) -> tuple["pl.DataFrame", list[BadRow]]:
    """Give every row its line, drop empty lines, and take apart rows of several lines that are not to be trusted."""
    import polars as pl

    names = frame.columns
    frame, stretches = _place(frame, splits)
    doubtful = frame.filter((pl.col("_span") > 1) | pl.all_horizontal(pl.col(names) == ""))
    untrusted = [
        (line, span)
        for line, span in doubtful.select(LINE, "_span").iter_rows()
        if not _is_row(lines[line - _FIRST_BODY_LINE : line - _FIRST_BODY_LINE + span], width)
    ]
    frame = frame.filter(~pl.col(LINE).is_in([line for line, _ in untrusted])).drop("_span")
    found: list[tuple[str | int, ...]] = []
    bad: list[BadRow] = []
    for first, span in sorted(stretches + untrusted):
        for line in range(first, first + span):
            text = lines[line - _FIRST_BODY_LINE]
            fields = _fields([text])
            if len(fields) == width and text.count('"') % 2 == 0:
                found.append((*fields, line))
            elif text.strip():
                bad.append(BadRow(line=line, column="", reason=_fault(text, width), content=visible(text)))
    if found:
        frame = pl.concat([frame, pl.DataFrame(found, schema=frame.schema, orient="row")]).sort(LINE)
    return frame, bad


def _place(frame: "pl.DataFrame", splits: Sequence[_Split]) -> tuple["pl.DataFrame", list[tuple[int, int]]]:
    """Say on which line each row begins and how many it takes: of good ones in columns, of the others in pairs."""
    import polars as pl

    taken = {split.place: len(_LINE_END.split(split.text)) for split in splits}
    good = [place for place in range(1, frame.height + len(splits) + 1) if place not in taken]
    spans = frame.select(_span=pl.sum_horizontal(pl.all().str.count_matches(_LINE_END.pattern)).cast(pl.Int64) + 1)
    rows = pl.concat(
        [
            spans.with_columns(pl.Series("place", good, dtype=pl.Int64), split=False),
            pl.DataFrame(
                {"_span": list(taken.values()), "place": list(taken)}, schema={"_span": pl.Int64, "place": pl.Int64}
            ).with_columns(split=True),
        ]
    ).sort("place")
    rows = rows.with_columns((pl.col("_span").cum_sum() - pl.col("_span") + _FIRST_BODY_LINE).alias(LINE))
    stretches = rows.filter(pl.col("split")).select(LINE, "_span").rows()
    return frame.hstack(rows.filter(~pl.col("split")).select(LINE, "_span")), [(line, span) for line, span in stretches]


def _is_row(lines: Sequence[str], width: int) -> bool:
    """Whether lines are one row with quoted line ends, and not several of which a stray quote has made one."""
    return len(_fields(lines)) == width and not any(len(_fields([line])) == width for line in lines[1:])


def _fields(lines: Sequence[str]) -> list[str]:
    """Split lines that should be one row; nothing where its quotes do not close or more than one row is found."""
    try:
        rows = list(csv.reader((f"{line}\n" for line in lines), strict=True))
    except csv.Error:
        return []
    return rows[0] if len(rows) == 1 else []


def _fault(text: str, width: int) -> str:
    """Say what is wrong with a line that is not a row."""
    fields = _fields([text])
    if len(fields) in {0, width}:
        return "a quote in the row is not closed or stands in the wrong place"
    return f"the row has {len(fields)} field{'s' * (len(fields) != 1)} and the header {width}"
