"""What a threshold is: a number, a percentage, or an amount in a unit, and how it compares with a result's unit.

It knows numbers and units. It must not know a criterion.
"""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from rules.ctcae.identity import lab_tests
from rules.graded import GradedFinding
from rules.units import SIGNIFICANT, UNITY, convert, factor, round15


def _as_decimal(value: Any) -> Any:
    """Turn a TOML number into the decimal that was written."""
    return Decimal(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value


Number = Annotated[Decimal, BeforeValidator(_as_decimal), Field(gt=0)]
Percent = Annotated[Decimal, BeforeValidator(_as_decimal), Field(gt=0, lt=100)]


class Amount(BaseModel):
    """A number in a unit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: Number
    unit: str

    def __str__(self) -> str:
        """The amount in words."""
        return f"{self.value} {self.unit}" if self.unit != UNITY else str(self.value)


def check_unit(test: str, unit: str) -> None:
    """Raise ValueError, in one sentence, unless the test is known and measured in that unit."""
    if test not in lab_tests():
        raise ValueError(f"test '{test}' is unknown (known: {', '.join(sorted(lab_tests()))})")
    if unit and unit not in lab_tests()[test].units:
        raise ValueError(f"unit '{unit}' does not fit {test} (fitting: {', '.join(lab_tests()[test].units)})")


def amount_in(lab: GradedFinding, amount: Amount) -> Decimal | None:
    """Return an amount in the unit of a result, None where the units do not compare."""
    return convert(lab.test, amount.value, amount.unit, lab.unit)


def difference_in(lab: GradedFinding, amount: Amount) -> Decimal | None:
    """Return a difference in the unit of a result, None where the units do not compare by a factor alone."""
    known = factor(lab.test, amount.unit, lab.unit)
    return SIGNIFICANT.divide(amount.value * known[0], known[1]) if known is not None else None


def percent_below(value: Decimal, reference: Decimal) -> Decimal | None:
    """Return by how many percent a value lies below a reference, to 15 digits; None for a reference of 0."""
    return round15((reference - value) * 100 / reference) if reference else None
