"""How much a rulebook alarms: its alerts by rule and urgency, over the months that participants were at risk.

It knows participants and what a rulebook said of them. It must not know mails, or where records come from.

An alert is a hit about a participant, which is one episode: however long it goes on, whether it grew worse, and whether
it is over, it counts once, as urgent as when all is known, and as one mail. Not counted are further mails of the same
episode (worse, a further record, a correction, recovery), hits that went away again with their rows, and answers about
the feed and about the whole study.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from rules.dtc import Dtc
from rules.evaluate import Evaluation
from rules.exposure import ZeroDose, first_dose
from rules.hit import Answer, Urgency
from rules.records import Participant
from rules.rulebook import Rulebook

MONTH_DAYS = 30.4375
"""A year of 365.25 days in twelve."""

PER_MONTHS = 40
"""The rate is told for this many participant-months: a month of the founding study."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLoad:
    """What one rule alarmed. `judged` is 0 for a rule that the study brings no data for."""

    rule_id: str
    title: str
    alerts: Mapping[Urgency, int]
    judged: int  # participants that the rule was asked about
    not_evaluable: int  # participants of whom it could not tell something, hit elsewhere or not
    failed: int = 0

    @property
    def total(self) -> int:
        """All alerts of the rule."""
        return sum(self.alerts.values())

    @property
    def not_evaluable_share(self) -> float:
        """The share of participants of whom the rule could not tell something; all of them where no data ever came."""
        return self.not_evaluable / self.judged if self.judged else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a rulebook alarmed of some participants over the time that they were at risk."""

    participants: int
    months: float
    rules: tuple[RuleLoad, ...]

    def rate(self, number: int) -> float | None:
        """Return a number as so many per forty participant-months; None where nobody was at risk."""
        return PER_MONTHS * number / self.months if self.months else None

    @property
    def failed(self) -> int:
        """How often a rule broke: then the figures are not whole."""
        return sum(rule.failed for rule in self.rules)

    def alerts(self, urgency: Urgency) -> int:
        """Count the alerts of that urgency, of all rules."""
        return sum(rule.alerts[urgency] for rule in self.rules)


def alarm_load(
    rulebook: Rulebook, participants: Sequence[Participant], evaluation: Evaluation, until: datetime
) -> Load:
    """Count what a rulebook said of these participants, whose records it saw as they stand at `until` (UTC)."""
    zero_dose = rulebook.header.zero_dose
    return Load(
        participants=len(participants),
        months=sum(months_at_risk(participant, zero_dose, until) for participant in participants),
        rules=tuple(_rule_loads(rulebook, len(participants), evaluation)),
    )


def together(loads: Sequence[Load]) -> Load:
    """Return what one rulebook alarmed of several cohorts as if they were one."""
    rules = []
    for same in zip(*(load.rules for load in loads), strict=True):
        first = same[0]
        rules.append(
            RuleLoad(
                rule_id=first.rule_id,
                title=first.title,
                alerts={urgency: sum(rule.alerts[urgency] for rule in same) for urgency in Urgency},
                judged=sum(rule.judged for rule in same),
                not_evaluable=sum(rule.not_evaluable for rule in same),
                failed=sum(rule.failed for rule in same),
            )
        )
    return Load(
        participants=sum(load.participants for load in loads),
        months=sum(load.months for load in loads),
        rules=tuple(rules),
    )


def months_at_risk(participant: Participant, zero_dose: ZeroDose, until: datetime) -> float:
    """Return the months from the first dose, or without one the first dated record, to the last dated record.

    Whole days, both counted; nothing after the day of `until`, so that a mistyped year makes no risk. 0 where no record
    has a day.
    """
    dates = [date.earliest.date() for date in _dates(participant) if date.has_day]
    dates = [day for day in dates if day <= until.date()]
    dosed = first_dose(participant, zero_dose)
    if not dates:
        return 0.0
    start = dosed.earliest.date() if dosed is not None and dosed.has_day else min(dates)
    return max(0, (max(dates) - start).days + 1) / MONTH_DAYS


def _dates(participant: Participant) -> Iterator[Dtc]:
    """Yield when something was seen or done in the study; medications and histories may have begun long before it."""
    found: Iterable[Dtc | None] = (
        *(finding.dtc for finding in participant.findings),
        *(dose.stdtc for dose in participant.doses),
        *(disposition.dsstdtc for disposition in participant.dispositions),
        *(event.aestdtc for event in participant.adverse_events),
    )
    yield from (date for date in found if date is not None)


def _rule_loads(rulebook: Rulebook, participants: int, evaluation: Evaluation) -> Iterator[RuleLoad]:
    """Yield the load of each rule about participants, in the order of the book."""
    alerts: Counter[tuple[str, Urgency]] = Counter()
    blind: dict[str, set[str]] = {}
    for said in evaluation.judgements:
        if said.answer is Answer.NOT_EVALUABLE:
            blind.setdefault(said.rule_id, set()).add(said.usubjid)
        elif said.answer is Answer.HIT and said.usubjid:
            alerts[said.rule_id, said.urgency] += 1
    failed = Counter(failure.rule_id for failure in evaluation.failures)
    for rule in rulebook.rules:
        if rulebook.kind_of(rule).level != "participant":
            continue
        unknown = blind.get(rule.id, set())
        no_data = "" in unknown
        yield RuleLoad(
            rule_id=rule.id,
            title=rule.title,
            alerts={urgency: alerts[rule.id, urgency] for urgency in Urgency},
            judged=0 if no_data else participants,
            not_evaluable=0 if no_data else len(unknown),
            failed=failed[rule.id],
        )
