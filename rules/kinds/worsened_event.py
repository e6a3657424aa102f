"""Kind `worsened_event`: AESEV or AETOXGR rises from one row of an adverse event to a later one, or within a row.

Each further rise is news. Rows are ordered by when they were collected (AEDTC), else by their start; the versions of a
row that was corrected in place by when they were read. It must not know what makes an event serious: it only leaves out
what the rule about serious events tells.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Annotated, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from rules.dtc import Dtc
from rules.events import Event, events_of, evidence_of, grade_of, reported_grade, severity_of, signs_of_seriousness
from rules.hit import Answer, Judgement, Urgency
from rules.records import AdverseEvent, Participant

if TYPE_CHECKING:
    from rules.context import Context
    from rules.rulebook import Rule

_SCALES = ("aesev", "aetoxgr")

Former = Mapping[str, tuple[AdverseEvent, ...]]
"""Record key -> the earlier versions of a row, oldest first."""


class Rise(NamedTuple):
    """A row, the one that is worse, and the scale on which it is.

    Of a row that was corrected in place, `before` is its last milder version and `since` the first that says so.
    """

    before: AdverseEvent
    worse: AdverseEvent
    scale: str
    since: AdverseEvent | None = None


class When(BaseModel):
    """Whether a rise is left out by which a serious event reaches a greater grade."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    except_told_as_serious: bool  # for a book with a rule of kind serious_event, which tells those
    routine_below_grade: Annotated[int, Field(ge=2, le=5)] | None = None  # a rise that stays below it is routine


def judge(rule: "Rule", when: When, participant: Participant, context: "Context") -> Iterator[Judgement]:
    """Answer for each event that several rows or versions tell of; all its rises are one concern."""
    former = participant.former_events
    for event in events_of(participant):
        rises = [r for s in _SCALES for r in (*_rises(event.rows, s), *_rises_in_place(event.rows, former, s))]
        told = [rise for rise in rises if not (when.except_told_as_serious and _is_told_as_serious(event, rise))]
        unknown_order, unread, empty = _unknown(event.rows, former)
        unknown = "; ".join(dict.fromkeys((*unknown_order, *unread, *empty)))
        if told:
            reason = "; ".join((*(_words(rise, context.zone) for rise in told), *unknown_order))
            least = when.routine_below_grade
            low = least is not None and all((_level(rise.worse, rise.scale) or 0) < least for rise in told)
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
            yield Rise(max(better, key=_order), row, scale)


def _rises_in_place(rows: Sequence[AdverseEvent], former: Former, scale: str) -> Iterator[Rise]:
    """Yield each row that was read as milder before, where no row of a later time said by then that it was as bad."""
    for row in rows:
        versions, level = _versions(row, former), _level(row, scale)
        milder = [version for version in versions if _is_milder(_level(version, scale), level)]
        if not milder:
            continue
        since = next(v for v in versions if v.version > milder[-1].version and _level(v, scale) == level)
        later = [_stood(_versions(other, former), since) for other in rows if _is_before(row, other)]
        if all(version is None or _is_milder(_level(version, scale) or 0, level) for version in later):
            yield Rise(milder[-1], row, scale, since)


def _versions(row: AdverseEvent, former: Former) -> tuple[AdverseEvent, ...]:
    """All that a row ever said, oldest first."""
    return *former.get(row.key, ()), row


def _is_milder(level: int | None, other: int | None) -> bool:
    return level is not None and other is not None and level < other


def _stood(versions: Sequence[AdverseEvent], then: AdverseEvent) -> AdverseEvent | None:
    """Return what a row said before the look that brought a version, by ids: a clock may have been set back."""
    before = [v for v in versions if v.version < then.version and v.known_at != then.known_at]
    return before[-1] if before else None


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


def _unknown(rows: Sequence[AdverseEvent], former: Former) -> tuple[list[str], list[str], list[str]]:
    """Say what cannot be known of a course: the order of rows that differ, values not understood, values left empty.

    What an earlier version left empty, or said in no known word, was only entered later: no course begins with it.
    """
    said = [v for row in rows for v in former.get(row.key, ()) if any(_level(v, s) is not None for s in _SCALES)]
    course = (*rows, *said)
    if len(course) == 1:
        return [], [], []
    order = [
        f"{scale.upper()} differs between records of which the earlier is not known ({_on(one)}, {_on(two)})"
        for scale in _SCALES
        for one, two in combinations(rows, 2)
        if _differ(_level(one, scale), _level(two, scale)) and not (_is_before(one, two) or _is_before(two, one))
    ]
    if any(all(_level(row, scale) is not None for row in course) for scale in _SCALES):
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


