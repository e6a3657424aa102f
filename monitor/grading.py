"""Grades for every row of lab files, without rulebook, settings or database: columns in, columns out.

It knows the columns of LB and DM and how an answer is put in words. What a result, a baseline or a grade is stands in
`rules`. Every row keeps its place, be it one that cannot be read.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from monitor.sources.table import LINE, MARK, Refusal, Table
from rules.baseline import PREDOSE, FindingColumns, Method, give_baselines, to_samples
from rules.ctcae.grade import WITHOUT_BASELINE, Grade, Ungraded
from rules.ctcae.grading import grade
from rules.ctcae.identity import identify
from rules.dtc import Dtc
from rules.exposure import first_dose, may_be_dosed
from rules.finding_reading import Texts, Units, is_flagged, is_predose, read_texts
from rules.reading import read_record
from rules.records import Participant, Subject

if TYPE_CHECKING:
    from rules.ctcae.columns import Grades, Smalls

Version = Literal["4.03", "5.0", "6.0"]
COLUMNS = (
    "usubjid", "lbtestcd", "lbseq", "lbdtc", "ctcae", "term_low", "grade_low", "term_high", "grade_high", "grade_min",
    "grade_max", "basis", "not_evaluable", "note",
)  # fmt: skip
"""What is said of a row, in this order."""

UNREADABLE = "the row cannot be read"
NOT_IN_TABLE = "no criterion: the test is not in the table"
_NO_NUMBER_READ = (Ungraded.NO_RESULT, Ungraded.TEXT_RESULT, Ungraded.SUSPECT, Ungraded.UNKNOWN_SPECIMEN)
_TEXTS = [f"LB{name.upper()}" for name in Texts._fields]
_READ = ["USUBJID", "LBTESTCD", "LBTEST", "LBCAT", "LBSEQ", "LBDTC", "LBBLFL", "LBLOBXFL", *_TEXTS]
_NEEDED = ("USUBJID", "LBTESTCD")
_ROW = "_row"


@dataclass(frozen=True, slots=True)
class Dosed:
    """What is known of a person's first dose; `unknown` where they may have been dosed on a day nobody can tell."""

    first: Dtc | None
    unknown: bool


@dataclass(frozen=True, kw_only=True)
class Graded:
    """A row of COLUMNS for each row of the file, and what could not be graded."""

    rows: pl.DataFrame
    not_evaluable: Counter[str] = field(default_factory=Counter)  # reason -> rows
    no_criterion: int = 0
    absent: int = 0  # participants who are not in DM, where one was given
    unknown_tests: Counter[str] = field(default_factory=Counter)  # test code outside the table -> rows


def read_doses(table: Table) -> dict[str, Dosed]:
    """Return when each person of DM was first dosed; raise Refusal where the table is not DM."""
    variables = set(table.frame.columns)
    if "USUBJID" not in variables or not {"RFXSTDTC", "RFSTDTC"} & variables:
        raise Refusal("the file is not DM: it has no USUBJID, or neither RFXSTDTC nor RFSTDTC")
    doses: dict[str, Dosed] = {}
    for row in table.frame.drop(LINE).fill_null("").iter_rows(named=True):
        subject = read_record("DM", row, version=0, key="")
        who = Participant(usubjid=subject.usubjid, subject=subject if isinstance(subject, Subject) else None)
        if who.usubjid in doses:
            raise Refusal("the file holds two rows of one participant, so that nobody can tell which first dose holds")
        first = first_dose(who, "placebo")
        doses[who.usubjid] = Dosed(first, unknown=first is None and may_be_dosed(who, "placebo"))
    return doses


def read_labs(table: Table) -> pl.DataFrame:
    """Return the rows of a file in its order, those that cannot be read with them; raise Refusal for another file.

    The columns are those of LB that are read, as text without a null, and UNREADABLE: why a row cannot be read.
    """
    if absent := [name for name in _NEEDED if name not in table.frame.columns]:
        raise Refusal(f"the file is not LB: it has no {absent[0]}")
    if not {"LBORRES", "LBSTRESC", "LBSTRESN"} & set(table.frame.columns):
        raise Refusal("the file has no results: neither LBORRES nor LBSTRESC nor LBSTRESN")
    texts = [
        (pl.col(name).fill_null("").str.strip_chars() if name in table.frame.columns else pl.lit("")).alias(name)
        for name in _READ
    ]
    why = pl.lit("row ") + pl.col(LINE).cast(pl.String) + ": "
    undecoded = [
        pl.when(pl.col(name).str.contains(MARK, literal=True)).then(
            why + f"{name} holds a byte that is not text: try --encoding"
        )
        for name in _READ
    ]
    good = table.frame.select(LINE, *texts).with_columns(pl.coalesce(*undecoded, pl.lit("")).alias(UNREADABLE))
    bad = pl.DataFrame(
        [{LINE: row.line, UNREADABLE: f"row {row.line}: {row.reason}"} for row in table.bad],
        schema={LINE: pl.Int64, UNREADABLE: pl.String},
    )
    both = pl.concat([good.with_columns(pl.col(LINE).cast(pl.Int64)), bad], how="diagonal")
    return both.sort(LINE, maintain_order=True).drop(LINE).fill_null("")


