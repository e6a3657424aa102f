"""What the lab kinds share: a judged sample, and the episodes of samples.

It must not know a criterion: a kind judges each sample and hands the answers in. How samples are told is
`rules.kinds.lab_samples`.

An episode is the samples that meet the criterion, from the first until recovery. Recovery is a sample that does not
meet it, that the kind calls recovered, and that was certainly taken later than all of the episode; of several tests
that are one concern, on a day on which all those measured are back, so that a test which nobody repeats does not keep
it open. A sample that is neither, or that cannot be evaluated, neither ends the episode nor belongs to it. What is
severe after a sample that met nothing, and beside which nothing was met, is an episode of its own, recovered or not.
So episodes only grow as samples are added at the end.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from rules.graded import GradedFinding
from rules.hit import AbnormalResult, Extent


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One sample with what a kind says of it."""

    lab: GradedFinding
    hit: bool
    start: GradedFinding | None = None  # its baseline
    recovered: bool = False
    turned: bool = False  # it is out on the other side
    calm: bool = False  # meets nothing, and not by a hair: what is severe after it is news
    unknown: str = ""  # why it cannot be evaluated
    because: tuple[str, ...] = ()  # what it meets, in words
    history: tuple[str, ...] = ()  # what it meets as the baseline did, in words
    severe: bool = False  # asks for no confirmation
    hold: bool = False  # meets a hold criterion
    at_once: bool = False  # must be told immediately
    grave: bool = False  # must be told immediately once the next sample says the same
    grade: int | None = None  # the least it can be
    highest: int = 4  # the worst grade it can be
    extent: tuple[Extent, ...] = ()  # how far out it is, on each side on which it meets something

    @property
    def result(self) -> AbnormalResult:
        """The sample as a result that meets the criterion."""
        return AbnormalResult(key=self.lab.record.key, lowest=self.grade or 0, highest=self.highest)


@dataclass(slots=True)
class _Course:
    """One episode as it goes on: its samples, and what ended it."""

    hits: list[Judged] = field(default_factory=list)
    end: Judged | None = None
    calm: set[str] = field(default_factory=set)  # the tests that met nothing since

    def precedes(self, sample: Judged) -> bool:
        """Whether a sample was certainly taken later than all of the episode."""
        taken, hits = sample.lab.adt, [hit.lab.adt for hit in self.hits]
        return taken is not None and all(at is not None and taken.earliest > at.latest for at in hits)


def episodes(samples: Sequence[Judged]) -> list[tuple[Judged, ...]]:
    """Group the samples of one concern, in order of time, into episodes."""
    return [tuple(course.hits) for course in _courses(samples)]


def _courses(samples: Sequence[Judged]) -> list[_Course]:
    """Follow the samples of one concern from episode to episode."""
    courses: list[_Course] = []
    for sample in samples:
        ongoing = courses[-1] if courses and courses[-1].end is None else None
        if sample.hit:
            if ongoing is None or (sample.severe and sample.lab.test in ongoing.calm):
                ongoing = _Course()
                courses.append(ongoing)
            ongoing.hits.append(sample)
        elif ongoing is not None and ongoing.precedes(sample):
            beside = list(_beside(sample, samples))
            if sample.calm and not any(other.hit for other in beside):
                ongoing.calm.add(sample.lab.test)
            if sample.recovered and _are_back(beside):
                ongoing.end = sample
    return courses


def _are_back(samples: Iterable[Judged]) -> bool:
    """Whether none of some samples keeps an episode open; what cannot be evaluated says nothing."""
    return all(not sample.hit and (sample.recovered or sample.unknown) for sample in samples)


def _beside(sample: Judged, samples: Sequence[Judged]) -> Iterator[Judged]:
    """Yield the samples of the day of one: of its own test, those of which nobody knows whether they came later."""
    taken = sample.lab.adt
    for other in samples:
        at = other.lab.adt
        if other is sample or at is None or taken is None:
            continue
        at_once = at.earliest <= taken.latest and taken.earliest <= at.latest
        if at_once if other.lab.test == sample.lab.test else _day(sample) and _day(sample) == _day(other):
            yield other


def _day(sample: Judged) -> date | None:
    """Return the day on which a sample was taken, None where it is not known."""
    taken = sample.lab.adt
    return taken.earliest.date() if taken is not None and taken.has_day else None


def recovery_of(samples: Sequence[Judged], episode: Sequence[Judged]) -> str:
    """Tell the sample that ended an episode, as "recovered: 180 10^9/L on 2014-04-01, grade 0"; '' while it goes on."""
    end = next(course.end for course in _courses(samples) if course.hits[0] is episode[0])
    if end is None:
        return ""
    name = f"{end.lab.name} " if any(hit.lab.test != end.lab.test for hit in episode) else ""
    grade = f", grade {end.grade}" if end.grade is not None else ""
    result = f"{end.lab.result} {end.lab.reported_unit}".strip()
    return f"{'out on the other side now' if end.turned else 'recovered'}: {name}{result} on {end.lab.adt}{grade}"


def longest_run(samples: Iterable[Judged], episode: Sequence[Judged], beside: Sequence[Judged] = ()) -> int:
    """Return how many samples follow one another at most up to one of an episode, those not evaluable left out.

    They are of the episode, or of those `beside` it. Results of the same day are one sample; one whose day nobody knows
    is a sample of its own.
    """
    members = {id(sample.lab) for sample in episode}
    counted = members | {id(sample.lab) for sample in beside}
    longest = run = 0
    before: date | None = None
    for sample in samples:
        if id(sample.lab) in counted:
            day = _day(sample)
            run += 1 if not run or day is None or day != before else 0
            longest = max(longest, run) if id(sample.lab) in members else longest
            before = day
        elif not sample.unknown:
            run = 0
    return longest
