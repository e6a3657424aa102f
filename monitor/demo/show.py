"""How the demonstration looks at a terminal: the bar and lines of the replay, and the tables at its end.

It knows rich and what was found. It must not ask the ledger, nor judge.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from alerts.decide import CALLING, Action
from monitor.demo.found import Found
from monitor.demo.place import DATABASE, LOG
from monitor.demo.verdict import Kept, Verdict
from monitor.settings import Settings
from rules.hit import Urgency

_TOLD = CALLING | {Action.AMEND, Action.RETRACT}
_WORDS = {
    Action.NOTIFY: "alert",
    Action.RENOTIFY: "worse",
    Action.REINSTATE: "again",
    Action.REOPEN: "reopened",
    Action.AMEND: "corrected",
    Action.RETRACT: "taken back",
}
_KEPT = {Kept.YES: "[green]yes[/]", Kept.NO: "[bold red]NO[/]", Kept.NOT_REACHED: "[dim]not reached[/]"}


def make_progress(console: Console) -> Progress:
    """Return the bar of the replay; its task has a field `mails`."""
    return Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("day {task.completed:.0f} of {task.total:.0f} · {task.fields[mails]} mails ·"),
        TimeElapsedColumn(),
        console=console,
        expand=True,
    )


def notable(found: Iterable[Found], first_day: date) -> list[str]:
    """Return a line for each thing that somebody was told."""
    return [
        f"{_when(same[0].day, first_day)}  {_who(same[0]):8}  {same[0].rule:7}  "
        f"[{_colour(same[0])}]{_WORDS[same[0].action]:10}[/]  {_what(same)}"
        for same in _alike(found)
    ]


def alerted(found: Iterable[Found], first_day: date) -> Table:
    """Return the table of what was told, when and on what evidence."""
    table = _table("What was alerted, when and on what evidence", "Day", "Who", "Rule", "Told as")
    table.add_column("What, and on what evidence", ratio=1, overflow="fold")
    for same in _alike(found):
        first = same[0]
        urgency = f"\n[{_colour(first)}]{first.urgency}[/]" if first.action in CALLING else ""
        told = f"[{_colour(first)}]{_WORDS[first.action]}[/]{urgency}"
        shown = f"\n[dim]{escape(first.evidence)}[/]" if first.evidence and first.action in CALLING else ""
        what = f"{_what(same)}: {escape(first.reason)}{shown}"
        table.add_row(_when(first.day, first_day), _who(first), first.rule, told, what)
    return table


def _alike(found: Iterable[Found]) -> Iterator[list[Found]]:
    """Yield what somebody was told; what was told of the feed in one sweep for one reason is one thing."""
    groups: dict[tuple[object, ...], list[Found]] = {}
    for f in found:
        if f.action in _TOLD and f.taken:
            key = (f.id,) if f.usubjid else (f.day, f.rule, f.action, f.reason)
            groups.setdefault(key, []).append(f)
    yield from groups.values()


def _what(same: Sequence[Found]) -> str:
    """Say what was told, and of how many more."""
    return escape(same[0].summary) + (f" and {len(same) - 1} more" if len(same) > 1 else "")


def held_back(found: Iterable[Found], verdicts: Sequence[Verdict]) -> Table:
    """Return the table of what was deliberately not alerted, and why: traps of the script, then what was held back."""
    table = _table("What was deliberately not alerted, and why", "Rule")
    table.add_column("Whom, and what", ratio=1, overflow="fold")
    table.add_column("Why", ratio=1, overflow="fold")
    for verdict in verdicts:
        incident = verdict.incident
        if not incident.must and verdict.kept is Kept.YES:
            rules = " ".join(sorted({rule.removesuffix("-") for never in incident.never for rule in never.rules}))
            who = f"SYN-{incident.who:03d}: " if incident.who else ""
            table.add_row(rules or "any", who + escape(incident.at_source), escape(incident.vigil))
    table.add_section()
    # The last word on each concern; that a young study has no rows of a domain yet is no choice of anybody's.
    answers = (Action.HOLD_BACK, Action.CANNOT_TELL)
    last = {(f.rule, f.usubjid, f.scope): f for f in found if f.action in answers and f.usubjid and f.scope != "domain"}
    reasons: dict[tuple[str, Action, str], list[str]] = {}
    for f in last.values():
        reasons.setdefault((f.rule, f.action, f.reason), []).append(f.usubjid)
    for (rule, action, reason), usubjids in sorted(reasons.items()):
        people = sorted(set(usubjids))
        more = f" and {len(people) - 3} more" if len(people) > 3 else ""
        why = f"{'cannot tell: ' if action is Action.CANNOT_TELL else ''}{reason}"
        table.add_row(rule, f"{', '.join(people[:3])}{more}", escape(why))
    return table


def kept(verdicts: Iterable[Verdict], first_day: date) -> Table:
    """Return the table of the script: what happened at the source, and whether vigil did what it must."""
    table = _table("The script: did vigil do what it must?", "Day", "Who")
    table.add_column("At the source", ratio=1, overflow="fold")
    table.add_column("vigil must", ratio=1, overflow="fold")
    table.add_column("Did")
    for verdict in verdicts:
        incident = verdict.incident
        who = f"SYN-{incident.who:03d}" if incident.who else "the feed"
        asked = escape(incident.vigil) + (f"\n[red]{escape(verdict.why)}[/]" if verdict.why else "")
        at_source = f"[bold]{escape(incident.title)}[/]: {escape(incident.at_source)}"
        table.add_row(_when(verdict.day, first_day), who, at_source, asked, _KEPT[verdict.kept])
    return table


def sums(numbers: Mapping[str, int], mails: Counter[tuple[str, str]], load: float) -> str:
    """Return the counts: what was looked at, what was decided, what was mailed, and the load of false alarms."""
    counts = ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in numbers.items())
    sorts = ", ".join(f"{number} {purpose} ({urgency})" for (purpose, urgency), number in sorted(mails.items()))
    return (
        f"[bold]Ledger[/]      {counts}\n"
        f"[bold]Mails[/]       {mails.total()} taken by the server: {sorts}\n"
        f"[bold]Alarm load[/]  {load:.2f} immediate mails per 40 participant-months beside the script\n"
    )


def places(folder: Path, settings: Settings, database: str) -> str:
    """Return where everything lies, and the commands to go on with."""
    vigil = Path(sys.argv[0]) if Path(sys.argv[0]).name == "vigil" else Path("vigil")
    file, relay = folder / "vigil.toml", f"{settings.mail.host}:{settings.mail.port}"
    return (
        f"[bold]Database[/]    {folder / DATABASE}, {database}\n"
        f"[bold]Mails[/]       {folder / 'mails'}\n"
        f"[bold]Incoming[/]    {folder / 'incoming'}\n"
        f"[bold]Metrics[/]     {folder / 'metrics.txt'}, as served on {settings.web.host}:{settings.web.port}\n"
        f"[bold]Log[/]         {folder / LOG}\n"
        f"[bold]Settings[/]    {file}\n\n"
        "[bold]To go on[/]\n"
        f"  {vigil} alerts list --settings {file}   [dim]what is open[/]\n"
        f"  {vigil} demo --keep   [dim]once more, then go on as the daemon, mail server included[/]\n"
        f"  {vigil.with_name('python')} -m aiosmtpd -n -l {relay}   [dim]a mail server that prints what it takes[/]\n"
        f"  {vigil} run --settings {file}   [dim]the daemon, beside that mail server[/]\n"
    )


def _table(title: str, *columns: str) -> Table:
    table = Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, expand=True, pad_edge=False
    )
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def _when(day: int, first_day: date) -> str:
    return f"{day:3d} {first_day + timedelta(days=day):%d %b}"


def _who(f: Found) -> str:
    return f.usubjid or "the feed"


def _colour(f: Found) -> str:
    if f.action in {Action.AMEND, Action.RETRACT}:
        return "green"
    return {Urgency.IMMEDIATE.value: "bold red", Urgency.SAME_DAY.value: "yellow"}.get(f.urgency, "cyan")
