"""What `make mutants` found: the share of changes that some test notices, and the survivors with a reason or without.

Reads the results of mutmut and `survivors.toml`; exits 1 where fewer than nine in ten are noticed, or where a survivor
has no reason.
"""

import subprocess
import sys
import tomllib
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path

SURVIVORS = Path(__file__).with_name("survivors.toml")
NOTICED = frozenset({"killed", "timeout", "suspicious", "segfault", "caught by type check"})
ENOUGH = 0.9


def results() -> dict[str, str]:
    """Return the fate of each mutant that was tried, by its name."""
    mutmut = Path(sys.executable).with_name("mutmut")
    said = subprocess.run([mutmut, "results", "--all", "true"], check=True, capture_output=True, text=True).stdout
    fates = (line.strip().rpartition(": ")[::2] for line in said.splitlines() if ": " in line)
    return {name: fate for name, fate in fates if fate not in {"not checked", "skipped"}}


def main() -> int:
    """Print the figures; return the exit code."""
    fates = results()
    if not fates:
        print("no mutant was tried: run mutmut first")
        return 1
    noticed = sum(fate in NOTICED for fate in fates.values())
    known = [(entry["mutants"], entry["reason"]) for entry in tomllib.loads(SURVIVORS.read_text("utf-8"))["survivor"]]
    reasons: Counter[str] = Counter()
    unexplained = []
    for name, fate in fates.items():
        if fate not in NOTICED:
            reason = next((why for patterns, why in known if any(fnmatchcase(name, p) for p in patterns)), "")
            reasons[reason] += 1
            unexplained += [] if reason else [f"{name}: {fate}"]
    print(f"{len(fates)} mutants, {noticed} noticed: {noticed / len(fates):.1%}")
    for reason, number in reasons.most_common():
        print(f"{number:5} survive: {reason or 'no reason is given'}")
    print(*unexplained, sep="\n")
    return int(noticed < ENOUGH * len(fates) or bool(unexplained))


if __name__ == "__main__":
    sys.exit(main())
