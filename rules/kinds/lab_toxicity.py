"""Kind `lab_toxicity`: a blood count that fell, judged against the participant's own baseline and by CTCAE grade.

CTCAE has no baseline clause for falling counts, and in this field abnormal baselines are the norm, so the rulebook adds
one (`rules.kinds.lab_fall`). Every sample is judged, so that a nadir between two looks is seen; samples before the
first dose are history. An episode ends with a sample that meets nothing, whose grade is back to 1 or to the baseline's,
and that has the room that the rulebook asks for. This module tells episodes; it must not
know a threshold.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from rules.ctcae.identity import lab_tests
from rules.extent import worse_by, worst_of
from rules.graded import GradedFinding
from rules.hit import Answer, Consequence, Judgement, Urgency
from rules.kinds.fall_limits import MILD, When
from rules.kinds.lab_episodes import Judged, episodes, longest_run, recovery_of
from rules.kinds.lab_fall import grades_of, judge_samples, value_in_unit_of
from rules.kinds.lab_samples import (
    baseline_of,
    evidence_of,
    never_measured,
    not_evaluable,
    plain,
    sample_before,
    sample_words,
)
from rules.records import Participant
from rules.units import convert

if TYPE_CHECKING:
    from rules.context import Context
    from rules.rulebook import Rule


def judge(rule: "Rule", when: When, participant: Participant, context: "Context") -> Iterator[Judgement]:
    """Answer for each episode of falls; else say what was not told, or could not be evaluated."""
    measured = context.findings(participant)
    labs = [lab for lab in measured if lab.test == when.test]
    if blind := never_measured(rule, participant.usubjid, [when.test], measured):
        yield blind
        return
    samples = judge_samples(when, labs, context.header.ctcae)
    hits = [e for e in episodes(samples) if _is_confirmed(when, samples, e)]
    for episode in hits:
        yield _hit(rule, when, participant.usubjid, labs, samples, episode, context.header.ctcae)
    unknown = not_evaluable(rule, participant.usubjid, when.test, samples, may_hold=bool(when.hold))
    if unknown is not None:
        yield unknown
    elif not hits and (reason := _why_silent(when, labs, samples)):
        yield _clear(rule, when, participant.usubjid, labs, samples, reason, context.header.ctcae)


def _is_confirmed(when: When, samples: Sequence[Judged], episode: Sequence[Judged]) -> bool:
    """Whether an episode is told: something severe in it, or enough samples in a row."""
    return any(s.severe for s in episode) or longest_run(samples, episode) >= when.confirm_samples


def _hit(
    rule: "Rule",
    when: When,
    usubjid: str,
    labs: Sequence[GradedFinding],
    samples: Sequence[Judged],
    episode: Sequence[Judged],
    ctcae: str,
) -> Judgement:
    """Tell one episode by its worst sample."""
    worst = max(episode, key=lambda s: (s.grade or 0, -_in_usual_unit(s.lab)))
    previous = sample_before(labs, worst.lab)
    run = longest_run(samples, episode)
    grave = longest_run(samples, [s for s in episode if s.grave])
    confirmed = when.immediate_samples is not None and grave >= when.immediate_samples
    hold = Consequence.HOLD if any(s.hold for s in episode) else Consequence.WATCH
    because = list(worst.because)
    if not worst.hold:
        because.extend(f"on {s.lab.adt}: {', '.join(s.because)}" for s in episode if s.hold)
    if run > 1:
        because.append("confirmed in consecutive samples")
    return Judgement(
        rule_id=rule.id,
        usubjid=usubjid,
        scope=when.test,
        anchors=frozenset(s.lab.record.key for s in episode),
        extent=worst_of(extent for s in episode for extent in s.extent),
        results=tuple(s.result for s in episode),
        answer=Answer.HIT,
        summary=_summary(when, worst.lab, previous, episode),
        reason="; ".join(because),
        urgency=Urgency.IMMEDIATE if confirmed or any(s.at_once for s in episode) else rule.urgency,
        consequence=max(rule.consequence, hold, key=lambda c: c.rank),
        at=worst.lab.adt,
        recovery=recovery_of(samples, episode),
        grade=worst.grade,
        evidence=evidence_of([baseline_of(labs, worst.lab), previous, worst.lab, episode[-1].lab]),
        ctcae=ctcae,
    )


def _in_usual_unit(lab: GradedFinding) -> Decimal:
    """Return a count to compare with others of its test, in the test's usual unit where it converts."""
    value = lab.value or Decimal(0)
    usual = convert(lab.test, value, lab.unit, lab_tests()[lab.test].units[0])
    return value if usual is None else usual


def _summary(when: When, worst: GradedFinding, previous: GradedFinding | None, episode: Sequence[Judged]) -> str:
    """Tell an episode in one sentence, such as "Platelets 38 10^9/L on 2014-03-21: grade 3, baseline 180"."""
    grades = grades_of(when, worst)
    spread = f" to {grades.highest}" if grades.why else ""
    parts = [sample_words(worst, f"grade {grades.lowest}{spread}")]
    parts.append(f"baseline {plain(worst.base)}" if worst.base is not None else worst.no_baseline)
    if previous is not None and previous.record.key != getattr(worst.baseline, "key", None):
        before = value_in_unit_of(worst, previous)
        as_reported = f"{previous.result} {previous.reported_unit}".strip()
        parts.append(f"previous {as_reported if before is None else previous.censor + plain(before)}")
    if pace := _pace(worst, previous):
        parts.append(pace)
    latest = episode[-1].lab
    if latest is not worst:
        parts.append(f"latest {latest.result} on {latest.adt}")
    if worst.record.spccnd:
        parts.append(f"specimen {worst.record.spccnd.lower()}")
    return ", ".join(parts)


