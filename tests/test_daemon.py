"""The daemon, alive: as its own process with files, mail and pages; and in this one where a fault must be staged."""

import asyncio
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlmodel import Session as Rows
from sqlmodel import col, func, select
from typer.testing import CliRunner

from alerts.batch import Batch, SeenFile
from alerts.mailer import Relay
from alerts.store import Store
from alerts.tables import Decision, DeliveryAttempt, DeliveryOutcome, Notification, Sweep
from monitor import clock
from monitor.cli import app
from monitor.daemon import Daemon
from monitor.opening import open_store
from monitor.settings import load_settings
from monitor.study import Study
from monitor.web import listen
from tests.prometheus_server import wait_for
from tests.running import export, running, start, write_settings
from tests.smtp_server import Script, smtp_server


def count(session: Rows, model: type) -> int:
    return session.exec(select(func.count()).select_from(model)).one()


# ------------------------------------------------------------------------------------------------ as a process


def test_a_serious_event_is_mailed_shown_and_the_daemon_leaves_in_good_order(tmp_path: Path) -> None:
    script = Script()
    with smtp_server(script) as mail_port, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(tmp_path / "notify"))
        supervisor.settimeout(20)
        settings = write_settings(tmp_path, mail_port=mail_port)
        with running(settings, NOTIFY_SOCKET=str(tmp_path / "notify")) as daemon:
            assert supervisor.recv(64) == b"READY=1", daemon.log_file.read_text()
            wait_for(lambda: daemon.logged("sweep"), "a first sweep")
            assert 'vigil_sweeps_total{status="done",study="SYN"}' in daemon.get("/metrics").text

            export(tmp_path, serious=True)
            wait_for(lambda: [m for m in script.received if b"Pneumonia" in m.mime], "the officer's mail")

            page = daemon.get("/metrics")
            assert page.headers["content-type"].startswith("text/plain; version=1")
            assert 'vigil_alerts_open{rule="SAE-01",state="open",study="SYN",urgency="immediate"} 1.0' in page.text
            health = daemon.get("/healthz")
            assert (health.status_code, health.json()["status"], health.json()["faults"]) == (200, "ok", [])
            assert health.json()["studies"]["SYN"]["interval_seconds"] == 1.0
            assert "/healthz" in daemon.get("/").text
            for text in (page.text, health.text, daemon.get("/").text, daemon.log_file.read_text()):
                assert "SYN-001" not in text
                assert "Pneumonia" not in text

            assert daemon.end() == 0
            assert daemon.log()[-1]["event"] == "stopped"
            said = [supervisor.recv(64) for _ in range(2)]
            assert b"WATCHDOG=1" in said
            assert b"STOPPING=1" in [*said, *(supervisor.recv(64) for _ in range(1) if b"STOPPING=1" not in said)]


