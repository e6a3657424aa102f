"""A second computation of every grade: a naive reading of the criteria, row by row, in decimals, without the engine.

It shares nothing with the engine but the words of the table. A comparison with something missing is neither met nor
unmet. A limit such as "<5" is tried at every point where any grade could change, where the engine looks at its ends.
"""

import csv
import re
from decimal import Decimal
from importlib import resources

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.ctcae.columns import ABOVE, AT_LEAST, AT_MOST, BELOW, EXACT, Samples, code
from rules.ctcae.grade import UNKNOWN
from rules.ctcae.grading import grade

with (resources.files("rules.ctcae") / "criteria.csv").open(encoding="utf-8") as file:
    LINES = [{**row, "test": test} for row in csv.DictReader(file) for test in row["test"].split()]
TERMS = sorted({(r["version"], r["test"], r["direction"]) for r in LINES if r["criterion"]})
CENSORS = {"<": BELOW, "<=": AT_MOST, "": EXACT, ">=": AT_LEAST, ">": ABOVE}
Row = dict[str, Decimal | None]


def _units(version: str, test: str, direction: str) -> list[str]:
    units = {r["unit"] for r in LINES if (r["version"], r["test"], r["direction"]) == (version, test, direction)}
    return sorted(units - {""}) or [""]


def _amount(words: str, row: Row) -> Decimal | None:
    """Read one side of a comparison: "3.0", "ULN", "2.5*BASE", "ULN+2"."""
    total = Decimal(0)
    for part in words.split("+"):
        factor, _, name = part.rpartition("*")
        if re.fullmatch(r"[\d.]+", part):
            total += Decimal(part)
        elif row[name] is None:
            return None
        else:
            total += Decimal(factor or 1) * row[name]
    return total


def _compare(left: Decimal | None, sign: str, right: Decimal | None) -> bool | None:
    if left is None or right is None:
        return None
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[sign]


def _all(answers: list[bool | None]) -> bool | None:
    if False in answers:
        return False
    return None if None in answers else True


def _meets(criterion: str, x: Decimal, row: Row) -> bool | None:
    """Whether a value meets a criterion; None where what it is compared with is missing."""
    base = row["BASE"]
    subjects = {"x": x, "fall": (base - x) / base * 100 if base else None}
    answers = []
    for part in criterion.split(" and "):
        words = part.split(" ")
        for left, sign, right in zip(words[::2], words[1::2], words[2::2], strict=False):
            first, second = (subjects[w] if w in subjects else _amount(w, row) for w in (left, right))
            answers.append(_compare(first, sign, second))
    return _all(answers)


def _holds(clause: str, row: Row, *, after: bool) -> bool:
    """Whether a line of the table applies."""
    base, lln, uln = row["BASE"], row["LLN"], row["ULN"]
    known = after and base is not None
    high = known and uln is not None and base > uln
    return {
        "": True, "baseline not above ULN": not high, "baseline above ULN": high,
        "baseline below LLN": known and lln is not None and base < lln, "worse of both": known, "or baseline": known,
        "after baseline": after, "up to baseline": not after, "if fasting": row["FASTING"] is not False,
        "clinical": True,
    }[clause]  # fmt: skip


def _at(lines: list[dict[str, str]], x: Decimal, row: Row, *, after: bool) -> tuple[int, int]:
    """Return the least and the greatest grade of one value."""
    sure, possible = 0, 0
    for line in lines:
        if _holds(line["baseline"], row, after=after):
            met = _meets(line["criterion"], x, row)
            if met and (line["baseline"] == "clinical" or (line["baseline"] == "if fasting" and not row["FASTING"])):
                met = None
            sure = max(sure, int(line["grade"])) if met else sure
            possible = max(possible, int(line["grade"])) if met is not False else possible
    if not sure and after and row["BASE"] is None:
        possible = max([possible, *(int(r["grade"]) for r in lines if r["baseline"] == "or baseline")])
    return sure, possible


def _points(lines: list[dict[str, str]], limit: Decimal, row: Row) -> list[Decimal]:
    """Return the values at which a grade can change, and one tiny step to either side of each."""
    tiny = Decimal("1e-6")
    places = [limit, Decimal(0), Decimal("1e9")]
    base = row["BASE"]
    for line in lines:
        for words in re.split(r" and | ", line["criterion"]):
            if words not in {"x", "fall", "<", "<=", ">", ">="}:
                amount = _amount(words, row)
                places += [] if amount is None else [amount]
                if "fall" in line["criterion"] and base is not None and re.fullmatch(r"[\d.]+", words):
                    places.append(base * (100 - Decimal(words)) / 100)
    return [place + step for place in places for step in (-tiny, Decimal(0), tiny)]


