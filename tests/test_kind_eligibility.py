"""What kind `eligibility` says beyond its rule cases: when it happened, and what a mail shows of the evidence."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from alerts.fields import layout
from rules.evaluate import evaluate
from rules.hit import Answer
from rules.reading import read_record
from rules.records import Feed, Participant, StudyView
from rules.rulebook import load_rulebook

BOOK = load_rulebook("low_dose_il2_sle")
ROW = {"IETESTCD": "EXCL05", "IETEST": "PPD above the limit", "IECAT": "EXCLUSION", "IEORRES": "Y", "IESTRESC": "Y"}


def judge(*rows: dict[str, str]):
    criteria = [read_record("IE", row, version=n, key=f"P1/EXCL0{n}") for n, row in enumerate(rows, start=1)]
    dose = read_record("EC", {"ECOCCUR": "Y", "ECSTDTC": "2026-01-05T10:00", "ECDOSE": "7"}, version=9, key="EC1")
    participant = Participant(usubjid="P1", eligibility=tuple(criteria), doses=(dose,))
    view = StudyView(participants=(participant,), feed=Feed(domains=frozenset({"DM", "EC", "IE"})))
    evaluation = evaluate(BOOK, view, datetime(2026, 6, 1, tzinfo=UTC), ZoneInfo("Asia/Shanghai"))
    assert not evaluation.failures
    return [judgement for judgement in evaluation.judgements if judgement.rule_id == "ELG-01"]


def test_it_happened_with_the_first_dose_and_the_mail_shows_the_criterion():
    (said,) = judge(ROW)
    assert (said.answer, said.scope, said.anchors, said.at.text) == (
        Answer.HIT,
        "EXCL05",
        {"EXCL05"},
        "2026-01-05T10:00",
    )
    assert said.summary == "Dosed although not eligible: EXCL05, PPD above the limit"
    assert said.circumstances
    (grid,) = layout(said.evidence)
    assert grid.caption == "Eligibility"
    assert [value for _, value in grid.rows] == ["EXCL05", "PPD above the limit", "EXCLUSION"]


def test_free_text_in_the_place_of_an_answer_is_in_the_ledger_and_in_no_mail():
    text = "randomised to 2 MIU by mistake"
    (said,) = judge(ROW | {"IEORRES": text, "IESTRESC": text})
    assert said.answer is Answer.NOT_EVALUABLE
    assert text in dict(said.evidence[0].values).values()
    assert text not in f"{said.summary} {said.reason} {layout(said.evidence)}"


def test_each_criterion_is_a_concern_of_its_own_and_one_without_a_code_is_known_by_its_row():
    said = judge(ROW, {"IECAT": "INCLUSION", "IEORRES": "N"})
    assert [(judgement.scope, judgement.answer) for judgement in said] == [
        ("EXCL05", Answer.HIT),
        ("P1/EXCL02", Answer.HIT),
    ]
    assert said[1].summary.endswith("criterion without a name")
