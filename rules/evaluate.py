"""Apply a rulebook to a study view: every rule to every participant, then to the feed.

A rule that raises is a failure of that rule for that participant and of nothing else.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from rules.context import Context
from rules.graded import grade_participants
from rules.hit import Answer, Due, Failure, Judgement, RuleRun
from rules.records import Feed, Participant, StudyView
from rules.rulebook import Rule, Rulebook


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """All that a rulebook says of a view."""

    judgements: tuple[Judgement, ...]
    failures: tuple[Failure, ...]
    runs: tuple[RuleRun, ...]
    due: Mapping[str, datetime]  # usubjid -> the next instant (UTC) at which time alone may change an answer

    def answered(self, rule_id: str, usubjid: str) -> bool:
        """Whether the rule was able to speak about that participant in this sweep."""
        return not any(f.rule_id == rule_id and f.usubjid == usubjid for f in self.failures)


def evaluate(rulebook: Rulebook, view: StudyView, now: datetime, zone: ZoneInfo) -> Evaluation:
    """Judge the participants and the feed of a view at the aware instant `now`."""
    context = Context(
        now=now,
        zone=zone,
        header=rulebook.header,
        dosing=rulebook.dosing,
        graded=grade_participants(view.participants, rulebook.header),
    )
    judgements: list[Judgement] = []
    failures: list[Failure] = []
    runs: list[RuleRun] = []
    due: dict[str, datetime] = {}
    for rule in rulebook.rules:
        subjects: Iterable[Participant | Feed] = (
            view.participants if rulebook.kind_of(rule).level == "participant" else (view.feed,)
        )
        answers: Counter[str] = Counter()
        for subject in subjects:
            said = _judge(rulebook, rule, subject, view.feed, context)
            if isinstance(said, Failure):
                failures.append(said)
                answers["failed"] += 1
                continue
            spoken = [word for word in said if isinstance(word, Judgement)]
            judgements.extend(spoken)
            answers[_overall(spoken)] += 1
            for word in said:
                if isinstance(word, Due) and isinstance(subject, Participant):
                    due[subject.usubjid] = min(word.at, due.get(subject.usubjid, word.at))
        runs.append(
            RuleRun(
                rule_id=rule.id,
                judged=answers.total(),
                hits=answers[Answer.HIT],
                not_evaluable=answers[Answer.NOT_EVALUABLE],
                clear=answers[Answer.CLEAR],
                failed=answers["failed"],
            )
        )
    return Evaluation(judgements=tuple(judgements), failures=tuple(failures), runs=tuple(runs), due=due)


def _judge(
    rulebook: Rulebook, rule: Rule, subject: Participant | Feed, feed: Feed, context: Context
) -> list[Judgement | Due] | Failure:
    """Let one rule speak about one subject; whatever it raises becomes a failure."""
    usubjid = subject.usubjid if isinstance(subject, Participant) else ""
    kind = rulebook.kind_of(rule)
    try:
        if kind.domains and not kind.domains & feed.domains:
            return [_blind(rule, usubjid, kind.domains)]
        return list(kind.judge(rule, rulebook.whens[rule.id], subject, context))
    except Exception as error:  # noqa: BLE001 one rule for one participant: recorded, counted, mailed; hides nothing else
        return Failure(rule_id=rule.id, usubjid=usubjid, error=f"{type(error).__name__}: {error}")


def _blind(rule: Rule, usubjid: str, domains: frozenset[str]) -> Judgement:
    """Say that a rule cannot be evaluated because the study brings none of its domains."""
    needed = " or ".join(sorted(domains))
    return Judgement(
        rule_id=rule.id,
        usubjid=usubjid,
        scope="domain",
        anchors=frozenset({"domain"}),
        answer=Answer.NOT_EVALUABLE,
        summary=f"{rule.title}: cannot be evaluated",
        reason=f"the source holds no {needed} data",
        urgency=rule.urgency,
        told=False,
    )


def _overall(judgements: list[Judgement]) -> Answer:
    """One answer for the count: a hit outweighs not evaluable, which outweighs clear."""
    answers = {judgement.answer for judgement in judgements}
    return next((a for a in (Answer.HIT, Answer.NOT_EVALUABLE) if a in answers), Answer.CLEAR)
