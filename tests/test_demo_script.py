"""The script of the demonstration: complete, placed on the right days, and a verdict that can fail."""

import csv
import io
from collections.abc import Mapping
from datetime import date

import pytest

from alerts.decide import CALLING, Action
from monitor.demo.export import export
from monitor.demo.found import Found
from monitor.demo.script import LEUKOPENIC, NORMAL, SCRIPT
from monitor.demo.stage import OLDER_BY, STEP_DAYS, first_good_look, incoming, staged_cohort
from monitor.demo.verdict import Kept, judge, unscripted

FIRST_DAY = date(2014, 3, 3)
COHORT = staged_cohort(2014, FIRST_DAY)


def rows(files: dict[str, bytes], domain: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files[f"{domain.lower()}.csv"].decode())))


def of(number: int, day: int, domain: str, **values: str) -> list[dict[str, str]]:
    """The rows of a participant on a study day of theirs with these values."""
    person = COHORT.person(number)
    found = rows(export(COHORT.entries, person.day(day)), domain)
    return [row for row in found if row["USUBJID"] == person.usubjid and all(row[k] == v for k, v in values.items())]


def found(who: str, rule: str, day: int, action: Action = Action.NOTIFY, *, taken: bool = True) -> Found:
    return Found(id=1, alert_id=1, day=day, rule=rule, usubjid=who, scope="", action=action, urgency="immediate",
                 summary="", reason="", evidence="", taken=taken)  # fmt: skip


@pytest.mark.parametrize(
    "title",
    [
        "Leukopenic at baseline",
        "Pneumonia with admission",
        "Herpes zoster",
        "Platelets of grade 3, corrected",
        "A count that falls, then recovers",
        "One missed dose",
        "Consecutive missed doses",
        "AESER = N, and admitted",
        "An event withdrawn at source",
        "Late entry for a past date",
        "Wrong unit",
        "Fever in the rest phase",
        "A live vaccine",
        "Admitted, and no serious event",
        "Dosed although excluded",
        "Liver: potential Hy's law",
        "A repeated export",
        "A half-written file",
        "An older export comes back",
    ],
)
def test_the_script_holds_what_the_demonstration_promises(title: str):
    incidents = [incident for incident in SCRIPT if incident.title == title]
    assert incidents
    assert all(incident.must or incident.never for incident in incidents)


def test_every_incident_has_a_participant_of_its_own():
    numbers = [incident.who for incident in SCRIPT if incident.who]
    assert len(numbers) == len(set(numbers))
    assert set(LEUKOPENIC) | NORMAL <= set(numbers)


@pytest.mark.parametrize("change", [c for i in SCRIPT for c in i.changes if c.where])
def test_every_change_of_a_planned_row_begins_on_the_day_that_row_is_first_shown(change):
    who = next(i.who for i in SCRIPT if change in i.changes)
    shown = of(who, change.day, change.domain, **change.where)
    if not any(before.day < change.day and before.where == change.where for i in SCRIPT for before in i.changes):
        assert not of(who, change.day - 1, change.domain, **change.where)
    assert [{k: row[k] for k in change.values} for row in shown] == [dict(change.values)]


def test_what_is_wrong_for_a_while_is_right_before_or_after():
    platelets = {"VISIT": "WEEK 10", "LBTESTCD": "PLAT"}
    assert [of(7, day, "LB", **platelets)[0]["LBORRES"] for day in (71, 74, 75, 100)] == ["38", "38", "238", "238"]
    units = [of(5, day, "LB", VISIT="WEEK 2", LBTESTCD="PLAT")[0]["LBORRESU"] for day in (15, 19, 20)]
    assert units == ["%", "%", "10^9/L"]
    assert [len(of(14, day, "AE", AESPID="S01")) for day in (84, 85, 89, 90)] == [0, 1, 1, 0]


def test_after_discontinuation_nothing_more_is_entered_and_the_subject_stays():
    last = COHORT.person(18)
    final = export(COHORT.entries, 167)
    assert [row["USUBJID"] for row in rows(final, "DM")].count(last.usubjid) == 1
    given = [row["ECSTDTC"][:10] for row in rows(final, "EC") if row["USUBJID"] == last.usubjid]
    ended = [row["DSSTDTC"] for row in rows(final, "DS") if row["USUBJID"] == last.usubjid]
    assert max(given) <= max(ended)
    assert "COMPLETED" not in {row["DSDECOD"] for row in rows(final, "DS") if row["USUBJID"] == last.usubjid}


