"""What kind `worsened_event` says beyond its rule cases: each rise is news, and real data hold so many."""

import csv
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise, permutations
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.ledger import close_alert
from alerts.store import Store
from rules.dtc import Dtc
from rules.evaluate import evaluate
from rules.hit import Answer
from rules.reading import read_record
from rules.records import AdverseEvent, Feed, Participant, StudyView
from rules.rulebook import load_rulebook
from tests.trial import Trial, at

BOOK = load_rulebook("low_dose_il2_sle")


def judge(*participants):
    view = StudyView(participants=participants, feed=Feed(domains=frozenset({"AE", "DM"})))
    evaluation = evaluate(BOOK, view, datetime(2026, 6, 1, tzinfo=UTC), ZoneInfo("Asia/Shanghai"))
    assert not evaluation.failures
    return [judgement for judgement in evaluation.judgements if judgement.rule_id == "AE-03"]


def course(*severities, **values):
    """One event with a row a month."""
    rows = tuple(
        AdverseEvent(
            version=month, key=f"AE{month}", event_key="P1|E1", usubjid="P1", aeterm="RASH", aesev=severity,
            aedtc=Dtc.parse(f"2026-{month:02}-10"), **values,
        )
        for month, severity in enumerate(severities, 1)
    )  # fmt: skip
    return Participant(usubjid="P1", adverse_events=rows)


def test_each_further_rise_is_news_and_an_unchanged_row_is_none():
    told = [judge(course(*["MILD", "MODERATE", "MODERATE", "MILD", "MODERATE", "SEVERE"][:n])) for n in range(1, 7)]
    assert [len(hits) for hits in told] == [0, 1, 1, 1, 1, 1]
    anchors = [hits[0].anchors for hits in told[1:]]
    new = [sorted(now - before) for before, now in zip([frozenset(), *anchors], anchors, strict=False)]
    assert new == [["AE2", "P1|E1"], [], [], ["AE5"], ["AE6"]]
    assert all(hits[0].each_anchor_is_news for hits in told[1:])


def test_a_rise_happened_when_it_was_collected_and_shows_the_severities():
    (hit,) = judge(course("MILD", "SEVERE"))
    assert (hit.at.text, hit.summary, hit.grade) == ("2026-02-10", "Became worse: RASH", None)
    assert [dict(record.values)["aesev"] for record in hit.evidence] == ["MILD", "SEVERE"]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["MILD", "MODERATE", "SEVERE"]),
            st.sampled_from(
                ["", "2026", "2026-01", "2026-01-05", "2026-01-06", "2026-01-06T09:00", "2026-02", "2026-02-01"]
            ),
        ),
        max_size=4,
    )
)
def test_a_hit_rises_in_every_order_that_the_dates_allow_and_silence_in_none(told):
    rows = tuple(
        AdverseEvent(
            version=n,
            key=f"AE{n}",
            event_key="P1|E1",
            usubjid="P1",
            aesev=severity,
            aedtc=Dtc.parse(on) if on else None,
        )
        for n, (severity, on) in enumerate(told)
    )
    orders = [
        order
        for order in permutations(rows)
        if not any(
            b.aedtc and a.aedtc and b.aedtc.latest < a.aedtc.earliest for i, a in enumerate(order) for b in order[i:]
        )
    ]
    levels = ["MILD", "MODERATE", "SEVERE"]
    rises = {any(levels.index(a.aesev) < levels.index(b.aesev) for a, b in pairwise(order)) for order in orders}
    answers = [judgement.answer for judgement in judge(Participant(usubjid="P1", adverse_events=rows))]
    if answers == [Answer.HIT]:
        assert rises == {True}
    elif answers == []:
        assert rises == {False}
    else:
        assert answers == [Answer.NOT_EVALUABLE]


