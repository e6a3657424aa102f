"""One decision as a reader needs it at 3 a.m.: what, who, on what evidence, what the protocol says, how to answer.

It knows decisions, the rulebook and what may be shown to whom. It must not know templates, SQL or SMTP.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from alerts.audience import Audience
from alerts.decide import Action, SavedDecision, StandingAlert
from alerts.fields import CHANGED, changes, layout, without_changes, without_hidden
from alerts.message import Card, one_line
from rules.hit import WHOLE_STUDY, Answer, Consequence, Evidence, Judgement
from rules.rulebook import Rule, Rulebook

HASH_HEAD = 12
"""Hex digits of a decision's hash that a mail carries: the officer's mailbox is the outside witness."""

MOST_OTHERS = 5
"""Other alerts of the same participant that a card names; of more it gives the number."""

_ORDERS = {
    Consequence.HOLD: "HOLD: no further dose until a person releases the hold.",
    Consequence.STOP: "STOP: the protocol ends dosing for this participant.",
    Consequence.WATCH: "",
}

_STATUS = {
    Action.NOTIFY: "New.",
    Action.RENOTIFY: "Worse than told before.",
    Action.REINSTATE: "Stands again: it had been taken back, and meets the criterion once more.",
    Action.REOPEN: "Open again: it goes on, on evidence that was not there when it was closed.",
    Action.AMEND: "Amended: what was told has been corrected at source. The alert stands.",
    Action.CANNOT_TELL: "The rule is blind here, which is not the same as all clear.",
    Action.RECOVERED: "A later result, or an entry, has ended the episode. A person still closes the alert.",
    Action.RESOLVE: "No longer blind.",
    Action.HOLD_BACK: "Told because the rule says so.",
}

ACKNOWLEDGE = 'vigil alerts ack {} --by "YOUR NAME"'
CLOSE = 'vigil alerts close {} --by "YOUR NAME" --assessment "YOUR ASSESSMENT"'
"""What a person types to answer an alert; the alert's number goes where the braces are."""


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What every card of a mail is made with: the book, the readers, the alerts that are not closed, the moment."""

    rulebook: Rulebook
    audience: Audience
    open_alerts: Sequence[StandingAlert]
    now: datetime  # when the decision was taken
    decided_by: str = ""  # SHA-256 of the rulebook that decided, where it is not the one in force

    def rule(self, rule_id: str) -> Rule | None:
        """Return a rule of the book in force; None if it is no longer in it."""
        return next((rule for rule in self.rulebook.rules if rule.id == rule_id), None)

    @cached_property
    def states(self) -> Mapping[int, str]:
        """The states of the alerts that are not closed, by number."""
        return {alert.id: alert.state for alert in self.open_alerts}

    @cached_property
    def by_participant(self) -> Mapping[str, list[StandingAlert]]:
        """The alerts that are not closed, by usubjid."""
        grouped: dict[str, list[StandingAlert]] = {}
        for alert in self.open_alerts:
            grouped.setdefault(alert.usubjid, []).append(alert)
        return grouped


def who(usubjid: str, audience: Audience) -> str:
    """Name a participant as far as the readers may know: by pseudonymous id, or not at all."""
    if not usubjid:
        return ""
    return one_line(usubjid) if audience.show_usubjid else "not named in mail: see the alert"


def say(sentence: str, usubjid: str, evidence: Sequence[Evidence], audience: Audience) -> str:
    """Return a sentence of a decision without what its readers may not know."""
    said = without_hidden(sentence, evidence)
    if usubjid and not audience.show_usubjid:
        in_keys = usubjid.replace("%", "%25").replace("/", "%2F")  # as record keys spell it
        for spelled in (one_line(usubjid), in_keys):
            said = said.replace(spelled, "(participant)")
    return said


def title_of(saved: SavedDecision) -> str:
    """Name what a decision is about, without health data."""
    if saved.alert_id is not None:
        retracted = saved.decision.action is Action.RETRACT
        return f"Alert no. {saved.alert_id}" + (f": {taken_back(saved)}" if retracted else "")
    names = {Action.CANNOT_TELL: "Cannot be evaluated", Action.RESOLVE: "Can be evaluated again"}
    return names.get(saved.decision.action, "Not an alert")


def taken_back(saved: SavedDecision) -> str:
    """Say why a retracted alert is one: its criterion is no longer met, or nobody can tell any more."""
    blind = saved.decision.judgement.answer is Answer.NOT_EVALUABLE
    return "can no longer be judged" if blind else "no longer met"


def place_of(saved: SavedDecision) -> str:
    """Say where a decision stands in the study's hash chain."""
    return f"{saved.seq} {saved.hash[:HASH_HEAD]}"


