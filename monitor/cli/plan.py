"""`vigil plan`: a participant's calendar of doses, samples, holds and reporting clocks, planned and actual."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.exits import Exit, fail
from monitor.cli.given import SettingsOption, read_settings, the_store
from monitor.cli.terminal import print_rows

if TYPE_CHECKING:
    from monitor.study import Study
    from rules.calendar import Line


def plan(
    usubjid: Annotated[str, typer.Argument(metavar="USUBJID", help="The participant, as DM names them.")],
    study: Annotated[str | None, typer.Option(help="Which study of the settings.", show_default=False)] = None,
    settings: SettingsOption = None,
) -> None:
    """Print what is planned for a participant and what became of it: doses, samples, holds, clocks."""
    given = read_settings(settings)
    studies = [one for one in given.studies() if study in (None, one.id)]
    if study is not None and not studies:
        fail(f"there is no study {study} in {given.file}", Exit.USAGE)
    with the_store(given) as store:
        from alerts.ledger import standing_view
        from monitor import clock
        from rules.calendar import calendar
        from rules.evaluate import context_with_hits

        now = clock.now()
        for one in studies:
            with store.read() as session:
                view = standing_view(session, one.id, one.zone, [usubjid])
            if any(participant.usubjid == usubjid for participant in view.participants):
                context = context_with_hits(one.rulebook, view, now, one.zone)
                _print(calendar(view.participants[0], one.rulebook, context), one, usubjid, context.local_now.date())
                return
    fail(f"no record of {usubjid} in {' or '.join(one.id for one in studies)}", Exit.USAGE)


def _print(lines: "tuple[Line, ...]", study: "Study", usubjid: str, today: date) -> None:
    """Print a calendar with a line that says where today is."""
    typer.echo(f"{study.id} {usubjid}, as the ledger has it; today is {today}\n")
    rows = [("" if line.on is None else f"{line.on:%a}", line.days, line.what, line.became) for line in lines]
    past = sum(1 for line in lines if line.on is not None and line.on < today)
    rows.insert(past, (f"{today:%a}", str(today), "--- today ---", ""))
    print_rows(("", "day", "what", "became of it"), rows)