def test_faults_of_the_export():
    day = {incident.fault: incident.day for incident in SCRIPT if incident.fault}
    files, dated = incoming(COHORT, day["repeated"])
    assert (files, dated) == (incoming(COHORT, day["repeated"] - STEP_DAYS)[0], day["repeated"])
    assert files != export(COHORT.entries, day["repeated"])

    files, dated = incoming(COHORT, day["half-written"])
    whole = export(COHORT.entries, day["half-written"])
    assert whole["lb.csv"].startswith(files["lb.csv"])
    assert not files["lb.csv"].endswith(b"\n")
    assert files["lb.csv"].rpartition(b"\n")[2].count(b",") < 18
    assert {name for name in files if files[name] != whole[name]} == {"lb.csv"}
    assert dated == day["half-written"]

    files, dated = incoming(COHORT, day["older"])
    assert (files, dated) == (incoming(COHORT, day["older"] - OLDER_BY)[0], day["older"] - OLDER_BY)


@pytest.mark.parametrize(
    ("day", "look"), [(10, 10), (11, 14), (12, 14), (13, 14), (17, 20), (18, 20), (19, 20), (25, 28)]
)
def test_what_a_bad_export_hides_is_expected_of_the_next_good_one(day: int, look: int):
    assert first_good_look(day) == look


def verdict(title: str, *decisions: Found, withdrawn: Mapping[int, int] = {}, last_day: int = 167) -> Kept:
    return next(v.kept for v in judge(COHORT, decisions, withdrawn, last_day) if v.incident.title == title)


def test_the_verdict_asks_for_a_told_decision_of_the_right_rule_on_the_right_day():
    person = COHORT.person(4)
    day = person.day(10)
    latest = first_good_look(day)
    treated = found(person.usubjid, "INF-04b", latest)
    assert verdict("Herpes zoster", treated, found(person.usubjid, "INF-02", latest)) is Kept.YES
    assert verdict("Herpes zoster", treated, found(person.usubjid, "INF-02", day - 1)) is Kept.NO
    assert verdict("Herpes zoster", treated) is Kept.NO
    assert verdict("Herpes zoster", found(person.usubjid, "INF-02", latest)) is Kept.NO
    assert verdict("Herpes zoster", treated, found(person.usubjid, "INF-02", latest + 1)) is Kept.NO
    assert verdict("Herpes zoster", treated, found(person.usubjid, "INF-02", day, taken=False)) is Kept.NO
    assert verdict("Herpes zoster", treated, found(person.usubjid, "INF-02", day, Action.EXTEND)) is Kept.NO
    assert verdict("Herpes zoster", treated, found("SYN-001", "INF-02", day)) is Kept.NO


def test_the_verdict_forbids_what_must_not_be_told():
    person = COHORT.person(4)
    told, treated = (found(person.usubjid, rule, person.day(10)) for rule in ("INF-02", "INF-04b"))
    assert verdict("Herpes zoster", told, treated, found(person.usubjid, "SAE-01", person.day(10))) is Kept.NO
    assert verdict("Herpes zoster", told, treated, found("SYN-001", "SAE-01", person.day(10))) is Kept.YES
    assert verdict("Leukopenic at baseline", found("SYN-006", "CYT-03", 9)) is Kept.NO
    assert verdict("Leukopenic at baseline", found("SYN-006", "CYT-03", 9, Action.HOLD_BACK)) is Kept.YES


def test_a_short_replay_is_not_judged_on_what_it_does_not_reach():
    assert verdict("Late entry for a past date", last_day=20) is Kept.NOT_REACHED
    assert verdict("Late entry for a past date") is Kept.NO


def test_what_no_incident_asks_for_is_counted_as_background():
    person = COHORT.person(4)
    asked, more = found(person.usubjid, "INF-02", 20), found(person.usubjid, "HEP-02", 20)
    feed = found("", "FEED-01", 20)
    silent = found("SYN-030", "CYT-01", 20, Action.HOLD_BACK)
    assert unscripted(COHORT, [asked, more, feed, silent]) == [more]
    assert more.action in CALLING


def test_a_bad_export_must_not_withdraw_a_row():
    told = found("", "FEED-01", 18)
    assert verdict("A half-written file", told) is Kept.YES
    assert verdict("A half-written file", told, withdrawn={17: 1, 21: 1}) is Kept.YES
    assert verdict("A half-written file", told, withdrawn={18: 300}) is Kept.NO
    assert verdict("A half-written file", withdrawn={}) is Kept.NO
