"""The store: its schema, its guards, and transactions that several threads may use, on SQLite and PostgreSQL."""

import os
import shutil
import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlmodel import SQLModel, select

from alerts import store as store_module
from alerts.ledger.rows import table_of
from alerts.store import Store, StoreError
from alerts.tables import APPEND_ONLY, Chain, Rulebook
from monitor.opening import shown

NOW = datetime(2024, 3, 4, 6, tzinfo=UTC)


def rulebook(sha256: str = "a", at: datetime = NOW) -> Rulebook:
    return Rulebook(study="S", sha256=sha256, name="n", version="1", ctcae="5.0", text="", in_force_from=at)


def link(seq: int) -> Chain:
    return Chain(study="S", seq=seq, entry="decision", entry_id=seq, prev_hash="", hash="")


def is_sqlite(store: Store) -> bool:
    return "SQLite" in store.describe()


def test_migrations_make_exactly_the_tables(store: Store) -> None:
    with store.read() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_a_checked_column_of_the_tables_is_checked_by_the_database(store: Store) -> None:
    checks = {check.name for table in SQLModel.metadata.tables.values() for check in table.constraints if check.name}
    with store.read() as session:
        if is_sqlite(store):
            found = " ".join(session.scalars(text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")))
        else:
            found = " ".join(session.scalars(text("SELECT conname FROM pg_constraint")))
    assert {name for name in checks if name not in found} == set()


def test_a_fresh_database_says_what_it_needs(tmp_path: Path) -> None:
    empty = Store(f"sqlite:///{tmp_path / 'new.db'}")
    assert empty.faults() == ["the database has no schema yet: run `vigil db upgrade`"]
    empty.upgrade()
    empty.upgrade()
    assert empty.faults() == []
    empty.close()


def test_a_store_says_how_it_keeps_what_it_was_given(store: Store) -> None:
    assert store.describe().startswith(("SQLite 3.", "PostgreSQL "))
    assert "OFF" not in store.describe().upper()


def test_an_old_sqlite_is_used_without_write_ahead_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Old:
        sqlite_version_info = (3, 40, 1)

    assert "journal_mode=DELETE" in store_module._durability(Old)
    Old.sqlite_version_info = (3, 51, 3)
    assert "journal_mode=WAL" in store_module._durability(Old)
    monkeypatch.setattr(store_module, "_sqlite_module", lambda: sqlite3.dbapi2)
    plain = Store(f"sqlite:///{tmp_path / 'plain.db'}")
    plain.upgrade()
    fixed = sqlite3.sqlite_version_info > (3, 51, 2)
    assert ("WAL" if fixed else "journal_mode=DELETE, synchronous=EXTRA") in plain.describe()
    assert plain.faults() == []
    plain.close()


@pytest.mark.parametrize("module", [None, sqlite3.dbapi2], ids=["as installed", "plain"])
def test_a_new_sqlite_file_is_its_owners_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: ModuleType | None
) -> None:
    if module is not None:
        monkeypatch.setattr(store_module, "_sqlite_module", lambda: module)
    before = os.umask(0o022)
    try:
        new = Store(f"sqlite:///{tmp_path / 'new.db'}")
        new.upgrade()
        with new.write() as session:
            session.add(rulebook())
            session.flush()
            files = {path.name: oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()}
        new.close()
    finally:
        os.umask(before)
    assert len(files) > 1  # the log, or the journal, beside the database
    assert set(files.values()) == {"0o600"}, files


def test_the_mode_of_an_existing_file_is_left_to_its_owner(sqlite_template: Path, tmp_path: Path) -> None:
    shutil.copy(sqlite_template, tmp_path / "vigil.db")
    (tmp_path / "vigil.db").chmod(0o640)
    opened = Store(f"sqlite:///{tmp_path / 'vigil.db'}")
    assert opened.faults() == []
    opened.close()
    assert (tmp_path / "vigil.db").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("sqlite://", "must be a plain file"),
        ("sqlite:///:memory:", "must be a plain file"),
        ("mysql://host/db", "mysql is not supported"),
        ("vigil.db", "the database URL cannot be read"),
    ],
)
def test_a_url_without_a_lasting_database_is_refused(url: str, sentence: str) -> None:
    with pytest.raises(StoreError, match=sentence):
        Store(url)


def test_a_refused_url_is_not_repeated_since_it_may_hold_a_password() -> None:
    with pytest.raises(StoreError) as refusal:
        Store("postgresql//user:secret@host/db")
    assert "secret" not in str(refusal.value)


# ------------------------------------------------------------------------------------------------ append-only


def any_row(model: type[SQLModel]) -> dict[str, object]:
    """A row that the table's checks allow."""
    allowed = {"status": "done", "state": "read", "change": "new", "entry": "decision", "outcome": "accepted", "seq": 1}
    by_type = {int: 0, float: 0.0, bool: True, str: "x", bytes: b"x", datetime: NOW}
    plain = {c.name: getattr(c.type, "impl_instance", c.type) for c in inspect(model).local_table.columns}
    return {name: allowed[name] if name in allowed else by_type[kind.python_type] for name, kind in plain.items()}


