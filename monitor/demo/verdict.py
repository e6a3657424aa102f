"""Holds the ledger against the script: did vigil do what it must, and keep silent where it must.

A decision is asked for in the first look that could know, no later. Pure: it knows the script, the cohort and decisions
already read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from alerts.decide import CALLING
from monitor.demo.cohort import Cohort
from monitor.demo.found import Found
from monitor.demo.incident import Incident, Must, Never
from monitor.demo.script import SCRIPT
from monitor.demo.stage import first_good_look


class Kept(StrEnum):
    """Whether what the script asks for was done."""

    YES = "yes"
    NO = "NO"
    NOT_REACHED = "not reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one incident; `why` names the first thing that was missing or too much."""

    incident: Incident
    day: int  # of the replay
    kept: Kept
    why: str = ""


def judge(cohort: Cohort, found: Sequence[Found], withdrawn: Mapping[int, int], last_day: int) -> list[Verdict]:
    """Give a verdict on every incident, in order of time; `withdrawn` counts rows by day of the replay."""
    verdicts = [_judge(incident, cohort, found, withdrawn, last_day) for incident in SCRIPT]
    return sorted(verdicts, key=lambda verdict: verdict.day)


def unscripted(cohort: Cohort, found: Iterable[Found]) -> list[Found]:
    """Return what was told about participants although no incident of the script asks for it."""
    asked = {
        (cohort.person(incident.who).usubjid, must.rule)
        for incident in SCRIPT
        if incident.who is not None
        for must in incident.must
    }
    return [f for f in found if f.usubjid and f.action in CALLING and (f.usubjid, f.rule) not in asked]


def _judge(
    incident: Incident, cohort: Cohort, found: Sequence[Found], withdrawn: Mapping[int, int], last_day: int
) -> Verdict:
    """Give a verdict on one incident."""
    person = None if incident.who is None else cohort.person(incident.who)
    own = found if person is None else [f for f in found if f.usubjid == person.usubjid]
    day = person.day(incident.day) if person else incident.day
    kept, why = Kept.YES, ""
    for must in incident.must:
        start = person.day(must.day) if person else must.day
        latest = start if incident.fault else first_good_look(start)
        if latest > last_day:
            kept = Kept.NOT_REACHED
        elif missing := _missing(must, own, start, latest):
            return Verdict(incident=incident, day=day, kept=Kept.NO, why=missing)
    for never in incident.never:
        start = person.day(never.day) if person else never.day
        until = last_day + 1 if never.until is None else person.day(never.until) if person else never.until
        if start > last_day:
            kept = Kept.NOT_REACHED
        elif too_much := _too_much(never, own, start, until):
            return Verdict(incident=incident, day=day, kept=Kept.NO, why=too_much)
    if incident.fault and (rows := sum(withdrawn.get(d, 0) for d in range(day, first_good_look(day) + 1))):
        return Verdict(incident=incident, day=day, kept=Kept.NO, why=f"{rows} rows were withdrawn")
    return Verdict(incident=incident, day=day, kept=Kept.NOT_REACHED if day > last_day else kept, why=why)


def _missing(must: Must, own: Iterable[Found], start: int, latest: int) -> str:
    """Say what was asked for and is not there, '' if it is."""
    there = [f for f in own if f.rule.startswith(must.rule) and f.action in must.actions and start <= f.day <= latest]
    asked = f"{' or '.join(sorted(must.actions))} by {must.rule} on day {start}"
    if not there:
        return f"no {asked}"
    return "" if not must.told or any(f.taken for f in there) else f"{asked} reached nobody"


def _too_much(never: Never, own: Iterable[Found], start: int, until: int) -> str:
    """Say what must not be there and is, '' if nothing."""
    for f in own:
        if f.action in never.actions and f.rule.startswith(never.rules) and start <= f.day < until:
            return f"{f.action} by {f.rule} on day {f.day}: {f.reason}"
    return ""
