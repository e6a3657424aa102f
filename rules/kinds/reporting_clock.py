"""Kind `reporting_clock`: the time for a report about a serious event is running out, or is over.

A clock counts from when vigil knew, which is the sweep that first read it, and runs until a person enters a submission,
whatever is corrected later. It must not decide whether a report is owed: causality and expectedness are a person's.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rules.clocks import Clock, Course, clocks_of, courses_of, known_since
from rules.events import Event, evidence_of, seriousness_of, signs_of_seriousness
from rules.hit import Answer, Due, Extent, Judgement, Urgency
from rules.records import Participant
from rules.reporting import Regime, Report, regimes, start_of

if TYPE_CHECKING:
    from rules.context import Context
    from rules.rulebook import Rule

PERSON_DECIDES = "vigil shows the clock and decides neither causality nor expectedness: a person does"
"""What every word about a clock says."""

_OF = {
    "serious": "for any serious event, related or not",
    "grave": "for one that is fatal or life-threatening",
    "other": "for any other serious one",
    "follow-up": "after that",
}


class When(BaseModel):
    """The regimes that hold for the study, and how long before a report is due the warning comes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    regimes: Annotated[tuple[str, ...], Field(min_length=1)]
    warn_before_hours: Annotated[int, Field(ge=0)] | None = None
    warn_before_days: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        for name in self.regimes:
            if name not in regimes():
                raise ValueError(f"regimes: '{name}' is unknown (known: {', '.join(regimes())})")
        if len(set(self.regimes)) < len(self.regimes):
            raise ValueError("regimes: each must be named once")
        reports = [report for regime in self.named for report in regime.report]
        for unit, given in (("hours", self.warn_before_hours), ("days", self.warn_before_days)):
            if any(getattr(report, unit) for report in reports) is (given is None):
                raise ValueError(
                    f"warn_before_{unit} belongs to regimes that have a report due in {unit}, and only there"
                )
        return self

    @property
    def named(self) -> tuple[Regime, ...]:
        """The regimes that it names."""
        return tuple(regimes()[name] for name in self.regimes)


def judge(rule: "Rule", when: When, participant: Participant, context: "Context") -> Iterator[Judgement | Due]:
    """Answer for each clock whose warning moment has come, and name the next moments."""
    for course in courses_of(participant):
        if not course.serious:
            if course.rows and (seriousness := seriousness_of(Event(course.key, course.rows))).serious is None:
                yield _not_evaluable(rule, course, f"whether a clock runs is not known: {seriousness.why}")
            continue
        since = known_since(course.serious)
        if since is None:
            yield _not_evaluable(rule, course, "it is serious, and when that became known here is not recorded")
            continue
        clocks = clocks_of(course, when.regimes, participant.submissions, context.zone)
        if not clocks:
            day = context.local(since).date()
            yield _not_evaluable(rule, course, f"no regime that this rule names was in force on {day}", told=True)
        for clock in clocks:
            warn = _warning(clock, when, context)
            if warn <= (clock.stopped.at if clock.stopped else context.now):
                yield _hit(rule, course, clock, clocks, context)
            if clock.stopped is None:
                yield from (Due(moment) for moment in (warn, clock.due) if moment > context.now)


def _warning(clock: Clock, when: When, context: "Context") -> datetime:
    """Return when the warning comes: so many hours before, or at the begin of the day so many days before."""
    if clock.report.hours is not None:
        return clock.due - timedelta(hours=when.warn_before_hours or 0)
    return start_of(clock.due_day - timedelta(days=when.warn_before_days or 0), context.zone)


def _hit(rule: "Rule", course: Course, clock: Clock, clocks: Sequence[Clock], context: "Context") -> Judgement:
    """Tell a clock that runs out; one that was stopped as recovered, neither worse nor better than it was told."""
    event = Event(course.key, course.rows or course.versions[-1:])
    over = clock.due <= context.now
    what = f"{clock.report.name} {'overdue: was due' if over and not clock.stopped else 'due'}"
    state = Extent(test="clock", side="words", value=Decimal(over), said="overdue" if over else "not yet due")
    return Judgement(
        rule_id=rule.id,
        usubjid=event.rows[0].usubjid,
        scope=clock.scope,
        anchors=frozenset({course.key}),
        answer=Answer.HIT,
        summary=f"{what} {due_words(clock, context)}: {event.term}",
        reason="; ".join(_reasons(course, clock, clocks, context)),
        urgency=Urgency.ROUTINE if clock.stopped else rule.urgency,  # which matters only where no look saw it run
        consequence=rule.consequence,
        extent=() if clock.stopped else (state,),
        at=event.onset,
        recovery=stopped_words(clock, context),
        evidence=evidence_of(Event(course.key, course.rows), also=("aesev", "aedtc")),
    )


def due_words(clock: Clock, context: "Context") -> str:
    """Say when a clock is due, such as "2026-03-20, end of the day"."""
    if clock.report.hours is not None:
        return f"{context.local(clock.due):%Y-%m-%d %H:%M}"
    return f"{clock.due_day}, end of the day"


