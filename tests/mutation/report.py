"""What `make mutants` found: the share of changes that some test notices, and the survivors with a reason or without.

Reads the results of mutmut and `survivors.toml`; exits 1 where fewer than nine in ten are noticed, or where a survivor
has no reason. What the type checker refuses is counted apart. A survivor is known by the function and by the line as
it stood changed, so that a reason stays true while the code around it moves.
"""

import re
import subprocess
import sys
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path

SURVIVORS = Path(__file__).with_name("survivors.toml")
REFUSED = "caught by type check"
NOTICED = frozenset({"killed", "timeout", "suspicious", "segfault"})
ENOUGH = 0.9


def results() -> dict[str, str]:
    """Return the fate of each mutant that was tried, by its name."""
    mutmut = Path(sys.executable).with_name("mutmut")
    said = subprocess.run([mutmut, "results", "--all", "true"], check=True, capture_output=True, text=True).stdout
    fates = (line.strip().rpartition(": ")[::2] for line in said.splitlines() if ": " in line)
    return {name: fate for name, fate in fates if fate not in {"not checked", "skipped"}}


def function_of(mutant: str) -> str:
    """Return the function a mutant changes, as Python names it: `rules.units._table`, `rules.dtc.Dtc.__str__`."""
    module, _, name = mutant.rpartition("__mutmut_")[0].rpartition(".")
    return f"{module}.{'.'.join(name.split('ǁ')[1:]) if 'ǁ' in name else name.removeprefix('x_')}"


def change_of(mutant: str) -> str:
    """Return the changed lines of a mutant in one; of a line that is gone, '-' and the line."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    diff = get_diff_for_mutant(mutant).splitlines()[2:]
    lines = [line[1:] for line in diff if line.startswith("+")] or [line for line in diff if line.startswith("-")]
    return " ".join(word for line in lines for word in line.split())


@cache
def pattern(change: str) -> re.Pattern[str]:
    """Return what a change of the list matches; '…' stands for anything."""
    return re.compile(".*".join(re.escape(part) for part in change.split("…")))


def main() -> int:
    """Print the figures; return the exit code."""
    fates = results()
    if not fates:
        print("no mutant was tried: run mutmut first")
        return 1
    known = [
        (change["in"], pattern(change["now"]), entry["reason"])
        for entry in tomllib.loads(SURVIVORS.read_text("utf-8"))["survivor"]
        for change in entry["changes"]
    ]
    used: set[int] = set()
    reasons: Counter[str] = Counter()
    unexplained = []
    tested = {name: fate for name, fate in fates.items() if fate != REFUSED}
    for name in (name for name, fate in tested.items() if fate not in NOTICED):
        function, change = function_of(name), change_of(name)
        found = [i for i, (where, now, _) in enumerate(known) if where == function and now.fullmatch(change)]
        used |= set(found)
        reasons[known[found[0]][2] if found else ""] += 1
        unexplained += [] if found else [f"{name}: {fates[name]}\n  {{ in = '{function}', now = '{change}' }},"]
    noticed = len(tested) - reasons.total()
    print(f"{len(fates)} mutants: {len(fates) - len(tested)} have a wrong type, which make check refuses")
    print(f"{noticed} of the other {len(tested)} are noticed by a test: {noticed / len(tested):.1%}")
    for reason, number in reasons.most_common():
        print(f"{number:5} survive: {reason or 'no reason is given'}")
    for i in sorted(set(range(len(known))) - used):
        print(f"listed, but none survives: {known[i][0]}: {known[i][1].pattern}")
    print(*unexplained, sep="\n")
    return int(noticed < ENOUGH * len(tested) or bool(unexplained))


if __name__ == "__main__":
    sys.exit(main())
