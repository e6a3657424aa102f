"""Decide what to do about each judgement: one pure function, one named action and one reason for every decision.

It knows judgements, the alerts that stand and the answers already written. It must not know SQL, mail or the clock.

1. A hit whose anchors overlap those of an alert of the same rule, participant and scope is that alert: nothing new
   unless it is worse (a graver grade or consequence, or a step further out than told), was corrected, goes on, or had
   been retracted or closed. What is both corrected and news is news, with the correction. Any other hit opens an alert.
2. An alert whose rule was able to look again and no longer hits is retracted: told, and left for a person to close.
3. Another answer is written once, and again only when it changes. What was told as not evaluable and can be judged now
   is told of. What a rule that was blind for the whole study finds at its first sight goes into one digest.
4. A later result that ended an episode is told once and routinely, and closes nothing; corrected away, the episode
   goes on and that is told.
5. A rule that failed for a participant leaves everything about that participant as it was.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from rules.extent import further, name_of
from rules.hit import EVERYTHING, WHOLE_STUDY, Answer, Consequence, Evidence, Extent, Judgement, Urgency


class Action(StrEnum):
    """What can be done about a judgement, and what a person can do about an alert."""

    NOTIFY = "notify"  # a new episode
    RENOTIFY = "notify again"  # the same episode, worse: a graver grade, further out, one more test
    REINSTATE = "reinstate"  # a retracted hit is a hit again
    REOPEN = "reopen"  # a person closed it, and evidence has come that was not there then
    EXTEND = "extend"  # the same episode goes on, within a step of what was told: written, not mailed
    RECOVERED = (
        "recovery"  # a later result or entry has ended the episode: told, and the alert stays for a person to close
    )
    AMEND = "amend"  # still a hit, but what was told has been corrected at source
    RETRACT = "retract"  # no longer a hit: corrected or withdrawn at source, not evaluable, or another rulebook
    HOLD_BACK = "hold back"  # deliberately not told: the reason says why
    CANNOT_TELL = "cannot tell"  # not evaluable
    RESOLVE = "resolve"  # an answer written before no longer holds
    ACKNOWLEDGE = "acknowledge"
    CLOSE = "close"
    NOTE = "note"
    SUBMITTED = "submitted"  # a report about the event was submitted: stops a reporting clock, and nothing else
    NOT_OWED = "not owed"  # a person found that no report is owed: stops its clock, and nothing else


CALLING = frozenset({Action.NOTIFY, Action.RENOTIFY, Action.REINSTATE, Action.REOPEN})
"""Actions that call a person to a concern, for the first time or again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingAlert:
    """An alert as far as deciding needs it."""

    id: int
    rule_id: str
    usubjid: str
    scope: str
    anchors: frozenset[str]
    state: str  # open, acknowledged, closed
    standing: bool
    summary: str
    grade: int | None  # last told
    urgency: Urgency
    consequence: Consequence
    evidence: tuple[Evidence, ...]  # as last told
    extent: tuple[Extent, ...] = ()  # as last told; () of an alert told before extents were written
    recovery: str = ""  # as last told; '' while the episode goes on
    opened_at: datetime


Answers = Mapping[tuple[str, str, str], tuple[Answer, str]]
"""(rule id, usubjid, scope) -> the answer other than hit that stands written, and its reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What was told and written before, and what the source has taken back since."""

    alerts: tuple[StandingAlert, ...] = ()
    answers: Answers = field(default_factory=dict)
    told_blind: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    """The key of a standing answer that was told as not evaluable -> its summary as told."""
    withdrawn: frozenset[tuple[str, str]] = frozenset()  # (domain, record key) of rows that are withdrawn now
    current: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)
    """(domain, record key) of rows told in another version than the one that stands -> what they say now, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """Whom and what this sweep was able to judge.

    `new_rules` maps the rules that look for the first time to the words that say so: their hits were there before and
    are told in one digest.
    """

    usubjids: frozenset[str]  # judged now; '' stands for the feed and the cohort
    rule_ids: frozenset[str]  # in the rulebook now in force
    failed: frozenset[tuple[str, str]] = frozenset()  # (rule id, usubjid)
    unasked: frozenset[str] = frozenset()  # rules about the whole cohort, which was not looked at
    new_rules: Mapping[str, str] = field(default_factory=dict)
    rulebook_changed: bool = False
    set_back_from: datetime | None = None  # where the clock stood, if it was set back since the last sweep

    def covers(self, rule_id: str, usubjid: str) -> bool:
        """Whether silence about this rule and participant is an answer."""
        asked = usubjid in self.usubjids and rule_id not in self.unasked
        return asked and (rule_id, usubjid) not in self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is done about a judgement, and why. `alert` is the standing one it is about, None where a new one opens."""

    action: Action
    reason: str
    judgement: Judgement
    alert: StandingAlert | None = None
    told: bool = True
    at_first_sight: bool = False
    corrected: tuple[Evidence, ...] = ()  # of a retraction: told records with the values that the source gives now


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedDecision:
    """A decision as the ledger holds it: its id, its alert's id, and its place in the study's hash chain."""

    decision: Decision
    id: int
    alert_id: int | None
    seq: int
    hash: str


