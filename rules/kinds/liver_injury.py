"""Kind `liver_injury`: ALT or AST and bilirubin above their multiples of ULN within days: potential Hy's law.

Alkaline phosphatase only names the pattern: a cholestatic one is told as well. Two samples that were both taken before
the first dose are history. An episode is every pair of one pattern that shares samples with another. It must not know
thresholds: they are in the rulebook.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from rules.extent import extent_of, worse_by, worst_of
from rules.finding_reading import by_time
from rules.graded import GradedFinding
from rules.hit import AbnormalResult, Answer, Judgement, Urgency
from rules.kinds.comparison import passes
from rules.kinds.lab_samples import baseline_of, evidence_of, never_measured, plain
from rules.kinds.liver_limits import (
    BILIRUBIN,
    TRANSAMINASES,
    LiverSample,
    Pair,
    Pattern,
    When,
    days_apart,
    in_words,
    judge_bilirubin,
    judge_transaminases,
    multiple,
    names_of,
    pairs,
    pattern_of,
    why_open,
)
from rules.kinds.together import clusters
from rules.records import Participant

if TYPE_CHECKING:
    from rules.context import Context
    from rules.rulebook import Rule

SCOPE = "LIVER"
ALONE = "LIVER/ALONE"
"""The scope of what is only written down, so that it stands beside whatever is told."""


def judge(rule: "Rule", when: When, participant: Participant, context: "Context") -> Iterator[Judgement]:
    """Answer for each episode, for ALT and AST alone, and for what cannot be paired."""
    labs = context.findings(participant)
    liver, bile = judge_transaminases(when, labs), judge_bilirubin(when, labs)
    said = _Said(rule, when, participant.usubjid, labs, context.header.ctcae)
    paired = list(pairs(when, liver, bile))
    if not paired and (blind := never_measured(rule, participant.usubjid, TRANSAMINASES, labs)):
        yield blind
    patterns = {pair[0].key: pattern_of(when, pair[0].lab, labs) for pair in paired}
    for cluster in clusters((one.key, other.key) for one, other in paired):
        yield said.hit([pair for pair in paired if pair[0].key in cluster], patterns)
    known = {sample.key for pair in paired for sample in pair}
    single = [sample for sample in (*liver, *bile) if sample.key not in known and not sample.lab.predose]
    open_ = {sample.key: why for sample in single if (why := _why_open(when, sample, liver, bile))}
    if open_:
        yield said.not_evaluable([(sample, open_[sample.key]) for sample in single if sample.key in open_])
    alone = [s for s in single if s.key not in open_ and s.lab.test in TRANSAMINASES and (s.meets or s.as_before)]
    yield from said.alone(alone)


def _why_open(when: When, sample: LiverSample, liver: Sequence[LiverSample], bile: Sequence[LiverSample]) -> str:
    """Say why a sample cannot be paired; an unreadable bilirubin is told with the ALT or AST that asks for it."""
    if sample.meets is False:
        return ""
    if sample.lab.test in TRANSAMINASES:
        return why_open(when, sample, bile, names_of(BILIRUBIN))
    return why_open(when, sample, liver, names_of(*TRANSAMINASES)) if sample.meets else ""


@dataclass(frozen=True, slots=True)
class _Said:
    """Puts answers about one participant into words."""

    rule: "Rule"
    when: When
    usubjid: str
    labs: Sequence[GradedFinding]
    ctcae: str

    def hit(self, episode: Sequence[Pair], patterns: Mapping[str, Pattern]) -> Judgement:
        """Tell one episode by its worst pair: the highest multiple of ALT or AST, then of bilirubin.

        One that is not cholestatic goes before. Where the last pair turned so, what it adds is mailed.
        """
        hepatic = [pair for pair in episode if not patterns[pair[0].key].cholestatic]
        worst = max(hepatic or episode, key=lambda pair: [multiple(sample.lab) for sample in pair])
        liver, bile = (sample.lab for sample in worst)
        pattern = patterns[liver.record.key]
        baseline = self._baseline(liver)
        before = f"baseline {plain(liver.base)}" if liver.base is not None else liver.no_baseline
        samples = [sample.lab for pair in episode for sample in pair]
        return Judgement(
            rule_id=self.rule.id,
            usubjid=self.usubjid,
            scope=SCOPE,
            anchors=frozenset(lab.record.key for lab in samples),
            extent=worst_of(extent_of(lab) for lab in samples),
            results=tuple(_results(episode)),
            each_anchor_is_news=len(hepatic) < len(episode) and max(episode, key=_taken) in hepatic,
            answer=Answer.HIT,
            summary=f"{pattern.name}: {in_words(liver)}, {before}; {in_words(bile)}; {pattern.words}",
            reason=f"{pattern.name}: {_limits(self.when)}; {pattern.words}",
            urgency=self.rule.urgency,
            consequence=self.rule.consequence,
            at=max((lab.adt for lab in (liver, bile) if lab.adt is not None), key=lambda on: on.earliest),
            recovery=self._recovery(samples),
            grade=max(lab.high.lowest for lab in samples),
            evidence=evidence_of([baseline, liver, self._baseline(bile), bile, pattern.alp]),
            ctcae=self.ctcae,
        )

    def not_evaluable(self, told: Sequence[tuple[LiverSample, str]]) -> Judgement:
        """Say which samples cannot be paired, the newest for each reason; a certain one is looked at the same day."""
        newest = {why: sample for sample, why in told}
        words = [f"{in_words(sample.lab)}: {why}" for why, sample in newest.items()]
        certain = any(sample.meets for sample, _ in told)
        return Judgement(
            rule_id=self.rule.id,
            usubjid=self.usubjid,
            scope=SCOPE,
            anchors=frozenset(sample.key for sample, _ in told),
            answer=Answer.NOT_EVALUABLE,
            summary="Potential Hy's law cannot be evaluated",
            reason="; ".join(words),
            urgency=Urgency.SAME_DAY if certain else Urgency.ROUTINE,
            evidence=evidence_of(sample.lab for sample in newest.values()),
            ctcae=self.ctcae,
        )

    def alone(self, samples: Sequence[LiverSample]) -> Iterator[Judgement]:
        """Write down ALT or AST above the limit without bilirubin, or tell it where the rulebook asks for that."""
        tell = self.when.temple == "tell"
        written = [sample for sample in samples if not (tell and sample.meets)]
        if written:
            yield self._alone(written, told=False)
        telling = [sample for sample in samples if tell and sample.meets]
        near = ((a.key, b.key) for a in telling for b in telling if _are_near(self.when, a, b))
        for cluster in clusters(near):
            yield self._alone([sample for sample in telling if sample.key in cluster], told=True)

    def _alone(self, samples: Sequence[LiverSample], *, told: bool) -> Judgement:
        """Put ALT or AST alone into words, by the highest sample."""
        worst = max(samples, key=lambda sample: multiple(sample.lab))
        name = "Raised as at baseline" if worst.as_before else "Temple's corollary"
        why = "not risen enough from a raised baseline" if worst.as_before else "bilirubin measured and not above"
        limit = f"{names_of(*TRANSAMINASES)} {_limit(self.when)}"
        return Judgement(
            rule_id=self.rule.id,
            usubjid=self.usubjid,
            scope=SCOPE if told else ALONE,
            anchors=frozenset(sample.key for sample in samples),
            extent=worst_of(extent_of(sample.lab) for sample in samples),
            results=tuple(_as_result(sample.lab) for sample in samples) if told else (),
            answer=Answer.HIT if told else Answer.CLEAR,
            summary=f"{name}: {in_words(worst.lab)}, {why}",
            reason=f"{name}: {limit}, {why}",
            urgency=self.when.temple_urgency if told else self.rule.urgency,
            told=told,
            at=worst.lab.adt,
            recovery=self._recovery([sample.lab for sample in samples]) if told else "",
            grade=worst.lab.high.lowest,
            evidence=evidence_of([self._baseline(worst.lab), worst.lab]),
            ctcae=self.ctcae,
        )

    def _recovery(self, samples: Sequence[GradedFinding]) -> str:
        """Tell the later results by which every test of the samples is back to ULN at once, '' while there are none."""
        tests = {lab.test for lab in samples}
        after = [lab for test in tests for lab in _after([lab for lab in self.labs if lab.test == test], samples)]
        dated = sorted(((lab.adt.latest, lab) for lab in after if lab.adt is not None), key=itemgetter(0))
        back: dict[str, GradedFinding] = {}
        for _, together in groupby(dated, key=itemgetter(0)):
            for is_back, lab in sorted(((_is_back(lab), lab) for _, lab in together), key=itemgetter(0), reverse=True):
                if is_back:
                    back[lab.test] = lab
                else:
                    back.pop(lab.test, None)
            if len(back) == len(tests):
                return f"recovered: {'; '.join(in_words(back[test]) for test in sorted(tests))}"
        return ""

    def _baseline(self, lab: GradedFinding) -> GradedFinding | None:
        """Return the baseline sample of a given one."""
        return baseline_of(self.labs, lab)


def _results(episode: Sequence[Pair]) -> Iterator[AbnormalResult]:
    """Yield the later result of each pair, each once, in order of time."""
    later = (max((sample.lab for sample in pair), key=_place) for pair in episode)
    yield from map(_as_result, sorted({lab.record.key: lab for lab in later}.values(), key=_place))


def _place(lab: GradedFinding) -> tuple[object, ...]:
    return by_time(lab.record)


def _as_result(lab: GradedFinding) -> AbnormalResult:
    return AbnormalResult(key=lab.record.key, lowest=lab.high.lowest, highest=lab.high.highest)


def _taken(pair: Pair) -> date:
    """Return the day of the ALT or AST of a pair, which names its pattern."""
    taken = pair[0].lab.adt
    return taken.latest.date() if taken is not None else date.min


def _after(own: Sequence[GradedFinding], samples: Sequence[GradedFinding]) -> Sequence[GradedFinding]:
    """Return the results of one test that come after the last of some samples."""
    return own[max(place for place, lab in enumerate(own) if lab in samples) + 1 :]


def _is_back(lab: GradedFinding) -> bool:
    """Whether a result is certainly not above its range."""
    return passes(lab, Decimal(1), lab.uln) is False


def _are_near(when: When, sample: LiverSample, other: LiverSample) -> bool:
    """Whether two samples can have been taken within the days of one another; one without a date is near none."""
    apart = days_apart(sample.lab, other.lab)
    return apart is not None and apart <= when.days


def _limit(when: When) -> str:
    """Say the limit of ALT and AST."""
    risen = f" (and {when.times_high_baseline} x a baseline above ULN)" if when.times_high_baseline else ""
    return f"{'at least' if when.transaminase_or_equal else 'more than'} {when.transaminase_uln} x ULN{risen}"


def _limits(when: When) -> str:
    """Say the two limits that are met."""
    return (
        f"{names_of(*TRANSAMINASES)} {_limit(when)} and {names_of(BILIRUBIN).lower()} more than "
        f"{when.bilirubin_uln} x ULN within {when.days} days"
    )


def describe(when: When) -> str:
    """Say the criterion in words."""
    limit = f"{'at least' if when.transaminase_or_equal else 'more than'} {when.transaminase_uln}"
    words = (
        f"{names_of(*TRANSAMINASES)} {limit} times the upper limit of normal, and bilirubin more than "
        f"{when.bilirubin_uln} times, at most {when.days} days apart in either order, the later one after the first "
        f"dose: potential Hy's law."
    )
    if when.times_high_baseline is not None:
        words += (
            f" Where the baseline of ALT or AST was above the upper limit, only from {when.times_high_baseline} times "
            f"that baseline on; what stays below is written down."
        )
    if when.alp_decides:
        words += (
            f" With alkaline phosphatase of at least {when.alp_uln} times the upper limit within {when.alp_days} days, "
            f"or above it already at baseline, it is told as a cholestatic pattern; without, it is told as unknown."
        )
    else:
        words += f" Alkaline phosphatase of at least {when.alp_uln} times the upper limit is told beside it."
    alone = f"told ({when.temple_urgency})" if when.temple == "tell" else "written down and not told"
    return (
        f"{words} ALT or AST that high with bilirubin measured from that day on and not above is {alone}. Where one of "
        f"the two is that high and the other was not measured from that day on, this is told. Pairs that share a "
        f"result are one episode; it is told again where a result is worse than told by {worse_by(BILIRUBIN)}."
    )
