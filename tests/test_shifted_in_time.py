"""Time is only a distance: a study shifted by days is decided alike, and a record entered late is told late, not less.

What depends on the calendar by right is left out, and said: partial dates name a month or a year of the calendar;
reporting regimes (SAE-03) are in force from and until given days. Working days and dates of birth no rule asks for. The
zone is one without summer time; what a night of changed clocks does stands in `test_nights_of_changed_clocks.py`.
"""

import json
import re
from collections import Counter
from dataclasses import asdict, replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from alerts.decide import CALLING
from alerts.tables import Decision, Notification, ParticipantDue
from rules.evaluate import evaluate
from rules.hit import Answer, Judgement
from rules.reading import read_record
from rules.records import DOMAINS, PLACES, Feed, Participant, StudyView
from rules.rulebook import load_rulebook
from tests.rule_cases import NOW, Case, all_cases
from tests.test_whole_histories import DAYS, START, day, history, open_alerts, participants, sweep_days, trial_of
from tests.trial import Trial, at

BOOK = load_rulebook("low_dose_il2_sle")
SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = re.compile(r"\b(\d{4}-\d{2}-\d{2})(?=\b|T|_)")
PARTIAL = re.compile(r'"((19|20)\d{2}(-\d{2})?)"')
OPEN_REGIMES = date(2020, 7, 1)
"""The day from which on the same regimes of the default book are in force."""

shifts = st.one_of(st.integers(1, 60), st.integers(61, 2000))


def shifted(thing: Any, days: int) -> Any:
    """Return a thing with every whole date in it moved by so many days."""
    if isinstance(thing, str):
        return DAY.sub(lambda found: str(_day(found[1]) + timedelta(days=days)) if _day(found[1]) else found[1], thing)
    if isinstance(thing, dict):
        return {shifted(name, days): shifted(value, days) for name, value in thing.items()}
    if isinstance(thing, list | tuple):
        return [shifted(item, days) for item in thing]
    return thing + timedelta(days=days) if isinstance(thing, date) else thing


def _day(text: str) -> date | None:
    """Return a date, None for a text that only looks like one or stands for "unknown"."""
    try:
        return date.fromisoformat(text) if 1900 < int(text[:4]) < 2150 else None
    except ValueError:
        return None


def told(judgements: list[Judgement], days: int = 0) -> list[str]:
    """Return answers in full, their dates moved by so many days, in an order that dates do not change."""
    plain = (json.dumps(asdict(judgement), default=_plain, ensure_ascii=False) for judgement in judgements)
    return sorted(shifted(text, days) for text in plain)


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, frozenset) else str(value)


def _is_of_the_calendar(case: Case) -> bool:
    """Whether a case tells of partial dates, of the days of a regime, or of dates that no calendar can move."""
    text = json.dumps([case.given, case.shared], default=str)
    early = any((day := _day(found)) is not None and day < OPEN_REGIMES for found in DAY.findall(text))
    return bool(PARTIAL.search(text)) or (case.rule_id == "SAE-03" and early)


CASES = [case for case in all_cases() if case.book == BOOK.header.name and not _is_of_the_calendar(case)]


def test_the_cases_that_are_shifted_show_every_rule_hit_and_clear_and_not_evaluable():
    answers = Counter((case.rule_id, case.given["answer"]) for case in CASES)
    missing = {(rule_id, str(answer)) for rule_id in BOOK.whens for answer in Answer} - set(answers)
    assert not missing


@settings(max_examples=8, deadline=None)
@given(shifts)
def test_every_case_of_every_rule_shifted_by_days_is_answered_alike(days):
    for case in CASES:
        later = replace(
            case,
            given=shifted({"now": NOW} | case.given, days) | {"says": case.given["says"]},
            shared=shifted(case.shared, days),
        )
        assert told(later.judged(), -days) == told(case.judged()), (case.rule_id, case.given["says"])


LOOKS = (0, 5, 13, 23)
TO_2021 = (date(2021, 3, 3) - START).days
"""By how much the made-up histories are moved, to lie where no regime begins or ends."""


def _swept(people: Any, days: int) -> list[dict[str, Any]]:
    """Sweep a made-up history that is moved by so many days; return what SQL then holds, moved back."""
    with TemporaryDirectory() as folder:
        trial = trial_of(Path(folder), ())
        for look in LOOKS:
            trial.rows = {domain: [] for domain in ("dm", "ae", "lb", "ec")}
            for known, domain, row in history(people):
                if known <= look:
                    trial.add(domain, **shifted(row, days))
            assert trial.sweep(at(day(look)) + timedelta(days=days)).status == "done"
        with trial.store.read() as session:
            decided = session.exec(select(Decision).order_by(col(Decision.id))).all()
            due = session.exec(select(ParticipantDue).order_by(ParticipantDue.usubjid)).all()
            rows = [json.loads(json.dumps(row.model_dump(), default=str)) for row in (*decided, *due)]
        trial.store.close()
    return [shifted(row, -days) for row in rows]


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(participants, shifts)
def test_a_study_shifted_by_days_is_decided_alike_in_sql_and_due_alike(people, days):
    assert _swept(people, TO_2021 + days) == _swept(people, TO_2021)


# ------------------------------------------------------------------------------------- what is entered late

