"""Health, progress, the pages, the log, systemd's socket and the lock: each alone."""

import asyncio
import io
import json
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from alerts.ledger.figures import Figures
from alerts.store import Store, StoreError
from monitor.health import Health, judge_health
from monitor.logs import set_up_logs
from monitor.metrics import Metrics
from monitor.notify import notify
from monitor.opening import alone, open_store
from monitor.progress import Progress
from monitor.web import Lookout, listen, make_app
from tests.trial import make_study

NOW = datetime(2024, 3, 4, 6, tzinfo=UTC)

# ------------------------------------------------------------------------------------------------ health


@pytest.mark.parametrize(
    ("age", "faults"),
    [
        (timedelta(0), ()),
        (timedelta(minutes=31), ()),  # two intervals of 15 minutes and one more
        (timedelta(minutes=31, seconds=1), ("study SYN: last swept 31 min ago",)),
        (timedelta(days=2), ("study SYN: last swept 2880 min ago",)),
        (timedelta(hours=-2), ()),  # the clock has been set back: overdue jobs would say more
        (None, ("study SYN: never swept",)),
    ],
)
def test_health_by_the_age_of_the_last_sweep(tmp_path: Path, age: timedelta | None, faults: tuple[str, ...]) -> None:
    figures = Figures(last_success={} if age is None else {("SYN",): NOW - age})
    assert judge_health(figures, [make_study(tmp_path)], (), NOW).faults == faults


@pytest.mark.parametrize(("minutes", "well"), [(30, True), (31, False)])
def test_health_by_the_oldest_mail_owed(tmp_path: Path, minutes: int, well: bool) -> None:
    figures = Figures(
        last_success={("SYN",): NOW},
        mails_owed={("SYN", "immediate"): 1, ("", "same-day"): 2},
        oldest_owed={("SYN", "immediate"): NOW, ("", "same-day"): NOW - timedelta(minutes=minutes)},
    )
    health = judge_health(figures, [make_study(tmp_path)], (), NOW)
    assert health.faults == (() if well else ("a mail has been owed for 31 min",))
    assert health.details["mails"] == {"owed": 3, "oldest_seconds": minutes * 60}


def test_what_happened_this_very_moment_has_an_age_of_nought(tmp_path: Path) -> None:
    figures = Figures(last_success={("SYN",): NOW}, oldest_owed={("SYN", "immediate"): NOW})
    said = json.loads(json.dumps(dict(judge_health(figures, [make_study(tmp_path)], (), NOW).details)))
    assert said["studies"]["SYN"] == {
        "last_sweep": "2024-03-04T06:00:00+00:00", "age_seconds": 0.0, "interval_seconds": 900.0,
    }  # fmt: skip
    assert said["mails"]["oldest_seconds"] == 0.0


def test_health_without_a_database_and_with_overdue_jobs(tmp_path: Path) -> None:
    study = make_study(tmp_path)
    assert judge_health(None, [study], (), NOW).faults == ("the database does not answer",)
    swept = Figures(last_success={("SYN",): NOW})
    assert judge_health(swept, [study], ("sweep SYN",), NOW).faults == ("sweep SYN is overdue",)


def test_progress_counts_two_intervals_and_patience() -> None:
    progress = Progress({"sweep": timedelta(seconds=10), "post": timedelta(seconds=5)}, 100.0)
    patience = timedelta(seconds=3)
    assert progress.overdue(113.0, patience) == []
    assert progress.overdue(113.1, patience) == ["post"]
    progress.ended("post", 113.1)
    assert progress.overdue(123.0, patience) == []
    assert progress.overdue(123.1, patience) == ["sweep"]


# ------------------------------------------------------------------------------------------------ pages


def ask(store: Store, metrics: Metrics, path: str) -> httpx.Response:
    """Ask a page once, in a loop of its own."""

    def judge(figures: Figures | None) -> Health:
        faults = () if figures is not None else ("the database does not answer",)
        return Health(faults=faults, details={})

    async def get() -> httpx.Response:
        app = make_app(Lookout(store, metrics), metrics, judge)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://vigil") as client:
            return await client.get(path)

    return asyncio.run(get())


@pytest.fixture
def metrics(tmp_path: Path) -> Metrics:
    return Metrics([make_study(tmp_path)], "a database")


def test_the_pages_of_a_store(store: Store, metrics: Metrics) -> None:
    assert ask(store, metrics, "/healthz").json() == {"status": "ok", "faults": []}
    assert "vigil_build_info" in ask(store, metrics, "/metrics").text
    assert ask(store, metrics, "/").status_code == 200
    assert ask(store, metrics, "/nothing").status_code == 404


def test_a_database_that_is_away_breaks_no_page(tmp_path: Path, metrics: Metrics) -> None:
    metrics.show(Figures(mails_owed={("SYN", "immediate"): 7}))
    gone = Store(f"sqlite:///{tmp_path}/no/such/folder/vigil.db")
    try:
        health = ask(gone, metrics, "/healthz")
        page = ask(gone, metrics, "/metrics")
    finally:
        gone.close()
    assert (health.status_code, health.json()["faults"]) == (503, ["the database does not answer"])
    assert page.status_code == 200
    assert 'vigil_mails_owed{study="SYN",urgency="immediate"} 7.0' in page.text
    assert 'vigil_errors_total{where="figures"} 2.0' in page.text


