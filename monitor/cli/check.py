"""`vigil check`: everything that must hold before a night alone; a line for each thing, and for each fault."""

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import typer

from monitor.cli.exits import Exit
from monitor.cli.given import SettingsOption, read_settings

if TYPE_CHECKING:
    from monitor.entries import StudyEntry
    from monitor.settings import Settings

Line = tuple[str, list[str]]
"""What was looked at, and what is wrong with it."""


def check(settings: SettingsOption = None) -> None:
    """Check settings, rulebooks, sources, database and relay. Nothing is kept, nothing is mailed."""
    given = read_settings(settings)
    well = True
    for what, faults in _lines(given):
        well = well and not faults
        for fault in faults:
            typer.echo(f"{typer.style('fault', fg='red', bold=True)}  {what}: {fault.removeprefix(f'{what}: ')}")
        if not faults:
            typer.echo(f"{typer.style('ok', fg='green')}     {what}")
    if not well:
        raise typer.Exit(Exit.FAULT)


def _lines(given: "Settings") -> Iterator[Line]:
    """Look at one thing after the other."""
    yield f"settings {given.file}", []
    for entry in given.study:
        yield from _study(given, entry)
    yield from _database(given)
    yield f"relay {given.mail.host}:{given.mail.port}", _asked(lambda: _relay(given))


def _study(given: "Settings", entry: "StudyEntry") -> Iterator[Line]:
    """Look at a study's rulebook, and at its source whatever the rulebook is like."""
    from monitor.settings import SettingsError

    here = f"settings {given.file}: study {entry.id}: "
    try:
        book = given.build_rulebook(entry)
        words = f"{book.header.name} {book.header.version}, {len(book.rules)} rules, CTCAE {book.header.ctcae}"
        yield f"study {entry.id}: rulebook {words}", []
    except SettingsError as error:
        yield f"study {entry.id}", [str(error).removeprefix(here)]
    try:
        yield f"study {entry.id}: source {entry.source.path}", given.build_source(entry).check()
    except SettingsError as error:
        yield f"study {entry.id}", [str(error).removeprefix(here)]


def _database(given: "Settings") -> Iterator[Line]:
    from monitor.opening import open_store, sqlite_file

    def look() -> list[str]:
        with open_store(given.database):
            return []

    what = f"database {given.database}"
    file = sqlite_file(given.database)
    if file and not file.exists():
        yield f"{what}: made at the first start", []
    else:
        yield what, _asked(look)


def _relay(given: "Settings") -> list[str]:
    from alerts.mailer import reachable

    trouble = asyncio.run(reachable(given.relay()))
    return [trouble] if trouble else []


def _asked(look: Callable[[], list[str]]) -> list[str]:
    """Return what a look finds; what stands in its way is a fault too."""
    from sqlalchemy.exc import SQLAlchemyError

    from alerts.store import StoreError
    from monitor.settings import SettingsError

    try:
        return look()
    except (SettingsError, StoreError) as error:
        return [str(error)]
    except SQLAlchemyError as error:
        return [" ".join(str(getattr(error, "orig", error)).split())]
