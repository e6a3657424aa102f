"""`vigil alerts`: what is open, the whole story of one alert, and what a person does about it."""

import getpass
import json
import os
from collections.abc import Callable, Collection
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.exits import Exit, fail
from monitor.cli.given import SettingsOption, read_settings, the_store
from monitor.cli.terminal import console, counted, moment, print_rows

if TYPE_CHECKING:
    from sqlmodel import Session

    from alerts.ledger.history import Entry, Told
    from alerts.tables import Alert
    from monitor.settings import Settings

app = typer.Typer(
    no_args_is_help=True, help="List alerts, read one's story, acknowledge, close, add a note, enter a submission."
)

Number = Annotated[int, typer.Argument(metavar="NUMBER", help="The alert's number, as mails and `list` give it.")]
By = Annotated[str, typer.Option(help="Who does this; without it, the name of your login.", show_default=False)]

NOBODY = {"", "root", "vigil"}
"""Logins behind which nobody knows who sits."""

HEADS = {"accepted": "told", "refused": "not told"}
"""What a mail's last outcome means for its recipient; after any other it is still owed."""


class State(StrEnum):
    """Which alerts are listed."""

    NOT_CLOSED = "not-closed"
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"
    ALL = "all"


@app.command("list")
def list_them(
    study: Annotated[str | None, typer.Option(help="Only this study.", show_default=False)] = None,
    state: Annotated[State, typer.Option(help="Only alerts in this state.")] = State.NOT_CLOSED,
    settings: SettingsOption = None,
) -> None:
    """List alerts: the most urgent first, then the oldest."""
    given = read_settings(settings)
    from alerts.ledger import list_alerts, no_longer_judged
    from rules.hit import Urgency

    one = state.value if state in {State.OPEN, State.ACKNOWLEDGED, State.CLOSED} else None
    with the_store(given) as store, store.read() as session:
        found = [
            alert
            for alert in list_alerts(session, study=study, state=one)
            if state is not State.NOT_CLOSED or alert.state != "closed"
        ]
        blind = no_longer_judged(session, found)
    if study is not None and not found and study not in {entry.id for entry in given.study}:
        fail(f"there is no study {study} in {given.file}", Exit.USAGE)
    found.sort(key=lambda alert: (-Urgency(alert.urgency).rank, alert.opened_at, alert.id))
    head = ("number", "state", "urgency", "order", "study", "rule", "participant", "opened", "what")
    if found:
        print_rows(head, [_row(given, alert, _criterion(alert, blind)) for alert in found], right=("number",), long=1)
    typer.echo(f"{counted(len(found), 'alert')}{'' if state is State.ALL else f' {state}'.replace('-', ' ')}")


@app.command()
def show(number: Number, settings: SettingsOption = None) -> None:
    """Tell the whole story of an alert. What was seen and decided, why, who was told, and did the server take it."""
    given = read_settings(settings)
    from alerts.ledger import alert_history, no_longer_judged
    from alerts.tables import Alert

    with the_store(given) as store, store.read() as session:
        alert = session.get(Alert, number)
        if alert is None:
            fail(f"there is no alert {number}", Exit.USAGE)
        story = alert_history(session, number)
        zone = _zone(given, alert.study)
        _print_alert(alert, zone, _criterion(alert, no_longer_judged(session, [alert])))
        for entry in story:
            _print_entry(entry, zone)


@app.command()
def ack(
    numbers: Annotated[list[int], typer.Argument(metavar="NUMBER...", help="The alerts' numbers.", show_default=False)],
    note: Annotated[str, typer.Option(help="What is being done.")] = "",
    by: By = "",
    settings: SettingsOption = None,
) -> None:
    """Acknowledge: you have seen the alerts and take care of them. The first that cannot be acknowledged ends it."""
    from alerts.ledger import acknowledge, kept_by_acknowledging

    who = _person(by)

    def act(number: int) -> None:
        def seen(session: "Session", now: datetime) -> int:
            return acknowledge(session, number, who, note, now)

        _act(settings, number, seen, "acknowledged", lambda session: kept_by_acknowledging(session, number))

    for number in dict.fromkeys(numbers):
        act(number)


@app.command()
def close(
    number: Number,
    assessment: Annotated[str, typer.Option(help="Your assessment; an alert is not closed without one.")],
    note: Annotated[str, typer.Option(help="Anything else worth keeping.")] = "",
    by: By = "",
    settings: SettingsOption = None,
) -> None:
    """Close: the concern is dealt with, and a hold of dosing is released. Later evidence opens the alert again."""
    from alerts.ledger import close_alert, released_by_closing

    _act(
        settings,
        number,
        lambda session, now: close_alert(session, number, _person(by), assessment, note, now),
        "closed",
        lambda session: released_by_closing(session, number),
    )


@app.command()
def note(
    number: Number,
    text: Annotated[str, typer.Argument(help="What is to be kept with the alert.", show_default=False)] = "",
    said: Annotated[str, typer.Option("--note", help="The same, as an option.", show_default=False)] = "",
    by: By = "",
    settings: SettingsOption = None,
) -> None:
    """Add a note to an alert in whatever state."""
    from alerts.ledger import add_note

    if text and said:
        fail("give the note once: as TEXT or with --note", Exit.USAGE)
    words = text or said
    _act(settings, number, lambda session, now: add_note(session, number, _person(by), words, now), "noted")


@app.command()
def submitted(
    number: Number,
    on: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The day on which it was submitted.")],
    text: Annotated[str, typer.Option(help="What and to whom.")] = "",
    by: By = "",
    settings: SettingsOption = None,
) -> None:
    """Enter that a report about an adverse event was submitted, which stops a reporting clock.

    At the clock's own alert, that clock; at another alert about the event, the clock that is due first.
    """
    from alerts.ledger import enter_submission

    _act(
        settings,
        number,
        lambda session, now: enter_submission(session, number, _person(by), on.date(), text, now),
        f"submitted on {on:%Y-%m-%d}",
    )


