"""Kind `serious_event`: an adverse event that is serious by AESER, any criterion of ICH E2A, or because it was fatal.

One judgement per event, never per row; each further criterion of an event is news. That AESER disagrees is
said beside; it must not know why: another kind tells that.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from rules.events import CRITERIA, Event, events_of, seriousness_of
from rules.hit import Judgement
from rules.kinds.about_events import about_event
from rules.kinds.dose_timing import emergence_doubt
from rules.records import Participant

if TYPE_CHECKING:
    from rules.context import Context
    from rules.rulebook import Rule


class When(BaseModel):
    """Nothing to choose: what is serious is ICH E2A's."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def judge(rule: "Rule", when: When, participant: Participant, context: "Context") -> Iterator[Judgement]:
    """Answer for each event: hit where serious, not evaluable where the rows cannot say."""
    for event in events_of(participant):
        seriousness = seriousness_of(event)
        if seriousness.serious is False:
            continue
        hit = seriousness.serious is True
        what = "Fatal adverse event" if event.fatal else "Serious adverse event"
        said = about_event(
            rule,
            participant,
            event,
            what if hit else "Seriousness unknown",
            (seriousness.why, _denied(event) if hit else "", emergence_doubt(event, participant, context)),
            hit=hit,
            told=hit or seriousness.unreadable,
        )
        yield replace(said, anchors=said.anchors | seriousness.signs, each_anchor_is_news=True)


def _denied(event: Event) -> str:
    """Say that the site does not call an event serious, '' where it does or leaves it open."""
    said = {row.aeser for row in event.rows}
    return "the site says not serious (AESER = N)" if "N" in said and "Y" not in said else ""


def describe(when: When) -> str:
    """Say the criterion in words."""
    criteria = ", ".join(f"{name.upper()} ({words})" for name, words in CRITERIA.items())
    return (
        f"An adverse event with AESER = Y, or with any of {criteria} = Y, or with the outcome FATAL, "
        "or of grade 5 (death). Rows that tell of the same event are one event, and one serious row makes it serious."
    )
