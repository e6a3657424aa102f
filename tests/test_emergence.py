"""Whether an event began after the first dose: before, after, or nobody can tell; and what a book makes of the last."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from rules.dtc import Dtc
from rules.evaluate import evaluate
from rules.events import Event
from rules.exposure import after_dose, began_after_first_dose, last_dose, may_be_dosed
from rules.hit import Answer
from rules.kinds.dose_timing import emerged
from rules.records import DOMAINS, AdverseEvent, Dose, Feed, Participant, StudyView, Subject
from rules.rulebook import load_rulebook, parse_rulebook

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def dated(text: str) -> Dtc | None:
    return Dtc.parse(text) if text else None


@pytest.mark.parametrize(
    ("onset", "first", "after"),
    [
        ("2026-05-03", "2026-05-04", False),
        ("2026-05-04", "2026-05-04", None),
        ("2026-05-05", "2026-05-04", True),
        ("2026-05-04T08:59", "2026-05-04T09:00", False),
        ("2026-05-04T09:00", "2026-05-04T09:00", None),
        ("2026-05-04T09:01", "2026-05-04T09:00", True),
        ("2026-05-04T08:59:59", "2026-05-04T09:00:00", False),
        ("2026-05-04T09:00:00", "2026-05-04T09:00:00", True),  # with the dose
        ("2026-05-04", "2026-05-04T09:00", None),
        ("2026-04", "2026-05-04", False),
        ("2026-05", "2026-05-04", None),
        ("2026-06", "2026-05-04", True),
        ("2025", "2026-05-04", False),
        ("2026", "2026-05-04", None),
        ("2026-05-20", "2026-05", None),
        ("", "2026-05-04", None),
        ("2026-05-04", "", False),  # never dosed
    ],
)
def test_before_after_or_nobody_can_tell(onset, first, after):
    participant = Participant(usubjid="P1", subject=Subject(rfxstdtc=dated(first)))
    assert began_after_first_dose(dated(onset), participant, "not-given") is after


def test_an_event_of_somebody_dosed_on_no_date_cannot_be_placed():
    participant = Participant(usubjid="P1", subject=Subject(), doses=(Dose(occur="Y"),))
    assert began_after_first_dose(dated("2026-05-04"), participant, "not-given") is None


@pytest.mark.parametrize("subject", [None, Subject()])
@pytest.mark.parametrize(
    ("amount", "meaning", "dosed"), [("0", "placebo", True), ("0", "not-given", False), ("1", "not-given", True)]
)
def test_whoever_has_a_dose_without_a_date_may_be_dosed(subject, amount, meaning, dosed):
    participant = Participant(usubjid="P1", subject=subject, doses=(Dose(occur="Y", dose=Decimal(amount)),))
    assert may_be_dosed(participant, meaning) is dosed


def test_of_whom_nothing_at_all_is_known_may_be_dosed():
    assert may_be_dosed(Participant(usubjid="P1"), "not-given")
    assert not may_be_dosed(Participant(usubjid="P1", subject=Subject()), "not-given")


@pytest.mark.parametrize(
    ("onset", "certain"),
    [
        ("2026-05-04T08:59", None),
        ("2026-05-04T09:01", True),
        ("2026-05-05T08:59", True),
        ("2026-05-05T09:00", False),  # the seconds of both are not known
        ("2026-05-05T09:00:59", False),
        ("2026-05-05T09:01", None),
        ("2026-05-05", False),
        ("2026-05-06", None),
        ("2026-05", False),
    ],
)
def test_within_a_day_after_a_dose(onset, certain):
    dose = Dose(occur="Y", stdtc=dated("2026-05-04T09:00"))
    found = after_dose(Dtc.parse(onset), Participant(usubjid="P1", doses=(dose,)), "not-given", hours=24)
    assert (found and found.certain) is certain


@pytest.mark.parametrize(
    ("given", "onset", "certain"),
    [
        ("2026-05-04T09:00:00", "2026-05-04T09:00:00", True),  # with the dose
        ("2026-05-04T09:00:00", "2026-05-05T09:00:00", True),
        ("2026-05-04T09:00:00", "2026-05-05T09:00:01", None),
        ("2026-05-04T09:00", "2026-05-04T09:00:00", False),
        ("2026-05-04T09:00", "2026-05-04T08:59:59", None),
    ],
)
def test_within_a_day_after_a_dose_to_the_second(given, onset, certain):
    participant = Participant(usubjid="P1", doses=(Dose(occur="Y", stdtc=dated(given)),))
    found = after_dose(Dtc.parse(onset), participant, "not-given", hours=24)
    assert (found and found.certain) is certain


def test_a_dose_that_ended_before_it_began_is_of_the_day_on_which_it_began():
    dose = Dose(occur="Y", stdtc=dated("2026-05-14"), endtc=dated("2026-05-04"))
    participant = Participant(usubjid="P1", doses=(dose,))
    assert str(last_dose(participant, "not-given")) == "2026-05-14"
    assert after_dose(Dtc.parse("2026-05-15"), participant, "not-given", hours=24) is not None


def test_the_last_dose_is_a_placebo_where_zero_means_one():
    doses = (Dose(occur="Y", stdtc=dated("2026-05-04")), Dose(occur="Y", stdtc=dated("2026-05-06"), dose=Decimal(0)))
    participant = Participant(usubjid="P1", doses=doses)
    assert [str(last_dose(participant, meaning)) for meaning in ("not-given", "placebo")] == [
        "2026-05-04",
        "2026-05-06",
    ]


def row(on: str, **values: str) -> AdverseEvent:
    return AdverseEvent(key=f"AE {on}", aestdtc=dated("2026-04-01"), aedtc=dated(on), **values)


@pytest.mark.parametrize(
    ("before", "after", "emergent"),
    [
        (row("2026-04-20", aetoxgr="1"), row("2026-05-05", aetoxgr="2"), True),
        (row("2026-04-20", aetoxgr="1"), row("2026-05-05", aetoxgr="1"), False),
        (row("2026-04-20", aetoxgr="2"), row("2026-05-05", aetoxgr="1"), False),
        (row("2026-04-20", aesev="MILD"), row("2026-05-05", aesev="SEVERE"), True),
        (row("2026-04-20", aetoxgr="1"), row("2026-05-05", aetoxgr="1", aeshosp="Y"), True),  # became serious
        (row("2026-04-20"), row("2026-05-05", aeser="Y"), True),
        (row("2026-04-20", aeser="Y"), row("2026-05-05", aeshosp="Y"), False),  # serious already
        (row("2026-04-20", aeser="Y"), row("2026-05-05"), False),
        (row("2026-04-20"), row("2026-05-05", aetoxgr="3"), None),  # nobody knows how bad it was
        (row("2026-04-20", aetoxgr="1"), row("2026-05-03", aetoxgr="2"), False),  # before the first dose
        (row("2026-04-20", aetoxgr="1"), row("2026-05-04T08:59:59", aetoxgr="2"), False),
        (row("2026-04-20", aetoxgr="1"), row("2026-05-04T09:00:00", aetoxgr="2"), True),  # with it
        (row("2026-04-20", aetoxgr="1"), row("2026-05-04", aetoxgr="2"), None),
        (row("2026-04-20", aetoxgr="1"), row("", aetoxgr="2"), None),
        (row("", aetoxgr="1"), row("2026-05-05", aetoxgr="2"), None),
        (row("2026-05-05", aetoxgr="1"), row("2026-05-05", aetoxgr="2"), None),  # which of them was first?
        (row("2026-05-05T10:00:00", aetoxgr="1"), row("2026-05-05T10:00:00", aetoxgr="2"), None),
        (row("2026-05-05T10:00:00", aetoxgr="1"), row("2026-05-05T10:00:01", aetoxgr="2"), True),
    ],
)
def test_what_became_worse_after_the_first_dose_is_emergent(before, after, emergent):
    participant = Participant(usubjid="P1", subject=Subject(rfxstdtc=dated("2026-05-04T09:00:00")))
    assert emerged(Event("E1", (before, after)), participant, "not-given") is emergent
    assert emerged(Event("E1", (after, before)), participant, "not-given") is emergent


def test_a_dose_over_days_may_have_gone_on_until_its_end():
    dose = Dose(domain="EX", stdtc=dated("2026-05-04"), endtc=dated("2026-05-16"), dose=None)
    participant = Participant(usubjid="P1", doses=(dose,))
    inside, beyond = (
        after_dose(Dtc.parse(day), participant, "not-given", hours=24) for day in ("2026-05-17", "2026-05-18")
    )
    assert inside is not None
    assert not inside.certain
    assert beyond is None


@pytest.mark.parametrize(("policy", "answer"), [("conservative", Answer.HIT), ("strict", Answer.NOT_EVALUABLE)])
def test_a_book_says_what_doubt_means(policy, answer):
    text = load_rulebook("low_dose_il2_sle").text.replace('emergence = "conservative"', f'emergence = "{policy}"', 1)
    event = AdverseEvent(key="AE1", aeterm="Headache", aeser="N", aetoxgr="3", aerel="Y", aestdtc=dated("2026-05"))
    participant = Participant(usubjid="P1", subject=Subject(rfxstdtc=dated("2026-05-04")), adverse_events=(event,))
    view = StudyView(participants=(participant,), feed=Feed(domains=frozenset(DOMAINS)))
    said = evaluate(parse_rulebook(text, "x"), view, NOW, ZoneInfo("Asia/Shanghai")).judgements
    judgement = next(judgement for judgement in said if judgement.rule_id == "AE-02")
    assert judgement.answer is answer
    assert judgement.reason.count("may have begun before or after the first dose (onset 2026-05 (day unknown)") == 1