def _is_told_as_serious(event: Event, rise: Rise) -> bool:
    """Whether the event was serious by then, and is still, and reached a greater grade: told as a serious event."""
    before = tuple(row for row in event.rows if _is_before(row, rise.worse))
    then = rise.since or rise.worse
    serious = all(any(signs_of_seriousness(row) for row in (*before, worse)) for worse in (then, rise.worse))
    greater = (grade_of(Event(event.key, (then,))) or 0) > (grade_of(Event(event.key, (*before, rise.before))) or 0)
    return serious and greater


def _words(rise: Rise, zone: ZoneInfo) -> str:
    """Say a rise, such as "AESEV MILD on 2014-02-26, then SEVERE on 2014-05-21"."""
    before, worse, scale, since = rise
    name, was = scale.upper(), getattr(before, scale)
    if since is None:
        return f"{name} {was} on {_on(before)}, then {getattr(worse, scale)} on {_on(worse)}"
    now, read, corrected = getattr(since, scale), _read_on(before, zone), _read_on(since, zone)
    return f"{name} read as {was} on {read}, corrected in place to {now}, read on {corrected}"


def _read_on(version: AdverseEvent, zone: ZoneInfo) -> str:
    """Name the study's day on which a version was first read."""
    return "unknown date" if version.known_at is None else version.known_at.astimezone(zone).date().isoformat()


def _anchors(rise: Rise) -> frozenset[str]:
    """Name a rise: by its row, or in place by the levels reached, so that a further one is news and a lower is not."""
    if rise.since is None:
        return frozenset({rise.worse.key})
    reached = _level(rise.worse, rise.scale) or 0
    return frozenset(f"{rise.worse.key} {rise.scale.upper()} {level}" for level in range(2, reached + 1))


def _date(row: AdverseEvent) -> Dtc | None:
    """When a row was collected, else when what it tells of began."""
    return row.aedtc or row.aestdtc


def _on(row: AdverseEvent) -> str:
    return str(_date(row) or "unknown date")


def _order(row: AdverseEvent) -> tuple[str, str]:
    """Order rows of which each has some date, to name the last."""
    return str(_date(row) or ""), str(row.aestdtc or "")


def _judgement(
    rule: "Rule", event: Event, answer: Answer, reason: str, rises: Sequence[Rise] = (), *, told: bool = True
) -> Judgement:
    worse = sorted({rise.worse.key: rise.worse for rise in rises}.values(), key=_order)
    dated = sorted((rise.worse for rise in rises if rise.since is None), key=_order)
    return Judgement(
        rule_id=rule.id,
        usubjid=event.rows[0].usubjid,
        scope=event.key,
        anchors=frozenset({event.key}).union(*map(_anchors, rises)),
        each_anchor_is_news=True,
        answer=answer,
        summary=f"{'Became' if answer is not Answer.NOT_EVALUABLE else 'May have become'} worse: {event.term}",
        reason=reason,
        urgency=rule.urgency,
        consequence=rule.consequence,
        grade=grade_of(Event(event.key, tuple(worse))),
        told=told,
        at=_date(dated[-1]) if dated else None if rises else event.onset,  # nobody knows when it rose within a row
        evidence=evidence_of(event, also=("aesev", "aedtc")),
    )


def describe(when: When) -> str:
    """Say the criterion in words."""
    words = (
        "An adverse event of which a later record gives a greater severity (AESEV: mild, moderate, severe) or a "
        "greater grade (AETOXGR) than the record before it, or of which a record that was read before is corrected in "
        "place to a greater one. Records are ordered by the date of collection (AEDTC), else by the start; where they "
        "differ and their order is not known, the event is not evaluable."
    )
    if when.routine_below_grade is not None:
        words += (
            f" A rise that stays below grade {when.routine_below_grade} (AESEV: severe is 3, moderate 2) is routine."
        )
    if when.except_told_as_serious:
        words += " Not told again is a greater grade of a serious event, which the rule about serious events tells."
    return words