def test_a_story_of_an_event_that_becomes_worse_twice(tmp_path, store):
    trial = Trial(tmp_path / "in", store)
    trial.add("DM", USUBJID="P1")
    answered = dict.fromkeys(("AESER", "AESDTH", "AESLIFE", "AESHOSP", "AESDISAB", "AESCONG"), "N")
    told = []
    for day, severity in enumerate(["MILD", "MODERATE", "MODERATE", "SEVERE"], 1):
        trial.add(
            "AE", USUBJID="P1", AESPID="E1", AETERM="RASH", AESEV=severity, AEDTC=f"2026-01-0{day}",
            AESTDTC="2026-01-01", **answered,
        )  # fmt: skip
        trial.sweep(at(f"2026-01-0{day}"))
        told.append([decision.action for decision in trial.decisions() if decision.rule_id == "AE-03"])
    assert told == [[], ["notify"], ["notify"], ["notify", "notify again"]]


def versions(*severities):
    """One event of one row, corrected in place on each first of a month."""
    row = course("").adverse_events[0]
    told = [
        replace(row, version=month, aesev=severity, known_at=datetime(2026, month, 1, tzinfo=UTC))
        for month, severity in enumerate(severities, 1)
    ]
    return Participant(usubjid="P1", adverse_events=(told[-1],), former_events={row.key: tuple(told[:-1])})


def test_in_place_each_further_level_is_news_and_a_lower_one_is_none():
    course_of_levels = ["MILD", "MODERATE", "SEVERE", "MODERATE", "LIFE THREATENING", "MILD"]
    told = [judge(versions(*course_of_levels[:n])) for n in range(1, 7)]
    assert [len(hits) for hits in told] == [0, 1, 1, 1, 1, 0]
    anchors = [hits[0].anchors for hits in told[1:5]]
    new = [sorted(now - before) for before, now in pairwise([frozenset(), *anchors])]
    assert new == [["AE1 AESEV 2", "P1|E1"], ["AE1 AESEV 3"], [], ["AE1 AESEV 3", "AE1 AESEV 4"]]


def test_the_last_milder_version_and_the_first_that_is_as_bad_are_named_on_the_days_of_the_study():
    severe = versions("MILD", "MODERATE", "SEVERE", "SEVERE")
    (before,) = severe.former_events.values()
    late = tuple(replace(version, known_at=version.known_at.replace(hour=16)) for version in before)
    (hit,) = judge(replace(severe, former_events={"AE1": late}))
    assert hit.reason == "AESEV read as MODERATE on 2026-02-02, corrected in place to SEVERE, read on 2026-03-02"
    assert (hit.at, hit.circumstances) == (None, ())  # nobody knows when it rose


@pytest.fixture
def trial(tmp_path, store):
    trial = Trial(tmp_path / "in", store)
    trial.add("DM", USUBJID="P1")
    return trial


def event(trial, **values):
    answered = dict.fromkeys(("AESER", "AESDTH", "AESLIFE", "AESHOSP", "AESDISAB", "AESCONG"), "N")
    return trial.add("AE", USUBJID="P1", AESPID="E1", AETERM="RASH", AESTDTC="2026-01-01", **answered, **values)


def said(trial):
    return [(d.action, d.told, d.reason) for d in trial.decisions() if d.rule_id == "AE-03"]


def test_a_story_of_a_row_that_is_corrected_in_place_and_back_over_restarts(trial, database_url):
    row = event(trial, AESEV="MODERATE")
    rise = "AESEV read as MODERATE on 2026-01-01, corrected in place to SEVERE, read on"
    back = "corrected at source: AE record P1/E1: aesev MODERATE, was SEVERE: does not meet the criterion any more"
    story = [
        ("2026-01-01", "MODERATE", None),
        ("2026-01-02", "SEVERE", ("notify", True, f"{rise} 2026-01-02")),
        ("2026-01-03", "SEVERE", None),
        ("2026-01-04", "MODERATE", ("retract", True, back)),
        ("2026-01-05", "MODERATE", None),
        (
            "2026-01-06",
            "SEVERE",
            ("reinstate", True, f"meets the criterion again: {rise} 2026-01-06".replace("2026-01-01", "2026-01-04")),
        ),
    ]
    told = []
    for day, severity, decision in story:
        row["AESEV"] = severity
        told += [decision] if decision else []
        for hour in (1, 2):  # a full sweep, and one that reads the same file again
            trial.store = Store(database_url)  # and the program began anew
            assert trial.sweep(at(day, hour)).status == "done"
            assert said(trial) == told
            trial.store.close()


