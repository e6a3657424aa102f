"""Lab results as rules see them: how texts are read, what test they are, before or after the dose, which baseline."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from rules.ctcae.grade import UNKNOWN_UNIT, Basis, Ungraded
from rules.ctcae.identity import identify, lab_tests
from rules.ctcae.result import read_limit, read_result
from rules.dtc import Dtc
from rules.exposure import dosing_ended, first_dose, may_be_dosed
from rules.graded import grade_participants
from rules.records import Disposition, Dose, Participant, Subject
from rules.unknown_tests import unknown_tests
from tests.lab_stories import graded, header, on, participant, sample


@pytest.mark.parametrize(
    ("text", "value", "censor"),
    [
        ("5.0", "5.0", ""), (" 5 ", "5", ""), (".32", "0.32", ""), ("0", "0", ""), ("+3", "3", ""), ("1e2", "100", ""),
        ("<40", "40", "<"), ("< 0.2", "0.2", "<"), ("＜0.2", "0.2", "<"), (">=500", "500", ">="), ("≤5", "5", "<="),
        ("５．１", "5.1", ""), ("1.2000000000000002", "1.2", ""),
    ],
)  # fmt: skip
def test_numbers_and_limits_are_read(text: str, value: str, censor: str):
    reading = read_result(text)
    assert (reading.value, reading.censor, reading.fault) == (Decimal(value), censor, None)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", Ungraded.NO_RESULT), ("NOT DONE", Ungraded.NO_RESULT), ("N", Ungraded.TEXT_RESULT),
        ("1,234", Ungraded.TEXT_RESULT), ("5,3", Ungraded.TEXT_RESULT), ("5.0 H", Ungraded.TEXT_RESULT),
        ("NaN", Ungraded.TEXT_RESULT), ("inf", Ungraded.TEXT_RESULT), ("<", Ungraded.TEXT_RESULT),
        ("5e-79", Ungraded.SUSPECT), ("1e-300", Ungraded.SUSPECT), ("-5", Ungraded.SUSPECT),
        ("1e300", Ungraded.SUSPECT),
    ],
)  # fmt: skip
def test_what_is_no_number_says_why(text: str, fault: Ungraded):
    assert (read_result(text).value, read_result(text).fault) == (None, fault)


def test_a_range_end_must_be_a_plain_number():
    assert read_limit("45") == 45
    assert read_limit("<45") is None
    assert read_limit("") is None


@pytest.mark.parametrize(
    ("testcd", "spec", "name", "test"),
    [
        ("PLAT", "", "Platelets", "PLAT"), ("PLT", "BLOOD", "", "PLAT"), ("anc", "", "", "NEUT"),
        ("NEUTSG", "WHOLE BLOOD", "", "NEUT"), ("CREAT", "SERUM", "", "CREAT"),
        ("CREAT", "SERUM OR PLASMA", "", "CREAT"),
        ("CREAT", "血清", "", "CREAT"), ("CREAT", "URINE", "", None), ("CREAT", "尿", "", None),
        ("CREAT", "", "Creatinine, Urine", None), ("PH", "", "", None),
            ("LYMLE", "", "Lymphocytes/Leukocytes", "LYMLE"),
            ("PH", "BLOOD", "", "PH"), ("PH", "URINE", "", None), ("PH", "", "pH URINALYSIS", None),
            ("PROT", "", "Protein", "PROT"), ("PROT", "", "Protein URINALYSIS", "PROTU"), ("HCG", "URINE", "", "HCGU"),
            ("URATE", "", "尿酸", "URATE"), ("UREAN", "", "血尿素氮", "UREAN"), ("UREAN", "尿", "尿素氮", None),
            ("PO2", "", "", None), ("PO2", "VENOUS BLOOD", "", None), ("PO2", "ARTERIAL BLOOD", "", "PO2"),
            ("PAO2", "", "", "PO2"), ("PH", "动脉血", "", "PH"),
            ("WBC", "CSF", "", None), ("XYZ", "", "", None), ("XYZ", "NEW", "", None),
            ("PLAT", "EDTA", "", "PLAT"), ("PLAT", "VENOUS", "", "PLAT"), ("GLUC", "CAPILLARY", "", "GLUC"),
            ("HGB", "WHOLE", "", "HGB"), ("PO2", "ARTERIAL", "", "PO2"), ("WBC", "BONE MARROW", "", None),
            ("PLAT", "NEW", "", "PLAT"), ("CREAT", "NEW", "", "CREAT"), ("PROTU", "NEW", "", "PROTU"),
    ],
)  # fmt: skip
def test_code_specimen_and_name_together_are_the_test(testcd: str, spec: str, name: str, test: str | None):
    assert identify("LB", testcd, spec, name) == test


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ("", None), ("EDTA", None), ("VENOUS", None), ("CAPILLARY", None), ("WHOLE", None), ("ARTERIAL", None),
        ("LILAC TUBE", Ungraded.UNKNOWN_SPECIMEN),
    ],
)  # fmt: skip
def test_a_result_of_an_unknown_specimen_is_not_lost_and_not_read(spec: str, fault: Ungraded | None):
    (lab,) = graded([sample("PLAT", 5, "20", spec=spec)])
    assert (lab.test, lab.fault, lab.value) == ("PLAT", fault, None if fault else 20)
    (absent,) = graded([sample("PLAT", 5, "", spec=spec)])
    assert absent.fault is Ungraded.NO_RESULT


def test_a_fraction_filed_under_a_count_is_not_a_count():
    (lab,) = graded([sample("LYM", 5, "0.05", "FRACTION", "0.22", "0.44")])
    assert lab.unit == UNKNOWN_UNIT
    assert lab.low.ungraded is Ungraded.UNKNOWN_UNIT


def test_urine_is_left_out():
    assert graded([sample("CREAT", 5, "90", "mg/dL", spec="URINE")]) == ()


def test_the_standard_result_stands_in_where_the_original_is_blank():
    row = sample("PLAT", 5, "", "", stresc="38", stresu="10^9/L", stnrlo="150", stnrhi="400")
    (lab,) = graded([row])
    assert (lab.low.grade, lab.result, lab.reported_unit) == (3, "38", "10^9/L")


@pytest.mark.parametrize(
    ("original", "unit", "standard", "number", "standard_unit", "value", "fault"),
    [
        ("20 *", "10^9/L", "20", "20", "10^9/L", 20, None),
        ("see comment", "", "20 *", "20", "10^9/L", 20, None),
        ("20", "", "20", "20", "10^9/L", 20, None),  # a number without a unit cannot be graded, the standard one can
        ("21", "10^9/L", "20", "20", "10^9/L", 21, None),
        ("21", "%", "20", "20", "10^9/L", 21, None),  # a percentage is not a count, whatever was made of it
        ("clumped", "10^9/L", "clumped", "", "10^9/L", None, Ungraded.TEXT_RESULT),
        ("clumped", "10^9/L", "20", "20", "", None, Ungraded.TEXT_RESULT),
        ("ND", "", "", "", "", None, Ungraded.NO_RESULT),
    ],
)
def test_the_standard_result_stands_in_where_only_that_can_be_graded(
    original: str, unit: str, standard: str, number: str, standard_unit: str, value: int | None, fault: Ungraded | None
):
    row = sample("PLAT", 5, original, unit, stresc=standard, stresn=number, stresu=standard_unit)
    (lab,) = graded([row])
    assert (lab.value, lab.fault) == (value, fault)


@pytest.mark.parametrize(
    ("standard_unit", "value", "unit"),
    [("10^9/L", 38, "10^9/L"), ("furlongs", 38000, UNKNOWN_UNIT), ("", 38000, UNKNOWN_UNIT)],
)
def test_the_standard_result_stands_in_for_an_original_one_in_an_unknown_unit(
    standard_unit: str, value: int, unit: str
):
    row = sample("PLAT", 5, "38000", "Stk/cmm3", stresc="38", stresn="38", stresu=standard_unit, stnrlo="150")
    (lab,) = graded([row])
    assert (lab.value, lab.unit) == (value, unit)


@pytest.mark.parametrize(
    ("low", "high", "lln", "uln"),
    [
        ("150", "400", 150, 400), ("400", "150", None, None), ("0", "0", None, None),
        ("", "0", None, None), ("0", "0.5", 0, Decimal("0.5")), ("40", "40", 40, 40), ("150", "", 150, None),
    ],
)  # fmt: skip
def test_what_cannot_be_a_range_is_none(low: str, high: str, lln: object, uln: object):
    (lab,) = graded([sample("PLAT", 5, "200", low=low, high=high)])
    assert (lab.lln, lab.uln) == (lln, uln)


@pytest.mark.parametrize(("test", "unit", "base"), [("PLAT", "10^9/L", 200), ("ALT", "U/L", 40)])
@pytest.mark.parametrize("method", ["last-predose", "flag"])
@pytest.mark.parametrize("keys", [("a", "b"), ("b", "a")])
def test_of_two_results_at_one_moment_the_one_that_hides_least_is_the_baseline(
    test: str, unit: str, base: int, method: str, keys: tuple[str, str]
):
    pair = [sample(test, -3, value, unit, key=key, blfl="Y") for value, key in zip((200, 40), keys, strict=True)]
    rows = [sample(test, -9, 100, unit), *pair, sample(test, 8, 90, unit)]
    assert graded(rows, baseline=method)[-1].base == base


def test_two_results_at_one_moment_are_compared_in_one_unit():
    rows = [sample("PLAT", -3, 200), sample("PLAT", -3, 90000, "/uL"), sample("PLAT", 8, 90)]
    assert graded(rows)[-1].base == 200


@pytest.mark.parametrize("method", ["last-predose", "flag"])
@pytest.mark.parametrize(
    ("condition", "base"),
    [
        ("", 30), ("CLUMPED", 200), ("Clotted", 200), ("HEMOLYZED", 200), ("haemolysis, slight", 200),
        ("LIPEMIC", 200), ("凝块", 200), ("血小板聚集", 200), ("溶血", 200), ("脂血", 200), ("NOT CLOTTED", 30),
        ("无溶血", 30), ("COOL", 30),
    ],
)  # fmt: skip
def test_a_spoiled_specimen_is_no_baseline(method: str, condition: str, base: int):
    rows = [
        sample("PLAT", -9, 200, blfl="Y"), sample("PLAT", -3, 30, spccnd=condition, blfl="Y"), sample("PLAT", 8, 35)
    ]  # fmt: skip
    assert graded(rows, baseline=method)[-1].base == base


@pytest.mark.parametrize("method", ["last-predose", "flag"])
@pytest.mark.parametrize(
    ("result", "unit", "base"),
    [
        (20, "g/L", 20), (19.9, "g/L", 140), (300, "g/L", 300), (300.1, "g/L", 140), (14, "g/L", 140),
        (14, "g/dL", 140), (140, "g/dL", 140), (1.2, "mmol/L", 140), (8, "mmol/L", 128.9),
    ],
)  # fmt: skip
def test_a_number_that_nobody_can_have_is_no_baseline(method: str, result: float, unit: str, base: float):
    rows = [sample("HGB", -9, 140, "g/L", blfl="Y"), sample("HGB", -3, result, unit, blfl="Y")]
    *_, before, last = graded([*rows, sample("HGB", 8, result, "g/L")], baseline=method)
    assert float(last.base) == pytest.approx(base, abs=0.1)
    assert (last.refused, last.value, before.value) == ("", Decimal(str(result)), Decimal(str(result)))


def test_a_number_that_nobody_can_have_is_named_where_there_is_no_other():
    (_, last) = graded([sample("HGB", -3, 14, "g/L"), sample("HGB", 8, 140, "g/L")])
    assert (last.base, last.baseline, last.refused) == (None, None, "14 g/L")
    (_, last) = graded([sample("HGB", -3, 14, "xx"), sample("HGB", 8, 14, "xx")])
    assert (last.base, last.refused) == (14, "")  # in such a unit nobody can say that


NORMAL = {
    "WBC": 6, "NEUT": 4, "LYM": 1.8, "PLAT": 250, "HGB": 14, "EOS": 0.2, "CD4": 0.8, "ALT": 25, "AST": 25, "ALP": 80,
    "GGT": 30, "BILI": 10, "CREAT": 80, "LDH": 180, "CK": 120, "AMYLASE": 60, "LIPASE": 40, "APTT": 30, "HAPTOG": 1.2,
    "ALB": 42, "SODIUM": 140, "K": 4.2, "MG": 0.85, "CAION": 1.2, "GLUC": 5, "CHOL": 5, "TRIG": 1.2, "LDL": 3,
    "HDL": 1.3, "CA": 2.4, "CACORR": 2.4, "PHOS": 1.1, "URATE": 300, "BICARB": 25, "UREAN": 5, "INR": 1, "FIBRINO": 3,
    "CREATCLR": 100, "EGFR": 95, "PO2": 90, "TSH": 2, "FT4": 15, "FT3": 5, "C3": 1.1, "C4": 0.25, "DSDNA": 0.01,
    "HCG": 1, "TROPONI": 0.01, "TROPONT": 0.005, "CRP": 2, "PCT": 0.03, "PROT": 72, "RBC": 4.8, "RETI": 60,
    "MONO": 0.5, "BASO": 0.03, "NEUTLE": 60, "LYMLE": 30, "EOSLE": 3, "HCT": 42, "CL": 102, "PH": 7.4,
    "PROT24H": 0.1, "PROTU": 5, "UPCR": 0.1, "RBCU": 1, "OCCBLDU": 0, "HCGU": 1, "WBCU": 1, "TEMP": 37, "WEIGHT": 60,
    "HEIGHT": 165, "SYSBP": 120, "DIABP": 75, "PULSE": 70, "RESP": 16, "OXYSAT": 97, "QTCF": 420, "QTCB": 430,
    "QTC": 425, "SLEDAI": 8,
}  # fmt: skip
"""What a healthy adult has, in the usual unit of each test; of lupus activity, what the founding study asks for."""


def test_what_somebody_can_have_is_a_range_around_what_is_normal():
    assert NORMAL.keys() == lab_tests().keys()
    for code, test in lab_tests().items():
        assert (test.least or 0) <= NORMAL[code] <= (test.most or NORMAL[code]), code
        assert test.least is None or test.least < NORMAL[code], code
        assert test.most is None or test.most > NORMAL[code], code


HIDES_A_FALL = "WBC NEUT LYM PLAT HGB CD4 RETI ALB FIBRINO C3 C4"
"""Of these a baseline that is a thousand times too low must not be believed."""
HIDES_A_RISE = (
    "WBC NEUT LYM PLAT EOS MONO BASO RETI HGB CREAT BILI ALT AST ALP GGT LDH CK AMYLASE LIPASE URATE ALB C3 C4 "
    "HAPTOG FIBRINO PROT24H UPCR QTCF QTCB QTC WEIGHT"
)
"""Of these one that is a thousand times too high must not."""


def test_a_slip_between_units_of_one_to_a_thousand_leaves_what_somebody_can_have():
    """Cells/uL for 10^9/L, ukat/L for nkat/L, mg for g, ms for s: the slips that these tests' own units invite."""
    for code in HIDES_A_FALL.split():
        assert NORMAL[code] / 1000 < (lab_tests()[code].least or 0), code
    for code in HIDES_A_RISE.split():
        assert NORMAL[code] * 1000 > (lab_tests()[code].most or NORMAL[code] * 1000), code


