"""What every rule is told beside the records: the moment, the zone, the book's header, graded labs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from rules.dosing_plan import DosingPlan
from rules.graded import GradedFinding
from rules.hit import Judgement
from rules.records import Participant
from rules.rulebook import Header
from rules.wall_clock import instant_of, passed, wall_of


@dataclass(frozen=True, kw_only=True)
class Context:
    """The circumstances of one evaluation; `now` is aware, `--DTC` values are local to `zone`."""

    now: datetime
    zone: ZoneInfo
    header: Header
    dosing: DosingPlan | None = None
    graded: Mapping[str, tuple[GradedFinding, ...]] = field(default_factory=dict)  # by usubjid, in order of time
    ungraded: Mapping[str, str] = field(default_factory=dict)  # usubjid -> what broke while grading
    domains: frozenset[str] = frozenset()  # domains of which the study ever brought a file
    asked_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # test -> the rules that judge its results
    hits: Mapping[tuple[str, str], tuple[Judgement, ...]] = field(default_factory=dict)  # by rule id and usubjid
    failed: frozenset[tuple[str, str]] = frozenset()  # rule id and usubjid

    @property
    def local_now(self) -> datetime:
        """`now` on the study's wall clock, naive, comparable with the ends of a Dtc; it never goes back."""
        return passed(self.now, self.zone)

    def local(self, instant: datetime) -> datetime:
        """Return an aware instant on the study's wall clock, naive."""
        return wall_of(instant, self.zone)

    def instant(self, local: datetime) -> datetime:
        """Return the UTC instant at which `local_now` reaches a naive study-local moment."""
        return instant_of(local, self.zone)

    def findings(self, participant: Participant) -> tuple[GradedFinding, ...]:
        """Return a participant's graded findings in order of time; raise RuntimeError where grading broke."""
        if participant.usubjid in self.ungraded:
            raise RuntimeError(f"grading broke off: {self.ungraded[participant.usubjid]}")
        return self.graded.get(participant.usubjid, ())

    def hits_of(self, rule_ids: Iterable[str], usubjid: str) -> Iterator[Judgement]:
        """Yield the hits of rules that spoke before about a participant; raise RuntimeError where one of them failed.

        Only a rule whose kind `follows` those rules may ask.
        """
        for rule_id in rule_ids:
            if (rule_id, usubjid) in self.failed:
                raise RuntimeError(f"rule {rule_id} failed")
            yield from self.hits.get((rule_id, usubjid), ())