def grade_labs(
    files: Sequence[pl.DataFrame], version: Version, method: Method, doses: Mapping[str, Dosed] | None, units: Units
) -> Graded:
    """Grade the rows of files one after the other.

    Without `doses` nobody can tell which samples were taken before the first dose.
    """
    labs = pl.concat(files).with_row_index(_ROW)
    names, name = _distinct(labs, ["LBTESTCD", "LBSPEC", "LBTEST", "LBCAT"])
    tests = [identify("LB", code, spec, f"{text} {cat}") for code, spec, text, cat in names.rows()]
    labs = labs.with_columns(_test=pl.Series(tests, dtype=pl.String).gather(name))
    dates, date = _distinct(labs, ["LBDTC"])
    days = [_day(text) for text in dates["LBDTC"]]
    moments = {"_earliest": [day and day.earliest for day in days], "_latest": [day and day.latest for day in days]}
    labs = labs.hstack(pl.DataFrame(moments, schema=dict.fromkeys(moments, pl.Datetime("us")))[date.to_numpy()])
    known = labs.filter(pl.col("_test").is_not_null() & (pl.col(UNREADABLE) == "")).sort(
        "_earliest", "_latest", _ROW, nulls_last=True
    )
    answers = _answers(known, version, method, doses, units) if known.height else None
    absent = 0 if doses is None else len(set(labs["USUBJID"].unique()) - {"", *doses})
    return replace(_told(labs, known, answers, version), absent=absent)


def _distinct(frame: pl.DataFrame, names: list[str]) -> tuple[pl.DataFrame, pl.Series]:
    """Return the distinct rows of some columns, and which of them each row is."""
    rows = frame.select(names)
    distinct = rows.unique(maintain_order=True)
    place = rows.join(distinct.with_row_index("_at"), on=names, how="left", maintain_order="left", nulls_equal=True)
    return distinct, place["_at"]


def _day(text: str) -> Dtc | None:
    """Read a date; None where it is blank or cannot be read."""
    try:
        return Dtc.parse(text)
    except ValueError:
        return None


def _answers(
    known: pl.DataFrame, version: str, method: Method, doses: Mapping[str, Dosed] | None, units: Units
) -> pl.DataFrame:
    """Return what is said of each row of a known test."""
    columns = _columns(known, doses, units)
    samples = to_samples(columns, give_baselines(columns, method))
    low, high = grade(version, "L", samples), grade(version, "H", samples)
    keys = {f"{side}_{name}": column for side, grades in (("L", low), ("H", high)) for name, column in _key(grades)}
    frame = pl.DataFrame({"group": samples.group, **keys})
    _, place = _distinct(frame, frame.columns)
    first = np.unique(place.to_numpy(), return_index=True)[1]
    said = [_in_words(low.at(row), high.at(row), version) for row in first.tolist()]
    words = pl.DataFrame(said, schema=_ANSWER, orient="row")[place.to_numpy()]
    return words.with_columns(known[_ROW])


def _key(grades: "Grades") -> list[tuple[str, "Smalls"]]:
    """Return the columns that together decide what is said of a row."""
    names = ("grade", "lowest", "highest", "ungraded", "line", "note")
    return [(name, getattr(grades, name)) for name in names]


