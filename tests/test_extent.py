"""What becomes worse within one grade is told again: by a step, by a further test, by a correction; never by a hair."""

import re
from dataclasses import replace
from decimal import Decimal
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlmodel import select

from alerts.ledger import rebuild
from alerts.store import Store
from alerts.tables import Alert
from rules.ctcae.identity import lab_tests
from rules.extent import extent_of, further, worse_by, worst_of
from rules.graded import GradedFinding
from rules.hit import Answer, Extent
from rules.kinds.fever_limits import TEMPERATURE
from rules.qualitative import STEPS, read_word
from rules.records import Finding
from tests.lab_stories import graded, judged, sample
from tests.trial import Trial, at

LIMITS = {"tests": ["QTCF", "QTCB"], "either": True, "at_least": {"value": 450, "unit": "ms"}}


def finding(test: str, result: object, unit: str) -> GradedFinding:
    urine = "URINE" if test.endswith("U") or test == "UPCR" else ""
    (found,) = graded([sample(test, 8, result, unit, domain=lab_tests()[test].domain, spec=urine)])
    return found


@pytest.mark.parametrize(
    ("test", "low", "told", "same", "worse"),
    [
        ("OXYSAT", True, "87 %", "82.1 %", "82 %"),
        ("HGB", True, "78 g/L", "68.1 g/L", "68 g/L"),
        ("HGB", True, "78 g/L", "6.9 g/dL", "6.7 g/dL"),  # in whatever unit
        ("QTCF", False, "505 ms", "534 ms", "535 ms"),
        ("QTCF", False, "505 ms", "0.534 s", "0.535 s"),
        ("TEMP", False, "38.6 C", "39.5 C", "39.6 C"),
        ("TEMP", False, "38.6 C", "103.2 F", "103.3 F"),
        ("K", False, "6.1 mmol/L", "6.5 mmol/L", "6.6 mmol/L"),
        ("UPCR", False, "0.5 g/g", "0.74 g/g", "0.75 g/g"),
        ("PLAT", True, "30 10^9/L", "20.1 10^9/L", "20 10^9/L"),
        ("EOS", False, "0 10^9/L", "0 10^9/L", "0.1 10^9/L"),
        ("LYM", True, "0.2 10^9/L", "0.2 10^9/L", "0 10^9/L"),
    ],
)
def test_further_out_by_a_step_of_the_test_is_worse(test: str, low: bool, told: str, same: str, worse: str):
    before, hardly, now = (extent_of(finding(test, *text.split()), low=low) for text in (told, same, worse))
    assert further([hardly], [before]) == []
    assert further([now], [before]) == [(now, before)]
    assert further([before], [now]) == []


def test_a_result_in_words_is_worse_by_a_step_and_of_pregnancy_nothing_is():
    words = [
        extent_of(finding("PROTU", word, ""), word=read_word(word)) for word in ("1+", "POSITIVE", "2+", *STEPS[4:])
    ]
    assert [bool(further([now], [words[0]])) for now in words] == [False, False, True, True, True]
    once = [extent_of(finding("HCG", number, "U/L")) for number in (6, 5000)]
    assert further(once[1:], once[:1]) == []
    positive = extent_of(finding("HCGU", "POSITIVE", ""), word=read_word("POSITIVE"))
    assert further([extent_of(finding("HCGU", 5000, "U/L"))], [positive]) == []


def test_another_test_or_side_or_criterion_is_news():
    told = extent_of(finding("OXYSAT", 87, "%"), low=True)
    for other in (replace(told, test="PULSE"), replace(told, side="high"), replace(told, place=1)):
        assert further([told, other], [told]) == [(other, None)]


def test_of_results_as_far_out_the_first_is_named():
    same = [extent_of(finding("HGB", *text.split()), low=True) for text in ("78 g/L", "7.8 g/dL", "78.1 g/L")]
    assert [extent.said for extent in worst_of(same)] == ["78 g/L"]


def watched(folder: Path, store: Store) -> Trial:
    """A trial with one participant, first dosed on 5 January 2026."""
    trial = Trial(folder / "in", store)
    trial.add("dm", USUBJID="P1", SEX="F", RFSTDTC="2026-01-05", RFXSTDTC="2026-01-05")
    trial.add("ec", USUBJID="P1", ECTRT="X", ECOCCUR="Y", ECSTDTC="2026-01-05")
    return trial


