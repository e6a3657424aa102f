"""`vigil send-test`: does a mail arrive where it must?"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.exits import Exit, fail
from monitor.cli.given import SettingsOption, read_settings, refusing

if TYPE_CHECKING:
    from alerts.message import Mail
    from monitor.settings import Settings


def send_test(
    to: Annotated[
        list[str] | None,
        typer.Option(help="An address; without it, every address of the settings.", show_default=False),
    ] = None,
    settings: SettingsOption = None,
) -> None:
    """Send a test mail, and say whether the server took it. Nothing is written to the database."""
    given = read_settings(settings)
    from alerts.mailer import send
    from monitor import clock

    with refusing():
        relay = given.relay()
    failed = False
    for mail in _mails(given, to or [], clock.now()):
        outcome = asyncio.run(send(relay, given.mail.sender, mail.recipient, mail.mime))
        failed = failed or outcome.outcome != "accepted"
        typer.echo(f"{outcome.outcome:9} {mail.recipient}  {outcome.code or ''} {outcome.reply}".rstrip())
    if failed:
        fail(f"relay {relay} did not accept every mail", Exit.MAIL)


def _mails(given: "Settings", to: Sequence[str], now: datetime) -> "list[Mail]":
    """Return one test mail for each address asked for, or for each of the settings."""
    from alerts.operator_mails import compose_test

    mails: dict[str, Mail] = {}
    for entry in given.study:
        audience = given.audience(entry)
        if to:
            audience = replace(audience, officers={}, operators=tuple(to))
        for mail in compose_test(audience, now):
            mails.setdefault(mail.recipient, mail)
    return list(mails.values())
