"""`vigil sweep`: one look, now, and what came of it and why."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.exits import Exit, fail
from monitor.cli.given import SettingsOption, read_settings, refusing
from monitor.cli.terminal import console, counted, print_rows

if TYPE_CHECKING:
    from alerts.decide import SavedDecision
    from alerts.ledger import SweepResult
    from alerts.store import Store
    from monitor.settings import Settings
    from monitor.study import Study


def sweep(
    study: Annotated[
        list[str] | None, typer.Option(help="Only this study; may be repeated.", show_default=False)
    ] = None,
    no_mail: Annotated[bool, typer.Option("--no-mail", help="A dry look: nothing is kept, nothing is mailed.")] = False,
    settings: SettingsOption = None,
) -> None:
    """Sweep once, say what was found, and post what is owed."""
    given = read_settings(settings)
    from monitor import clock
    from monitor.logs import set_up_logs
    from monitor.sweep import run_sweep

    set_up_logs("console", "error")
    failed = []
    with refusing():
        studies = _chosen(given, study)
        with _database(given, dry=no_mail) as store:
            for chosen in studies:
                result = run_sweep(store, chosen, clock.now(), keep=not no_mail)
                _show(result, kept=not no_mail)
                failed += [f"study {result.study}: {result.error}"] if result.status == "failed" else []
            untold = "" if no_mail else _post(given, studies, store)
    if failed:
        fail(f"a sweep failed: {'; '.join(failed)}", Exit.SWEEP)
    if untold:
        fail(untold, Exit.MAIL)


def _chosen(given: "Settings", ids: Sequence[str] | None) -> "list[Study]":
    """Build the studies asked for, all of them if none is named."""
    for study_id in ids or ():
        if study_id not in {entry.id for entry in given.study}:
            fail(f"there is no study {study_id} in {given.file}", Exit.USAGE)
    return [given.build_study(entry) for entry in given.study if not ids or entry.id in ids]


@contextmanager
def _database(given: "Settings", *, dry: bool) -> "Iterator[Store]":
    """Open the database for a sweep; a dry look at a study never swept leaves not even a file behind."""
    from monitor.opening import alone, open_store, sqlite_file

    with ExitStack() as stack:
        url = given.database
        file = sqlite_file(url)
        if dry and file and not file.exists():
            url = f"sqlite:///{stack.enter_context(TemporaryDirectory())}/dry.db"
        if not dry:
            stack.enter_context(alone(url))
        yield stack.enter_context(open_store(url, create=True))


def _post(given: "Settings", studies: "Sequence[Study]", store: "Store") -> str:
    """Post what is owed; say in one sentence what was not accepted and what stays owed, '' if nothing."""
    from alerts.ledger.mails import owed
    from monitor import clock
    from monitor.post import post_what_is_owed

    audiences = {study.id: study.audience for study in studies}
    posted = asyncio.run(post_what_is_owed(store, given.relay(), given.mail.sender, audiences=audiences))
    with store.read() as session:
        left = len(owed(session, clock.now()))
    console().print(f"\nmails: {posted.accepted} accepted, {posted.refused} refused for good, {left} still owed")
    if not posted.fault and not left:
        return ""
    told = "not everybody was told" if posted.accepted else "NOBODY WAS TOLD"
    stay = f"{counted(left, 'mail')} {'stays' if left == 1 else 'stay'} owed" if left else "refused for good"
    return f"{told}: {posted.fault or 'none was due to be tried again'}; {stay}"


def _show(result: "SweepResult", *, kept: bool) -> None:
    """Print one sweep: rows by fate, what is told, and what is not told and why."""
    out = console()
    out.print(f"[bold]{result.study}[/]  {result.status} in {result.seconds:.1f} s{'' if kept else ', nothing kept'}")
    if result.status == "failed":
        return
    fates = [(name, f"{number:,}") for name, number in asdict(result.fates).items()]
    print_rows(("rows", "number"), fates, right=("number",))
    told = sorted(
        (saved for saved in result.decisions if saved.decision.told),
        key=lambda saved: -saved.decision.judgement.urgency.rank,
    )
    came = (
        f"{counted(result.judged, 'participant')} judged",
        f"{counted(len(told), 'decision')} to tell",
        f"{counted(result.mails, 'mail')} {'owed' if kept else 'would be owed'}",
    )
    out.print(f"\n{', '.join(came)}")
    if told:
        out.print(f"\n[bold]{'To tell' if kept else 'Would be told'}[/]")
        head = ("alert", "decision", "rule", "participant", "urgency", "grade", "what", "why")
        print_rows(head, [_told(saved) for saved in told], right=("alert", "grade"), long=2)
    silent = Counter(_silent(saved) for saved in result.decisions if not saved.decision.told)
    if silent:
        out.print(f"\n[bold]{'Written' if kept else 'Would be written'}, not told[/]")
        rows = [(number, *words) for words, number in sorted(silent.items(), key=lambda item: item[0])]
        print_rows(("times", "decision", "rule", "why"), rows, right=("times",), long=1)


def _told(saved: "SavedDecision") -> tuple[object, ...]:
    made, said = saved.decision, saved.decision.judgement
    return (
        saved.alert_id or "",
        made.action.value,
        said.rule_id,
        said.usubjid or "-",
        said.urgency.value,
        said.grade if said.grade is not None else "",
        said.summary,
        made.reason,
    )


def _silent(saved: "SavedDecision") -> tuple[str, str, str]:
    return saved.decision.action.value, saved.decision.judgement.rule_id, saved.decision.reason
