"""The replay: weeks of a synthetic study through the production code path, in about a minute.

Each day the source writes its export into a folder, one sweep looks at it, and what is owed is posted to a real SMTP
server on loopback. Study, relay and database are those of a settings file that the replay writes, so that the daemon
can go on where it ends. Only the calendar is played: each sweep is handed its own `now`.
"""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, redirect_stderr
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from socket import socket
from urllib.request import urlopen

from rich.console import Console

from alerts import ledger
from alerts.store import Store
from monitor import clock
from monitor.daemon import Daemon
from monitor.daily import owe_daily
from monitor.demo import show
from monitor.demo.cohort import Cohort
from monitor.demo.export import put
from monitor.demo.found import (
    Found,
    figures,
    found_since,
    immediate_mails,
    mails_by_purpose,
    serious_events_told,
    withdrawn_rows,
)
from monitor.demo.mailbox import LOOPBACK, Mailbox, open_mailbox
from monitor.demo.place import DATABASE, LOG, ZONE, clear, refuse_foreign, write_settings
from monitor.demo.stage import STEP_DAYS, incoming, is_left_on_hold, is_left_unreported, staged_cohort
from monitor.demo.verdict import Kept, judge, unscripted
from monitor.health import judge_health
from monitor.logs import set_up_logs
from monitor.metrics import Metrics
from monitor.opening import alone, open_store
from monitor.post import post_what_is_owed
from monitor.settings import Settings
from monitor.study import Study
from monitor.sweep import run_sweep
from monitor.web import Lookout, listen, make_app, make_server
from rules.hit import Consequence

LOOK_AT = time(20, 0)  # study-local: after the day's entries

RELEASED_AFTER = timedelta(hours=1)
OFFICER = "Dr Li"
"""Who releases holds in the evening, long before the next dose, and enters what was reported."""

MOST_REPORTS = 3
"""Reports of one event: to sponsor and authority, and a follow-up where it is fatal; one entry more does nothing."""

PIPE_WIDTH = 100

MOST_MAILS = 1.0
"""Immediate mails per forty participant-months that the random background may cause."""


@dataclass(slots=True)
class Replay:
    """What one replay works with, and how far it has come."""

    console: Console
    folder: Path
    cohort: Cohort
    days: int
    settings: Settings
    study: Study
    store: Store
    mailbox: Mailbox
    now: datetime
    found: list[Found] = field(default_factory=list)


def play(
    folder: Path, *, seed: int = 2014, keep_serving: bool = False, weeks: int = 24, until: date | None = None
) -> int:
    """Replay the weeks that end on the day `until` (by default yesterday) in a folder, and print what came of it.

    Returns 0 if vigil did all that the script asks for, else 1. With `keep_serving` it goes on as the daemon until a
    signal comes. Raises SettingsError for a folder that holds something else, StoreError for a database at work.
    """
    last_day = until or clock.now().astimezone(ZONE).date() - timedelta(days=1)
    first_day = last_day - timedelta(days=7 * weeks - 1)
    refuse_foreign(folder)
    # For frames of a few thousand rows threads cost more than they bring. Polars reads this when it is first loaded.
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    folder.mkdir(parents=True, exist_ok=True)
    with alone(f"sqlite:///{folder.absolute() / DATABASE}"), _log_to(folder / LOG):
        return asyncio.run(_play(folder, staged_cohort(seed, first_day), 7 * weeks, keep_serving=keep_serving))


