"""A sweep in trouble: what breaks is recorded and told, and quotes no data to whoever is blinded."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from email import message_from_bytes, policy

import pytest
from polars.exceptions import PanicException
from sqlmodel import col, select

from alerts.batch import Batch, SeenFile
from alerts.store import Store
from alerts.tables import Decision, Notification, NotificationDecision, SourceFile, Sweep
from monitor.daily import owe_daily
from monitor.sources.sdtm_folder import SdtmFolder
from monitor.study import Study
from monitor.sweep import run_sweep
from rules.hit import Urgency
from tests.trial import STUDYID, Trial, at, make_study

SECRET = "PLACEBO 10 mg"


@dataclass(frozen=True)
class Broken:
    """A source that breaks."""

    error: BaseException

    def read(self, seen: Sequence[SeenFile]) -> Batch:
        raise self.error

    def check(self) -> list[str]:
        return []


def bodies(store: Store) -> list[str]:
    with store.read() as session:
        mimes = session.exec(select(Notification.mime).order_by(col(Notification.id))).all()
    parts = [message_from_bytes(mime, policy=policy.default) for mime in mimes]
    return [f"{mail['Subject']}\n{mail.as_string()}\n{mail.get_body().get_content()}" for mail in parts]


@pytest.mark.parametrize("error", [ValueError(f"'{SECRET}' is not a number"), PanicException(f"index of '{SECRET}'")])
def test_a_source_that_breaks_in_any_way_fails_the_sweep_and_the_operator_is_told_without_its_words(
    store, tmp_path, error, capsys
):
    study = replace(make_study(tmp_path), source=Broken(error))
    result = run_sweep(store, study, at("2014-03-10"))
    assert result.status == "failed"
    with store.read() as session:
        assert session.exec(select(Sweep.error)).one() == f"{type(error).__name__}: {error}"
    owe_daily(store, study, at("2014-03-10"))
    told = bodies(store)
    assert len(told) == 3, "the operator at once, then officer and operator in the daily mail"
    assert all(type(error).__name__ in body for body in told)
    assert not any(SECRET in body for body in told)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1)])
def test_a_person_who_stops_a_sweep_is_obeyed(store, tmp_path, error):
    with pytest.raises(type(error)):
        run_sweep(store, replace(make_study(tmp_path), source=Broken(error)), at("2014-03-10"))


def test_bytes_read_in_the_wrong_encoding_are_read_again_once_the_settings_are_right(store, tmp_path):
    trial = Trial(tmp_path / "in", store)
    for number, term in ((1, "Pneumopathie sévère"), (2, "Pneumonia")):
        trial.add("ae", USUBJID=f"P{number}", AESPID="E1", AETERM=term, AESER="Y", AESTDTC="2014-03-04")
    trial.export()
    file = trial.folder / "ae.csv"
    file.write_bytes(file.read_text(encoding="utf-8").encode("latin-1"))
    assert run_sweep(store, trial.study, at("2014-03-05")).fates.rejected == 1
    assert {alert.usubjid for alert in trial.alerts()} == {"P2"}
    mended = replace(trial.study, source=SdtmFolder(trial.folder, STUDYID, encoding="latin-1"))
    assert run_sweep(store, mended, at("2014-03-05", 13)).fates.new == 1
    assert {alert.usubjid for alert in trial.alerts()} == {"P1", "P2"}
    again = run_sweep(store, mended, at("2014-03-05", 14))
    assert (again.fates.unchanged, again.decisions) == (2, ())


def test_a_row_whose_last_value_is_cut_takes_back_no_alert_however_often_it_is_looked_at(store, tmp_path):
    trial = Trial(tmp_path / "in", store)
    trial.add("ae", USUBJID="P1", AESPID="E1", AETERM="Pneumonia", AESER="Y", AESTDTC="2014-03-04")
    trial.export()
    file = trial.folder / "ae.csv"
    whole = file.read_bytes()
    first = run_sweep(store, trial.study, at("2014-03-05"))
    for hour, cut in ((13, whole[:-3]), (14, whole), (15, whole[:-4]), (16, whole[:-2])):
        file.write_bytes(cut)
        swept = run_sweep(store, trial.study, at("2014-03-05", hour))
        assert not [made for made in swept.decisions if made.decision.judgement.usubjid], cut
    assert [made for made in first.decisions if made.decision.told and made.decision.judgement.usubjid]
    with store.read() as session:
        states = [row.state for row in session.exec(select(SourceFile).where(col(SourceFile.domain) == "AE"))]
    assert states == ["read", "refused", "read", "refused", "refused"]


@dataclass
class Overtaken:
    """A source that, once, is read by another process between our reading it and our using what we read."""

    study: Study
    store: Store
    write_newer: Callable[[], None]
    left: int = 1

    def read(self, seen: Sequence[SeenFile]) -> Batch:
        batch = self.study.source.read(seen)
        if self.left:
            self.left = 0
            self.write_newer()
            assert run_sweep(self.store, self.study, at("2014-03-05")).status == "done"
        return batch

    def check(self) -> list[str]:
        return []


def test_what_was_read_before_another_process_swept_takes_nothing_back(store, tmp_path):
    trial = Trial(tmp_path / "in", store)
    serious = {"AETERM": "Pneumonia", "AESER": "Y", "AESTDTC": "2014-03-04"}
    trial.add("ae", USUBJID="P1", AESPID="E1", **serious)
    trial.export()

    def write_newer() -> None:
        trial.add("ae", USUBJID="P2", AESPID="E1", **serious)
        trial.export()

    slow = replace(trial.study, source=Overtaken(trial.study, store, write_newer))
    result = run_sweep(store, slow, at("2014-03-05"))
    assert (result.status, result.decisions, result.fates.withdrawn) == ("done", (), 0)
    assert all(alert.standing for alert in trial.alerts())


@pytest.mark.parametrize("urgency", list(Urgency))
def test_every_told_decision_of_a_real_study_reaches_a_mail_within_the_day(store, tmp_path, urgency):
    """Whatever the urgencies of a rulebook: hits, blindness and retractions, at first sight and later."""
    study = make_study(tmp_path / "in")
    book = replace(
        study.rulebook, rules=tuple(rule.model_copy(update={"urgency": urgency}) for rule in study.rulebook.rules)
    )
    trial = Trial(tmp_path / "in", store, study=replace(study, rulebook=book))
    for number in range(1, 4):
        who = f"P{number}"
        trial.add("dm", USUBJID=who, RFSTDTC="2014-03-03")
        trial.add("ae", USUBJID=who, AESPID="E1", AETERM="Fall", AESER="X", AESHOSP="?", AESTDTC="2014-03-04")
        if number > 1:
            trial.add("ec", USUBJID=who, ECOCCUR="Y", ECPRESP="Y", ECSTDTC="2014-03-03")
    trial.sweep(at("2014-03-05"))
    event = trial.add("ae", USUBJID="P3", AESPID="E2", AETERM="Pneumonia", AESER="Y", AESTDTC="2014-03-05")
    trial.add("ae", USUBJID="P3", AESPID="E3", AETERM="Something", AESER="U", AESTDTC="2014-03-05")
    trial.sweep(at("2014-03-12"))
    event["AESER"] = "N"
    trial.sweep(at("2014-03-13"))
    owe_daily(store, trial.study, at("2014-03-15"))
    with store.read() as session:
        told = set(session.exec(select(Decision.id).where(col(Decision.told).is_(True))))
        linked = set(session.exec(select(NotificationDecision.decision_id)))
        actions = set(session.exec(select(Decision.action).where(col(Decision.told).is_(True))))
    assert {"notify", "cannot tell", "retract"} <= actions
    assert told == linked
