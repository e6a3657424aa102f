"""`vigil db`: the schema, brought up to date by a person, and the ledger, looked at by anybody."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.exits import Exit, fail
from monitor.cli.given import SettingsOption, read_settings, refusing, the_store
from monitor.cli.terminal import counted

if TYPE_CHECKING:
    from sqlmodel import Session

    from monitor.settings import Settings

app = typer.Typer(
    no_args_is_help=True, help="Bring the database's schema up to date, say how it stands, or verify the ledger."
)

SYSTEM = ""
"""The chain of what belongs to no study."""


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


@app.command()
def verify(
    study: Annotated[str | None, typer.Option(help="Only this study.", show_default=False)] = None,
    link: Annotated[
        str | None,
        typer.Option(
            metavar="SEQ:HASH",
            help="A link as a mail of this study shows it (chain 61 fb7f1bec7642 is 61:fb7f1bec7642).",
            show_default=False,
        ),
    ] = None,
    settings: SettingsOption = None,
) -> None:
    """Prove by the hash chains that no decision and no delivery outcome was changed, slipped in or taken away."""
    anchor = _anchor(study, link)
    given = read_settings(settings)
    from alerts.ledger import chain_head, verify_chain

    well = True
    with the_store(given) as store, store.read() as session:
        for chain in _chains(given, session, study):
            faults = verify_chain(session, chain, anchor)
            well = well and not faults
            for fault in faults:
                typer.echo(f"{typer.style('fault', fg='red', bold=True)}  {fault}")
            if not faults:
                links = counted(chain_head(session, chain)[0], "link")
                witness = f", link {anchor[0]} as it was mailed" if anchor else ""
                typer.echo(f"{f'study {chain}' if chain else 'system'}: ok, {links}{witness}")
    if not well:
        raise typer.Exit(Exit.FAULT)


def _anchor(study: str | None, link: str | None) -> tuple[int, str] | None:
    """Read a link's number and the head of its hash; end where it is none, or nobody says of which study."""
    if link is None:
        return None
    if study is None:
        fail("--link needs --study: every study has a chain of its own", Exit.USAGE)
    match = re.fullmatch(r"([1-9][0-9]{0,17}):([0-9a-f]{12,64})", link.lower())
    if match is None:
        fail(f"--link: '{link}' is not SEQ:HASH with the hash as long as in the mail", Exit.USAGE)
    return int(match[1]), match[2]


def _chains(given: "Settings", session: "Session", study: str | None) -> list[str]:
    """Return whose chains to verify: the one asked for, else all in settings or ledger, and the system's."""
    from sqlmodel import select

    from alerts.tables import Chain, Decision

    known = {SYSTEM, *(entry.id for entry in given.study)}
    known |= {*session.exec(select(Chain.study).distinct()), *session.exec(select(Decision.study).distinct())}
    if study is None:
        return sorted(known)
    if study not in known:
        fail(f"there is no study {study} in {given.file}, nor in the ledger", Exit.USAGE)
    return [study]
