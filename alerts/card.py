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
from alerts.fields import changes, layout, without_changes, without_hidden
from alerts.message import Card, one_line
from rules.hit import Consequence, Evidence
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
    Action.RETRACT: "Does not meet the criterion any more. The alert stays open until a person closes it.",
    Action.CANNOT_TELL: "The rule is blind here, which is not the same as all clear.",
    Action.HOLD_BACK: "Told because the rule says so.",
}


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
        return f"Alert no. {saved.alert_id}"
    return "Cannot be evaluated" if saved.decision.action is Action.CANNOT_TELL else "Not an alert"


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
    changed = changes(told, judgement.evidence) if decision.action is Action.AMEND else None
    summary = say(judgement.summary, judgement.usubjid, known, audience)
    reason = without_changes(decision.reason) if changed else decision.reason
    order, evidence = _ORDERS[judgement.consequence], layout(judgement.evidence)
    if decision.action is Action.RETRACT:
        summary = f"No longer met: {summary}"
        order = order and f"Told before as {judgement.consequence}: it stands until a person releases it."
        evidence = tuple(replace(grid, caption=f"As last told: {grid.caption}") for grid in evidence)
    return Card(
        heading=title_of(saved),
        status=_STATUS.get(decision.action, f"{decision.action}."),
        summary=summary,
        participant=who(judgement.usubjid, audience),
        order=order,
        action=one_line(rule.action) if rule else "The rule is not in the rulebook now in force: ask the study team.",
        protocol=_protocol(rule),
        reason=say(reason, judgement.usubjid, known, audience),
        evidence=(*((changed,) if changed else ()), *evidence),
        others=tuple(_others(saved, circumstances)),
        acknowledge=f"vigil alerts ack {saved.alert_id}" if saved.alert_id is not None else "",
        provenance=_provenance(saved, rule, circumstances),
    )


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
        newest = sorted(here, key=lambda alert: -alert.id)[:MOST_OTHERS]
        said[1:1] = [
            f"No. {alert.id} ({alert.state}): {say(alert.summary, usubjid, alert.evidence, circumstances.audience)}"
            for alert in newest
        ]
        if len(here) > MOST_OTHERS:
            said.insert(-1, f"and {len(here) - MOST_OTHERS} more: vigil alerts list")
    return said


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
