"""The one HTTP listener: /metrics for Prometheus, /healthz for whoever restarts things, / to find both.

Each answer is read from the ledger when asked, in a thread, within a time limit; while the database is away, /metrics
shows the last figures and /healthz says so. No page names a participant or an arm.
"""

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from alerts.ledger.figures import Figures, read_figures
from alerts.store import Store
from monitor.health import Health
from monitor.metrics import Metrics

log = structlog.get_logger(__name__)

LOOK_SECONDS = 5.0
"""How long a page waits for the database: less than the ten seconds that Prometheus gives a scrape."""

INDEX = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>vigil</title>
<h1>vigil</h1>
<p><a href="/healthz">/healthz</a>: whether it does its work now</p>
<p><a href="/metrics">/metrics</a>: figures for Prometheus</p>
</html>
"""


class Lookout:
    """Reads the figures when a page asks, one look at a time, and shows them as metrics."""

    def __init__(self, store: Store, metrics: Metrics) -> None:
        self._store = store
        self._metrics = metrics
        self._look: asyncio.Task[Figures] | None = None

    async def figures(self) -> Figures | None:
        """Return the figures of this moment, None if the database does not give them in time."""
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(asyncio.to_thread(self._read))
        try:
            figures = await asyncio.wait_for(asyncio.shield(self._look), LOOK_SECONDS)
        except (SQLAlchemyError, OSError):  # a TimeoutError is an OSError
            log.exception("figures cannot be read")
            self._metrics.count_error("figures")
            return None
        self._metrics.show(figures)
        return figures

    def _read(self) -> Figures:
        with self._store.read() as session:
            return read_figures(session)


def make_app(lookout: Lookout, metrics: Metrics, judge: Callable[[Figures | None], Health]) -> Starlette:
    """Return the pages; `judge` says what figures mean for health."""

    async def index(_request: Request) -> Response:
        return HTMLResponse(INDEX)

    async def show_metrics(_request: Request) -> Response:
        await lookout.figures()
        return Response(metrics.page(), media_type=CONTENT_TYPE_LATEST)

    async def show_health(_request: Request) -> Response:
        health = judge(await lookout.figures())
        said = {"status": "fault" if health.faults else "ok", "faults": list(health.faults)} | dict(health.details)
        page = json.dumps(said, indent=2, ensure_ascii=False) + "\n"  # a person reads it too
        return Response(page, 503 if health.faults else 200, media_type="application/json")

    return Starlette(routes=[Route("/", index), Route("/metrics", show_metrics), Route("/healthz", show_health)])


def listen(host: str, port: int) -> socket.socket:
    """Take the address before anything else is started; raise OSError if somebody has it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


class Server(uvicorn.Server):
    """uvicorn as a guest: signals belong to the daemon."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take no signal."""
        yield


def make_server(app: Starlette) -> Server:
    """Return a server to `serve(sockets=[...])`; setting its `should_exit` ends it."""
    return Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            ws="none",
            timeout_graceful_shutdown=3,
        )
    )
