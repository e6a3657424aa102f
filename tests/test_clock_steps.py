"""A clock that steps, forward or back, by a second or a month: no decision is lost, and none is made twice.

Through real sweeps under a frozen clock; what is asked is asked of SQL.
"""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from freezegun import freeze_time
from sqlmodel import col, select

from alerts import ledger
from alerts.decide import CALLING
from alerts.ledger.holds import holds
from alerts.ledger.set_back import set_backs
from alerts.tables import Alert, Decision, Notification, Sweep
from monitor import clock
from monitor.daily import owe_daily
from tests.trial import Trial

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MONTH = 31 * DAY
DUE = datetime(2026, 1, 10, 16, tzinfo=UTC)
"""When the dose C1D3 of a participant first dosed on 5 January counts as missed: midnight in Shanghai."""


@pytest.fixture
def trial(tmp_path, store) -> Trial:
    trial = Trial(tmp_path / "in", store)
    trial.add("DM", USUBJID="P1", RFXSTDTC="2026-01-05")
    trial.add("EC", USUBJID="P1", ECOCCUR="Y", ECSTDTC="2026-01-05T09:00")
    for test in ("WBC", "NEUT", "LYM", "PLAT", "HGB"):
        trial.add("LB", USUBJID="P1", LBTESTCD=test, LBORRES="5", LBORRESU="10^9/L", LBDTC="2026-01-05T08:00")
    trial.export()
    trial.study.source.read({})  # what reads files must be loaded before the clock is frozen
    sweep(trial, DUE - 5 * DAY)
    return trial


def sweep(trial: Trial, moment: datetime) -> Sweep:
    """Sweep at a moment of the frozen clock, owe the daily mail, and return the sweep's row."""
    with freeze_time(moment):
        result = trial.sweep(clock.now())
        owe_daily(trial.store, trial.study, clock.now())
    assert result.status == "done", result.error
    with trial.store.read() as session:
        return session.get_one(Sweep, result.sweep_id)


def decided(trial: Trial, rule_id: str = "DOS-01") -> list[tuple[str, str]]:
    """Return what was decided by a rule about P1: action and concern."""
    with trial.store.read() as session:
        of_rule = select(Decision).where(Decision.rule_id == rule_id, Decision.usubjid == "P1")
        return [(row.action, row.scope) for row in session.exec(of_rule.order_by(col(Decision.id)))]


def standing(trial: Trial) -> Counter[tuple[str, str, str]]:
    with trial.store.read() as session:
        alerts = session.exec(select(Alert).where(col(Alert.standing), Alert.usubjid != "")).all()
        return Counter((alert.rule_id, alert.usubjid, alert.scope) for alert in alerts)


@pytest.mark.parametrize("step", [HOUR, DAY, MONTH, 6 * MONTH])
def test_a_clock_that_steps_forward_past_many_due_moments_tells_each_of_them_once(trial, step):
    for moment in (DUE - 4 * DAY, DUE - 4 * DAY + step, DUE - 4 * DAY + step + HOUR):
        sweep(trial, moment)
    told = Counter(scope for action, scope in decided(trial) if action in CALLING)
    missed = {"C1D3": 10, "C1D5": 12, "C1D7": 14, "C1D9": 16, "C1D11": 18, "C1D13": 20}
    over = {name for name, day in missed.items() if datetime(2026, 1, day, 16, tzinfo=UTC) <= DUE - 4 * DAY + step}
    assert over <= set(told)
    assert set(told.values()) <= {1}
    assert {action for action, _ in decided(trial)} <= {"notify"}


@pytest.mark.parametrize("step", [timedelta(seconds=1), timedelta(minutes=5), HOUR, 25 * HOUR - 2 * HOUR, DAY])
def test_a_clock_that_is_set_back_across_a_due_moment_by_up_to_a_day_changes_nothing(trial, step):
    sweep(trial, DUE)
    assert decided(trial) == [("notify", "C1D3")]
    back = DUE - step
    row = sweep(trial, back)
    assert (row.now, row.set_back_from, row.is_full, row.participants_judged) == (back, DUE, False, 0)
    trial.add("AE", USUBJID="P1", AETERM="Rash", AESPID="1", AESER="N", AEDTC="2026-01-09")  # P1 is judged again
    row = sweep(trial, back + step / 2)
    assert (row.set_back_from, row.participants_judged) == (DUE, 1)
    for moment in (DUE, DUE + timedelta(minutes=15), DUE + HOUR):
        assert sweep(trial, moment).set_back_from is None
    assert decided(trial) == [("notify", "C1D3")]
    sweep(trial, DUE + 2 * DAY)
    assert decided(trial) == [("notify", "C1D3"), ("notify", "C1D5")]