def card_of(saved: SavedDecision, circumstances: Circumstances) -> Card:
    """Make the card of one decision."""
    decision, judgement = saved.decision, saved.decision.judgement
    audience = circumstances.audience
    rule = circumstances.rule(judgement.rule_id)
    told = decision.alert.evidence if decision.alert is not None else ()
    known = (*told, *judgement.evidence)
    now = {Action.AMEND: judgement.evidence, Action.RETRACT: decision.corrected}.get(decision.action, ())
    changed = changes(told, now)
    reason = without_changes(decision.reason) if changed else decision.reason
    card = Card(
        heading=title_of(saved),
        status=_STATUS.get(decision.action, f"{decision.action}.") + _would_be(judgement),
        summary=say(judgement.summary, judgement.usubjid, known, audience),
        since=say(judgement.recovery, judgement.usubjid, known, audience),
        participant=who(judgement.usubjid, audience),
        order=_ORDERS[judgement.consequence] if judgement.answer is Answer.HIT else "",
        action=to_do(saved, rule),
        protocol=_protocol(rule),
        reason=say(reason, judgement.usubjid, known, audience),
        circumstances=tuple(one_line(words) for words in judgement.circumstances),
        evidence=(*((changed,) if changed else ()), *layout(judgement.evidence)),
        others=tuple(_others(saved, circumstances)),
        answer=_answer(saved, circumstances),
        provenance=_provenance(saved, rule, circumstances),
    )
    return _taken_back(card, saved, rule) if decision.action is Action.RETRACT else card


def to_do(saved: SavedDecision, rule: Rule | None) -> str:
    """Say what a person does about a decision that takes nothing back."""
    if rule is None:
        return "The rule is not in the rulebook now in force: ask the study team."
    if saved.decision.action is Action.RECOVERED:
        return "Look at what ended it. A hold or stop given for this alert stands until a person releases it."
    judgement = saved.decision.judgement
    if judgement.scope != WHOLE_STUDY:
        first = "Have what is missing supplied before the next dose. If the criterion is met: "
        return (first if _would_be(judgement) else "") + one_line(rule.action)
    if saved.decision.action is Action.RESOLVE:
        return "Nothing: its data has come, and everybody of whom there is any has been judged by it."
    return "Have the data delivered, or take the rule out of the rulebook: until then it watches nobody."


def _would_be(judgement: Judgement) -> str:
    """Say what would follow from a criterion of which nobody can tell: nothing follows before somebody can."""
    if judgement.answer is not Answer.NOT_EVALUABLE or judgement.consequence is Consequence.WATCH:
        return ""
    would_be = judgement.consequence.upper()
    return f" It would be a {would_be} if the criterion is met: nobody knows yet, so none is ordered."


def _taken_back(card: Card, saved: SavedDecision, rule: Rule | None) -> Card:
    """Turn the card of a retracted alert from what was asked when it was told to what is asked now."""
    because = taken_back(saved).capitalize()
    blind = saved.decision.judgement.answer is Answer.NOT_EVALUABLE
    status = f"{because}, which is not the same as all clear." if blind else "Does not meet the criterion any more."
    return replace(
        card,
        status=f"{status} The alert stays open until a person closes it.",
        summary=f"{because}: {card.summary}",
        order="",
        action=f"{to_do_when_taken_back(saved, rule)}: {CLOSE.format(saved.alert_id)}",
        protocol="",
        evidence=tuple(
            grid if grid.caption == CHANGED else replace(grid, caption=f"As last told: {grid.caption}")
            for grid in card.evidence
        ),
        answer=None,
    )