def _columns(known: pl.DataFrame, doses: Mapping[str, Dosed] | None, units: Units) -> FindingColumns:
    """Read each distinct result and each distinct pair of person and date once."""
    texts, reading = _distinct(known, ["_test", *_TEXTS])
    readings = [read_texts(test, Texts(*told), units) for test, *told in texts.iter_rows()]
    visits, visit = _distinct(known, ["USUBJID", "LBDTC"])
    placed = [PREDOSE[_is_predose(who, text, doses)] for who, text in visits.iter_rows()]
    flags, flag = _distinct(known, ["LBBLFL", "LBLOBXFL"])
    flagged = [is_flagged(*pair) for pair in flags.iter_rows()]
    # a row without USUBJID is nobody's: it is a person of its own
    who = pl.when(pl.col("USUBJID") == "").then(pl.format("?{}", _ROW)).otherwise("USUBJID")
    _, person = _distinct(known.select(who.alias("USUBJID")), ["USUBJID"])
    return FindingColumns(
        person=person.to_numpy().astype(np.intp),
        reading=reading.to_numpy().astype(np.intp),
        readings=readings,
        predose=np.array(placed, np.int8)[visit.to_numpy()],
        earliest=known["_earliest"].to_numpy().astype("datetime64[s]"),
        flagged=np.array(flagged, np.bool_)[flag.to_numpy()],
    )


def _is_predose(usubjid: str, taken: str, doses: Mapping[str, Dosed] | None) -> bool | None:
    """Whether a sample was taken on or before the person's first dose; None where nobody can tell."""
    dosed = (doses or {}).get(usubjid)
    if dosed is None or dosed.unknown:
        return None
    return is_predose(_day(taken), dosed.first)


_ANSWER = {
    "term_low": pl.String, "grade_low": pl.Int8, "term_high": pl.String, "grade_high": pl.Int8, "grade_min": pl.Int8,
    "grade_max": pl.Int8, "basis": pl.String, "not_evaluable": pl.String, "note": pl.String,
}  # fmt: skip


def _in_words(low: Grade, high: Grade, version: str) -> tuple[str | int | None, ...]:
    """Say the answers of both directions in one row; `grade_min` to `grade_max` is the range of the worse one."""
    both = [answer for answer in (low, high) if answer.term]
    if not both:
        return (None,) * 8 + (f"no criterion in CTCAE {version}",)
    ranged = [answer for answer in both if answer.ungraded not in _NO_NUMBER_READ]
    worst = max(both, key=lambda answer: -1 if answer.grade is None else answer.grade)
    return (
        low.term or None,
        low.grade,
        high.term or None,
        high.grade,
        max((answer.lowest for answer in ranged), default=None),
        max((answer.highest for answer in ranged), default=None),
        worst.basis.value.lower() or None,
        _joined(answer.ungraded.value if answer.ungraded else "" for answer in both),
        _joined(_note(answer) for answer in both),
    )


def _note(answer: Grade) -> str:
    """Return the note of an answer; one that says how it was graded goes only with a grade."""
    return "; ".join(said for said in answer.note.split("; ") if answer.grade is not None or said != WITHOUT_BASELINE)


def _joined(words: Iterable[str]) -> str | None:
    """Say each once; None where there is none."""
    return "; ".join(word for word in dict.fromkeys(words) if word) or None


def _told(labs: pl.DataFrame, known: pl.DataFrame, answers: pl.DataFrame | None, version: str) -> Graded:
    """Give every row its answer, in the order of the files, and count what could not be graded."""
    said = answers if answers is not None else pl.DataFrame(schema={**_ANSWER, _ROW: labs.schema[_ROW]})
    rows = labs.join(said, on=_ROW, how="left", maintain_order="left")
    unreadable, outside = pl.col(UNREADABLE) != "", pl.col("_test").is_null()
    undated = (pl.col("LBDTC") != "") & pl.col("_earliest").is_null()
    rows = rows.with_columns(
        not_evaluable=pl.when(unreadable).then(pl.lit(UNREADABLE)).otherwise("not_evaluable"),
        note=pl.when(unreadable)
        .then(UNREADABLE)
        .when(outside)
        .then(pl.lit(NOT_IN_TABLE))
        .when(undated)
        .then(pl.concat_str("note", pl.lit("LBDTC is not a date"), separator="; ", ignore_nulls=True))
        .otherwise("note"),
        ctcae=pl.lit(version),
    )
    plain = [pl.col(name).str.replace_all(MARK, "").alias(name.lower()) for name in ("USUBJID", "LBTESTCD", "LBSEQ")]
    printed = rows.select(*plain, pl.col("LBDTC").str.replace_all(MARK, "").alias("lbdtc"), *COLUMNS[4:])
    reasons = rows["not_evaluable"].drop_nulls().value_counts()
    codes = rows.filter(outside & ~unreadable)["LBTESTCD"].value_counts()
    without = rows.filter(~outside & ~unreadable & pl.col("term_low").is_null() & pl.col("term_high").is_null())
    return Graded(
        rows=printed,
        not_evaluable=Counter(dict(reasons.rows())),
        no_criterion=without.height,
        unknown_tests=Counter(dict(codes.rows())),
    )
