"""The cases of the rules, `rulecases/<rule id>.toml`.

Each [[case]] says in one sentence what it shows, gives the rows of one participant under SDTM names (or what is known
of the feed), and the answer. `books` limits a case to some rulebooks; `[rows.LB]` and the like hold values that every
row of a domain shares; `[rows.DM]` alone makes the DM row. A row that was corrected in place has `formerly`, the values
that its earlier versions had instead, oldest first; `read` is the day on which a version was first read. `holds` are
the holds that the ledger tells of, `submissions` the entries of people. A case about everybody has a `cohort`: groups
of participants, each the rows of one and how many `times` there is such a one.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rules.evaluate import evaluate
from rules.hit import Judgement
from rules.reading import read_record
from rules.records import (
    DOMAINS,
    PLACES,
    Feed,
    Hold,
    Participant,
    Record,
    RefusedFile,
    RejectedRows,
    StampFault,
    StudyView,
    Submission,
)
from rules.rulebook import load_rulebook

FOLDER = Path(__file__).parent / "rulecases"
BOOKS = {path.stem: load_rulebook(path) for path in (Path(__file__).parents[1] / "rules/rulebooks").glob("*.toml")}
NOW = datetime(2026, 6, 1, 0, 0, tzinfo=UTC)
KEYS = {
    "says",
    "answer",
    "books",
    "now",
    "holds",
    "submissions",
    "feed",
    "cohort",
    "without",
    "told",
    "grade",
    "count",
    "consequence",
    "urgency",
    "reason",
    *DOMAINS,
}


@dataclass(frozen=True)
class Case:
    """One case of one rule in one rulebook."""

    book: str
    rule_id: str
    given: dict[str, Any]
    shared: dict[str, dict[str, str]]  # values by domain

    def judged(self) -> list[Judgement]:
        """Return what the rule says: alone, unless it is about the others too, such as what they cannot tell."""
        book = BOOKS[self.book]
        rule = book.rule(self.rule_id)
        if book.kind_of(rule).level == "participant" and rule.kind != "expected_sample":
            asked = {rule.id, *book.kind_of(rule).follows(book.whens[rule.id])}
            book = replace(book, rules=tuple(one for one in book.rules if one.id in asked))
        view = StudyView(participants=tuple(_participants(self.given, self.shared)), feed=_feed(self.given))
        evaluation = evaluate(book, view, self.given.get("now", NOW), ZoneInfo("Asia/Shanghai"))
        assert not evaluation.failures
        return [judgement for judgement in evaluation.judgements if judgement.rule_id == self.rule_id]


def all_cases() -> Iterator[Case]:
    """Yield every case in every rulebook that it is for."""
    for path in sorted(FOLDER.glob("*.toml")):
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        assert set(document) <= {"case", "rows"}, f"{path.name}: unknown entry"
        for case in document["case"]:
            assert set(case) <= KEYS, f"{path.name}: {case['says']}: unknown {set(case) - KEYS}"
            for book in books_of(case, path.stem):
                yield Case(book, path.stem, case, document.get("rows", {}))


def books_of(case: dict[str, Any], rule_id: str) -> list[str]:
    """Return the rulebooks that a case is for."""
    return case.get("books", [name for name, book in BOOKS.items() if rule_id in book.whens])


def _participants(case: dict[str, Any], shared: dict[str, dict[str, str]]) -> Iterator[Participant]:
    """Yield the one participant of a case, or those of its cohort: each group so many times alike."""
    if "cohort" not in case:
        yield _participant(case, shared)
    for number, group in enumerate(case.get("cohort", ()), start=1):
        for copy in range(group["times"]):
            yield replace(_participant(group, shared), usubjid=f"P{number}-{copy}")


def _participant(case: dict[str, Any], shared: dict[str, dict[str, str]]) -> Participant:
    records: dict[str, Any] = {"usubjid": "P1", "former_events": {}}
    rows = [
        (domain, f"{domain}{number}", {"USUBJID": "P1", **shared.get(domain, {}), **row})
        for domain in DOMAINS
        for number, row in enumerate(case.get(domain, [{}] if domain == "DM" and domain in shared else ()), start=1)
    ]
    days = sorted({then["read"] for *_, row in rows for then in (row, *row.get("formerly", ())) if "read" in then})
    for number, (domain, key, row) in enumerate(rows, start=1):
        *former, record = _versions(domain, key, row, number, days)
        if former:
            records["former_events"][key] = tuple(former)
        if domain == "DM":
            records["subject"] = record
        else:
            records[PLACES[domain]] = (*records.get(PLACES[domain], ()), record)
    records["holds"] = tuple(Hold(**{"consequence": "hold", "alert": 7, **hold}) for hold in case.get("holds", ()))
    records["submissions"] = tuple(Submission(**{"by": "Dr Li", **entry}) for entry in case.get("submissions", ()))
    return Participant(**records)


def _versions(domain: str, key: str, row: dict[str, Any], number: int, days: list[str]) -> Iterator[Record]:
    """Yield what a row said in each of its versions; ids rise from one day of reading to the next."""
    event = f"P1|{row.get('AESPID', key.removeprefix(domain))}" if domain == "AE" else ""
    for then in (*row.get("formerly", ()), {}):
        values = {name: text for name, text in {**row, **then}.items() if name != "formerly"}
        day = values.pop("read", "")
        version = number + 100 * (days.index(day) + 1 if day else 0)
        known_at = datetime.fromisoformat(day).replace(hour=12, tzinfo=UTC) if day else None
        yield read_record(domain, values, version=version, key=key, event_key=event, known_at=known_at)


def _feed(case: dict[str, Any]) -> Feed:
    given = dict(case.get("feed", {}))
    given["rejected"] = tuple(
        RejectedRows(domain=rows["domain"], digests=frozenset(rows["digests"]), examples=tuple(rows["examples"]))
        for rows in given.get("rejected", ())
    )
    given["refused"] = tuple(RefusedFile(**file) for file in given.get("refused", ()))
    given["news_at"] = tuple(given.get("news_at", ()))
    given["databases"] = {domain: tuple(times) for domain, times in given.get("databases", {}).items()}
    given["stamp_faults"] = tuple(StampFault(**file) for file in given.get("stamp_faults", ()))
    lost = given.get("lost_columns", {})
    given["lost_columns"] = {domain: dict.fromkeys(columns, ()) for domain, columns in lost.items()}
    given["missing_domains"] = tuple(given.get("missing_domains", ()))
    given["shrunken"] = {domain: tuple(rows) for domain, rows in given.get("shrunken", {}).items()}
    given["not_evaluable"] = {
        rule_id: _blind(rule_id, **({"participants": known} if isinstance(known, int) else known))
        for rule_id, known in given.get("not_evaluable", {}).items()
    }
    return Feed(domains=frozenset(DOMAINS) - set(case.get("without", ())), **given)


def _blind(rule_id: str, participants: int, about: str = "") -> frozenset[tuple[str, str]]:
    """Say of so many participants that a rule cannot tell about one concern each: its own unless it is named."""
    return frozenset((f"P{number}", about or rule_id) for number in range(1, participants + 1))