@pytest.mark.parametrize("model", APPEND_ONLY, ids=lambda model: model.__tablename__)
def test_no_written_row_can_be_changed_or_taken_away(store: Store, model: type[SQLModel]) -> None:
    table = inspect(model).local_table
    written = any_row(model)
    with store.write() as session:
        session.execute(table.insert(), [written])
    acts = [table.update().values({table.columns[0].name: written[table.columns[0].name]}), table.delete()]
    if not is_sqlite(store):
        acts.append(text(f"TRUNCATE {table.name}"))
    for act in acts:
        with pytest.raises(DBAPIError, match=f"{table.name} is append-only"), store.write() as session:
            session.execute(act)
    with store.read() as session:
        assert len(session.execute(table.select()).all()) == 1


def test_a_row_cannot_be_replaced(store: Store) -> None:
    with store.write() as session:
        session.add(rulebook())
    columns = "rulebook (study, sha256, name, version, ctcae, text, in_force_from)"
    values = "VALUES ('S', 'a', 'other', '1', '5.0', '', '2024-03-04 06:00:00')"
    statement = (
        f"INSERT OR REPLACE INTO {columns} {values}"
        if is_sqlite(store)
        else f"INSERT INTO {columns} {values} ON CONFLICT (study, sha256) DO UPDATE SET name = 'other'"
    )
    with pytest.raises(DBAPIError, match="append-only"), store.write() as session:
        session.execute(text(statement))


def test_a_chain_grows_by_its_next_number_only(store: Store) -> None:
    with store.write() as session:
        session.add_all([link(1), link(2)])
    for seq in (0, 2, 4):
        with pytest.raises(DBAPIError, match="does not follow"), store.write() as session:
            session.add(Chain(study="S", seq=seq, entry="decision", entry_id=9, prev_hash="", hash=""))


def test_a_missing_or_hollow_guard_is_noticed(store: Store) -> None:
    on = "" if is_sqlite(store) else " ON decision"
    with store.write() as session:
        session.execute(text(f"DROP TRIGGER decision_no_update{on}"))
        if is_sqlite(store):
            session.execute(text("DROP TRIGGER decision_no_delete"))
            session.execute(text("CREATE TRIGGER decision_no_delete BEFORE DELETE ON decision BEGIN SELECT 1; END"))
        else:
            session.execute(text("ALTER TABLE decision DISABLE TRIGGER decision_no_delete"))
    assert store.faults() == [
        "the guard decision_no_update is missing or switched off",
        "the guard decision_no_delete is missing or switched off",
    ]


# ------------------------------------------------------------------------------------------------ values


def test_a_naive_moment_is_refused(store: Store) -> None:
    with pytest.raises(StatementError, match="naive datetime"), store.write() as session:
        session.add(rulebook(at=datetime(2024, 3, 4, 6)))


def test_a_moment_comes_back_in_utc_to_the_microsecond(store: Store) -> None:
    from zoneinfo import ZoneInfo

    local = datetime(2024, 3, 4, 14, 0, 0, 123456, tzinfo=ZoneInfo("Asia/Shanghai"))
    with store.write() as session:
        session.add(rulebook(at=local))
    with store.read() as session:
        found = session.exec(select(Rulebook.in_force_from)).one()
    assert found == local
    assert found.tzinfo is UTC


# ------------------------------------------------------------------------------------------------ transactions


def test_what_is_not_kept_leaves_nothing(store: Store) -> None:
    with store.write(keep=False) as session:
        session.add(rulebook())
        session.flush()
    with pytest.raises(RuntimeError), store.write() as session:
        session.add(rulebook())
        session.flush()
        raise RuntimeError
    with store.read() as session:
        assert session.exec(select(Rulebook)).all() == []


def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(DBAPIError, match=r"readonly|read-only"), store.read() as session:
        session.add(rulebook())
        session.commit()


def test_a_reader_sees_one_moment_while_a_writer_commits(store: Store) -> None:
    with store.read() as session:
        before = session.exec(select(Rulebook)).all()
        with store.write() as other:
            other.add(rulebook())
        assert session.exec(select(Rulebook)).all() == before == []


def test_writers_of_several_threads_come_one_after_the_other(store: Store) -> None:
    def count_up() -> None:
        for _ in range(5):
            with store.write() as session:
                number = len(session.exec(select(Rulebook.sha256)).all())
                session.add(rulebook(f"{number:03}"))

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as session:
        assert sorted(session.exec(select(Rulebook.sha256))) == [f"{n:03}" for n in range(20)]


def test_a_failed_statement_quotes_no_values(store: Store) -> None:
    row = {"study": "S", "sha256": "PLACEBO", "name": "n", "version": "1", "ctcae": "5.0", "text": "t"}
    with pytest.raises(IntegrityError) as caught, store.write() as session:
        session.connection().execute(table_of(Rulebook).insert(), {**row, "in_force_from": None})
    assert "PLACEBO" not in str(caught.value).splitlines()[0]
    assert "[parameters:" not in str(caught.value)
    assert "hide_parameters" in str(caught.value)


@pytest.mark.parametrize(
    ("url", "printed"),
    [
        ("sqlite:////var/lib/vigil.db", "sqlite:////var/lib/vigil.db"),
        ("postgresql://vigil@db/vigil", "postgresql://vigil@db/vigil"),
        ("postgresql://vigil:secret@db/vigil", "postgresql://vigil:***@db/vigil"),
        ("postgresql://vigil@db/vigil?password=secret&sslmode=require", "postgresql://vigil@db/vigil"),
    ],
)
def test_a_url_is_printed_without_its_password(url: str, printed: str) -> None:
    assert shown(url) == printed
