"""A rulebook in words that a physician can read and sign; the same text for the same book, always.

It knows the book and what each kind says of its own criterion. It must not know how a rule is evaluated.
"""

from collections.abc import Iterator
from textwrap import fill, indent

from rules.ctcae.identity import lab_tests
from rules.derived import Derivable
from rules.dosing_plan import DosingPlan, Sides
from rules.planned_dose import OWN_START
from rules.rulebook import Header, Rule, Rulebook

_WIDTH = 100
_URGENCY = {
    "immediate": "immediate: mailed as soon as it is seen",
    "same-day": "same day: somebody must look before the day ends",
    "routine": "routine: at the next regular review",
}
_CONSEQUENCE = {
    "watch": "watch",
    "hold": "hold: no further dose until a person releases the hold",
    "stop": "stop: no further dose until a person releases the stop",
}
_BASELINE = {
    "last-predose": "the last non-missing result on or before the first dose",
    "flag": "the result that the data flag as baseline (LBBLFL or LBLOBXFL)",
}
_EMERGENCE = {
    "conservative": "what may have begun after the first dose counts as begun after it",
    "strict": "what may have begun before the first dose or after it is not evaluable",
}
_ZERO_DOSE = {
    "placebo": "a recorded dose of 0 is placebo: it was given, and is never a missed dose",
    "not-given": "a recorded dose of 0 was not given",
}


_DERIVED: dict[Derivable, str] = {
    "ANC": "neutrophils, as white cells times the share of neutrophils in the same sample",
    "CACORR": "calcium corrected for the albumin of the same sample, as calcium + 0.8 mg/dL for each g/dL (0.02 mmol/L "
    "for each g/L) of albumin below 40 g/L, in the range of the calcium",
    "CREATCLR": "creatinine clearance of adults by Cockcroft and Gault, with age and sex of DM and the last weight on "
    "or before the day of the sample",
}


def in_words(rulebook: Rulebook) -> str:
    """Print a whole rulebook: what holds for every rule, the dosing plan, each rule, and lines to sign on."""
    parts = [*_head(rulebook.header, rulebook.sha256)]
    if rulebook.dosing is not None:
        parts.append(f"Dosing plan\n{indent(_fill(_plan(rulebook.dosing)), '  ')}")
    for rule in rulebook.rules:
        criterion = rulebook.kind_of(rule).describe(rulebook.whens[rule.id])
        parts.append("\n".join(_rule(rule, criterion)))
    parts.append(_signature(rulebook.header))
    return "\n\n".join(parts) + "\n"


def _head(header: Header, sha256: str) -> Iterator[str]:
    """What holds for every rule."""
    yield f"{header.title}\n{'=' * len(header.title)}"
    facts = {
        "Rulebook": f"{header.name}, version {header.version}",
        "SHA-256": sha256,
        "Grades": f"CTCAE {header.ctcae}",
        "Baseline": _BASELINE[header.baseline],
        "Zero doses": _ZERO_DOSE[header.zero_dose],
        "Emergence": _EMERGENCE[header.emergence],
    }
    if header.tests:
        facts["Own codes"] = "; ".join(f"{code} is {lab_tests()[test].name}" for code, test in header.tests.items())
    yield "\n".join(f"{name + ':':<12}{words}" for name, words in facts.items())
    if header.derive:
        computed = "; ".join(_DERIVED[name] for name in header.derive)
        yield _fill(
            f"Computed where a sample has no measured result, from results that are numbers and no limits: {computed}."
        )
    for note in header.notes:
        yield _fill(f"Note: {note}")
    yield _fill(
        "Every rule has three answers: hit, clear, and not evaluable with the reason. Data that are missing or cannot "
        "be read are never taken as clear. A rule marked (protocol choice) is a proposal of this book, not a published "
        "fact, and holds because it is signed below."
    )


