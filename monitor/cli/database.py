"""`vigil db`: the schema, brought up to date by a person and looked at by anybody."""

import typer

from monitor.cli.exits import Exit, fail
from monitor.cli.given import SettingsOption, read_settings, refusing, the_store

app = typer.Typer(no_args_is_help=True, help="Bring the database's schema up to date, or say how it stands.")


@app.command()
def upgrade(settings: SettingsOption = None) -> None:
    """Make the database, or bring its schema to the newest version. Stop the daemon and make a copy first."""
    from alerts.store import Store
    from monitor.opening import alone

    url = read_settings(settings).database
    with refusing(), alone(url):
        store = Store(url)
        try:
            store.upgrade()
            faults = store.faults()
        finally:
            store.close()
    if faults:
        fail(f"database {url}: {'; '.join(faults)}", Exit.DATABASE)
    typer.echo(f"database {url}: the schema is the newest")


@app.command()
def status(settings: SettingsOption = None) -> None:
    """Say which database this is and whether schema and guards are whole."""
    given = read_settings(settings)
    with the_store(given) as store:
        typer.echo(f"database {given.database}: {store.describe()}; schema and guards are whole")
