"""The only SMTP: hands one frozen mail to the relay and says how that ended.

It knows the relay and what its replies mean. It must not know what a mail says, whom it is about, or the ledger. How a
delivery ends is a value, never an exception:

- accepted: the relay took the mail.
- refused: the relay will never take this mail for this recipient (5xx about the recipient or the content).
- deferred: not now (4xx), or the relay itself is in trouble (no connection, certificate, login, sender): try again.
- unknown: the mail was handed over and no reply came, so it may have been taken: send the same bytes again.
"""

import asyncio
import os
from dataclasses import dataclass, field
from typing import Literal

import aiosmtplib

from alerts.address import ADDRESS, is_loopback

DEADLINE_SECONDS = 60.0
"""The longest that one delivery may take; the client's own time limit is per command."""

LOGIN_CODES = frozenset({432, 454, 530, 534, 535, 538})
"""Replies of RFC 4954 about logging in: the relay's trouble at whatever stage they come."""

SERVICE_ENDS = 421

Stage = Literal["relay", "recipient", "content"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """The server that takes our mail. TLS is never opportunistic: `none` is for a relay on this machine only."""

    host: str
    port: int
    tls: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password: str = field(default="", repr=False)
    timeout: float = 20.0  # seconds, per command
    ca_file: str = ""  # certificates of an in-house authority, beside those of the system

    def __post_init__(self) -> None:
        """Refuse to send in clear over a network."""
        if self.tls == "none" and not is_loopback(self.host):
            raise ValueError(f"relay {self.host}: mail without TLS is for a relay on loopback only")

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def client(self) -> aiosmtplib.SMTP:
        """Return an unconnected client that insists on the TLS asked for."""
        return aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            username=self.username or None,
            password=self.password or None,
            use_tls=self.tls == "tls",
            start_tls=self.tls == "starttls",
            cert_bundle=self.ca_file or None,
            timeout=self.timeout,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one delivery ended. `code` and `reply` are the server's; without a code, `reply` is what we saw."""

    outcome: Literal["accepted", "deferred", "refused", "unknown"]
    code: int | None
    reply: str
    relay_trouble: bool = False  # the next mail would fare no better now


async def send(relay: Relay, sender: str, recipient: str, mime: bytes) -> Outcome:
    """Hand frozen bytes, unchanged, to the relay for one recipient."""
    for address in (sender, recipient):
        if not ADDRESS.fullmatch(address):
            return Outcome("refused", None, f"{address!r} is not one plain mail address")
    client = relay.client()
    stage: Stage = "relay"
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await client.connect()
            await client.mail(sender)
            stage = "recipient"
            await client.rcpt(recipient)
            stage = "content"
            taken = await client.data(mime)
    except Exception as error:  # noqa: BLE001 one delivery: whatever it raises becomes its outcome
        return _outcome(error, stage)
    else:
        await _part(client)
        return Outcome("accepted", taken.code, _one_line(taken.message))
    finally:
        client.close()


async def reachable(relay: Relay) -> str:
    """Connect, secure and log in, and send nothing; return '' or what went wrong in one sentence."""
    client = relay.client()
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await client.connect()
            await client.noop()
        await _part(client)
    except Exception as error:  # noqa: BLE001 one delivery's first half: told, not raised
        return f"relay {relay}: {_said(error)}"
    finally:
        client.close()
    return ""


async def _part(client: aiosmtplib.SMTP) -> None:
    """Say goodbye; what the server makes of that changes nothing."""
    try:
        async with asyncio.timeout(5):
            await client.quit()
    except (aiosmtplib.SMTPException, OSError, TimeoutError):
        return


def _outcome(error: Exception, stage: Stage) -> Outcome:
    """Classify a failed delivery by the stage it had reached and by the server's code, if it gave one."""
    code = error.code if isinstance(error, aiosmtplib.SMTPResponseException) else None
    if code is None or not 400 <= code < 600:  # silence, or something that is no reply
        if stage == "content":
            return Outcome("unknown", code, _said(error))
        return Outcome("deferred", code, _said(error), relay_trouble=True)
    if stage == "relay" or code in LOGIN_CODES or code == SERVICE_ENDS:
        return Outcome("deferred", code, _said(error), relay_trouble=True)
    return Outcome("refused" if code >= 500 else "deferred", code, _said(error))


def _said(error: Exception) -> str:
    """Return what the server or the network said, in one line."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return _one_line(f"{error.code} {error.message}")
    if isinstance(error, TimeoutError) and not str(error):
        return "no answer in time"
    cause = error.__cause__
    if isinstance(cause, ConnectionError) and cause.errno:
        return f"cannot connect: {os.strerror(cause.errno)}"
    return _one_line(str(error) or type(error).__name__)


def _one_line(text: str) -> str:
    """Fold a reply into one line of printable characters that any database stores."""
    printable = text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "")
    return " ".join(printable.split())[:500]
