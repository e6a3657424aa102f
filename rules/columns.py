"""Which rules judge by a column, to say who is blind where an export loses it.

A kind judges by a column where another value there could change its answer, not where it only shows it. It must not
know where columns come from.
"""

from collections.abc import Mapping

from rules.reading import variables
from rules.rulebook import Rule, Rulebook

Lost = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Domain -> column that its files had once and have no longer -> the rules that judge by it."""

_SERIOUS = ("infection", "reporting_clock", "serious_event", "seriousness_disagreement", "unmatched_admission")
_WORDS = ("criteria_count", "infection", "listed_event")
_SEVERE = ("infection", "listed_event", "worsened_event")
_DOSING_ENDS = ("adherence", "expected_sample", "medication", "missed_dose", "off_plan_dose", "quiet_cohort")
_DISPOSED = (*_DOSING_ENDS, "lab_toxicity", "repeat_sample")
_FIRST_DOSE = (
    *("adherence", "criteria_count", "dose_excess", "eligibility", "expected_sample", "infection", "lab_toxicity"),
    *("listed_event", "liver_injury", "medication", "missed_dose", "off_plan_dose", "quiet_cohort", "serious_event"),
    *("unmatched_admission", "value_limit"),
)

_KINDS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("AESER", "AESDTH", "AESLIFE", "AESHOSP", "AESDISAB", "AESCONG", "AESMIE", "AEOUT"), _SERIOUS),
    **dict.fromkeys(("AETERM", "AEDECOD", "AELLT", "AEBODSYS", "AESOC"), _WORDS),
    **dict.fromkeys(("AESEV", "AETOXGR"), _SEVERE),
    **dict.fromkeys(("AEREL", "AEACN", "AESCAN", "AESOD"), ("listed_event",)),
    "AEENDTC": ("criteria_count", "unmatched_admission"),
    "AEENRTPT": ("unmatched_admission",),
    "AEDTC": ("reporting_clock", "worsened_event"),
    **dict.fromkeys(("RFXSTDTC", "RFSTDTC"), _FIRST_DOSE),
    **dict.fromkeys(("DTHFL", "DTHDTC"), (*_DOSING_ENDS, "repeat_sample", "seriousness_disagreement")),
    "DSDECOD": (*_DISPOSED, "seriousness_disagreement"),
    "DSSTDTC": _DISPOSED,
    "DSCAT": tuple(kind for kind in _DISPOSED if kind != "lab_toxicity"),
    **dict.fromkeys(("ECSTDTC", "EXSTDTC"), (*_FIRST_DOSE, "dosed_on_hold", "fever")),
    "SEX": ("value_limit",),
}
"""Column -> the kinds that judge by it. Any other that is read serves every rule that judges its domain, of DM none."""

_OF_WHAT_IS_THERE = "unreadable_value"
"""A kind that judges what stands in a column, whichever: without the column there is nothing to judge."""


def with_rules(lost: Lost, rulebook: Rulebook) -> Lost:
    """Name the rules that judge by each lost column, and leave out those by which none does."""
    named = {
        domain: {column: rules for column in columns if (rules := judged_by(rulebook, domain, column))}
        for domain, columns in lost.items()
    }
    return {domain: columns for domain, columns in named.items() if columns}


def judged_by(rulebook: Rulebook, domain: str, column: str) -> tuple[str, ...]:
    """Return the rules that judge by a column of a domain, in the order of the book."""
    if column not in variables(domain):
        return ()
    return tuple(rule.id for rule in rulebook.rules if _judges_by(rulebook, rule, domain, column))


def _judges_by(rulebook: Rulebook, rule: Rule, domain: str, column: str) -> bool:
    if column in _KINDS:
        return rule.kind in _KINDS[column]
    when = rulebook.whens[rule.id]
    wanted = set(rulebook.kind_of(rule).domains(when))
    if rule.kind == "fever":
        wanted.add("LB")  # neutrophils
    if getattr(when, "antimicrobial_within_days", None) is not None:
        wanted.add("CM")
    return rule.kind != _OF_WHAT_IS_THERE and domain != "DM" and domain in wanted
