"""How long a source is usually silent, learned from the days on which it brought anything, and how long is too long.

It knows days and lengths of time. It must not know where the days come from, nor what is told of a silence.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST_GAPS = 20
"""How many gaps make a habit: a month of working days, twenty weeks of a weekly export, so that it follows a change."""

NEWS_DAYS = MOST_GAPS + 2
"""Days of news in UTC that surely hold the last 21 of any zone."""


@dataclass(frozen=True, slots=True)
class Habit:
    """The gaps, in whole days, between one day with news and the next: the last twenty at most, the oldest first."""

    gaps: tuple[int, ...] = ()

    @property
    def days(self) -> int:
        """The longest gap that is usual; 0 where none is known.

        Of twenty gaps the very longest is left out (19 of 20 are not longer than what remains), so that one outage or
        one holiday week does not become the habit, while weekends do. Of fewer none is left out: four weekends in ten
        days of news are soon learned, and a first long gap only makes the next silence be told later, at most at the
        ceiling.
        """
        usual = sorted(self.gaps)
        return usual[-2] if len(usual) == MOST_GAPS else max(usual, default=0)


def habit_of(days: Iterable[date]) -> Habit:
    """Learn the habit from the days on which anything came, in any order; the same day twice is one.

    Days and not moments: a study that is entered live brings news every quarter of an hour and none at night.
    """
    known = sorted(set(days))
    gaps = [(later - earlier).days for earlier, later in pairwise(known)]
    return Habit(tuple(gaps[-MOST_GAPS:]))


class Silence(BaseModel):
    """How long a source may be silent: the habit times `factor`, never less nor more than the two lengths in days.

    Without any gap to learn from, the least counts, not the most: in its first days a study's transfers break and its
    first doses are given; a needless question costs an operator a minute, and the first gap that ends teaches the rest.
    Equal lengths switch the learning off.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    factor: Annotated[float, Field(ge=1)]
    least_days: Annotated[float, Field(gt=0)]
    most_days: Annotated[float, Field(gt=0, le=366)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.least_days > self.most_days:
            raise ValueError(f"least_days {self.least_days:g} is more than most_days {self.most_days:g}")
        return self

    def limit_days(self, habit: Habit) -> float:
        """Return after how many days a silence is too long."""
        return min(max(self.factor * habit.days, self.least_days), self.most_days)

    def limit(self, habit: Habit) -> timedelta:
        """Return how long a silence may last."""
        return timedelta(days=self.limit_days(habit))

    def explain(self, habit: Habit) -> str:
        """Say where the limit comes from, so that a person can check it."""
        limit = f"{self.limit_days(habit):g} days"
        if not habit.gaps:
            return f"no gap between days with news is known yet, so the least that the rule sets counts: {limit}"
        known = len(habit.gaps)
        which = "the only gap" if known == 1 else f"the last {known} gaps"
        left_out = ", the longest left out," if known == MOST_GAPS else ""
        usual = f"{habit.days} day{'' if habit.days == 1 else 's'}"
        learned = f"{which} between days with news{left_out} lasted up to {usual}"
        product = self.factor * habit.days
        if product < self.least_days:
            return f"{learned}; {self.factor:g} times that is less than the least that the rule sets: {limit}"
        if product > self.most_days:
            return f"{learned}; {self.factor:g} times that is more than the most that the rule sets: {limit}"
        return f"{learned}; {self.factor:g} times that is {limit}"