def test_a_clock_that_stood_a_month_ahead_is_not_believed_after_it_is_set_right(trial):
    ahead = sweep(trial, DUE - 4 * DAY + MONTH)
    early = [scope for _, scope in decided(trial)]
    assert len(early) == 7  # to the first dose of the second cycle
    right = sweep(trial, DUE - 4 * DAY + HOUR)
    assert (right.set_back_from, right.is_full) == (ahead.now, True)
    assert sweep(trial, DUE - 4 * DAY + 2 * HOUR).set_back_from is None
    taken_back = [row for row in trial.decisions() if row.action == "retract" and row.rule_id == "DOS-01"]
    assert [row.scope for row in taken_back] == early
    assert {row.reason for row in taken_back} == {
        f"not so by the clock, which was set back from {ahead.now:%Y-%m-%d %H:%M} UTC"
    }
    for number in range(60):
        sweep(trial, DUE - 3 * DAY + number * DAY)
    again = Counter(scope for action, scope in decided(trial) if action == "reinstate")
    assert again == Counter(early)
    assert {row.set_back_from for row in rows(trial) if row.now > right.now and row.id > right.id} == {None}

    assert {scope for rule, _, scope in standing(trial) if rule == "DOS-01"} >= set(early)


def rows(trial: Trial) -> list[Sweep]:
    with trial.store.read() as session:
        return list(session.exec(select(Sweep).order_by(col(Sweep.id))))


def test_a_reporting_clock_that_began_while_the_clock_stood_ahead_counts_from_when_it_was_set_right(trial):
    trial.add("AE", USUBJID="P1", AETERM="Syncope", AESPID="1", AESER="Y", AESTDTC="2026-01-06")
    sweep(trial, DUE - 4 * DAY + MONTH)
    right = DUE - 4 * DAY + HOUR
    sweep(trial, right)
    sweep(trial, right + 17 * HOUR)
    sponsor = "clock china-2020 sponsor-24h: P1|1"
    scopes = {scope for _, scope in decided(trial, "SAE-03")}
    assert not any("24h" in scope for scope in scopes), scopes
    sweep(trial, right + 18 * HOUR)
    (told,) = [row for row in trial.decisions() if row.rule_id == "SAE-03" and "24h" in row.scope]
    assert told.action == "notify"
    assert f"{right.astimezone(trial.study.zone):%Y-%m-%d %H:%M}" in told.reason, (sponsor, told.reason)


def test_a_dose_on_a_hold_that_was_decided_while_the_clock_stood_ahead_is_told(trial):
    row = {"LBTESTCD": "ALT", "LBORRES": "260", "LBORRESU": "U/L", "LBORNRLO": "5", "LBORNRHI": "40"}
    trial.add("LB", USUBJID="P1", LBDTC="2026-01-06T08:00", **row)
    sweep(trial, DUE - 4 * DAY + MONTH)
    sweep(trial, DUE - 4 * DAY + HOUR)
    trial.add("EC", USUBJID="P1", ECOCCUR="Y", ECSTDTC="2026-01-08T09:00")
    sweep(trial, DUE - 2 * DAY)
    assert [action for action, _ in decided(trial, "DOS-05")] == ["notify"]


def test_a_source_that_fell_silent_while_the_clock_stood_ahead_is_called_stale_in_time(trial):
    trial.add("AE", USUBJID="P1", AETERM="Rash", AESPID="1", AESER="N", AEDTC="2026-01-06")
    sweep(trial, DUE - 4 * DAY + MONTH)
    stale = []
    for number in range(40):
        sweep(trial, DUE - 4 * DAY + number * DAY)
        stale += [number for row in trial.decisions() if row.scope == "age" and row.action == "notify"]
    assert stale
    assert stale[0] < 20


@pytest.mark.parametrize("step", [timedelta(seconds=20), HOUR, DAY, MONTH])
def test_no_day_is_without_its_daily_mail_and_none_gets_two_for_a_small_step(trial, step):
    def mails() -> Counter[str]:
        with trial.store.read() as session:
            owed = session.exec(select(Notification.owed_at).where(Notification.purpose == "daily")).all()
        return Counter(str(moment.astimezone(trial.study.zone).date()) for moment in set(owed))

    daily = datetime(2026, 1, 20, 8, 0, tzinfo=trial.study.zone).astimezone(UTC)
    sweep(trial, daily + timedelta(seconds=10))
    sweep(trial, daily + timedelta(seconds=10) - step)
    start = daily - (step if step >= DAY else 0 * DAY)
    for number in range(35):
        sweep(trial, start + timedelta(minutes=5) + number * DAY)
    days = mails()
    assert all(days[str((start + number * DAY).date())] for number in range(35))
    if step <= HOUR:
        assert set(days.values()) == {1}


AHEAD, BEHIND = DUE + 60 * DAY, DUE - 21 * DAY


