"""What commands are given: the settings, and the database behind them, each refused in one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.exits import Exit, fail

if TYPE_CHECKING:
    from alerts.store import Store
    from monitor.settings import Settings

SettingsOption = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        "-s",
        envvar="VIGIL_SETTINGS",
        metavar="FILE",
        help="The settings file; without it ./vigil.toml, then /etc/vigil/vigil.toml.",
        show_default=False,
    ),
]


@contextmanager
def refusing() -> Iterator[None]:
    """End the command with one sentence when settings, rulebook or database cannot be used."""
    from sqlalchemy.exc import SQLAlchemyError

    from alerts.store import StoreError
    from monitor.settings import SettingsError

    try:
        yield
    except SettingsError as error:
        fail(error, Exit.SETTINGS)
    except StoreError as error:
        fail(error, Exit.DATABASE)
    except SQLAlchemyError as error:
        said = " ".join(str(getattr(error, "orig", error)).split())
        fail(f"the database cannot be used: {said}", Exit.DATABASE)


def read_settings(named: Path | None) -> "Settings":
    """Load the settings, and say what is wrong with them if they do not load."""
    from monitor.settings import SettingsError, find_settings, load_settings

    try:
        return load_settings(find_settings(named))
    except SettingsError as error:
        fail(error, Exit.SETTINGS)


@contextmanager
def the_store(settings: "Settings") -> Iterator["Store"]:
    """Open the database of the settings for one command."""
    from monitor.opening import open_store

    with refusing(), open_store(settings.database) as store:
        yield store
