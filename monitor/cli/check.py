"""`vigil check`: everything that must hold before a night alone, each in one line."""

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
    """Check settings, rulebooks, sources, database and relay; nothing is kept and nothing is mailed."""
    given = read_settings(settings)
    well = True
    for what, faults in _lines(given):
        well = well and not faults
        mark = typer.style("fault", fg="red", bold=True) if faults else typer.style("ok   ", fg="green")
        typer.echo(f"{mark}  {what}{': ' if faults else ''}{'; '.join(faults)}")
    if not well:
        raise typer.Exit(Exit.FAULT)


def _lines(given: "Settings") -> Iterator[Line]:
    """Look at one thing after the other."""
    yield f"settings {given.file}", []
    for entry in given.study:
        yield from _study(given, entry)
    yield f"database {given.database}", _asked(lambda: _database(given))
    yield f"relay for {given.mail.sender}", _asked(lambda: _relay(given))


def _study(given: "Settings", entry: "StudyEntry") -> Iterator[Line]:
    from monitor.settings import SettingsError

    try:
        study = given.build_study(entry)
    except SettingsError as error:
        yield f"study {entry.id}", [str(error)]
        return
    header = study.rulebook.header
    rules = len(study.rulebook.rules)
    yield f"study {entry.id}: rulebook {header.name} {header.version}, {rules} rules, CTCAE {header.ctcae}", []
    yield f"study {entry.id}: source {entry.source.path}", study.source.check()


def _database(given: "Settings") -> list[str]:
    from pathlib import Path

    from alerts.store import Store
    from monitor.opening import SQLITE

    file = Path(given.database.removeprefix(SQLITE))
    if given.database.startswith(SQLITE) and not file.exists():
        return []  # made at the first start
    store = Store(given.database)
    try:
        return store.faults()
    finally:
        store.close()


def _relay(given: "Settings") -> list[str]:
    from alerts.mailer import reachable

    trouble = asyncio.run(reachable(given.relay()))
    return [trouble] if trouble else []


def _asked(look: Callable[[], list[str]]) -> list[str]:
    """Return what a look finds; what stands in its way is a finding too."""
    from sqlalchemy.exc import SQLAlchemyError

    from alerts.store import StoreError
    from monitor.settings import SettingsError

    try:
        return look()
    except (SettingsError, StoreError) as error:
        return [str(error)]
    except SQLAlchemyError as error:
        return [" ".join(str(getattr(error, "orig", error)).split())]
