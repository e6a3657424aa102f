"""Every rule of every shipped rulebook has cases: one that fires, one that does not, one that cannot tell.

A case file is `<rule id>.toml`. Each [[case]] says in one sentence what it shows, gives the rows of one participant
under SDTM names (or what is known of the feed), and the answer. `books` limits a case to some rulebooks; `[rows.LB]`
and the like hold values that every row of a domain shares; `[rows.DM]` alone makes the DM row.
"""

import tomllib
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rules.evaluate import evaluate
from rules.hit import Answer, Judgement
from rules.reading import read_record
from rules.records import DOMAINS, PLACES, Feed, Participant, RefusedFile, RejectedRows, StudyView
from rules.rulebook import Rulebook, load_rulebook

FOLDER = Path(__file__).parent / "rulecases"
BOOKS = {path.stem: load_rulebook(path) for path in (Path(__file__).parents[1] / "rules/rulebooks").glob("*.toml")}
NOW = datetime(2026, 6, 1, 0, 0, tzinfo=UTC)
KEYS = {
    "says",
    "answer",
    "books",
    "now",
    "feed",
    "without",
    "told",
    "grade",
    "count",
    "consequence",
    "urgency",
    "reason",
    *DOMAINS,
}


def _cases() -> list[Any]:
    cases = []
    for path in sorted(FOLDER.glob("*.toml")):
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        assert set(document) <= {"case", "rows"}, f"{path.name}: unknown entry"
        for case in document["case"]:
            assert set(case) <= KEYS, f"{path.name}: {case['says']}: unknown {set(case) - KEYS}"
            for book in _books_of(case, path.stem):
                name = f"{book}:{path.stem}: {case['says']}"
                cases.append(pytest.param(book, path.stem, case, document.get("rows", {}), id=name))
    return cases


def _books_of(case: dict[str, Any], rule_id: str) -> list[str]:
    return case.get("books", [name for name, book in BOOKS.items() if rule_id in book.whens])


def _participant(case: dict[str, Any], shared: dict[str, dict[str, str]]) -> Participant:
    records: dict[str, Any] = {"usubjid": "P1"}
    version = 0
    for domain in DOMAINS:
        for number, row in enumerate(case.get(domain, [{}] if domain == "DM" and domain in shared else ()), start=1):
            version += 1
            values = {"USUBJID": "P1", **shared.get(domain, {}), **row}
            event = f"P1|{row.get('AESPID', number)}" if domain == "AE" else ""
            record = read_record(domain, values, version=version, key=f"{domain}{number}", event_key=event)
            if domain == "DM":
                records["subject"] = record
            else:
                records[PLACES[domain]] = (*records.get(PLACES[domain], ()), record)
    return Participant(**records)


def _feed(case: dict[str, Any]) -> Feed:
    given = dict(case.get("feed", {}))
    given["rejected"] = tuple(
        RejectedRows(domain=rows["domain"], digests=frozenset(rows["digests"]), examples=tuple(rows["examples"]))
        for rows in given.get("rejected", ())
    )
    given["refused"] = tuple(RefusedFile(**file) for file in given.get("refused", ()))
    given["missing_domains"] = tuple(given.get("missing_domains", ()))
    given["shrunken"] = {domain: tuple(rows) for domain, rows in given.get("shrunken", {}).items()}
    return Feed(domains=frozenset(DOMAINS) - set(case.get("without", ())), **given)


def _judge(book: Rulebook, rule_id: str, case: dict[str, Any], shared: dict[str, dict[str, str]]) -> list[Judgement]:
    view = StudyView(participants=(_participant(case, shared),), feed=_feed(case))
    evaluation = evaluate(book, view, case.get("now", NOW), ZoneInfo("Asia/Shanghai"))
    assert not evaluation.failures
    return [judgement for judgement in evaluation.judgements if judgement.rule_id == rule_id]


@pytest.mark.parametrize(("book", "rule_id", "case", "shared"), _cases())
def test_case(book: str, rule_id: str, case: dict[str, Any], shared: dict[str, dict[str, str]]) -> None:
    judgements = _judge(BOOKS[book], rule_id, case, shared)
    answers = Counter(judgement.answer for judgement in judgements)
    overall = next((a for a in (Answer.HIT, Answer.NOT_EVALUABLE) if answers[a]), Answer.CLEAR)
    said = [(str(j.answer), j.scope, j.reason) for j in judgements]
    assert overall == case["answer"], said
    spoken = [judgement for judgement in judgements if judgement.answer is overall]
    assert len(spoken) == case.get("count", len(spoken)), said
    if "reason" in case:
        assert any(case["reason"] in judgement.reason for judgement in spoken), said
    if "told" in case:
        assert {judgement.told for judgement in spoken} == {case["told"]}
    if "grade" in case:
        assert max(judgement.grade or 0 for judgement in spoken) == case["grade"]
    if "consequence" in case:
        assert {str(judgement.consequence) for judgement in spoken} == {case["consequence"]}
    if "urgency" in case:
        assert {str(judgement.urgency) for judgement in spoken} == {case["urgency"]}


@pytest.mark.parametrize(
    ("book", "rule_id"), [(name, rule_id) for name, book in BOOKS.items() for rule_id in book.whens]
)
def test_every_rule_has_the_three_cases(book: str, rule_id: str) -> None:
    path = FOLDER / f"{rule_id}.toml"
    assert path.exists(), f"rule {rule_id} of {book} has no case file"
    cases = tomllib.loads(path.read_text(encoding="utf-8"))["case"]
    answers = {case["answer"] for case in cases if book in _books_of(case, rule_id)}
    assert answers >= {"hit", "clear", "not evaluable"}, f"rule {rule_id} of {book} lacks a case"


def test_no_case_file_is_left_over() -> None:
    assert {path.stem for path in FOLDER.iterdir()} <= {rule_id for book in BOOKS.values() for rule_id in book.whens}