@pytest.mark.parametrize(
    ("test", "believed", "slip", "unit", "spec"),
    [
        ("NEUT", 0.02, 0.019, "10^9/L", ""), ("LYM", 0.01, 0.0099, "10^9/L", ""), ("NEUT", 20, 19, "/mm3", ""),
        ("EOS", 50, 51, "10^9/L", ""), ("CD4", 0.005, 0.0049, "10^9/L", ""), ("C3", 0.05, 0.049, "g/L", ""),
        ("C4", 0.003, 0.0029, "g/L", ""), ("PROT24H", 40, 41, "g/24h", "URINE"), ("UPCR", 50, 51, "g/g", "URINE"),
        ("ALT", 10000, 10001, "U/L", ""), ("CK", 100000, 100001, "U/L", ""), ("LIPASE", 20000, 20001, "U/L", ""),
    ],
)  # fmt: skip
def test_a_slip_of_the_unit_is_no_baseline(test: str, believed: float, slip: float, unit: str, spec: str):
    for result, base in ((believed, Decimal(str(believed))), (slip, None)):
        (_, last) = graded([sample(test, day, result, unit, spec=spec) for day in (-3, 8)])
        assert last.base == base


def test_the_original_unit_and_range_decide_even_where_the_standard_differs():
    row = sample("HGB", 5, "7.95", "g/dL", "12", "16", stresc="4.934", stresu="mmol/L", stnrlo="7.4")
    assert graded([row])[0].low.grade == 3


