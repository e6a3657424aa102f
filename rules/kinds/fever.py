"""Kind `fever`: a temperature that no dose explains, or that does not settle after one; and few neutrophils with it.

An episode ends with a reading that has settled. It must not know thresholds: they are in the rulebook.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from rules.exposure import was_given
from rules.extent import extent_of, worse_by, worst_of
from rules.graded import GradedFinding
from rules.hit import Answer, Due, Evidence, Judgement, Urgency
from rules.kinds.febrile_neutropenia import in_words, judge_neutropenia
from rules.kinds.fever_limits import NEUTROPHILS, TEMPERATURE, JudgedReading, When, judge_temperatures
from rules.kinds.lab_episodes import episodes, recovery_of
from rules.kinds.lab_samples import evidence_of, never_measured, not_evaluable, sample_words
from rules.records import Dose, Participant
from rules.units import convert

if TYPE_CHECKING:
    from rules.context import Context
    from rules.rulebook import Rule

EXPECTED = f"{TEMPERATURE}/EXPECTED"
"""The scope of what is only written down, so that it stands beside whatever is told."""


def judge(rule: "Rule", when: When, participant: Participant, context: "Context") -> Iterator[Judgement | Due]:
    """Answer for each episode; say which fevers were expected, and which cannot be judged."""
    measured = context.findings(participant)
    labs = [lab for lab in measured if lab.test == TEMPERATURE]
    if blind := never_measured(rule, participant.usubjid, [TEMPERATURE], measured):
        yield blind
    doses = sorted(
        (dose for dose in participant.doses if was_given(dose, context.header.zero_dose)),
        key=lambda dose: (dose.stdtc is not None, dose.stdtc and dose.stdtc.earliest, dose.key),
    )
    readings = judge_temperatures(when, labs, doses, context.local_now)
    samples = [reading.judged for reading in readings]
    by_sample = {id(reading.judged): reading for reading in readings}
    for episode in episodes(samples):
        told = _hit(
            rule, when, participant.usubjid, [by_sample[id(sample)] for sample in episode], context.header.ctcae
        )
        yield replace(told, recovery=recovery_of(samples, episode))
    if unknown := not_evaluable(rule, participant.usubjid, TEMPERATURE, samples):
        fever = any(reading.judged.unknown and _degrees(when, reading.judged.lab) for reading in readings)
        yield replace(unknown, urgency=Urgency.SAME_DAY) if fever else unknown
    yield from _expected(rule, participant.usubjid, [reading for reading in readings if reading.expected])
    yield from (Due(context.instant(reading.due)) for reading in readings if reading.due is not None)
    if when.neutropenia is not None:
        read = [lab for lab in measured if lab.test != TEMPERATURE or when.plausible.allows(lab)]
        yield from judge_neutropenia(rule, when.neutropenia, participant.usubjid, read, context.header.ctcae)


def _hit(rule: "Rule", when: When, usubjid: str, episode: Sequence[JudgedReading], ctcae: str) -> Judgement:
    """Tell one episode by its highest reading."""
    worst = max(episode, key=lambda reading: _degrees(when, reading.judged.lab))
    lab, latest = worst.judged.lab, episode[-1].judged.lab
    goes_on = f", latest {latest.result} on {latest.adt or 'an unknown date'}" if latest is not lab else ""
    return Judgement(
        rule_id=rule.id,
        usubjid=usubjid,
        scope=TEMPERATURE,
        anchors=frozenset(reading.judged.lab.record.key for reading in episode),
        extent=worst_of(extent_of(reading.judged.lab) for reading in episode),
        answer=Answer.HIT,
        summary=f"{sample_words(lab)}: {'; '.join(worst.judged.because)}{goes_on}",
        reason="; ".join(dict.fromkeys(why for reading in (worst, *episode) for why in reading.judged.because)),
        urgency=rule.urgency,
        consequence=rule.consequence,
        at=lab.adt,
        grade=max(reading.judged.lab.high.lowest for reading in episode) or None,
        evidence=(*evidence_of([lab, worst.later, latest]), *_dose_evidence(worst.dose)),
        ctcae=ctcae,
    )


def _expected(rule: "Rule", usubjid: str, readings: Sequence[JudgedReading]) -> Iterator[Judgement]:
    """Write down fevers that a dose explains, by the newest."""
    if not readings:
        return
    newest = readings[-1]
    yield Judgement(
        rule_id=rule.id,
        usubjid=usubjid,
        scope=EXPECTED,
        anchors=frozenset(reading.judged.lab.record.key for reading in readings),
        answer=Answer.CLEAR,
        summary=f"Expected fever: {sample_words(newest.judged.lab)}",
        reason=f"{sample_words(newest.judged.lab)}: {newest.expected}",
        urgency=rule.urgency,
        told=False,
        at=newest.judged.lab.adt,
        evidence=(*evidence_of([newest.judged.lab, newest.later]), *_dose_evidence(newest.dose)),
    )


def _degrees(when: When, lab: GradedFinding) -> Decimal:
    """Return a temperature in the unit of the limit, 0 where it is not known."""
    known = convert(TEMPERATURE, lab.value, lab.unit, when.at_least.unit) if lab.value is not None else None
    return known or Decimal(0)


def _dose_evidence(dose: Dose | None) -> tuple[Evidence, ...]:
    """Name the dose that was looked at: whether and when, never what or how much."""
    if dose is None:
        return ()
    prefix = dose.domain.lower()
    values = tuple((f"{prefix}{name}", str(value)) for name in ("occur", "stdtc") if (value := getattr(dose, name)))
    return (Evidence(domain=dose.domain, key=dose.key, version=dose.version, values=values),)


def describe(when: When) -> str:
    """Say the criterion in words."""
    words = (
        f"After the first dose, a temperature of at least {when.at_least} with no dose less than "
        f"{when.expected_hours} hours before, or after a dose and not settled (below {when.settled_below}) "
        f"{when.expected_hours} hours after it. One that settles is written down as expected; only a reading of the "
        f"{when.settled_slack_hours} hours after those, or earlier, shows that. Where dates without times "
        f"cannot tell, it is told; where no dose has a date, or nothing shows that a fever settled, that is told. "
        f"So is a reading outside {when.plausible}, which shows nothing. An episode ends with a reading below "
        f"{when.settled_below}; it is told again where it is worse than told by {worse_by(TEMPERATURE)}."
    )
    if when.neutropenia is not None:
        limits = when.neutropenia
        words += f" Also, whatever the doses, {in_words(limits)}: {limits.urgency}, {limits.consequence}."
        words += " Pairs that share a result are one episode."
        words += f" That is told again where the neutrophils are worse than told by {worse_by(NEUTROPHILS)}, too."
    return words
