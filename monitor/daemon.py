"""The daemon: sweeps every study on its schedule, posts what is owed, answers pages, and leaves in good order.

1. Starts only if settings, rulebooks and schema load. The first sweep of every study is at once.
2. Sweeps and daily mails take turns in one worker thread. Posting runs beside them and never delays one.
3. A fault of one job is logged and counted, and ends nothing else. A guard on a clock that is never set starts a job
   that the scheduler has let down, and keeps systemd's watchdog quiet only while every job gets on.
4. On SIGTERM or SIGINT nothing new begins; the sweep and the mail at work are finished; then it leaves.

It knows when things happen. It must not know what a sweep or a delivery does.
"""

import asyncio
import signal
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from alerts.ledger.figures import Figures
from alerts.mailer import Relay
from alerts.store import Store
from monitor import clock
from monitor.daily import owe_daily
from monitor.health import Health, judge_health
from monitor.metrics import Metrics
from monitor.notify import notify
from monitor.opening import alone, open_store
from monitor.post import post_what_is_owed
from monitor.progress import LATE, STUCK, Progress
from monitor.settings import Settings, SettingsError
from monitor.study import Study
from monitor.sweep import run_sweep
from monitor.web import Lookout, listen, make_app, make_server

log = structlog.get_logger(__name__)

POST_EVERY = timedelta(seconds=5)
DAILY_EVERY = timedelta(minutes=1)
GUARD_EVERY = timedelta(seconds=5)


def run_daemon(settings: Settings) -> None:
    """Run until told to stop; raise SettingsError or StoreError if that cannot even begin."""
    studies = settings.studies()
    relay = settings.relay()
    with alone(settings.database), open_store(settings.database, create=True) as store:
        try:
            address = listen(settings.web.host, settings.web.port)
        except OSError as error:
            place = f"{settings.web.host}:{settings.web.port}"
            raise SettingsError(
                f"settings {settings.file}: [web]: cannot listen on {place}: {error.strerror}"
            ) from None
        asyncio.run(Daemon(store, studies, relay, settings.mail.sender).run(address))


class Daemon:
    """One run of the daemon over one database."""

    def __init__(self, store: Store, studies: Sequence[Study], relay: Relay, sender: str) -> None:
        self._store = store
        self._studies = studies
        self._relay = relay
        self._sender = sender
        self._metrics = Metrics(studies, store.describe())
        self._stopping = asyncio.Event()
        self._owing = asyncio.Event()  # something may be owed: do not wait for the next round
        self._turn = asyncio.Lock()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sweep")
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        every = {"post": POST_EVERY}
        every |= {f"sweep {study.id}": study.sweep_every for study in studies}
        every |= {f"daily {study.id}": DAILY_EVERY for study in studies}
        self._progress = Progress(every, clock.monotonic())

    async def run(self, address: socket.socket) -> None:
        """Work until a signal comes, answering pages on a socket that listens already."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self.stop)
        server = make_server(make_app(Lookout(self._store, self._metrics), self._metrics, self._judge))
        host, port = address.getsockname()[:2]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.serve(sockets=[address]))
            tasks.create_task(self._post())
            tasks.create_task(self._guard())
            self._start_schedule()
            notify("READY=1")
            log.info(
                "started", studies=[s.id for s in self._studies], database=self._store.describe(), web=f"{host}:{port}"
            )
            await self._stopping.wait()
            notify("STOPPING=1")
            log.info("stopping: the sweep and the mail at work are finished first")
            self._scheduler.pause()  # its own shutdown would cancel what is at work
            async with self._turn:
                server.should_exit = True
        self._scheduler.shutdown(wait=False)
        self._worker.shutdown()
        log.info("stopped")

    def stop(self) -> None:
        """Begin nothing new, and let `run` return when what is at work has ended."""
        self._stopping.set()
        self._owing.set()

    def _start_schedule(self) -> None:
        """Give every study its two jobs, the first run of each at once."""
        troubles = EVENT_JOB_ERROR | EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES
        self._scheduler.add_listener(self._on_trouble, troubles)
        for study in self._studies:
            self._add(f"sweep {study.id}", study.sweep_every, partial(run_sweep, self._store, study))
            self._add(f"daily {study.id}", DAILY_EVERY, partial(owe_daily, self._store, study))
        self._scheduler.start()

    def _add(self, job: str, every: timedelta, work: Callable[[datetime], object]) -> None:
        """Schedule a job; intervals in UTC know no summer time."""
        trigger = IntervalTrigger(seconds=int(every.total_seconds()), timezone=UTC)
        self._scheduler.add_job(self._in_turn, trigger, (job, work), id=job, next_run_time=clock.now())

    async def _in_turn(self, job: str, work: Callable[[datetime], object]) -> None:
        """Do one job in the worker thread when its turn comes, unless the daemon is leaving by then."""
        async with self._turn:
            if self._stopping.is_set():
                return
            try:
                await asyncio.get_running_loop().run_in_executor(self._worker, lambda: work(clock.now()))
            except Exception:
                log.exception("job failed", job=job)
                self._metrics.count_error(job.partition(" ")[0])
            self._progress.ended(job, clock.monotonic())
            self._owing.set()

    async def _post(self) -> None:
        """Deliver what is owed, at once after every job and every few seconds besides."""
        audiences = {study.id: study.audience for study in self._studies}
        while not self._stopping.is_set():
            self._owing.clear()
            try:
                await post_what_is_owed(
                    self._store, self._relay, self._sender, audiences=audiences, stop=self._stopping
                )
            except Exception:
                log.exception("posting failed")
                self._metrics.count_error("post")
            self._progress.ended("post", clock.monotonic())
            with suppress(TimeoutError):
                await asyncio.wait_for(self._owing.wait(), POST_EVERY.total_seconds())

    async def _guard(self) -> None:
        """Start overdue jobs out of turn; tell systemd that all is well only while it is."""
        while not self._stopping.is_set():
            now = clock.monotonic()
            for job in self._progress.overdue(now, LATE):
                if self._scheduler.get_job(job) and not self._turn.locked():
                    log.warning("overdue: started out of turn", job=job)
                    self._metrics.count_missed()
                    self._scheduler.modify_job(job, next_run_time=clock.now())
            if not self._progress.overdue(now, STUCK):
                notify("WATCHDOG=1")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), GUARD_EVERY.total_seconds())

    def _on_trouble(self, event: JobEvent) -> None:
        """Log and count a run that the scheduler missed, skipped or saw fail."""
        words = {
            EVENT_JOB_ERROR: "raised",
            EVENT_JOB_MISSED: "missed",
            EVENT_JOB_MAX_INSTANCES: "skipped: still at work",
        }
        log.warning("scheduler", job=event.job_id, run=words[event.code])
        self._metrics.count_missed()

    def _judge(self, figures: Figures | None) -> Health:
        """Say whether all is well now."""
        overdue = self._progress.overdue(clock.monotonic(), LATE)
        return judge_health(figures, self._studies, overdue, clock.now())
