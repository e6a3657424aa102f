"""Every rule of every shipped rulebook has cases: one that fires, one that does not, one that cannot tell.

What the rules of the default rulebook say in their cases stands word for word in `golden/answers`, and the rulebooks as
an officer signs them in `golden/rulebooks`.
"""

import tomllib
from collections import Counter
from dataclasses import replace

import pytest

from rules.hit import Answer, Consequence, Judgement
from rules.words import in_words
from tests.agreed import GOLDEN, held_to
from tests.rule_cases import BOOKS, FOLDER, Case, all_cases, books_of

CASES = [pytest.param(case, id=f"{case.book}:{case.rule_id}: {case.given['says']}") for case in all_cases()]


@pytest.mark.parametrize("case", CASES)
def test_case(case: Case) -> None:
    judgements, given = case.judged(), case.given
    answers = Counter(judgement.answer for judgement in judgements)
    overall = next((a for a in (Answer.HIT, Answer.NOT_EVALUABLE) if answers[a]), Answer.CLEAR)
    said = [(str(j.answer), j.scope, j.reason) for j in judgements]
    assert overall == given["answer"], said
    spoken = [judgement for judgement in judgements if judgement.answer is overall]
    assert len(spoken) == given.get("count", len(spoken)), said
    if "reason" in given:
        assert any(given["reason"] in judgement.reason for judgement in spoken), said
    if "told" in given:
        assert {judgement.told for judgement in spoken} == {given["told"]}
    if "grade" in given:
        assert max(judgement.grade or 0 for judgement in spoken) == given["grade"]
    if "consequence" in given:
        assert {str(judgement.consequence) for judgement in spoken} == {given["consequence"]}
    if "urgency" in given:
        assert {str(judgement.urgency) for judgement in spoken} == {given["urgency"]}


@pytest.mark.parametrize(
    ("book", "rule_id"), [(name, rule_id) for name, book in BOOKS.items() for rule_id in book.whens]
)
def test_every_rule_has_the_three_cases(book: str, rule_id: str) -> None:
    path = FOLDER / f"{rule_id}.toml"
    assert path.exists(), f"rule {rule_id} of {book} has no case file"
    cases = tomllib.loads(path.read_text(encoding="utf-8"))["case"]
    answers = {case["answer"] for case in cases if book in books_of(case, rule_id)}
    assert answers >= {"hit", "clear", "not evaluable"}, f"rule {rule_id} of {book} lacks a case"


def test_no_case_file_is_left_over() -> None:
    assert {path.stem for path in FOLDER.iterdir()} <= {rule_id for book in BOOKS.values() for rule_id in book.whens}


DEFAULT = "low_dose_il2_sle"


def _in_full(judgement: Judgement) -> str:
    """Return all of an answer, for a reader."""
    marks = {
        "told": judgement.told,
        "each further one is told": judgement.each_anchor_is_news,
        f"grade {judgement.grade}": judgement.grade is not None,
        f"CTCAE {judgement.ctcae}": bool(judgement.ctcae),
        f"at {judgement.at}": judgement.at is not None,
    }
    evidence = [
        f"{seen.key}: " + ", ".join(f"{name} {value}" for name, value in seen.values) for seen in judgement.evidence
    ]
    lines = [
        f"{judgement.answer}, {judgement.urgency}, {judgement.consequence}: {judgement.summary}",
        judgement.reason,
        judgement.recovery,
        *judgement.circumstances,
        f"about {judgement.usubjid or 'the study'}: {judgement.scope} [{', '.join(sorted(judgement.anchors))}]",
        ", ".join(mark for mark, holds in marks.items() if holds),
        *evidence,
    ]
    return "\n".join(f"  {line}" for line in lines if line)


@pytest.mark.parametrize("rule_id", BOOKS[DEFAULT].whens)
def test_what_a_rule_says_is_as_agreed(rule_id: str) -> None:
    cases = [case for case in all_cases() if (case.book, case.rule_id) == (DEFAULT, rule_id)]
    answers = [
        f"{case.given['says']}\n" + "\n\n".join(sorted(_in_full(judgement) for judgement in case.judged()))
        for case in cases
    ]
    held_to(GOLDEN / "answers" / f"{rule_id}.txt", "\n\n".join(answers) + "\n")


def test_every_hit_asks_for_what_its_rule_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = tuple(rule.model_copy(update={"consequence": Consequence.STOP}) for rule in BOOKS[DEFAULT].rules)
    monkeypatch.setitem(BOOKS, DEFAULT, replace(BOOKS[DEFAULT], rules=rules))
    said = [judgement for case in all_cases() if case.book == DEFAULT for judgement in case.judged()]
    hits = {(judgement.rule_id, judgement.consequence) for judgement in said if judgement.answer is Answer.HIT}
    assert hits == {(rule_id, Consequence.STOP) for rule_id in BOOKS[DEFAULT].whens}


@pytest.mark.parametrize("book", BOOKS)
def test_a_rulebook_reads_as_agreed(book: str) -> None:
    words = [line for line in in_words(BOOKS[book]).splitlines() if not line.startswith("SHA-256:")]
    held_to(GOLDEN / "rulebooks" / f"{book}.txt", "\n".join(words) + "\n")


def test_no_agreed_answer_is_left_over() -> None:
    assert {path.stem for path in (GOLDEN / "answers").iterdir()} == set(BOOKS[DEFAULT].whens)
    assert {path.stem for path in (GOLDEN / "rulebooks").iterdir()} == set(BOOKS)