def decide(judgements: Iterable[Judgement], standing: Standing, sight: Sight) -> tuple[Decision, ...]:
    """Return what is new to do about the judgements of one sweep; unchanged ones yield nothing."""
    said = list(judgements)
    sight = _with_the_awake(said, standing.answers, sight)
    hits = [j for j in said if j.answer is Answer.HIT]
    others = {_key(j): j for j in said if j.answer is not Answer.HIT}
    matched = _match(hits, standing.alerts)
    decisions = [d for hit in hits if (d := _about_hit(hit, matched.get(id(hit)), standing, sight))]
    decisions += [d for alert in standing.alerts if (d := _about_silence(alert, hits, others, standing, sight))]
    decisions += [
        _resolve(key, answer, _sees_again(key, standing) if key[0] in sight.rule_ids else "")
        for key, answer in standing.answers.items()
        if (key not in others and (sight.covers(key[0], key[1]) or key[0] not in sight.rule_ids))
        or (key in others and others[key].answer is Answer.CLEAR and key in standing.told_blind)
    ]
    decisions += [d for other in others.values() if (d := _about_other(other, standing, sight))]
    return tuple(decisions)


def _with_the_awake(said: Iterable[Judgement], answers: Answers, sight: Sight) -> Sight:
    """Count the rules that were blind for the whole study and are no longer to those that look for the first time."""
    blind = {judgement.rule_id for judgement in said if judgement.scope == WHOLE_STUDY}
    awake = {rule_id for rule_id, _, scope in answers if scope == WHOLE_STUDY and rule_id not in blind}
    words = dict.fromkeys(sorted(awake), "present when its data first came")
    return replace(sight, new_rules={**words, **sight.new_rules})


def _key(judgement: Judgement) -> tuple[str, str, str]:
    return judgement.rule_id, judgement.usubjid, judgement.scope


def _overlap(hit: Judgement, alert: StandingAlert) -> float:
    """How much two anchor sets are the same episode: Jaccard index, 0 for another rule, participant or scope."""
    if _key(hit) != (alert.rule_id, alert.usubjid, alert.scope):
        return 0.0
    return len(hit.anchors & alert.anchors) / len(hit.anchors | alert.anchors)


def _match(hits: list[Judgement], alerts: Iterable[StandingAlert]) -> dict[int, StandingAlert]:
    """Assign alerts to hits (by identity), one to one, the most alike first, the elder alert on a tie."""
    by_key: dict[tuple[str, str, str], list[StandingAlert]] = {}
    for alert in alerts:
        by_key.setdefault((alert.rule_id, alert.usubjid, alert.scope), []).append(alert)
    pairs = [
        (-likeness, alert.id, number, alert)
        for number, hit in enumerate(hits)
        for alert in by_key.get(_key(hit), ())
        if (likeness := _overlap(hit, alert)) > 0
    ]
    matched: dict[int, StandingAlert] = {}
    taken: set[int] = set()
    for _, alert_id, number, alert in sorted(pairs, key=lambda pair: pair[:3]):
        if alert_id not in taken and id(hits[number]) not in matched:
            taken.add(alert_id)
            matched[id(hits[number])] = alert
    return matched


def _about_hit(hit: Judgement, alert: StandingAlert | None, standing: Standing, sight: Sight) -> Decision | None:
    """Decide about a hit, given the alert that already tells of it, if any."""
    first_words = sight.new_rules.get(hit.rule_id, "")
    if alert is None:
        reason = f"{first_words}: {hit.reason}" if first_words else hit.reason
        return Decision(action=Action.NOTIFY, reason=reason, judgement=hit, at_first_sight=bool(first_words))
    if not alert.standing:
        return Decision(
            action=Action.REINSTATE, reason=f"meets the criterion again: {hit.reason}", judgement=hit, alert=alert
        )
    corrected = _corrected(hit, alert, standing.withdrawn)
    if worse := _worse(hit, alert):
        said = "; ".join(filter(None, (hit.reason, corrected)))
        return Decision(action=Action.RENOTIFY, reason=f"{worse}: {said}", judgement=hit, alert=alert)
    if corrected and not _is_news(hit, alert):
        return Decision(action=Action.AMEND, reason=corrected, judgement=hit, alert=alert)
    if hit.anchors - alert.anchors:
        return _goes_on(hit, alert, corrected)
    return _recovered(hit, alert) if hit.recovery and not alert.recovery else None


