"""Mails about vigil itself, to those who run it: what failed, who could not be reached, whether mail works at all.

It knows what operators need. It must not carry health data: of a failure it names the rule and the sort of error,
never a value or a participant.
"""

import builtins
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from alerts.audience import Audience
from alerts.card import moment
from alerts.message import Envelope, Grid, Mail, Page, one_line, render
from rules.hit import Failure, Urgency

LONGEST_ERROR = 300
LONGEST_NAME = 60


def compose_failure(audience: Audience, now: datetime, error: str) -> tuple[Mail, ...]:
    """Return the mails about a sweep that failed; `error` begins with the exception's name."""
    sentences = (
        "A sweep failed. Nothing of it was kept, and nobody has judged what it would have read.",
        f"The error: {error_words(error)}",
        "The next sweep tries again by itself. If it fails too, the study is not being watched: run `vigil check`.",
    )
    return _to_operators(audience, now, "sweep failed - look now", "A sweep failed", sentences)


def compose_refused(audience: Audience, now: datetime, *, recipient: str, subject: str, reply: str) -> tuple[Mail, ...]:
    """Return the mails about a mail that the relay refused for good; none to the refused recipient itself."""
    sentences = (
        f"The relay refused a mail for good, and it will not be tried again. {one_line(recipient)} has NOT been told.",
        f"The mail: {one_line(subject)}",
        f"The relay said: {one_line(reply)}",
        "Tell the recipient by another way now, then correct the address in the settings.",
    )
    words, heading = "a mail was refused - somebody has not been told", "A mail was refused for good"
    return _to_operators(audience, now, words, heading, sentences, but=recipient)


def compose_test(audience: Audience, now: datetime) -> tuple[Mail, ...]:
    """Return a test mail for every officer and operator of a study."""
    recipients = everybody(audience)
    page = Page(
        study=f"{audience.study}: {audience.title}",
        urgency=Urgency.ROUTINE,
        heading="A test of mail delivery",
        sentences=(
            "This is a test. Nothing has happened, and nothing needs to be done.",
            f"If you can read it, alerts of this study reach you. Sent {moment(now, audience.timezone)}.",
        ),
        footer=footer(audience),
    )
    envelopes = (
        Envelope(
            study=audience.study, sender=audience.sender, purpose="test", recipient=one, subject="test of delivery"
        )
        for one in recipients
    )
    return tuple(render(page, envelope, now).mail for envelope in envelopes)


def about_failures(audience: Audience, now: datetime, failures: Sequence[Failure]) -> tuple[Mail, ...]:
    """Return the mails about rules that raised, one per operator and sweep; none where none did."""
    if not failures:
        return ()
    counted = Counter((one.rule_id, one.error.partition(":")[0].strip()[:60]) for one in failures)
    rows = tuple((rule_id, one_line(error), str(count)) for (rule_id, error), count in sorted(counted.items()))
    grid = Grid(caption="Rules that failed", head=("Rule", "Error", "Participants"), rows=rows)
    sentences = (
        "Rules failed where they should have judged. What they would have said about those participants is not known.",
        "Every other rule and participant was judged. The failures are in the ledger (table rule_failure).",
    )
    return _to_operators(audience, now, "rules failed - look now", "Rules failed", sentences, grid)


def about_nobody_to_tell(audience: Audience, now: datetime, about: Sequence[str]) -> tuple[Mail, ...]:
    """Return the mails about decisions that no officer could be told of; `about` names them without health data."""
    if not about:
        return ()
    sentences = (
        "Nobody to tell: the study has no safety officer for these, so no officer has been told.",
        f"Untold: {', '.join(about)}.",
        "Name recipients in the settings, and tell an officer by another way now (vigil alerts list).",
    )
    return _to_operators(audience, now, "nobody to tell - look now", "Nobody to tell", sentences)


def about_templates(audience: Audience, now: datetime, troubles: Sequence[str]) -> tuple[Mail, ...]:
    """Return the mails about templates that failed; `troubles` are sentences."""
    if not troubles:
        return ()
    sentences = ("Mails of this sweep went out in built-in plain text, with all their facts.", *troubles)
    return _to_operators(audience, now, "a mail template failed", "A mail template failed", sentences)


def error_words(error: str) -> str:
    """Return what of an error, written as "Class: message", may go out to blinded readers.

    The class always; the first line of the message only where the machine or the database's connection speaks, because
    any other may quote a row.
    """
    name, _, said = one_line((error.splitlines() or [""])[0]).partition(": ")
    kind = getattr(builtins, name, None)
    if name == "OperationalError" or (isinstance(kind, type) and issubclass(kind, OSError)):
        return f"{name}: {said}"[:LONGEST_ERROR]
    return f"{name[:LONGEST_NAME] or 'not named'} (in full in the ledger, table sweep: its words may quote data)"


def everybody(audience: Audience) -> tuple[str, ...]:
    """Return every officer and operator of a study, each once."""
    officers = (one for urgency in Urgency for one in audience.officers.get(urgency, ()))
    return tuple(dict.fromkeys((*officers, *audience.operators)))


def footer(audience: Audience) -> tuple[str, ...]:
    """Return the last lines of every mail."""
    return (f"Sent by vigil for study {audience.study}. Do not reply: answer with the command line or by telephone.",)


def _to_operators(
    audience: Audience,
    now: datetime,
    subject: str,
    heading: str,
    sentences: tuple[str, ...],
    *grids: Grid,
    but: str = "",
) -> tuple[Mail, ...]:
    """Render one mail per operator but one; where no operator is left, for everybody else instead."""
    recipients = [one for one in dict.fromkeys(audience.operators) if one != but]
    page = Page(
        study=f"{audience.study}: {audience.title}",
        urgency=Urgency.IMMEDIATE,
        heading=heading,
        sentences=(*sentences, f"Written {moment(now, audience.timezone)}."),
        grids=grids,
        footer=footer(audience),
    )
    envelopes = (
        Envelope(
            study=audience.study,
            sender=audience.sender,
            purpose="operator",
            recipient=one,
            subject=f"operator: {subject}",
        )
        for one in recipients or [one for one in everybody(audience) if one != but]
    )
    return tuple(render(page, envelope, now).mail for envelope in envelopes)
