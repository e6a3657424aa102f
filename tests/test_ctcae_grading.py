"""The grading engine: bounds and one step either side, clauses, what is missing, limits, and an independent oracle."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.ctcae.columns import ABOVE, AT_LEAST, AT_MOST, BELOW, EXACT, Samples, code, decimals
from rules.ctcae.criteria import criteria
from rules.ctcae.grade import HIGH, NORMAL, UNKNOWN, UNKNOWN_UNIT, Basis, Grade, Ungraded
from rules.ctcae.grading import grade
from rules.ctcae.identity import lab_tests


@pytest.fixture(autouse=True)
def _read_anew() -> None:
    """Read the table in each test: a rulebook that was loaded before has read it already."""
    criteria.cache_clear()


CENSORS = {"<": BELOW, "<=": AT_MOST, "": EXACT, ">=": AT_LEAST, ">": ABOVE}


def one(
    test: str,
    direction: str,
    value: float | None,
    unit: str = "10^9/L",
    *,
    version: str = "5.0",
    lln: float | None = None,
    uln: float | None = None,
    base: float | None = None,
    state: int = UNKNOWN,
    after: bool = True,
    censor: str = "",
    fault: Ungraded | None = None,
    fasting: bool | None = None,
    pchg: float | None = None,
) -> Grade:
    """Grade one row."""
    row = sample(test, value, unit, lln, uln, base, state, after, censor, fault, fasting, pchg)
    return grade(version, direction, row).at(0)


def sample(
    test: str,
    value: float | None,
    unit: str = "10^9/L",
    lln: float | None = None,
    uln: float | None = None,
    base: float | None = None,
    state: int = UNKNOWN,
    after: bool = True,
    censor: str = "",
    fault: Ungraded | None = None,
    fasting: bool | None = None,
    pchg: float | None = None,
) -> Samples:
    """Return the columns of one row."""

    def column(number: float | None):
        return np.array([np.nan if number is None else number], np.float64)

    return Samples(
        groups=[(test, unit)],
        group=np.zeros(1, np.intp),
        value=column(value),
        censor=np.array([CENSORS[censor]], np.int8),
        fault=np.array([code(fault)], np.int8),
        lln=column(lln),
        uln=column(uln),
        base=column(base),
        base_state=np.array([state], np.int8),
        after=np.array([after]),
        fasting=None if fasting is None else np.array([fasting], np.int8),
        pchg=None if pchg is None else column(pchg),
    )


def together(*rows: Samples) -> Samples:
    """Return single rows of one test and unit as one group."""
    columns = ("group", "value", "censor", "fault", "lln", "uln", "base", "base_state", "after")
    return Samples(
        groups=rows[0].groups, **{name: np.concatenate([getattr(row, name) for row in rows]) for name in columns}
    )


@pytest.mark.parametrize(
    ("test", "version", "lln", "steps"),
    [
        ("WBC", "5.0", 4, [(4, 0), (3.99, 1), (3, 1), (2.99, 2), (2, 2), (1.99, 3), (1, 3), (0.99, 4), (0, 4)]),
        ("WBC", "6.0", 4, [(4, 0), (3.99, 1), (3, 1), (2.99, 2), (2, 2), (1.99, 3), (1, 3), (0.99, 4)]),
        ("NEUT", "5.0", 2, [(2, 0), (1.99, 1), (1.5, 1), (1.49, 2), (1, 2), (0.99, 3), (0.5, 3), (0.49, 4)]),
        ("NEUT", "6.0", 2, [(1.5, 0), (1.49, 1), (1, 1), (0.99, 2), (0.5, 2), (0.49, 3), (0.1, 3), (0.09, 4)]),
        ("PLAT", "5.0", 150, [(150, 0), (149, 1), (75, 1), (74, 2), (50, 2), (49, 3), (25, 3), (24.9, 4)]),
        ("PLAT", "6.0", 150, [(150, 0), (149, 1), (75, 1), (74, 2), (50, 2), (49, 3), (20, 3), (10, 3), (9.9, 4)]),
        ("LYM", "5.0", 1, [(1, 0), (0.99, 1), (0.8, 1), (0.79, 2), (0.5, 2), (0.49, 3), (0.2, 3), (0.19, 4)]),
    ],
)
def test_falling_counts(test: str, version: str, lln: float, steps: list[tuple[float, int]]):
    for value, expected in steps:
        assert one(test, "L", value, version=version, lln=lln).grade == expected, value


@pytest.mark.parametrize(
    ("unit", "lln", "steps"),
    [
        ("g/dL", 12, [(12, 0), (11.9, 1), (10, 1), (9.9, 2), (8, 2), (7.9, 3), (2, 3)]),
        ("g/L", 120, [(120, 0), (119, 1), (100, 1), (99, 2), (80, 2), (79, 3)]),
        ("mmol/L", 7.45, [(7.45, 0), (7.4, 1), (6.2, 1), (6.19, 2), (4.9, 2), (4.89, 3)]),
    ],
)
def test_haemoglobin_in_each_unit_as_written(unit: str, lln: float, steps: list[tuple[float, int]]):
    for value, expected in steps:
        assert one("HGB", "L", value, unit, lln=lln).grade == expected, value


def test_haemoglobin_between_the_units_is_not_converted():
    assert one("HGB", "L", 7.95, "g/dL").grade == 3
    assert one("HGB", "L", 4.934, "mmol/L").grade == 2  # the same concentration, another cut-point


def test_a_unit_without_a_criterion_of_its_own_is_converted_and_said():
    answer = one("HGB", "H", 11.0, "mmol/L", uln=10.0)  # 1 mmol/L is 1.61 g/dL above ULN
    assert (answer.grade, answer.basis) == (1, Basis.ULN)
    assert "converted" in answer.note


def test_counts_per_microlitre_have_their_own_lines():
    assert one("PLAT", "L", 49999, "/mm3", lln=150000).grade == 3
    assert one("PLAT", "L", 50000, "/mm3", lln=150000).grade == 2


@pytest.mark.parametrize(
    ("value", "expected"), [(45, 0), (45.1, 1), (135, 1), (135.1, 2), (225, 2), (225.1, 3), (900, 3), (900.1, 4)]
)
def test_alt_on_the_range(value: float, expected: int):
    assert one("ALT", "H", value, "U/L", uln=45, base=45).grade == expected


@pytest.mark.parametrize(
    ("version", "steps"),
    [
        ("5.0", [(50, 0), (149.9, 0), (150, 1), (300, 1), (300.1, 2), (500, 2), (500.1, 3), (2000, 3), (2000.1, 4)]),
        ("6.0", [(99.9, 0), (100, 1), (150, 1), (150.1, 2), (200, 2), (200.1, 3), (400, 3), (400.1, 4)]),
    ],
)
def test_alt_on_the_baseline_when_that_was_high(version: str, steps: list[tuple[float, int]]):
    for value, expected in steps:
        answer = one("ALT", "H", value, "U/L", version=version, uln=45, base=100)
        assert answer.grade == expected, value
        assert answer.basis is (Basis.BASELINE if expected else Basis.NONE)


def test_the_baseline_sample_itself_and_earlier_ones_are_graded_on_the_range():
    answer = one("ALT", "H", 100, "U/L", version="6.0", uln=45, base=100, after=False)
    assert (answer.grade, answer.basis) == (1, Basis.ULN)


def test_a_baseline_at_uln_is_normal_and_its_own_range_decides():
    assert one("ALT", "H", 100, "U/L", uln=45, base=45).grade == 1
    assert one("ALT", "H", 100, "U/L", uln=45, base=60, state=NORMAL).grade == 1  # normal where it was taken
    assert one("ALT", "H", 80, "U/L", uln=45, base=60, state=HIGH).grade == 0


def test_a_low_baseline_is_not_abnormal_here():
    assert one("ALT", "H", 46, "U/L", lln=10, uln=45, base=5).basis is Basis.ULN


def test_a_baseline_flagged_high_without_a_value_falls_back_to_uln_and_says_so():
    answer = one("ALT", "H", 901, "U/L", uln=45, state=HIGH)
    assert answer.grade == 4
    assert "baseline flagged high" in answer.note


def test_no_baseline_is_said_and_the_range_stands():
    answer = one("ALT", "H", 300, "U/L", uln=45)
    assert answer.grade == 3
    assert "no usable baseline" in answer.note


def test_creatinine_takes_the_worse_of_both_in_v5():
    assert one("CREAT", "H", 151, "umol/L", uln=110, base=100).grade == 2
    assert one("CREAT", "H", 150, "umol/L", uln=110, base=100).grade == 1
    assert one("CREAT", "H", 301, "umol/L", uln=110, base=100).basis is Basis.BASELINE
    assert one("CREAT", "H", 661, "umol/L", uln=110, base=600).grade == 4  # by ULN, although close to baseline
    assert one("CREAT", "H", 80, "umol/L", uln=110, base=40).grade == 2  # inside the range, doubled


def test_creatinine_counts_the_baseline_in_v6_only_when_that_was_low():
    assert one("CREAT", "H", 80, "umol/L", version="6.0", lln=45, uln=110, base=40).grade == 2
    assert one("CREAT", "H", 80, "umol/L", version="6.0", lln=45, uln=110, base=45).grade == 0


def test_eosinophils_must_also_be_above_baseline_once_there_is_one():
    assert one("EOS", "H", 0.7, uln=0.5, base=0.6).grade == 1
    assert one("EOS", "H", 0.6, uln=0.5, base=0.6).grade == 0
    assert one("EOS", "H", 0.6, uln=0.5, base=0.6, after=False).grade == 1
    answer = one("EOS", "H", 0.7, uln=0.5)
    assert (answer.grade, answer.ungraded, answer.lowest, answer.highest) == (None, Ungraded.NO_BASELINE, 0, 1)
    assert one("EOS", "H", 0.5, uln=0.5).grade == 0  # no baseline could change this


def test_alp_in_v6_has_grade_1_only():
    assert one("ALP", "H", 9000, "U/L", version="6.0", uln=100, base=90).grade == 1


def test_three_times_1_1_is_3_3():
    assert one("ALT", "H", 3.3, "U/L", uln=1.1, base=1).grade == 1
    assert one("ALT", "H", 3.3000000000000003, "U/L", uln=1.1, base=1).grade == 1  # a float's tail moves no grade
    assert one("ALT", "H", 3.30000000000001, "U/L", uln=1.1, base=1).grade == 2


def test_a_missing_range_leaves_the_absolute_grades():
    assert one("PLAT", "L", 60).grade == 2
    answer = one("PLAT", "L", 80)
    assert (answer.grade, answer.ungraded, answer.lowest, answer.highest) == (None, Ungraded.NO_RANGE, 0, 1)
    assert one("ALT", "H", 5000, "U/L").ungraded is Ungraded.NO_RANGE


def test_a_missing_or_foreign_unit_stops_absolute_criteria_and_no_multiples():
    assert one("PLAT", "L", 20, "", lln=150).ungraded is Ungraded.NO_UNIT
    assert one("PLAT", "L", 20, UNKNOWN_UNIT, lln=150).ungraded is Ungraded.UNKNOWN_UNIT
    assert one("ALT", "H", 300, "", uln=45, base=40).grade == 3
    assert one("HGB", "H", 18, "", uln=16).ungraded is Ungraded.NO_UNIT  # grams above ULN are absolute


@pytest.mark.parametrize(
    ("censor", "value", "lowest", "highest"),
    [("<", 25, 4, 4), ("<", 25.1, 3, 4), ("<=", 25, 3, 4), ("<", 50, 3, 4), ("<", 300, 0, 4),
     (">", 150, 0, 0), (">=", 150, 0, 0), (">", 149, 0, 1), (">=", 75, 0, 1), (">", 49, 0, 3)],
)  # fmt: skip
def test_a_limit_has_a_grade_only_where_all_of_it_has_one(censor: str, value: float, lowest: int, highest: int):
    answer = one("PLAT", "L", value, lln=150, censor=censor)
    assert (answer.lowest, answer.highest) == (lowest, highest)
    assert answer.grade == (lowest if lowest == highest else None)
    assert answer.ungraded is (None if lowest == highest else Ungraded.CENSORED)


def test_a_limit_upwards():
    assert one("ALT", "H", 900, "U/L", uln=45, base=40, censor=">").grade == 4
    assert one("ALT", "H", 900, "U/L", uln=45, base=40, censor=">=").lowest == 3
    assert one("ALT", "H", 45, "U/L", uln=45, base=40, censor="<=").grade == 0


def test_a_limit_is_graded_by_the_line_that_gave_the_grade_of_its_milder_end():
    rise = one("QTCB", "H", 225, "ms", base=150, censor=">")  # 225 is 75 ms up: grade 3, whatever it truly is
    assert (rise.grade, rise.basis) == (3, Basis.BASELINE)
    below = one("FIBRINO", "L", 300, "g/L", base=1, censor="<")  # may be normal
    assert (below.grade, below.lowest, below.highest, below.basis) == (None, 0, 4, Basis.NONE)


@pytest.mark.parametrize("fault", [Ungraded.NO_RESULT, Ungraded.TEXT_RESULT, Ungraded.SUSPECT])
def test_what_is_no_number_has_no_grade(fault: Ungraded):
    answer = one("PLAT", "L", None, lln=150, fault=fault)
    assert (answer.grade, answer.ungraded, answer.lowest, answer.highest) == (None, fault, 0, 4)


def test_a_criterion_that_is_not_in_the_table_is_said_to_be_that():
    pressure = one("SYSBP", "H", 150, "mmHg", version="4.03")
    assert (pressure.term, pressure.grade, pressure.ungraded) == ("Hypertension", None, Ungraded.NOT_IN_TABLE)


def test_a_conversion_is_noted_beside_a_missing_baseline():
    answer = one("HGB", "H", 12, "mmol/L", version="4.03", uln=10)
    assert answer.note == "converted to a unit of the criteria; no usable baseline: graded on the range alone"


def test_no_criterion_and_no_number_are_different_answers():
    assert one("PLAT", "H", 900, uln=400).ungraded is Ungraded.NO_CRITERION
    lymphopenia = one("LYM", "L", 0.4, version="6.0", lln=1)
    assert (lymphopenia.term, lymphopenia.ungraded, lymphopenia.highest) == ("Lymphopenia", Ungraded.NO_NUMBER, 1)


@pytest.mark.parametrize(
    ("value", "base", "expected"),
    [(1.0, 1.0, 0), (0.99, 1.0, 1), (0.751, 1.0, 1), (0.75, 1.0, 2), (0.501, 1.0, 2), (0.5, 1.0, 3),
     (1.3, 4.0, 3), (1.0, 4.0, 4)],
)  # fmt: skip
def test_a_fall_from_baseline_is_graded_from_the_values_where_no_change_is_reported(value, base, expected):
    assert one("FIBRINO", "L", value, "g/L", version="4.03", lln=0.9, base=base).grade == expected


def test_a_reported_change_decides_and_a_limit_has_none():
    assert one("FIBRINO", "L", 1.0, "g/L", version="4.03", lln=0.9, base=1.0, pchg=-25.0).grade == 2
    assert one("FIBRINO", "L", 1.0, "g/L", version="4.03", lln=0.9, base=1.0, pchg=-24.9).grade == 1
    limit = one("FIBRINO", "L", 1.0, "g/L", version="4.03", lln=0.9, base=1.0, pchg=-25.0, censor="<=")
    assert (limit.lowest, limit.highest) == (0, 4)


def test_without_a_baseline_an_or_baseline_may_only_make_grade_0_worse():
    missing = one("FIBRINO", "L", 1.0, "g/L", version="4.03", lln=0.9)
    assert (missing.grade, missing.ungraded, missing.highest) == (None, Ungraded.NO_BASELINE, 4)
    assert one("FIBRINO", "L", 0.8, "g/L", version="4.03", lln=0.9).grade == 1
    assert one("FIBRINO", "L", 1.0, "g/L", version="4.03", lln=0.9, after=False).grade == 0


def test_what_is_meant_after_baseline_is_not_asked_of_the_baseline_itself():
    assert one("WEIGHT", "L", 80, "kg", base=100).grade == 3
    assert one("WEIGHT", "L", 80, "kg", base=100, after=False).grade == 0


def test_a_number_that_only_opens_a_grade_does_not_decide_it():
    below = one("CREATCLR", "L", 9.9, "mL/min", version="6.0", lln=90)
    assert (below.grade, below.ungraded, below.lowest, below.highest) == (None, Ungraded.NO_NUMBER, 3, 4)
    assert one("CREATCLR", "L", 10, "mL/min", version="6.0", lln=90).grade == 3
    limit = one("CREATCLR", "L", 30, "mL/min", version="6.0", lln=90, censor="<")
    assert (limit.lowest, limit.highest, limit.ungraded) == (2, 4, Ungraded.CENSORED)


@pytest.mark.parametrize("fasting", [True, False, None])
def test_glucose_above_uln_is_graded_1_and_2_in_a_fasting_sample_only(fasting: bool | None):
    answer = one("GLUC", "H", 9.5, "mmol/L", version="4.03", uln=6.1, fasting=fasting)
    assert answer.grade == (None if fasting is None else 2 if fasting else 0)
    assert answer.ungraded is (Ungraded.NO_FASTING if fasting is None else None)
    assert one("GLUC", "H", 14, "mmol/L", version="4.03", uln=6.1, fasting=fasting).grade == 3


def test_an_undecided_result_is_put_down_to_what_is_missing():
    assert one("GLUC", "H", 9.5, "mmol/L", version="4.03", uln=6.1, censor="<=").ungraded is Ungraded.CENSORED
    assert one("FIBRINO", "L", 1.0, "g/L", version="4.03", censor="<").ungraded is Ungraded.NO_RANGE
    assert one("EOS", "H", 0.7, uln=0.5, censor=">=").ungraded is Ungraded.CENSORED
    assert one("EOS", "H", 0.7).ungraded is Ungraded.NO_RANGE


def test_a_sum_above_the_range_is_calculated_in_decimals():
    for uln, top in ((12.002, 16.002), (12.001, 16.001)):  # 4 more is a float's tail above one and below the other
        assert one("HGB", "H", top, "g/dL", uln=uln).grade == 2
        assert one("HGB", "H", top + 0.001, "g/dL", uln=uln).grade == 3


def test_of_two_criteria_of_one_grade_the_first_gave_it():
    assert one("CREAT", "H", 200, "umol/L", uln=110, base=100).basis is Basis.ULN


def test_rows_graded_together_are_graded_as_each_alone():
    rows = [
        sample("ALT", value, "U/L", lln=lln, uln=uln, base=base, after=after, censor=censor)
        for value in (20.0, 45.0, 46.0, 150.0, 1000.0)
        for lln, uln in ((10.0, 45.0), (None, 45.0), (10.0, None), (None, None))
        for base in (None, 5.0, 40.0, 100.0)
        for after in (True, False)
        for censor in CENSORS
    ]
    for version in ("4.03", "5.0", "6.0"):
        answers = grade(version, "H", together(*rows))
        assert [answers.at(place) for place in range(len(rows))] == [grade(version, "H", row).at(0) for row in rows]


def test_what_each_row_lacks_is_said_of_that_row():
    rows = [
        sample("ALT", 60.0, "U/L", uln=45.0, censor=">="),
        sample("ALT", 60.0, "U/L"),
        sample("ALT", 60.0, "U/L", uln=45.0),
    ]
    answers = grade("5.0", "H", together(*rows))
    assert [answers.at(place).ungraded for place in range(3)] == [Ungraded.CENSORED, Ungraded.NO_RANGE, None]


def test_what_the_number_hides_is_noted():
    assert "transfusion" in one("HGB", "L", 7, "g/dL", lln=12).note
    assert one("HGB", "L", 9, "g/dL", lln=12).note == ""


def test_inside_a_low_range_the_text_stands_literally():
    assert one("WBC", "L", 2.9, lln=2.8).grade == 2


@pytest.mark.parametrize("version", ["5.0", "6.0"])
def test_every_criterion_names_a_known_test_and_unit(version: str):
    for (test, _), lines in criteria(version).items():
        assert test in lab_tests()
        assert {line.unit for line in lines} <= {*lab_tests()[test].units, ""}


FALLS = {
    ("WBC", "5.0"): ("LLN", "3", "2", "1"),
    ("WBC", "6.0"): ("LLN", "3", "2", "1"),
    ("NEUT", "5.0"): ("LLN", "1.5", "1", "0.5"),
    ("NEUT", "6.0"): ("1.5", "1", "0.5", "0.1"),
    ("PLAT", "5.0"): ("LLN", "75", "50", "25"),
    ("PLAT", "6.0"): ("LLN", "75", "50", "10"),
    ("LYM", "5.0"): ("LLN", "0.8", "0.5", "0.2"),
    ("HGB", "5.0"): ("LLN", "100", "80"),
    ("HGB", "6.0"): ("LLN", "100", "80"),
}
# Multiples of ULN, multiples of a high baseline, and whether the first of these is inclusive.
RISES = {
    ("ALT", "5.0"): ("1 3 5 20", "1.5 3 5 20", True),
    ("ALT", "6.0"): ("1 3 5 20", "1 1.5 2 4", True),
    ("AST", "5.0"): ("1 3 5 20", "1.5 3 5 20", True),
    ("AST", "6.0"): ("1 3 5 20", "1 1.5 2 4", True),
    ("ALP", "5.0"): ("1 2.5 5 20", "2 2.5 5 20", True),
    ("GGT", "5.0"): ("1 2.5 5 20", "2 2.5 5 20", True),
    ("GGT", "6.0"): ("1 2.5 5 20", "1 1.5 3 10", True),
    ("BILI", "5.0"): ("1 1.5 3 10", "1 1.5 3 10", False),
    ("BILI", "6.0"): ("1 1.5 3 10", "1 1.5 2.5 10", True),
}


def _naive(test: str, version: str, value: Decimal, lln: Decimal, uln: Decimal, base: Decimal | None) -> int:
    """An independent reading of the criteria for one row in which nothing is missing but perhaps a baseline."""
    if (test, version) in FALLS:
        cuts = [lln if cut == "LLN" else Decimal(cut) for cut in FALLS[test, version]]
        return max((level for level, cut in enumerate(cuts, start=1) if value < cut), default=0)
    if test == "CREAT":
        by_base = 0
        if base is not None and (version == "5.0" or base < lln):
            by_base = 3 if value > base * 3 else 2 if value > base * Decimal("1.5") else 0
        return max(by_base, sum(value > uln * Decimal(k) for k in ("1", "1.5", "3", "6")))
    by_uln, by_base_text, inclusive = RISES[test, version]
    if base is None or base <= uln:
        return sum(value > uln * Decimal(k) for k in by_uln.split())
    first, *others = (base * Decimal(k) for k in by_base_text.split())
    return (value > first or (inclusive and value == first)) + sum(value > cut for cut in others)


UNITS = {"HGB": "g/L", "ALT": "U/L", "AST": "U/L", "ALP": "U/L", "GGT": "U/L", "BILI": "umol/L", "CREAT": "umol/L"}
MULTIPLES = ["0.5", "1", "1.5", "2", "2.5", "3", "4", "5", "6", "10", "20"]


@st.composite
def _rows(draw):
    test = draw(st.sampled_from(["WBC", "NEUT", "PLAT", "LYM", "HGB", "ALT", "AST", "ALP", "GGT", "BILI", "CREAT"]))
    places = st.integers(min_value=1, max_value=30000).map(lambda n: Decimal(n) / 100)
    lln, uln = sorted(draw(st.lists(places, min_size=2, max_size=2, unique=True)))
    base = draw(st.none() | places)
    anchor = draw(st.sampled_from([lln, uln, base or uln]))
    near = st.sampled_from(MULTIPLES).map(lambda m: anchor * Decimal(m))
    value = draw(places | near) + draw(st.sampled_from([Decimal(0), Decimal("0.01"), Decimal("-0.01")]))
    return test, max(value, Decimal(0)), lln, uln, base, draw(st.booleans())


def _disagreements(rows, version: str) -> list[object]:
    """Grade rows of (test, value, lln, uln, base, after) in one call; return those that the oracle grades otherwise."""
    known = [row for row in rows if (row[0], version) in FALLS or (row[0], version) in RISES or row[0] == "CREAT"]
    groups = {test: number for number, test in enumerate(dict.fromkeys(row[0] for row in known))}

    def column(index: int):
        return np.array([np.nan if row[index] is None else float(row[index]) for row in known])

    samples = Samples(
        groups=[(test, UNITS.get(test, "10^9/L")) for test in groups],
        group=np.array([groups[row[0]] for row in known], np.intp),
        value=column(1),
        censor=np.full(len(known), EXACT, np.int8),
        fault=np.full(len(known), code(None), np.int8),
        lln=column(2),
        uln=column(3),
        base=column(4),
        base_state=np.full(len(known), UNKNOWN, np.int8),
        after=np.array([row[5] for row in known], np.bool_),
    )
    answers = {direction: grade(version, direction, samples) for direction in ("L", "H")}
    return [
        (row, answer, expected)
        for number, row in enumerate(known)
        if (answer := answers["L" if (row[0], version) in FALLS else "H"].at(number)).grade
        != (expected := _naive(row[0], version, *row[1:4], row[4] if row[5] else None))
    ]


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(_rows(), min_size=1, max_size=40), version=st.sampled_from(["5.0", "6.0"]))
def test_agrees_with_a_reading_row_by_row(rows, version: str):
    assert not _disagreements(rows, version)


@pytest.mark.parametrize("version", ["5.0", "6.0"])
def test_agrees_at_every_multiple_and_one_step_either_side(version: str):
    lln, uln = Decimal("0.7"), Decimal("1.1")
    rows = [
        (test, anchor * Decimal(multiple) + step, lln, uln, base, True)
        for test in ("ALT", "AST", "ALP", "GGT", "BILI", "CREAT")
        for base in (None, Decimal("0.3"), Decimal("0.9"), uln, Decimal("3.7"))
        for anchor in (uln, base or lln)
        for multiple in MULTIPLES
        for step in (Decimal("-0.001"), Decimal(0), Decimal("0.001"))
    ]
    wrong = _disagreements(rows, version)
    assert not wrong, f"{len(wrong)} of {len(rows)}, first: {wrong[0]}"


@settings(max_examples=100, deadline=None)
@given(
    censor=st.sampled_from(["<", "<=", ">", ">="]),
    value=st.integers(0, 400),
    inside=st.integers(0, 10000),
    lln=st.none() | st.integers(60, 200),
)
def test_a_limit_never_excludes_the_grade_of_what_it_may_be(censor: str, value: int, inside: int, lln: int | None):
    truth = {"<": value - 1 - inside, "<=": value - inside, ">": value + 1 + inside, ">=": value + inside}[censor]
    if truth < 0:
        return
    limit = one("PLAT", "L", value, lln=lln, censor=censor)
    exact = one("PLAT", "L", truth, lln=lln)
    assert limit.lowest <= exact.lowest
    assert exact.highest <= limit.highest


def test_rounding_to_15_digits_is_exact_and_keeps_what_is_missing():
    tails = np.array([0.1 + 0.2, 3 * 1.1, 1.2000000000000002, np.nan, np.inf])
    assert decimals(tails).tolist()[:3] == [0.3, 3.3, 1.2]
    assert np.isnan(decimals(tails)[3])
    assert np.isinf(decimals(tails)[4])


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.floats(allow_nan=False, allow_infinity=False),
            st.builds(lambda number, power: number * 10.0**power, st.floats(-10, 10), st.integers(-12, 17)),
            st.builds(
                lambda whole, places: (whole + 0.5) / 10**places, st.integers(10**14, 10**15), st.integers(0, 22)
            ),
            st.decimals(-100_000_000, 100_000_000, places=7).map(float),
            st.tuples(st.integers(0, 10**15), st.integers(0, 16), st.integers(-3, 3)).map(
                lambda part: part[0] / 10 ** part[1] * (1 + part[2] * 2.220446049250313e-16)
            ),
        ),
        min_size=1,
    )
)
def test_rounding_in_columns_is_rounding_one_by_one(values: list[float]):
    assert decimals(np.array(values)).tolist() == [float(f"{value:.15g}") for value in values]


def test_a_copy_of_graded_samples_with_other_values_is_graded_by_its_own():
    platelets = Samples(
        groups=[("PLAT", "10^9/L")], group=np.array([0]), value=np.array([200.0]),
        censor=np.array([EXACT], np.int8), fault=np.array([code(None)], np.int8), lln=np.array([150.0]),
        uln=np.array([400.0]), base=np.array([np.nan]), base_state=np.array([UNKNOWN], np.int8),
        after=np.array([False]),
    )  # fmt: skip
    assert grade("5.0", "L", platelets).grade.tolist() == [0]
    assert grade("5.0", "L", replace(platelets, value=np.array([20.0]))).grade.tolist() == [4]


def test_a_foreign_unit_stops_a_multiple_of_the_baseline_beside_an_absolute_criterion():
    answer = one("INR", "H", 85, UNKNOWN_UNIT, lln=70, uln=120, base=1)  # prothrombin activity in percent
    assert (answer.grade, answer.ungraded, answer.highest) == (None, Ungraded.UNKNOWN_UNIT, 3)
    assert one("INR", "H", 1.4, "", uln=1.1, base=1.2).grade == 1  # a ratio needs no unit