def _plan(plan: DosingPlan) -> str:
    """The dosing plan in sentences."""
    words = [*_what(plan), *(_collected(plan) if plan.schedule == "as collected" else _when(plan))]
    return f"{' '.join(words)}{_source(plan.protocol_section, choice=plan.protocol_choice)}"


def _what(plan: DosingPlan) -> Iterator[str]:
    """How much is given, and how."""
    if plan.amount is not None:
        yield f"Each dose is {plan.amount}."
    if plan.route:
        also = f", also written {', '.join(plan.route[1:])}" if plan.route[1:] else ""
        yield f"Its route is {plan.route[0]}{also}".removesuffix(".") + "."


def _collected(plan: DosingPlan) -> Iterator[str]:
    yield (
        "Doses are expected as the records of EC tell of them: prespecified (ECPRESP) or scheduled (ECMOOD). "
        f"A scheduled dose of which nothing is recorded {_days(plan.entry_grace_days)} after its day counts as missed."
    )


def _when(plan: DosingPlan) -> Iterator[str]:
    """On which days a dose is planned, how far from its day it may be, and when it counts as missed."""
    from_day_1 = "randomisation" if plan.anchor == "randomisation" else "the first dose"
    more, most = plan.most_cycles > plan.cycles, plan.most_cycles
    if plan.schedule != "cycles":
        further = f", and each further one up to {most} once a later one is recorded" if more else ""
        yield (
            f"One dose every {'day' if plan.schedule == 'daily' else 'week'}, counted from {from_day_1} as day 1. "
            f"{plan.cycles} doses are expected of everybody{further}."
        )
    else:
        days = ", ".join(map(str, plan.days))
        further = f", and each further one up to {most} once begun" if more else ""
        yield (
            f"Doses on days {days} of a cycle of {_days(plan.cycle_days)}, counted from {from_day_1} as day 1. "
            f"{plan.cycles} cycles are expected of everybody{further}."
        )
    if plan.anchor == OWN_START:
        yield (
            "The days of each cycle are counted from its own first dose. A cycle may be postponed as a whole by "
            f"{_days(plan.cycle_delay_days)} at most; until then none of its doses is missed."
        )
    yield f"Each dose may be given at most {_sides(plan.window_days)} its day."
    if plan.tolerance_days is not None:
        yield f"Outside that, and at most {_sides(plan.tolerance_days)} its day, it was taken early or late."
    yield f"A dose of which nothing is recorded when {_days(plan.entry_grace_days)} more have passed counts as missed."


def _sides(sides: Sides) -> str:
    """Say how far before and after."""
    if sides.early == sides.late:
        return f"{_days(sides.early)} before or after"
    return f"{_days(sides.early)} before or {_days(sides.late)} after"


def _days(number: int) -> str:
    return f"{number} day{'' if number == 1 else 's'}"


def _rule(rule: Rule, criterion: str) -> Iterator[str]:
    """One rule."""
    yield f"{rule.id}  {rule.title}"
    facts = {
        "Criterion": criterion,
        "Urgency": _URGENCY[rule.urgency],
        "Consequence": _CONSEQUENCE[rule.consequence],
        "Action": rule.action,
        "Told to": "the safety officer" if rule.audience == "officer" else "the operator",
        "Protocol": _source(rule.protocol_section, choice=rule.protocol_choice).strip(),
    }
    for name, words in facts.items():
        yield _fill(f"  {name + ':':<13}{words}", hanging=15)


def _source(section: str, *, choice: bool) -> str:
    """Where a statement comes from."""
    return " ".join(("", *(word for word in (section, "(protocol choice)" if choice else "") if word)))


def _signature(header: Header) -> str:
    """Who signed and when, or lines to do so."""
    blank = "_" * 40
    return f"Signed by:  {header.signed_by or blank}\nSigned on:  {header.signed_on or blank}"


def _fill(text: str, hanging: int = 0) -> str:
    return fill(text, _WIDTH, subsequent_indent=" " * hanging, break_long_words=False, break_on_hyphens=False)
