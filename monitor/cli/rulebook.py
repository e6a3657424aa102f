"""`vigil rulebook`: a rulebook in words, or in figures: how much it alarms."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.exits import Exit, fail
from monitor.cli.given import SettingsOption, read_settings, the_store

if TYPE_CHECKING:
    from monitor.entries import StudyEntry
    from monitor.settings import Settings
    from rules.load import Load, RuleLoad
    from rules.rulebook import Rulebook

COHORTS, STEROID_COHORTS = 10, 5


def rulebook(
    name: Annotated[str, typer.Argument(metavar="FILE", help="A rulebook file, or the bare name of a shipped one.")],
    load: Annotated[
        bool,
        typer.Option(
            "--load",
            help="Print how much it alarms: of a study of --settings, else of synthetic people without a drug.",
        ),
    ] = False,
    study: Annotated[str | None, typer.Option(help="Which study of the settings.", show_default=False)] = None,
    settings: SettingsOption = None,
) -> None:
    """Print a rulebook in words that a physician can read and sign, or with --load how much it alarms."""
    from rules.rulebook import RulebookError, load_rulebook
    from rules.words import in_words

    if study is not None and not (load and settings):
        fail("--study goes with --load and --settings", Exit.USAGE)
    try:
        book = load_rulebook(name)
    except RulebookError as error:
        fail(error, Exit.SETTINGS)
    if not load:
        typer.echo(in_words(book))
    elif settings is None:
        _print_background(book)
    else:
        _print_study(book, settings, study)


def _print_background(book: "Rulebook") -> None:
    """Print what the book alarms of synthetic people who are given nothing."""
    from monitor.alarm_load import load_of_background
    from monitor.demo.swings import REALISTIC, STEROID

    found = load_of_background(book, REALISTIC, COHORTS)
    typer.echo(
        f"Synthetic: {COHORTS} cohorts of lupus patients whose values swing as people's do, and no drug effect.\n"
    )
    _print(found)
    steroid = load_of_background(book, STEROID, STEROID_COHORTS)
    typer.echo(f"With the swings that steroids cause: {_headline(steroid)}.")
    _end(found.failed + steroid.failed)


def _print_study(book: "Rulebook", file: Path, study: str | None) -> None:
    """Print what the book alarms of the records that stand in a study's ledger."""
    from zoneinfo import ZoneInfo

    from monitor.alarm_load import NeverSweptError, load_of_study

    given = read_settings(file)
    entry = _entry(given, study)
    with the_store(given) as store:
        try:
            found = load_of_study(book, store, entry.id, ZoneInfo(entry.timezone))
        except NeverSweptError as error:
            fail(error, Exit.USAGE)
    typer.echo(f"Study {entry.id}: the records that stand in the ledger at its last sweep.\n")
    _print(found)
    _end(found.failed)


def _entry(given: "Settings", study: str | None) -> "StudyEntry":
    """Return the study that is asked about; the only one need not be named."""
    found = [entry for entry in given.study if study in (None, entry.id)]
    if not found:
        fail(f"there is no study {study} in {given.file}", Exit.USAGE)
    if len(found) > 1:
        fail(f"name one with --study: {', '.join(entry.id for entry in found)}", Exit.USAGE)
    return found[0]


def _print(found: "Load") -> None:
    """Print the load of each rule, then all of it in one sentence."""
    from monitor.cli.terminal import counted, print_rows
    from rules.hit import Urgency
    from rules.load import PER_MONTHS

    urgencies = sorted(Urgency, key=lambda urgency: -urgency.rank)
    head = ("rule", "alerts", f"per {PER_MONTHS} months", *map(str, urgencies), "not evaluable", "title")
    rows = [
        (
            rule.rule_id,
            rule.total,
            _rate(found.rate(rule.total)),
            *(rule.alerts[urgency] for urgency in urgencies),
            _blind(rule),
            rule.title,
        )
        for rule in found.rules
    ]
    print_rows(head, rows, right=head[1:-1])
    typer.echo(f"\n{counted(found.participants, 'participant')}, {found.months:,.1f} participant-months at risk")
    typer.echo(f"{_headline(found)}.")


def _headline(found: "Load") -> str:
    """Say how many mails would have waked somebody."""
    from rules.hit import Urgency
    from rules.load import PER_MONTHS

    number = found.alerts(Urgency.IMMEDIATE)
    return f"immediate mails per {PER_MONTHS} participant-months: {_rate(found.rate(number))} ({number:,} in all)"


def _rate(rate: float | None) -> str:
    return "nobody at risk" if rate is None else f"{rate:.2f}"


def _blind(rule: "RuleLoad") -> str:
    """Say of how many the rule could not tell."""
    failed = f", failed {rule.failed}" if rule.failed else ""
    return (f"{rule.not_evaluable_share:.0%}" if rule.judged else "no data") + failed


def _end(failed: int) -> None:
    """End as a fault where rules broke: the figures are too low."""
    if failed:
        fail(f"rules failed {failed} times: the figures are not whole", Exit.FAULT)
