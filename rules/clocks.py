"""The clocks that a serious event starts, and which of them a person's entry has stopped.

It knows what every version of an event's rows said and when that was known here. It must not know a rule, or the
moment: whether a clock is running out is for who asks. Only an entry stops a clock; no correction does.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from rules.events import is_fatal, severity_of, signs_of_seriousness
from rules.records import AdverseEvent, Participant, Submission
from rules.reporting import Regime, Report, regimes

_LIFE_THREATENING = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """An event with all that its rows ever said, those that are gone too."""

    key: str
    rows: tuple[AdverseEvent, ...]  # as they stand now
    versions: tuple[AdverseEvent, ...]

    @property
    def serious(self) -> tuple[AdverseEvent, ...]:
        """The versions that say that it is serious."""
        return tuple(version for version in self.versions if signs_of_seriousness(version))

    @property
    def grave(self) -> tuple[AdverseEvent, ...]:
        """The versions that say that it is fatal or life-threatening, beside serious."""
        return tuple(version for version in self.serious if is_grave(version))


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """The time that a regime leaves for a report of one event."""

    event: str
    regime: Regime
    report: Report
    since: datetime  # UTC: what it counts from was known here
    due: datetime  # UTC: overdue from then on
    due_day: date
    stopped: Submission | None = None

    @property
    def scope(self) -> str:
        """What names it among the clocks of a participant."""
        return f"{_prefix(self.regime, self.report)}{self.event}"


def courses_of(participant: Participant) -> tuple[Course, ...]:
    """Return every event of a participant, in the order of its rows; those last of which every row is gone."""
    rows: dict[str, list[AdverseEvent]] = {}
    versions: dict[str, list[AdverseEvent]] = {}
    for row in participant.adverse_events:
        rows.setdefault(row.event_key or row.key, []).append(row)
        versions.setdefault(row.event_key or row.key, []).append(row)
    for former in participant.former_events.values():
        for version in former:
            versions.setdefault(version.event_key or version.key, []).append(version)
    return tuple(Course(key=key, rows=tuple(rows.get(key, ())), versions=tuple(said)) for key, said in versions.items())


def is_grave(row: AdverseEvent) -> bool:
    """Whether a row says that the event is fatal or life-threatening; a grade of 4 alone does not."""
    return is_fatal(row) or row.aeslife == "Y" or severity_of(row) == _LIFE_THREATENING


def known_since(versions: Iterable[AdverseEvent]) -> datetime | None:
    """Return when the first of some versions was known here, None where that is not recorded."""
    return min((version.known_at for version in versions if version.known_at is not None), default=None)


def clocks_of(
    course: Course, named: Iterable[str], submissions: Sequence[Submission], zone: ZoneInfo
) -> tuple[Clock, ...]:
    """Return the clocks of an event under the regimes named, the earliest due first.

    An entry at a clock's own alert stops that clock; one at another alert about the event, that clock which was
    running then and due first. The first report of which there is a follow-up starts the clock of that one once it was
    submitted; a report that is not owed has no follow-up.
    """
    clocks = list(_started(course, named, zone))
    for entry in sorted(submissions, key=lambda entry: entry.at):
        clocks.sort(key=lambda clock: clock.due)
        running = [clock for clock in clocks if clock.stopped is None and clock.since <= entry.at]
        own = [clock for clock in running if clock.scope == entry.scope]
        if hit := (own or (running if entry.scope == course.key else []))[:1]:
            clocks[clocks.index(hit[0])] = replace(hit[0], stopped=entry)
            clocks += _followed_up(hit[0], entry, zone)
    return tuple(sorted(clocks, key=lambda clock: clock.due))


def event_of(scope: str) -> str | None:
    """Return the event whose clock a scope names, None for a scope that names no clock."""
    for regime in regimes().values():
        for report in regime.report:
            if scope.startswith(_prefix(regime, report)):
                return scope.removeprefix(_prefix(regime, report))
    return None


def _prefix(regime: Regime, report: Report) -> str:
    return f"clock {regime.id} {report.id}: "


def _started(course: Course, named: Iterable[str], zone: ZoneInfo) -> Iterable[Clock]:
    """Yield the clocks that what was known of the event started."""
    serious, grave = known_since(course.serious), known_since(course.grave)
    other = serious if serious != grave else None
    starts: Mapping[str, datetime | None] = {"serious": serious, "grave": grave, "other": other}
    for regime in (regimes()[name] for name in named):
        for report in regime.report:
            since = starts.get(report.of)
            if since is not None and regime.is_in_force(since.astimezone(zone).date()):
                yield _clock(course.key, regime, report, since, zone)


def _followed_up(first: Clock, entry: Submission, zone: ZoneInfo) -> Iterable[Clock]:
    """Yield the clock of the follow-up: from the day of the first report, or from when that was due if it was late."""
    for report in first.regime.report:
        if entry.on is not None and report.after == first.report.id and report.days is not None:
            day = min(entry.on, first.due_day)
            noon = datetime(day.year, day.month, day.day, 12, tzinfo=zone)
            yield replace(_clock(first.event, first.regime, report, noon, zone), since=entry.at)


def _clock(event: str, regime: Regime, report: Report, since: datetime, zone: ZoneInfo) -> Clock:
    return Clock(
        event=event,
        regime=regime,
        report=report,
        since=since,
        due=report.due(since, zone),
        due_day=report.due_day(since, zone),
    )
