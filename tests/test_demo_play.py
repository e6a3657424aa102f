"""The replay end to end: four weeks through the production path, with a real SMTP server, pages and a settings file."""

from datetime import date
from email import policy
from email.parser import BytesParser
from pathlib import Path

import pytest
from sqlmodel import col, select

from alerts import ledger
from alerts.decide import Action
from alerts.store import Store
from alerts.tables import Decision, DeliveryOutcome, Notification, Sweep
from monitor.demo.place import refuse_foreign
from monitor.demo.play import play
from monitor.settings import SettingsError, load_settings

WEEKS = 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "vigil-demo"
    assert play(folder, weeks=WEEKS, until=date(2014, 3, 30)) == 0
    return folder


@pytest.fixture(scope="module")
def store(folder: Path) -> Store:
    return Store(load_settings(folder / "vigil.toml").database)


def test_every_sweep_was_done_and_every_mail_was_taken_and_kept(folder: Path, store: Store):
    with store.read() as session:
        sweeps = session.exec(select(Sweep)).all()
        outcomes = session.exec(select(DeliveryOutcome.outcome)).all()
        owed = session.exec(select(Notification.mime)).all()
    assert {sweep.status for sweep in sweeps} == {"done"}
    assert sum(sweep.rows_rejected for sweep in sweeps) == 0
    assert set(outcomes) == {"accepted"}
    kept = sorted((folder / "mails").glob("*.eml"))
    assert len(kept) == len(owed) == len(outcomes)
    assert sorted(path.read_bytes() for path in kept) == sorted(owed)


def test_the_mails_name_the_study_as_synthetic_and_the_participant_only_in_the_body(folder: Path):
    parser = BytesParser(policy=policy.default)
    mails = [parser.parsebytes(path.read_bytes()) for path in (folder / "mails").glob("*.eml")]
    assert all("SYN-IL2-SLE" in mail["Subject"] for mail in mails)
    assert not any("SYN-0" in mail["Subject"] for mail in mails)
    bodies = [mail.get_body(("plain",)).get_content() for mail in mails]
    assert any("SYN-004" in body and "带状疱疹" in body for body in bodies)


def test_the_zoster_is_told_at_once_and_the_leukopenic_are_held_back(store: Store):
    with store.read() as session:
        zoster = session.exec(select(Decision).where(Decision.rule_id == "INF-02", Decision.action == "notify")).one()
        counts = session.exec(select(Decision).where(col(Decision.rule_id).startswith("CYT-"))).all()
    assert (zoster.usubjid, zoster.urgency) == ("SYN-004", "immediate")
    for usubjid in ("SYN-006", "SYN-008", "SYN-009"):
        actions = {decision.action for decision in counts if decision.usubjid == usubjid}
        assert Action.HOLD_BACK in actions
        assert not actions & {Action.NOTIFY, Action.RENOTIFY}


def test_the_metrics_were_served_and_name_no_participant(folder: Path):
    page = (folder / "metrics.txt").read_text(encoding="utf-8")
    assert 'vigil_sweeps_total{status="done",study="SYN-IL2-SLE"} 14.0' in page
    assert "SYN-0" not in page


def test_the_chain_of_the_ledger_holds(store: Store):
    with store.read() as session:
        assert not ledger.verify_chain(session, "SYN-IL2-SLE")


def test_a_replay_can_be_repeated_in_its_folder_and_nowhere_else(folder: Path, tmp_path: Path):
    refuse_foreign(folder)
    refuse_foreign(tmp_path)
    refuse_foreign(tmp_path / "not there")
    (tmp_path / "vigil.toml").write_text("# a real study\n")
    with pytest.raises(SettingsError, match="holds something else"):
        play(tmp_path, weeks=1)
    assert [path.name for path in tmp_path.iterdir()] == ["vigil.toml"]
