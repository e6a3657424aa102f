"""Apply a rulebook to a study view: every rule to every participant, those that ask for hits last, then to the feed.

Rules about the whole cohort are asked where the view is whole.

A rule that raises is a failure of that rule for that participant and of nothing else.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from rules.circumstances import circumstances
from rules.columns import with_rules
from rules.context import Context
from rules.graded import GradedFinding, grade_participants
from rules.hit import WHOLE_STUDY, Answer, Due, Failure, Judgement, RuleRun, Urgency, concern_of
from rules.records import Feed, Participant, StudyView
from rules.rulebook import Header, Rule, Rulebook
from rules.unknown_tests import unknown_tests

Judged = Participant | tuple[Participant, ...] | Feed
"""What a rule speaks about: one participant, the whole cohort, or the feed."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """All that a rulebook says of a view."""

    judgements: tuple[Judgement, ...]
    failures: tuple[Failure, ...]
    runs: tuple[RuleRun, ...]
    due: Mapping[str, datetime]
    """Usubjid ('' for the feed) -> the next instant (UTC) at which time alone may change an answer."""
    unasked: frozenset[str] = frozenset()  # rules about the cohort in a view that is not whole


def evaluate(rulebook: Rulebook, view: StudyView, now: datetime, zone: ZoneInfo) -> Evaluation:
    """Judge the participants, the cohort and the feed of a view at the aware instant `now`."""
    context = context_of(rulebook, view, now, zone)
    said = _Said()
    _judge_participants(rulebook, view, context, said)
    about_cohort = [rule for rule in rulebook.rules if rulebook.kind_of(rule).level == "cohort"]
    if view.is_whole:
        for rule in about_cohort:
            said.run(rulebook, rule, (view.participants,), view.feed, context)
    feed = replace(
        view.feed,
        not_evaluable=_not_evaluable(view.feed, said.judgements),
        lost_columns=with_rules(view.feed.lost_columns, rulebook),
        unknown_tests={**view.feed.unknown_tests, **unknown_tests(view.participants, rulebook.header.tests)},
    )
    for rule in rulebook.rules:
        if rulebook.kind_of(rule).level == "feed":
            said.run(rulebook, rule, (feed,), feed, context)
    return Evaluation(
        judgements=tuple(said.judgements),
        failures=tuple(said.failures),
        runs=tuple(said.runs),
        due=said.due,
        unasked=frozenset(() if view.is_whole else (rule.id for rule in about_cohort)),
    )


def context_of(rulebook: Rulebook, view: StudyView, now: datetime, zone: ZoneInfo) -> Context:
    """Return what the rules are told beside the records of a view."""
    graded, ungraded = _grade(view.participants, rulebook.header)
    return Context(
        now=now,
        zone=zone,
        header=rulebook.header,
        dosing=rulebook.dosing,
        graded=graded,
        ungraded=ungraded,
        domains=view.feed.domains,
        asked_by=rulebook.asked_by,
    )


def context_with_hits(rulebook: Rulebook, view: StudyView, now: datetime, zone: ZoneInfo) -> Context:
    """Return what a rule is told that follows others: their hits beside the rest."""
    return _judge_participants(rulebook, view, context_of(rulebook, view, now, zone), _Said())


def _judge_participants(rulebook: Rulebook, view: StudyView, context: Context, said: "_Said") -> Context:
    """Let every rule speak about every participant, and those that follow others after them, told of their hits."""
    rules = [rule for rule in rulebook.rules if rulebook.kind_of(rule).level == "participant"]
    follows = {rule.id for rule in rules if rulebook.kind_of(rule).follows(rulebook.whens[rule.id])}
    for rule in rules:
        if rule.id not in follows:
            said.run(rulebook, rule, view.participants, view.feed, context)
    context = replace(context, hits=said.hits, failed=frozenset((f.rule_id, f.usubjid) for f in said.failures))
    for rule in rules:
        if rule.id in follows:
            said.run(rulebook, rule, view.participants, view.feed, context)
    return context


def _grade(
    participants: Sequence[Participant], header: Header
) -> tuple[Mapping[str, tuple[GradedFinding, ...]], Mapping[str, str]]:
    """Grade all labs at once; where that breaks, one participant at a time, so that one cannot hide the others.

    Returns the graded labs and, for whom there are none, what broke: every rule that asks for them then fails.
    """
    try:
        return grade_participants(participants, header), {}
    except Exception:  # noqa: BLE001 found and recorded just below, participant by participant
        graded: dict[str, tuple[GradedFinding, ...]] = {}
        ungraded: dict[str, str] = {}
    for participant in participants:
        try:
            graded.update(grade_participants((participant,), header))
        except Exception as error:  # noqa: BLE001 one participant's labs: a failure of each rule that needs them
            ungraded[participant.usubjid] = f"{type(error).__name__}: {error}"
    return graded, ungraded


def _not_evaluable(feed: Feed, judgements: list[Judgement]) -> dict[str, frozenset[tuple[str, str]]]:
    """Add what a rule could not tell about now to what it could not tell about before.

    A rule that is blind for the whole study has said so itself, once, and is not counted here.
    """
    blind = {rule_id: set(about) for rule_id, about in feed.not_evaluable.items()}
    for j in judgements:
        if j.answer is Answer.NOT_EVALUABLE and j.usubjid:
            blind.setdefault(j.rule_id, set()).add((j.usubjid, concern_of(j.scope, j.reason)))
    return {rule_id: frozenset(about) for rule_id, about in blind.items()}


@dataclass
class _Said:
    """What the rules have said so far in this evaluation."""

    judgements: list[Judgement] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    runs: list[RuleRun] = field(default_factory=list)
    due: dict[str, datetime] = field(default_factory=dict)

    @property
    def hits(self) -> dict[tuple[str, str], tuple[Judgement, ...]]:
        """The hits so far, by rule and participant."""
        found: dict[tuple[str, str], tuple[Judgement, ...]] = {}
        for word in self.judgements:
            if word.answer is Answer.HIT:
                place = word.rule_id, word.usubjid
                found[place] = (*found.get(place, ()), word)
        return found

    def run(self, rulebook: Rulebook, rule: Rule, subjects: Sequence[Judged], feed: Feed, context: Context) -> None:
        """Let one rule speak about each subject, and count its answers; one without any data speaks once, for all."""
        answers: Counter[str] = Counter()
        needed = rulebook.kind_of(rule).domains(rulebook.whens[rule.id])
        if needed and not needed & feed.domains:
            self.judgements.append(_blind(rule, needed))
            answers[Answer.NOT_EVALUABLE] = len(subjects)
            subjects = ()
        for subject in subjects:
            usubjid = _usubjid(subject)
            said = _judge(rulebook, rule, subject, context)
            if isinstance(said, Failure):
                self.failures.append(said)
                answers["failed"] += 1
                continue
            spoken = [word for word in said if isinstance(word, Judgement)]
            self.judgements.extend(spoken)
            answers[_overall(spoken)] += 1
            for word in said:
                if isinstance(word, Due):
                    self.due[usubjid] = min(word.at, self.due.get(usubjid, word.at))
        self.runs.append(
            RuleRun(
                rule_id=rule.id,
                judged=answers.total(),
                hits=answers[Answer.HIT],
                not_evaluable=answers[Answer.NOT_EVALUABLE],
                clear=answers[Answer.CLEAR],
                failed=answers["failed"],
            )
        )


def _judge(rulebook: Rulebook, rule: Rule, subject: Judged, context: Context) -> list[Judgement | Due] | Failure:
    """Let one rule speak about one subject; whatever it raises becomes a failure."""
    try:
        said = rulebook.kind_of(rule).judge(rule, rulebook.whens[rule.id], subject, context)
        return [_placed(word, subject, context) for word in said]
    except Exception as error:  # noqa: BLE001 one rule for one participant: recorded, counted, mailed; hides nothing else
        return Failure(rule_id=rule.id, usubjid=_usubjid(subject), error=f"{type(error).__name__}: {error}")


def _usubjid(subject: Judged) -> str:
    return subject.usubjid if isinstance(subject, Participant) else ""


def _placed(word: Judgement | Due, subject: Judged, context: Context) -> Judgement | Due:
    """Add to a hit about a participant what surrounds it in time."""
    if not (isinstance(word, Judgement) and word.answer is Answer.HIT and word.at and isinstance(subject, Participant)):
        return word
    return replace(word, circumstances=circumstances(subject, word.at, context.dosing, context.header.zero_dose))


def _blind(rule: Rule, needed: frozenset[str]) -> Judgement:
    """Say of the whole study, once and aloud, that a rule cannot be evaluated: none of its domains ever came.

    Never at once: nobody can bring data at 3 a.m.
    """
    lacking = f"the source holds no {' or '.join(sorted(needed))} data"
    return Judgement(
        rule_id=rule.id,
        usubjid="",
        scope=WHOLE_STUDY,
        anchors=frozenset({WHOLE_STUDY}),
        answer=Answer.NOT_EVALUABLE,
        summary=f"{rule.title}: {lacking}",
        reason=lacking,
        urgency=min(rule.urgency, Urgency.SAME_DAY, key=lambda urgency: urgency.rank),
    )


def _overall(judgements: list[Judgement]) -> Answer:
    """One answer for the count: a hit outweighs not evaluable, which outweighs clear."""
    answers = {judgement.answer for judgement in judgements}
    return next((a for a in (Answer.HIT, Answer.NOT_EVALUABLE) if a in answers), Answer.CLEAR)
