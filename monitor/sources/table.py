"""A file's rows as text columns, whatever its format: names checked, blanks trimmed, numbers in one spelling.

It knows what the formats have in common and must not know any of them, nor domains, studies or keys.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

LINE = "_line"
"""The column that says where a row stood: its 1-based line, or row in a format without lines."""

MARK = "\uffff"
"""Stands before a byte that could not be decoded: a noncharacter, so no text holds it by right."""

_FIFTEEN = Context(prec=15, traps=[])
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_NUMERIC = re.compile(
    r"[A-Z]{2}(SEQ|STRESN|STNRLO|STNRHI|DY|STDY|ENDY|DOSE|DOSTOT|PSTRG|VAMT|TPTNUM|LLOQ|ULOQ|REPNUM"
    r"|LLTCD|PTCD|HLTCD|HLGTCD|BDSYCD|SOCCD)|VISITNUM|VISITDY|AGE|TAETORD"
)
_SURROGATE = re.compile("[\ud800-\udfff]")


class Refusal(Exception):
    """A file that is refused whole; the message is one sentence for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A row that cannot be taken; `content` is the row as it stood."""

    line: int
    column: str
    reason: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """All rows of one file: those that could be split into columns, and those that could not."""

    frame: "pl.DataFrame"  # text columns under upper-case names, and LINE
    bad: tuple[BadRow, ...] = ()
    stamped_at: datetime | None = None  # the export's own time, where the format carries one; naive ones read as UTC
    database_at: datetime | None = None  # when the database behind it was last modified, read likewise
    stamp_fault: str = ""  # why a time that the file gives cannot be used, in one sentence
    line_end: bool | None = None  # whether a line end closes the last line; None in a format that shows a cut by itself


def canonical_number(text: str) -> str:
    """Spell a number in one way: 15 significant digits, plain where that is short; other text comes back as it is."""
    if _NUMBER.fullmatch(text) is None:
        return text
    number = _FIFTEEN.create_decimal(text).normalize(_FIFTEEN)
    if not number.is_finite():
        return text
    return _spell(number)


def _spell(number: Decimal) -> str:
    if not number:
        return "0"
    return format(number, "f") if -20 <= number.adjusted() <= 20 else str(number)


def decode(data: bytes, encoding: str) -> str:
    """Decode bytes; one that cannot be is written as MARK and its hexadecimal value, so that only its row is lost."""
    text = data.decode(encoding, errors="surrogateescape")
    return text if text.isascii() else mark_surrogates(text)


def mark_surrogates(text: str) -> str:
    r"""Replace surrogates, which no encoding can write, by MARK and their value, such as \xff or \ud800."""
    return _SURROGATE.sub(_marked, text)


def _marked(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"{MARK}\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"{MARK}\\u{code:04x}"


def visible(text: str) -> str:
    """Return text as it can be stored and printed: marks dropped before the byte they stand for, NUL spelled out."""
    return text.replace(MARK, "").replace("\x00", "\\x00")


def column_names(names: Sequence[str]) -> list[str]:
    """Return variable names in upper case; raise Refusal where two are the same or one is none."""
    upper = [name.strip().upper() for name in names]
    if not all(name and name.isprintable() for name in upper):
        raise Refusal("the header holds a column without a usable name")
    if len(set(upper)) < len(upper):
        raise Refusal("two columns of the header have the same name")
    return upper


def tidy(frame: "pl.DataFrame", numeric: Iterable[str] = ()) -> "pl.DataFrame":
    """Trim trailing blanks, make empty text null, and spell numbers in one way.

    `numeric` are the columns that the file declares as numbers, beside those that SDTM does.
    """
    import polars as pl

    variables = [name for name in frame.columns if name != LINE]
    trimmed = [pl.col(name).str.strip_chars_end() for name in variables]
    frame = frame.with_columns(trimmed).with_columns(
        pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in variables
    )
    numbers = {name for name in variables if _NUMERIC.fullmatch(name)} | set(numeric)
    return frame.with_columns(respell(frame[name]) for name in sorted(numbers))


def respell(column: "pl.Series") -> "pl.Series":
    """Spell the numbers of a text column in one way, each distinct one once."""
    texts = column.drop_nulls().unique().to_list()
    spelled = [canonical_number(text) for text in texts]
    changed = {old: new for old, new in zip(texts, spelled, strict=True) if old != new}
    return column.replace(changed) if changed else column
