"""Dosing plans as a clinician writes them: what loads, what is refused, and what each anchor and schedule expects."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.calendar import calendar
from rules.circumstances import circumstances
from rules.context import Context
from rules.dtc import Dtc
from rules.evaluate import context_with_hits, evaluate
from rules.hit import Answer
from rules.planned_dose import planned_doses
from rules.reading import read_record
from rules.records import Dose, Feed, Participant, StudyView
from rules.regimen import fates_by_plan
from rules.rulebook import RulebookError, load_rulebook, parse_rulebook
from rules.words import in_words

BOOK = load_rulebook("low_dose_il2_sle")
START = BOOK.text.index("[dosing]\n")
END = BOOK.text.index("\n# ---", START)
CYCLES = "days = [1, 3, 5]\ncycle_days = 14\ncycles = 3\n"
OWN = f'{CYCLES}anchor = "each cycle\'s own start"\ncycle_delay_days = 7\n'
DAILY = 'schedule = "daily"\ndoses = 5\nmax_doses = 7\n'
WEEKLY = 'schedule = "weekly"\ndoses = 3\n'
COLLECTED = 'schedule = "as collected"\nentry_grace_days = 1\n'
SHANGHAI = ZoneInfo("Asia/Shanghai")
WITHOUT_DAYS = ("LAB-01", "DOS-04")


def book_of(dosing: str, *, without: tuple[str, ...] = ()):
    """The founding study's book with another plan, without the rules that would not load with it."""
    route = "" if "route" in dosing else 'route = ["SC"]\n'
    head, *rules = (BOOK.text[:START] + f"[dosing]\n{route}{dosing}\n" + BOOK.text[END:]).split("[[rule]]\n")
    kept = [rule for rule in rules if not any(f'id = "{rule_id}"' in rule for rule_id in without)]
    return parse_rulebook("[[rule]]\n".join([head, *kept]), "book.toml")


def people(given: str, not_given: str = "", randomised: str = "") -> Participant:
    """Return somebody given doses on some days of January and February 2026, written as 1 to 59."""
    days = {int(day): "Y" for day in given.split()} | {int(day): "N" for day in not_given.split()}
    rows = [(str(date(2025, 12, 31) + timedelta(days=day)), occur) for day, occur in sorted(days.items())]
    amount = {"ECDOSE": "1", "ECDOSU": "MIU"}
    doses = [
        read_record("EC", {"ECSTDTC": day, "ECOCCUR": occur} | amount, version=number, key=f"EC{number}")
        for number, (day, occur) in enumerate(rows, 1)
    ]
    entry = {"DSDECOD": "RANDOMIZED", "DSCAT": "PROTOCOL MILESTONE", "DSSTDTC": randomised}
    entered = (read_record("DS", entry, version=99, key="DS1"),) if randomised else ()
    return Participant(usubjid="P1", doses=tuple(doses), dispositions=entered)


def judged(book, someone: Participant, now: str) -> list[str]:
    """Return what the rules about doses say, one by one, as "DOS-01 C1D3" or "DOS-04 dose of ..."."""
    view = StudyView(participants=(someone,), feed=Feed(domains=frozenset({"EC", "DS"})))
    evaluation = evaluate(book, view, datetime.fromisoformat(now).replace(tzinfo=UTC), SHANGHAI)
    assert not evaluation.failures
    said = [j for j in evaluation.judgements if j.rule_id.startswith("DOS")]
    return sorted(f"{j.rule_id} {'?' if j.answer is Answer.NOT_EVALUABLE else ''}{j.scope}" for j in said)


def lines(book, someone: Participant, now: str) -> dict[str, str]:
    """Return the calendar of doses."""
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    context = context_with_hits(book, StudyView(participants=(someone,)), moment, SHANGHAI)
    return {line.what: line.became for line in calendar(someone, book, context) if "dose" in line.what}


# ------------------------------------------------------------------------------------------------ what loads