def to_do_when_taken_back(saved: SavedDecision, rule: Rule | None) -> str:
    """Say what a person does about a retracted alert: never again what was asked when it was told."""
    judgement = saved.decision.judgement
    if rule is None:
        first = "The rule is not in the rulebook now in force: ask the study team"
    elif judgement.usubjid:
        blind = judgement.answer is Answer.NOT_EVALUABLE
        first = "Check with the site whether the correction is right" + (" and what holds now" if blind else "")
    else:
        first = "Nothing to do if it is over"
    given = judgement.consequence is not Consequence.WATCH
    stands = f"A {judgement.consequence} given for this alert stands until a person releases it. " if given else ""
    return f"{stands}{first}, then close the alert"


def _answer(saved: SavedDecision, circumstances: Circumstances) -> tuple[str, str] | None:
    """Say what is typed to answer an alert, if there is one: acknowledge it, or close it where that is done."""
    if saved.alert_id is None:
        return None
    if circumstances.states.get(saved.alert_id) == "acknowledged":
        return "To close", CLOSE.format(saved.alert_id)
    return "To acknowledge", ACKNOWLEDGE.format(saved.alert_id)


def _protocol(rule: Rule | None) -> str:
    if rule is None or not rule.protocol_section:
        return "no protocol section named"
    return f"protocol: {one_line(rule.protocol_section)}" + (
        "; a choice of this rulebook" if rule.protocol_choice else ""
    )


def _others(saved: SavedDecision, circumstances: Circumstances) -> list[str]:
    """Say how many other alerts are open for this participant and in the study, and name a few of the former."""
    usubjid = saved.decision.judgement.usubjid
    elsewhere = [alert for alert in circumstances.open_alerts if alert.id != saved.alert_id]
    here = [alert for alert in circumstances.by_participant.get(usubjid, ()) if alert.id != saved.alert_id]
    waiting = sum(alert.state == "open" for alert in elsewhere)
    said = [f"In the study: {_number(elsewhere)}" + (f", {waiting} of them not acknowledged." if elsewhere else ".")]
    if usubjid:
        said.insert(0, f"For this participant: {_number(here)}.")
        gravest = sorted(here, key=lambda alert: (-alert.consequence.rank, -alert.urgency.rank, -alert.id))
        said[1:1] = [
            f"No. {alert.id} ({_standing_of(alert)}): "
            f"{say(alert.summary, usubjid, alert.evidence, circumstances.audience)}"
            for alert in gravest[:MOST_OTHERS]
        ]
        if len(here) > MOST_OTHERS:
            said.insert(-1, f"and {len(here) - MOST_OTHERS} more, none of them graver: vigil alerts list")
    return said


def _standing_of(alert: StandingAlert) -> str:
    """Say what a reader must know of another alert before its summary: hold or stop, urgency, state."""
    order = () if alert.consequence is Consequence.WATCH else (alert.consequence.upper(),)
    return ", ".join((*order, str(alert.urgency), alert.state + ("" if alert.standing else ", taken back")))


def _number(others: Sequence[StandingAlert]) -> str:
    return f"{counted(len(others), 'other alert')} not closed" if others else "no other alert"


def _provenance(saved: SavedDecision, rule: Rule | None, circumstances: Circumstances) -> tuple[tuple[str, str], ...]:
    """Say by which rule of which book, when, and where in the ledger."""
    judgement, book = saved.decision.judgement, circumstances.rulebook
    version = f"{book.header.name} {book.header.version}, sha256 {book.sha256[:HASH_HEAD]}"
    if circumstances.decided_by not in {"", book.sha256}:
        version = f"sha256 {circumstances.decided_by[:HASH_HEAD]}, not the one now in force"
    return (
        ("Rule", f"{judgement.rule_id} {rule.title if rule else '(not in the rulebook now in force)'}"),
        ("Rulebook", version),
        ("CTCAE", judgement.ctcae or book.header.ctcae),
        ("Decided", moment(circumstances.now, circumstances.audience.timezone)),
        ("Ledger", f"decision {saved.id}, chain {place_of(saved)}"),
    )


def counted(number: int, thing: str) -> str:
    """Return a number of things in words: 1 mail, 2 mails."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def moment(instant: datetime, timezone: str) -> str:
    """Write an instant in UTC and on the study's wall clock."""
    local = instant.astimezone(ZoneInfo(timezone))
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC ({local:%Y-%m-%d %H:%M} {timezone})"
