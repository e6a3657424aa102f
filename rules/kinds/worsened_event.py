"""Kind `worsened_event`: AESEV or AETOXGR rises from one row of an adverse event to a later one.

Each further rise is news. Rows are ordered by when they were collected (AEDTC), else by their start. It must not know
what makes an event serious: it only leaves out what the rule about serious events tells.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from rules.dtc import Dtc
from rules.events import Event, events_of, evidence_of, grade_of, reported_grade, severity_of, signs_of_seriousness
from rules.hit import Answer, Judgement, Urgency
from rules.records import AdverseEvent, Participant

if TYPE_CHECKING:
    from rules.context import Context
    from rules.rulebook import Rule

_SCALES = ("aesev", "aetoxgr")

Rise = tuple[AdverseEvent, AdverseEvent, str]
"""A row, the later one that is worse, and the scale on which it is."""


class When(BaseModel):
    """Whether a rise is left out by which a serious event reaches a greater grade."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    except_told_as_serious: bool  # for a book with a rule of kind serious_event, which tells those
    routine_below_grade: Annotated[int, Field(ge=2, le=5)] | None = None  # a rise that stays below it is routine


def judge(rule: "Rule", when: When, participant: Participant, context: "Context") -> Iterator[Judgement]:
    """Answer for each event that several rows tell of; all its rises are one concern."""
    for event in events_of(participant):
        rises = [rise for scale in _SCALES for rise in _rises(event.rows, scale)]
        told = [r for r in rises if not (when.except_told_as_serious and _is_told_as_serious(event, r[1]))]
        unknown_order, unread, empty = _unknown(event.rows)
        unknown = "; ".join(dict.fromkeys((*unknown_order, *unread, *empty)))
        if told:
            reason = "; ".join((*(_words(rise) for rise in told), *unknown_order))
            least = when.routine_below_grade
            low = least is not None and all((_level(worse, scale) or 0) < least for _, worse, scale in told)
            yield replace(
                _judgement(rule, event, Answer.HIT, reason, told), urgency=Urgency.ROUTINE if low else rule.urgency
            )
        elif unknown:
            yield _judgement(rule, event, Answer.NOT_EVALUABLE, unknown, told=bool(unknown_order or unread))
        elif rises:
            why = "reached a greater grade as a serious event, which the rule about serious events tells"
            yield _judgement(rule, event, Answer.CLEAR, why, told=False)


def _rises(rows: Sequence[AdverseEvent], scale: str) -> Iterator[Rise]:
    """Yield each row that is worse than one before it, where none between them was as bad already."""
    levels = [(row, level) for row in rows if (level := _level(row, scale)) is not None]
    for row, level in levels:
        as_bad = [other for other, its in levels if its >= level and _is_before(other, row)]
        better = [
            other
            for other, its in levels
            if its < level and _is_before(other, row) and not any(_is_before(other, bad) for bad in as_bad)
        ]
        if better:
            yield max(better, key=_order), row, scale


def _level(row: AdverseEvent, scale: str) -> int | None:
    """How bad a row says that the event is on one scale, None where it does not say."""
    return severity_of(row) if scale == "aesev" else reported_grade(row)


def _is_before(row: AdverseEvent, other: AdverseEvent) -> bool:
    """Whether a row is certainly about an earlier time than another."""
    for one, two in ((row.aedtc, other.aedtc), (row.aestdtc, other.aestdtc)):
        if one is not None and two is not None:
            if one.latest < two.earliest:
                return True
            if two.latest < one.earliest:
                return False
    return False


def _unknown(rows: Sequence[AdverseEvent]) -> tuple[list[str], list[str], list[str]]:
    """Say what cannot be known of a course: the order of rows that differ, values not understood, values left empty."""
    if len(rows) == 1:
        return [], [], []
    order = [
        f"{scale.upper()} differs between records of which the earlier is not known ({_on(one)}, {_on(two)})"
        for scale in _SCALES
        for one, two in combinations(rows, 2)
        if _differ(_level(one, scale), _level(two, scale)) and not (_is_before(one, two) or _is_before(two, one))
    ]
    if any(all(_level(row, scale) is not None for row in rows) for scale in _SCALES):
        return order, [], []
    unread = [
        f"{scale.upper()} is '{text}', which is no known {'severity' if scale == 'aesev' else 'grade'} ({_on(row)})"
        for row in rows
        for scale in _SCALES
        if (text := getattr(row, scale)) and _level(row, scale) is None
    ]
    return order, unread, ["neither AESEV nor AETOXGR is given throughout"]


def _differ(one: int | None, two: int | None) -> bool:
    return one is not None and two is not None and one != two


def _is_told_as_serious(event: Event, worse: AdverseEvent) -> bool:
    """Whether the event was serious by then and reached a greater grade, which is told as a serious event."""
    before = tuple(row for row in event.rows if _is_before(row, worse))
    serious = any(signs_of_seriousness(row) for row in (*before, worse))
    greater = (grade_of(Event(event.key, (worse,))) or 0) > (grade_of(Event(event.key, before)) or 0)
    return serious and greater


def _words(rise: Rise) -> str:
    """Say a rise, such as "AESEV MILD on 2014-02-26, then SEVERE on 2014-05-21"."""
    before, worse, scale = rise
    return f"{scale.upper()} {getattr(before, scale)} on {_on(before)}, then {getattr(worse, scale)} on {_on(worse)}"


def _date(row: AdverseEvent) -> Dtc | None:
    """When a row was collected, else when what it tells of began."""
    return row.aedtc or row.aestdtc


def _on(row: AdverseEvent) -> str:
    return str(_date(row) or "unknown date")


def _order(row: AdverseEvent) -> tuple[str, str]:
    """Order rows of which each has some date, to name the last."""
    return str(row.aedtc or row.aestdtc or ""), str(row.aestdtc or "")


def _judgement(
    rule: "Rule", event: Event, answer: Answer, reason: str, rises: Sequence[Rise] = (), *, told: bool = True
) -> Judgement:
    worse = sorted({row.key: row for _, row, _ in rises}.values(), key=_order)
    return Judgement(
        rule_id=rule.id,
        usubjid=event.rows[0].usubjid,
        scope=event.key,
        anchors=frozenset({event.key, *(row.key for row in worse)}),
        each_anchor_is_news=True,
        answer=answer,
        summary=f"{'Became' if answer is not Answer.NOT_EVALUABLE else 'May have become'} worse: {event.term}",
        reason=reason,
        urgency=rule.urgency,
        consequence=rule.consequence,
        grade=grade_of(Event(event.key, tuple(worse))),
        told=told,
        at=_date(worse[-1]) if worse else event.onset,
        evidence=evidence_of(event, also=("aesev", "aedtc")),
    )


def describe(when: When) -> str:
    """Say the criterion in words."""
    words = (
        "An adverse event of which a later record gives a greater severity (AESEV: mild, moderate, severe) or a "
        "greater grade (AETOXGR) than the record before it. Records are ordered by the date of collection (AEDTC), "
        "else by the start; where they differ and their order is not known, the event is not evaluable."
    )
    if when.routine_below_grade is not None:
        words += (
            f" A rise that stays below grade {when.routine_below_grade} (AESEV: severe is 3, moderate 2) is routine."
        )
    if when.except_told_as_serious:
        words += " Not told again is a greater grade of a serious event, which the rule about serious events tells."
    return words