@pytest.mark.parametrize("spell", [1, 4])
@pytest.mark.parametrize(
    "strays",
    [
        pytest.param([BEHIND], id="behind and right again"),
        pytest.param([AHEAD], id="ahead and set right"),
        pytest.param([AHEAD, BEHIND], id="ahead, set right, and behind"),
        pytest.param([BEHIND, AHEAD], id="behind, right again, and ahead"),
    ],
)
def test_what_was_told_and_a_hold_outlive_a_clock_that_was_wrong_for_a_while(trial, strays, spell):
    moments = iter(DUE + 3 * DAY + number * HOUR for number in range(10_000))
    sweep(trial, next(moments))  # C1D3 and C1D5 are missed
    row = {"LBTESTCD": "ALT", "LBORRES": "260", "LBORRESU": "U/L", "LBORNRLO": "5", "LBORNRHI": "40"}
    trial.add("LB", USUBJID="P1", LBDTC="2026-01-13T20:00", **row)
    sweep(trial, next(moments))
    (hold,) = [alert for alert in trial.alerts() if alert.consequence == "hold" and alert.usubjid == "P1"]
    with trial.store.write() as session:
        ledger.acknowledge(session, hold.id, "Dr Li", "seen", next(moments))
    sweep(trial, next(moments))
    told = {key for key in standing(trial) if key[0] != "SAE-03"}
    for stray in strays:
        for number in range(spell):
            sweep(trial, stray + number * HOUR)
            next(moments)
        for _ in range(3):
            sweep(trial, next(moments))
        assert {scope for rule, _, scope in standing(trial) if rule in ("DOS-01", "DOS-05")} == {"C1D3", "C1D5"}
        with trial.store.read() as session:
            backs = set_backs(session, trial.study.id)
            (found,) = holds(session, trial.study.id, ["P1"], backs)["P1"]
        assert DUE + 3 * DAY < found.since < DUE + 5 * DAY
    assert told <= set(standing(trial))


def test_what_came_while_the_clock_had_fallen_behind_came_after_what_was_there_before(trial):
    sweep(trial, DUE)
    trial.add("AE", USUBJID="P1", AETERM="Syncope", AESPID="1", AESER="Y", AESTDTC="2026-01-09")
    sweep(trial, BEHIND)
    sweep(trial, DUE + HOUR)
    with trial.store.read() as session:
        view = ledger.standing_view(session, trial.study.id, trial.study.zone, ["P1"])
    assert view.participants[0].adverse_events[0].known_at == DUE


@pytest.mark.parametrize("hours", [9, 48])
def test_an_entry_made_before_the_first_sweep_of_a_clock_that_was_set_back_stops_the_clock(trial, hours):
    right = DUE - 2 * DAY
    sweep(trial, right - HOUR)
    trial.add("AE", USUBJID="P1", AETERM="Syncope", AESPID="1", AESER="Y", AESTDTC="2026-01-08")
    ahead = sweep(trial, right + hours * HOUR)
    alert = next(alert for alert in trial.alerts() if alert.rule_id == "SAE-01")
    with trial.store.write() as session:
        ledger.enter_submission(session, alert.id, "Dr Li", date(2026, 1, 9), "sent", right + timedelta(minutes=6))
    for number in range(1, 12):
        sweep(trial, right + number * 4 * HOUR)
    told = [row for row in trial.decisions() if row.rule_id == "SAE-03" and "24h" in row.scope]
    assert [row for row in told if row.action in CALLING and row.sweep_id != ahead.id] == []


def test_a_hold_that_was_closed_while_the_clock_stood_ahead_ended_before_what_was_decided_next(trial):
    row = {"LBTESTCD": "ALT", "LBORRES": "260", "LBORRESU": "U/L", "LBORNRLO": "5", "LBORNRHI": "40"}
    trial.add("EC", USUBJID="P1", ECOCCUR="Y", ECSTDTC="2026-01-07T09:00")
    trial.add("LB", USUBJID="P1", LBDTC="2026-01-08T08:00", **row)
    right = datetime(2026, 1, 8, 12, tzinfo=UTC)
    sweep(trial, right)
    (hold,) = [alert for alert in trial.alerts() if alert.consequence == "hold" and alert.usubjid == "P1"]
    sweep(trial, right + 5 * DAY + HOUR)
    with trial.store.write() as session:
        ledger.close_alert(session, hold.id, "Dr Li", "an error of the laboratory", "", right + 5 * DAY + 2 * HOUR)
    trial.add("AE", USUBJID="P1", AETERM="Syncope", AESPID="1", AESER="Y", AESTDTC="2026-01-08")
    sweep(trial, right + 3 * HOUR)
    sweep(trial, right + 4 * DAY)
    with trial.store.read() as session:
        view = ledger.standing_view(session, trial.study.id, trial.study.zone, ["P1"])
    assert [found.until for found in view.participants[0].holds] == [right + 3 * HOUR]