@pytest.mark.parametrize(
    ("result", "status", "fault"),
    [
        ("", "NOT DONE", Ungraded.NO_RESULT), ("ND", "NOT DONE", Ungraded.NO_RESULT), ("20", "", None),
        ("20", "NOT DONE", Ungraded.SUSPECT), ("20", "not done", Ungraded.SUSPECT),
    ],
)  # fmt: skip
def test_a_result_of_a_test_not_done_is_a_contradiction(result: str, status: str, fault: Ungraded | None):
    assert graded([sample("PLAT", 5, result, stat=status)])[0].fault is fault


@pytest.mark.parametrize(
    ("dtc", "predose"),
    [
        ("2014-03-02", True), ("2014-03-03", True), ("2014-03-03T08:59", True), ("2014-03-03T09:00", True),
        ("2014-03-03T09:01", False), ("2014-03-04", False), ("2014-03", None), ("2014-02", True), ("2014-04", False),
        ("2014", None), ("2013", True),
    ],
)  # fmt: skip
def test_before_or_after_a_first_dose_at_nine(dtc: str, predose: bool | None):
    (lab,) = graded([sample("PLAT", 1, "200", dtc=Dtc.parse(dtc))])
    assert lab.predose is predose


def test_everything_of_someone_never_dosed_is_before():
    assert [lab.predose for lab in graded([sample("PLAT", 90, "20")], dosed=False)] == [True]


