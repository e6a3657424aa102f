"""When time alone changes an answer: a table of every kind that answers later, held against what SQL keeps as due.

After a sweep nobody is judged again until the data change or the first due moment comes, and then exactly those.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from alerts import ledger
from alerts.ledger.sweeps import Touched
from alerts.store import Store
from alerts.tables import ParticipantDue
from rules.rulebook import Rulebook
from tests.trial import Trial, at

DOSED = [("EC", {"ECOCCUR": "Y", "ECSTDTC": "2026-01-05T09:00"})]
COUNTS = [
    ("LB", {"LBTESTCD": test, "LBORRES": "5", "LBORRESU": "10^9/L", "LBDTC": "2026-01-05T08:00"})
    for test in ("WBC", "NEUT", "LYM", "PLAT", "HGB")
]
PLATELETS = {"LBTESTCD": "PLAT", "LBORRESU": "10^9/L", "LBORNRLO": "125", "LBORNRHI": "350"}
LOW = [
    ("LB", PLATELETS | {"LBORRES": "200", "LBDTC": "2026-01-05T08:00"}),
    ("LB", PLATELETS | {"LBORRES": "38", "LBDTC": "2026-01-12T08:00"}),
]
LIVER = [
    ("LB", {"LBTESTCD": "ALT", "LBORRES": "260", "LBORRESU": "U/L", "LBORNRLO": "5", "LBORNRHI": "40",
            "LBDTC": "2026-01-12T08:00"}),
]  # fmt: skip
FEVER = [("VS", {"VSTESTCD": "TEMP", "VSORRES": "39.0", "VSORRESU": "C", "VSDTC": "2026-01-05T20:00"})]
SERIOUS = [("AE", {"AETERM": "Syncope", "AESPID": "1", "AESER": "Y", "AESTDTC": "2026-01-05"})]
AHEAD = [("LB", PLATELETS | {"LBORRES": "200", "LBDTC": "2026-01-09"})]

MISSED = [f"2026-01-{number}T16:00" for number in (10, 12, 14, 16, 18, 20)]

# rule, rows, first sweep, and the due moments that follow each other while nothing is entered: all UTC. The study is in
# Shanghai, eight hours ahead: its days begin at 16:00.
LATER = [
    ("DOS-01", DOSED, "2026-01-05T05:00", MISSED[:2]),
    ("DOS-02", DOSED, "2026-01-05T05:00", MISSED[:2]),
    ("DOS-03", DOSED, "2026-01-05T05:00", MISSED),
    ("LAB-01", DOSED + LOW[:1], "2026-01-05T05:00", ["2026-01-07T16:00"]),
    ("LAB-02", DOSED + COUNTS, "2026-01-05T05:00",
     ["2026-01-29T16:00", "2026-02-12T16:00", "2026-03-12T16:00", "2026-04-09T16:00", "2026-07-02T16:00"]),
    ("LAB-03", DOSED + LOW, "2026-01-12T05:00", ["2026-01-17T00:00:59"]),
    ("LAB-04", DOSED + LIVER, "2026-01-12T05:00", ["2026-01-17T00:00:59"]),
    ("SAE-03", SERIOUS, "2026-01-05T05:10",
     ["2026-01-05T23:10", "2026-01-06T05:10", "2026-01-16T16:00", "2026-01-20T16:00"]),
    ("INF-03", DOSED + FEVER, "2026-01-05T13:00", ["2026-01-06T01:00:59"]),
    ("FEED-04", DOSED + AHEAD, "2026-01-05T05:00", ["2026-01-07T16:00"]),
]  # fmt: skip


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def only(book: Rulebook, rule_id: str) -> Rulebook:
    """Return a book of one rule, those that it follows, and those of the feed but for its age."""
    rule = book.rule(rule_id)
    kept = {rule_id, "FEED-02", "FEED-03", *book.kind_of(rule).follows(book.whens[rule_id])}
    return replace(book, rules=tuple(rule for rule in book.rules if rule.id in kept))


def trial_of(folder, store: Store, rule_id: str, rows) -> Trial:
    """Return a study of that rule alone: P1 with the rows, P2 dosed and asked for nothing, P3 never dosed."""
    trial = Trial(folder, store)
    trial.study = replace(trial.study, rulebook=only(trial.study.rulebook, rule_id))
    for usubjid in ("P1", "P2", "P3"):
        trial.add("DM", USUBJID=usubjid)
    for domain, row in rows:
        trial.add(domain, USUBJID="P1", **row)
    return trial


def due(trial: Trial) -> dict[str, datetime]:
    with trial.store.read() as session:
        return {row.usubjid: row.due_at for row in session.exec(select(ParticipantDue)).all()}


def whom(trial: Trial, now: datetime) -> tuple[str, ...]:
    """Return whom a sweep at that moment would judge that is not the first of its day."""
    with trial.store.write(keep=False) as session:
        sweep = ledger.open_sweep(session, trial.study.id, now, trial.study.rulebook, trial.study.zone)
        return ledger.whom_to_judge(session, replace(sweep, is_full=False), Touched())


@pytest.mark.parametrize(("rule_id", "rows", "first", "moments"), LATER, ids=[row[0] for row in LATER])
def test_exactly_those_are_judged_whose_time_has_come(tmp_path, store, rule_id, rows, first, moments):
    trial = trial_of(tmp_path / "in", store, rule_id, rows)
    assert trial.sweep(utc(first)).judged == 3
    for moment in map(utc, moments):
        assert due(trial) == {"P1": moment}
        assert whom(trial, moment - timedelta(seconds=1)) == ()
        assert whom(trial, moment) == ("P1",)
        assert trial.sweep(moment).judged in {1, 3}  # 3: the study's day begins, and all are judged
        assert whom(trial, moment) == ()
        again = trial.sweep(moment + timedelta(seconds=1))
        assert (again.judged, len(again.decisions)) == (0, 0)
    assert bool(due(trial)) is (rule_id[:3] == "DOS")
    assert rule_id in {decision.rule_id for decision in trial.decisions()}


def test_of_whom_nothing_more_is_asked_nothing_stays_due(tmp_path, store):
    trial = trial_of(tmp_path / "in", store, "DOS-01", DOSED)
    trial.sweep(utc("2026-01-05T05:00"))
    assert list(due(trial)) == ["P1"]
    trial.rows["dm"][0] |= {"DTHFL": "Y", "DTHDTC": "2026-01-05"}
    trial.sweep(utc("2026-01-05T06:00"))
    assert due(trial) == {}


def test_who_is_not_judged_stays_due(tmp_path, store):
    trial = trial_of(tmp_path / "in", store, "DOS-01", DOSED)
    trial.add("EC", USUBJID="P2", ECOCCUR="Y", ECSTDTC="2026-01-06T09:00")
    trial.sweep(utc("2026-01-06T05:00"))
    assert due(trial) == {"P1": utc("2026-01-10T16:00"), "P2": utc("2026-01-11T16:00")}
    trial.add("EC", USUBJID="P2", ECOCCUR="Y", ECSTDTC="2026-01-08T09:00")
    assert trial.sweep(utc("2026-01-06T06:00")).judged == 1
    assert due(trial) == {"P1": utc("2026-01-10T16:00"), "P2": utc("2026-01-13T16:00")}


def test_a_hold_that_a_person_releases_has_its_participant_judged_next(tmp_path, store):
    trial = trial_of(tmp_path / "in", store, "CYT-02", DOSED + LOW)
    trial.rows["lb"][1]["LBORRES"] = "20"
    trial.sweep(utc("2026-01-12T05:00"))
    assert due(trial) == {}
    (alert,) = trial.alerts()
    assert alert.consequence == "hold"
    with store.write() as session:
        ledger.close_alert(session, alert.id, "Dr Li", "seen", "", utc("2026-01-12T05:30"))
    assert due(trial) == {"P1": utc("2026-01-12T05:30")}
    assert trial.sweep(utc("2026-01-12T06:00")).judged == 1
    assert due(trial) == {}
    trial.sweep(at("2026-01-13"))
    assert trial.sweep(at("2026-01-13", 13)).judged == 0
