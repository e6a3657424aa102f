"""Triggers by which the database itself refuses to change what was written.

Migrations create them and the store checks them. What a function here returns never changes once a migration has used
it: a new guard is a new function. They stop mistakes and make tampering visible; an owner of the database can drop
them, which is why the ledger is also hash-chained.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, text

_POSTGRESQL_FUNCTIONS = (
    """
    CREATE FUNCTION vigil_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP;
    END $$
    """,
    """
    CREATE FUNCTION vigil_chain_in_order() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM chain WHERE study = NEW.study) THEN
        RAISE EXCEPTION 'chain: seq % does not follow the last one of its study', NEW.seq;
      END IF;
      RETURN NEW;
    END $$
    """,
)


def guard_statements(dialect: str, tables: Iterable[str]) -> list[str]:
    """Return the DDL that makes tables append-only on a dialect ("sqlite" or "postgresql")."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only: {verb} refused'); END"
            for table in tables
            for verb in ("UPDATE", "DELETE")
        ]
    return [
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        f"FOR EACH {'STATEMENT' if verb == 'TRUNCATE' else 'ROW'} EXECUTE FUNCTION vigil_append_only()"
        for table in tables
        for verb in ("UPDATE", "DELETE", "TRUNCATE")
    ]


def function_statements(dialect: str) -> list[str]:
    """Return the DDL that guards need first."""
    return list(_POSTGRESQL_FUNCTIONS) if dialect == "postgresql" else []


def chain_statement(dialect: str) -> str:
    """Return the DDL that lets a chain grow by its next number only, so that no link can be replaced or slipped in."""
    if dialect == "sqlite":
        return (
            "CREATE TRIGGER chain_in_order BEFORE INSERT ON chain "
            "WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM chain WHERE study = NEW.study) "
            "BEGIN SELECT RAISE(ABORT, 'chain: seq does not follow the last one of its study'); END"
        )
    return "CREATE TRIGGER chain_in_order BEFORE INSERT ON chain FOR EACH ROW EXECUTE FUNCTION vigil_chain_in_order()"


def missing_guards(connection: Connection, tables: Iterable[str]) -> list[str]:
    """Return the names of guards that are not there, altered or switched off."""
    dialect = connection.dialect.name
    wanted = {statement.split()[2]: statement for statement in guard_statements(dialect, tables)}
    wanted["chain_in_order"] = chain_statement(dialect)
    if dialect == "sqlite":
        rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
        found = {row.name: row.sql for row in rows}
        return [name for name, statement in wanted.items() if found.get(name) != statement]
    enabled = text("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')")
    present = set(connection.scalars(enabled))
    return [name for name in wanted if name not in present]