def test_an_undated_sample_cannot_be_placed_and_comes_last():
    labs = graded([sample("PLAT", None, "90"), sample("PLAT", -3, "200"), sample("PLAT", 8, "100")])
    assert [str(lab.value) for lab in labs] == ["200", "100", "90"]
    assert labs[-1].predose is None


def test_an_undated_sample_may_be_after_a_high_baseline_which_then_sets_the_scale():
    rows = [sample("ALT", None, "160", "U/L", 5, 40), sample("ALT", -3, "100", "U/L", 5, 40)]
    undated = graded(rows)[-1]
    assert (str(undated.value), str(undated.base), undated.after_baseline) == ("160", "100", True)
    assert (undated.high.grade, undated.high.basis) == (1, Basis.BASELINE)  # 1.6 times it, and 4 times the upper limit


def test_the_baseline_is_the_last_number_before_the_dose():
    labs = graded(
        [
            sample("PLAT", -14, "210", blfl="Y"),
            sample("PLAT", -3, "180"),
            sample("PLAT", -2, "<10"),
            sample("PLAT", -1, "clotted"),
            sample("PLAT", 5, "90"),
        ]
    )
    assert [(str(lab.base), lab.after_baseline) for lab in labs] == [
        ("180", False), ("180", False), ("180", True), ("180", True), ("180", True)
    ]  # fmt: skip


