"""The daily mail: vigil is alive, and this is what it saw. Its silence is itself an alarm.

It knows a day's figures and what may be shown of them. It must not know SQL, SMTP or the clock.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.audience import Audience
from alerts.card import HASH_HEAD, Circumstances, card_of, counted, moment, say, who
from alerts.decide import Action, SavedDecision, StandingAlert
from alerts.listing import MANY_CARDS, listing
from alerts.message import Card, Envelope, Grid, Mail, Page, Rendered, one_line, render
from alerts.operator_mails import about_templates, error_words, everybody, footer
from rules.hit import Urgency
from rules.rulebook import Rulebook

LATE = timedelta(hours=1)
"""A mail owed for longer is said aloud."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Untold:
    """A decision that no mail has told yet, and by which rulebook it was taken."""

    saved: SavedDecision
    decided_at: datetime
    rulebook_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyFacts:
    """What vigil saw of one study in the day up to now, and what is owed and open at this moment."""

    since: datetime
    sweeps_done: int = 0
    sweeps_failed: int = 0
    last_done: datetime | None = None  # of all time
    last_error: str = ""
    rows: Mapping[str, int] = field(default_factory=dict)  # fate -> rows, of the day's sweeps
    actions: Mapping[str, int] = field(default_factory=dict)  # action -> decisions, persons' acts too
    alerts: Mapping[tuple[Urgency, str], int] = field(default_factory=dict)  # (urgency, state) -> alerts not closed
    mails_owed: int = 0
    oldest_owed: datetime | None = None
    mails_dead: int = 0  # refused for good, of all time
    mails_dead_new: int = 0  # in this day
    not_evaluable: Mapping[str, int] = field(default_factory=dict)  # rule id -> participants, standing now
    failures: Mapping[str, int] = field(default_factory=dict)  # rule id -> times it raised in this day
    untold: tuple[Untold, ...] = ()
    open_alerts: tuple[StandingAlert, ...] = ()
    head: tuple[int, str] = (0, "")  # the chain's last number and hash


def compose_daily(audience: Audience, facts: DailyFacts, rulebook: Rulebook, now: datetime) -> tuple[Mail, ...]:
    """Return the daily mail to every officer and operator of a study.

    Decisions not told before go to the officers, those of operators' rules to the operators.
    """
    rendered = [_render(recipient, audience, facts, rulebook, now) for recipient in everybody(audience)]
    troubles = list(dict.fromkeys(one.trouble for one in rendered if one.trouble))
    return (*(one.mail for one in rendered), *about_templates(audience, now, troubles))


def _render(recipient: str, audience: Audience, facts: DailyFacts, rulebook: Rulebook, now: datetime) -> Rendered:
    circumstances = Circumstances(rulebook=rulebook, audience=audience, open_alerts=facts.open_alerts, now=now)
    mine = [one for one in facts.untold if recipient in _readers(one, circumstances)]
    saved = [one.saved for one in mine]
    judged = [one for one in saved if _can_be_judged_now(one)]
    rest = [one for one in mine if not _can_be_judged_now(one.saved)]
    brief = len(rest) > MANY_CARDS
    worries = tuple(_worries(facts, audience, now))
    news = (f"Not told before, and listed below: {len(mine)}.",) if mine else ()
    page = Page(
        study=f"{audience.study}: {audience.title}",
        urgency=Urgency.ROUTINE,
        heading="vigil is alive, and something needs a look" if worries else "vigil is alive",
        warnings=worries,
        sentences=(*_sentences(facts, audience, now), *news),
        grids=(
            *_grids(facts, rulebook),
            *_judged_now(judged, circumstances),
            *(listing([one.saved for one in rest], circumstances) if brief else ()),
        ),
        cards=() if brief else tuple(_card(one, circumstances) for one in rest),
        footer=footer(audience),
    )
    waiting = sum(count for (_, state), count in facts.alerts.items() if state == "open")
    envelope = Envelope(
        study=audience.study,
        sender=audience.sender,
        purpose="daily",
        recipient=recipient,
        subject=f"daily: {'LOOK' if worries else 'alive'}, {counted(sum(facts.alerts.values()), 'alert')} open, "
        f"{waiting} not acknowledged",
        decision_ids=tuple(one.id for one in saved),
    )
    return render(page, envelope, now)


