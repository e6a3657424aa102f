"""One mail: what it says as a page, how that becomes text and HTML, and the frozen bytes that are sent.

It knows pages, templates and MIME. It must not know rules, decisions, recipients' roles, SQL or SMTP. Every mail is the
same sort of page, so there is one template for text and one for HTML; if either fails, the page goes out as built-in
plain text that says so.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from functools import cache
from importlib import resources
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from rules.hit import Urgency

TEMPLATES = Path(str(resources.files("alerts") / "templates"))

MAX_REFERENCES = 100
"""Threads that one mail may join: more would make a header that relays refuse."""

_POLICY = SMTP.clone(cte_type="7bit")  # 8-bit bytes need a relay that offers 8BITMIME
_HEADERS = _POLICY.clone(max_line_length=250)  # at 78 a long subject is folded before its first word


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A rendered mail for one recipient, frozen: `mime` is sent as it stands, however often it is tried."""

    purpose: str  # alert, amendment, digest, daily, operator, test
    urgency: Urgency
    recipient: str
    subject: str
    message_id: str
    mime: bytes
    decision_ids: tuple[int, ...]
    owed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A small table. Without a head its rows are pairs of label and value."""

    caption: str
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One decision as its reader needs it, in reading order."""

    heading: str
    status: str
    summary: str
    since: str  # what has ended the episode, beside its worst; '' while it goes on
    participant: str
    order: str  # hold or stop, in a sentence; '' for watch
    action: str
    protocol: str  # where it says so; '' where it does not
    reason: str
    circumstances: tuple[str, ...]  # what surrounded it in time: shown, not judged
    evidence: tuple[Grid, ...]
    others: tuple[str, ...]
    answer: tuple[str, str] | None  # what to do by command, and the command
    provenance: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a mail says, in reading order: a heading, warnings, sentences, tables, and decisions as cards."""

    study: str
    urgency: Urgency
    heading: str
    warnings: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    grids: tuple[Grid, ...] = ()
    cards: tuple[Card, ...] = ()
    footer: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What surrounds a page: everything that is not read in the mail's body."""

    study: str  # the study's id: first word of every subject
    sender: str
    purpose: str
    recipient: str
    subject: str  # without health data: subjects are never encrypted
    decision_ids: tuple[int, ...] = ()
    alert_ids: tuple[int, ...] = ()  # whose threads the mail joins
    calls: bool = True  # a person is called to act: an immediate mail is then marked as important


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail, and what went wrong with its template, in one sentence ('' if nothing)."""

    mail: Mail
    trouble: str = ""


def render(page: Page, envelope: Envelope, now: datetime) -> Rendered:
    """Render and freeze a mail owed at the aware instant `now`, in whatever zone it is given."""
    now = now.astimezone(UTC)
    try:
        text, html = _fill("mail.txt.j2", page), _fill("mail.html.j2", page)
    except Exception as error:  # noqa: BLE001 one template: the page goes out without it, and the fault is told
        trouble = one_line(f"a mail template failed: {type(error).__name__}: {error}")
        return Rendered(_freeze(_plain(page, trouble), None, page, envelope, now), trouble)
    return Rendered(_freeze(text, html, page, envelope, now))


@cache
def _environment(folder: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        autoescape=lambda name: name is not None and ".html" in name,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["aligned"] = _aligned
    return environment


def _fill(template: str, page: Page) -> str:
    return _environment(TEMPLATES).get_template(template).render(page=page)


def _aligned(grid: Grid) -> str:
    """Lay out a table for a text mail: columns padded to their widest cell."""
    lines = [row for row in (grid.head, *grid.rows) if row]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))] if lines else []
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join("  " + line.rstrip() for line in padded)


def _plain(page: Page, trouble: str) -> str:
    """Say everything a page says without any template."""
    lines = [f"{page.study}: {page.heading}", f"[{trouble}; the same facts in plain text]"]
    lines += [*page.warnings, *page.sentences]
    for grid in page.grids:
        lines += ["", grid.caption, _aligned(grid)]
    for card in page.cards:
        lines += ["", card.heading, card.status, card.summary]
        lines += [f"Since then {card.since}"] if card.since else []
        lines += [card.participant, card.order]
        lines += [f"To do: {card.action}" + (f" ({card.protocol})" if card.protocol else ""), f"Why: {card.reason}"]
        lines += [f"At the time: {'; '.join(card.circumstances)}"] if card.circumstances else []
        for grid in card.evidence:
            lines += [grid.caption, _aligned(grid)]
        lines += [*card.others, ": ".join(card.answer or ())]
        lines += [f"{label}: {value}" for label, value in card.provenance]
    return "\n".join([*lines, "", *page.footer]) + "\n"


# ------------------------------------------------------------------------------------------------ the frozen bytes


def thread_root(study: str, alert_id: int, sender: str) -> str:
    """Return the Message-ID of the mail that never was: the root of an alert's thread, the same for every mail."""
    return f"<alert-{_token(study)}-{alert_id}@{_domain(sender)}>"


