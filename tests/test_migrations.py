"""Migrations of a ledger that holds rows: what was written, and every hash of it, stays as it is."""

from sqlalchemy import text
from sqlmodel import select

from alerts.ledger import verify_chain
from alerts.ledger.chain import GENESIS, link_hash
from alerts.store import Store
from alerts.tables import Chain, Decision
from rules.hit import Answer, Judgement, Urgency
from tests.looks import STUDY, Ledger, ae, look

SINCE_0001 = {
    "decision": ("circumstances", "recovery", "extent", "submitted_on"),
    "alert": ("recovery", "extent"),
    "source_file": ("line_end", "database_at", "stamp_fault", "columns"),
    "sweep": ("set_back_from",),
}


def hit(usubjid: str) -> Judgement:
    return Judgement(
        rule_id="SAE-01",
        usubjid=usubjid,
        scope="E1",
        anchors=frozenset({"E1"}),
        answer=Answer.HIT,
        summary="Serious adverse event",
        reason="AESER is Y",
        urgency=Urgency.IMMEDIATE,
    )


def as_of_0001(store: Store) -> None:
    """Take back what the later migrations add."""
    with store.write() as session:
        session.execute(text("DROP INDEX ix_sweep_set_back"))
        for table, columns in SINCE_0001.items():
            for column in columns:
                session.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}"))
        session.execute(text("UPDATE alembic_version SET version_num = '0001'"))


def test_a_ledger_of_the_first_schema_is_upgraded_with_its_chain_and_guards_as_they_were(store: Store) -> None:
    desk = Ledger(store)
    desk.sweep(look([ae("01", "Pneumonia"), ae("02", "Syncope")]), [hit("01"), hit("02")])
    as_of_0001(store)
    assert store.faults() == ["the schema is at version 0001 and this program needs 0008: run `vigil db upgrade`"]
    with store.read() as session:
        old = dict(session.execute(text("SELECT * FROM decision WHERE id = 1")).one()._mapping)
        hashes = session.exec(select(Chain.hash).order_by(Chain.seq)).all()
    store.upgrade()
    assert store.faults() == []
    with store.read() as session:
        assert verify_chain(session, STUDY) == []
        assert session.exec(select(Chain.hash).order_by(Chain.seq)).all() == hashes
        row = session.get_one(Decision, 1).model_dump()
    assert (row["circumstances"], row["recovery"], row["extent"], row["submitted_on"]) == (None,) * 4
    assert set(row) - set(old) == set(SINCE_0001["decision"])
    assert link_hash(GENESIS, {name: value for name, value in row.items() if name in old}) == hashes[0]