FAULTS = [
    (f"{CYCLES}doses = 3", "doses belongs to schedule = 'daily' or 'weekly', not 'cycles'"),
    (f"{DAILY}days = [1]", "days belongs to schedule = 'cycles', not 'daily'"),
    (f"{COLLECTED}window_days = 1", "window_days belongs to schedule = 'cycles' or 'daily' or 'weekly', not 'as co"),
    ('schedule = "daily"', "doses, their number, is missing, and a daily plan needs it"),
    ('schedule = "weekly"\ndoses = 3\nmax_doses = 2', "max_doses 2 is less than doses 3"),
    ('schedule = "monthly"', "schedule: must be 'cycles', 'daily', 'weekly' or 'as collected'"),
    (f"{CYCLES}cycle_delay_days = 7", "cycle_delay_days needs anchor 'each cycle's own start'"),
    (OWN.replace("[1, 3, 5]", "[2, 3]"), "counts from the first dose of a cycle, which must be its day 1"),
    (f'{CYCLES}anchor = "consent"', "anchor: must be 'first dose', 'randomisation' or"),
    (f"{CYCLES}window_days = {{ early = 1 }}", "window_days.late: is missing"),
    (f"{CYCLES}window_days = -1", "window_days.early: must be greater than or equal to 0, not -1"),
    (f"{CYCLES}window_days = 2\ntolerance_days = {{ early = 1, late = 3 }}", "tolerance_days must be at least window"),
    (f'{CYCLES}amount = {{ value = 1, unit = "drops" }}', "amount: unit 'drops'"),
    (f'{CYCLES}route = "SC"', "route: must be a valid"),
    (f"{CYCLES}route = []", "rule DOS-04: when: wrong_route: needs the route of the [dosing] plan"),
    (
        f'{CYCLES}amount = {{ value = 2, unit = "MIU" }}',
        "OVD-01: when: max_per_day: 1 MIU is less than the planned",
    ),
    (
        f'{CYCLES}amount = {{ value = 899999, unit = "IU" }}',
        "DOS-04: when: least_per_day: 0.9 MIU is more than the p",
    ),
    (f'{CYCLES}route = [" "]', "route.0: must not be empty"),
    (DAILY, "rule LAB-01: when: needs a [dosing] plan with schedule = 'cycles', not 'daily'"),
]


@pytest.mark.parametrize(("dosing", "says"), FAULTS)
def test_what_makes_no_sense_is_refused_in_one_sentence(dosing, says):
    with pytest.raises(RulebookError, match="rulebook book") as refused:
        book_of(dosing)
    assert says in str(refused.value)


def test_a_record_of_many_days_begins_each_cycle_on_its_day():
    planned = planned_doses(book_of(OWN).dosing, date(2026, 1, 1), [(date(2026, 1, 1), date(2026, 6, 1))])
    assert {dose.cycle: (str(dose.begins), dose.postponed) for dose in planned} == {
        1: ("2026-01-01", 0), 2: ("2026-01-15", 0), 3: ("2026-01-29", 0),
    }  # fmt: skip


def test_the_example_of_the_readme_loads():
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    example = readme.split("```toml\n[dosing]\n")[1].split("```")[0]
    assert book_of(example).dosing.cycle_delay_days == 7


def test_what_needs_days_does_not_load_with_a_plan_that_is_as_collected():
    with pytest.raises(RulebookError, match=r"DOS-04: when: needs a .* 'daily' or 'weekly', not 'as collected'"):
        book_of(COLLECTED, without=("LAB-01",))


def test_one_number_is_a_window_on_both_sides():
    one, two = (book_of(f"{CYCLES}window_days = {days}").dosing for days in ("2", "{ early = 2, late = 2 }"))
    assert one == two
    assert book_of(CYCLES).dosing.window_days.early == 1


IN_WORDS = [
    (
        'amount = { value = 1, unit = "MIU" }\nroute = ["SC", "s.c."]\n' + CYCLES,
        "Each dose is 1 MIU. Its route is SC, also written s.c. Doses on days 1, 3, 5 of a cycle of 14 days, counted "
        "from the first dose as day 1. 3 cycles are expected of everybody. Each dose may be given at most 1 day before "
        "or after its day. A dose of which nothing is recorded when 2 days more have passed counts as missed.",
    ),
    (
        f"{OWN}window_days = {{ early = 0, late = 2 }}\ntolerance_days = {{ early = 1, late = 3 }}",
        "The days of each cycle are counted from its own first dose. A cycle may be postponed as a whole by 7 days at "
        "most; until then none of its doses is missed. Each dose may be given at most 0 days before or 2 days after "
        "its day. Outside that, and at most 1 day before or 3 days after its day, it was taken early or late.",
    ),
    (
        f'{DAILY}anchor = "randomisation"',
        "One dose every day, counted from randomisation as day 1. 5 doses are expected of everybody, and each further "
        "one up to 7 once a later one is recorded. Each dose may be given at most 0 days before or after its day.",
    ),
    (WEEKLY, "One dose every week, counted from the first dose as day 1. 3 doses are expected of everybody."),
    (COLLECTED, "A scheduled dose of which nothing is recorded 1 day after its day counts as missed."),
]


