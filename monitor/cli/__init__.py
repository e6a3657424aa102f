"""The command line: one file per command, each loading what it needs when it runs and not before."""

from importlib.metadata import version
from typing import Annotated

import typer

from monitor.cli import alerts, boundary, check, database, demo, first, grade, mail, plan, rulebook, run, sweep
from monitor.cli.exits import MEANING

_CODES = "\n".join(f"  {code:d}  {words}" for code, words in MEANING.items())

app = typer.Typer(
    name="vigil",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain: faults of the command line are one line, and help starts in half the time
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Unattended safety monitoring of clinical trials: read, judge, decide, tell, and keep the evidence in SQL.",
    epilog=f"\b\nExit codes:\n{_CODES}",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"vigil {version('vigil-monitor')}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")]


@app.callback()
def _vigil(show: Version = False) -> None:
    """Hold what stands before a command."""


app.command("run")(run.run)
app.command("sweep")(sweep.sweep)
app.command("check")(check.check)
app.command("init")(first.init)
app.command("send-test")(mail.send_test)
app.command("grade")(grade.grade)
app.command("rulebook")(rulebook.rulebook)
app.command("plan")(plan.plan)
app.command("boundary")(boundary.boundary)
app.command("demo")(demo.demo)
app.add_typer(alerts.app, name="alerts")
app.add_typer(database.app, name="db")


def main() -> None:
    """Run the command line; the exit code says how it went (`monitor.cli.exits`)."""
    app(prog_name="vigil")
