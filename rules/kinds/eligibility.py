"""Kind `eligibility`: a participant was dosed although IE says that a criterion of inclusion or exclusion fails.

A row of IE is a criterion that fails, so no row means eligible; a study that brings the others too is read by their
answers. It must not know any criterion, nor whether the protocol allowed an exception, nor quote what stands in the
place of an answer: free text may tell anything.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from rules.dose_records import says_whether
from rules.evidence import shown
from rules.exposure import first_dose, may_be_dosed, was_given
from rules.hit import Answer, Judgement
from rules.records import EligibilityCriterion, Participant
from rules.terms import fold_words

if TYPE_CHECKING:
    from rules.context import Context
    from rules.rulebook import Rule


def _answers(yes: str, no: str) -> Mapping[tuple[str, ...], bool]:
    """Index words, parted by commas, by how they fold."""
    return {fold_words(word): answer for words, answer in ((yes, True), (no, False)) for word in words.split(",")}


_MET = _answers("Y,yes,met,是,符合", "N,no,not met,否,不符合")
_NOT_APPLICABLE = {fold_words(words) for words in ("NA", "N/A", "not applicable", "不适用")}
"""The answers to a criterion that cannot fail, such as a pregnancy test of a man."""

_EXCLUDES = _answers(
    "exclusion,exclusion criteria,exclusion criterion,排除,排除标准",
    "inclusion,inclusion criteria,inclusion criterion,入选,入选标准,纳入,纳入标准",
)


_EMPTY = "IEORRES is empty"
_SHOWN = ("ietestcd", "ietest", "iecat", "ieorres", "iestresc", "iedtc")


class When(BaseModel):
    """Nothing to choose: the criteria are the protocol's, and IE says which of them fails."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def judge(rule: "Rule", when: When, participant: Participant, context: "Context") -> Iterator[Judgement]:
    """Answer for each criterion that fails or may fail, of a participant who was dosed or may have been."""
    doubt = _dosing_doubt(participant, context)
    if doubt is None:
        return
    first = first_dose(participant, context.header.zero_dose)
    for name, rows in _by_criterion(participant).items():
        read = [_read(row) for row in rows]
        failing, unread = ([words for fails, words in read if fails is answer] for answer in (True, None))
        if not (failing or unread):
            continue
        hit = bool(failing) and not doubt
        dosed = doubt or (f"first dose {first}" if first else "dosed, on no known date")
        yield Judgement(
            rule_id=rule.id,
            usubjid=participant.usubjid,
            scope=name,
            anchors=frozenset({name}),
            answer=Answer.HIT if hit else Answer.NOT_EVALUABLE,
            summary=f"{rule.title}: {_name(rows[0])}" if hit else f"Eligibility not known: {_name(rows[0])}",
            reason="; ".join(dict.fromkeys((*(failing or unread), dosed))),
            urgency=rule.urgency,
            consequence=rule.consequence,
            told=any(words != _EMPTY for words in (*failing, *unread)),
            at=first,
            evidence=tuple(shown(row, _SHOWN) for row in rows),
        )


def _dosing_doubt(participant: Participant, context: "Context") -> str | None:
    """Say why it is not known whether a participant was dosed: '' where one was, None where one was not."""
    zero_dose = context.header.zero_dose
    given = [dose for dose in participant.doses if was_given(dose, zero_dose)]
    subject = participant.subject
    if (subject is not None and subject.rfxstdtc is not None) or any(says_whether(dose) for dose in given):
        return ""
    if given:
        return "whether a dose was given cannot be read"
    if may_be_dosed(participant, zero_dose):
        return "whether a dose was given is not known: no date of a first dose in DM can be read"
    if not context.domains & {"EC", "EX"}:
        return "whether a dose was given is not known: the source holds no EC or EX data, and RFXSTDTC is empty"
    if first_dose(participant, zero_dose) is not None:
        return "whether a dose was given is not known: none is recorded, and RFSTDTC may be the day of consent"
    return None


def _by_criterion(participant: Participant) -> Mapping[str, list[EligibilityCriterion]]:
    """Group rows that tell of one criterion, such as those of several visits."""
    found: dict[str, list[EligibilityCriterion]] = {}
    for row in participant.eligibility:
        found.setdefault(row.ietestcd.upper() or row.key, []).append(row)
    return found


def _read(row: EligibilityCriterion) -> tuple[bool | None, str]:
    """Say whether a criterion fails, None where it cannot be read, and what it says or why it cannot."""
    answers = {fold_words(text) for text in (row.ieorres, row.iestresc) if text}
    if not answers:
        return None, _EMPTY
    if answers <= _NOT_APPLICABLE:
        return False, ""
    met = {_MET[answer] for answer in answers if answer in _MET}
    if len(met) > 1 or (met and answers & _NOT_APPLICABLE):
        return None, "IEORRES and IESTRESC contradict each other"
    if not met:
        return None, "IEORRES is neither Y nor N"
    excludes = _EXCLUDES.get(fold_words(row.iecat))
    if excludes is None:
        return None, f"IECAT is '{row.iecat}', neither INCLUSION nor EXCLUSION" if row.iecat else "IECAT is empty"
    return met == {excludes}, f"{'exclusion' if excludes else 'inclusion'} criterion {'' if True in met else 'not '}met"


def _name(row: EligibilityCriterion) -> str:
    """A criterion as the study names it."""
    return ", ".join(filter(None, (row.ietestcd, row.ietest))) or "criterion without a name"


def describe(when: When) -> str:
    """Say the criterion in words."""
    return (
        "IE says of a participant who was dosed that a criterion of inclusion is not met (N) or one of exclusion is "
        "(Y), whatever the day of that row. By SDTMIG a row of IE is a criterion that fails, so no row means eligible. "
        "What is not applicable (NA) does not fail. Nothing is told of who was not dosed. An answer or a category that "
        "cannot be read, or contradicts itself, is not evaluable, and so is whether a dose was given where the records "
        "leave it open; an answer that is empty is only counted."
    )