@pytest.mark.parametrize(("dosing", "words"), IN_WORDS)
def test_a_plan_prints_in_words(dosing, words):
    assert words in " ".join(in_words(book_of(dosing, without=WITHOUT_DAYS)).split())


# -----------------------------------------------------------------------------------------------each cycle's own start


def test_a_cycle_postponed_as_a_whole_is_no_run_of_missed_doses():
    book, someone = book_of(OWN), people("1 3 5 22 24 26 36 38 40")
    assert judged(book, someone, "2026-03-01") == []
    became = lines(book, someone, "2026-03-01")
    assert became["dose C2D1"] == "given; its cycle began 7 days later than planned"
    assert (became["dose C2D3"], became["dose C3D1"]) == ("given", "given")
    assert "DOS-01 C2D1" in judged(book_of(CYCLES), someone, "2026-03-01")


@pytest.mark.parametrize(("day", "postponed"), [(22, True), (23, True), (24, False)])
def test_a_cycle_begins_within_the_allowed_delay_and_the_window(day, postponed):
    """Planned for day 15: seven days later is 22, one day of window more 23."""
    said = judged(book_of(OWN), people(f"1 3 5 {day}"), "2026-01-26")
    assert (f"DOS-04 dose of 2026-01-{day}" in said) is not postponed


def test_until_the_delay_is_over_no_dose_of_the_cycle_is_missed_and_then_each_is():
    book, someone = book_of(OWN), people("1 3 5")
    assert judged(book, someone, "2026-01-25T15:59") == []
    assert lines(book, someone, "2026-01-25T15:59")["dose C2D1"] == (
        "planned, on 2026-01-23 at the latest; missed if nothing is recorded by 2026-01-26 00:00"
    )
    assert judged(book, someone, "2026-01-25T16:00") == ["DOS-01 C2D1"]
    assert judged(book, someone, "2026-01-27T16:00") == ["DOS-01 C2D1", "DOS-01 C2D3", "DOS-02 doses"]
    assert circumstances(someone, Dtc.parse("2026-01-20"), book.dosing, "not-given")[1] == "cycle 2, not begun"


def test_within_a_postponed_cycle_a_dose_is_missed_as_in_any_other():
    said = judged(book_of(OWN), people("1 3 5 20 24"), "2026-01-29")
    assert said == ["DOS-01 C2D3"]


def test_what_was_recorded_as_not_given_before_a_postponed_cycle_is_shown_and_no_miss():
    book = book_of(OWN)
    assert judged(book, people("1 3 5", "15 17"), "2026-01-18") == ["DOS-01 C2D1", "DOS-01 C2D3", "DOS-02 doses"]
    someone = people("1 3 5 20 22", "15 17")
    assert judged(book, someone, "2026-01-23") == []
    became = lines(book, someone, "2026-01-23")
    assert became["dose of 2026-01-15"] == "recorded as not given: its cycle began later"


def test_a_cycle_that_begins_a_day_early_counts_from_then():
    planned = planned_doses(book_of(OWN).dosing, date(2026, 1, 1), [(date(2026, 1, day),) * 2 for day in (1, 14)])
    second = [dose for dose in planned if dose.cycle == 2]
    assert [str(dose.on) for dose in second] == ["2026-01-15", "2026-01-16", "2026-01-18"]
    assert (second[0].postponed, second[0].begins) == (-1, date(2026, 1, 14))
    assert judged(book_of(OWN), people("1 3 5 14 16 18"), "2026-01-22") == []


# ----------------------------------------------------------------------------------------other anchors and schedules


def test_who_was_randomised_and_never_dosed_has_missed_each_dose():
    book = book_of(f'{CYCLES}anchor = "randomisation"')
    assert judged(book, people("", randomised="2026-01-01"), "2026-01-09") == [
        "DOS-01 C1D1", "DOS-01 C1D3", "DOS-01 C1D5", "DOS-02 doses",
    ]  # fmt: skip
    assert judged(book, people(""), "2026-01-09") == []


