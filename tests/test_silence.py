"""How long a silence may last: calendars of exports, hour by hour, against the limits of the shipped rulebook."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlmodel import select

from alerts.ledger.runs import participants
from alerts.store import Store
from alerts.tables import Alert, Decision, ParticipantDue, SourceFile
from monitor.sweep import run_sweep
from rules.rulebook import load_rulebook
from rules.silence import MOST_GAPS, NEWS_DAYS, Habit, Silence, habit_of
from tests.trial import STUDYID, Trial, at, make_study

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


# ---------------------------------------------------------------------------------------------- Dataset-JSON


def export_json(trial: Trial, made: str, database: object, rows: int = 2) -> None:
    """Write DM as Dataset-JSON, made at `made` out of a database last modified at `database`."""
    names = ("STUDYID", "DOMAIN", "USUBJID")
    document = {
        "datasetJSONCreationDateTime": made,
        "datasetJSONVersion": "1.1.0",
        "dbLastModifiedDateTime": database,
        "itemGroupOID": "IG.DM",
        "records": rows,
        "name": "DM",
        "label": "Demographics",
        "columns": [{"itemOID": f"IT.{name}", "name": name, "label": name, "dataType": "string"} for name in names],
        "rows": [[STUDYID, "DM", f"SYN-{number:03}"] for number in range(rows)],
    }
    (trial.folder / "dm.json").write_text(json.dumps(document), encoding="utf-8")


def told(store: Store) -> list[tuple[str, str, str]]:
    """What was decided about FEED-01, but for domains that never came: action, scope, reason."""
    with store.read() as session:
        made = session.exec(select(Decision).where(Decision.rule_id == "FEED-01").order_by(Decision.id))
        return [(one.action, one.scope, one.reason) for one in made]


def test_a_file_written_today_of_an_old_database_is_stale(tmp_path, store):
    trial = Trial(tmp_path / "in", store)
    export_json(trial, "2026-06-01T06:00:00Z", "2026-05-01T00:00:00")  # without zone: UTC
    run_sweep(store, trial.study, at("2026-06-01"))
    ((action, scope, reason),) = told(store)
    assert (action, scope) == ("notify", "age of the database")
    assert "of a database last modified 2026-05-01 00:00 UTC" in reason
    export_json(trial, "2026-06-02T06:00:00Z", "2026-05-01T00:00:00")  # made anew, the same rows
    for day in ("2026-06-02", "2026-06-09"):
        run_sweep(store, trial.study, at(day))
    assert [(action, scope) for action, scope, _ in told(store)[1:]] == [("notify", "age")]  # silent for a week too
    export_json(trial, "2026-06-10T06:00:00Z", "2026-06-10T00:00:00+08:00", rows=3)
    run_sweep(store, trial.study, at("2026-06-10"))
    assert [action for action, *_ in told(store)] == ["notify", "notify", "retract", "retract"]


def test_a_database_that_goes_back_is_refused_and_told(tmp_path, store):
    trial = Trial(tmp_path / "in", store)
    export_json(trial, "2026-06-01T06:00:00Z", "2026-06-01T00:00:00Z")
    run_sweep(store, trial.study, at("2026-06-01"))
    export_json(trial, "2026-06-02T06:00:00Z", "2026-05-31T00:00:00Z", rows=1)
    run_sweep(store, trial.study, at("2026-06-02"))
    ((action, scope, reason),) = told(store)
    assert (action, scope) == ("notify", "file dm.json")
    assert reason == (
        "the file is an older export, of a database last modified 2026-05-31 00:00:00, than the last one read,"
        " of 2026-06-01 00:00:00"
    )
    with store.read() as session:
        assert len(participants(session, "SYN")) == 2


def test_a_time_that_cannot_be_read_is_one_sentence_and_stops_nothing(tmp_path, store):
    trial = Trial(tmp_path / "in", store)
    export_json(trial, "2026-06-01T06:00:00Z", "01JUN2026")
    for day in ("2026-06-01", "2026-06-02"):  # the second finds the file unchanged
        run_sweep(store, trial.study, at(day))
    ((action, scope, reason),) = told(store)
    assert (action, scope) == ("notify", "time in dm.json")
    assert reason == (
        "present at first sweep: dbLastModifiedDateTime '01JUN2026' is not a date and time: the file was read, and its"
        " age is judged without that time"
    )
    with store.read() as session:
        assert session.exec(select(SourceFile.state)).all() == ["read"]
        assert len(participants(session, "SYN")) == 2
    export_json(trial, "2026-06-03T06:00:00Z", "2026-06-03T00:00:00Z")
    run_sweep(store, trial.study, at("2026-06-03"))
    assert [action for action, *_ in told(store)] == ["notify", "retract"]


def test_a_file_without_the_databases_time_leaves_the_age_to_the_content(tmp_path, store):
    trial = Trial(tmp_path / "in", store)
    export_json(trial, "2026-06-01T06:00:00Z", "2026-05-01T00:00:00Z")
    trial.add("ae", USUBJID="SYN-001", AESPID="E1", AETERM="Headache", AESER="N")
    trial.sweep(at("2026-06-01"))
    assert told(store) == []


def test_a_domain_whose_database_stands_still_does_not_hide_behind_the_others(tmp_path, store):
    trial = Trial(tmp_path / "in", store)
    for day in range(1, 9):
        export_json(trial, f"2026-06-0{day}T06:00:00Z", f"2026-06-0{day}T00:00:00Z", rows=day)
        if day == 1:
            document = json.loads((trial.folder / "dm.json").read_text(encoding="utf-8"))
            document |= {"name": "AE", "records": 1, "rows": [[STUDYID, "AE", "SYN-000", "Headache"]]}
            document["columns"].append(document["columns"][0] | {"itemOID": "IT.AETERM", "name": "AETERM"})
            (trial.folder / "ae.json").write_text(json.dumps(document), encoding="utf-8")
        run_sweep(store, trial.study, at(f"2026-06-0{day}"))
    about = [(action, reason) for action, scope, reason in told(store) if scope == "age of the database"]
    assert [action for action, _ in about] == ["notify"]
    assert "is of a database last modified 2026-06-01 00:00 UTC, as the files of AE say" in about[0][1]


def test_a_folder_that_cannot_be_read_brings_no_old_fault_back(tmp_path, store):
    trial = Trial(tmp_path / "in", store, study=make_study(tmp_path / "in", DM="dm*.json"))
    for day, database in (("2026-06-01", "then"), ("2026-06-02", "2026-06-02T00:00:00Z")):
        export_json(trial, f"{day}T06:00:00Z", database)
        (trial.folder / "dm.json").rename(trial.folder / f"dm_{day}.json")
        run_sweep(store, trial.study, at(day))
    assert [action for action, *_ in told(store)] == ["notify", "retract"]
    trial.folder.rename(tmp_path / "away")
    run_sweep(store, trial.study, at("2026-06-03"))
    assert [scope for action, scope, _ in told(store) if action == "notify"] == ["time in dm_2026-06-01.json", "source"]