def test_the_flag_decides_where_the_rulebook_says_so():
    rows = [sample("PLAT", -14, "210", blfl="Y"), sample("PLAT", -3, "180"), sample("PLAT", 5, "90")]
    assert [lab.base for lab in graded(rows, baseline="flag")] == [210, 210, 210]
    assert [lab.after_baseline for lab in graded(rows, baseline="flag")] == [False, True, True]


def test_a_flagged_baseline_without_a_value_but_high_is_said():
    rows = [
        sample("ALT", -3, "haemolysed", "U/L", "5", "45", lobxfl="Y", nrind="HIGH"),
        sample("ALT", 5, "901", "U/L", "5", "45"),
    ]
    last = graded(rows, baseline="flag")[-1]
    assert last.high.grade == 4
    assert "baseline flagged high" in last.high.note


@pytest.mark.parametrize(
    ("dose", "dtc", "is_baseline"),
    [
        ("2014-03-03", "2014-03-03", True), ("2014-03-03", "2014-03-03T23:59", True),
        ("2014-03-03T09:00", "2014-03-03", True), ("2014-03-03T09:00", "2014-03-03T09:00", True),
        ("2014-03-03T09:00", "2014-03-03T09:01", False), ("2014-03-03", "2014-03-04", False),
        ("2014-03-03", "2014-02", True), ("2014-03-03", "2014-03", False), ("2014-03", "2014-02-28", True),
        ("2014-03", "2014-03-02", False),
    ],
)  # fmt: skip
def test_a_sample_is_a_baseline_only_where_it_is_certainly_not_after_the_dose(dose: str, dtc: str, is_baseline: bool):
    labs = (sample("PLAT", 1, "200", dtc=Dtc.parse(dtc)), sample("PLAT", 60, "90"))
    who = Participant(usubjid="S-1", findings=labs, doses=(Dose(usubjid="S-1", occur="Y", stdtc=Dtc.parse(dose)),))
    assert grade_participants([who], header())["S-1"][-1].base == (200 if is_baseline else None)