def _left(clock: Clock, context: "Context") -> str:
    """Say how far off a clock is, such as "in 2 days"."""
    if clock.due <= context.now:
        return "overdue"
    if clock.report.hours is not None:
        minutes = (clock.due - context.now) // timedelta(minutes=1)
        return f"in {minutes // 60} h {minutes % 60:02} min"
    days = (clock.due_day - context.local_now.date()).days
    return f"in {days} day{'' if days == 1 else 's'}" if days else "today"


def _reasons(course: Course, clock: Clock, clocks: Sequence[Clock], context: "Context") -> Iterator[str]:
    """Say of a clock when it is due, its three stamps, from what it counts, what runs beside it, and who decides."""
    yield f"due {due_words(clock, context)}" + ("" if clock.stopped else f", {_left(clock, context)}")
    beside = [other for other in clocks if other is not clock and other.stopped is None]
    if beside and not clock.stopped:
        first = " (the earlier)" if beside[0].due < clock.due else ""
        yield f"beside it runs: {beside[0].report.name}, due {due_words(beside[0], context)}{first}"
    entered = min((str(row.aedtc) for row in course.versions if row.aedtc is not None), default="not said")
    yield f"onset {Event(course.key, course.versions).onset or 'not known'}"
    yield f"entered at site (AEDTC) {entered}"
    yield from _known(course, clock, context)
    if not any(signs_of_seriousness(row) for row in course.rows):
        yield "no longer entered as serious, which stops no clock"
    yield f"{clock.regime.title}: {clock.report.time} from {clock.report.day_0} ({clock.report.source})"
    yield PERSON_DECIDES


def _known(course: Course, clock: Clock, context: "Context") -> Iterator[str]:
    """Say when it was known here that an event is serious, and grave where that starts the clock, and by what."""
    courses = {"serious": course.serious} | ({"grave": course.grave} if clock.report.of == "grave" else {})
    for what, versions in courses.items():
        words = "fatal or life-threatening" if what == "grave" else what
        known = known_since(versions)
        first = [version for version in versions if version.known_at == known]
        signs = dict.fromkeys(sign for version in first for sign in signs_of_seriousness(version))
        yield f"known here to be {words} {_moment(known, context)} ({', '.join(signs)})"
    if clock.report.of == "follow-up":
        yield f"first report entered {_moment(clock.since, context)}"


def _moment(instant: datetime | None, context: "Context") -> str:
    return "at an unknown time" if instant is None else f"{context.local(instant):%Y-%m-%d %H:%M}"


def stopped_words(clock: Clock, context: "Context") -> str:
    """Say what entry stopped a clock, '' while it runs."""
    if clock.stopped is None:
        return ""
    on, entered = clock.stopped.on, f"as {clock.stopped.by} entered {_moment(clock.stopped.at, context)}"
    if on is None:
        return f"no report owed, {entered}"
    late = f", after it was due on {clock.due_day}" if on > clock.due_day else ""
    return f"submitted on {on}{late}, {entered}"


def _not_evaluable(rule: "Rule", course: Course, reason: str, *, told: bool = False) -> Judgement:
    event = Event(course.key, course.rows or course.versions[-1:])
    return Judgement(
        rule_id=rule.id,
        usubjid=event.rows[0].usubjid,
        scope=course.key,
        anchors=frozenset({course.key}),
        answer=Answer.NOT_EVALUABLE,
        summary=f"Reporting clock not known: {event.term}",
        reason=reason,
        urgency=rule.urgency,
        consequence=rule.consequence,
        told=told,
        evidence=evidence_of(Event(course.key, course.rows)),
    )


def describe(when: When) -> str:
    """Say the criterion in words."""
    warned = [
        f"{number} {unit} before the end of a time in {unit}"
        for number, unit in ((when.warn_before_hours, "hours"), (when.warn_before_days, "days"))
        if number is not None
    ]
    return (
        "The time to report a serious adverse event is running out, or is over. It counts from when vigil first read "
        "that the event is serious, or for a fatal or life-threatening one that it is that; who heard of it earlier "
        "has less time. Days are calendar days in the study's own time, to the end of the last one; no weekend or "
        "holiday moves it. "
        f"The warning comes {' and '.join(warned)}. A correction stops no clock; an event that becomes fatal or "
        "life-threatening starts a second one beside the first. Only a person stops a clock, by entering that the "
        "report was submitted or that none is owed. Every serious event has its clocks; whether it is related or "
        "expected, and so whether a report is owed, vigil never decides: a person does. "
        + " ".join(map(_in_words, when.named))
    )


def _in_words(regime: Regime) -> str:
    until = f" until {regime.until}" if regime.until else ""
    reports = "; ".join(_report_in_words(report) for report in regime.report)
    return f"{regime.title}, in force from {regime.since}{until}: {reports}."


def _report_in_words(report: Report) -> str:
    return f"{report.name}, {_OF[report.of]}, within {report.time} from {report.day_0} ({report.source})"
