"""Opening the database: made if it is not there yet, refused in a sentence if it is not fit, swept by one alone."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import inspect

from alerts.store import Store, StoreError

SQLITE = "sqlite:///"


@contextmanager
def open_store(url: str, *, create: bool = False) -> Iterator[Store]:
    """Open a database whose schema is the newest; with `create` an empty one is given its schema first.

    Raises StoreError, in one sentence, for anything else: an old schema is upgraded by a person, never in passing.
    """
    if url.startswith(SQLITE) and not Path(url.removeprefix(SQLITE)).exists():
        if not create:
            raise StoreError(f"database {url}: is not there yet; 'vigil run' or 'vigil db upgrade' makes it")
        Path(url.removeprefix(SQLITE)).parent.mkdir(parents=True, exist_ok=True)
    store = Store(url)
    try:
        if create and _is_empty(store):
            store.upgrade()
        if faults := store.faults():
            raise StoreError(f"database {url}: {'; '.join(faults)}")
        yield store
    finally:
        store.close()


def _is_empty(store: Store) -> bool:
    """Whether the database holds no table at all."""
    with store.read() as session:
        return not inspect(session.connection()).get_table_names()


@contextmanager
def alone(url: str) -> Iterator[None]:
    """Hold a SQLite database against a second process that would sweep it; raise StoreError if one is at work.

    The lock goes with the process, however it ends. PostgreSQL orders writers itself and needs none.
    """
    if not url.startswith(SQLITE):
        yield
        return
    place = Path(url.removeprefix(SQLITE) + ".lock")
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise StoreError(f"database {url}: another vigil works on it (process {holder})") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