def test_a_second_process_on_the_same_sqlite_file_says_so_and_exits(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    with running(settings) as daemon:
        wait_for(lambda: daemon.logged("started"), "the daemon to start")
        command = [sys.executable, "-m", "monitor", "run", "--settings", settings]
        second = subprocess.run(command, capture_output=True, text=True, check=False)
        others = [
            CliRunner().invoke(app, [*words, "--settings", str(settings)]) for words in (["sweep"], ["db", "upgrade"])
        ]
        said = f"vigil: database sqlite:///{tmp_path}/vigil.db: another vigil works on it"
        assert [second.stderr, *(other.stderr for other in others)] == [f"{said} (process {daemon.process.pid})\n"] * 3
        assert [second.returncode, *(other.exit_code for other in others)] == [4, 4, 4]
        assert daemon.end(signal.SIGINT) == 0


def test_killed_and_started_again_nothing_is_decided_or_delivered_twice(tmp_path: Path) -> None:
    script = Script()
    with smtp_server(script) as mail_port:
        settings = write_settings(tmp_path, mail_port=mail_port)
        export(tmp_path, serious=True)
        with running(settings) as daemon:
            wait_for(lambda: daemon.logged("delivery"), "a delivery")
            daemon.process.kill()
            daemon.process.wait()
        with open_store(f"sqlite:///{tmp_path}/vigil.db") as store, store.read() as session:
            cut_off = count(session, DeliveryAttempt) - count(session, DeliveryOutcome)
        with running(settings) as daemon:
            wait_for(lambda: len(daemon.logged("sweep")) >= 3, "three more sweeps")
            assert daemon.end() == 0
        with open_store(f"sqlite:///{tmp_path}/vigil.db") as store, store.read() as session:
            decided = [(d.action, d.rule_id, d.usubjid, d.scope, d.anchors) for d in session.exec(select(Decision))]
            mails = session.exec(select(Notification.mime)).all()
        assert ("notify", "SAE-01", "SYN-001", "SYN-001/E2") in {one[:4] for one in decided}
        assert [one for one in set(decided) if decided.count(one) > 1] == []
        received = [mail.mime for mail in script.received]
        assert set(received) <= set(mails)
        assert len(received) <= len(set(received)) + cut_off


@pytest.mark.parametrize(
    ("spoil", "code", "said"),
    [
        ("port", 3, "[web]: cannot listen on 127.0.0.1:{port}: Address already in use"),
        ("schema", 4, "the schema is at version v0000 and this program needs"),
        ("rulebook", 3, "study SYN: rulebook no_such: cannot be read"),
    ],
)
def test_what_stops_the_start_is_one_sentence(tmp_path: Path, spoil: str, code: int, said: str) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        settings = write_settings(tmp_path, web_port=port if spoil == "port" else 0)
        if spoil == "schema":
            age_the_schema(tmp_path / "vigil.db")
        if spoil == "rulebook":
            settings.write_text(settings.read_text().replace("low_dose_il2_sle", "no_such"))
        process = start(settings, tmp_path / "log")
        assert process.wait(timeout=20) == code
        words = (tmp_path / "log").read_text()
        assert words.startswith("vigil: ")
        assert said.format(port=port) in words
        assert words.count("\n") == 1
        assert spoil != "schema" or "vigil db upgrade" in words


def age_the_schema(path: Path) -> None:
    """Make a database look like that of an older program."""
    store = Store(f"sqlite:///{path}")
    store.upgrade()
    with store.write() as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = 'v0000'")
    store.close()


# ------------------------------------------------------------------------------------------------ in this process


class Slow:
    """A source that takes its time, may fail, and counts how often it is looked at."""

    def __init__(self, seconds: float = 0.0, fails: bool = False) -> None:
        self.seconds, self.fails = seconds, fails
        self.looks = 0
        self.at_work = threading.Event()

    def read(self, seen: Sequence[SeenFile]) -> Batch:
        self.looks += 1
        self.at_work.set()
        time.sleep(self.seconds)
        if self.fails:
            raise RuntimeError("SYN-001 has Pneumonia")
        return Batch()

    def check(self) -> list[str]:
        return []


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path}/vigil.db", create=True) as opened:
        yield opened


def study_of(tmp_path: Path, source: Slow, every: int = 1, study_id: str = "SYN") -> Study:
    (study,) = load_settings(write_settings(tmp_path)).studies()
    return replace(
        study,
        id=study_id,
        source=source,
        sweep_every=timedelta(seconds=every),
        audience=replace(study.audience, study=study_id),
    )


def daemon_of(store: Store, *studies: Study, mail_port: int = 1) -> Daemon:
    return Daemon(store, studies, Relay(host="127.0.0.1", port=mail_port, tls="none"), "vigil@example.org")