@contextmanager
def _log_to(path: Path) -> Iterator[None]:
    """Send the log to a file, so that the terminal belongs to the replay."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    with path.open("w", encoding="utf-8") as file:
        with redirect_stderr(file):
            set_up_logs("json", "info")
        try:
            yield
        finally:
            root.handlers = handlers
            root.setLevel(level)


async def _play(folder: Path, cohort: Cohort, days: int, *, keep_serving: bool) -> int:
    """Open everything, replay, report; then go on as the daemon where asked."""
    clear(folder)
    address = listen(LOOPBACK, 0)
    async with open_mailbox(folder / "mails") as mailbox:
        settings = write_settings(folder, mailbox.port, address.getsockname()[1])
        (study,) = settings.studies()
        with open_store(settings.database, create=True) as store:
            replay = Replay(
                console=Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH),
                folder=folder,
                cohort=cohort,
                days=days,
                settings=settings,
                study=study,
                store=store,
                mailbox=mailbox,
                now=_instant(cohort.first_day, 0),
            )
            async with _serving(replay, address):
                await _replay(replay)
                await asyncio.to_thread(_keep_metrics, replay)
            kept = _report(replay)
            if keep_serving:
                replay.console.print("\nGoing on as the daemon, with the mail server; Ctrl-C ends it.")
                daemon = Daemon(store, [study], settings.relay(), settings.mail.sender)
                await daemon.run(listen(settings.web.host, settings.web.port))
    return 0 if kept else 1


@asynccontextmanager
async def _serving(replay: Replay, address: socket) -> AsyncIterator[None]:
    """Serve /metrics and /healthz, which judges by the moment that is being played."""
    metrics = Metrics([replay.study], replay.store.describe())
    lookout = Lookout(replay.store, metrics)
    app = make_app(lookout, metrics, lambda figures: judge_health(figures, [replay.study], (), replay.now))
    server = make_server(app)
    task = asyncio.create_task(server.serve(sockets=[address]))
    try:
        yield
    finally:
        server.should_exit = True
        await task


def _keep_metrics(replay: Replay) -> None:
    """Fetch the metrics page as Prometheus would, and keep it."""
    web = replay.settings.web
    with urlopen(f"http://{web.host}:{web.port}/metrics", timeout=10) as page:
        (replay.folder / "metrics.txt").write_bytes(page.read())


async def _replay(replay: Replay) -> None:
    """Play every day; print what somebody was told."""
    first_day, relay, sender = replay.cohort.first_day, replay.settings.relay(), replay.settings.mail.sender
    audiences = {replay.study.id: replay.study.audience}
    progress = show.make_progress(replay.console)
    with progress:
        task = progress.add_task("SYNTHETIC study", total=replay.days, mails=0)
        for day in range(0, replay.days, STEP_DAYS):
            await asyncio.to_thread(_look, replay, day)
            await post_what_is_owed(replay.store, relay, sender, audiences=audiences)
            new = await asyncio.to_thread(_read_new, replay)
            for line in show.notable(new, first_day):
                replay.console.print(line, no_wrap=True, overflow="ellipsis")
            progress.update(task, completed=day + STEP_DAYS, mails=replay.mailbox.mails)


def _look(replay: Replay, day: int) -> None:
    """Let the source write its export of a day, sweep it, and owe the daily mail: all at the day's own moment."""
    replay.now = _instant(replay.cohort.first_day, day)
    files, dated = incoming(replay.cohort, day)
    for name, content in files.items():
        put(replay.folder / "incoming", name, content, _instant(replay.cohort.first_day, dated))
    run_sweep(replay.store, replay.study, replay.now)
    owe_daily(replay.store, replay.study, replay.now)
    _release_holds(replay, day)
    _enter_submissions(replay)


def _release_holds(replay: Replay, day: int) -> None:
    """Close the alerts that hold dosing, as an officer would before the next dose, but for those the script leaves."""
    people = {person.usubjid: person for person in replay.cohort.people}
    with replay.store.write() as session:
        for alert in ledger.open_alerts(session, replay.study.id):
            person = people.get(alert.usubjid)
            if person and alert.consequence is not Consequence.WATCH and not is_left_on_hold(person, day):
                words = ("confirmed", "seen at the bedside: dosing goes on")
                ledger.close_alert(session, alert.id, OFFICER, *words, replay.now + RELEASED_AFTER)


def _enter_submissions(replay: Replay) -> None:
    """Enter that each report of the day's serious events was submitted, but for those the script leaves."""
    people = {person.usubjid: person for person in replay.cohort.people}
    evening = replay.now + RELEASED_AFTER
    with replay.store.write() as session:
        for alert, usubjid in serious_events_told(session, replay.now).items():
            for _ in range(0 if is_left_unreported(people[usubjid]) else MOST_REPORTS):
                ledger.enter_submission(session, alert, OFFICER, evening.date(), "reported", evening)


def _read_new(replay: Replay) -> list[Found]:
    """Read what has been decided since the last look."""
    last = replay.found[-1].id if replay.found else 0
    with replay.store.read() as session:
        new = list(found_since(session, last, replay.cohort.first_day, ZONE))
    replay.found += new
    return new


def _instant(first_day: date, day: int) -> datetime:
    """Return the moment of a day's sweep."""
    return datetime.combine(first_day + timedelta(days=day), LOOK_AT, ZONE)


def _report(replay: Replay) -> bool:
    """Print what came of it all; return whether vigil did what the script asks for."""
    say, first_day = replay.console.print, replay.cohort.first_day
    with replay.store.read() as session:
        verdicts = judge(replay.cohort, replay.found, withdrawn_rows(session, first_day, ZONE), replay.days - 1)
        background = immediate_mails(session, {f.id for f in unscripted(replay.cohort, replay.found)})
        counted, numbers = mails_by_purpose(session), figures(session)
    months = sum(max(0, replay.days - person.first_dose) for person in replay.cohort.people) / 30.44
    load = 40 * background / months
    say(show.alerted(replay.found, first_day), show.held_back(replay.found, verdicts), show.kept(verdicts, first_day))
    say(show.sums(numbers, counted, load))
    say(show.places(replay.folder, replay.settings, replay.store.describe()))
    return load < MOST_MAILS and not numbers["failed sweeps"] and all(v.kept is not Kept.NO for v in verdicts)
