"""Kind `value_limit`: a result at an absolute limit, out of its range, of a grade, or changed too far or too fast.

Every sample after the first dose is judged; any one limit that is met is enough. Each test is a concern of its own,
unless one of them is enough: then they are one. What is too high and what is too low are different episodes. One ends
with a sample that meets none of the limits and is as far back as the rule says; else back to the range, or to the
baseline where that lay further out. It must not know thresholds: they are in the rulebook (`rules.kinds.limits`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from rules.exposure import first_dose
from rules.extent import worst_of
from rules.graded import GradedFinding
from rules.hit import Answer, Consequence, Judgement
from rules.kinds.lab_episodes import Judged, episodes, longest_run, recovery_of
from rules.kinds.lab_samples import evidence_of, never_measured, not_evaluable, plain, sample_before, sample_words
from rules.kinds.limit_checks import judge_samples
from rules.kinds.limit_words import describe
from rules.kinds.limits import When
from rules.records import Participant

if TYPE_CHECKING:
    from rules.context import Context
    from rules.rulebook import Rule

__all__ = ["When", "describe", "judge"]


def judge(rule: "Rule", when: When, participant: Participant, context: "Context") -> Iterator[Judgement]:
    """Answer for each episode of each concern; else say what was not told, or could not be evaluated."""
    measured = context.findings(participant)
    dosed = first_dose(participant, context.header.zero_dose) is not None
    for tests in when.concerns:
        concern = _Concern(rule, when, participant.usubjid, tests, context.header.ctcae)
        if _is_expected(when, participant) and (blind := never_measured(rule, participant.usubjid, tests, measured)):
            yield replace(blind, scope=concern.scope)
        labs = [lab for lab in measured if lab.test in tests]
        sides = [_judged(when, labs, dosed=dosed, low=low) for low in when.sides]
        yield from concern.answers(_judged(when, labs, dosed=dosed), sides, labs)


def _judged(when: When, labs: Sequence[GradedFinding], *, dosed: bool, low: bool | None = None) -> list[Judged]:
    """Judge the samples of a concern, each among those of its own test, and keep their order."""
    judged = {
        id(sample.lab): sample
        for test in dict.fromkeys(lab.test for lab in labs)
        for sample in judge_samples(when, [lab for lab in labs if lab.test == test], dosed=dosed, low=low)
    }
    return [judged[id(lab)] for lab in labs if id(lab) in judged]


def _is_expected(when: When, participant: Participant) -> bool:
    """Whether the tests should be there; of a participant of unknown sex they should."""
    sex = participant.subject.sex.strip().upper() if participant.subject is not None else ""
    return when.expected_of is None or sex not in ("F", "M") or sex == when.expected_of


@dataclass(frozen=True, slots=True)
class _Concern:
    """Puts answers about one concern of one participant into words: a test, or several of which one is enough."""

    rule: "Rule"
    when: When
    usubjid: str
    tests: Sequence[str]
    ctcae: str

    @property
    def scope(self) -> str:
        """The concern, named by its tests."""
        return "/".join(self.tests)

    def answers(
        self, samples: Sequence[Judged], sides: Iterable[Sequence[Judged]], labs: Sequence[GradedFinding]
    ) -> Iterator[Judgement]:
        """Answer for each episode of each side; else say what was not told, or could not be evaluated."""
        hits = [
            replace(self._hit(labs, episode), recovery=recovery_of(side, episode))
            for side in sides
            for episode in episodes(side)
            if self._is_confirmed(samples, episode)
        ]
        yield from hits
        may_hold = self.when.hold_at_least is not None
        unknown = not_evaluable(self.rule, self.usubjid, self.scope, samples, may_hold=may_hold)
        if unknown is not None:
            yield unknown
        elif not hits:
            yield from self._clear(samples)

    def _is_confirmed(self, samples: Sequence[Judged], episode: Sequence[Judged]) -> bool:
        """Whether an episode is told: a hold in it, or enough samples of one test in a row, out on either side."""
        if any(sample.severe for sample in episode):
            return True
        by_test = ([sample for sample in samples if sample.lab.test == test] for test in self.tests)
        runs = (longest_run(of_test, episode, [s for s in of_test if s.hit]) for of_test in by_test)
        return max(runs) >= self.when.confirm_samples

    def _hit(self, labs: Sequence[GradedFinding], episode: Sequence[Judged]) -> Judgement:
        """Tell one episode by its worst sample, and by the worst of each other test in it."""
        worst, *others = self._worst(episode)
        previous = sample_before([lab for lab in labs if lab.test == worst.lab.test], worst.lab)
        hold = Consequence.HOLD if any(sample.hold for sample in episode) else Consequence.WATCH
        grades = [sample.grade for sample in episode if sample.grade is not None]
        latest = episode[-1] if not any(episode[-1] is sample for sample in (worst, *others)) else None
        also = "".join(f"; {sample_words(other.lab)}" for other in others)
        return Judgement(
            rule_id=self.rule.id,
            usubjid=self.usubjid,
            scope=self.scope,
            anchors=frozenset(sample.lab.record.key for sample in episode),
            extent=worst_of(extent for sample in episode for extent in sample.extent),
            results=tuple(sample.result for sample in episode),
            answer=Answer.HIT,
            summary=f"{_summary(self.when, worst, latest)}{also}",
            reason="; ".join(dict.fromkeys(words for sample in (worst, *episode) for words in sample.because)),
            urgency=self.rule.urgency,
            consequence=max(self.rule.consequence, hold, key=lambda consequence: consequence.rank),
            at=worst.lab.adt,
            grade=max(grades, default=None),
            evidence=evidence_of([worst.start, previous, worst.lab, *(s.lab for s in others), episode[-1].lab]),
            ctcae=self.ctcae,
        )

    def _worst(self, episode: Sequence[Judged]) -> list[Judged]:
        """Return the worst sample of each test on each side: of the worst grade first, then as the rule names them."""
        worst: dict[tuple[object, ...], tuple[int, Decimal, Judged]] = {}
        for sample in episode:
            for extent in sample.extent:
                found = (sample.grade or 0, extent.out, sample)
                if extent.of not in worst or found[:2] > worst[extent.of][:2]:
                    worst[extent.of] = found
        distinct = {id(sample): sample for *_, sample in worst.values()}.values()
        return sorted(distinct, key=lambda sample: (-(sample.grade or 0), self.tests.index(sample.lab.test)))

    def _clear(self, samples: Sequence[Judged]) -> Iterator[Judgement]:
        """Write down a result at a limit that is not told: the baseline met it already, or it was not confirmed."""
        silent = self._worst([s for s in samples if s.hit]) or self._worst([s for s in samples if s.history])
        if not silent:
            return
        worst = silent[0]
        if worst.hit:
            reason = (
                f"{', '.join(worst.because)}, and the rule asks for {self.when.confirm_samples} such samples in a row"
            )
        else:
            reason = f"{', '.join(worst.history)}, as the baseline was, and not changed enough from it"
        yield Judgement(
            rule_id=self.rule.id,
            usubjid=self.usubjid,
            scope=self.scope,
            anchors=frozenset({worst.lab.record.key}),
            answer=Answer.CLEAR,
            summary=_summary(self.when, worst),
            reason=f"{worst.lab.name}: {reason}",
            urgency=self.rule.urgency,
            told=False,
            evidence=evidence_of([worst.start, worst.lab]),
            ctcae=self.ctcae,
        )


def _summary(when: When, sample: Judged, latest: Judged | None = None) -> str:
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
        parts.append(f"baseline {start.result}" if when.positive and start is not None else worst.no_baseline)
    if latest is not None:
        parts.append(f"latest {latest.lab.result} on {latest.lab.adt}")
    return f"{sample_words(worst)}: {', '.join(parts)}"
