"""How long a first and an idle second sweep of cdiscpilot01 take, in one process, beside a floor: reading the bytes.

The floor is the standard library's csv reader over the same files in the same run. Peak memory is of this process.
"""

import csv
import resource
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from alerts.store import Store
from monitor.sweep import run_sweep
from tests.bench.machine import machine, pilot
from tests.trial import at, make_study

FILES = {"DM": "dm.csv", "AE": "ae.csv", "LB": "lb.csv", "EX": "ex.csv", "DS": "ds.csv", "VS": "vs.csv"}


def main() -> None:
    """Print one line per measure."""
    print(machine())
    folder = pilot()
    if folder is None:
        return
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with TemporaryDirectory() as work:
        floor = _timed(lambda: _read_all(folder))
        store = Store(f"sqlite:///{work}/vigil.db")
        store.upgrade()
        study = make_study(folder, "cdisc_pilot", studyid="CDISCPILOT01", **FILES)
        for name, hour in (("first", 1), ("second, nothing new", 2)):
            started = time.perf_counter()
            result = run_sweep(store, study, at("2015-06-01", hour))
            seconds = time.perf_counter() - started
            fates = f"{result.fates.read:,} rows, {result.fates.new:,} new"
            print(f"{name} sweep: {seconds:.2f} s, {seconds / floor:.1f} x floor; {fates}, {result.status}")
        store.close()
    print(f"floor, the csv reader over the same bytes: {floor:.2f} s")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def _read_all(folder: Path) -> None:
    for name in FILES.values():
        with (folder / name).open(newline="", encoding="utf-8") as file:
            for _ in csv.reader(file):
                pass


def _timed(action: Callable[[], None]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
