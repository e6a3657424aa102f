"""Findings computed from measured ones: formulas at their boundaries, which results are one sample, what is told."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from alerts.store import Store
from rules.ctcae.grade import Ungraded
from rules.dtc import Dtc
from rules.evaluate import evaluate
from rules.graded import GradedFinding, grade_participants
from rules.hit import Answer
from rules.records import Dose, Feed, Finding, Participant, StudyView, Subject
from rules.rulebook import parse_rulebook
from rules.words import in_words
from tests.lab_stories import header, on, sample
from tests.trial import Trial, at, make_study

DERIVE = ["ANC", "CACORR", "CREATCLR"]


def person(rows: list[Finding], **subject: object) -> Participant:
    """A participant of 50 years, a man unless said otherwise, dosed on day 1."""
    told = {"age": Decimal(50), "ageu": "YEARS", "sex": "M"} | subject
    doses = (Dose(usubjid="S-1", key="EC/1", occur="Y", stdtc=on(1, "09:00")),)
    who = Subject(usubjid="S-1", key="DM/S-1", **told)  # type: ignore[arg-type]
    return Participant(usubjid="S-1", subject=who, findings=tuple(rows), doses=doses)


def derived(rows: list[Finding], test: str, derive: list[str] = DERIVE, **subject: object) -> list[GradedFinding]:
    """The derived findings of a test."""
    found = grade_participants([person(rows, **subject)], header("6.0", derive=derive))["S-1"]
    return [one for one in found if one.test == test and one.parts]


def white(day: int, value: object, unit: str = "10^9/L", **more: object) -> Finding:
    """White cells of a day."""
    return sample("WBC", day, value, unit, **more)


def share(day: int, value: object, unit: str = "%", **more: object) -> Finding:
    """The share of neutrophils of a day."""
    return sample("NEUTLE", day, value, unit, **more)


def weight(day: int, value: object = 72, unit: str = "kg", **more: object) -> Finding:
    """A weight of a day."""
    return sample("WEIGHT", day, value, unit, domain="VS", **more)


def creatinine(value: object, unit: str = "mg/dL", day: int = 5, **more: object) -> Finding:
    """Serum creatinine of day 5."""
    return sample("CREAT", day, value, unit, "0.6", "1.2", spec="SERUM", **more)


@pytest.mark.parametrize(
    ("cells", "part", "value", "unit", "grade"),
    [
        (("2.0", "10^9/L"), ("50", "%"), "1", "10^9/L", 1),
        (("2.0", "10^9/L"), ("49.9", "%"), "0.998", "10^9/L", 2),
        (("2.0", "10^9/L"), ("0.50", "FRACTION"), "1", "10^9/L", 1),
        (("2000", "/mm3"), ("49.9", "%"), "998", "/mm3", 2),
        (("1.1", "THOU/uL"), ("90.9", "%"), "0.9999", "10^9/L", 2),
        (("3.3", "10^9/L"), ("100", "%"), "3.3", "10^9/L", 0),
        (("2.0", "10^9/L"), ("0", "%"), "0", "10^9/L", 4),
    ],
)
def test_neutrophils_are_white_cells_times_their_share(
    cells: tuple[str, str], part: tuple[str, str], value: str, unit: str, grade: int
):
    (found,) = derived([white(5, *cells), share(5, *part)], "NEUT")
    assert (found.value, found.unit, found.low.grade) == (Decimal(value), unit, grade)
    assert [one.testcd for one in found.parts] == ["WBC", "NEUTLE"]
    assert (found.lln, found.uln) == (None, None)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([white(5, "<2.0"), share(5, 40)], "a limit is no number"),
        ([white(5, "2.0"), share(5, ">90")], "a limit is no number"),
        ([white(5, "clotted"), share(5, 40)], "text"),
        ([white(5, "2.0", stat="NOT DONE"), share(5, 40)], "a contradiction"),
        ([white(5, "2.0", ""), share(5, 40)], "white cells without a unit"),
        ([white(5, "2.0"), share(5, 40, "")], "a share without a unit: percent or fraction"),
        ([white(5, "2.0"), share(5, "100.1")], "more than all"),
        ([white(5, "2.0"), share(6, 40)], "two days"),
        ([white(5, "2.0", dtc=on(5, "08:00")), share(5, 40, dtc=on(5, "09:00"))], "two times"),
        ([white(5, "2.0", dtc=on(5, "08:00")), share(5, 40)], "a time and none"),
        ([white(5, "2.0", visit="WEEK 1"), share(5, 40, visit="UNSCHEDULED 1.1")], "two visits"),
        ([white(5, "2.0", tpt="BEFORE DOSE"), share(5, 40, tpt="AFTER DOSE")], "two time points"),
        ([white(5, "2.0", dtc=None), share(5, 40, dtc=None)], "no date"),
        ([white(5, "2.0", dtc=Dtc.parse("2014-03")), share(5, 40, dtc=Dtc.parse("2014-03"))], "no day and no visit"),
        ([white(5, "2.0", spec="URINE"), share(5, 40)], "urine"),
        ([white(5, "2.0")], "one part"),
    ],
)
def test_nothing_is_computed_from_what_is_no_number_or_not_one_sample(rows: list[Finding], why: str):
    assert derived(rows, "NEUT") == [], why


@pytest.mark.parametrize(
    ("measured", "counts"),
    [
        (sample("NEUT", 5, "3.0"), True),
        (sample("NEUT", 5, "<0.1"), True),
        (sample("NEUT", 5, "", stat="NOT DONE"), False),
        (sample("NEUT", 5, "see differential"), False),
        (sample("NEUT", 5, "40", "%"), False),  # filed under the count, and no count
        (sample("NEUT", 6, "3.0"), False),
    ],
)
def test_a_measured_count_of_the_sample_goes_before_a_derived_one(measured: Finding, counts: bool):
    assert len(derived([white(5, "2.0"), share(5, 40), measured], "NEUT")) == (0 if counts else 1)


def test_of_several_results_in_one_sample_each_pair_is_computed():
    rows = [white(5, "2.0"), white(5, "4.0"), share(5, 20)]
    found = derived(rows, "NEUT")
    assert sorted(one.value for one in found if one.value) == [Decimal("0.4"), Decimal("0.8")]
    assert len({one.record.key for one in found}) == 2


@pytest.mark.parametrize(
    ("calcium", "albumin", "value", "grade"),
    [
        (("7.8", "mg/dL", "8.5", "10.5"), ("40", "g/L"), "7.8", 2),
        (("7.2", "mg/dL", "8.5", "10.5"), ("3.0", "g/dL"), "8", 1),  # 8.0 is grade 1, and 7.2 alone would be grade 2
        (("7.19", "mg/dL", "8.5", "10.5"), ("30", "g/L"), "7.99", 2),
        (("1.8", "mmol/L", "2.1", "2.6"), ("30", "g/L"), "2", 1),
        (("1.799", "mmol/L", "2.1", "2.6"), ("3.0", "g/dL"), "1.999", 2),
        (("3.6", "mEq/L", "4.2", "5.2"), ("30", "g/L"), "4", 1),  # two charges: twice the numbers in mmol/L
        (("2.5", "mmol/L", "2.1", "2.6"), ("45", "g/L"), "2.4", 0),
    ],
)
def test_calcium_is_corrected_for_albumin_and_keeps_its_range(
    calcium: tuple[str, str, str, str], albumin: tuple[str, str], value: str, grade: int
):
    (found,) = derived([sample("CA", 5, *calcium), sample("ALB", 5, *albumin)], "CACORR")
    assert (found.value, found.low.grade, found.unit) == (Decimal(value), grade, calcium[1])
    assert (found.lln, found.uln) == (Decimal(calcium[2]), Decimal(calcium[3]))


def test_calcium_without_albumin_or_measured_corrected_is_not_computed():
    calcium, albumin = sample("CA", 5, "7.2", "mg/dL"), sample("ALB", 5, "30", "g/L")
    assert derived([calcium], "CACORR") == []
    assert derived([calcium, sample("ALB", 5, "<10", "g/L")], "CACORR") == []
    assert derived([calcium, albumin, sample("CACORR", 5, "8.1", "mg/dL")], "CACORR") == []


@pytest.mark.parametrize(
    ("subject", "rows", "value"),
    [
        ({}, [creatinine("1.5"), weight(5)], "60"),  # (140 - 50) x 72 / (72 x 1.5)
        ({"sex": "F"}, [creatinine("1.5"), weight(5)], "51"),
        ({}, [creatinine("132.6", "umol/L"), weight(5)], "60"),
        ({}, [creatinine("0.1326", "mmol/L"), weight(5)], "60"),
        ({}, [creatinine("1.5"), weight(5, "72000", "g")], "60"),
        ({"age": Decimal(18)}, [creatinine("1.22"), weight(5)], "100"),
        ({}, [creatinine("1.4"), weight(5)], "64.2857142857143"),
    ],
)
def test_creatinine_clearance(subject: dict[str, object], rows: list[Finding], value: str):
    (found,) = derived(rows, "CREATCLR", **subject)
    assert (found.value, found.unit) == (Decimal(value), "mL/min")
    assert [one.domain for one in found.parts] == ["LB", "VS"]


@pytest.mark.parametrize(
    "subject",
    [{"age": None}, {"age": Decimal(17)}, {"age": Decimal(140)}, {"ageu": "MONTHS"}, {"sex": "U"}, {"sex": ""}],
)
def test_without_age_and_sex_of_an_adult_there_is_no_clearance(subject: dict[str, object]):
    assert derived([creatinine("1.5"), weight(5)], "CREATCLR", **subject) == []


@pytest.mark.parametrize(
    ("weights", "value"),
    [
        ([weight(-3, 60), weight(4, 80), weight(6, 100)], "80"),
        ([weight(5, 90), weight(4, 80)], "90"),  # of the same day
        ([weight(5, 90, dtc=on(5, "11:00")), weight(4, 80)], "90"),
        ([weight(4, 80), weight(5, "not measured")], "80"),
        ([weight(5, 90, dtc=Dtc.parse("2014-03")), weight(1, 70)], "70"),  # perhaps later than the sample
        ([weight(6, 100)], None),
        ([weight(4, 80, "")], None),
        ([], None),
    ],
)
def test_the_weight_is_the_last_on_or_before_the_day_of_the_sample(weights: list[Finding], value: str | None):
    found = derived([creatinine("1.25", dtc=on(5, "08:00")), *weights], "CREATCLR")
    assert [one.value for one in found] == ([] if value is None else [Decimal(value)])


def test_creatinine_of_nought_is_no_divisor():
    assert derived([creatinine("0"), weight(5)], "CREATCLR") == []


def test_a_derived_finding_is_the_baseline_of_the_next_and_of_a_measured_one():
    rows = [white(-3, "5.0"), share(-3, 60), white(5, "3.0"), share(5, 50), sample("NEUT", 8, "1.2")]
    found = grade_participants([person(rows)], header("6.0", derive=["ANC"]))["S-1"]
    labs = [one for one in found if one.test == "NEUT"]
    assert [(one.base, one.after_baseline) for one in labs] == [(3, False), (3, True), (3, True)]
    assert [bool(one.parts) for one in labs] == [True, True, False]
    assert labs[-1].baseline == labs[0].record


@pytest.mark.parametrize(("flags", "base"), [(("Y", "Y"), Decimal(3)), (("Y", ""), None), (("", ""), None)])
def test_a_derived_finding_is_flagged_where_its_parts_of_the_sample_are(flags: tuple[str, str], base: Decimal | None):
    rows = [white(-3, "5.0", blfl=flags[0]), share(-3, 60, lobxfl=flags[1]), white(5, "3.0"), share(5, 50)]
    found = grade_participants([person(rows)], header("6.0", derive=["ANC"], baseline="flag"))["S-1"]
    assert [one.base for one in found if one.test == "NEUT"][-1] == base


def test_the_key_follows_from_the_keys_of_the_parts_whatever_their_values_and_order():
    rows = [white(5, "2.0", key="W"), share(5, 40, key="N")]
    (one,) = derived(rows, "NEUT")
    (other,) = derived([replace(rows[1], orres="45"), rows[0]], "NEUT")
    assert one.record.key == other.record.key
    assert one.value != other.value


def test_nothing_is_derived_that_the_study_does_not_name():
    rows = [white(5, "2.0"), share(5, 40), creatinine("1.5"), weight(5)]
    assert derived(rows, "NEUT", derive=[]) == []
    assert derived(rows, "NEUT", derive=["CREATCLR"]) == []
    assert len(derived(rows, "CREATCLR", derive=["CREATCLR"])) == 1


BOOK = (resources.files("rules.rulebooks") / "low_dose_il2_sle.toml").read_text(encoding="utf-8")
DERIVING = BOOK.replace("\nzero_dose =", '\nderive = ["ANC"]\nzero_dose =', 1)


def judged(rows: list[Finding], book: str = DERIVING):
    """What CYT-01 of the founding study says."""
    view = StudyView(participants=(person(rows),), feed=Feed(domains=frozenset({"LB", "DM", "EC", "VS"})))
    now = datetime(2014, 6, 1, tzinfo=UTC)
    said = evaluate(parse_rulebook(book, "t"), view, now, ZoneInfo("Asia/Shanghai"))
    assert not said.failures
    return [one for one in said.judgements if one.rule_id == "CYT-01"]


FELL = [white(-3, "5.0"), share(-3, 60), white(8, "2.0", version=7), share(8, "49.9", version=8)]


def test_a_derived_count_alarms_with_its_parts_as_evidence():
    (hit,) = judged(FELL)
    assert hit.answer is Answer.HIT
    assert hit.summary.startswith("Neutrophils (derived) 0.998 10^9/L on 2014-03-10: grade 3, baseline 3")
    worst = {one.key: (one.domain, one.version, dict(one.values)) for one in hit.evidence}
    assert worst["WBC/8/2.0"] == (
        "LB", 7, {"lbtestcd": "WBC", "lborres": "2.0", "lborresu": "10^9/L", "lbdtc": "2014-03-10"},
    )  # fmt: skip
    assert worst["NEUTLE/8/49.9"][1:] == (
        8, {"lbtestcd": "NEUTLE", "lborres": "49.9", "lborresu": "%", "lbdtc": "2014-03-10"},
    )  # fmt: skip
    assert set(worst) == {one.key for one in FELL}  # the baseline's parts too, and nothing that no row holds


def test_one_step_above_the_grade_the_same_story_is_another_answer():
    (hit,) = judged([*FELL[:2], white(8, "2.0"), share(8, 50)])
    assert "grade 2" in hit.summary
    assert judged([*FELL[:2], white(8, "5.0"), share(8, 59)]) == []


def test_a_fall_that_only_a_range_could_grade_cannot_be_evaluated():
    (unknown,) = judged([*FELL[:2], white(8, "3.6"), share(8, 50)])
    assert (unknown.answer, unknown.reason) == (Answer.NOT_EVALUABLE, f"Neutrophils: {Ungraded.NO_RANGE}")


def test_without_the_word_of_the_study_the_rule_is_blind_and_says_so():
    (blind,) = judged(FELL, BOOK)
    assert blind.answer is Answer.NOT_EVALUABLE
    assert blind.summary == "Neutrophils: never measured"


def test_a_standard_result_that_stood_in_is_the_evidence():
    rows = [white(8, "", "", stresc="2.0", stresu="10^9/L"), share(8, "20")]
    (hit,) = judged([*FELL[:2], *rows])
    (cells,) = [
        dict(one.values) for one in hit.evidence if dict(one.values)["lbtestcd"] == "WBC" and one.key == "WBC/8/"
    ]
    assert (cells["lbstresc"], cells["lbstresu"]) == ("2.0", "10^9/L")


def test_a_book_that_derives_says_so_in_words():
    words = " ".join(in_words(parse_rulebook(DERIVING, "t")).split())
    assert "Computed where a sample has no measured result, from results that are numbers and no limits: " in words
    assert "neutrophils, as white cells times the share of neutrophils in the same sample" in words
    assert "Cockcroft" not in words
    assert "Computed where" not in in_words(parse_rulebook(BOOK, "t"))


def watched(tmp_path: Path, store: Store) -> tuple[Trial, dict[str, dict[str, str]]]:
    """A trial that derives neutrophils, and its LB rows by test and day."""
    book = tmp_path / "deriving.toml"
    book.write_text(DERIVING, encoding="utf-8")
    trial = Trial(tmp_path / "in", store, make_study(tmp_path / "in", str(book)))
    trial.add("DM", USUBJID="S-1", RFXSTDTC="2014-03-03", AGE="50", SEX="M")
    rows = {}
    for test, unit, day, result in (
        ("WBC", "10^9/L", "2014-02-28", "5.0"), ("NEUTLE", "%", "2014-02-28", "60"),
        ("WBC", "10^9/L", "2014-03-10", "2.0"), ("NEUTLE", "%", "2014-03-10", "49.9"),
    ):  # fmt: skip
        rows[f"{test} {day}"] = trial.add(
            "LB", USUBJID="S-1", LBTESTCD=test, LBSPEC="BLOOD", LBORRES=result, LBORRESU=unit, LBDTC=day, VISIT=day
        )
    return trial, rows


def told(trial: Trial, day: str) -> list[tuple[str, str]]:
    """Sweep, and return the new decisions of CYT-01."""
    before = len(trial.decisions())
    trial.sweep(at(day))
    return [(one.action, one.reason) for one in trial.decisions()[before:] if one.rule_id == "CYT-01"]


def test_a_derived_alert_follows_the_corrections_of_its_parts(tmp_path: Path, store: Store):
    trial, rows = watched(tmp_path, store)
    assert [action for action, _ in told(trial, "2014-03-11")] == ["notify"]
    rows["NEUTLE 2014-03-10"]["LBORRES"] = "45"
    ((action, reason),) = told(trial, "2014-03-12")
    assert action == "amend"
    assert "lborres 45, was 49.9" in reason
    rows["NEUTLE 2014-03-10"]["LBORRES"] = "95"
    ((action, reason),) = told(trial, "2014-03-13")[:1]
    assert action == "retract"
    assert "lborres 95, was 45" in reason
    assert told(trial, "2014-03-14") == []


def test_a_measured_count_that_comes_later_is_told_and_the_derived_alert_stays_open(tmp_path: Path, store: Store):
    """It is another record, so another alert; the word of the retraction does not say yet that it took the place."""
    trial, _ = watched(tmp_path, store)
    told(trial, "2014-03-11")
    trial.add(
        "LB", USUBJID="S-1", LBTESTCD="NEUT", LBSPEC="BLOOD", LBORRES="0.9", LBORRESU="10^9/L", LBORNRLO="2.0",
        LBORNRHI="7.0", LBDTC="2014-03-10", VISIT="2014-03-10",
    )  # fmt: skip
    assert sorted(action for action, _ in told(trial, "2014-03-12")) == ["notify", "retract"]
    derived_one, measured = [one for one in trial.alerts() if one.rule_id == "CYT-01"]
    assert (derived_one.state, derived_one.standing) == ("open", False)
    assert (measured.state, measured.standing) == ("open", True)
    assert measured.summary.startswith("Neutrophils 0.9 10^9/L")
