"""How long a silence may last: calendars of exports, hour by hour, against the limits of the shipped rulebook."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlmodel import select

from alerts.store import Store
from alerts.tables import Alert, Decision, ParticipantDue
from monitor.sweep import run_sweep
from rules.rulebook import load_rulebook
from rules.silence import MOST_GAPS, NEWS_DAYS, Habit, Silence, habit_of
from tests.trial import Trial, at

SILENCE: Silence = load_rulebook("low_dose_il2_sle").whens["FEED-01"].stale
START = date(2026, 6, 1)  # a Monday
GOLDEN_WEEK = frozenset(date(2026, 10, day) for day in range(1, 9))


def exports(first: int, count: int, weekdays: str = "0123456") -> list[date]:
    """The days of an export, counted from START: those of the given weekdays (0 is Monday), Golden Week left out."""
    every = (START + timedelta(days=number) for number in range(first, count))
    return [day for day in every if str(day.weekday()) in weekdays and (weekdays != "01234" or day not in GOLDEN_WEEK)]


def cries(came_on: list[date], until: date) -> Iterator[tuple[str, int | None]]:
    """Yield the days on which an export of six in the evening is called stale, and for how many hours."""
    known: list[datetime] = []
    crying: datetime | None = None
    moment = datetime.combine(came_on[0], time(18))
    while moment.date() <= until:
        if moment.hour == 18 and moment.date() in came_on:
            if crying:
                yield f"{crying:%m-%d}", (moment - crying) // timedelta(hours=1)
            known.append(moment)
            crying = None
        elif crying is None and moment - known[-1] > SILENCE.limit(habit_of(at.date() for at in known)):
            crying = moment
        moment += timedelta(hours=1)
    if crying:
        yield f"{crying:%m-%d}", None


CALENDARS = [
    ("every day: never", exports(0, 60), date(2026, 7, 30), []),
    ("every day, then nothing more: after the least", exports(0, 60), date(2026, 8, 30), [("08-03", None)]),
    ("working days: no weekend", exports(0, 90, "01234"), date(2026, 8, 28), []),
    ("working days, begun on a Friday: no weekend either", exports(4, 90, "01234"), date(2026, 8, 28), []),
    (
        "working days with Golden Week: once in its middle, and no weekend after it",
        exports(0, 180, "01234"),
        date(2026, 11, 26),
        [("10-05", 107)],
    ),
    (
        "the same, then nothing more: Golden Week has not become the habit",
        exports(0, 140, "01234"),
        date(2026, 12, 1),
        [("10-05", 107), ("10-21", None)],
    ),
    ("every Monday: once, before a week is known", exports(0, 120, "0"), date(2026, 9, 28), [("06-05", 71)]),
    (
        "every Monday, then nothing more: half a week after the day",
        exports(0, 120, "0"),
        date(2026, 12, 28),
        [("06-05", 71), ("10-09", None)],
    ),
    (
        "every day, then Mondays: asked about twice, until two weeks are known",
        [*exports(0, 30), *exports(30, 120, "0")],
        date(2026, 9, 28),
        [("07-04", 47), ("07-10", 71)],
    ),
    (
        "the first of each month: every month, at the most",
        [date(2026, month, 1) for month in range(6, 10)],
        date(2026, 9, 2),
        [("06-05", 623), ("07-15", 407), ("08-15", 407)],
    ),
]


@pytest.mark.parametrize(("says", "came_on", "until", "cried"), CALENDARS, ids=[says for says, *_ in CALENDARS])
def test_an_export_is_asked_about_when_it_should_be(says, came_on, until, cried):
    assert list(cries(came_on, until)) == cried, says


@pytest.mark.parametrize(
    ("gaps", "usual"),
    [((), 0), ((7,), 7), ((1, 9), 9), ((1,) * 18 + (9,), 9), ((1,) * 19 + (9,), 1), ((1,) * 18 + (3, 9), 3)],
)
def test_the_usual_gap_is_the_longest_and_of_twenty_the_longest_but_one(gaps, usual):
    assert Habit(gaps).days == usual


def test_only_the_last_twenty_gaps_are_a_habit_and_a_day_counts_once():
    came = [START + timedelta(days=number) for number in (*range(0, 210, 7), *range(210, 231), 230)]
    assert habit_of(reversed(came)).gaps == (1,) * MOST_GAPS


def test_equal_lengths_switch_the_learning_off():
    fixed = Silence(factor=2, least_days=7, most_days=7)
    assert {fixed.limit(Habit(gaps)) for gaps in ((), (1,), (30,))} == {timedelta(days=7)}


@pytest.mark.parametrize(
    ("gaps", "said"),
    [
        ((), "no gap between days with news is known yet, so the least that the rule sets counts: 4 days"),
        (
            (1,),
            "the only gap between days with news lasted up to 1 day;"
            " 1.5 times that is less than the least that the rule sets: 4 days",
        ),
        ((7, 7), "the last 2 gaps between days with news lasted up to 7 days; 1.5 times that is 10.5 days"),
        (
            (1, 1, 1, 3) * 5,
            "the last 20 gaps between days with news, the longest left out, lasted up to 3 days;"
            " 1.5 times that is 4.5 days",
        ),
        (
            (30,),
            "the only gap between days with news lasted up to 30 days;"
            " 1.5 times that is more than the most that the rule sets: 14 days",
        ),
    ],
)
def test_the_limit_is_explained(gaps, said):
    assert SILENCE.explain(Habit(gaps)) == said


# ---------------------------------------------------------------------------------------------- through the ledger


def due_of_the_feed(store: Store) -> list[datetime]:
    with store.read() as session:
        return [row.due_at for row in session.exec(select(ParticipantDue).where(ParticipantDue.usubjid == ""))]


def about_age(store: Store) -> list[Decision]:
    with store.read() as session:
        return list(session.exec(select(Decision).where(Decision.scope == "age").order_by(Decision.id)))


def weekly(trial: Trial, weeks: int) -> datetime:
    """Bring something new each Monday at noon, and look each day between; return the last Monday's noon."""
    monday = at("2026-06-01")
    for week in range(weeks):
        trial.add("dm", USUBJID=f"SYN-{week:03}", RFSTDTC="2026-05-01")
        for day in range(7 if week < weeks - 1 else 1):
            trial.sweep(monday + timedelta(days=7 * week + day))
    return monday + timedelta(days=7 * (weeks - 1))