def _pace(worst: GradedFinding, previous: GradedFinding | None) -> str:
    """Say by how much a day a count fell since the sample before, where both days are known and differ."""
    before = value_in_unit_of(worst, previous)
    if previous is None or before is None or worst.value is None or worst.censor or previous.censor:
        return ""
    if worst.adt is None or previous.adt is None or not (worst.adt.has_day and previous.adt.has_day):
        return ""
    days = (worst.adt.earliest.date() - previous.adt.earliest.date()).days
    if days < 1 or worst.value >= before:
        return ""
    return f"fell by {plain((before - worst.value) / days, digits=2)} a day since {previous.adt}"


def _why_silent(when: When, labs: Sequence[GradedFinding], samples: Sequence[Judged]) -> str:
    """Say why an abnormal count is not told, '' where nothing is abnormal enough that a reader would ask."""
    if not samples:
        worst = max((grades_of(when, lab).lowest for lab in labs), default=0)
        return f"grade {worst} before the first dose: history" if worst >= when.new_grade else ""
    worst = max(sample.grade or 0 for sample in samples)
    if worst == 0:
        return ""
    if any(sample.hit for sample in samples):
        return f"met in one sample, and the rule asks for {when.confirm_samples} in a row"
    baseline = baseline_of(labs, samples[-1].lab)
    start = grades_of(when, baseline).lowest if baseline is not None else 0
    if worst <= start:
        return f"grade {start} at baseline and no worse"
    return f"grade {worst}, grade {start} at baseline, and the fall from baseline is below {when.fall_words}"


def _clear(
    rule: "Rule",
    when: When,
    usubjid: str,
    labs: Sequence[GradedFinding],
    samples: Sequence[Judged],
    reason: str,
    ctcae: str,
) -> Judgement:
    """Write down an abnormal count that is deliberately not told."""
    shown = [s.lab for s in samples] or list(labs)
    worst = max(shown, key=lambda lab: (grades_of(when, lab).lowest, -_in_usual_unit(lab)))
    grade = grades_of(when, worst).lowest
    return Judgement(
        rule_id=rule.id,
        usubjid=usubjid,
        scope=when.test,
        anchors=frozenset({worst.record.key}),
        answer=Answer.CLEAR,
        summary=sample_words(worst, f"grade {grade}"),
        reason=f"{lab_tests()[when.test].name}: {reason}",
        urgency=rule.urgency,
        grade=grade,
        told=False,
        evidence=evidence_of([baseline_of(labs, worst), worst]),
        ctcae=ctcae,
    )


def describe(when: When) -> str:
    """Say the criterion in words."""
    name = lab_tests()[when.test].name
    said = [
        f"After the first dose, {name}: a CTCAE grade above the baseline grade with a fall of at least "
        f"{when.fall_words} from baseline",
        f"or a new grade {when.new_grade} or worse, whatever the fall",
    ]
    if when.crash_fall_percent is not None:
        said.append(f"or a fall of at least {when.crash_fall_percent} % from baseline or from the last sample")
    if when.hold:
        said.append(f"or a hold criterion that the baseline did not meet: {', or '.join(map(str, when.hold))}")
    words = [", ".join(said) + "."]
    if when.confirm_samples > 1:
        words.append(f"A fall that meets only the first of these needs {when.confirm_samples} samples in a row.")
    if when.cut_offs is not None:
        c = when.cut_offs
        words.append(
            f"Where the CTCAE version has no number: below {c.grade_2} is grade 2, below {c.grade_3} grade 3, "
            f"below {c.grade_4} grade 4 ({c.unit})."
        )
    at_once = [f"a new grade {when.immediate_grade}"] + (["a hold criterion"] if when.hold else [])
    if when.immediate_samples is not None:
        at_once.append(
            f"{when.immediate_samples} samples in a row with a new grade {when.new_grade} or worse and a fall of at "
            f"least {when.fall_words}"
        )
    words.append(f"Told at once: {', '.join(at_once)}.")
    room = f", and until {when.recovers_at_least} or further up, or the baseline" if when.recovers_at_least else ""
    words.append(f"An episode goes on until grade {MILD} or the grade of the baseline{room}.")
    severe = [f"a new grade {when.new_grade} or worse", *(["a crash"] if when.crash_fall_percent else [])]
    severe += ["a hold criterion"] if when.hold else []
    words.append(
        f"After a sample that meets nothing{' and is that far up' if room else ''}, {' or '.join(severe)} is news."
    )
    words.append(f"Told again where it is worse than told by a grade or by {worse_by(when.test, when.unit)}.")
    words.append(f"Without a usable baseline, grade {when.new_grade} or worse is new and a lower one not evaluable.")
    words.append(
        f"A grade that was there at baseline and is no worse, and samples before the first dose, are history; from the "
        f"last grade that a number can give, a further fall of at least {when.fall_words} counts."
    )
    return " ".join(words)
