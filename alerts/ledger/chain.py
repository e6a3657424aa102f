"""The hash chain: proof that no decision and no delivery outcome was edited, slipped in or taken away.

One chain per study, numbered without gaps. Each link hashes the link before it and the canonical JSON of its row, so
whoever kept one (number, hash) pair, in a mail for instance, can tell whether anything up to there was changed.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlmodel import Session, SQLModel, col, select

from alerts.ledger.rows import add_rows, chunks, table_of
from alerts.tables import Chain, Decision, DeliveryOutcome, Notification

Entry = Literal["decision", "outcome"]

GENESIS = "0" * 64
"""The hash before the first link."""


@dataclass(frozen=True, slots=True)
class Link:
    """The place of one row in its chain."""

    seq: int
    hash: str


def canonical(row: Mapping[str, Any]) -> str:
    """Return the one JSON text of a row: sorted keys, UTC times, and no key for what is null.

    A column added to a table later is null in older rows, and so leaves their hashes as they are.
    """
    present = {key: _plain(value) for key, value in row.items() if value is not None}
    return json.dumps(present, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _plain(value: object) -> object:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def link_hash(previous: str, row: Mapping[str, Any]) -> str:
    """Return the SHA-256, in hex, of a link: the hash before it, a line feed, the row's canonical JSON."""
    return hashlib.sha256(f"{previous}\n{canonical(row)}".encode()).hexdigest()


def extend_chain(
    session: Session, study: str, entry: Entry, rows: Sequence[tuple[int, Mapping[str, Any]]]
) -> list[Link]:
    """Add rows, given as (id, all columns), to the end of a study's chain ('' is the system's), in that order."""
    seq, previous = chain_head(session, study)
    links: list[Link] = []
    added: list[dict[str, Any]] = []
    for entry_id, row in rows:
        seq, before, previous = seq + 1, previous, link_hash(previous, row)
        links.append(Link(seq, previous))
        added.append(
            {"study": study, "seq": seq, "entry": entry, "entry_id": entry_id, "prev_hash": before, "hash": previous}
        )
    add_rows(session, Chain, added)
    return links


def chain_head(session: Session, study: str) -> tuple[int, str]:
    """Return the number and hash of a study's last link: 0 and GENESIS where there is none."""
    last = select(Chain.seq, Chain.hash).where(Chain.study == study).order_by(col(Chain.seq).desc()).limit(1)
    head = session.exec(last).first()
    return (head[0], head[1]) if head else (0, GENESIS)


def verify_chain(session: Session, study: str, anchor: tuple[int, str] | None = None) -> list[str]:
    """Say in sentences where a study's chain does not prove its rows; empty when it proves them all.

    `anchor` is a link's number and the head of its hash as somebody outside kept it; without one, links cut off the
    end together with their rows cannot be noticed.
    """
    faults: list[str] = []
    seq, previous = 0, GENESIS
    hashes: dict[int, str] = {}
    for link, row in _links(session, study):
        place = f"chain of study '{study}', link {link.seq} ({link.entry} {link.entry_id})"
        if link.seq != seq + 1:
            faults.append(f"{place}: links {seq + 1} to {link.seq - 1} are missing")
        elif link.prev_hash != previous:
            faults.append(f"{place}: does not continue the link before it")
        if row is None:
            faults.append(f"{place}: its row is missing")
        elif link_hash(link.prev_hash, row) != link.hash:
            faults.append(f"{place}: its row is not what was written")
        seq, previous = link.seq, link.hash
        if anchor and seq == anchor[0]:
            hashes[seq] = previous
    faults += _unchained(session, study)
    if anchor and anchor[0] not in hashes:
        faults.append(f"chain of study '{study}': ends at link {seq}, and link {anchor[0]} was written once")
    elif anchor and not hashes[anchor[0]].startswith(anchor[1]):
        faults.append(f"chain of study '{study}': link {anchor[0]} is not the one that was written once")
    return faults


def _links(session: Session, study: str) -> Iterator[tuple[Chain, dict[str, Any] | None]]:
    """Yield a study's links in order, each with its row's columns."""
    seqs = session.exec(select(Chain.seq).where(Chain.study == study).order_by(col(Chain.seq))).all()
    for piece in chunks(seqs):
        of_piece = select(Chain).where(Chain.study == study, col(Chain.seq).between(piece[0], piece[-1]))
        links = session.exec(of_piece.order_by(col(Chain.seq))).all()
        rows = {
            **_rows(session, "decision", Decision, links),
            **_rows(session, "outcome", DeliveryOutcome, links),
        }
        for link in links:
            yield link, rows.get((link.entry, link.entry_id))


def _rows(
    session: Session, entry: Entry, model: type[SQLModel], links: Sequence[Chain]
) -> dict[tuple[str, int], dict[str, Any]]:
    """Return the columns of the rows that links of one sort stand for."""
    table = table_of(model)
    (key,) = table.primary_key
    wanted = [link.entry_id for link in links if link.entry == entry]
    found = session.connection().execute(table.select().where(key.in_(wanted)))
    return {(entry, row._mapping[key]): dict(row._mapping) for row in found}


def _unchained(session: Session, study: str) -> list[str]:
    """Name decisions and outcomes of a study that no link proves."""
    links = select(Chain.entry_id)
    decisions = select(Decision.id).where(
        Decision.study == study, col(Decision.id).not_in(links.where(Chain.entry == "decision"))
    )
    outcomes = (
        select(DeliveryOutcome.attempt_id)
        .join(Notification, col(Notification.id) == col(DeliveryOutcome.notification_id))
        .where(Notification.study == study)
        .where(col(DeliveryOutcome.attempt_id).not_in(links.where(Chain.entry == "outcome")))
    )
    loose = [("decision", number) for number in session.exec(decisions)]
    loose += [("outcome", number) for number in session.exec(outcomes)]
    return [f"{entry} {number} of study '{study}' is in no chain" for entry, number in loose]
