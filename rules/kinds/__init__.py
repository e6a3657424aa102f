"""The kinds of rule. A kind is one file: a strict `When`, `judge`, `describe`; and one line here."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from pydantic import BaseModel

from rules.kinds import (
    adherence,
    criteria_count,
    dose_excess,
    dosed_on_hold,
    eligibility,
    expected_sample,
    fall_limits,
    feed,
    fever,
    fever_limits,
    infection,
    lab_toxicity,
    listed_event,
    liver_injury,
    liver_limits,
    medication,
    missed_dose,
    off_plan_dose,
    quiet_cohort,
    repeat_sample,
    reporting_clock,
    serious_event,
    seriousness_disagreement,
    unmatched_admission,
    unreadable_value,
    value_limit,
    worsened_event,
)
from rules.records import DOMAINS

if TYPE_CHECKING:
    from rules.context import Context
    from rules.hit import Due, Judgement
    from rules.rulebook import Rule


@dataclass(frozen=True)
class Kind:
    """One sort of rule.

    `judge(rule, when, subject, context)` yields judgements, and `Due` for moments at which time alone may change its
    answer; `subject` is a Participant, all of them for level "cohort", or the Feed for level "feed". `describe(when)`
    says the criterion in words a physician can sign.
    """

    when: type[BaseModel]
    judge: Callable[["Rule", Any, Any, "Context"], "Iterator[Judgement | Due]"]
    describe: Callable[[Any], str]
    domains: Callable[[Any], frozenset[str]]  # when the study brings none of these, the rule is not evaluable
    level: Literal["participant", "cohort", "feed"] = "participant"
    schedules: Callable[[Any], frozenset[str]] = lambda when: frozenset()  # of the dosing plan that it needs, if any
    tests: Callable[[Any], Iterable[str]] = lambda when: ()  # whose results are judged
    follows: Callable[[Any], tuple[str, ...]] = lambda when: ()  # the rules whose hits it asks for: judged after them
    names_results: bool = False  # whether its hits name the results that met the criterion


def _always(*domains: str) -> Callable[[Any], frozenset[str]]:
    """Name the domains of a kind that needs the same ones whatever it is asked."""
    return lambda when: frozenset(domains)


_ANY_PLAN = frozenset({"cycles", "daily", "weekly", "as collected"})

FEED_TROUBLES: tuple[str, ...] = get_args(feed.Trouble)
"""What can be wrong with a source; every rulebook watches for all of them."""

KINDS: dict[str, Kind] = {
    "adherence": Kind(
        adherence.When,
        adherence.judge,
        adherence.describe,
        _always("EC", "EX"),
        schedules=lambda when: frozenset({"cycles"}) if when.each_cycle else _ANY_PLAN,
    ),
    "dose_excess": Kind(dose_excess.When, dose_excess.judge, dose_excess.describe, _always("EC", "EX")),
    "criteria_count": Kind(
        criteria_count.When,
        criteria_count.judge,
        criteria_count.describe,
        lambda when: frozenset(when.domains),
        tests=lambda when: dict.fromkeys(test for criterion in when.criteria for test in criterion.tests),
    ),
    "dosed_on_hold": Kind(dosed_on_hold.When, dosed_on_hold.judge, dosed_on_hold.describe, _always("EC", "EX")),
    "eligibility": Kind(eligibility.When, eligibility.judge, eligibility.describe, _always("IE")),
    "expected_sample": Kind(
        expected_sample.When,
        expected_sample.judge,
        expected_sample.describe,
        _always("LB"),
        schedules=lambda when: frozenset({"cycles"} if when.before_cycles_days is not None else ()),
    ),
    "feed": Kind(feed.When, feed.judge, feed.describe, _always(), level="feed"),
    "fever": Kind(
        fever_limits.When,
        fever.judge,
        fever.describe,
        _always("VS"),
        tests=lambda when: (fever_limits.TEMPERATURE, fever_limits.NEUTROPHILS),
    ),
    "infection": Kind(infection.When, infection.judge, infection.describe, _always("AE")),
    "lab_toxicity": Kind(
        fall_limits.When,
        lab_toxicity.judge,
        lab_toxicity.describe,
        _always("LB"),
        tests=lambda when: (when.test,),
        names_results=True,
    ),
    "liver_injury": Kind(
        liver_limits.When,
        liver_injury.judge,
        liver_injury.describe,
        _always("LB"),
        tests=lambda when: liver_limits.TESTS,
        names_results=True,
    ),
    "listed_event": Kind(listed_event.When, listed_event.judge, listed_event.describe, _always("AE")),
    "medication": Kind(medication.When, medication.judge, medication.describe, _always("CM")),
    "missed_dose": Kind(
        missed_dose.When,
        missed_dose.judge,
        missed_dose.describe,
        _always("EC", "EX"),
        schedules=lambda when: _ANY_PLAN if when.against == "plan" else frozenset(),
    ),
    "off_plan_dose": Kind(
        off_plan_dose.When,
        off_plan_dose.judge,
        off_plan_dose.describe,
        _always("EC", "EX"),
        schedules=lambda when: (
            _ANY_PLAN - {"as collected"} if when.outside_windows else _ANY_PLAN if when.wrong_route else frozenset()
        ),
    ),
    "repeat_sample": Kind(
        repeat_sample.When,
        repeat_sample.judge,
        repeat_sample.describe,
        _always("LB", "VS", "EG", "QS"),
        follows=lambda when: tuple(when.after),
    ),
    "quiet_cohort": Kind(quiet_cohort.When, quiet_cohort.judge, quiet_cohort.describe, _always("AE"), level="cohort"),
    "reporting_clock": Kind(reporting_clock.When, reporting_clock.judge, reporting_clock.describe, _always("AE")),
    "serious_event": Kind(serious_event.When, serious_event.judge, serious_event.describe, _always("AE")),
    "seriousness_disagreement": Kind(
        seriousness_disagreement.When,
        seriousness_disagreement.judge,
        seriousness_disagreement.describe,
        _always("AE", "DM", "DS"),  # a death in DM or DS is seen in a study without any adverse event too
    ),
    "unmatched_admission": Kind(
        unmatched_admission.When, unmatched_admission.judge, unmatched_admission.describe, _always("HO")
    ),
    "unreadable_value": Kind(
        unreadable_value.When, unreadable_value.judge, unreadable_value.describe, _always(*DOMAINS)
    ),
    "value_limit": Kind(
        value_limit.When,
        value_limit.judge,
        value_limit.describe,
        lambda when: frozenset(when.domains),
        tests=lambda when: when.tests,
        names_results=True,
    ),
    "worsened_event": Kind(worsened_event.When, worsened_event.judge, worsened_event.describe, _always("AE")),
}
