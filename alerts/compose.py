"""Who is mailed what about the decisions of one sweep. Pure: decisions in, frozen mails out.

It knows the policy of telling. It must not know SQL, SMTP or the clock.

1. Only told decisions are mailed, one recipient per mail.
2. What was there when its rule first looked goes into one digest per recipient, as urgent as its most urgent entry.
3. Immediate: one mail per decision. Same-day: one mail per sweep, listing them all. Routine: left to the daily mail.
4. A correction or withdrawal is mailed alone, in its alert's thread, as urgent as the alert; very many in one sweep
   (another rulebook, a rebuilt export) go as one list.
5. Nobody is ever the recipient: an urgency without an officer falls to the officers of the next more urgent one, and
   if no officer is left the operators are told so.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from alerts.audience import Audience
from alerts.card import ACKNOWLEDGE, CLOSE, Circumstances, card_of, counted, taken_back, title_of
from alerts.daily_mail import compose_daily
from alerts.decide import Action, SavedDecision, StandingAlert
from alerts.listing import MANY_CARDS, listing, overview
from alerts.message import Envelope, Mail, Page, Rendered, render
from alerts.operator_mails import (
    about_failures,
    about_nobody_to_tell,
    about_templates,
    compose_failure,
    compose_refused,
    compose_test,
    footer,
)
from rules.hit import Failure, Urgency
from rules.rulebook import Rulebook

__all__ = ["compose", "compose_daily", "compose_failure", "compose_refused", "compose_test"]

MANY_AMENDMENTS = 10
"""Above this the amendments of one sweep to one recipient go as one list."""

AMENDING = frozenset({Action.AMEND, Action.RETRACT})


def compose(
    decisions: Sequence[SavedDecision],
    failures: Sequence[Failure],
    open_alerts: Sequence[StandingAlert],
    rulebook: Rulebook,
    audience: Audience,
    now: datetime,
) -> tuple[Mail, ...]:
    """Return the mails that one sweep owes, the most urgent first; `now` is the sweep's."""
    circumstances = Circumstances(rulebook=rulebook, audience=audience, open_alerts=open_alerts, now=now)
    told = sorted((saved for saved in decisions if saved.decision.told), key=_order(rulebook))
    rendered: list[Rendered] = []
    nobody: list[SavedDecision] = []
    inboxes: dict[str, list[SavedDecision]] = {}
    for saved in told:
        recipients = recipients_of(saved, circumstances)
        if not recipients:
            nobody.append(saved)
        for recipient in recipients:
            inboxes.setdefault(recipient, []).append(saved)
    for recipient, mine in inboxes.items():
        rendered += _mails_to(recipient, mine, circumstances)
    mails = [result.mail for result in rendered]
    mails += about_failures(audience, now, failures)
    mails += about_nobody_to_tell(audience, now, [title_of(saved) for saved in nobody])
    mails += about_templates(audience, now, list(dict.fromkeys(one.trouble for one in rendered if one.trouble)))
    return tuple(sorted(mails, key=lambda mail: -mail.urgency.rank))


def recipients_of(saved: SavedDecision, circumstances: Circumstances) -> tuple[str, ...]:
    """Return who is told of a decision: the operators of an operators' rule, else the officers of its urgency."""
    audience = circumstances.audience
    rule = circumstances.rule(saved.decision.judgement.rule_id)
    if rule is not None and rule.audience == "operator" and audience.operators:
        return tuple(dict.fromkeys(audience.operators))
    urgency = urgency_of(saved)
    more_urgent = sorted((u for u in Urgency if u.rank >= urgency.rank), key=lambda u: u.rank)
    less_urgent = sorted((u for u in Urgency if u.rank < urgency.rank), key=lambda u: -u.rank)
    lists = (audience.officers.get(u, ()) for u in (*more_urgent, *less_urgent))
    return tuple(dict.fromkeys(next((officers for officers in lists if officers), ())))


def urgency_of(saved: SavedDecision) -> Urgency:
    """Return how urgent a decision is: as its judgement says, an amendment not less than its alert, good news never."""
    decision = saved.decision
    if decision.action is Action.RECOVERED:
        return Urgency.ROUTINE
    urgencies = [decision.judgement.urgency]
    if decision.action in AMENDING and decision.alert is not None:
        urgencies.append(decision.alert.urgency)
    return max(urgencies, key=lambda urgency: urgency.rank)


def _order(rulebook: Rulebook) -> Callable[[SavedDecision], tuple[int, int, int, str, int]]:
    """Order decisions for a reader: urgency, consequence, the book's own order, participant, age."""
    places = {rule.id: place for place, rule in enumerate(rulebook.rules)}

    def key(saved: SavedDecision) -> tuple[int, int, int, str, int]:
        judgement = saved.decision.judgement
        place = places.get(judgement.rule_id, len(places))
        return -urgency_of(saved).rank, -judgement.consequence.rank, place, judgement.usubjid, saved.id

    return key


