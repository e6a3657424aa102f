"""Where everything is kept: one SQL database behind a URL, SQLite by default, PostgreSQL when outgrown.

It knows connections, transactions, durability and the guards that make tables append-only. It must not know what the
rows mean. On either database there is one writer at a time and readers see one consistent moment, so the writer may
give ids itself and a sweep, a delivery and a web page never see half of each other.
"""

import importlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError
from sqlmodel import Session

from alerts.migrations.guards import missing_guards
from alerts.tables import APPEND_ONLY

if TYPE_CHECKING:
    from alembic.config import Config

WAIT_SECONDS = 120
"""How long a writer waits for another before it fails: longer than a first sweep of a large study."""

WRITER_LOCK = 0x7669_6769_6C  # "vigil": PostgreSQL's number of the one-writer lock


class StoreError(Exception):
    """A database that cannot be used; the message is one sentence."""


class Store:
    """One database. Safe to use from several threads: every transaction has a connection of its own."""

    def __init__(self, url: str) -> None:
        """Connect nothing yet; raise StoreError for a URL that no store can stand behind."""
        self._url = _usable(url)
        self._sqlite = _sqlite_module() if self._url.get_backend_name() == "sqlite" else None
        self._writes = self._engine(read_only=False)
        self._reads = self._engine(read_only=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a read-only transaction that sees the database as of one moment."""
        with Session(self._reads) as session:
            yield session

    @contextmanager
    def write(self, keep: bool = True) -> Iterator[Session]:
        """Open the one write transaction: committed at exit, rolled back on an exception or with `keep=False`."""
        with Session(self._writes, expire_on_commit=False) as session:
            session.connection()  # takes the writer's place before anything is read
            yield session
            if keep:
                session.commit()

    def upgrade(self) -> None:
        """Bring the schema to the newest version; do nothing if it is there."""
        from alembic import command  # heavy, and needed once per start

        with self._writes.begin() as connection:
            command.upgrade(_migrations(connection), "head")

    def faults(self) -> list[str]:
        """Say in sentences what is wrong with schema and guards; empty when nothing is."""
        from alembic.runtime.migration import MigrationContext
        from alembic.script import ScriptDirectory

        with self._reads.begin() as connection:
            head = ScriptDirectory.from_config(_migrations(connection)).get_current_head()
            current = MigrationContext.configure(connection).get_current_revision()
            if current is None:
                return ["the database has no schema yet: run `vigil db upgrade`"]
            if current != head:
                return [f"the schema is at version {current} and this program needs {head}: run `vigil db upgrade`"]
            guards = missing_guards(connection, [table.__tablename__ for table in APPEND_ONLY])
            return [f"the guard {name} is missing or switched off" for name in guards]

    def describe(self) -> str:
        """Say which database this is, and how it is made to keep what it was given."""
        with self._reads.begin() as connection:
            if self._sqlite is None:
                version = connection.scalar(text("SHOW server_version"))
                durable = connection.scalar(text("SHOW synchronous_commit"))
                return f"PostgreSQL {version}, synchronous_commit={durable}"
            journal = connection.scalar(text("PRAGMA journal_mode"))
            level = {1: "NORMAL", 2: "FULL", 3: "EXTRA"}.get(connection.scalar(text("PRAGMA synchronous")) or 0, "OFF")
        version = self._sqlite.sqlite_version
        return f"SQLite {version} ({self._sqlite.__name__}), journal_mode={str(journal).upper()}, synchronous={level}"

    def close(self) -> None:
        """Give every connection back."""
        self._reads.dispose()
        self._writes.dispose()

    def _engine(self, *, read_only: bool) -> Engine:
        if self._sqlite is None:
            return _postgresql_engine(self._url, read_only=read_only)
        return _sqlite_engine(self._url, self._sqlite, read_only=read_only)


def _usable(url: str) -> URL:
    """Read a database URL; raise StoreError if it names no database that survives the process."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreError("the database URL cannot be read: use sqlite:///PATH or postgresql://...") from None
    backend = parsed.get_backend_name()
    if backend in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise StoreError(f"database {backend} is not supported: use sqlite:///PATH or postgresql://...")
    if not parsed.database or parsed.database == ":memory:" or parsed.query:
        raise StoreError("a SQLite database must be a plain file: use sqlite:///PATH")
    return parsed.set(drivername="sqlite")


def _sqlite_module() -> ModuleType:
    """Return the SQLite to use: pysqlite3's where it is installed, else Python's own."""
    try:
        return importlib.import_module("pysqlite3.dbapi2")
    except ImportError:
        return sqlite3.dbapi2


def _durability(module: ModuleType) -> tuple[str, ...]:
    """Return the pragmas that keep a commit through a power cut.

    SQLite 3.7.0 to 3.51.2 can corrupt a database in WAL mode when a log is reset, so those use the older journal.
    """
    if module.sqlite_version_info > (3, 51, 2):
        return ("journal_mode=WAL", "synchronous=FULL")
    return ("journal_mode=DELETE", "synchronous=EXTRA", "cache_spill=OFF")


def _sqlite_engine(url: URL, module: ModuleType, *, read_only: bool) -> Engine:
    """Return an engine whose transactions are begun by us: the driver would leave reads outside them."""
    engine = create_engine(url, module=module, connect_args={"timeout": WAIT_SECONDS}, hide_parameters=True)
    pragmas = (
        f"busy_timeout={WAIT_SECONDS * 1000}",
        *_durability(module),
        "foreign_keys=ON",
        "recursive_triggers=ON",  # or INSERT OR REPLACE would slip past the guards on DELETE
        *(("query_only=ON",) if read_only else ()),
    )

    @event.listens_for(engine, "do_connect")
    def make_private(*_arguments: object) -> None:
        _make_private(str(url.database))

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _make_private(path: str) -> None:
    """Make a SQLite file that is not there yet readable for its owner alone; its log and journal take after it.

    An existing one must not be opened here: closing it would drop the locks that this process holds on it.
    """
    with suppress(OSError):  # it is there, or SQLite will say what is in the way
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _postgresql_engine(url: URL, *, read_only: bool) -> Engine:
    """Return an engine of which reads see one snapshot and writes come one at a time, as on SQLite."""
    if read_only:
        engine = create_engine(url, isolation_level="REPEATABLE READ", pool_pre_ping=True, hide_parameters=True)
    else:
        engine = create_engine(url, isolation_level="READ COMMITTED", pool_pre_ping=True, hide_parameters=True)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if read_only:
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        else:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{WAIT_SECONDS}s'")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")

    return engine


def _migrations(connection: Connection) -> "Config":
    """Return Alembic's configuration for the migrations of this package, on an open connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "alerts:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