def test_of_somebody_never_dosed_the_last_number_is_the_baseline_and_nothing_is_after_it():
    labs = graded([sample("PLAT", -3, "200"), sample("PLAT", 8, "20")], dosed=False)
    assert [(lab.base, lab.after_baseline) for lab in labs] == [(20, False), (20, False)]


def test_of_two_flagged_rows_and_of_an_unscheduled_repeat_the_later_one_is_the_baseline():
    rows = [sample("PLAT", -9, "210", blfl="Y"), sample("PLAT", -3, "180", lobxfl="Y"), sample("PLAT", 5, "90")]
    assert graded(rows, baseline="flag")[-1].base == 180
    repeat = [
        sample("PLAT", -3, "110", dtc=on(-3, "08:00"), visit="SCREENING"),
        sample("PLAT", -3, "180", dtc=on(-3, "11:00"), visit="UNSCHEDULED 1.1"),
        sample("PLAT", 5, "90"),
    ]
    assert graded(repeat)[-1].base == 180


def test_a_flag_on_a_row_without_a_number_hides_an_earlier_flag_and_leaves_no_value():
    rows = [sample("PLAT", -9, "210", blfl="Y"), sample("PLAT", -3, "clotted", blfl="Y"), sample("PLAT", 5, "90")]
    last = graded(rows, baseline="flag")[-1]
    assert (last.base, last.baseline and last.baseline.orres) == (None, "clotted")


def test_a_baseline_in_another_unit_is_converted():
    rows = [sample("CREAT", -3, "1.0", "mg/dL", "0.6", "1.2"), sample("CREAT", 5, "177", "umol/L", "53", "106")]
    assert graded(rows)[-1].base == Decimal("88.4")
    assert graded(rows)[-1].high.grade == 2


def test_a_baseline_in_a_unit_that_does_not_compare_is_none_and_a_fitting_one_is_preferred():
    rows = [sample("LYM", -9, "1.9"), sample("LYM", -3, "31", "%"), sample("LYM", 5, "1.0", "10^9/L", "0.8")]
    assert graded(rows)[-1].base == Decimal("1.9")
    assert graded(rows[1:])[-1].base is None


def test_equal_unknown_units_compare_with_each_other():
    rows = [sample("ALT", -3, "100", "E/L", "5", "45"), sample("ALT", 5, "160", "E/L", "5", "45")]
    last = graded(rows)[-1]
    assert (last.base, last.high.grade) == (100, 1)  # 1.6 x a high baseline


def test_a_high_baseline_by_its_own_range_sets_the_scale():
    rows = [sample("ALT", -3, "40", "U/L", "5", "30"), sample("ALT", 5, "50", "U/L", "5", "45")]
    assert graded(rows)[-1].high.grade == 0  # above ULN, below 1.5 x a baseline that was high where it was taken


def test_the_version_of_the_header_is_applied():
    rows = [sample("PLAT", 5, "20", "10^9/L", "150", "400")]
    assert [graded(rows, version)[0].low.grade for version in ("5.0", "6.0")] == [4, 3]