def _mails_to(recipient: str, mine: list[SavedDecision], circumstances: Circumstances) -> list[Rendered]:
    """Return the mails of one sweep to one recipient."""
    digest = [saved for saved in mine if saved.decision.at_first_sight]
    rest = [saved for saved in mine if not saved.decision.at_first_sight and urgency_of(saved) is not Urgency.ROUTINE]
    amendments = [saved for saved in rest if saved.decision.action in AMENDING]
    news = [saved for saved in rest if saved.decision.action not in AMENDING]
    immediate = [saved for saved in news if urgency_of(saved) is Urgency.IMMEDIATE]
    same_day = [saved for saved in news if urgency_of(saved) is Urgency.SAME_DAY]
    mails = [_alone(recipient, saved, circumstances) for saved in immediate]
    if len(amendments) <= MANY_AMENDMENTS:
        mails += [_alone(recipient, saved, circumstances) for saved in amendments]
    else:
        mails.append(_list(recipient, "amendment", "not as told before", amendments, circumstances))
    if same_day:
        mails.append(_list(recipient, "alert", "to look at today", same_day, circumstances))
    if digest:
        mails.append(_list(recipient, "digest", "present when first looked at", digest, circumstances))
    return mails


# ------------------------------------------------------------------------------------------------ pages


def _alone(recipient: str, saved: SavedDecision, circumstances: Circumstances) -> Rendered:
    """Render the mail of one decision."""
    urgency, action = urgency_of(saved), saved.decision.action
    number = f"alert no. {saved.alert_id}"
    words = {
        Action.NOTIFY: f"1 alert, no. {saved.alert_id} - act now",
        Action.RENOTIFY: f"{number}, worse - act now",
        Action.REINSTATE: f"{number}, stands again - act now",
        Action.REOPEN: f"{number}, goes on after it was closed - act now",
        Action.AMEND: f"{number}, amended",
        Action.RETRACT: f"{number}, {taken_back(saved)} and still open",
    }.get(action, "cannot be evaluated - look now")
    audience = circumstances.audience
    page = Page(
        study=f"{audience.study}: {audience.title}",
        urgency=urgency,
        heading=title_of(saved),
        cards=(card_of(saved, circumstances),),
        footer=footer(audience),
    )
    purpose = "amendment" if action in AMENDING else "alert"
    return render(page, _envelope(audience, purpose, recipient, f"{urgency}: {words}", [saved]), circumstances.now)


def _list(
    recipient: str, purpose: str, words: str, mine: list[SavedDecision], circumstances: Circumstances
) -> Rendered:
    """Render the mail of several decisions: as cards, or as one line each where there are many or it is a digest."""
    audience = circumstances.audience
    urgency = max((urgency_of(saved) for saved in mine), key=lambda u: u.rank)
    how_many = (
        f"{numbers(mine)}: {words}" if any(saved.alert_id is None for saved in mine) else f"{numbers(mine)} {words}"
    )
    brief = purpose == "digest" or len(mine) > MANY_CARDS
    commands = ("Evidence of one: vigil alerts show NUMBER", f"Acknowledge: {ACKNOWLEDGE.format('NUMBER')}")
    how = (*commands, f"Close: {CLOSE.format('NUMBER')}") if brief else ()
    page = Page(
        study=f"{audience.study}: {audience.title}",
        urgency=urgency,
        heading=how_many,
        sentences=overview(mine, circumstances) if brief else (),
        grids=listing(mine, circumstances) if brief else (),
        cards=() if brief else tuple(card_of(saved, circumstances) for saved in mine),
        footer=(*how, *footer(audience)),
    )
    act = ""
    if urgency is Urgency.IMMEDIATE and purpose != "amendment":
        blind = all(saved.alert_id is None for saved in mine if urgency_of(saved) is urgency)
        act = " - look now" if blind else " - act now"
    subject = f"{urgency}: {how_many}{act}"
    return render(page, _envelope(audience, purpose, recipient, subject, mine), circumstances.now)


def numbers(mine: Sequence[SavedDecision]) -> str:
    """Count what a list holds: alerts, how many of them are immediate, and apart from them what is none."""
    alerts = [saved for saved in mine if saved.alert_id is not None]
    immediate = sum(urgency_of(saved) is Urgency.IMMEDIATE for saved in alerts)
    among = f" ({immediate} immediate)" if 0 < immediate < len(alerts) else ""
    blind = sum(saved.decision.action is Action.CANNOT_TELL for saved in mine)
    said = [f"{counted(len(alerts), 'alert')}{among}"] if alerts else []
    said += [f"{blind} cannot be evaluated"] if blind else []
    if answers := len(mine) - len(alerts) - blind:
        said.append(counted(answers, "other answer"))
    return ", ".join(said)


def _envelope(
    audience: Audience, purpose: str, recipient: str, subject: str, mine: Sequence[SavedDecision]
) -> Envelope:
    return Envelope(
        study=audience.study,
        sender=audience.sender,
        purpose=purpose,
        recipient=recipient,
        subject=subject,
        decision_ids=tuple(saved.id for saved in mine),
        alert_ids=tuple(saved.alert_id for saved in mine if saved.alert_id is not None),
        calls=any(saved.decision.action is not Action.RETRACT for saved in mine),
    )
