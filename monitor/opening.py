"""Opening the database: made if it is not there yet, refused in a sentence if it is not fit, swept by one alone."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import inspect, make_url

from alerts.store import Store, StoreError

_SQLITE = "sqlite:///"


def sqlite_file(url: str) -> Path | None:
    """Return the file of a SQLite database; None for any other."""
    return Path(url.removeprefix(_SQLITE)) if url.startswith(_SQLITE) else None


@contextmanager
def open_store(url: str, *, create: bool = False) -> Iterator[Store]:
    """Open a database whose schema is the newest; with `create` an empty one is given its schema first.

    Raises StoreError, in one sentence, for anything else: an old schema is upgraded by a person, never in passing.
    """
    file = sqlite_file(url)
    if file and not file.exists():
        if not create:
            raise StoreError(f"database {shown(url)}: is not there yet; 'vigil run' or 'vigil db upgrade' makes it")
        file.parent.mkdir(parents=True, exist_ok=True)
    store = Store(url)
    try:
        if create and _is_empty(store):
            store.upgrade()
        if faults := store.faults():
            raise StoreError(f"database {shown(url)}: {'; '.join(faults)}")
        yield store
    finally:
        store.close()


def _is_empty(store: Store) -> bool:
    """Whether the database holds no table at all."""
    with store.read() as session:
        return not inspect(session.connection()).get_table_names()


def shown(url: str) -> str:
    """Return a database URL as it may be printed: without a password and without options, one of which may be one."""
    parsed = make_url(url)
    return parsed.set(query={}).render_as_string(hide_password=True)


@contextmanager
def alone(url: str) -> Iterator[None]:
    """Hold a SQLite database against a second process that would sweep it; raise StoreError if one is at work.

    The lock goes with the process, however it ends. PostgreSQL orders writers itself and needs none.
    """
    file = sqlite_file(url)
    if file is None:
        yield
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with Path(f"{file}.lock").open("a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise StoreError(f"database {shown(url)}: another vigil works on it (process {holder})") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
