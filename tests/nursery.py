"""Raises processes that sweep and post for ever, until somebody kills them.

Run as `python -m tests.nursery URL FOLDER PORT`: each line on standard input gives birth to one, whose number is the
answer. It is forked from a process that has loaded everything and begun nothing, so that a life costs no start.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

import polars  # noqa: F401 loaded before the fork
import pyarrow.csv  # noqa: F401

from alerts.mailer import Relay
from alerts.store import Store
from monitor import clock
from monitor.logs import set_up_logs
from monitor.post import post_what_is_owed
from monitor.study import Study
from monitor.sweep import run_sweep
from tests.trial import make_study


async def live(url: str, study: Study, port: int) -> None:
    """Sweep in one thread and post beside it, as the daemon does, without ever resting."""
    store, relay = Store(url), Relay(host="127.0.0.1", port=port, tls="none")

    async def sweep() -> None:
        while True:
            await asyncio.to_thread(lambda: run_sweep(store, study, clock.now()))

    async def post() -> None:
        while True:
            await post_what_is_owed(store, relay, study.audience.sender)
            await asyncio.sleep(0.01)

    await asyncio.gather(sweep(), post())


def main(url: str, folder: str, port: str) -> None:
    """Fork once per line."""
    set_up_logs("json", "error")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how they ended
    study = make_study(Path(folder))
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            asyncio.run(live(url, study, int(port)))
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
