"""What the feed kind says: one concern per trouble, anchored so that the same trouble is told once."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from rules.evaluate import evaluate
from rules.hit import Answer
from rules.records import Feed, RefusedFile, RejectedRows, StudyView
from rules.rulebook import load_rulebook

NOW = datetime(2026, 6, 1, tzinfo=UTC)
FRESH = datetime(2026, 5, 31, tzinfo=UTC)


def hits(**known):
    evaluation = evaluate(
        load_rulebook("low_dose_il2_sle"),
        StudyView(feed=Feed(**({"news_at": (FRESH,)} | known))),
        NOW,
        ZoneInfo("UTC"),
    )
    assert not evaluation.failures
    said = [j for j in evaluation.judgements if j.answer is Answer.HIT]
    return [(j.rule_id, j.scope, j.anchors) for j in said], said


def refused(digest: str, name: str = "ae.csv", reason: str = "empty") -> RefusedFile:
    return RefusedFile(domain="AE", name=name, digest=digest, reason=reason)


def blind(concern: str, to: int, start: int = 0) -> frozenset[tuple[str, str]]:
    return frozenset((f"P{number}", concern) for number in range(start, to))


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({}, []),
        ({"trouble": "no such folder"}, [("FEED-01", "source", {"source"})]),
        ({"refused": (refused("d1"),)}, [("FEED-01", "file ae.csv", {"empty"})]),  # each look has another digest
        ({"refused": (refused(""),)}, [("FEED-01", "file ae.csv", {"empty"})]),
        ({"missing_domains": ("LB",)}, [("FEED-01", "domain LB", {"LB"})]),
        ({"news_at": (datetime(2026, 5, 1, tzinfo=UTC),)}, [("FEED-01", "age", {"2026-05-01T00:00:00+00:00"})]),
        ({"shrunken": {"LB": (100, 10)}}, [("FEED-02", "size of LB", {"LB"})]),
        (
            {"not_evaluable": {"CYT-01": blind("NEUT", 9)}, "participants": 40},
            [("FEED-03", "rules that cannot be evaluated", {"CYT-01"})],
        ),
    ],
)
def test_each_trouble(known, expected):
    assert hits(**known)[0] == expected


def test_rows_rejected_in_two_sweeps_are_two_concerns():
    rows = tuple(RejectedRows(domain="AE", digests=frozenset({d}), examples=(f"{d} is bad",)) for d in ("d1", "d2"))
    assert [anchors for _, _, anchors in hits(rejected=rows)[0]] == [{"d1"}, {"d2"}]


def test_examples_of_rejected_rows_are_told_and_the_rest_counted():
    rows = RejectedRows(domain="AE", digests=frozenset("abcdefg"), examples=("first", "second", "third", "4th", "5th"))
    (said,) = hits(rejected=(rows,))[1]
    assert said.summary == "7 AE rows rejected"
    assert said.reason == "first | second | third | 4th | 5th | and 2 more"


def test_everything_at_once_hides_nothing():
    known = {"trouble": "half read", "refused": (refused("d"),), "missing_domains": ("LB",), "shrunken": {"AE": (9, 1)}}
    assert {scope for _, scope, _ in hits(**known)[0]} == {"source", "file ae.csv", "domain LB", "size of AE"}


@pytest.mark.parametrize(
    ("says", "not_evaluable", "told"),
    [
        ("nobody", {}, []),
        ("one rule", {"A": blind("NEUT", 9)}, ["Rule A cannot be evaluated for 9 of 10 participants"]),
        (
            "the same concerns of the same people",
            {"A": blind("E1", 9), "B": blind("E1", 9)},
            ["2 rules cannot be evaluated for 9 of 10 participants"],
        ),
        (
            "a rule that is blind about more, and about all of that",
            {"A": blind("E1", 9), "B": blind("E1", 3)},
            ["2 rules cannot be evaluated for up to 9 of 10 participants"],
        ),
        (
            "half in common is not mostly",
            {"A": blind("E1", 4), "B": blind("E1", 6, 2)},
            [
                "Rule A cannot be evaluated for 4 of 10 participants",
                "Rule B cannot be evaluated for 4 of 10 participants",
            ],
        ),
        (
            "the same people, about something else",
            {"A": blind("NEUT", 9), "B": blind("PLAT", 9)},
            [
                "Rule A cannot be evaluated for 9 of 10 participants",
                "Rule B cannot be evaluated for 9 of 10 participants",
            ],
        ),
        (
            "two that have nothing in common but a third",
            {"A": blind("E1", 5), "B": blind("E2", 5), "C": blind("E1", 5) | blind("E2", 5)},
            ["3 rules cannot be evaluated for 5 of 10 participants"],
        ),
        (
            "one that is blind about too few is not named with the others",
            {"A": blind("E1", 9), "B": blind("E1", 2)},
            ["Rule A cannot be evaluated for 9 of 10 participants"],
        ),
    ],
)
def test_rules_that_are_blind_for_one_cause_are_told_at_once(says, not_evaluable, told):
    said = hits(not_evaluable=not_evaluable, participants=10)[1]
    assert [one.summary for one in said] == told, says


def test_of_one_participant_the_words_are_true():
    (said,) = hits(not_evaluable={"A": blind("E1", 1)}, participants=1)[1]
    assert said.summary == "Rule A cannot be evaluated for 1 of 1 participant"


@pytest.mark.parametrize(("number", "more"), [(40, ""), (41, "; and 1 more"), (42, "; and 2 more")])
def test_of_the_codes_that_no_test_is_known_for_forty_are_named(number: int, more: str):
    codes = {f"X{n:02}": (1, 1) for n in range(number)}
    (said,) = (one for one in hits(unknown_tests=codes)[1] if one.rule_id == "FEED-05")
    assert said.reason.count("X") == 40
    assert said.reason.endswith(more) if more else "more" not in said.reason


def test_of_rejected_rows_one_that_is_not_named_is_counted():
    rows = RejectedRows(domain="LB", digests=frozenset({"a", "b"}), examples=("line 2: x",))
    (said,) = hits(rejected=(rows,))[1]
    assert said.reason == "line 2: x | and 1 more"
