"""How the lab kinds tell samples: in words, as evidence, and what they say of those that nobody can evaluate.

It knows graded labs and judged samples. It must not know a criterion.
"""

from collections.abc import Iterable, Sequence
from decimal import Context, Decimal
from typing import TYPE_CHECKING

from rules.ctcae.grade import Ungraded
from rules.ctcae.identity import lab_tests
from rules.finding_reading import FindingReading
from rules.graded import GradedFinding, read_finding
from rules.hit import Answer, Consequence, Evidence, Judgement, Urgency
from rules.kinds.lab_episodes import Judged
from rules.records import Finding

if TYPE_CHECKING:
    from rules.rulebook import Rule


def baseline_of(labs: Sequence[GradedFinding], lab: GradedFinding) -> GradedFinding | None:
    """Return the baseline sample of a given one."""
    return next((o for o in labs if lab.baseline is not None and o.record.key == lab.baseline.key), None)


def sample_before(labs: Sequence[GradedFinding], lab: GradedFinding) -> GradedFinding | None:
    """Return the last sample with a number before a given one."""
    earlier = labs[: next(i for i, other in enumerate(labs) if other is lab)]
    return next((other for other in reversed(earlier) if other.value is not None), None)


def sample_words(lab: GradedFinding, grade: str = "") -> str:
    """Tell one sample, as "Platelets 38 10^9/L on 2014-03-21: grade 3"."""
    what = f"{lab.name} {lab.result} {lab.reported_unit}".strip()
    return f"{what} on {lab.adt if lab.adt is not None else 'an unknown date'}{f': {grade}' if grade else ''}"


def evidence_of(labs: Iterable[GradedFinding | None]) -> tuple[Evidence, ...]:
    """Return the records of some samples as evidence, each once, in the order given; of a derived one its parts."""
    distinct: dict[tuple[str, str], Evidence] = {}
    for lab in labs:
        if lab is not None and lab.parts:
            found = [_evidence(part, _reported(part, read_finding(part))) for part in lab.parts]
        else:
            found = [] if lab is None else [_evidence(lab.record, _values(lab))]
        for evidence in found:
            distinct.setdefault((evidence.domain, evidence.key), evidence)
    return tuple(distinct.values())


def _evidence(record: Finding, values: Iterable[tuple[str, str]]) -> Evidence:
    """Make evidence of a record, with those of the values that are not blank."""
    used = tuple((name, value) for name, value in values if value)
    return Evidence(domain=record.domain, key=record.key, version=record.version, values=used)


def _reported(record: Finding, read: GradedFinding | FindingReading | None) -> Iterable[tuple[str, str]]:
    """Name what was used of a record as reported, under SDTM names."""
    own = record.domain.lower()
    yield f"{own}testcd", record.testcd
    if read is None or (read.result, read.reported_unit) == (record.orres, record.orresu):
        yield from ((f"{own}orres", record.orres), (f"{own}orresu", record.orresu))
        yield from ((f"{own}ornrlo", record.ornrlo), (f"{own}ornrhi", record.ornrhi))
    else:
        yield from ((f"{own}stresc", read.result), (f"{own}stresu", record.stresu))
        yield from ((f"{own}stnrlo", record.stnrlo), (f"{own}stnrhi", record.stnrhi))
    yield f"{own}spec", record.spec
    yield f"{own}dtc", str(record.dtc or "")
    yield "visit", record.visit
    yield f"{own}spccnd", record.spccnd


def _values(lab: GradedFinding) -> Iterable[tuple[str, str]]:
    """Name what was used of a sample, under SDTM and ADaM names."""
    yield from _reported(lab.record, lab)
    yield "atoxgrl", "" if lab.low.grade is None else str(lab.low.grade)
    yield "atoxgrh", "" if lab.high.grade is None else str(lab.high.grade)
    if lab.base is not None and lab.after_baseline:
        yield "base", plain(lab.base)
        if lab.value is not None and not lab.censor:
            yield "chg", plain(lab.value - lab.base)
            if lab.base:
                yield "pchg", f"{(lab.value - lab.base) * 100 / lab.base:.1f}"


def plain(number: Decimal, digits: int = 15) -> str:
    """Print a number of so many significant digits without exponent and without padding."""
    text = f"{Context(prec=digits).plus(number):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def whole(percent: Decimal | None) -> str:
    """Print a percentage as a whole number, cut and not rounded, so that it never says more than was found."""
    return str(int(percent or 0))


def never_measured(
    rule: "Rule", usubjid: str, tests: Sequence[str], measured: Sequence[GradedFinding]
) -> Judgement | None:
    """Say that a participant who is or may be dosed has no result of these tests since then, so that the rule is blind.

    A row without a result ("NOT DONE") is none. Silent where nothing of the domain was measured after the first dose,
    or may have been: then it is too early to tell. A temperature says nothing of when blood is drawn.
    """
    domain, name = lab_tests()[tests[0]].domain, lab_tests()[tests[0]].name
    done = [lab for lab in measured if lab.fault is not Ungraded.NO_RESULT and lab.record.domain == domain]
    after = {lab.test for lab in done if not lab.predose}
    if not after or after & set(tests):
        return None
    once = any(lab.test in tests for lab in done)
    since = "after the first dose" if any(lab.predose is False for lab in done) else "that may be after the first dose"
    return Judgement(
        rule_id=rule.id,
        usubjid=usubjid,
        scope=tests[0],
        anchors=frozenset({tests[0]}),
        answer=Answer.NOT_EVALUABLE,
        summary=f"{name}: {'not measured after the first dose' if once else 'never measured'}",
        reason=f"{name}: other tests have results {since}, this one has none{'' if once else ' at all'}",
        urgency=rule.urgency,
        told=False,
    )


def not_evaluable(
    rule: "Rule", usubjid: str, scope: str, samples: Sequence[Judged], *, may_hold: bool = False
) -> Judgement | None:
    """Say once per concern that some samples could not be evaluated, with the newest as evidence.

    It is told, though never at once: a share of participants says nothing about the one whose count is unreadable. Of
    a rule that is told at once, or may ask for a hold or a stop, it is looked at the same day.
    """
    unknown = [sample for sample in samples if sample.unknown]
    if not unknown:
        return None
    reasons: dict[str, set[str]] = {}
    for sample in unknown:
        reasons.setdefault(lab_tests()[sample.lab.test].name, set()).add(sample.unknown)
    return Judgement(
        rule_id=rule.id,
        usubjid=usubjid,
        scope=scope,
        anchors=frozenset(sample.lab.record.key for sample in unknown),
        answer=Answer.NOT_EVALUABLE,
        summary=f"{' and '.join(sorted(reasons))}: some results cannot be evaluated",
        reason="; ".join(f"{name}: {'; '.join(sorted(why))}" for name, why in sorted(reasons.items())),
        urgency=Urgency.SAME_DAY if may_hold or _is_grave(rule) else Urgency.ROUTINE,
        evidence=evidence_of([unknown[-1].lab]),
    )


def _is_grave(rule: "Rule") -> bool:
    """Whether what a rule may have missed does not wait for the daily mail."""
    return rule.urgency is Urgency.IMMEDIATE or rule.consequence is not Consequence.WATCH