@app.command(name="not-owed")
def not_owed(
    number: Number,
    why: Annotated[str, typer.Option(help="Why no report is owed, such as who found the event unrelated.")],
    by: By = "",
    settings: SettingsOption = None,
) -> None:
    """Enter at the alert of a reporting clock that no report is owed. Stops that clock, and no other."""
    from alerts.ledger import enter_not_owed

    _act(settings, number, lambda session, now: enter_not_owed(session, number, _person(by), why, now), "not owed")


def _act(
    settings: SettingsOption,
    number: int,
    do: "Callable[[Session, datetime], int]",
    done: str,
    meaning: "Callable[[Session], str]" = lambda session: "",
) -> None:
    """Write one act of a person in its own transaction, and say what it means beside, if anything."""
    given = read_settings(settings)
    from alerts.lifecycle import LifecycleError
    from monitor import clock

    try:
        with the_store(given) as store, store.write() as session:
            decision = do(session, clock.now())
            meant = meaning(session)
    except LifecycleError as error:
        fail(error, Exit.USAGE)
    typer.echo(f"alert {number}: {done} (decision {decision})")
    if meant:
        typer.echo(meant)


def _person(by: str) -> str:
    """Return who acts: the name given, else that of the login, also behind sudo; end where that says nothing."""
    if by:
        return by
    try:
        login = os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number without a name
        login = ""
    if login in NOBODY:
        fail("say who does this: --by NAME", Exit.USAGE)
    return login


def _zone(given: "Settings", study: str) -> str:
    """Return the zone of a study's wall clock; a study that is not in the settings any more is shown in UTC."""
    return next((entry.timezone for entry in given.study if entry.id == study), "UTC")


def _criterion(alert: "Alert", blind: Collection[int]) -> str:
    """Say how the rule stands to an alert now; `blind` holds the alerts of which it can no longer tell."""
    if alert.standing:
        return "met"
    return "can no longer be judged" if alert.id in blind else "no longer met"


def _row(given: "Settings", alert: "Alert", criterion: str) -> tuple[object, ...]:
    return (
        alert.id,
        alert.state if alert.standing else f"{alert.state} ({criterion})",
        alert.urgency,
        _order(alert),
        alert.study,
        alert.rule_id,
        alert.usubjid or "-",
        moment(alert.opened_at, _zone(given, alert.study)),
        alert.summary + (f"; SINCE THEN {alert.recovery}" if alert.recovery else ""),
    )


def _order(alert: "Alert") -> str:
    """Name a hold or stop, also of an alert that is taken back: closing it releases it; '-' where there is none."""
    return "-" if alert.consequence == "watch" or alert.state == "closed" else alert.consequence.upper()


def _print_alert(alert: "Alert", zone: str, criterion: str) -> None:
    """Print how the alert stands now."""
    out = console()
    out.print(f"[bold]Alert {alert.id}[/]  {alert.state}  {alert.urgency}  {alert.consequence}")
    out.print(alert.summary, markup=False, style="bold")
    facts = [
        ("study", alert.study),
        ("rule", alert.rule_id),
        ("participant", alert.usubjid or "none: about the source"),
        ("criterion", criterion),
        *((("since then", alert.recovery),) if alert.recovery else ()),
        ("opened", moment(alert.opened_at, zone)),
        ("acknowledged", moment(alert.acknowledged_at, zone) or "never"),
        ("closed", moment(alert.closed_at, zone) or "never"),
    ]
    for name, value in facts:
        out.print(f"  {name:13} {value}", markup=False)


def _print_entry(entry: "Entry", zone: str) -> None:
    """Print one decision with its reason, its evidence and who was told."""
    from alerts.ledger.projections import evidence_from_json

    out = console()
    made = entry.decision
    out.print(f"\n[bold]{moment(made.decided_at, zone)}  {made.action}[/]  by {made.author}  (decision {made.id})")
    if made.summary:
        out.print(f"  {made.summary}", markup=False)
    if made.reason:
        out.print(f"  {'why' if made.answer else 'said'}: {made.reason}", markup=False)
    if made.circumstances:
        out.print(f"  at the time: {'; '.join(json.loads(made.circumstances))}", markup=False)
    if made.submitted_on:
        out.print(f"  submitted on {made.submitted_on}", markup=False)
    if made.recovery:
        out.print(f"  since then {made.recovery}", markup=False)
    if made.answer:  # a person's act has none, nor a rulebook
        out.print(f"  rulebook {made.rulebook_sha256[:12]}, CTCAE {made.ctcae}", markup=False)
    for item in evidence_from_json(made.evidence):
        values = ", ".join(f"{name} {value}" for name, value in item.values)
        out.print(f"  evidence: {item.domain} record {item.key} (version {item.version}): {values}", markup=False)
    for told in entry.told:
        head = HEADS.get(told.outcome, "owed")
        out.print(f"  {head}: {told.recipient}, {_how_far(told, zone)}", markup=False)
    if made.told and not entry.told:
        out.print("  owed: goes with the daily mail")


def _how_far(told: "Told", zone: str) -> str:
    """Say how far a mail got: owed, or what the server said and when."""
    if not told.outcome:
        return f"owed since {moment(told.owed_at, zone)}, {counted(told.attempts, 'attempt')}"
    said = f"{told.code or ''} {told.reply}".strip()
    return (
        f"{told.outcome} {moment(told.ended_at, zone)} ({said}), {counted(told.attempts, 'attempt')}, {told.message_id}"
    )
