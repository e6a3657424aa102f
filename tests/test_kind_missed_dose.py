"""What the missed-dose kind says beyond the rule cases: scopes, runs, due moments, late entries, nothing unblinding."""

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from rules.dtc import Dtc
from rules.evaluate import evaluate
from rules.hit import Answer
from rules.reading import read_record
from rules.records import Dose, Feed, Participant, StudyView
from rules.rulebook import load_rulebook

SHANGHAI = ZoneInfo("Asia/Shanghai")
PLAN, COLLECTED = load_rulebook("low_dose_il2_sle"), load_rulebook("sdtm_example")


def dose(day: str, occur: str = "Y", domain: str = "EC", **fields) -> Dose:
    return Dose(
        key=f"{domain}|IL-2|{day}", version=int(day[-2:]), domain=domain, occur=occur, stdtc=Dtc.parse(day), **fields
    )


def look(book, now, *doses):
    view = StudyView(
        participants=(Participant(usubjid="P1", doses=doses),), feed=Feed(domains=frozenset({"EC", "EX", "DM"}))
    )
    evaluation = evaluate(book, view, datetime.fromisoformat(now).replace(tzinfo=UTC), SHANGHAI)
    assert not evaluation.failures
    said = [j for j in evaluation.judgements if j.rule_id.startswith("DOS") and j.answer is Answer.HIT]
    return said, evaluation.due.get("P1")


def test_time_alone_makes_a_dose_missed_at_the_moment_named_before():
    said, due = look(PLAN, "2026-01-02", dose("2026-01-01"))
    assert not said
    assert due == datetime(2026, 1, 6, 16, tzinfo=UTC)  # the 7th begins in Shanghai
    said, later = look(PLAN, due.replace(tzinfo=None).isoformat(), dose("2026-01-01"))
    assert [(j.rule_id, j.scope, j.anchors) for j in said] == [("DOS-01", "C1D3", {"C1D3"})]
    assert later == datetime(2026, 1, 8, 16, tzinfo=UTC)


def test_a_late_entry_takes_the_hit_back():
    said, _ = look(PLAN, "2026-01-08", dose("2026-01-01"), dose("2026-01-03"))
    assert not said


def test_a_growing_run_keeps_its_anchors():
    two, _ = look(PLAN, "2026-01-09", dose("2026-01-01"))
    three, _ = look(PLAN, "2026-01-11", dose("2026-01-01"))
    (before,) = [j for j in two if j.rule_id == "DOS-02"]
    (after,) = [j for j in three if j.rule_id == "DOS-02"]
    assert before.scope == after.scope
    assert (before.anchors, after.anchors) == ({"C1D3", "C1D5"}, {"C1D3", "C1D5", "C1D7"})


def test_a_miss_is_told_without_amount_treatment_or_lot():
    said, _ = look(
        PLAN, "2026-01-05", dose("2026-01-01"), dose("2026-01-03", "N", reasoc="placebo pen broken", dosu="MIU")
    )
    (hit,) = [j for j in said if j.rule_id == "DOS-01"]
    assert hit.summary == "Planned dose missed: C1D3"
    assert hit.reason == "recorded as not given on 2026-01-03"
    (record,) = hit.evidence
    assert (record.domain, record.key, record.version) == ("EC", "EC|IL-2|2026-01-03", 3)
    assert dict(record.values) == {"ecoccur": "N", "ecstdtc": "2026-01-03"}


def test_as_collected_is_named_by_date_because_record_keys_may_tell_the_treatment():
    said, _ = look(COLLECTED, "2026-02-01", dose("2026-01-01", "N"), dose("2026-01-02", "N"))
    assert {(j.rule_id, j.scope) for j in said} == {
        ("DOS-01", "dose of 2026-01-01"),
        ("DOS-01", "dose of 2026-01-02"),
        ("DOS-02", "doses"),
    }
    assert not any("IL-2" in text for j in said for text in (j.scope, j.summary, j.reason, *j.anchors))


def test_the_same_missed_dose_recorded_twice_is_one():
    twice = (dose("2026-01-01", "N"), dose("2026-01-01", "N", presp="Y"))
    said, _ = look(COLLECTED, "2026-02-01", *twice)
    assert [(j.rule_id, j.scope) for j in said] == [("DOS-01", "dose of 2026-01-01")]


def test_ex_is_not_asked_where_ec_has_any_row():
    ex = [dose(f"2026-01-{day:02}", "", "EX") for day in (1, 3, 5)]
    said, _ = look(PLAN, "2026-01-08", dose("2026-01-01"), *ex)
    assert {j.scope for j in said} == {"C1D3"}
    said, _ = look(PLAN, "2026-01-08", *ex)
    assert not said


def test_sdtm_example_has_seven_missed_doses_in_one_run_and_none_elsewhere(data):
    by_subject = defaultdict(list)
    for domain in ("EC", "EX"):
        document = json.loads((data / f"sdtm-example/{domain.lower()}.json").read_text())
        names = [column["name"] for column in document["columns"]]
        for number, values in enumerate(document["rows"]):
            row = {name: "" if value is None else str(value) for name, value in zip(names, values, strict=True)}
            by_subject[row["USUBJID"]].append(read_record(domain, row, version=number, key=f"{domain}{number}"))
    people = tuple(Participant(usubjid=usubjid, doses=tuple(doses)) for usubjid, doses in by_subject.items())
    view = StudyView(participants=people, feed=Feed(domains=frozenset({"EC", "EX"})))
    evaluation = evaluate(COLLECTED, view, datetime(2015, 1, 1, tzinfo=UTC), SHANGHAI)
    said = [j for j in evaluation.judgements if j.rule_id.startswith("DOS")]
    assert Counter((j.rule_id, j.usubjid, str(j.answer)) for j in said) == {
        ("DOS-01", "CDISC009", "hit"): 7,
        ("DOS-02", "CDISC009", "hit"): 1,
    }
    (run,) = [j for j in said if j.rule_id == "DOS-02"]
    assert run.summary == "7 consecutive planned doses missed: dose of 2013-02-20 to dose of 2013-02-26"