def _readers(one: Untold, circumstances: Circumstances) -> tuple[str, ...]:
    """Return who reads a decision that no mail has told: every officer, or the operators for an operators' rule."""
    audience = circumstances.audience
    rule = circumstances.rule(one.saved.decision.judgement.rule_id)
    if rule is not None and rule.audience == "operator" and audience.operators:
        return tuple(audience.operators)
    return tuple(officer for officers in audience.officers.values() for officer in officers)


def _can_be_judged_now(saved: SavedDecision) -> bool:
    """Whether a decision says of a participant that what was told as not evaluable can be judged."""
    return saved.decision.action is Action.RESOLVE and saved.decision.judgement.usubjid != ""


def _judged_now(judged: Sequence[SavedDecision], circumstances: Circumstances) -> Iterator[Grid]:
    """Lay out, one line each, what can be judged now: a mail that would have been STOP must not be the last word."""
    if judged:
        audience = circumstances.audience
        rows = tuple(
            (said.rule_id, who(said.usubjid, audience), say(said.summary, said.usubjid, (), audience))
            for said in (one.decision.judgement for one in judged)
        )
        yield Grid(
            caption="Can be judged now (a hold or stop that it might have been stands only where an alert says so)",
            head=("Rule", "Participant", "What"),
            rows=rows,
        )


def _card(one: Untold, circumstances: Circumstances) -> Card:
    return card_of(one.saved, replace(circumstances, now=one.decided_at, decided_by=one.rulebook_sha256))


def _worries(facts: DailyFacts, audience: Audience, now: datetime) -> Iterator[str]:
    """Say what needs a look, the gravest first."""
    if not facts.sweeps_done:
        last = moment(facts.last_done, audience.timezone) if facts.last_done else "never"
        yield f"THE STUDY WAS NOT WATCHED: no sweep was done in this day. The last one done: {last}."
    if facts.sweeps_failed:
        yield f"{counted(facts.sweeps_failed, 'sweep')} failed. The last error: {error_words(facts.last_error)}"
    if facts.failures:
        rules = ", ".join(f"{rule_id} ({count})" for rule_id, count in sorted(facts.failures.items()))
        yield f"Rules failed where they should have judged: {rules}."
    if facts.mails_dead_new:
        yield f"{counted(facts.mails_dead_new, 'mail')} refused for good: the recipient has not been told."
    if facts.oldest_owed is not None and now - facts.oldest_owed > LATE:
        yield f"{counted(facts.mails_owed, 'mail')} not delivered, the oldest since {_at(facts.oldest_owed, audience)}."
    waiting = facts.alerts.get((Urgency.IMMEDIATE, "open"), 0)
    if waiting:
        yield f"{counted(waiting, 'immediate alert')} not acknowledged."


def _sentences(facts: DailyFacts, audience: Audience, now: datetime) -> Iterator[str]:
    """Say what was done in this day."""
    yield f"From {_at(facts.since, audience)} to {_at(now, audience)}."
    last = f" The last one: {_at(facts.last_done, audience)}." if facts.last_done else ""
    yield f"{counted(facts.sweeps_done, 'sweep')} done, {facts.sweeps_failed} failed.{last}"
    seq, head = facts.head
    yield f"The ledger ends at link {seq} {head[:HASH_HEAD]}. Keep this mail: it proves what stood there."


def _grids(facts: DailyFacts, rulebook: Rulebook) -> Iterator[Grid]:
    """Lay out the figures; a table without any is left out."""
    by_urgency = tuple(
        (str(urgency), str(facts.alerts.get((urgency, "open"), 0)), str(facts.alerts.get((urgency, "acknowledged"), 0)))
        for urgency in Urgency
    )
    yield Grid(caption="Alerts not closed", head=("Urgency", "Not acknowledged", "Acknowledged"), rows=by_urgency)
    for caption, figures in (("Rows read", facts.rows), ("Decisions", facts.actions)):
        rows = tuple((name, str(count)) for name, count in figures.items() if count)
        yield Grid(caption=caption, rows=rows or (("none", ""),))
    if facts.not_evaluable:
        titles = {rule.id: one_line(rule.title) for rule in rulebook.rules}
        blind = tuple((f"{rule} {titles.get(rule, '')}", str(n)) for rule, n in sorted(facts.not_evaluable.items()))
        yield Grid(caption="Not evaluable now", head=("Rule", "Participants"), rows=blind)
    mail = (("owed", str(facts.mails_owed)), ("refused for good, ever", str(facts.mails_dead)))
    yield Grid(caption="Mail", rows=mail)


def _at(instant: datetime, audience: Audience) -> str:
    return f"{instant.astimezone(ZoneInfo(audience.timezone)):%Y-%m-%d %H:%M}"
