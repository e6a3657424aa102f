"""`vigil init`: a first settings file, from options and, at a terminal, answers. It loads, or it is not written."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.exits import Exit, fail

TEMPLATE = """\
# Settings of vigil. Relative paths count from this file's folder. `vigil check` says whether all of it holds.

database = {database}

# Who is told of failed sweeps, refused files and mail trouble.
operators = {operators}

# tls is starttls, tls, or none for a relay on this machine.
[mail]
host = {host}
port = {port}
tls = {tls}
{login}sender = {sender}

# studyid is STUDYID as it stands in the data. rulebook is the name of a shipped one, or a .toml file.
# daily_at is study-local: when a mail says that vigil is alive.
[[study]]
id = {id}
title = {title}
studyid = {studyid}
rulebook = {rulebook}
timezone = {timezone}
sweep_every = "15m"
daily_at = "08:00"

# same_day and routine may name others.
[study.recipients]
immediate = {officers}

[study.source]
kind = "sdtm-folder"
path = {source}
"""


def _option(words: str) -> typer.models.OptionInfo:
    made: typer.models.OptionInfo = typer.Option(help=words, show_default=False)
    return made


def init(
    settings: Annotated[Path, typer.Option("--settings", "-s", metavar="FILE", help="The file to write.")] = Path(
        "vigil.toml"
    ),
    study: Annotated[str | None, _option("A short id of the study: letters, digits, - and _.")] = None,
    title: Annotated[str | None, _option("The study's title in mails.")] = None,
    studyid: Annotated[str | None, _option("STUDYID as it stands in the data.")] = None,
    rulebook: Annotated[str | None, _option("A shipped rulebook's name, or a .toml file.")] = None,
    timezone: Annotated[str | None, _option("The study's IANA time zone.")] = None,
    source: Annotated[Path | None, _option("The folder of SDTM files.")] = None,
    officer: Annotated[list[str] | None, _option("Who is mailed about alerts; may be repeated.")] = None,
    operator: Annotated[list[str] | None, _option("Who is mailed about vigil itself; may be repeated.")] = None,
    sender: Annotated[str | None, _option("The address that mails come from.")] = None,
    smtp_host: Annotated[str | None, _option("The relay that takes mail.")] = None,
    smtp_port: Annotated[int | None, _option("Its port.")] = None,
    tls: Annotated[str | None, _option("starttls, tls, or none for a relay on this machine.")] = None,
    username: Annotated[str, _option("The relay's login, if it wants one.")] = "",
    password_file: Annotated[Path | None, _option("The file that holds the login's password.")] = None,
    database: Annotated[str, typer.Option(help="A database URL.")] = "sqlite:///data/vigil.db",
) -> None:
    """Write a first settings file; what no option says is asked. An existing file is never overwritten."""
    if settings.exists():
        fail(f"{settings} exists and is left as it is", Exit.USAGE)
    text = TEMPLATE.format(
        id=_quoted(_asked(study, "--study", "Short id of the study")),
        title=_quoted(_asked(title, "--title", "Title of the study")),
        studyid=_quoted(_asked(studyid, "--studyid", "STUDYID as it stands in the data")),
        rulebook=_quoted(_asked(rulebook, "--rulebook", "Rulebook", "low_dose_il2_sle")),
        timezone=_quoted(_asked(timezone, "--timezone", "Time zone of the study", "Asia/Shanghai")),
        source=_quoted(_asked(source, "--source", "Folder of SDTM files", "incoming")),
        officers=_addresses(officer, "--officer", "Safety officers (addresses, separated by spaces)"),
        operators=_addresses(operator, "--operator", "Operators (addresses, separated by spaces)"),
        sender=_quoted(_asked(sender, "--sender", "Address that mails come from")),
        host=_quoted(_asked(smtp_host, "--smtp-host", "Mail relay", "localhost")),
        port=_asked(smtp_port, "--smtp-port", "Its port", "587"),
        tls=_quoted(_asked(tls, "--tls", "TLS: starttls, tls or none", "starttls")),
        login=_login(username, password_file),
        database=_quoted(database),
    )
    _write(settings, text)


def _write(settings: Path, text: str) -> None:
    """Write the file if it loads."""
    from monitor.settings import SettingsError, parse_settings

    try:
        given = parse_settings(text, settings)
    except SettingsError as error:
        fail(f"nothing written: {error}", Exit.SETTINGS)
    try:
        with settings.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        fail(f"{settings} cannot be written: {error.strerror}", Exit.FAULT)
    typer.echo(f"wrote {settings}, which watches {given.study[0].id}; next: vigil check --settings {settings}")


def _asked(value: object, option: str, question: str, proposal: str | None = None) -> str:
    """Return an option's value, or ask for it; without a terminal a proposal stands, and without one it ends."""
    if value is not None:
        return str(value)
    if sys.stdin.isatty():
        return str(typer.prompt(question, default=proposal))
    if proposal is None:
        fail(f"{option} is missing", Exit.USAGE)
    return proposal


def _addresses(values: Sequence[str] | None, option: str, question: str) -> str:
    """Return addresses as a TOML list."""
    return json.dumps(list(values) if values else _asked(None, option, question).replace(",", " ").split())


def _login(username: str, password_file: Path | None) -> str:
    """Return the lines of a login, none where there is none."""
    lines = f"username = {_quoted(username)}\n" if username else ""
    return lines + (f"password_file = {_quoted(str(password_file))}\n" if password_file else "")


def _quoted(value: str) -> str:
    """Return a TOML string: its escapes are those of JSON."""
    return json.dumps(value, ensure_ascii=False)