KNOWN_WHEN = {"DOS-05", "SAE-03"}
"""Rules that ask when a record was known here, by right: a hold counts from then on, and so does a clock."""


@settings(max_examples=60, deadline=None)
@given(participants, st.randoms(use_true_random=False))
def test_when_events_and_labs_became_known_changes_no_answer(people, chance):
    def answers(known_at) -> list[str]:
        records: dict[str, dict[str, Any]] = {}
        for number, (known, name, row) in enumerate(history(people), start=1):
            domain = name.upper()
            event = f"{row['USUBJID']}|{row['AESPID']}" if domain == "AE" else ""
            moment = known_at(known) if domain in {"AE", "LB"} else at(day(known))
            record = read_record(domain, row, version=number, key=f"{domain}{number}", event_key=event, known_at=moment)
            own = records.setdefault(row["USUBJID"], {"usubjid": row["USUBJID"]})
            if domain == "DM":
                own["subject"] = record
            else:
                own[PLACES[domain]] = (*own.get(PLACES[domain], ()), record)
        view = StudyView(participants=tuple(Participant(**own) for own in records.values()),
                         feed=Feed(domains=frozenset(DOMAINS)))  # fmt: skip
        said = evaluate(BOOK, view, at(day(60)), SHANGHAI)
        assert not said.failures
        return told([judgement for judgement in said.judgements if judgement.rule_id not in KNOWN_WHEN])

    assert answers(lambda known: at(day(known))) == answers(lambda known: at(day(known + chance.randint(0, 30))))


LATE = 9
"""By how many days an entry is late at most."""


def _standing(trial: Trial) -> list[tuple[Any, ...]]:
    """Return what stands; of a recovery that it is one, not which of several results was known first."""
    return [(*alert[:6], bool(alert[6])) for alert in open_alerts(trial) if alert[7]]


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow], phases=[Phase.explicit, Phase.generate]
)
@given(participants, st.randoms(use_true_random=False))
def test_events_and_labs_entered_late_are_told_late_and_not_less_in_sql(people, chance):
    prompt = list(history(people))
    late = [
        (known + (chance.randint(0, LATE) if domain in {"ae", "lb"} else 0), domain, row)
        for known, domain, row in prompt
    ]
    with TemporaryDirectory() as at_once, TemporaryDirectory() as later:
        soon, slow = trial_of(Path(at_once), ()), trial_of(Path(later), ())
        for trial, rows in ((soon, prompt), (slow, late)):
            sweep_days(trial, rows, range(0, DAYS + LATE + 1, 3))
        assert _standing(slow) == _standing(soon)
        for trial in (soon, slow):
            told_of = {(d.rule_id, d.usubjid, d.scope) for d in trial.decisions() if d.action in CALLING and d.told}
            assert {alert[:3] for alert in _standing(trial)} <= told_of
            trial.store.close()


# ------------------------------------------------------------------------------------- nothing recorded

DOSES_LATER = len(BOOK.dosing.days) * BOOK.dosing.cycles - 1


def test_a_plan_of_which_only_the_first_dose_is_recorded_gives_one_miss_per_dose_and_one_run_of_them(tmp_path, store):
    trial = Trial(tmp_path / "in", store)
    trial.add("DM", USUBJID="P1", RFXSTDTC="2026-01-05")
    trial.add("EC", USUBJID="P1", ECOCCUR="Y", ECSTDTC="2026-01-05T09:00")
    for number in range(100):
        assert trial.sweep(at("2026-01-05") + timedelta(days=number)).status == "done"
    misses = [decision for decision in trial.decisions() if decision.rule_id == "DOS-01"]
    assert [decision.action for decision in misses] == ["notify"] * DOSES_LATER
    assert len({decision.scope for decision in misses}) == DOSES_LATER == 20
    (run,) = (alert for alert in trial.alerts() if alert.rule_id == "DOS-02")
    assert set(json.loads(run.anchors)) == {decision.scope for decision in misses}
    told_of_run = [(d.action, d.told) for d in trial.decisions() if d.rule_id == "DOS-02"]
    assert told_of_run == [("notify", True)] + [("extend", False)] * (DOSES_LATER - 2)
    with store.read() as session:
        mails = session.exec(select(Notification.purpose).where(col(Notification.urgency) != "routine")).all()
    assert not any(decision.urgency != "routine" for decision in misses)
    assert len(mails) < len(misses) / 2


def test_a_participant_of_whom_no_dose_at_all_is_recorded_is_one_question_not_a_miss_of_every_dose(tmp_path, store):
    trial = Trial(tmp_path / "in", store)
    for usubjid in ("P1", "P2"):
        trial.add("DM", USUBJID=usubjid, RFXSTDTC="2026-01-05")
    trial.add("EC", USUBJID="P2", ECOCCUR="Y", ECSTDTC="2026-01-05T09:00")
    for number in range(0, 100, 10):
        assert trial.sweep(at("2026-01-05") + timedelta(days=number)).status == "done"
    said = [
        (d.rule_id, d.action) for d in trial.decisions() if d.usubjid == "P1" and d.rule_id[:6] in ("DOS-01", "DOS-02")
    ]
    assert said == [("DOS-01", "cannot tell"), ("DOS-02", "cannot tell")]