def test_a_database_that_hangs_is_waited_for_once_and_not_for_long(
    tmp_path: Path, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.web.LOOK_SECONDS", 0.1)
    let_go, looks = threading.Event(), []

    class Hanging(Store):
        def read(self) -> Any:
            looks.append(1)
            let_go.wait(5)
            return super().read()

    with open_store(f"sqlite:///{tmp_path}/vigil.db", create=True):
        pass
    store = Hanging(f"sqlite:///{tmp_path}/vigil.db")

    async def twice_then_well() -> None:
        lookout = Lookout(store, metrics)
        assert await lookout.figures() is None
        assert await lookout.figures() is None
        assert len(looks) == 1
        let_go.set()
        await asyncio.sleep(0.3)
        assert await lookout.figures() is not None

    asyncio.run(twice_then_well())
    store.close()


def test_a_taken_address_is_an_error_at_once() -> None:
    with listen("127.0.0.1", 0) as first, pytest.raises(OSError, match="in use"):
        listen("127.0.0.1", first.getsockname()[1])


# ------------------------------------------------------------------------------------------------ the log


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Log as JSON, and give back what was logged; afterwards the log is as it was."""
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers, root.level
    with redirect_stderr(stream):
        set_up_logs("json", "info")
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def test_a_line_of_the_log(lines: Any) -> None:
    structlog.get_logger("monitor.test").info("sweep", study="SYN", rows=3, title="研究")
    logging.getLogger("some.library").warning("low on %s", "disk")
    logging.getLogger("uvicorn.error").info("not worth a line")
    structlog.get_logger("monitor.test").debug("not asked for")
    first, second = lines()
    assert first["timestamp"].endswith("Z")
    assert {k: v for k, v in first.items() if k != "timestamp"} == {
        "event": "sweep", "study": "SYN", "rows": 3, "title": "研究", "level": "info", "logger": "monitor.test",
    }  # fmt: skip
    assert (second["event"], second["logger"], second["level"]) == ("low on disk", "some.library", "warning")


def test_an_exception_leaves_its_message_out_of_the_log(lines: Any) -> None:
    try:
        try:
            raise ValueError("SYN-001 has Pneumonia")
        except ValueError as cause:
            raise RuntimeError("SYN-001 cannot be judged") from cause
    except RuntimeError as error:
        structlog.get_logger("monitor.test").exception("sweep failed", study="SYN")
        structlog.get_logger("monitor.test").info("sweep", error=f"RuntimeError: {error}")
        logging.getLogger("apscheduler").exception("Job raised")
    text = json.dumps(said := lines())
    assert "SYN-001" not in text
    assert said[0]["error"] == "RuntimeError < ValueError"
    assert said[0]["at"][-1].endswith(" test_an_exception_leaves_its_message_out_of_the_log")
    assert said[1]["error"] == "RuntimeError"
    assert said[2]["error"] == "RuntimeError < ValueError"


def test_what_the_machine_says_is_logged(lines: Any, tmp_path: Path) -> None:
    log = structlog.get_logger("monitor.test")
    try:
        (tmp_path / "none").read_bytes()
    except OSError:
        log.exception("cannot read")
    try:
        with Store(f"sqlite:///{tmp_path}/no/vigil.db").read() as session:
            session.connection()
    except Exception:
        log.exception("no database")
    first, second = lines()
    assert first["error"].startswith("FileNotFoundError: [Errno 2] No such file or directory")
    assert second["error"].startswith("OperationalError: unable to open database file")


# ------------------------------------------------------------------------------------------------ systemd, the lock


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_hears_what_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abstract: bool) -> None:
    name = f"vigil-test-{tmp_path.name}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.settimeout(2)
        supervisor.bind(f"\0{name}" if abstract else str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}" if abstract else str(tmp_path / "notify"))
        notify("READY=1")
        assert supervisor.recv(64) == b"READY=1"


def test_without_systemd_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    notify("READY=1")


def test_a_sqlite_file_is_held_by_one_process_and_freed_by_its_end(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/vigil.db"
    hold = f"from monitor.opening import alone\nwith alone({url!r}):\n    print('held', flush=True)\n    input()"
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreError, match=rf"another vigil works on it \(process {holder.pid}\)"), alone(url):
            pass
        holder.kill()
    with alone(url):
        pass


def test_a_database_is_made_whole_or_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/data/vigil.db"
    with pytest.raises(StoreError, match="is not there yet"), open_store(url):
        pass
    assert not (tmp_path / "data").exists()
    with open_store(url, create=True) as store:
        assert store.faults() == []
    with open_store(url) as store, store.write() as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = 'v0000'")
    for create in (False, True):
        with pytest.raises(StoreError, match="run `vigil db upgrade`"), open_store(url, create=create):
            pass