def test_when_a_silence_will_be_too_long_stands_in_sql_and_only_news_moves_it(tmp_path, store):
    trial = Trial(tmp_path / "in", store)
    last = weekly(trial, 3)
    over = last + timedelta(days=10.5)
    assert due_of_the_feed(store) == [over]
    trial.sweep(last + timedelta(days=5))
    assert due_of_the_feed(store) == [over]
    trial.sweep(over)
    assert len(about_age(store)) == 2  # of the first week, before a habit was known: told, and taken back
    trial.sweep(over + timedelta(minutes=1))
    assert due_of_the_feed(store) == []


def test_the_same_old_file_is_stale_however_often_it_is_written_and_across_a_restart(tmp_path, store):
    trial = Trial(tmp_path / "in", store)
    last = weekly(trial, 3)
    before = len(about_age(store))
    for day in range(1, 11):
        trial.sweep(last + timedelta(days=day))  # the trial writes its files anew each time, with the same bytes
    assert len(about_age(store)) == before
    again = Trial(tmp_path / "in", store, rows=trial.rows)  # nothing is known but what stands in the ledger
    for day in (11, 12, 13):
        again.sweep(last + timedelta(days=day))
    (told,) = about_age(store)[before:]
    assert (told.action, told.summary) == ("notify", "No new data for more than 10.5 days")
    assert "it holds what was there before" in told.reason
    assert "the last 2 gaps between days with news lasted up to 7 days; 1.5 times that is 10.5 days" in told.reason
    assert '["gaps", "7 7"]' in told.evidence
    again.add("dm", USUBJID="SYN-100", RFSTDTC="2026-05-01")
    again.sweep(last + timedelta(days=14))
    taken_back = about_age(store)[-1]
    assert (taken_back.action, taken_back.reason) == ("retract", "over: the criterion is no longer met")
    with store.read() as session:
        assert {alert.standing for alert in session.exec(select(Alert).where(Alert.scope == "age"))} == {False}


def test_a_look_that_nobody_took_for_months_is_a_silence_too(tmp_path, store):
    trial = Trial(tmp_path / "in", store)
    trial.add("dm", USUBJID="SYN-001", RFSTDTC="2026-05-01")
    trial.sweep(at("2026-06-01"))
    run_sweep(store, trial.study, at("2026-09-01"))
    assert [told.summary for told in about_age(store)] == ["No new data for more than 4 days"]


def test_no_more_is_asked_of_the_ledger_than_a_habit_needs(tmp_path, store):
    trial = Trial(tmp_path / "in", store)
    first = datetime(2026, 6, 1, 12, tzinfo=UTC)
    for day in range(NEWS_DAYS + 5):
        trial.add("dm", USUBJID=f"SYN-{day:03}", RFSTDTC="2026-05-01")
        trial.sweep(first + timedelta(days=day))
    (over,) = due_of_the_feed(store)
    assert over == first + timedelta(days=NEWS_DAYS + 4 + SILENCE.least_days)
    trial.sweep(over + timedelta(hours=1))
    gaps = " ".join("1" * MOST_GAPS)
    assert f'["gaps", "{gaps}"]' in about_age(store)[-1].evidence