async def until(true: object, what: str, seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # type: ignore[operator]
            await asyncio.sleep(0.02)


def play(daemon: Daemon, scene: object) -> None:
    """Run a daemon beside a coroutine that ends by stopping it."""

    async def both() -> None:
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            address = listen("127.0.0.1", 0)
            tasks.create_task(daemon.run(address))
            try:
                await scene(f"http://127.0.0.1:{address.getsockname()[1]}")  # type: ignore[operator]
            finally:
                daemon.stop()

    asyncio.run(both())


def test_the_sweep_at_work_is_finished_and_no_other_begins(tmp_path: Path, store: Store) -> None:
    one, two = Slow(seconds=1.0), Slow()
    daemon = daemon_of(store, study_of(tmp_path, one), study_of(tmp_path, two, study_id="TWO"))

    async def scene(_url: str) -> None:
        await until(one.at_work.is_set, "the first sweep to begin")

    play(daemon, scene)
    with store.read() as session:
        assert session.exec(select(Sweep.study, Sweep.status)).all() == [("SYN", "done")]
    assert (one.looks, two.looks) == (1, 0)


def test_the_mail_at_work_is_finished_and_no_other_begins(tmp_path: Path, sqlite: Store) -> None:
    class Thinking(Script):
        async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
            at_work.set()
            await asyncio.sleep(1.0)
            return await super().handle_DATA(server, session, envelope)

    at_work = threading.Event()
    study = study_of(tmp_path, Slow(fails=True), every=60)
    study = replace(study, audience=replace(study.audience, operators=("a@example.org", "b@example.org")))
    script = Thinking()
    with smtp_server(script) as mail_port:

        async def scene(_url: str) -> None:
            await until(at_work.is_set, "the first mail to be handed over")

        play(daemon_of(sqlite, study, mail_port=mail_port), scene)
    assert len(script.received) == 1
    with sqlite.read() as session:
        assert session.exec(select(DeliveryOutcome.outcome)).all() == ["accepted"]
        assert count(session, DeliveryAttempt) == 1


def test_a_relay_that_never_answers_delays_no_sweep(tmp_path: Path, sqlite: Store) -> None:
    good, bad = Slow(), Slow(fails=True)
    studies = study_of(tmp_path, good), study_of(tmp_path, bad, study_id="BAD")
    with listen("127.0.0.1", 0) as deaf:  # takes connections and says nothing
        port = deaf.getsockname()[1]
        daemon = Daemon(sqlite, studies, Relay(host="127.0.0.1", port=port, tls="none", timeout=4.0), "v@example.org")

        async def scene(_url: str) -> None:
            await until(lambda: good.looks >= 3, "three sweeps")

        play(daemon, scene)
    with sqlite.read() as session:
        assert count(session, DeliveryAttempt) == 1


def test_a_study_that_fails_ends_nothing_else_and_is_told(tmp_path: Path, store: Store) -> None:
    good, bad = Slow(), Slow(fails=True)
    script = Script()
    with smtp_server(script) as mail_port:
        daemon = daemon_of(
            store, study_of(tmp_path, bad, study_id="BAD"), study_of(tmp_path, good), mail_port=mail_port
        )

        async def scene(url: str) -> None:
            await until(lambda: good.looks >= 2 and bad.looks >= 2 and script.received, "two sweeps each and a mail")
            async with httpx.AsyncClient() as client:
                health = await client.get(f"{url}/healthz")
                page = await client.get(f"{url}/metrics")
            assert health.status_code == 503
            assert "study BAD: never swept" in health.json()["faults"]
            assert 'vigil_sweeps_total{status="failed",study="BAD"}' in page.text

        play(daemon, scene)
    failures = [mail for mail in script.received if b"sweep failed - look now" in mail.mime]
    assert [mail.recipient for mail in failures] == ["operator@example.org"]


def test_a_clock_set_back_does_not_stop_the_sweeps(
    tmp_path: Path, sqlite: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a step of the clock does to a scheduler: its next run is hours away. The guard runs it all the same."""
    monkeypatch.setattr("monitor.daemon.LATE", timedelta(seconds=-1))
    monkeypatch.setattr("monitor.daemon.GUARD_EVERY", timedelta(seconds=0.2))
    source = Slow()
    daemon = daemon_of(sqlite, study_of(tmp_path, source))

    async def scene(url: str) -> None:
        await until(lambda: source.looks == 1, "the first sweep")
        daemon._scheduler.modify_job("sweep SYN", next_run_time=clock.now() + timedelta(hours=2))
        await until(lambda: source.looks >= 2, "a sweep out of turn")
        async with httpx.AsyncClient() as client:
            page = await client.get(f"{url}/metrics")
        missed = next(line for line in page.text.splitlines() if line.startswith("vigil_scheduler_missed_total "))
        assert float(missed.split()[1]) >= 1

    play(daemon, scene)


def test_a_stuck_job_leaves_the_watchdog_unanswered(
    tmp_path: Path, sqlite: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr("monitor.daemon.notify", said.append)
    monkeypatch.setattr("monitor.daemon.STUCK", timedelta(seconds=-1.5))
    monkeypatch.setattr("monitor.daemon.GUARD_EVERY", timedelta(seconds=0.1))
    daemon = daemon_of(sqlite, study_of(tmp_path, Slow(seconds=2.0)))

    async def scene(_url: str) -> None:
        await until(lambda: "WATCHDOG=1" in said, "a word to the watchdog")
        await asyncio.sleep(0.7)  # past two intervals of a second less the patience
        alive = said.count("WATCHDOG=1")
        await asyncio.sleep(0.5)
        assert said.count("WATCHDOG=1") == alive

    play(daemon, scene)
    assert said[0] == "READY=1"
    assert said[-1] == "STOPPING=1"
    with sqlite.read() as session:
        assert session.exec(select(Sweep.status).order_by(col(Sweep.id))).all() == ["done"]
