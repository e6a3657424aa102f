"""`vigil init`: a first settings file, from options and, at a terminal, answers. It loads, or it is not written."""

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
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

Answers = dict[str, str]
"""What goes into the template, by name, as TOML."""

PLACE = re.compile(r"^(study .*?: |\[mail\]: )?([a-z_.]+( entry [0-9]+)?: )?")
"""Entry and field of a fault: whoever has just answered knows them."""


@dataclass(frozen=True, slots=True)
class Question:
    """A place of the template, its option, how it is asked for, and a value that stands there until it is answered."""

    name: str
    option: str
    words: str
    sample: str
    proposal: str | None = None


QUESTIONS = (
    Question("id", "--study", "Short id of the study", "S"),
    Question("title", "--title", "Title of the study", "S"),
    Question("studyid", "--studyid", "STUDYID as it stands in the data", "S"),
    Question("rulebook", "--rulebook", "Rulebook", "low_dose_il2_sle", "low_dose_il2_sle"),
    Question("timezone", "--timezone", "Time zone of the study", "UTC", "Asia/Shanghai"),
    Question("source", "--source", "Folder of SDTM files", "incoming", "incoming"),
    Question("officers", "--officer", "Safety officers (addresses, separated by spaces)", "a@example.org"),
    Question("operators", "--operator", "Operators (addresses, separated by spaces)", "a@example.org"),
    Question("sender", "--sender", "Address that mails come from", "a@example.org"),
    Question("host", "--smtp-host", "Mail relay", "localhost", "localhost"),
    Question("port", "--smtp-port", "Its port", "587", "587"),
    Question("tls", "--tls", "TLS: starttls, tls or none", "starttls", "starttls"),
)


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
    options = {
        "id": study,
        "title": title,
        "studyid": studyid,
        "rulebook": rulebook,
        "timezone": timezone,
        "source": str(source) if source else None,
        "officers": " ".join(officer) if officer else None,
        "operators": " ".join(operator) if operator else None,
        "sender": sender,
        "host": smtp_host,
        "port": None if smtp_port is None else str(smtp_port),
        "tls": tls,
    }
    fixed = {"login": _login(username, password_file), "database": json.dumps(database, ensure_ascii=False)}
    _write(settings, _text(_answered(settings, options, fixed)))


def _answered(settings: Path, options: Mapping[str, str | None], fixed: Mapping[str, str]) -> Answers:
    """Return what goes into the template: options are checked before anything is asked, each answer as it is given."""
    answers = {question.name: _toml(question.name, question.sample) for question in QUESTIONS} | dict(fixed)
    if fault := _fault(settings, answers):
        fail(f"--username, --password-file or --database: {fault}", Exit.USAGE)
    given = {name: value for name, value in options.items() if value is not None}
    for question in QUESTIONS:
        if question.name in given:
            answers[question.name] = _toml(question.name, given[question.name])
            if fault := _fault(settings, answers):
                fail(f"{question.option}: {fault}", Exit.USAGE)
            _warn(settings, question.name, given[question.name])
    missing = [question.option for question in QUESTIONS if question.proposal is None and question.name not in given]
    if missing and not sys.stdin.isatty():
        fail(f"there is no terminal to ask at: give {', '.join(missing)}", Exit.USAGE)
    for question in QUESTIONS:
        if question.name not in given:
            _ask(settings, question, answers)
    return answers


def _ask(settings: Path, question: Question, answers: Answers) -> None:
    """Ask until the settings would load with the answer; without a terminal its proposal must do."""
    at_terminal = sys.stdin.isatty()
    while True:
        answer = typer.prompt(question.words, default=question.proposal) if at_terminal else question.proposal
        answers[question.name] = _toml(question.name, str(answer).strip())
        fault = _fault(settings, answers)
        if not fault:
            _warn(settings, question.name, str(answer).strip())
            return
        if not at_terminal:
            fail(f"{question.option}: {fault}", Exit.USAGE)
        typer.echo(f"  {fault}", err=True)


def _fault(settings: Path, answers: Answers) -> str:
    """Say what the program would refuse in a file with these answers, '' if nothing: samples hold the other places."""
    from monitor.settings import SettingsError, parse_settings

    try:
        given = parse_settings(_text(answers), settings)
        given.build_rulebook(given.study[0])
    except SettingsError as error:
        return PLACE.sub("", str(error).removeprefix(f"settings {settings}: "))
    return ""


def _warn(settings: Path, name: str, answer: str) -> None:
    """Warn of a folder that is not there: it may come later."""
    folder = settings.absolute().parent / Path(answer).expanduser()
    if name == "source" and not folder.is_dir():
        typer.echo(f"  warning: there is no folder {folder} yet", err=True)


def _text(answers: Answers) -> str:
    return TEMPLATE.format_map(answers)


def _toml(name: str, answer: str) -> str:
    """Return an answer as TOML, whose strings escape as those of JSON; a port that is no number is refused later."""
    if name in {"officers", "operators"}:
        return json.dumps(answer.replace(",", " ").split(), ensure_ascii=False)
    if name == "port" and re.fullmatch(r"0|[1-9][0-9]{0,8}", answer):
        return answer
    return json.dumps(answer, ensure_ascii=False)


def _write(settings: Path, text: str) -> None:
    """Write the file, which is not there yet."""
    try:
        with settings.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        fail(f"{settings} cannot be written: {error.strerror}", Exit.FAULT)
    typer.echo(f"wrote {settings}; next: vigil check --settings {settings}")


def _login(username: str, password_file: Path | None) -> str:
    """Return the lines of a login, none where there is none."""
    lines = f"username = {_toml('username', username)}\n" if username else ""
    return lines + (f"password_file = {_toml('password_file', str(password_file))}\n" if password_file else "")
