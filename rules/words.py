"""A rulebook in words that a physician can read and sign; the same text for the same book, always.

It knows the book and what each kind says of its own criterion. It must not know how a rule is evaluated.
"""

from collections.abc import Iterator
from textwrap import fill, indent

from rules.ctcae.identity import lab_tests
from rules.derived import Derivable
from rules.rulebook import DosingPlan, Header, Rule, Rulebook

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
    days = ", ".join(str(day) for day in plan.days)
    further = f", and each further one up to {plan.max_cycles} once begun" if plan.most_cycles > plan.cycles else ""
    return (
        f"Doses on days {days} of a cycle of {plan.cycle_days} days, counted from the first dose as day 1. "
        f"{plan.cycles} cycles are expected of everybody{further}. Each dose may be given at most "
        f"{_days(plan.window_days)} before or after its day; a dose of which nothing is recorded when "
        f"{_days(plan.entry_grace_days)} more have passed counts as missed."
        f"{_source(plan.protocol_section, choice=plan.protocol_choice)}"
    )


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