def test_many_participants_in_one_call_are_graded_as_each_alone():
    people = [
        Participant(
            usubjid=f"S-{n}", findings=tuple(_of(n, [sample("PLAT", -2, 200), sample("PLAT", 5, n)])), doses=_doses(n)
        )
        for n in range(1, 60)
    ]
    together = grade_participants(people, header())
    for person in people:
        assert together[person.usubjid] == grade_participants([person], header())[person.usubjid]


def _of(number: int, rows):
    return [replace(row, usubjid=f"S-{number}") for row in rows]


def _doses(number: int) -> tuple[Dose, ...]:
    return (Dose(usubjid=f"S-{number}", occur="Y", stdtc=on(1)),) if number % 2 else ()


def test_nobody_and_nothing_give_nothing():
    assert grade_participants([], header()) == {}
    assert grade_participants([participant([])], header()) == {}


def _dosed(*doses: Dose, **subject: str) -> Participant:
    dm = Subject(usubjid="S-1", **{name: Dtc.parse(value) for name, value in subject.items()}) if subject else None
    return Participant(usubjid="S-1", doses=doses, subject=dm)


def test_the_first_dose_is_the_earliest_really_given():
    planned = Dose(domain="EC", mood="SCHEDULED", stdtc=on(1))
    missed = Dose(domain="EC", occur="N", stdtc=on(1))
    given = Dose(domain="EC", occur="Y", mood="PERFORMED", stdtc=on(3))
    exposure = Dose(domain="EX", dose=Decimal(1), stdtc=on(2))
    assert first_dose(_dosed(planned, missed, given), "not-given") == on(3)
    assert first_dose(_dosed(planned, missed, given, exposure), "not-given") == on(2)
    assert first_dose(_dosed(missed, exposure), "not-given") == on(2)
    assert first_dose(_dosed(given, rfxstdtc="2014-03-04"), "not-given") == Dtc.parse("2014-03-04")
    mistyped = Dose(domain="EC", occur="Y", stdtc=Dtc.parse("2041-03-05"))
    assert first_dose(_dosed(mistyped, rfxstdtc="2014-03-05"), "not-given") == Dtc.parse("2014-03-05")
    assert first_dose(_dosed(missed), "not-given") is None
    assert first_dose(_dosed(), "not-given") is None


@pytest.mark.parametrize(
    ("doses", "rfxstdtc", "first"),
    [
        (["2014-03-03T09:00", "2014-03-05"], "2014-03-03", "2014-03-03T09:00"),  # the time is kept
        (["2014-03-03T09:00", "2014-03-03T08:00"], "2014-03-03T08:30", "2014-03-03T08:00"),
        (["2014-03", "2014-03-03"], "2014-03-03", "2014-03-03"),  # a later dose without a day hides nothing
        (["2014"], "2014-03-03", "2014-03-03"),
        (["2014-02"], "2014-03-03", "2014-02"),  # certainly earlier
        (["2014-03", "2014-03-03"], "", "2014-03"),  # could be either
        (["2014-03", "2014-03-01"], "", "2014-03-01"),
        (["2014-03-03"], "2014-03", "2014-03"),
        (["2026-04"], "2026-04-30T23:59:59", "2026-04-30T23:59:59"),  # the very end of the month
    ],
)
def test_of_several_dates_the_first_dose_is_the_earliest_and_most_exact(doses: list[str], rfxstdtc: str, first: str):
    given = [Dose(domain="EC", occur="Y", stdtc=Dtc.parse(text)) for text in doses]
    subject = {"rfxstdtc": rfxstdtc} if rfxstdtc else {}
    for order in (given, given[::-1]):
        assert first_dose(_dosed(*order, **subject), "placebo") == Dtc.parse(first)


