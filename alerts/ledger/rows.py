"""How rows are added: ids given by the writer, many rows at a time.

The store lets one writer in at a time, so the next id is one more than the last.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Table, func, inspect, select
from sqlmodel import Session, SQLModel

CHUNK = 500
"""How many values go into one `IN (...)`, and how many rows into one insert."""

Item = TypeVar("Item")


def next_id(session: Session, model: type[SQLModel]) -> int:
    """Return the id that the next row of a table gets."""
    return int(session.execute(select(func.coalesce(func.max(table_of(model).c.id), 0) + 1)).scalar_one())


def add_rows(session: Session, model: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows given as column values; every row names every column that has no default in the database."""
    table = table_of(model)
    for chunk in chunks(rows):
        session.connection().execute(table.insert(), list(chunk))


def table_of(model: type[SQLModel]) -> Table:
    """Return the table behind a model, for statements over many rows."""
    table = inspect(model).local_table
    assert isinstance(table, Table)
    return table


def chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Cut a sequence into pieces that fit one statement."""
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]