def test_days_count_from_randomisation_and_a_first_dose_two_days_later_was_late():
    book = book_of(f'{CYCLES}anchor = "randomisation"\ncycle_delay_days = 0')
    said = judged(book, people("3 5 9", randomised="2026-01-01"), "2026-01-12")
    assert said == ["DOS-01 C1D1", "DOS-04 dose of 2026-01-09"]


@pytest.mark.parametrize(
    ("randomised", "why"),
    [("2026-01", "randomisation has no day"), ("", "DS gives no date"), ("2025-01-01", "every dose lies outside")],
)
def test_without_a_day_of_randomisation_the_plan_cannot_be_counted(randomised, why):
    book, someone = book_of(f'{CYCLES}anchor = "randomisation"'), people("1 3 5", randomised=randomised)
    doubted = ["DOS-01 ?everything", "DOS-02 ?everything", "DOS-03 ?everything", "DOS-04 ?plan"]
    assert judged(book, someone, "2026-01-09") == doubted
    assert why in lines(book, someone, "2026-01-09")["planned doses"]


def test_a_daily_plan_misses_a_day_and_ends():
    book = book_of(DAILY, without=WITHOUT_DAYS)
    assert judged(book, people("1 2 4 5"), "2026-01-12") == ["DOS-01 D3"]
    assert judged(book, people("1 2 3 4 5"), "2026-01-20") == []
    assert judged(book, people("1 2 3 4 5 7"), "2026-01-20") == ["DOS-01 D6"]  # once the seventh came
    with_days = book_of(DAILY, without=("LAB-01",))
    assert "DOS-04 dose of 2026-01-08" in judged(with_days, people("1 2 3 4 5 6 7 8"), "2026-01-20")
    phase = circumstances(people("1 2"), Dtc.parse("2026-01-03"), book.dosing, "not-given")[1]
    assert phase == "day 3 of the plan"


def test_a_plan_in_milligrams_reads_amounts_in_them():
    book = book_of(f'{DAILY}amount = {{ value = 54, unit = "mg" }}', without=("LAB-01", "DOS-04", "OVD-01"))
    assert str(book.dosing.amount) == "54 mg"
    text = (
        book.text
        + """
[[rule]]
id = "OVD-01"
title = "More than the plan"
kind = "dose_excess"
protocol_section = "-"
urgency = "immediate"
action = "Look."
[rule.when]
max_per_day = { value = 0.054, unit = "g" }
max_doses_per_day = 1
refused_from_times = 10
"""
    )
    book = parse_rulebook(text, "book.toml")
    rows = [("54", "mg", "2026-01-01"), ("54001", "µg", "2026-01-02"), ("1", "MIU", "2026-01-03")]
    doses = tuple(
        read_record("EC", {"ECDOSE": dose, "ECDOSU": unit, "ECSTDTC": day}, version=number, key=f"EC{number}")
        for number, (dose, unit, day) in enumerate(rows, 1)
    )
    view = StudyView(participants=(Participant(usubjid="P1", doses=doses),), feed=Feed(domains=frozenset({"EC"})))
    said = evaluate(book, view, datetime(2026, 1, 4, tzinfo=UTC), SHANGHAI).judgements
    assert [(j.scope, str(j.answer)) for j in said if j.rule_id == "OVD-01"] == [
        ("2026-01-02", "hit"), ("2026-01-03", "not evaluable"),
    ]  # fmt: skip


def test_a_weekly_plan_has_its_window():
    book = book_of(WEEKLY, without=("LAB-01",))
    assert judged(book, people("1 9 14"), "2026-01-31") == []
    assert judged(book, people("1 10"), "2026-01-13") == ["DOS-01 W2", "DOS-04 dose of 2026-01-10"]


def test_an_as_collected_plan_goes_by_the_records_alone():
    book = book_of(COLLECTED, without=WITHOUT_DAYS)
    someone = people("1 20 21 22 23 24", "2 3")
    assert judged(book, someone, "2026-02-09") == [
        "DOS-01 dose of 2026-01-02", "DOS-01 dose of 2026-01-03", "DOS-02 doses", "DOS-03 adherence",
    ]  # fmt: skip
    assert lines(book, someone, "2026-02-09")["dose of 2026-01-02"] == "recorded as not given"


