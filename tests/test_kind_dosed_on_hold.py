"""A dose given while a hold stood, or not given, through the ledger: what begins a hold, and what does not end it."""

from datetime import timedelta

import pytest

from alerts.ledger import kept_by_acknowledging, people, released_by_closing
from tests.trial import Trial, at


def _platelets(trial: Trial, day: str, value: str) -> dict[str, str]:
    return trial.add(
        "LB", USUBJID="P1", LBTESTCD="PLAT", LBORRES=value, LBORRESU="10^9/L", LBORNRLO="125", LBORNRHI="350", LBDTC=day
    )


def _dose(trial: Trial, day: str) -> None:
    trial.add("EC", USUBJID="P1", ECOCCUR="Y", ECSTDTC=day)


def _told(trial: Trial) -> list[str]:
    return [decision.action for decision in trial.decisions() if decision.rule_id == "DOS-05"]


def test_a_hold_stands_until_a_person_closes_its_alert(tmp_path, store):
    trial = Trial(tmp_path / "in", store)
    trial.add("DM", USUBJID="P1", RFXSTDTC="2026-01-05")
    _platelets(trial, "2026-01-02", "200")
    _dose(trial, "2026-01-05T09:00")
    trial.sweep(at("2026-01-06"))
    fallen = _platelets(trial, "2026-01-08T08:00", "20")
    _dose(trial, "2026-01-07T09:00")
    _dose(trial, "2026-01-09T09:00")  # after the sample, before its result was here
    trial.sweep(at("2026-01-10"))
    [hold] = [alert for alert in trial.alerts() if alert.consequence == "hold"]
    assert (hold.rule_id, _told(trial)) == ("CYT-02", [])

    _dose(trial, "2026-01-11T09:00")
    trial.sweep(at("2026-01-12"))
    assert _told(trial) == ["notify"]

    fallen["LBORRES"] = "210"  # corrected, and so retracted: a person has still not released the hold
    _dose(trial, "2026-01-13T09:00")
    trial.sweep(at("2026-01-14"))
    assert _told(trial) == ["notify", "notify again"]

    with store.write() as session:
        people.close_alert(session, hold.id, "Dr Wu", "data error", "wrong tube", at("2026-01-14") + timedelta(hours=1))
        assert released_by_closing(session, hold.id) == "this releases the hold on P1; no other alert holds dosing"
    _dose(trial, "2026-01-15T09:00")
    trial.sweep(at("2026-01-16"))
    assert _told(trial) == ["notify", "notify again"]

    fallen["LBORRES"] = "19"  # what was closed is true after all: the hold stands again
    trial.sweep(at("2026-01-17"))
    _dose(trial, "2026-02-02T09:00")
    trial.sweep(at("2026-02-03"))
    assert _told(trial) == ["notify", "notify again", "notify"]


def test_who_closes_one_of_two_holds_is_told_of_the_other(tmp_path, store):
    trial = Trial(tmp_path / "in", store)
    trial.add("DM", USUBJID="P1", RFXSTDTC="2026-01-05")
    _platelets(trial, "2026-01-02", "200")
    _dose(trial, "2026-01-05T09:00")
    _platelets(trial, "2026-01-08T08:00", "20")
    trial.add("AE", USUBJID="P1", AETERM="Pneumonia", AESPID="E1", AESER="Y", AESHOSP="Y", AESTDTC="2026-01-07")
    trial.sweep(at("2026-01-10"))
    first, *others = [alert.id for alert in trial.alerts() if alert.consequence == "hold"]
    watched = next(alert.id for alert in trial.alerts() if alert.consequence == "watch")
    left = ", ".join(map(str, others))
    assert others
    with store.write() as session:
        people.close_alert(session, first, "Dr Wu", "confirmed", "", at("2026-01-11"))
        assert released_by_closing(session, first).endswith(f"P1; dosing is still on hold by alert {left}")
        people.close_alert(session, watched, "Dr Wu", "confirmed", "", at("2026-01-11"))
        assert released_by_closing(session, watched) == ""


