"""Kind `value_limit`: a result at an absolute limit, out of its range, of a grade, or changed too far or too fast.

Every sample after the first dose is judged; any one limit that is met is enough. An episode ends with a sample that
meets none of them and is as far back as the rule says; else back to the range, or to the baseline where that lay
further out. It must not know thresholds: they are in the rulebook (`rules.kinds.limits`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from rules.exposure import first_dose
from rules.graded import GradedFinding
from rules.hit import Answer, Consequence, Judgement
from rules.kinds.lab_episodes import (
    Judged,
    episodes,
    evidence_of,
    longest_run,
    never_measured,
    not_evaluable,
    plain,
    recovery_of,
    sample_before,
    sample_words,
)
from rules.kinds.limit_checks import judge_samples
from rules.kinds.limits import When, describe
from rules.qualitative import read_word
from rules.records import Participant

if TYPE_CHECKING:
    from rules.context import Context
    from rules.rulebook import Rule

__all__ = ["When", "describe", "judge"]


def judge(rule: "Rule", when: When, participant: Participant, context: "Context") -> Iterator[Judgement]:
    """Answer for each test and episode; else say what was not told, or could not be evaluated."""
    measured = context.findings(participant)
    dosed = first_dose(participant, context.header.zero_dose) is not None
    for test in when.tests:
        labs = [lab for lab in measured if lab.test == test]
        if missed := _missed(when, test, participant):
            blind = never_measured(rule, participant.usubjid, missed, measured)
            yield from [blind] if blind is not None else []
        samples = judge_samples(when, labs, dosed=dosed)
        hits = [episode for episode in episodes(samples) if _is_confirmed(when, samples, episode)]
        for episode in hits:
            told = _hit(rule, when, participant.usubjid, labs, episode, context.header.ctcae)
            yield replace(told, recovery=recovery_of(samples, episode))
        unknown = not_evaluable(rule, participant.usubjid, test, samples, may_hold=when.hold_at_least is not None)
        if unknown is not None:
            yield unknown
        elif not hits:
            yield from _clear(rule, when, participant.usubjid, samples, context.header.ctcae)


def _missed(when: When, test: str, participant: Participant) -> Sequence[str]:
    """Return the tests of which one should be there in place of this one; of a participant of unknown sex it should."""
    sex = participant.subject.sex.strip().upper() if participant.subject is not None else ""
    if when.expected_of is not None and sex in ("F", "M") and sex != when.expected_of:
        return ()
    if when.either:
        return when.tests if test == when.tests[0] else ()
    return (test,)


def _is_confirmed(when: When, samples: Sequence[Judged], episode: Sequence[Judged]) -> bool:
    """Whether an episode is told: a hold in it, or enough samples in a row."""
    return any(sample.severe for sample in episode) or longest_run(samples, episode) >= when.confirm_samples


def _hit(
    rule: "Rule",
    when: When,
    usubjid: str,
    labs: Sequence[GradedFinding],
    episode: Sequence[Judged],
    ctcae: str,
) -> Judgement:
    """Tell one episode by its worst sample."""
    worst = max(episode, key=lambda s: (s.grade or 0, _extremity(when, s.lab)))
    previous = sample_before(labs, worst.lab)
    hold = Consequence.HOLD if any(sample.hold for sample in episode) else Consequence.WATCH
    grades = [sample.grade for sample in episode if sample.grade is not None]
    return Judgement(
        rule_id=rule.id,
        usubjid=usubjid,
        scope=worst.lab.test,
        anchors=frozenset(sample.lab.record.key for sample in episode),
        answer=Answer.HIT,
        summary=_summary(when, worst, episode),
        reason="; ".join(dict.fromkeys(words for sample in (worst, *episode) for words in sample.because)),
        urgency=rule.urgency,
        consequence=max(rule.consequence, hold, key=lambda consequence: consequence.rank),
        at=worst.lab.adt,
        grade=max(grades, default=None),
        evidence=evidence_of([worst.start, previous, worst.lab, episode[-1].lab]),
        ctcae=ctcae,
    )


def _extremity(when: When, lab: GradedFinding) -> Decimal:
    """Say how far out a result is, to compare it with others of its test: by its number, or by its range both ways."""
    if when.positive is not None and (word := read_word(lab.result)) is not None:
        return Decimal(word.lowest)
    value = lab.value or Decimal(0)
    if when.looks_up and when.looks_down and lab.lln is not None and value < lab.lln:
        return lab.lln / value if value else Decimal("Infinity")
    if when.looks_up and when.looks_down and lab.uln:
        return value / lab.uln
    return value if when.looks_up else -value


def _summary(when: When, sample: Judged, episode: Sequence[Judged]) -> str:
    """Tell an episode in one sentence, such as "ALT 260 U/L on 2014-03-21: 5.78 x ULN, baseline 30"."""
    parts = []
    worst, start = sample.lab, sample.start
    low = when.looks_down and (not when.looks_up or (worst.lln is not None and (worst.value or 0) < worst.lln))
    name, end = ("LLN", worst.lln) if low else ("ULN", worst.uln)
    if worst.value is not None and end:
        parts.append(f"{worst.censor}{worst.value / end:.2f} x {name}")
    if worst.base is not None:
        parts.append(f"baseline {plain(worst.base)}")
    else:
        parts.append(f"baseline {start.result}" if when.positive and start is not None else "no usable baseline")
    if episode[-1].lab is not worst:
        parts.append(f"latest {episode[-1].lab.result} on {episode[-1].lab.adt}")
    return f"{sample_words(worst, '')}: {', '.join(parts)}"


def _clear(rule: "Rule", when: When, usubjid: str, samples: Sequence[Judged], ctcae: str) -> Iterator[Judgement]:
    """Write down a result at a limit that is not told: the baseline met it already, or it was not confirmed."""
    silent = [sample for sample in samples if sample.hit or sample.history]
    if not silent:
        return
    worst = max(silent, key=lambda sample: (sample.hit, _extremity(when, sample.lab)))
    if worst.hit:
        reason = f"{', '.join(worst.because)}, and the rule asks for {when.confirm_samples} such samples in a row"
    else:
        reason = f"{', '.join(worst.history)}, as the baseline was, and not changed enough from it"
    yield Judgement(
        rule_id=rule.id,
        usubjid=usubjid,
        scope=worst.lab.test,
        anchors=frozenset({worst.lab.record.key}),
        answer=Answer.CLEAR,
        summary=_summary(when, worst, [worst]),
        reason=f"{worst.lab.name}: {reason}",
        urgency=rule.urgency,
        told=False,
        evidence=evidence_of([worst.start, worst.lab]),
        ctcae=ctcae,
    )
