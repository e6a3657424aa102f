"""How many lab rows a second the grading engine takes: `python -m tests.bench.grading`."""

import time

import numpy as np

from rules.ctcae.columns import EXACT, Samples, code
from rules.ctcae.grade import UNKNOWN
from rules.ctcae.grading import grade

GROUPS = [(test, "10^9/L") for test in ("WBC", "NEUT", "PLAT", "LYM", "EOS")] + [
    ("HGB", "g/dL"), ("ALT", "U/L"), ("AST", "U/L"), ("ALP", "U/L"), ("GGT", "U/L"),
    ("BILI", "mg/dL"), ("CREAT", "mg/dL"),
]  # fmt: skip


def samples(size: int) -> Samples:
    """Make seeded rows of every test, with values on both sides of their ranges."""
    random = np.random.default_rng(1)
    return Samples(
        groups=GROUPS,
        group=random.integers(0, len(GROUPS), size),
        value=np.round(random.lognormal(2, 1.5, size), 2),
        censor=np.full(size, EXACT, np.int8),
        fault=np.full(size, code(None), np.int8),
        lln=np.round(random.uniform(1, 5, size), 1),
        uln=np.round(random.uniform(10, 60, size)),
        base=np.where(random.random(size) < 0.9, np.round(random.lognormal(2, 1.5, size), 2), np.nan),
        base_state=np.full(size, UNKNOWN, np.int8),
        after=random.random(size) < 0.9,
    )


def main() -> None:
    """Print the time for one row, and for ten thousand to a million."""
    for size in (1, 10**4, 10**5, 10**6):
        rows = samples(size)
        started = time.perf_counter()
        for direction in ("L", "H"):
            grade("5.0", direction, rows)
        seconds = time.perf_counter() - started
        print(f"{size:>9,} rows, both directions: {seconds:6.3f} s, {size / seconds:>9,.0f} rows/s")


if __name__ == "__main__":
    main()
