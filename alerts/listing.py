"""Many decisions on one page, one line each, by rule and then by participant: readable with four hundred of them.

It knows decisions and what may be shown to whom. It must not know templates, SQL or SMTP.
"""

from collections.abc import Sequence

from alerts.card import (
    HASH_HEAD,
    Circumstances,
    counted,
    moment,
    place_of,
    say,
    taken_back,
    to_do,
    to_do_when_taken_back,
    who,
)
from alerts.decide import Action, SavedDecision
from alerts.message import Grid, one_line
from rules.hit import Answer, Consequence, Urgency

MANY_CARDS = 30
"""Above this a mail shows one line per decision instead of a card."""

_MARKS = {
    Action.RENOTIFY: "worse than told before",
    Action.REINSTATE: "stands again",
    Action.REOPEN: "goes on after it was closed",
    Action.AMEND: "amended",
    Action.CANNOT_TELL: "cannot be evaluated",
    Action.RECOVERED: "open until closed",
    Action.RESOLVE: "no longer blind",
}


def overview(mine: Sequence[SavedDecision], circumstances: Circumstances) -> tuple[str, ...]:
    """Say in sentences how many decisions a list holds, how grave they are, and what they have in common."""
    judgements = [saved.decision.judgement for saved in mine]
    asking = [saved.decision.judgement for saved in mine if saved.decision.action is not Action.RETRACT]
    standing = [judgement for judgement in asking if judgement.answer is Answer.HIT]
    participants = len({judgement.usubjid for judgement in judgements} - {""})
    of = f", of {counted(participants, 'participant')}" if participants else ""
    book = circumstances.rulebook
    graver = [
        f"{count} {words}"
        for words, count in (
            ("immediate", sum(judgement.urgency is Urgency.IMMEDIATE for judgement in standing)),
            ("stop criteria", sum(judgement.consequence is Consequence.STOP for judgement in standing)),
            ("hold criteria", sum(judgement.consequence is Consequence.HOLD for judgement in standing)),
            ("that cannot be evaluated", sum(saved.decision.action is Action.CANNOT_TELL for saved in mine)),
        )
        if count
    ]
    first_words = dict.fromkeys(words for saved in mine if (words := _first_words(saved)))
    return (
        f"{len(mine)} in all{of}." + (f" Among them: {', '.join(graver)}." if graver else ""),
        *(f"Why now: {words}." for words in first_words),
        f"Rulebook {book.header.name} {book.header.version}, sha256 {book.sha256[:HASH_HEAD]}, "
        f"CTCAE {book.header.ctcae}; decided {moment(circumstances.now, circumstances.audience.timezone)}.",
    )


def listing(mine: Sequence[SavedDecision], circumstances: Circumstances) -> tuple[Grid, ...]:
    """Return a table per urgency, rule and what to do, as they first come up; in it by participant, then by age."""
    groups: dict[tuple[Urgency, str, str], list[SavedDecision]] = {}
    for saved in mine:
        judgement = saved.decision.judgement
        key = judgement.urgency, judgement.rule_id, _to_do(saved, circumstances)
        groups.setdefault(key, []).append(saved)
    return tuple(_grid(*key, group, circumstances) for key, group in groups.items())


def _to_do(saved: SavedDecision, circumstances: Circumstances) -> str:
    """Say what is to be done about a decision, '' where the rulebook in force does not know its rule."""
    rule = circumstances.rule(saved.decision.judgement.rule_id)
    if saved.decision.action is Action.RETRACT:
        return to_do_when_taken_back(saved, rule)
    return to_do(saved, rule) if rule else ""


def _grid(urgency: Urgency, rule_id: str, to_do: str, group: list[SavedDecision], circumstances: Circumstances) -> Grid:
    """Lay out the decisions of one rule, with what the protocol says to do."""
    rule = circumstances.rule(rule_id)
    named = circumstances.audience.show_usubjid
    ordered = sorted(group, key=lambda saved: (saved.decision.judgement.usubjid, saved.id))
    rows = []
    for saved in ordered:
        number = "-" if saved.alert_id is None else str(saved.alert_id)
        participant = (who(saved.decision.judgement.usubjid, circumstances.audience) or "-",) if named else ()
        rows.append((number, *participant, _what(saved, circumstances), place_of(saved)))
    title = f"{rule_id} {one_line(rule.title)}" if rule else f"{rule_id} (not in the rulebook now in force)"
    return Grid(
        caption=f"{title} ({urgency}): {len(group)}" + (f". To do: {to_do}" if to_do else ""),
        head=("No.", *(("Participant",) if named else ()), "What", "Ledger"),
        rows=tuple(rows),
    )


def _what(saved: SavedDecision, circumstances: Circumstances) -> str:
    """Say one decision in one line: hold or stop, the summary, what has ended it, what is not new about it."""
    judgement, action = saved.decision.judgement, saved.decision.action
    told = saved.decision.alert.evidence if saved.decision.alert is not None else ()
    since = f"; SINCE THEN {judgement.recovery}" if judgement.recovery else ""
    known = (*told, *judgement.evidence)
    summary = say(judgement.summary + since, judgement.usubjid, known, circumstances.audience)
    if action is Action.RETRACT:
        return f"{summary} ({taken_back(saved)}, open until closed)"
    order = "" if judgement.consequence is Consequence.WATCH else f"{judgement.consequence.upper()}: "
    if judgement.answer is not Answer.HIT:
        would_be = f", would be a {judgement.consequence.upper()} if met" if order else ""
        return f"{summary} ({_MARKS.get(action, action)}{would_be})"
    return f"{order}{summary}" + (f" ({_MARKS[action]})" if action in _MARKS else "")


def _first_words(saved: SavedDecision) -> str:
    """Return the words in which a decision says that its rule looks for the first time, '' if it does not."""
    decision = saved.decision
    words, colon, _ = decision.reason.partition(f": {decision.judgement.reason}")
    return one_line(words) if decision.at_first_sight and colon else ""