def _is_news(hit: Judgement, alert: StandingAlert) -> bool:
    """Whether an episode goes on in a way that calls a person again; a correction beside it must not hide that."""
    return hit.each_anchor_is_news and bool(hit.anchors - alert.anchors)


def _goes_on(hit: Judgement, alert: StandingAlert, corrected: str) -> Decision:
    """Write that an episode goes on; told only where that is news, or to who closed it without knowing."""
    said = "; ".join(filter(None, (hit.reason, corrected)))
    if alert.state == "closed":
        reason = f"goes on after it was closed, on evidence that was not there then: {said}"
        return Decision(action=Action.REOPEN, reason=reason, judgement=hit, alert=alert)
    if _is_news(hit, alert):
        return Decision(action=Action.RENOTIFY, reason=f"more than told before: {said}", judgement=hit, alert=alert)
    if hit.recovery and not alert.recovery:
        return _recovered(hit, alert)
    reason = "the episode goes on, not so much worse that it is told again"
    return Decision(action=Action.EXTEND, reason=reason, judgement=hit, alert=alert, told=False)


def _recovered(hit: Judgement, alert: StandingAlert) -> Decision:
    """Tell that a later result has ended an episode; who has closed the alert is not told."""
    reason = hit.recovery
    return Decision(action=Action.RECOVERED, reason=reason, judgement=hit, alert=alert, told=alert.state != "closed")


def _worse(hit: Judgement, alert: StandingAlert) -> str:
    """Say in what a hit is worse than what was told, '' if in nothing."""
    said = [
        f"further out than told: {name_of(now)}, told before as {was.said}" if was else f"not told yet: {name_of(now)}"
        for now, was in (further(hit.extent, alert.extent) if alert.extent else ())
    ]
    if (hit.grade or 0) > (alert.grade or 0):
        said.insert(0, f"grade {hit.grade}, told before as grade {alert.grade or 0}")
    elif hit.consequence.rank > alert.consequence.rank:
        said.insert(0, f"now a {hit.consequence} criterion, told before as {alert.consequence}")
    elif hit.urgency.rank > alert.urgency.rank:
        said.insert(0, f"now {hit.urgency}, told before as {alert.urgency}")
    return "; ".join(said)


def _corrected(hit: Judgement, alert: StandingAlert, withdrawn: frozenset[tuple[str, str]]) -> str:
    """Say what the source has changed in the evidence that was told, '' if nothing."""
    now = {(e.domain, e.key): e for e in hit.evidence}
    for told in alert.evidence:
        place = (told.domain, told.key)
        if place in withdrawn:
            return f"withdrawn at source: {told.domain} record {told.key}"
        current = now.get(place)
        if current is not None and current.version != told.version and current.values != told.values:
            return f"corrected at source: {told.domain} record {told.key}: {_difference(told, current)}"
    if alert.recovery and not hit.recovery:
        return f"goes on: the recovery told before no longer stands ({alert.recovery})"
    if (hit.grade or 0) < (alert.grade or 0):
        return f"corrected at source: now grade {hit.grade or 0}, told before as grade {alert.grade}"
    if hit.consequence.rank < alert.consequence.rank:
        return f"corrected at source: now {hit.consequence}, told before as {alert.consequence}"
    less = "; ".join(
        f"{name_of(now)}, told before as {was.said}" if now else f"{name_of(was)} no longer counts"
        for was, now in (further(alert.extent, hit.extent) if hit.extent else ())
    )
    return f"corrected at source: now {less}" if less else ""


def _difference(told: Evidence, current: Evidence) -> str:
    """Name the values that differ, as "aeser N, was Y"."""
    before, now = dict(told.values), dict(current.values)
    names = [name for name in now | before if now.get(name, "") != before.get(name, "")]
    return "; ".join(f"{name} {now.get(name) or 'empty'}, was {before.get(name) or 'empty'}" for name in names)


def _about_silence(
    alert: StandingAlert,
    hits: list[Judgement],
    others: Mapping[tuple[str, str, str], Judgement],
    standing: Standing,
    sight: Sight,
) -> Decision | None:
    """Retract a standing alert of which no hit tells any more, if its rule was able to look."""
    gone = alert.rule_id not in sight.rule_ids
    if not alert.standing or not (gone or sight.covers(alert.rule_id, alert.usubjid)):
        return None
    if any(_overlap(hit, alert) > 0 for hit in hits):
        return None
    key = (alert.rule_id, alert.usubjid, alert.scope)
    wider = ((alert.usubjid, EVERYTHING), ("", WHOLE_STUDY))
    other = others.get(key) or next((o for place in wider if (o := others.get((alert.rule_id, *place)))), None)
    blind = gone or (other is not None and other.answer is Answer.NOT_EVALUABLE)
    corrected = [(told, now) for told in alert.evidence if (now := _as_it_is(told, standing.current)) != told]
    return Decision(
        action=Action.RETRACT,
        reason=_why_silent(alert, other, corrected, standing, sight),
        judgement=_as_judgement(alert, Answer.NOT_EVALUABLE if blind else Answer.CLEAR),
        alert=alert,
        told=alert.state != "closed",
        corrected=tuple(now for _, now in corrected),
    )