@pytest.mark.parametrize(("state", "action"), [("open", "notify again"), ("closed", "reopen")])
def test_a_story_of_a_further_rise_in_place_which_is_news_whatever_became_of_the_alert(trial, state, action):
    row = event(trial, AESEV="MILD")
    for day, severity in enumerate(["MILD", "SEVERE", "LIFE THREATENING"], 1):
        row["AESEV"] = severity
        if severity == "LIFE THREATENING" and state == "closed":
            with trial.store.write() as session:
                close_alert(session, trial.alerts()[0].id, "Dr. A", "expected", "", at("2026-01-02", 13))
        trial.sweep(at(f"2026-01-0{day}"))
    told = [(action, told) for action, told, _ in said(trial) if action != "close"]
    assert told == [("notify", True), (action, True)]
    assert said(trial)[-1][2].endswith(
        ": AESEV read as SEVERE on 2026-01-02, corrected in place to LIFE THREATENING, read on 2026-01-03; "
        "corrected at source: AE record P1/E1: aesev LIFE THREATENING, was SEVERE"
    )


def test_a_row_that_was_away_for_a_while_is_compared_with_what_it_said_before(trial):
    row = event(trial, AESEV="MILD")
    other = trial.add("AE", USUBJID="P1", AESPID="E2", AETERM="COUGH", AESER="N", AESEV="MILD")
    for day, rows in enumerate([[row, other], [other], [{**row, "AESEV": "SEVERE"}, other]], 1):
        trial.rows["ae"] = rows
        trial.sweep(at(f"2026-01-0{day}"))
    assert [(action, reason) for action, _, reason in said(trial)] == [
        ("notify", "AESEV read as MILD on 2026-01-01, corrected in place to SEVERE, read on 2026-01-03")
    ]


def test_cdisc_pilot_exactly_the_rising_events(data):
    with (data / "cdiscpilot01/ae.csv").open() as file:
        rows = list(csv.DictReader(file))
    by_subject, by_event = defaultdict(list), defaultdict(list)
    for number, row in enumerate(rows):
        event_key = f"{row['USUBJID']}|{row['AESPID']}"
        record = read_record("AE", row, version=number, key=str(number), event_key=event_key)
        by_subject[row["USUBJID"]].append(record)
        by_event[event_key].append((row["AEDTC"], ["MILD", "MODERATE", "SEVERE"].index(row["AESEV"]), row))
    changing = {key: told for key, told in by_event.items() if len({severity for _, severity, _ in told}) > 1}
    rising = {
        key
        for key, told in changing.items()
        if any(on < later and severity < worse for on, severity, _ in told for later, worse, _ in told)
    }
    said = judge(*(Participant(usubjid=u, adverse_events=tuple(r)) for u, r in by_subject.items()))
    as_serious = {j.scope for j in said if j.answer is Answer.CLEAR}
    for key in as_serious:  # what is left to SAE-01 ended in death, or became life-threatening
        assert any(row["AEOUT"] == "FATAL" or "Y" in (row["AESDTH"], row["AESLIFE"]) for *_, row in by_event[key])
    assert {j.scope for j in said if j.answer is Answer.HIT} == rising - as_serious
    assert as_serious <= rising
    assert (len(by_event), len(changing), len(rising), len(as_serious)) == (883, 78, 62, 0)
    assert {j.answer for j in said} == {Answer.HIT}
