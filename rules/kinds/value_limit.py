"""Kind `value_limit`: a result at an absolute limit, above a multiple of ULN or of the baseline, or risen within hours.

Every sample after the first dose is judged; any one limit that is met is enough. An episode ends with a sample that
meets none of them and is back to the upper limit of normal, or to the baseline where that was higher. It must not know
thresholds: they are in the rulebook.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from rules.ctcae.identity import lab_tests
from rules.graded import GradedFinding
from rules.hit import Answer, Consequence, Judgement
from rules.kinds.lab_episodes import (
    Judged,
    baseline_of,
    episodes,
    evidence_of,
    never_measured,
    not_evaluable,
    passes,
    plain,
    recovery_of,
    sample_before,
    sample_words,
)
from rules.kinds.lab_rise import When, judge_samples
from rules.records import Participant

if TYPE_CHECKING:
    from rules.context import Context
    from rules.rulebook import Rule


def judge(rule: "Rule", when: When, participant: Participant, context: "Context") -> Iterator[Judgement]:
    """Answer for each test and episode; else say what was not told, or could not be evaluated."""
    measured = context.findings(participant)
    for test in when.tests:
        labs = [lab for lab in measured if lab.test == test]
        if not labs and (blind := never_measured(rule, participant.usubjid, test, measured)):
            yield blind
        samples = judge_samples(when, labs)
        hits = episodes(samples)
        for episode in hits:
            told = _hit(rule, participant.usubjid, labs, episode, context.header.ctcae)
            yield replace(told, recovery=recovery_of(samples, episode))
        unknown = not_evaluable(rule, participant.usubjid, test, samples)
        if unknown is not None:
            yield unknown
        elif not hits:
            yield from _clear(rule, when, participant.usubjid, labs, samples, context.header.ctcae)


def _hit(rule: "Rule", usubjid: str, labs: Sequence[GradedFinding], episode: Sequence[Judged], ctcae: str) -> Judgement:
    """Tell one episode by its highest sample."""
    worst = max(episode, key=lambda s: (s.grade or 0, s.lab.value or Decimal(0)))
    previous = sample_before(labs, worst.lab)
    hold = Consequence.HOLD if any(sample.hold for sample in episode) else Consequence.WATCH
    grades = [sample.grade for sample in episode if sample.grade is not None]
    return Judgement(
        rule_id=rule.id,
        usubjid=usubjid,
        scope=worst.lab.test,
        anchors=frozenset(sample.lab.record.key for sample in episode),
        answer=Answer.HIT,
        summary=_summary(worst.lab, episode),
        reason="; ".join(dict.fromkeys(words for sample in (worst, *episode) for words in sample.because)),
        urgency=rule.urgency,
        consequence=max(rule.consequence, hold, key=lambda consequence: consequence.rank),
        at=worst.lab.adt,
        grade=max(grades, default=None),
        evidence=evidence_of([baseline_of(labs, worst.lab), previous, worst.lab, episode[-1].lab]),
        ctcae=ctcae,
    )


def _summary(worst: GradedFinding, episode: Sequence[Judged]) -> str:
    """Tell an episode in one sentence, such as "ALT 260 U/L on 2014-03-21: 5.78 x ULN, baseline 30"."""
    parts = []
    if worst.value is not None and worst.uln:
        parts.append(f"{worst.censor}{worst.value / worst.uln:.2f} x ULN")
    parts.append(f"baseline {plain(worst.base)}" if worst.base is not None else "no usable baseline")
    if episode[-1].lab is not worst:
        parts.append(f"latest {episode[-1].lab.result} on {episode[-1].lab.adt}")
    return f"{sample_words(worst, '')}: {', '.join(parts)}"


def _clear(
    rule: "Rule", when: When, usubjid: str, labs: Sequence[GradedFinding], samples: Sequence[Judged], ctcae: str
) -> Iterator[Judgement]:
    """Write down a result above the limit that is not told because the baseline was above it already."""
    limit = when.above_uln
    if limit is None:
        return
    over = [sample.lab for sample in samples if passes(sample.lab, limit, sample.lab.uln)]
    if not over:
        return
    worst = max(over, key=lambda lab: lab.value or Decimal(0))
    yield Judgement(
        rule_id=rule.id,
        usubjid=usubjid,
        scope=worst.test,
        anchors=frozenset({worst.record.key}),
        answer=Answer.CLEAR,
        summary=_summary(worst, [Judged(lab=worst, hit=False)]),
        reason=f"{worst.name}: above {limit} x ULN, as the baseline was, and not risen enough from it",
        urgency=rule.urgency,
        told=False,
        evidence=evidence_of([baseline_of(labs, worst), worst]),
        ctcae=ctcae,
    )


def describe(when: When) -> str:
    """Say the criterion in words."""
    limits = []
    if when.at_least is not None:
        limits.append(f"at least {when.at_least}")
    if when.above_uln is not None:
        limits.append(f"more than {when.above_uln} times the upper limit of normal")
    if when.times_baseline is not None:
        limits.append(f"at least {when.times_baseline} times the baseline")
    if when.rise is not None:
        limits.append(f"a rise of at least {when.rise.by} within {when.rise.hours} hours")
    names = " or ".join(lab_tests()[test].name for test in when.tests)
    words = f"After the first dose, {names}: {', or '.join(limits)}."
    if when.hold_at_least is not None:
        words += f" From {when.hold_at_least} on: hold."
    if when.when_baseline_above_uln is not None:
        high = when.when_baseline_above_uln
        words += (
            f" Where the baseline was above the upper limit, also: more than {high.times_baseline} times the baseline "
            f"and more than {high.times_uln} times the upper limit; where it was itself above {when.above_uln} times "
            f"the upper limit, only this."
        )
    return words