def _expected(version: str, test: str, direction: str, unit: str, case: dict) -> tuple[int, int]:
    """Grade one row by the table's words."""
    lines = [
        r for r in LINES
        if (r["version"], r["test"], r["direction"]) == (version, test, direction) and r["unit"] in ("", unit)
    ]  # fmt: skip
    row: Row = {"LLN": case["lln"], "ULN": case["uln"], "BASE": case["base"], "FASTING": case["fasting"]}
    value, censor = case["value"], case["censor"]
    if not censor:
        return _at(lines, value, row, after=case["after"])
    within = [p for p in _points(lines, value, row) if _compare(p, censor, value)]
    grades = [_at(lines, p, row, after=case["after"]) for p in within]
    return min(low for low, _ in grades), max(high for _, high in grades)


def _given(version: str, test: str, direction: str, unit: str, cases: list[dict]) -> list[tuple[int, int]]:
    """Grade rows by the engine."""

    def column(name: str) -> np.ndarray:
        return np.array([np.nan if case[name] is None else float(case[name]) for case in cases])

    samples = Samples(
        groups=[(test, unit or "U/L")],
        group=np.zeros(len(cases), np.intp),
        value=column("value"),
        censor=np.array([CENSORS[case["censor"]] for case in cases], np.int8),
        fault=np.full(len(cases), code(None), np.int8),
        lln=column("lln"),
        uln=column("uln"),
        base=column("base"),
        base_state=np.full(len(cases), UNKNOWN, np.int8),
        after=np.array([case["after"] for case in cases], np.bool_),
        fasting=np.array([{True: 1, False: 0, None: -1}[case["fasting"]] for case in cases], np.int8),
    )
    answers = grade(version, direction, samples)
    return [(int(answers.lowest[n]), int(answers.highest[n])) for n in range(len(cases))]


def _numbers(lines: list[dict[str, str]]) -> list[Decimal]:
    """Return the numbers that stand in the criteria: bounds, factors and offsets."""
    return sorted({Decimal(n) for line in lines for n in re.findall(r"[\d.]+", line["criterion"])})


@st.composite
def _cases(draw: st.DrawFn, version: str, test: str, direction: str, unit: str) -> list[dict]:
    """Draw rows around everything that a criterion of the term compares with."""
    lines = [r for r in LINES if (r["version"], r["test"], r["direction"]) == (version, test, direction)]
    lines = [r for r in lines if r["unit"] in ("", unit)]
    numbers = [n for n in _numbers(lines) if n] or [Decimal(1)]
    scale = st.sampled_from([n for n in numbers if n > 10] or [Decimal(40)])
    cases = []
    for _ in range(12):
        about = draw(scale)
        lln = about * Decimal(draw(st.integers(20, 120))) / 100
        uln = lln * Decimal(draw(st.integers(101, 300))) / 100
        base = draw(st.none() | st.sampled_from([lln, uln]) | st.integers(1, 400).map(lambda n: lln * n / 100))  # noqa: B023
        ends = [e for e in (lln, uln, base) if e is not None]
        anchor = draw(st.sampled_from([Decimal(1), *ends]))
        value = anchor * draw(st.sampled_from([Decimal(1), *numbers])) + draw(st.sampled_from([Decimal(0), *numbers]))
        value += draw(st.sampled_from([Decimal(0), Decimal("0.001"), Decimal("-0.001")]))
        cases.append(
            {
                "value": max(value, Decimal(0)), "lln": draw(st.sampled_from([lln, lln, None])),
                "uln": draw(st.sampled_from([uln, uln, None])), "base": base, "after": draw(st.booleans()),
                "censor": draw(st.sampled_from(["", "", "", *CENSORS])),
                "fasting": draw(st.sampled_from([None, True, False])),
            }
        )  # fmt: skip
    return cases


@pytest.mark.parametrize(
    ("version", "test", "direction", "unit"), [(*term, unit) for term in TERMS for unit in _units(*term)]
)
@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_the_engine_grades_as_the_words_say(data, version: str, test: str, direction: str, unit: str) -> None:
    cases = data.draw(_cases(version, test, direction, unit))
    engine = _given(version, test, direction, unit, cases)
    words = [_expected(version, test, direction, unit, case) for case in cases]
    assert not [differing for differing in zip(cases, engine, words, strict=True) if differing[1] != differing[2]]
