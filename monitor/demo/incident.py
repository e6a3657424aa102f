"""What an incident is: something that happens at the source, and what vigil must and must never make of it.

Days are study days of the participant; for a fault of the export they are days of the replay.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from alerts.decide import CALLING, Action

Fault = Literal["repeated", "half-written", "older"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A row of the participant as the source shows it from study day `day` up to, but not on, study day `until`.

    With `where` it stands in place of the cohort's own row with those values, and gives the way back to it at `until`;
    without, it is a row more. "@22" in a value is the date of study day 22.
    """

    domain: str
    day: int
    values: Mapping[str, str]
    where: Mapping[str, str] = field(default_factory=dict)
    until: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Must:
    """A decision that the first good look from study day `day` on must make; if `told`, in a mail that was taken."""

    rule: str
    day: int
    actions: frozenset[Action] = CALLING
    told: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Never:
    """Decisions that must not be found from study day `day` to `until`; `rules` are ids or how they begin."""

    rules: tuple[str, ...]
    day: int
    actions: frozenset[Action] = CALLING
    until: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One thing that happens at the source. `who` is a participant's number; None: the export itself."""

    title: str
    who: int | None
    day: int
    at_source: str
    vigil: str
    must: tuple[Must, ...] = ()
    never: tuple[Never, ...] = ()
    changes: tuple[Change, ...] = ()
    fault: Fault | None = None
    stops: bool = False  # nothing else is entered about the participant after `day`
    on_hold_until: int | None = None  # a person releases the participant's holds on that day; else the same evening
    unreported: bool = False  # nobody enters that the participant's serious events were reported