def _as_it_is(told: Evidence, current: Mapping[tuple[str, str], Mapping[str, str]]) -> Evidence:
    """Return a told record with the values that its row gives now; what no row holds (a grade, say) stays as told."""
    now = current.get((told.domain, told.key), {})
    return replace(told, values=tuple((name, now.get(name, value)) for name, value in told.values))


def _why_silent(
    alert: StandingAlert,
    other: Judgement | None,
    corrected: list[tuple[Evidence, Evidence]],
    standing: Standing,
    sight: Sight,
) -> str:
    """Say why no hit tells of an alert any more: what the source did, value by value, then what the rule says now."""
    if alert.rule_id not in sight.rule_ids:
        return f"rule {alert.rule_id} is not in the rulebook now in force"
    taken_back = [f"{e.domain} record {e.key}" for e in alert.evidence if (e.domain, e.key) in standing.withdrawn]
    changes = "; ".join(f"{told.domain} record {told.key}: {_difference(told, now)}" for told, now in corrected)
    said = [f"withdrawn at source: {', '.join(taken_back)}"] if taken_back else []
    said += [f"corrected at source: {changes}"] if changes else []
    if other is not None and other.answer is Answer.NOT_EVALUABLE:
        said.append(f"can no longer be evaluated: {other.reason}")
    elif other is not None and not taken_back:
        said.append(f"no longer an alert: {other.reason}")
    elif said:
        said += ["does not meet the criterion any more"] if changes else []
    elif sight.set_back_from is not None:
        said.append(f"not so by the clock, which was set back from {sight.set_back_from:%Y-%m-%d %H:%M} UTC")
    elif sight.rulebook_changed:
        said.append("does not meet the criterion of the rulebook now in force")
    elif alert.usubjid:
        said.append("corrected at source: does not meet the criterion any more")
    else:
        said.append("over: the criterion is no longer met")
    return ": ".join(said)


def _as_judgement(alert: StandingAlert, answer: Answer) -> Judgement:
    """What is now said of an alert's concern when no hit tells of it, with what was told as evidence."""
    return Judgement(
        rule_id=alert.rule_id,
        usubjid=alert.usubjid,
        scope=alert.scope,
        anchors=alert.anchors,
        answer=answer,
        summary=alert.summary,
        reason="",
        urgency=alert.urgency,
        consequence=alert.consequence,
        grade=alert.grade,
        evidence=alert.evidence,
    )


def _about_other(judgement: Judgement, standing: Standing, sight: Sight) -> Decision | None:
    """Write down an answer other than hit, unless it stands written; a told blindness is told in its new words."""
    if standing.answers.get(_key(judgement)) == (judgement.answer, judgement.reason):
        return None
    blind = judgement.answer is Answer.NOT_EVALUABLE
    action = Action.CANNOT_TELL if blind else Action.HOLD_BACK
    return Decision(
        action=action,
        reason=judgement.reason,
        judgement=judgement,
        told=judgement.told or (blind and _key(judgement) in standing.told_blind),
        at_first_sight=judgement.rule_id in sight.new_rules,
    )


def _sees_again(key: tuple[str, str, str], standing: Standing) -> str:
    """Say what can be judged now, if it was told that it could not: told to be worried about, told to be over."""
    if key[2] == WHOLE_STUDY:
        return "The rule sees again"
    told = standing.told_blind.get(key, "")
    return f"Can be judged now, told before as: {told}" if told else ""


def _resolve(key: tuple[str, str, str], answer: tuple[Answer, str], summary: str) -> Decision:
    """Write down that an answer written before no longer holds; told, in the words of the summary, if it has one."""
    rule_id, usubjid, scope = key
    judgement = Judgement(
        rule_id=rule_id,
        usubjid=usubjid,
        scope=scope,
        anchors=frozenset(),
        answer=Answer.CLEAR,
        summary=summary,
        reason="",
        urgency=Urgency.ROUTINE,
        told=bool(summary),
    )
    reason = f"no longer {'not evaluable' if answer[0] is Answer.NOT_EVALUABLE else 'held back'}: {answer[1]}"
    return Decision(action=Action.RESOLVE, reason=reason, judgement=judgement, told=judgement.told)