def story(folder: Path, store: Store, rule: str, *looks: list[dict[str, str]]) -> list[tuple[str, bool, str]]:
    """Sweep on some days of January, each with some more rows; return what a rule said of its hits."""
    trial = watched(folder, store)
    for number, rows in enumerate(looks):
        for values in rows:
            trial.add(**values)
        trial.sweep(at(f"2026-01-{6 + 6 * number:02}"))
    return [(d.action, d.told, d.reason) for d in trial.decisions() if d.rule_id == rule and d.answer == "hit"]


def row(test: str, day: int, result: object) -> dict[str, str]:
    """A result of January 2026 as a source gives it, in the usual unit of the test."""
    known = lab_tests()[test]
    unit = {"CREAT": "umol/L", "HGB": "g/dL"}.get(test, known.units[0] if known.units[0] != "1" else "")
    low, high = {"ALT": ("5", "40"), "CREAT": ("45", "84"), "LYM": ("1", "4"), "HGB": ("12", "16")}.get(test, ("", ""))
    own = {"TESTCD": test, "DTC": f"2026-01-{day:02}", "ORRES": str(result), "ORRESU": unit}
    if known.domain == "LB":
        own |= {"ORNRLO": low, "ORNRHI": high, "SPEC": "URINE" if test in ("UPCR", "PROTU", "HCGU") else "SERUM"}
    return {"domain": known.domain.lower(), "USUBJID": "P1"} | {
        f"{known.domain}{name}": value for name, value in own.items()
    }


@pytest.mark.parametrize(
    ("rule", "test", "before", "told", "hair", "worse"),
    [
        ("VS-01", "OXYSAT", 98, 87, 86, 55),
        ("CYT-05", "HGB", 13, 7.8, None, 3.8),
        ("QT-01", "QTCF", 440, 505, 510, 650),
        ("EOS-01", "EOS", 0.3, 1.6, 1.7, 4.9),
        ("HEP-02", "ALT", 30, 208, 215, 780),
        ("REN-01", "CREAT", 60, 92, 95, 178),
        ("CYT-04", "LYM", 1.5, 0.45, None, 0.25),
        ("REN-02c", "UPCR", 0.1, 0.51, 0.52, 0.9),
        ("REN-02b", "PROTU", "NEGATIVE", "1+", "1+", "4+"),
        ("INF-03", "TEMP", 36.5, 40.1, 40.2, 41.2),
    ],
)
def test_danger_that_grows_within_one_grade_is_told_again(
    tmp_path: Path, store: Store, rule: str, test: str, before: object, told: object, hair: object, worse: object
):
    looks = [
        [row(test, 1, before)],
        [row(test, 12, told)],
        [row(test, 19, hair)] if hair else [],
        [row(test, 26, worse)],
    ]
    said = story(tmp_path, store, rule, *looks)
    assert [action for action, _, _ in said] == ["notify", *(["extend"] if hair else []), "notify again"]
    assert [told for _, told, _ in said] == [True, *([False] if hair else []), True]
    before, now = re.escape(str(told)), re.escape(str(worse))
    assert re.search(rf"further out than told: [^;]* {now}[^;]*, told before as {before}", said[-1][2]), said[-1]


def test_what_creeps_is_compared_with_what_was_told(tmp_path: Path, store: Store):
    results = (0.1, 0.51, 0.6, 0.74, 0.77)
    looks = [[row("UPCR", 1 + 6 * number, result)] for number, result in enumerate(results)]
    said = story(tmp_path, store, "REN-02c", *looks)
    assert [action for action, _, _ in said] == ["notify", "extend", "extend", "notify again"]
    assert "0.77 g/g, told before as 0.51 g/g" in said[-1][2]