def _freeze(text: str, html: str | None, page: Page, envelope: Envelope, now: datetime) -> Mail:
    """Write the MIME bytes, once."""
    subject = one_line(f"[vigil {envelope.study}] {envelope.subject}")
    identity = (envelope.study, envelope.purpose, envelope.recipient, subject, now.isoformat(), text)
    digest = hashlib.sha256("\0".join(identity).encode("utf-8", "replace")).hexdigest()[:32]
    message_id = f"<{digest}@{_domain(envelope.sender)}>"
    message = EmailMessage(policy=_POLICY)
    message["From"] = _mailbox(envelope.sender)
    message["To"] = _mailbox(envelope.recipient)
    message["Subject"] = subject
    message["Date"] = now
    message["Message-ID"] = message_id
    if roots := _roots(envelope):
        message["In-Reply-To"] = roots[-1]
        message["References"] = " ".join(roots)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    if page.urgency is Urgency.IMMEDIATE and envelope.calls:
        message["Importance"] = "high"
    message.set_content(_storable(text))
    if html is not None:
        message.add_alternative(_storable(html), subtype="html")
        message.set_boundary(f"vigil-{digest}")  # the default is random: the same facts must give the same bytes
    return Mail(
        purpose=envelope.purpose,
        urgency=page.urgency,
        recipient=envelope.recipient,
        subject=subject,
        message_id=message_id,
        mime=message.as_bytes(policy=_HEADERS),
        decision_ids=envelope.decision_ids,
        owed_at=now,
    )


def _roots(envelope: Envelope) -> Sequence[str]:
    alert_ids = dict.fromkeys(envelope.alert_ids)
    return [thread_root(envelope.study, number, envelope.sender) for number in list(alert_ids)[:MAX_REFERENCES]]


def _mailbox(address: str) -> Address | str:
    """Return a header value for an address; one that is none stays out of the header, and delivery refuses it."""
    try:
        return Address(addr_spec=address) if address.isascii() else "undisclosed-recipients:;"
    except (ValueError, IndexError):
        return "undisclosed-recipients:;"


def _domain(address: str) -> str:
    """Return the domain of our Message-IDs: the sender's, or its end where a header line cannot hold it all."""
    domain = address.rpartition("@")[2]
    if not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", domain):
        return "vigil.invalid"
    while len(domain) > 30 and "." in domain:
        domain = domain.partition(".")[2]
    return domain[-30:]


def _token(study: str) -> str:
    """Return a study's id as Message-IDs can carry it: itself if short and plain, else a hash."""
    if len(study) <= 16 and study.isascii() and study.replace("-", "").replace("_", "").isalnum():
        return study
    return hashlib.sha256(study.encode("utf-8", "replace")).hexdigest()[:16]


def one_line(text: str) -> str:
    """Fold whatever was said into one line: a header must not gain lines."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _storable(text: str) -> str:
    """Drop what no mail can carry: lone surrogates and control characters."""
    return "".join(c for c in text if c in "\n\t" or (c >= " " and not "\ud800" <= c <= "\udfff"))
