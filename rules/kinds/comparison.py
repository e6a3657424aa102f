"""How a result compares with a number in its unit, where either may be a limit such as "<50": three answers, never two.

It knows one result and one number. It must not know a criterion.
"""

from decimal import Decimal

from rules.ctcae.grade import Ungraded
from rules.graded import GradedFinding
from rules.units import round15


def passes(lab: GradedFinding, times: Decimal, reference: Decimal | None, *, or_equal: bool = False) -> bool | None:
    """Whether a result is above a multiple of a reference; None where that is not certain."""
    if lab.value is None or reference is None:
        return None
    limit = round15(times * reference)
    if lab.censor in ("<", "<="):
        may_reach = lab.value > limit or (lab.value == limit and or_equal and lab.censor == "<=")
        return None if may_reach else False
    above = lab.value > limit or (lab.value == limit and (or_equal or lab.censor == ">"))
    return above if above or not lab.censor else None


def undercuts(lab: GradedFinding, limit: Decimal, *, or_equal: bool = False) -> bool | None:
    """Whether a result is below a limit in its unit; None where that is not certain."""
    if lab.value is None:
        return None
    if lab.censor in (">", ">="):
        may_lie = lab.value < limit or (lab.value == limit and or_equal and lab.censor == ">=")
        return None if may_lie else False
    below = lab.value < limit or (lab.value == limit and (or_equal or lab.censor == "<"))
    return below if below or not lab.censor else None


def is_up_again(lab: GradedFinding, level: Decimal | None) -> bool:
    """Whether a result is certainly no lower than a level in its unit, or than the baseline where that was lower."""
    return level is not None and undercuts(lab, level if lab.base is None else min(level, lab.base)) is False


def is_down_again(lab: GradedFinding, level: Decimal | None) -> bool:
    """Whether a result is certainly no higher than a level in its unit, or than the baseline where that was higher."""
    return level is not None and passes(lab, Decimal(1), level if lab.base is None else max(level, lab.base)) is False


def why_not_compared(lab: GradedFinding) -> Ungraded:
    """Say why a result cannot be compared."""
    if lab.fault is not None:
        return lab.fault
    if lab.censor:
        return Ungraded.CENSORED
    return Ungraded.UNKNOWN_UNIT if lab.unit else Ungraded.NO_UNIT
