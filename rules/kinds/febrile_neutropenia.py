"""Few neutrophils with a temperature: the second half of kind `fever`.

A count and a temperature within the hours are a pair, in either order, unless both are history; an episode is every
pair that shares a record with another. It must not know doses: no dose explains a fever without neutrophils.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from rules.ctcae.grade import Ungraded
from rules.extent import extent_of, worst_of
from rules.graded import GradedFinding
from rules.hit import Answer, Judgement, Urgency
from rules.kinds.comparison import why_not_compared
from rules.kinds.fever_limits import NEUTROPHILS, NOW, TEMPERATURE, Neutropenia, is_below, reaches
from rules.kinds.lab_samples import evidence_of, sample_words
from rules.kinds.together import can_be_within, clusters, elapsed

if TYPE_CHECKING:
    from rules.rulebook import Rule

SCOPE = f"{NEUTROPHILS}+{TEMPERATURE}"

Labs = Sequence[GradedFinding]


def judge_neutropenia(rule: "Rule", limits: Neutropenia, usubjid: str, labs: Labs, ctcae: str) -> Iterator[Judgement]:
    """Tell each episode; say what lacks its other half, or cannot be compared."""
    known = [lab for lab in labs if lab.fault is not Ungraded.NO_RESULT]
    counts = [lab for lab in known if lab.test == NEUTROPHILS]
    readings = [lab for lab in known if lab.test == TEMPERATURE]
    febrile = _febrile(limits, readings)
    low = [lab for lab in counts if is_below(lab, limits.neutrophils_below)]
    pairs = [
        (count, reading)
        for count in low
        for reading in febrile
        if _are_near(limits, count, reading) and None not in (count.adt, reading.adt)
    ]
    for cluster in clusters((count.record.key, reading.record.key) for count, reading in pairs):
        yield _hit(rule, limits, usubjid, [pair for pair in pairs if pair[0].record.key in cluster], ctcae)
    paired = {lab.record.key for pair in pairs for lab in pair}
    uncertain = [lab for lab in counts if is_below(lab, limits.neutrophils_below) is None]
    unread = [lab for lab in readings if reaches(lab, limits.above, or_equal=False) is None]
    open_ = [
        *_open(limits, [lab for lab in febrile if lab.record.key not in paired], counts, [*low, *uncertain]),
        *_open(limits, [lab for lab in low if lab.record.key not in paired], readings, [*febrile, *unread]),
    ]
    if open_:
        yield _not_evaluable(rule, usubjid, open_)


def _febrile(limits: Neutropenia, readings: Labs) -> Labs:
    """Return the readings that are high enough on their own, or together with those before and after."""
    hours = timedelta(hours=limits.sustained_hours)
    dated = [lab for lab in readings if lab.adt is not None]
    found = [lab for lab in readings if reaches(lab, limits.above, or_equal=False)]
    for warm, run in groupby(dated, key=lambda lab: reaches(lab, limits.sustained_at_least) is not False):
        sustained = [lab for lab in run if warm and reaches(lab, limits.sustained_at_least)]
        if len(sustained) > 1 and elapsed(sustained[0].adt, sustained[-1].adt)[1] >= hours:
            found += sustained
    return list({lab.record.key: lab for lab in found}.values())


def _are_near(limits: Neutropenia, lab: GradedFinding, other: GradedFinding) -> bool:
    """Whether two findings can lie within the hours, and are not both history."""
    history = lab.predose and other.predose
    return not history and can_be_within(lab.adt, other.adt, timedelta(hours=limits.within_hours))


def _open(limits: Neutropenia, single: Labs, others: Labs, possible: Labs) -> Iterator[tuple[GradedFinding, str, bool]]:
    """Yield each finding that lacks its other half, why, and whether the other half is there but cannot be read.

    A temperature from before a low count answers nothing about what came after: one from then on is needed.
    `possible` are those of the others that may be the other half.
    """
    for lab in single:
        if lab.predose:
            continue
        near = [other for other in others if _are_near(limits, lab, other)]
        unread = [other for other in near if other in possible]
        if unread:
            why = Ungraded.NO_DAY if unread[-1].adt is None or lab.adt is None else why_not_compared(unread[-1])
            yield lab, f"{sample_words(unread[-1])}: {why}", True
        elif lab.test == NEUTROPHILS and not any(elapsed(lab.adt, other.adt)[1] >= NOW for other in near):
            yield lab, f"temperature not measured within {limits.within_hours} h from then on", False
        elif not near:
            yield lab, f"neutrophils not measured within {limits.within_hours} h", False


def _hit(
    rule: "Rule",
    limits: Neutropenia,
    usubjid: str,
    episode: Sequence[tuple[GradedFinding, GradedFinding]],
    ctcae: str,
) -> Judgement:
    """Tell one episode by its latest pair."""
    grades = [grade.lowest for few, hot in episode for grade in (few.low, hot.high)]
    count, reading = max(episode, key=lambda pair: [lab.adt.earliest for lab in pair if lab.adt is not None])
    return Judgement(
        rule_id=rule.id,
        usubjid=usubjid,
        scope=SCOPE,
        anchors=frozenset(lab.record.key for pair in episode for lab in pair),
        extent=worst_of(extent_of(lab, low=lab.test == NEUTROPHILS) for pair in episode for lab in pair),
        answer=Answer.HIT,
        summary=f"Febrile neutropenia: {sample_words(count)}; {sample_words(reading)}",
        reason=f"Febrile neutropenia: {in_words(limits)}",
        urgency=max(rule.urgency, limits.urgency, key=lambda urgency: urgency.rank),
        consequence=max(rule.consequence, limits.consequence, key=lambda consequence: consequence.rank),
        at=max((lab.adt for lab in (count, reading) if lab.adt is not None), key=lambda on: on.earliest),
        grade=max(grades) or None,
        evidence=evidence_of([count, reading]),
        ctcae=ctcae,
    )


def _not_evaluable(rule: "Rule", usubjid: str, open_: Sequence[tuple[GradedFinding, str, bool]]) -> Judgement:
    """Say what lacks its other half; told where a result is there that cannot be read."""
    words = [f"{sample_words(lab)}: {why}" for lab, why, _ in open_]
    return Judgement(
        rule_id=rule.id,
        usubjid=usubjid,
        scope=SCOPE,
        anchors=frozenset(lab.record.key for lab, _, _ in open_),
        answer=Answer.NOT_EVALUABLE,
        summary="Febrile neutropenia cannot be evaluated",
        reason="; ".join(words),
        urgency=Urgency.SAME_DAY,
        told=any(unread for _, _, unread in open_),
        evidence=evidence_of([open_[-1][0]]),
    )


def in_words(limits: Neutropenia) -> str:
    """Say the criterion, as part of a sentence."""
    return (
        f"neutrophils below {limits.neutrophils_below} within {limits.within_hours} h of a temperature above "
        f"{limits.above}, or of at least {limits.sustained_at_least} for {limits.sustained_hours} h or more"
    )
