"""Occurrence numbers: rows that share a key are told apart as `KEY`, `KEY#2`, `KEY#3`...

A row whose content stands keeps its number in whatever order a file lists it. Pure: columns in, a column out.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

_NUMBERED = re.compile(r"(?s)(.*)#(\d+)")


def record_keys(frame: "pl.DataFrame", standing: "pl.DataFrame") -> "pl.Series":
    """Return the record key of each row: its key, numbered where several rows share it or once did."""
    import polars as pl

    keys = frame["_key"]
    shared = set(keys.filter(keys.is_duplicated() | keys.str.contains(r"#\d+$")))
    numbered = standing.filter(pl.col("record_key").str.contains(r"#\d+$"))
    shared |= {_split(key)[0] for key in numbered["record_key"]}
    if not shared:
        return keys.alias("_record_key")
    held: dict[str, dict[int, tuple[str, bool]]] = {key: {} for key in shared}
    for key, content, change in standing.select("record_key", "hash", "change").iter_rows():
        base, number = _split(key)
        if base in held:
            held[base][number] = (content, change != "withdrawn")
    rows: dict[str, list[tuple[int, str]]] = {}
    for place, (key, content) in enumerate(frame.select("_key", "_hash").iter_rows()):
        if key in held:
            rows.setdefault(key, []).append((place, content))
    names = keys.to_list()
    for key, tied in rows.items():
        for (place, _), number in zip(tied, numbers_for([content for _, content in tied], held[key]), strict=True):
            names[place] = _join(key, number)
    return pl.Series("_record_key", names, dtype=pl.String)


def numbers_for(contents: list[str], held: dict[int, tuple[str, bool]]) -> list[int]:
    """Give each of the rows that share a key its number, given what stands or stood under the numbers.

    A row whose content is known keeps that number, current ones first; the others take the numbers of current rows
    that are not there any more, then the lowest free ones.
    """
    free = sorted(held, key=lambda number: (not held[number][1], number))
    given: dict[int, int] = {}
    for place, content in enumerate(contents):
        known = next((number for number in free if held[number][0] == content), None)
        if known is not None:
            free.remove(known)
            given[place] = known
    left = iter(_free_numbers([number for number in free if held[number][1]], set(given.values())))
    return [given[place] if place in given else next(left) for place in range(len(contents))]


def _free_numbers(vacated: list[int], taken: set[int]) -> Iterator[int]:
    """Yield the numbers that current rows have left, then the lowest ones that are not taken."""
    yield from vacated
    number = 0
    while True:
        number += 1
        if number not in taken and number not in vacated:
            yield number


def _split(record_key: str) -> tuple[str, int]:
    """Return the key and the occurrence number of a record key."""
    match = _NUMBERED.fullmatch(record_key)
    return (match[1], int(match[2])) if match else (record_key, 1)


def _join(key: str, number: int) -> str:
    """Return the record key of an occurrence; the first has no number, unless the key itself ends like one."""
    return key if number == 1 and _NUMBERED.fullmatch(key) is None else f"{key}#{number}"