@pytest.mark.parametrize(
    ("rule", "test", "before", "told", "later", "corrected", "action"),
    [
        ("REN-02c", "UPCR", 0.1, 0.7, 0.6, 12, "notify again"),
        ("REN-02b", "PROTU", "NEGATIVE", "1+", "1+", "4+", "notify again"),
        ("VS-01", "OXYSAT", 98, 87, 87, 52, "notify again"),
        ("VS-01", "OXYSAT", 98, 60, 87, 61, ""),  # no worse than told, and not what was told
    ],
)
def test_a_correction_that_makes_a_known_sample_dangerous_is_told(
    tmp_path: Path, store: Store, rule: str, test: str, before, told, later, corrected, action: str
):
    trial = watched(tmp_path, store)
    for day, result in ((1, before), (12, told), (14, later)):
        known = trial.add(**row(test, day, result))
        trial.sweep(at(f"2026-01-{day + 2:02}"))
    known[f"{lab_tests()[test].domain}ORRES"] = str(corrected)
    trial.sweep(at("2026-01-20"))
    said = [decision.action for decision in trial.decisions() if decision.rule_id == rule]
    assert said[said.index("notify") :] == ["notify", "extend", *([action] if action else [])]


def test_a_correction_towards_normal_is_an_amendment_and_what_comes_then_is_compared_with_it(
    tmp_path: Path, store: Store
):
    trial = watched(tmp_path, store)
    for day, result in ((1, 98), (12, 52), (14, 70)):
        known = trial.add(**row("OXYSAT", day, result))
    trial.sweep(at("2026-01-15"))
    trial.rows["vs"][1]["VSORRES"] = "87"
    trial.sweep(at("2026-01-16"))
    known["VSORRES"] = "88"
    trial.sweep(at("2026-01-17"))
    trial.add(**row("OXYSAT", 17, 80))
    trial.sweep(at("2026-01-18"))
    said = [decision for decision in trial.decisions() if decision.rule_id == "VS-01" and decision.answer == "hit"]
    assert [decision.action for decision in said] == ["notify", "amend", "amend", "notify again"]
    assert "Oxygen saturation 80 %, told before as 87 %" in said[-1].reason


@pytest.mark.parametrize(
    ("rule", "looks", "news"),
    [
        (
            "PRG-02",
            [[row("HCGU", 1, "NEGATIVE")], [row("HCGU", 12, "POSITIVE")], [row("HCG", 19, 5000)]],
            "not told yet: Choriogonadotropin 5000 U/L",
        ),
        (
            "QT-01",
            [
                [row("QTCF", 1, 440), row("QTCB", 1, 450)],
                [row("QTCB", 12, 505), row("QTCF", 12, 455)],
                [row("QTCF", 19, 560), row("QTCB", 19, 505)],
            ],
            "not told yet: QTcF interval 560 ms",
        ),
    ],
)
def test_where_one_test_is_enough_another_that_newly_meets_the_limit_is_news(
    tmp_path: Path, store: Store, rule: str, looks, news: str
):
    said = story(tmp_path, store, rule, *looks)
    assert [(action, told) for action, told, _ in said] == [("notify", True), ("notify again", True)]
    assert said[-1][2].startswith(news)


def test_nothing_is_more_pregnant_than_pregnant(tmp_path: Path, store: Store):
    said = story(tmp_path, store, "PRG-02", [], [row("HCG", 12, 50)], [row("HCG", 19, 50000)])
    assert [(action, told) for action, told, _ in said] == [("notify", True), ("extend", False)]


def test_a_pattern_that_becomes_worse_is_told_again_with_the_worst_of_each_criterion(tmp_path: Path, store: Store):
    said = story(
        tmp_path,
        store,
        "CLS-02",
        [row("WEIGHT", 1, 60), row("SYSBP", 1, 120)],
        [row("WEIGHT", 11, 60), row("WEIGHT", 12, 62.5), row("SYSBP", 12, 88)],
        [row("SYSBP", 13, 87)],
        [row("SYSBP", 14, 55)],
    )
    assert [action for action, _, _ in said] == ["notify", "extend", "notify again"]
    assert said[-1][2].startswith("further out than told: Systolic blood pressure 55 mmHg, told before as 88 mmHg: ")
    (alert,) = (alert for alert in Trial(tmp_path / "in", store).alerts() if alert.rule_id == "CLS-02")
    assert alert.summary == "Systolic blood pressure 55 mmHg on 2026-01-14; Weight 62.5 kg on 2026-01-12"


def test_an_alert_told_before_extents_were_written_is_compared_from_its_next_record_on(tmp_path: Path, store: Store):
    trial = watched(tmp_path, store)
    trial.add(**row("OXYSAT", 8, 86))
    trial.sweep(at("2026-01-09"))
    with store.write() as session:
        session.execute(text("UPDATE alert SET extent = NULL"))
    for day, result in ((10, 80), (11, 79), (12, 75)):
        trial.add(**row("OXYSAT", day, result))
        trial.sweep(at(f"2026-01-{day + 1:02}"))
    said = [
        (d.action, d.reason.split(": ")[0]) for d in trial.decisions() if d.rule_id == "VS-01" and d.answer == "hit"
    ]
    assert [action for action, _ in said] == ["notify", "extend", "extend", "notify again"]
    assert said[-1][1] == "further out than told"