def test_adherence_can_be_asked_of_each_cycle():
    each = BOOK.text.replace("after_doses = 7\n", "after_doses = 3\neach_cycle = true\n")
    book = parse_rulebook(each, "book.toml")
    someone = people("1 3 5 7 9 11 13 29 31", "33 35 37 39 41")
    said = [scope for scope in judged(book, someone, "2026-02-14") if scope.startswith("DOS-03")]
    assert said == ["DOS-03 adherence in cycle 2"]
    with pytest.raises(RulebookError, match=r"DOS-03: when: needs a .* 'cycles', not 'weekly'"):
        head, tail = each.split("[dosing]\n")
        weekly = f'{head}[dosing]\nroute = ["SC"]\n{WEEKLY}\n# ---{tail.split("# ---", 1)[1]}'
        parse_rulebook(weekly.replace("before_cycles_days = 3", "at_weeks = [2]\nwindow_days = 3"), "book.toml")


def test_a_dose_recorded_twice_as_it_is_collected_counts_once():
    book = book_of(COLLECTED, without=WITHOUT_DAYS)
    twice = people("1 2 3 4 5 6", "20 21")
    doubled = tuple(replace(dose, version=50 + dose.version, key=f"again{dose.key}") for dose in twice.doses[:3])
    assert "DOS-03 adherence" in judged(book, twice, "2026-02-09")
    assert "DOS-03 adherence" in judged(book, replace(twice, doses=(*twice.doses, *doubled)), "2026-02-09")


# ------------------------------------------------------------------------------------------------ early and late


TOLERANT = f"{CYCLES}window_days = {{ early = 0, late = 1 }}\ntolerance_days = {{ early = 2, late = 4 }}"


@pytest.mark.parametrize(
    ("last", "said", "became"),
    [
        (5, [], "given"),
        (6, [], "given 1 day late, 2026-01-06"),
        (7, ["DOS-04 dose of 2026-01-07"], "given 2 days late, 2026-01-07, outside its window"),
        (9, ["DOS-04 dose of 2026-01-09"], "given 4 days late, 2026-01-09, outside its window"),
        (10, ["DOS-01 C1D5", "DOS-04 dose of 2026-01-10"], "nothing recorded"),
    ],
)
def test_a_dose_outside_its_window_and_within_the_tolerance_is_late_and_not_missed(last, said, became):
    book, someone = book_of(TOLERANT), people(f"1 3 {last}")
    assert judged(book, someone, "2026-01-13") == said
    assert lines(book, someone, "2026-01-13")["dose C1D5"] == became


def test_a_cycle_that_begins_before_its_window_was_begun_early():
    book, someone = book_of(TOLERANT), people("1 3 5 13")
    assert judged(book, someone, "2026-01-16") == ["DOS-04 dose of 2026-01-13"]
    assert lines(book, someone, "2026-01-16")["dose C2D1"] == "given 2 days early, 2026-01-13, outside its window"


def test_nothing_is_missed_before_its_tolerance_is_over():
    book = book_of(TOLERANT)
    assert judged(book, people("1 3"), "2026-01-11T15:59") == []
    assert judged(book, people("1 3"), "2026-01-11T16:00") == ["DOS-01 C1D5"]


@cache
def _plan_of(dosing: str):
    return book_of(dosing, without=WITHOUT_DAYS).dosing


@settings(deadline=None)
@given(
    st.sampled_from([CYCLES, OWN, TOLERANT, DAILY, WEEKLY]),
    st.lists(st.tuples(st.integers(2, 60), st.sampled_from("YN")), max_size=20),
    st.integers(1, 400),
)
def test_each_planned_dose_has_one_fate_and_moves_with_the_study(dosing, records, shift):
    plan = _plan_of(dosing)

    def told(by: int):
        first = date(2026, 1, 1) + timedelta(days=by)
        doses = tuple(
            Dose(key=str(number), version=number, occur=occur, stdtc=Dtc.parse(str(first + timedelta(days=day - 1))))
            for number, (day, occur) in enumerate([(1, "Y"), *records])
        )
        now = datetime.combine(first, time(), tzinfo=UTC) + timedelta(days=30)
        context = Context(now=now, zone=SHANGHAI, header=BOOK.header)
        return fates_by_plan(plan, Participant(usubjid="P1", doses=doses), first, context)

    before, after = told(0), told(shift)
    assert [(f.fate, f.record and f.record.version) for f in before] == [
        (f.fate, f.record and f.record.version) for f in after
    ]
    names = [fate.name for fate in before if fate.planned is not None]
    assert len(names) == len(set(names)) == plan.most_cycles * len(plan.days)
    used = [fate.record.version for fate in before if fate.record is not None]
    assert len(used) == len(set(used))