def _about_misses(trial: Trial) -> list[tuple[str, str, str]]:
    return [(d.rule_id, d.action, d.reason) for d in trial.decisions() if d.rule_id in {"DOS-01", "DOS-02"}]


def test_who_acknowledges_a_hold_takes_back_the_recorded_misses_while_it_stood(tmp_path, store):
    trial = Trial(tmp_path / "in", store)
    trial.add("DM", USUBJID="P1", RFXSTDTC="2026-01-05")
    _platelets(trial, "2026-01-02", "200")
    _dose(trial, "2026-01-05T09:00")
    _platelets(trial, "2026-01-06T08:00", "20")
    trial.sweep(at("2026-01-06"))
    [hold] = [alert for alert in trial.alerts() if alert.consequence == "hold"]
    for day in ("2026-01-07", "2026-01-09"):
        trial.add("EC", USUBJID="P1", ECOCCUR="N", ECSTDTC=day)
    trial.sweep(at("2026-01-14"))
    assert [(rule, action) for rule, action, _ in _about_misses(trial)] == [
        ("DOS-01", "notify"), ("DOS-01", "notify"), ("DOS-02", "notify"),
    ]  # fmt: skip
    assert all(f"dosing was on hold then (alert {hold.id})" in why for _, _, why in _about_misses(trial))

    with store.write() as session:
        people.acknowledge(session, hold.id, "Dr Wu", "dosing stopped by phone on the 6th", at("2026-01-14"))
        assert kept_by_acknowledging(session, hold.id) == (
            "the hold on P1 stands until this alert is closed; a dose recorded as not given meanwhile is not missed"
        )
    trial.sweep(at("2026-01-15"))
    taken_back = [why for _, action, why in _about_misses(trial) if action == "retract"]
    assert len(taken_back) == 3
    assert all(
        f"no longer an alert: C1D3 not given: dosing was on hold (alert {hold.id})" in taken_back[n] for n in (0, 2)
    )

    with store.write() as session:
        people.close_alert(session, hold.id, "Dr Wu", "recovered", "", at("2026-01-15"))
        assert kept_by_acknowledging(session, hold.id) == ""
    trial.sweep(at("2026-02-06"))  # C1D11, planned for the 15th, was no longer on hold
    told = [why for _, action, why in _about_misses(trial)[6:] if action == "notify"]
    assert any("planned for 2026-01-15, nothing recorded" in why for why in told)


@pytest.mark.parametrize("acknowledged", [False, True])
def test_the_hold_of_a_typo_excuses_no_dose_after_its_retraction(tmp_path, store, acknowledged):
    trial = Trial(tmp_path / "in", store)
    trial.add("DM", USUBJID="P1", RFXSTDTC="2026-01-05")
    _platelets(trial, "2026-01-02", "200")
    _dose(trial, "2026-01-05T09:00")
    fallen = _platelets(trial, "2026-01-06T08:00", "20")
    trial.sweep(at("2026-01-06"))
    [hold] = [alert for alert in trial.alerts() if alert.consequence == "hold"]
    if acknowledged:
        with store.write() as session:
            people.acknowledge(session, hold.id, "Dr Wu", "", at("2026-01-06"))
    fallen["LBORRES"] = "200"
    trial.sweep(at("2026-01-07"))
    for day in ("2026-01-07", "2026-01-09"):
        trial.add("EC", USUBJID="P1", ECOCCUR="N", ECSTDTC=day)
    trial.sweep(at("2026-01-20"))  # later doses are not recorded at all
    told = _about_misses(trial)
    assert told and all(action in {"notify", "extend"} for _, action, _ in told)

    with store.write() as session:
        people.acknowledge(session, hold.id, "Dr Wu", "", at("2026-01-20"))
        assert kept_by_acknowledging(session, hold.id) == "the hold on P1 stands until this alert is closed"
        people.close_alert(session, hold.id, "Dr Wu", "a typo", "", at("2026-01-20"))
    trial.sweep(at("2026-01-21"))
    assert not [why for _, action, why in _about_misses(trial) if action in {"retract", "hold back"}]