def test_whoever_may_have_been_dosed_on_an_unknown_day_has_no_history():
    in_dm = Subject(usubjid="S-1")
    undated = Dose(domain="EC", occur="Y")
    missed = Dose(domain="EC", occur="N", stdtc=on(1))
    unread = Subject(usubjid="S-1", problems=("RFXSTDTC: '3 March 2014' is not an ISO 8601 date",))
    cases = [
        (Participant(usubjid="S-1", subject=in_dm), False),
        (Participant(usubjid="S-1", subject=in_dm, doses=(missed,)), False),
        (Participant(usubjid="S-1", doses=(missed,)), False),
        (Participant(usubjid="S-1", subject=in_dm, doses=(missed, undated)), True),
        (Participant(usubjid="S-1", doses=(undated,)), True),
        (Participant(usubjid="S-1", subject=unread), True),
        (Participant(usubjid="S-1"), True),  # nobody knows of the participant but the laboratory
    ]
    labs = (sample("PLAT", -3, 200), sample("PLAT", 8, 20))
    for who, expected in cases:
        assert may_be_dosed(who, "not-given") is expected
        graded_labs = grade_participants([replace(who, findings=labs)], header())["S-1"]
        assert {lab.predose for lab in graded_labs} == ({None} if expected else {True})


def test_a_dose_of_zero_is_placebo_or_nothing_as_the_study_says():
    zero = _dosed(Dose(domain="EX", dose=Decimal(0), stdtc=on(2)))
    assert first_dose(zero, "placebo") == on(2)
    assert first_dose(zero, "not-given") is None


def test_dm_stands_in_for_missing_dose_records():
    assert first_dose(_dosed(rfstdtc="2014-03-01", rfxstdtc="2014-03-04"), "placebo") == Dtc.parse("2014-03-04")
    assert first_dose(_dosed(rfstdtc="2014-03-01"), "placebo") == Dtc.parse("2014-03-01")
    assert first_dose(_dosed(Dose(domain="EC", occur="N", stdtc=on(1)), rfstdtc="2014-03-01"), "placebo") is None


def _ended(**records):
    end = dosing_ended(Participant(usubjid="S-1", **records), date.min)
    return None if end is None else end.on


def test_the_end_of_dosing():
    ends = (
        Disposition(dscat="PROTOCOL MILESTONE", dsdecod="RANDOMIZED", dsstdtc=on(1)),
        Disposition(dscat="OTHER EVENT", dsdecod="FINAL LAB VISIT", dsstdtc=on(20)),
        Disposition(dscat="DISPOSITION EVENT", dsdecod="ADVERSE EVENT", dsstdtc=on(30)),
        Disposition(dscat="DISPOSITION EVENT", dsdecod="DEATH", dsstdtc=on(40)),
    )
    assert _ended(dispositions=ends) == on(30)
    assert _ended(dispositions=ends[:2]) is None
    uncategorised = [
        Disposition(dsdecod=text, dsstdtc=on(10)) for text in ("RE-CONSENTED", "", "withdrawal by subject")
    ]
    assert [_ended(dispositions=(row,)) for row in uncategorised] == [
        None,  # perhaps a milestone: doses are expected on
        None,
        on(10),
    ]
    died = Subject(usubjid="S-1", dthdtc=Dtc.parse("2014"))
    assert _ended(subject=died, dispositions=ends) == on(30)


def test_a_study_may_say_what_its_own_codes_mean():
    own = header(tests={"LYMPHN": "LYM"})
    labs = (sample("LYMPHN", 1, "0.4"), sample("lymphn", 2, "0.3", spec="CSF"), sample("LYMPHX", 3, "0.2"))
    found = grade_participants([Participant(usubjid="S-1", findings=labs)], own)["S-1"]
    assert [(lab.test, lab.result) for lab in found] == [("LYM", "0.4")]
    assert unknown_tests([Participant(usubjid="S-1", findings=labs)], own.tests) == {
        "LYMPHN in csf": (1, 1),
        "LYMPHX": (1, 1),
    }


@pytest.mark.parametrize(
    ("fast", "result", "grade", "highest"),
    [("Y", "9", 2, 2), ("N", "9", 0, 0), ("", "9", None, 2), ("U", "9", None, 2), ("", "5", 0, 0), ("", "14", 3, 3)],
)
def test_glucose_is_one_test_whether_fasting_or_not(fast: str, result: str, grade: int | None, highest: int):
    (lab,) = graded([sample("GLUC", 1, result, "mmol/L", 3.9, 5.6, fast=fast)], ctcae="6.0")
    assert (lab.test, lab.high.grade, lab.high.highest) == ("GLUC", grade, highest)
    assert (lab.high.ungraded is Ungraded.NO_FASTING) is (grade is None)
