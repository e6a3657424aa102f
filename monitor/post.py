"""Deliver what is owed: every mail the ledger owes and that is due now, immediate ones first.

1. The attempt is written and committed before anything is sent.
2. The frozen bytes are handed to the relay, outside any transaction.
3. The attempt's end is written and committed.

A crash between 1 and 3 leaves an attempt without an end: whether the server took the mail is unknown, so the same
bytes go out again. At least once, never at most once. Trouble with the relay ends the round, for the next mail would
fare no better; every mail stays owed until the server has taken it or refused it for good, and of a refusal the
operators are told once.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from alerts.audience import Audience
from alerts.compose import compose_refused
from alerts.ledger.mails import Attempt, OwedMail, begin_attempt, end_attempt, owe, owed
from alerts.mailer import Outcome, Relay, send
from alerts.store import Store
from monitor import clock

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostResult:
    """How the deliveries of one round ended."""

    accepted: int = 0
    deferred: int = 0
    refused: int = 0
    unknown: int = 0
    fault: str = field(default="", compare=False)  # what the relay said of the last mail that it did not take


async def post_what_is_owed(
    store: Store,
    relay: Relay,
    sender: str,
    *,
    audiences: Mapping[str, Audience] | None = None,
    stop: asyncio.Event | None = None,
) -> PostResult:
    """Try once every mail that is due.

    `sender` is the envelope's; `audiences` (by study) names the operators to be told of a refusal; `stop` is honoured
    between mails.
    """
    ended: Counter[str] = Counter()
    fault = ""
    due = await asyncio.to_thread(_due, store, clock.now())
    while due:
        mail = due.pop(0)
        if stop is not None and stop.is_set():
            break
        outcome = await _deliver(store, relay, sender, mail, (audiences or {}).get(mail.study))
        if outcome is None:
            continue
        ended[outcome.outcome] += 1
        fault = fault if outcome.outcome == "accepted" else f"relay {relay}: {outcome.reply}"
        log.info("delivery", study=mail.study, notification=mail.id, outcome=outcome.outcome, code=outcome.code)
        if outcome.relay_trouble:
            log.warning("relay trouble", relay=str(relay), reply=outcome.reply)
            break
        if outcome.outcome == "accepted" and ended["accepted"] == 1:  # the relay is back: what waited for it is due
            due = await asyncio.to_thread(_due, store, clock.now())
    return PostResult(**ended, fault=fault)


def _due(store: Store, now: datetime) -> list[OwedMail]:
    with store.read() as session:
        return [mail for mail in owed(session, now) if mail.next_try_at <= now]


async def _deliver(
    store: Store, relay: Relay, sender: str, mail: OwedMail, audience: Audience | None
) -> Outcome | None:
    """Try one mail; None if somebody else has finished it meanwhile."""
    attempt = await asyncio.to_thread(_begin, store, mail, relay)
    if attempt is None:
        return None
    outcome = await send(relay, sender, mail.recipient, attempt.mime)
    await asyncio.to_thread(_end, store, mail, attempt, outcome, audience)
    return outcome


def _begin(store: Store, mail: OwedMail, relay: Relay) -> Attempt | None:
    with store.write() as session:
        return begin_attempt(session, mail.id, clock.now(), str(relay))


def _end(store: Store, mail: OwedMail, attempt: Attempt, outcome: Outcome, audience: Audience | None) -> None:
    """Write how the attempt ended and, in the same transaction, owe the operators a mail about a refusal.

    A refused operator mail owes no other: each operator had a copy, and two dead addresses must not tell each other
    for ever. It is counted, and the daily mail says so.
    """
    now = clock.now()
    with store.write() as session:
        end_attempt(session, attempt, now, outcome)
        if outcome.outcome == "refused" and mail.purpose != "operator" and audience is not None:
            told = compose_refused(audience, now, recipient=mail.recipient, subject=mail.subject, reply=outcome.reply)
            owe(session, mail.study, None, told)
