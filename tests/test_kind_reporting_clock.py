"""Reporting clocks through the sweep, by time alone, until a person enters a submission; and the words of the kind."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError
from sqlmodel import select

from alerts.ledger import close_alert, enter_not_owed, enter_submission
from alerts.lifecycle import LifecycleError
from alerts.tables import Notification
from monitor.sweep import run_sweep
from rules.context import Context
from rules.dtc import Dtc
from rules.evaluate import evaluate
from rules.hit import Answer, Consequence, Due, Urgency
from rules.kinds import KINDS
from rules.kinds.reporting_clock import When, describe
from rules.records import AdverseEvent, Feed, Participant, StudyView
from rules.rulebook import Rule, load_rulebook
from tests.trial import Trial, at

ZONE = ZoneInfo("Asia/Shanghai")


def _local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def _event(trial: Trial, **values: str) -> dict[str, str]:
    said = dict.fromkeys(("AESDTH", "AESLIFE", "AESHOSP", "AESDISAB", "AESCONG", "AESMIE"), "N")
    row = {"USUBJID": "P1", "AESPID": "E1", "AETERM": "SYNCOPE", "AESTDTC": "2026-03-10", "AEDTC": "2026-03-12"}
    return trial.add("AE", **row | said | {"AESER": "Y"} | values)


def _told(trial: Trial) -> list[tuple[str, str, str]]:
    return [
        (f"{decision.decided_at.astimezone(ZONE):%m-%d %H:%M}", decision.action, decision.scope.split(":")[0])
        for decision in trial.decisions()
        if decision.rule_id == "SAE-03" and decision.author == "vigil"
    ]


def _by_time_alone(trial: Trial, first: str, last: str) -> None:
    """Sweep every hour; nothing changes at the source."""
    now = _local(first)
    while now <= _local(last):
        run_sweep(trial.store, trial.study, now)
        now += timedelta(hours=1)


HOURS, DAYS = "clock china-2020 sponsor-24h", "clock china-2018 susar-15d"


@pytest.fixture
def trial(tmp_path, store) -> Trial:
    """A study that has looked before, and a serious event that it reads at 20:00 on 13 March."""
    trial = Trial(tmp_path / "in", store)
    trial.add("DM", USUBJID="P1")
    _event(trial, AESPID="E0", AETERM="COUGH", AESER="N")
    trial.sweep(_local("2026-03-12T20:00"))
    _event(trial)
    trial.sweep(_local("2026-03-13T20:00"))
    return trial


def _alert(trial: Trial, scope: str) -> int:
    return next(alert.id for alert in trial.alerts() if alert.scope.startswith(scope))


def _enter(trial: Trial, alert: int, on: str, now: str) -> None:
    with trial.store.write() as session:
        enter_submission(session, alert, "Dr Li", date.fromisoformat(on), "", _local(now))


def test_a_clock_warns_is_over_and_ends_by_an_entry_alone(trial: Trial) -> None:
    _by_time_alone(trial, "2026-03-13T21:00", "2026-03-14T22:00")
    assert _told(trial) == [("03-14 14:00", "notify", HOURS), ("03-14 20:00", "notify again", HOURS)]
    with trial.store.write() as session:
        close_alert(session, _alert(trial, HOURS), "Dr Li", "seen", "", _local("2026-03-14T22:05"))
    _by_time_alone(trial, "2026-03-14T23:00", "2026-03-15T22:00")
    assert len(_told(trial)) == 2
    _enter(trial, _alert(trial, HOURS), "2026-03-14", "2026-03-15T22:05")
    run_sweep(trial.store, trial.study, _local("2026-03-15T22:15"))
    assert _told(trial)[2:] == [("03-15 22:15", "recovery", HOURS)]
    alert = next(alert for alert in trial.alerts() if alert.scope.startswith(HOURS))
    assert alert.recovery == "submitted on 2026-03-14, as Dr Li entered 2026-03-15 22:05"
    assert trial.store.faults() == []


def test_an_entry_at_the_alert_of_the_event_comes_before_any_warning(trial: Trial) -> None:
    serious = next(alert.id for alert in trial.alerts() if alert.rule_id == "SAE-01")
    _enter(trial, serious, "2026-03-13", "2026-03-13T21:00")
    _by_time_alone(trial, "2026-03-13T21:00", "2026-03-14T22:00")
    assert _told(trial) == []
    for day in range(15, 30):
        run_sweep(trial.store, trial.study, _local(f"2026-03-{day}T00:00"))
    assert _told(trial) == [("03-25 00:00", "notify", DAYS), ("03-29 00:00", "notify again", DAYS)]


def test_a_clock_that_nobody_saw_running_before_it_was_stopped_wakes_nobody(trial: Trial) -> None:
    serious = next(alert.id for alert in trial.alerts() if alert.rule_id == "SAE-01")
    _enter(trial, serious, "2026-03-14", "2026-03-14T15:00")
    run_sweep(trial.store, trial.study, _local("2026-03-14T15:15"))
    (told,) = [
        decision for decision in trial.decisions() if decision.rule_id == "SAE-03" and decision.author == "vigil"
    ]
    assert (told.action, told.urgency, told.recovery) == (
        "notify",
        "routine",
        "submitted on 2026-03-14, as Dr Li entered 2026-03-14 15:00",
    )


def test_an_entry_after_the_time_was_over_ends_what_was_told_and_calls_nobody_again(trial: Trial) -> None:
    run_sweep(trial.store, trial.study, _local("2026-03-14T14:00"))
    _enter(trial, _alert(trial, HOURS), "2026-03-14", "2026-03-14T21:00")
    run_sweep(trial.store, trial.study, _local("2026-03-14T21:15"))
    assert _told(trial) == [("03-14 14:00", "notify", HOURS), ("03-14 21:15", "recovery", HOURS)]


def test_a_downgrade_and_a_vanished_row_leave_the_clock_running(trial: Trial) -> None:
    row = trial.rows["ae"][1]
    row["AESER"] = "N"
    trial.sweep(_local("2026-03-14T10:00"))
    run_sweep(trial.store, trial.study, _local("2026-03-14T14:00"))
    assert _told(trial) == [("03-14 14:00", "notify", HOURS)]
    trial.rows["ae"].remove(row)
    trial.sweep(_local("2026-03-14T15:00"))
    run_sweep(trial.store, trial.study, _local("2026-03-14T20:00"))
    assert [told[1] for told in _told(trial)] == ["notify", "amend", "notify again"]
    result = run_sweep(trial.store, trial.study, _local("2026-03-15T20:15"))
    assert (result.judged, len(_told(trial))) == (1, 3)


def test_an_upgrade_starts_a_second_clock_and_shows_the_earlier_one(trial: Trial) -> None:
    trial.rows["ae"][1]["AESLIFE"] = "Y"
    trial.sweep(_local("2026-03-22T09:00"))
    run_sweep(trial.store, trial.study, _local("2026-03-26T00:00"))
    running = {alert.scope.split(":")[0]: alert for alert in trial.alerts() if alert.rule_id == "SAE-03"}
    assert set(running) == {HOURS, DAYS, "clock china-2018 susar-7d"}
    grave = next(d for d in trial.decisions() if d.scope.startswith("clock china-2018 susar-7d"))
    assert "due 2026-03-29, end of the day, in 3 days; beside it runs:" in grave.reason
    assert "due 2026-03-28, end of the day (the earlier)" not in grave.reason  # the 24 hours are earlier still
    assert "due 2026-03-14 20:00 (the earlier)" in grave.reason


def test_the_mail_says_that_a_person_decides(trial: Trial) -> None:
    run_sweep(trial.store, trial.study, _local("2026-03-14T14:00"))
    with trial.store.read() as session:
        mail = session.exec(select(Notification).order_by(Notification.id.desc())).first()
    text = " ".join(mail.mime.decode().replace("=\r\n", "").split())
    assert "decides neither causality nor expectedness: a person does" in text
    assert "due 2026-03-14 20:00, in 6 h 00 min" in text


@pytest.mark.parametrize(
    ("on", "author", "says"),
    [
        ("2026-03-16", "Dr Li", "2026-03-16 is still to come"),
        ("2026-03-14", " ", "needs the name of the person"),
        ("2026-03-14", "vigil", "needs the name of the person"),
    ],
)
def test_what_is_no_entry_is_refused(trial: Trial, on: str, author: str, says: str) -> None:
    serious = next(alert.id for alert in trial.alerts() if alert.rule_id == "SAE-01")
    with trial.store.write() as session, pytest.raises(LifecycleError, match=says):
        enter_submission(session, serious, author, date.fromisoformat(on), "", _local("2026-03-14T21:00"))


def test_an_alert_about_no_event_takes_no_entry(trial: Trial) -> None:
    trial.add("LB", USUBJID="P1", LBTESTCD="PLAT", LBORRES="20", LBORRESU="10^9/L", LBDTC="2026-03-14")
    trial.rows["dm"][0]["RFXSTDTC"] = "2026-03-01"
    trial.sweep(at("2026-03-14", 1))
    other = next(alert.id for alert in trial.alerts() if alert.rule_id.startswith("CYT"))
    with trial.store.write() as session, pytest.raises(LifecycleError, match="not about one adverse event"):
        enter_submission(session, other, "Dr Li", date(2026, 3, 14), "", at("2026-03-14", 2))
    with trial.store.write() as session, pytest.raises(LifecycleError, match="no alert 99"):
        enter_submission(session, 99, "Dr Li", date(2026, 3, 14), "", at("2026-03-14", 2))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"regimes": ("eu",), "warn_before_hours": 6, "warn_before_days": 3}, "'eu' is unknown"),
        ({"regimes": ("uk", "uk"), "warn_before_hours": 6, "warn_before_days": 3}, "each must be named once"),
        ({"regimes": ("uk",), "warn_before_hours": 6}, "warn_before_days belongs to"),
        ({"regimes": ("uk",), "warn_before_days": 3}, "warn_before_hours belongs to"),
        ({"regimes": ("china-2020",), "warn_before_hours": 6, "warn_before_days": 3}, "warn_before_days belongs to"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        When(**given)


def test_the_signed_words_say_who_decides() -> None:
    assert "vigil never decides: a person does" in describe(When(regimes=("china-2020",), warn_before_hours=6))


@pytest.mark.parametrize("names", [("SYNCOPE",), ("FALL", "FAINTED", "SYNCOPE")])
@pytest.mark.parametrize(("now", "over"), [("2026-03-14T19:59", "not yet due"), ("2026-03-14T20:00", "overdue")])
def test_an_event_that_is_gone_is_told_as_it_was_last_read(names: tuple[str, ...], now: str, over: str) -> None:
    read = [
        AdverseEvent(
            version=n, key="AE1", event_key="E1", usubjid="P1", aeterm=name, aeser="Y", aedtc=Dtc.parse("2026-03-12"),
            known_at=_local("2026-03-13T20:00"),
        )
        for n, name in enumerate(names, 1)
    ]  # fmt: skip
    view = StudyView(
        participants=(Participant(usubjid="P1", former_events={"AE1": tuple(read)}),),
        feed=Feed(domains=frozenset({"AE"})),
    )
    said = evaluate(load_rulebook("low_dose_il2_sle"), view, _local(now), ZONE).judgements
    (hit,) = (one for one in said if one.rule_id == "SAE-03" and one.answer is Answer.HIT)
    assert hit.summary.endswith(": SYNCOPE")
    assert (hit.usubjid, hit.evidence, hit.urgency) == ("P1", (), Urgency.IMMEDIATE)
    assert [(one.test, one.side, one.value, one.said) for one in hit.extent] == [
        ("clock", "words", over == "overdue", over)
    ]
    assert "no longer entered as serious, which stops no clock" in hit.reason
    assert "entered at site (AEDTC) 2026-03-12" in hit.reason


def _judged(now: str, *events: AdverseEvent, gone: bool = False, consequence: str = "watch", **when: object):
    """What one rule says of events; of the versions of one that is gone."""
    rule = Rule.model_validate(
        {"id": "SAE-99", "title": "t", "kind": "reporting_clock", "protocol_section": "1", "urgency": "immediate",
         "action": "look", "consequence": consequence}
    )  # fmt: skip
    who = Participant(usubjid="P1", **({"former_events": {"AE1": events}} if gone else {"adverse_events": events}))
    context = Context(now=_local(now), zone=ZONE, header=load_rulebook("low_dose_il2_sle").header, graded={})
    said = KINDS["reporting_clock"].judge(rule, When.model_validate(when), who, context)
    return [word for word in said if not isinstance(word, Due)]


def _serious(read: str | None = "2026-03-13T20:00", **values) -> AdverseEvent:
    known = {} if read is None else {"known_at": _local(read)}
    row = {"version": 1, "key": "AE1", "event_key": "E1", "usubjid": "P1", "aeterm": "SYNCOPE", "aeser": "Y"}
    return AdverseEvent(**row | known | values)


@pytest.mark.parametrize(("now", "told"), [("2026-03-14T19:59", 0), ("2026-03-14T20:00", 1)])
def test_without_a_warning_a_clock_is_told_when_it_is_over(now: str, told: int) -> None:
    assert len(_judged(now, _serious(), regimes=("china-2020",), warn_before_hours=0)) == told


@pytest.mark.parametrize(("now", "told"), [("2026-03-27T23:59", 0), ("2026-03-28T00:00", 1)])
def test_without_days_of_warning_the_last_day_is_told_when_it_begins(now: str, told: int) -> None:
    said = _judged(now, _serious(), regimes=("china-2018",), warn_before_days=0)
    assert [one.summary for one in said] == ["SUSAR report due 2026-03-28, end of the day: SYNCOPE"] * told


def test_of_clocks_due_together_none_is_the_earlier_and_what_nobody_entered_is_said() -> None:
    regimes = ("china-2020", "ich-e2a")
    first, second, *_ = _judged(
        "2026-03-14T19:00", _serious(), regimes=regimes, warn_before_hours=6, warn_before_days=3
    )
    for one in (first, second):
        assert "beside it runs: Report of the investigator to the sponsor, due 2026-03-14 20:00; onset" in one.reason
        assert "onset not known; entered at site (AEDTC) not said;" in one.reason


@pytest.mark.parametrize("names", [("SYNCOPE",), ("FALL", "FAINTED", "SYNCOPE")])
def test_an_event_that_is_gone_and_became_known_nobody_knows_when_is_named_as_last_read(names: tuple[str, ...]) -> None:
    read = [_serious(None, aeterm=name, version=n) for n, name in enumerate(names)]
    when = {"regimes": ("china-2020",), "warn_before_hours": 6}
    (said,) = _judged("2026-03-14T19:00", *read, gone=True, consequence="hold", **when)
    assert said.answer is Answer.NOT_EVALUABLE
    assert said.summary == "Reporting clock not known: SYNCOPE"
    assert (said.usubjid, said.consequence) == ("P1", Consequence.HOLD)


def _not_owed(trial: Trial, alert: int, now: str, why: str = "unrelated, as the sponsor found") -> None:
    with trial.store.write() as session:
        enter_not_owed(session, alert, "Dr Li", why, _local(now))


def test_what_a_person_finds_not_owed_ends_that_clock_alone_and_starts_no_follow_up(trial: Trial) -> None:
    _event(trial, AESPID="E2", AETERM="ARREST", AESLIFE="Y")
    trial.sweep(_local("2026-03-13T20:30"))
    _by_time_alone(trial, "2026-03-13T21:00", "2026-03-18T21:00")
    grave = "clock china-2018 susar-7d"
    alert = _alert(trial, grave)
    _not_owed(trial, alert, "2026-03-18T21:30")
    trial.sweep(_local("2026-03-18T22:00"))
    (said,) = [found for found in trial.decisions() if found.alert_id == alert and found.action == "recovery"]
    assert said.reason == "no report owed, as Dr Li entered 2026-03-18 21:30"
    (entry,) = [found for found in trial.decisions() if found.action == "not owed"]
    assert (entry.author, entry.reason, entry.submitted_on) == ("Dr Li", "unrelated, as the sponsor found", None)
    _by_time_alone(trial, "2026-03-18T23:00", "2026-03-30T21:00")
    scopes = {scope for _, _, scope in _told(trial)}
    assert not any("follow-up" in scope for scope in scopes)
    assert DAYS in scopes  # the other event's, which nobody has ended
    assert [action for _, action, scope in _told(trial) if scope == grave] == ["notify", "recovery"]


def test_an_alert_of_no_clock_is_no_place_for_what_is_not_owed(trial: Trial) -> None:
    alert = next(found.id for found in trial.alerts() if found.rule_id == "SAE-01")
    with pytest.raises(LifecycleError, match=f"alert {alert} is of no reporting clock"):
        _not_owed(trial, alert, "2026-03-14T09:00")
    _by_time_alone(trial, "2026-03-14T14:00", "2026-03-14T15:00")
    with pytest.raises(LifecycleError, match="needs a reason"):
        _not_owed(trial, _alert(trial, HOURS), "2026-03-14T15:30", " ")
