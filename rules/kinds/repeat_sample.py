"""Kind `repeat_sample`: an abnormal result that another rule told of, and of which no repeat has come in time.

A repeat is a result of the same test, or of a group of tests, of a sample certainly taken later than the abnormal one.
It is asked for by each result of an episode: what is repeated and stays abnormal is to be repeated again. What dates
leave open is in time, or not evaluable, never overdue. It must not know what makes a result abnormal: the rules that it
follows do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from rules.ctcae.grade import Ungraded
from rules.ctcae.identity import lab_tests
from rules.exposure import left_study
from rules.graded import GradedFinding
from rules.hit import AbnormalResult, Answer, Due, Judgement, Urgency
from rules.kinds.expected_sample import are_known
from rules.kinds.lab_samples import evidence_of, sample_words
from rules.qualitative import read_word
from rules.records import Participant

if TYPE_CHECKING:
    from rules.context import Context
    from rules.rulebook import Rule


class When(BaseModel):
    """The rules whose hits ask for a repeat, of what, and how long is waited for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: Annotated[tuple[str, ...], Field(min_length=1)]
    tests: Annotated[tuple[str, ...], AfterValidator(are_known)] = ()  # repeated together; else the abnormal one
    min_grade: Annotated[int, Field(ge=1, le=4)] | None = None  # by CTCAE; milder results ask for none
    within_hours: Annotated[int, Field(ge=1)]
    entry_grace_days: Annotated[int, Field(ge=0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """A repeat that is asked for; results of one sample ask for it together."""

    rules: tuple[str, ...]
    tests: tuple[str, ...]
    after: tuple[GradedFinding, ...]  # the abnormal results
    certain: bool  # whether a grade is certainly as high as asked

    def deadline(self, when: When, context: "Context") -> datetime | None:
        """Return until when, study-local, the repeat may be drawn at the latest; None where nobody can tell."""
        taken = self.after[0].adt
        if taken is None:
            return None
        return context.local(context.instant(taken.latest) + timedelta(hours=when.within_hours))


class Came(IntEnum):
    """Whether a test was repeated, the best first."""

    IN_TIME = 0
    OPEN = 1  # a result that may be the repeat: its date does not tell, or nobody can read or grade it
    LATE = 2
    NEVER = 3


def judge(rule: "Rule", when: When, participant: Participant, context: "Context") -> Iterator[Judgement | Due]:
    """Answer for each repeat whose time is over, and name the moments at which others become overdue."""
    labs, left = context.findings(participant), left_study(participant)
    doubts: dict[tuple[str, ...], list[tuple[Repeat, str]]] = {}
    for repeat in repeats(when, participant, context):
        deadline = repeat.deadline(when, context)
        if deadline is None:
            doubts.setdefault(repeat.tests, []).append((repeat, str(Ungraded.NO_DAY)))
            continue
        if left is not None and deadline.date() >= left.latest:
            continue
        entered_by = deadline + timedelta(days=when.entry_grace_days)
        if context.now < context.instant(entered_by):
            yield Due(context.instant(entered_by))
            continue
        came = {test: came_of(test, repeat, labs, deadline, context) for test in repeat.tests}
        worst = max(how for how, _ in came.values())
        if worst is Came.NEVER and left is not None and deadline.date() >= left.earliest:
            why = f"whether a repeat was still expected is not known ({left.unclear}), and none has come in time"
            doubts.setdefault(repeat.tests, []).append((repeat, why))
        elif worst > Came.OPEN and repeat.certain:
            yield _hit(rule, participant, repeat, came, deadline, entered_by)
        elif worst > Came.IN_TIME:
            doubts.setdefault(repeat.tests, []).append((repeat, _doubt(repeat, came)))
    for tests, found in doubts.items():
        yield _not_evaluable(rule, participant, tests, found)


def repeats(when: When, participant: Participant, context: "Context") -> Iterator[Repeat]:
    """Yield the repeats that the hits of the named rules ask for; those of one sample and of the same tests are one."""
    by_key = {lab.record.key: lab for lab in context.findings(participant)}
    asked: dict[tuple[tuple[str, ...], str], list[tuple[str, GradedFinding, bool]]] = {}
    for hit in context.hits_of(when.after, participant.usubjid):
        for result, certain in _asking(when, hit.results):
            lab = by_key[result.key]
            tests = when.tests or (lab.test,)
            taken = lab.adt.text if lab.adt is not None else result.key
            asked.setdefault((tests, taken), []).append((hit.rule_id, lab, certain))
    for (tests, _), asking in asked.items():
        yield Repeat(
            rules=tuple(dict.fromkeys(rule_id for rule_id, _, _ in asking)),
            tests=tests,
            after=tuple({lab.record.key: lab for _, lab, _ in asking}.values()),
            certain=any(certain for _, _, certain in asking),
        )


def _asking(when: When, results: Sequence[AbnormalResult]) -> Iterator[tuple[AbnormalResult, bool]]:
    """Yield the results of an episode that ask for a repeat, and whether they certainly do."""
    least = when.min_grade or 0
    for result in results:
        if result.highest >= least:
            yield result, result.lowest >= least


def came_of(
    test: str, repeat: Repeat, labs: Sequence[GradedFinding], deadline: datetime, context: "Context"
) -> tuple[Came, GradedFinding | None]:
    """Say whether a test was repeated by a deadline, and by which result."""
    best: tuple[Came, GradedFinding | None] = Came.NEVER, None
    for lab in _others(test, repeat, labs):
        how = _how(lab, repeat.after[0], deadline, context)
        if how < best[0]:
            best = how, lab
    return best


def _others(test: str, repeat: Repeat, labs: Sequence[GradedFinding]) -> list[GradedFinding]:
    """Return the results of a test but for that of the abnormal sample."""
    first = repeat.after[0]
    own = {lab.record.key for lab in repeat.after}
    others = [lab for lab in labs if lab.test == test and lab.fault is not Ungraded.NO_RESULT]
    if not any(lab.record.key in own for lab in others):
        own |= {lab.record.key for lab in [lab for lab in others if lab.adt == first.adt][:1]}
    return [lab for lab in others if lab.record.key not in own]


def _how(lab: GradedFinding, abnormal: GradedFinding, deadline: datetime, context: "Context") -> Came:
    """Say how far a result is a repeat of an abnormal one: none that was known before the abnormal one was taken is."""
    taken, before, known = lab.adt, abnormal.adt, lab.record.known_at
    if before is not None and known is not None and known < context.instant(before.earliest):
        return Came.NEVER
    if taken is None or before is None:
        return Came.OPEN
    if taken.latest <= before.earliest or (taken == before and taken.has_time):
        return Came.NEVER
    gradable = not {lab.low.ungraded, lab.high.ungraded} & {Ungraded.NO_UNIT, Ungraded.UNKNOWN_UNIT}
    readable = (lab.value is not None and gradable) or read_word(lab.result) is not None
    if taken.earliest > deadline:
        return Came.LATE if readable else Came.NEVER
    return Came.IN_TIME if readable and taken.earliest > before.latest else Came.OPEN


def names_of(tests: Sequence[str]) -> str:
    """Name some tests, as "ALT, AST"."""
    return ", ".join(lab_tests()[test].name for test in tests)


def _after(repeat: Repeat) -> str:
    """Name the abnormal results and the rules that told of them."""
    return f"after {'; '.join(sample_words(lab) for lab in repeat.after)} ({', '.join(repeat.rules)})"


def _hit(
    rule: "Rule",
    participant: Participant,
    repeat: Repeat,
    came: dict[str, tuple[Came, GradedFinding | None]],
    deadline: datetime,
    entered_by: datetime,
) -> Judgement:
    """Tell a repeat that is overdue, or one that came too late as recovered."""
    missing = [test for test, (how, _) in came.items() if how > Came.OPEN]
    late = [lab for how, lab in came.values() if how is Came.LATE and lab is not None]
    done = all(how in (Came.IN_TIME, Came.LATE) for how, _ in came.values())
    by = f"{deadline:%Y-%m-%d %H:%M}"
    reason = f"due by {by} study time; no result of a sample by then, waited for until {entered_by:%Y-%m-%d %H:%M}"
    recovery = f"repeated late, due by {by}: {'; '.join(sample_words(lab) for lab in late)}" if done else ""
    return Judgement(
        rule_id=rule.id,
        usubjid=participant.usubjid,
        scope="/".join(repeat.tests),
        anchors=frozenset(lab.record.key for lab in repeat.after),
        answer=Answer.HIT,
        summary=f"{rule.title}: {names_of(missing)}, {_after(repeat)}",
        reason=reason,
        urgency=Urgency.ROUTINE if done else rule.urgency,  # which matters only where no look saw it overdue
        consequence=rule.consequence,
        at=repeat.after[0].adt,
        recovery=recovery,
        evidence=evidence_of([*repeat.after, *late]),
    )


def _doubt(repeat: Repeat, came: dict[str, tuple[Came, GradedFinding | None]]) -> str:
    """Say why it is not known whether a repeat was asked for, or came."""
    if not repeat.certain:
        return "whether its grade asks for a repeat is not known, and none has come in time"
    open_ = [lab for how, lab in came.values() if how is Came.OPEN and lab is not None]
    return f"whether it was repeated is not known: {'; '.join(sample_words(lab) for lab in open_)}"


def _not_evaluable(
    rule: "Rule", participant: Participant, tests: Sequence[str], found: Sequence[tuple[Repeat, str]]
) -> Judgement:
    """Say once per group of tests of which repeats nobody can tell, and why."""
    labs = [lab for repeat, _ in found for lab in repeat.after]
    return Judgement(
        rule_id=rule.id,
        usubjid=participant.usubjid,
        scope="/".join(tests),
        anchors=frozenset(lab.record.key for lab in labs),
        answer=Answer.NOT_EVALUABLE,
        summary=f"{rule.title}: cannot be evaluated: {names_of(tests)}",
        reason="; ".join(f"{_after(repeat)}: {why}" for repeat, why in found),
        urgency=rule.urgency,
        consequence=rule.consequence,
        evidence=evidence_of(labs),
    )


def describe(when: When) -> str:
    """Say the criterion in words."""
    what = f"one of {names_of(when.tests)}" if when.tests else "the test"
    grade = f" of grade {when.min_grade} or worse" if when.min_grade is not None else ""
    days = f"{when.entry_grace_days} day{'' if when.entry_grace_days == 1 else 's'}"
    return (
        f"After a result{grade} with which a rule was met ({', '.join(when.after)}), {what} was not repeated: no "
        f"result has come of a later sample, taken within {when.within_hours} hours and entered within {days} after "
        "that. Each such result asks for it, a repeat that is abnormal itself too. Without a time of day "
        "the hours count from the end of its day, and a repeat counts from the day after. A repeat that came too late "
        "is told as such. None is expected of who has died, withdrawn consent or been lost before it was due; where no "
        "date tells whether somebody was, it cannot be evaluated. What a named rule cannot evaluate, that rule tells."
    )
