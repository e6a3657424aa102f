"""A stopping boundary as a trial names it: which method, with what, and the table it came to.

The table itself is kept, frozen: a later release of a library must not move it. It is checked when it is read, by its
exact size. The formulas are those of `rules.boundaries`, which is imported when one is computed. No rule takes one yet.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    from rules.boundaries import Boundary, RateBoundary, Score

Probability = Annotated[float, Field(gt=0, lt=1)]
Method = Literal["beta-binomial", "pocock", "obrien-fleming", "wang-tsiatis", "sprt", "maxsprt"]
RateMethod = Literal["poisson-maxsprt", "poisson-tail", "gamma-poisson"]

_SETTING_OF = {
    "prior_size": "beta-binomial",
    "delta": "wang-tsiatis",
    "p1": "sprt",
    "shape": "gamma-poisson",
    "rate": "gamma-poisson",
}
"""What only one method takes, and needs."""

_ROUNDING = 1e-12
"""What the size of a frozen table may exceed its alpha by, for it is computed anew."""


def _check_settings(method: str, settings: Mapping[str, float | None]) -> None:
    """Raise ValueError where a method lacks a setting that it needs, or has what another one takes."""
    for setting, value in settings.items():
        if (value is None) is (method == _SETTING_OF[setting]):
            raise ValueError(f"{setting} belongs to {_SETTING_OF[setting]}, and only there")


class Design(BaseModel):
    """A binomial boundary over the first n participants, against the probability p0 of the event in each."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Method = "beta-binomial"
    n: Annotated[int, Field(ge=1, le=2000)]
    p0: Probability
    alpha: Probability  # the largest probability of a signal, over all looks, where the truth is p0
    prior_size: Annotated[float, Field(gt=0)] | None = (
        None  # the participants that the prior is worth; 4 where not said
    )
    delta: Annotated[float, Field(ge=0, le=0.5)] | None = None  # 0 is O'Brien-Fleming, 0.5 Pocock; 0.25 where not said
    p1: Probability | None = None  # the probability that the SPRT looks for
    min_events: Annotated[int, Field(ge=1)] = 1  # fewer never signal

    @model_validator(mode="after")
    def _fits_its_method(self) -> Self:
        _check_settings(self.method, {"prior_size": self.prior_size, "delta": self.delta, "p1": self.p1})
        if self.p1 is not None and self.p1 <= self.p0:
            raise ValueError(f"p1 = {self.p1:g} is not above p0 = {self.p0:g}")
        if self.min_events > self.n:
            raise ValueError(f"min_events is {self.min_events}, and there are {self.n} participants")
        return self

    def score(self) -> "Score":
        """Return how the method scores a state."""
        from rules import boundaries

        match self.method:
            case "beta-binomial":
                return boundaries.beta_binomial(self.p0, self.prior_size or 0.0)
            case "pocock":
                return boundaries.pocock(self.p0)
            case "obrien-fleming" | "wang-tsiatis":
                return boundaries.wang_tsiatis(self.p0, self.n, self.delta or 0.0)
            case "sprt":
                return boundaries.sprt(self.p0, self.p1 or 1.0)
            case "maxsprt":
                return boundaries.maxsprt(self.p0)

    def compute(self) -> "Boundary":
        """Return the table; raise ValueError where none but the empty one is small enough."""
        from rules.boundaries import calibrate

        return calibrate(self.score(), self.n, self.p0, self.alpha, self.min_events)


class Frozen(Design):
    """A design with the table that it came to: `signal_at[n - 1]` events among the first n signal."""

    signal_at: tuple[int, ...]

    @model_validator(mode="after")
    def _is_as_small_as_it_says(self) -> Self:
        from rules.boundaries import operation

        if len(self.signal_at) != self.n:
            raise ValueError(f"signal_at has {len(self.signal_at)} entries for n = {self.n}")
        for m, k in enumerate(self.signal_at, 1):
            if not 1 <= k <= m + 1:
                raise ValueError(f"signal_at: {k} among the first {m} cannot be; {m + 1} says that none can signal")
        size = operation(self.signal_at, self.p0).signals
        if size > self.alpha + _ROUNDING:
            raise ValueError(f"signal_at has a size of {size:.6g}, more than its alpha of {self.alpha:g}")
        return self


class RateDesign(BaseModel):
    """A Poisson boundary on expected counts, up to the most that will be expected."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: RateMethod = "poisson-maxsprt"
    expected: Annotated[float, Field(gt=0, le=2000)]
    alpha: Probability
    shape: Annotated[float, Field(gt=0)] | None = None  # of the prior on the ratio to the expected rate
    rate: Annotated[float, Field(gt=0)] | None = None
    min_events: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _fits_its_method(self) -> Self:
        _check_settings(self.method, {"shape": self.shape, "rate": self.rate})
        return self

    def compute(self) -> "RateBoundary":
        """Return the table; raise ValueError where none has that size."""
        from rules import boundaries

        deadlines, constants = {
            "poisson-maxsprt": (boundaries.poisson_maxsprt, (1e-9, 50.0)),
            "poisson-tail": (boundaries.poisson_tail, (1 - 1e-9, 1e-15)),
            "gamma-poisson": (boundaries.gamma_poisson(self.shape or 0.0, self.rate or 0.0), (1e-9, 1 - 1e-14)),
        }[self.method]
        return boundaries.calibrate_rate(deadlines, constants, self.expected, self.alpha, self.min_events)