def test_what_was_told_is_built_anew_from_the_decisions(tmp_path: Path, store: Store):
    story(tmp_path, store, "REN-02c", *([row("UPCR", day, result)] for day, result in ((1, 0.1), (8, 0.5), (14, 0.9))))
    with store.read() as session:
        before = {alert.id: alert.extent for alert in session.exec(select(Alert))}
    with store.write() as session:
        rebuild(session, "SYN")
    with store.read() as session:
        assert {alert.id: alert.extent for alert in session.exec(select(Alert))} == before
    assert any("0.9 g/g" in (extent or "") for extent in before.values())


def only_grow(kind: str, when: dict[str, object], rows: list[Finding], before: list[Finding]) -> None:
    """Hold that no episode that goes on, as samples are added one by one, becomes less far out or loses a part."""
    told: dict[frozenset[str], tuple[Extent, ...]] = {}
    for some in accumulate([[one] for one in rows]):
        for hit in judged(kind, when, [*before, *some]):
            if hit.answer is Answer.HIT:
                for anchors, extent in told.items():
                    assert not anchors <= hit.anchors or not further(extent, hit.extent), (extent, hit.extent)
                told[hit.anchors] = hit.extent
                assert hit.extent


@given(results=st.lists(st.tuples(st.sampled_from(["QTCF", "QTCB"]), st.integers(430, 700)), min_size=1, max_size=8))
def test_an_episode_of_limits_only_goes_further_out(results: list[tuple[str, int]]):
    rows = [sample(test, 8 + n, result, "ms", domain="EG") for n, (test, result) in enumerate(results)]
    only_grow("value_limit", LIMITS, rows, [])


@given(results=st.lists(st.tuples(st.sampled_from(["10^9/L", "/mm3"]), st.integers(5, 160)), min_size=1, max_size=8))
def test_an_episode_of_falls_only_goes_further_out(results: list[tuple[str, int]]):
    rows = [
        sample("PLAT", 8 + n, count * (1000 if unit == "/mm3" else 1), unit, 150)
        for n, (unit, count) in enumerate(results)
    ]
    only_grow("lab_toxicity", {"test": "PLAT", "min_fall_percent": 25}, rows, [sample("PLAT", -3, 200, low=150)])


@given(results=st.lists(st.tuples(st.sampled_from(["SYSBP", "PULSE"]), st.integers(40, 160)), min_size=1, max_size=8))
def test_an_episode_of_a_pattern_only_goes_further_out(results: list[tuple[str, int]]):
    criteria = [
        {"tests": ["SYSBP"], "below": {"value": 90, "unit": "mmHg"}},
        {"tests": ["PULSE"], "at_least": {"value": 120, "unit": "beats/min"}},
    ]
    units = {"SYSBP": "mmHg", "PULSE": "beats/min"}
    rows = [sample(test, 8 + n, result, units[test], domain="VS") for n, (test, result) in enumerate(results)]
    only_grow("criteria_count", {"within_days": 3, "at_least": 2, "of": criteria}, rows, [])


@pytest.mark.parametrize(
    ("test", "unit", "words"),
    [
        ("OXYSAT", "", "5 %"),
        ("HGB", "", "1 g/dL"),
        ("HGB", "g/L", "10 g/L"),
        ("QTCF", "s", "0.03 s"),
        ("TEMP", "F", "1 C"),  # no factor alone converts it
        ("SLEDAI", "", "4"),
        ("PLAT", "10^9/L", "a factor of 1.5"),
        ("HCG", "U/L", ""),
    ],
)
def test_by_how_much_a_result_is_worse_is_said_in_the_unit_of_the_rule(test: str, unit: str, words: str):
    assert worse_by(test, unit) == words


def test_every_test_says_by_how_much_it_is_worse():
    assert all(test.worse_by is None or test.worse_by > 0 for test in lab_tests().values())
    assert lab_tests()[TEMPERATURE].worse_by == Decimal(1)
