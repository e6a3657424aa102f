"""How long `vigil grade` takes for CDISC's pilot study, and how many rows a second the grading engine alone takes.

The command is a process of its own: start, reading, baselines, grades and writing. The engine is given columns.
"""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from rules.ctcae.columns import EXACT, Samples, code
from rules.ctcae.grade import UNKNOWN
from rules.ctcae.grading import grade
from tests.bench.machine import machine, pilot

GROUPS = [(test, "10^9/L") for test in ("WBC", "NEUT", "PLAT", "LYM", "EOS")] + [
    ("HGB", "g/dL"), ("ALT", "U/L"), ("AST", "U/L"), ("ALP", "U/L"), ("GGT", "U/L"),
    ("BILI", "mg/dL"), ("CREAT", "mg/dL"),
]  # fmt: skip


def samples(size: int, places: int = 2) -> Samples:
    """Make seeded rows of every test, with values of so many decimals on both sides of their ranges."""
    random = np.random.default_rng(1)
    return Samples(
        groups=GROUPS,
        group=random.integers(0, len(GROUPS), size),
        value=np.round(random.lognormal(2, 1.5, size), places),
        censor=np.full(size, EXACT, np.int8),
        fault=np.full(size, code(None), np.int8),
        lln=np.round(random.uniform(1, 5, size), 1),
        uln=np.round(random.uniform(10, 60, size)),
        base=np.where(random.random(size) < 0.9, np.round(random.lognormal(2, 1.5, size), places), np.nan),
        base_state=np.full(size, UNKNOWN, np.int8),
        after=random.random(size) < 0.9,
    )


def main() -> None:
    """Print the time of the command, then of the engine for ten thousand to a million rows."""
    print(machine())
    if (folder := pilot()) is not None:
        _time_command(folder)
    _time_engine(1, 2)  # reads the criteria
    for places, what in ((2, "two decimals"), (16, "no value twice")):
        for size in (10**4, 10**5, 10**6):
            seconds = _time_engine(size, places)
            print(f"{size:>9,} rows, {what}, both directions: {seconds:6.3f} s, {size / seconds:>10,.0f} rows/s")


def _time_command(folder: Path) -> None:
    """Print the time and the peak memory of grading a whole study from file to file."""
    asked = [str(folder / "lb.csv"), "--dm", str(folder / "dm.csv"), "--ctcae", "5.0", "--output", os.devnull]
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "monitor", "grade", *asked], check=True, stderr=subprocess.PIPE, encoding="utf-8"
    )
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"vigil grade, {done.stderr.splitlines()[0]}: {seconds:.2f} s, peak memory {peak:.0f} MB")


def _time_engine(size: int, places: int) -> float:
    """Return the seconds of grading rows in both directions, the best of three; rows once graded are prepared."""
    times = []
    for rows in (samples(size, places) for _ in range(3)):
        started = time.perf_counter()
        grade("5.0", "L", rows)
        grade("5.0", "H", rows)
        times.append(time.perf_counter() - started)
    return min(times)


if __name__ == "__main__":
    main()
