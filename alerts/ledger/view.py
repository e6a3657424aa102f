"""What the rules are given: the current records of the participants to be judged, and the state of the feed."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from alerts.batch import Batch
from alerts.ledger.figures import FRESH
from alerts.ledger.files import HELD, last_read, refused_files, rejected_groups
from alerts.ledger.headers import headers
from alerts.ledger.holds import holds
from alerts.ledger.rows import table_of
from alerts.ledger.runs import participants
from alerts.ledger.set_back import decided_at, known_at, set_backs
from alerts.ledger.submissions import submissions
from alerts.ledger.sweeps import OpenSweep
from alerts.tables import Alert, RecordVersion, StandingAnswer, Sweep
from rules.hit import UNKNOWN_TESTS, Answer, concern_of
from rules.reading import read_record
from rules.records import DOMAINS, PLACES, AdverseEvent, Feed, Participant, Record, StudyView, Subject
from rules.silence import NEWS_DAYS

_VERSION = table_of(RecordVersion)
_NEWER = _VERSION.alias()

_AT_ONCE = 50
"""How many participants are read from the database at a time, which bounds memory."""


def study_view(session: Session, sweep: OpenSweep, batch: Batch, usubjids: Sequence[str]) -> StudyView:
    """Return the records that stand now of the given participants, and what is known of the source."""
    return StudyView(
        participants=tuple(_participants(session, sweep.study, usubjids, sweep.zone, sweep)),
        is_whole=sweep.is_full,
        feed=_feed(session, sweep, batch, frozenset(usubjids)),
    )


def standing_view(session: Session, study: str, zone: ZoneInfo, usubjids: Sequence[str] | None = None) -> StudyView:
    """Return the records that stand of participants, by default all, outside a sweep; of the feed what it brings."""
    everybody = participants(session, study)
    asked = everybody if usubjids is None else [usubjid for usubjid in usubjids if usubjid in everybody]
    return StudyView(
        participants=tuple(_participants(session, study, asked, zone)),
        is_whole=usubjids is None,
        feed=Feed(
            participants=len(everybody),
            domains=frozenset(domain for domain, _ in last_read(session, study)),
        ),
    )


def _participants(
    session: Session, study: str, usubjids: Sequence[str], zone: ZoneInfo, sweep: OpenSweep | None = None
) -> Iterator[Participant]:
    """Yield the given participants, in the given order; one whose rows are all withdrawn has no records.

    The rows that an open sweep brought are known from its moment.
    """
    backs = set_backs(session, study, sweep)
    decided = decided_at(session, study, backs, sweep)
    texts: dict[str, str] = {}  # the same word is kept once, not once per row
    for start in range(0, len(usubjids), _AT_ONCE):
        piece = usubjids[start : start + _AT_ONCE]
        records: dict[str, dict[str, list[Record]]] = {usubjid: {} for usubjid in piece}
        former: dict[str, list[Record]] = {usubjid: [] for usubjid in piece}
        for row in _rows(session, study, piece):
            content = {name: texts.setdefault(text, text) for name, text in json.loads(row.content).items()}
            record = read_record(
                row.domain,
                content,
                version=row.id,
                key=row.record_key,
                event_key=row.event_key,
                zone=zone,
                known_at=(
                    sweep.now
                    if sweep is not None and row.sweep_id == sweep.id
                    else known_at(row.now, row.sweep_id, backs)
                ),
            )
            place = records[row.usubjid].setdefault(row.domain, []) if row.stands else former[row.usubjid]
            place.append(record)
        held, entered = holds(session, study, piece, backs, decided), submissions(session, study, piece, decided)
        for usubjid in piece:
            participant = _participant(usubjid, records[usubjid], former[usubjid])
            yield replace(participant, holds=held.get(usubjid, ()), submissions=entered.get(usubjid, ()))


def _rows(session: Session, study: str, usubjids: Sequence[str]) -> Iterator[Any]:
    """Yield the rows of some participants that stand, in their newest version, and the earlier versions of AE rows.

    A version "withdrawn" says nothing new. One statement for both: a second one would walk all versions again.
    """
    newest = (
        select_columns(func.max(_NEWER.c.id))
        .where(
            _NEWER.c.study == study, _NEWER.c.domain == _VERSION.c.domain, _NEWER.c.record_key == _VERSION.c.record_key
        )
        .scalar_subquery()
    )
    is_newest, is_ae = _VERSION.c.id == newest, _VERSION.c.domain == "AE"
    columns = [
        _VERSION.c[name] for name in ("id", "domain", "record_key", "event_key", "usubjid", "content", "sweep_id")
    ]
    rows = (
        select_columns(*columns, col(Sweep.now), or_(~is_ae, is_newest).label("stands"))
        .outerjoin(Sweep, col(Sweep.id) == _VERSION.c.sweep_id)  # this sweep has no row yet
        .where(_VERSION.c.study == study, _VERSION.c.usubjid.in_(usubjids), _VERSION.c.domain.in_(DOMAINS))
        .where(_VERSION.c.change != "withdrawn", or_(is_ae, is_newest))
    )
    yield from session.execute(rows, execution_options={"yield_per": 1000})


def _participant(usubjid: str, records: dict[str, list[Record]], former: Sequence[Record]) -> Participant:
    rooms: dict[str, Any] = {}
    for domain, room in PLACES.items():
        rooms[room] = rooms.get(room, ()) + tuple(sorted(records.get(domain, ()), key=lambda record: record.key))
    subject = next((record for record in records.get("DM", ()) if isinstance(record, Subject)), None)
    return Participant(usubjid=usubjid, subject=subject, former_events=_former_events(former), **rooms)


def _former_events(former: Sequence[Record]) -> dict[str, tuple[AdverseEvent, ...]]:
    """Sort earlier versions by the row whose they are, oldest first."""
    by_key: dict[str, tuple[AdverseEvent, ...]] = {}
    for record in sorted(former, key=lambda record: record.version):
        if isinstance(record, AdverseEvent):
            by_key[record.key] = (*by_key.get(record.key, ()), record)
    return by_key


def _feed(session: Session, sweep: OpenSweep, batch: Batch, judged: frozenset[str]) -> Feed:
    said = headers(session, sweep.study, batch)
    return Feed(
        trouble=batch.trouble,
        lost_columns={domain: dict.fromkeys(columns, ()) for domain, columns in said.lost.items()},
        new_columns=said.new,
        news_at=_news_at(session, sweep),
        written_at=_written_at(batch),
        databases=said.databases,
        stamp_faults=said.stamp_faults,
        rejected=rejected_groups(session, sweep.study, batch),
        refused=refused_files(batch),
        missing_domains=batch.missing,
        shrunken=_shrunken(session, sweep),
        not_evaluable=_not_evaluable(session, sweep.study, judged),
        participants=len(participants(session, sweep.study)),
        unknown_tests={} if sweep.is_full else _unknown_tests(session, sweep.study),
        domains=frozenset(domain for domain, _ in last_read(session, sweep.study)),
    )


def _unknown_tests(session: Session, study: str) -> dict[str, tuple[int, int]]:
    """Return the lab codes told as unknown before: a sweep that judges a few must not forget those of the others."""
    told = select(Alert.anchors).where(Alert.study == study, Alert.scope == UNKNOWN_TESTS, col(Alert.standing))
    return {code: (0, 0) for anchors in session.exec(told) for code in json.loads(anchors)}


def _news_at(session: Session, sweep: OpenSweep) -> tuple[datetime, ...]:
    """Return when anything new, changed, back or withdrawn came in the last days with news, as many as make a habit.

    The last is last by id, since a clock can be set back.
    """
    brings = select(RecordVersion.id).where(RecordVersion.sweep_id == sweep.id).limit(1)
    found = [sweep.now] if session.exec(brings).first() is not None else []
    brought = or_(*(col(getattr(Sweep, f"rows_{fate}")) > 0 for fate in FRESH))
    before = select(Sweep.id, Sweep.now).where(Sweep.study == sweep.study, brought).order_by(col(Sweep.id).desc())
    backs = set_backs(session, sweep.study, sweep)
    days = {moment.date() for moment in found}
    with session.exec(before, execution_options={"yield_per": 100}) as moments:
        for sweep_id, now in moments:
            moment = known_at(now, sweep_id, backs)
            days.add(moment.date())
            if len(days) > NEWS_DAYS:
                break
            found.append(moment)
    return tuple(reversed(found))


def _written_at(batch: Batch) -> datetime | None:
    """Return when the newest of the files that could be read was written."""
    return max((look.modified_at for look in batch.files if look.modified_at and look.state != "refused"), default=None)


def _shrunken(session: Session, sweep: OpenSweep) -> dict[str, tuple[int, int]]:
    """Return the domains whose withdrawals this sweep holds back: rows that stood before, and rows there are now."""
    now: dict[str, int] = {}
    for (domain, _), row in last_read(session, sweep.study).items():
        if row.sweep_id == sweep.id and row.reason == HELD:
            now[domain] = now.get(domain, 0) + row.rows - row.duplicates - row.rejected
    return {domain: (_standing_before(session, sweep, domain), rows) for domain, rows in now.items()}


def _standing_before(session: Session, sweep: OpenSweep, domain: str) -> int:
    """Count the rows of a domain that stood before this sweep."""
    newest = (
        select_columns(func.max(_VERSION.c.id))
        .where(_VERSION.c.study == sweep.study, _VERSION.c.domain == domain, _VERSION.c.sweep_id < sweep.id)
        .group_by(_VERSION.c.record_key)
    )
    standing = select_columns(func.count()).where(_VERSION.c.id.in_(newest), _VERSION.c.change != "withdrawn")
    return int(session.execute(standing).scalar_one())


def _not_evaluable(session: Session, study: str, judged: frozenset[str]) -> dict[str, frozenset[tuple[str, str]]]:
    """Return what each rule could not tell about, of the participants not judged anew in this sweep."""
    standing = select(StandingAnswer).where(
        StandingAnswer.study == study,
        StandingAnswer.answer == str(Answer.NOT_EVALUABLE),
        StandingAnswer.usubjid != "",
    )
    blind: dict[str, set[tuple[str, str]]] = {}
    for row in session.exec(standing):
        if row.usubjid not in judged:
            blind.setdefault(row.rule_id, set()).add((row.usubjid, concern_of(row.scope, row.reason)))
    return {rule_id: frozenset(about) for rule_id, about in blind.items()}
