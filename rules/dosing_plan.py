"""The dosing plan of a rulebook: what is given, how, on which days, and how far from its day a dose may be.

It must not know what was given.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from rules.kinds.about_doses import DoseAmount
from rules.planned_dose import OWN_START

_ONLY_OF = {
    "days": ("cycles",),
    "cycle_days": ("cycles",),
    "cycles": ("cycles",),
    "max_cycles": ("cycles",),
    "cycle_delay_days": ("cycles",),
    "doses": ("daily", "weekly"),
    "max_doses": ("daily", "weekly"),
    "anchor": ("cycles", "daily", "weekly"),
    "window_days": ("cycles", "daily", "weekly"),
    "tolerance_days": ("cycles", "daily", "weekly"),
}
"""The entries that not every schedule has, and which do."""


class Sides(BaseModel):
    """So many days before a planned day, and so many after it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    early: Annotated[int, Field(ge=0)]
    late: Annotated[int, Field(ge=0)]


def _both(value: Any) -> Any:
    """Take one number for both sides."""
    return {"early": value, "late": value} if isinstance(value, int) and not isinstance(value, bool) else value


EitherSide = Annotated[Sides, BeforeValidator(_both)]


class DosingPlan(BaseModel):
    """Planned doses by day within a cycle, or every day, or every week; or as the dose records themselves expect them.

    `cycles` are expected of everybody; each further one up to `max_cycles` is expected once a record shows it begun. In
    a daily or weekly plan every day or week is a cycle of one dose: `doses` and `max_doses` say how many.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    amount: DoseAmount | None = None  # of one planned dose
    route: tuple[Annotated[str, Field(pattern=r"\S")], ...] = ()  # as EC or EX may name the planned one
    schedule: Literal["cycles", "daily", "weekly", "as collected"] = "cycles"
    days: tuple[Annotated[int, Field(ge=1)], ...]
    cycle_days: Annotated[int, Field(ge=1)]
    cycles: Annotated[int, Field(ge=1)]
    max_cycles: Annotated[int, Field(ge=1)] | None = None
    anchor: Literal["first dose", "randomisation", "each cycle's own start"] = "first dose"
    cycle_delay_days: Annotated[int, Field(ge=0)] = 0  # by so many a cycle may begin later
    window_days: EitherSide = Sides(early=1, late=1)
    tolerance_days: EitherSide | None = None  # outside its window and within these, a dose was taken early or late
    entry_grace_days: Annotated[int, Field(ge=0)] = 2
    protocol_section: str = ""
    protocol_choice: bool = False

    @property
    def most_cycles(self) -> int:
        """The number of cycles at most, optional ones included."""
        return self.max_cycles or self.cycles

    @property
    def reach(self) -> Sides:
        """How far from its planned day a dose may lie to be that dose at all."""
        return self.tolerance_days or self.window_days

    @model_validator(mode="before")
    @classmethod
    def _say_as_cycles(cls, entry: Any) -> Any:
        """Refuse what the schedule does not have, and say a daily or weekly plan in cycles of one dose."""
        schedule = entry.get("schedule", "cycles")
        for name, schedules in _ONLY_OF.items():
            if name in entry and schedule not in schedules:
                raise ValueError(f"{name} belongs to schedule = {' or '.join(map(repr, schedules))}, not {schedule!r}")
        plan = {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}
        if schedule in {"daily", "weekly"}:
            if "doses" not in plan:
                raise ValueError(f"doses, their number, is missing, and a {schedule} plan needs it")
            plan |= {"days": (1,), "cycle_days": 1 if schedule == "daily" else 7, "cycles": plan.pop("doses")}
            plan["max_cycles"] = plan.pop("max_doses", None)
            plan.setdefault("window_days", 0 if schedule == "daily" else 1)
        elif schedule == "as collected":
            plan |= {"days": (), "cycle_days": 1, "cycles": 1}
        return plan

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if self.schedule == "as collected":
            return self
        most, least = ("max_cycles", "cycles") if self.schedule == "cycles" else ("max_doses", "doses")
        if not self.days:
            raise ValueError("days must name at least one day")
        if list(self.days) != sorted(set(self.days)):
            raise ValueError("days must rise, each named once")
        if self.days[-1] > self.cycle_days:
            raise ValueError(f"day {self.days[-1]} lies beyond the cycle's {self.cycle_days} days")
        if self.most_cycles < self.cycles:
            raise ValueError(f"{most} {self.most_cycles} is less than {least} {self.cycles}")
        if self.anchor == OWN_START and (self.days[0] != 1 or self.schedule != "cycles"):
            raise ValueError(f"anchor '{OWN_START}' counts from the first dose of a cycle, which must be its day 1")
        if self.cycle_delay_days and self.anchor != OWN_START:
            raise ValueError(f"cycle_delay_days needs anchor '{OWN_START}': else the days do not move with it")
        if self.reach.early < self.window_days.early or self.reach.late < self.window_days.late:
            raise ValueError("tolerance_days must be at least window_days, before and after")
        return self
