"""Kind `criteria_count`: several findings, or an event beside them, that together are a pattern within some days.

Each criterion is what kind `value_limit` asks of its tests. A pattern is met where, within the days of the rule, every
criterion of `all_of` and enough of `of` are met after the first dose. An episode lasts until later results do not make
the pattern any more. What cannot be told, and would complete it, makes it not evaluable. It must not know thresholds.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING

from rules.ctcae.grade import Ungraded
from rules.ctcae.identity import lab_tests
from rules.extent import worse_by, worst_of
from rules.hit import Answer, Judgement, Urgency
from rules.kinds.limit_words import high_baseline_words, history_words, limit_words
from rules.kinds.limits import When as Limits
from rules.kinds.pattern import Part, When, parts_of
from rules.records import DOMAINS, Participant

if TYPE_CHECKING:
    from rules.context import Context
    from rules.rulebook import Rule

__all__ = ["When", "describe", "judge"]

Window = list[Part]
"""The parts that lie within the days of the first of them."""

Doubt = tuple[Part | None, str]
"""What cannot be told, in words, with its finding or event where there is one."""


def judge(rule: "Rule", when: When, participant: Participant, context: "Context") -> Iterator[Judgement]:
    """Answer for each episode of the pattern, and for what could have completed it."""
    parts = list(parts_of(when, participant, context))
    certain = sorted((part for part in parts if part.met), key=_order)
    episodes = _episodes(when, certain, parts)
    for episode in episodes:
        yield _hit(rule, when, participant.usubjid, episode, context.header.ctcae)
    doubts = list(_doubts(when, parts))
    alone = [part for part in certain if not any(part in window for windows in episodes for window in windows)]
    measured = {part.place for part in parts} | ({len(when.criteria)} if "AE" in context.domains else set())
    gaps = _gaps(when, alone, parts, measured) or _never_measured(when, measured, participant, context)
    if doubts or gaps:
        # An event that nobody can place is counted, as in the rules of events; a finding is told.
        told = any(part is not None and not part.is_event for part, _ in doubts)
        yield _cannot_tell(rule, when, participant.usubjid, doubts or gaps, told=told)


def _order(part: Part) -> tuple[date, int, str]:
    return part.first or date.min, part.place, part.key


def _episodes(when: When, certain: Sequence[Part], parts: Sequence[Part]) -> list[list[Window]]:
    """Return the windows that meet the pattern; one episode where they share a sample or no later look parts them."""
    without = list(_days_without(when, parts))
    found: list[list[Window]] = []
    for first in certain:
        window = [part for part in certain if _may_be_near(when, first, part)]
        if not when.is_met_by({part.place for part in window}):
            continue
        known = [part for windows in found[-1:] for part in windows[-1] if not part.is_event]
        until = max((part.first for part in known if part.first is not None), default=date.min)
        parted = any(until < day <= (first.first or date.max) for day in without)
        if found and (any(part in known for part in window) or not parted):
            found[-1].append(window)
        else:
            found.append([window])
    return found


def _days_without(when: When, parts: Sequence[Part]) -> Iterator[date]:
    """Yield the days with a result on which the criteria that stand do not meet the pattern.

    A criterion stands from a result that meets it until one of its test that does not; a change within hours, and an
    event after its end, for the days of the rule.
    """
    standing: dict[tuple[int, str], Part] = {}
    events = [part for part in parts if part.is_event and part.met]
    findings = sorted((part for part in parts if not part.is_event and part.first is not None), key=_order)
    for day, of_day in groupby(findings, key=lambda part: part.first or date.min):
        for part in sorted(of_day, key=lambda part: part.met):  # what was met on a day stands on it
            if part.met:
                standing[part.place, part.test] = part
            elif not part.doubt:
                standing.pop((part.place, part.test), None)
        stand = {part.place for part in standing.values() if not part.passes or day <= _near_until(when, part)}
        held = {part.place for part in events if (part.first or day) <= day <= _near_until(when, part)}
        if not when.is_met_by(stand | held):
            yield day


def _near_until(when: When, part: Part) -> date:
    """Return the last day on which an event, or a change that passes, still belongs to a window."""
    end = part.last or date.max
    return end if end > date.max - timedelta(days=when.within_days) else end + timedelta(days=when.within_days)


def _may_be_near(when: When, first: Part, other: Part) -> bool:
    """Whether a part can belong to the window that another one opens, for some of the days that their dates allow.

    A sample opens the days from its own on; an event is near until so many days after its end.
    """
    opens = first.first if first.is_event else first.last
    if first.first is None or opens is None or other.first is None or other.last is None:
        return True
    days = timedelta(days=when.within_days)
    return other.last >= first.first - (days if other.is_event else timedelta(0)) and other.first - opens <= days


def _doubts(when: When, parts: Sequence[Part]) -> Iterator[Doubt]:
    """Name what nobody can tell where it would complete a pattern that is not met."""
    for first in parts:
        near = [part for part in parts if _may_be_near(when, first, part)] if first.met or first.doubt else []
        met = {part.place for part in near if part.met}
        doubted = {part.place for part in near if part.doubt}
        if not when.is_met_by(met) and when.is_met_by(met | doubted):
            yield from ((part, _of(when, part.place, part.doubt)) for part in near if part.doubt)


def _gaps(when: When, alone: Sequence[Part], parts: Sequence[Part], measured: set[int]) -> list[Doubt]:
    """Name what was not measured around the latest part that meets its criterion and that this would complete."""
    for last in reversed(alone):
        near = [part for part in parts if _may_be_near(when, last, part) or _may_be_near(when, part, last)]
        met = {part.place for part in near if part in alone}
        missing = set(range(when.size)) - {part.place for part in near} - (measured - set(range(len(when.criteria))))
        if when.is_met_by(met | missing):
            words = f"not measured within {when.within_days} days of {last.first}"
            return [(last, _of(when, place, words)) for place in sorted(missing)]
    return []


def _never_measured(when: When, measured: set[int], participant: Participant, context: "Context") -> list[Doubt]:
    """Name the criteria without a single result, where the others alone cannot make the pattern.

    Silent where the study brings their domains and nothing of them was measured since the first dose: too early.
    """
    if when.is_met_by(measured):
        return []
    done = [finding for finding in context.findings(participant) if finding.fault is not Ungraded.NO_RESULT]
    blind = {finding.record.domain for finding in done if not finding.predose} | (DOMAINS.keys() - context.domains)
    missing = [place for place in range(len(when.criteria)) if place not in measured]
    return [(None, _of(when, place, "never measured")) for place in missing if when.criteria[place].domains & blind]


def _of(when: When, place: int, words: str) -> str:
    return f"{when.name(place)}: {words}"


def _hit(rule: "Rule", when: When, usubjid: str, windows: Sequence[Window], ctcae: str) -> Judgement:
    """Tell an episode by its worst window, dated by the part that completed it there.

    Of each test the worst result is told, and what is further out in another window, and the latest sample.
    """
    window = sorted(
        max(windows, key=lambda window: (len({part.place for part in window}), _grade(window) or 0)), key=_order
    )
    episode = sorted({(part.place, part.key): part for window in windows for part in window}.values(), key=_order)
    told = sorted(_worst(window), key=lambda part: part.place)
    met = "; ".join(dict.fromkeys(_of(when, part.place, part.because) for part in told))
    beside = [("worst", part) for part in _worst([*told, *episode])]
    beside += [("latest", part) for part in [part for part in episode if not part.is_event][-1:]]
    further = {part.key: (word, part) for word, part in reversed(beside) if part not in told}
    said = [part.words for part in told] + [f"{word} {part.words}" for word, part in reversed(further.values())]
    return Judgement(
        rule_id=rule.id,
        usubjid=usubjid,
        scope=when.scope,
        anchors=frozenset(part.key for part in episode if not part.is_event),
        extent=worst_of(extent for part in episode for extent in part.extent),
        answer=Answer.HIT,
        summary="; ".join(said),
        reason=f"{len({part.place for part in told})} of {when.size} criteria within {when.within_days} days: {met}",
        urgency=rule.urgency,
        consequence=rule.consequence,
        at=_completing(when, window).at,
        grade=_grade(episode),
        evidence=tuple(
            {
                one.key: one for part in (*told, *(part for _, part in further.values())) for one in part.evidence
            }.values()
        ),
        ctcae=ctcae,
    )


def _worst(parts: Iterable[Part]) -> list[Part]:
    """Return the part furthest out of each test in each criterion, on each side; of events the worst grade."""
    worst: dict[tuple[object, ...], tuple[Decimal, Part]] = {}
    for part in parts:
        for extent in part.extent:
            out = Decimal(part.grade or 0) if part.is_event else extent.out
            if extent.of not in worst or out > worst[extent.of][0]:
                worst[extent.of] = (out, part)
    return list({(part.place, part.key): part for _, part in worst.values()}.values())


def _completing(when: When, window: Window) -> Part:
    """Return the part of a window by which the pattern was met."""
    met: set[int] = set()
    for part in window:
        met.add(part.place)
        if when.is_met_by(met):
            return part
    return window[0]


def _grade(parts: Iterable[Part]) -> int | None:
    """Return the worst grade of some parts."""
    return max((part.grade for part in parts if part.grade is not None), default=None)


def _cannot_tell(rule: "Rule", when: When, usubjid: str, doubts: Sequence[Doubt], *, told: bool) -> Judgement:
    """Say what would have completed the pattern and cannot be told, with its findings and events as evidence."""
    parts = [part for part, _ in doubts if part is not None]
    return Judgement(
        rule_id=rule.id,
        usubjid=usubjid,
        scope=when.scope,
        anchors=frozenset({part.key for part in parts} or {when.scope}),
        answer=Answer.NOT_EVALUABLE,
        summary=f"{rule.title}: cannot be told",
        reason="; ".join(dict.fromkeys(words for _, words in doubts)),
        urgency=Urgency.ROUTINE,
        told=told,
        evidence=tuple({one.key: one for part in parts for one in part.evidence}.values()),
    )


def describe(when: When) -> str:
    """Say the criterion in words."""
    optional = [*map(_words, when.of), *([when.name(len(when.criteria))] if when.of_events else [])]
    some = [f"at least {when.at_least} of: {'; '.join(optional)}"] if when.at_least < len(optional) else optional
    days = "1 day" if when.within_days == 1 else f"{when.within_days} days"
    asked = {test: criterion.unit for criterion in reversed(when.criteria) for test in reversed(criterion.tests)}
    steps = [f"{lab_tests()[t].name} by {by}" for t, unit in reversed(asked.items()) if (by := worse_by(t, unit))]
    steps += ["in words by a step"] if any(criterion.positive is not None for criterion in when.criteria) else []
    words = [f"After the first dose, at most {days} apart: {'; and '.join([*map(_words, when.all_of), *some])}."]
    words.append("An episode ends once later results do not make the pattern any more.")
    if any(one.is_momentary for one in when.criteria) or when.of_events:
        words.append(f"A change within hours, and an event after its end, counts for {days}.")
    words.append(
        f"Told again where a further criterion or test is met, or a result is worse than told: {', '.join(steps)}."
    )
    return " ".join(words)


def _words(criterion: Limits) -> str:
    history = f" (history where the baseline met it{history_words(criterion)})" if criterion.new_only else ""
    high = criterion.when_baseline_above_uln
    also = f", or {high_baseline_words(high, criterion.above_uln)}" if high is not None else ""
    return f"{_name(criterion)}: {', or '.join(limit_words(criterion))}{also}{history}"


def _name(criterion: Limits) -> str:
    return " or ".join(lab_tests()[test].name for test in criterion.tests)
