"""XPT and Dataset-JSON: the same rows as text, and what is refused whole."""

import gzip
import json
import zlib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyreadstat
import pytest

from monitor.sources.dataset_json import read_dataset_json
from monitor.sources.formats import read_table
from monitor.sources.table import LINE, MARK, Refusal, canonical_number
from monitor.sources.xpt_file import read_xpt

NAMES = ("STUDYID", "DOMAIN", "USUBJID", "LBSTRESN", "LBORRES")
TYPES = ("string", "string", "string", "float", "string")
ROWS: list[list[Any]] = [["S", "LB", "U1", 3.3000000000000003, "3.30"], ["S", "LB", "U2", None, ""]]
AS_TEXT = [("S", "LB", "U1", "3.3", "3.30"), ("S", "LB", "U2", None, None)]


def header(rows: int = 2, **changes: Any) -> dict[str, Any]:
    columns = [
        {"itemOID": f"IT.{name}", "name": name, "label": name, "dataType": kind}
        for name, kind in zip(NAMES, TYPES, strict=True)
    ]
    entries = {
        "datasetJSONCreationDateTime": "2024-11-11T15:09:14+08:00",
        "datasetJSONVersion": "1.1.0",
        "itemGroupOID": "IG.LB",
        "records": rows,
        "name": "LB",
        "label": "Laboratory",
        "columns": columns,
        **changes,
    }
    return {name: value for name, value in entries.items() if value != "absent"}


def whole(rows: list[Any] = ROWS, **changes: Any) -> bytes:
    return json.dumps(header(len(rows)) | {"rows": rows} | changes).encode()


def by_line(rows: list[Any] = ROWS) -> bytes:
    return "\n".join(json.dumps(line) for line in (header(len(rows)), *rows)).encode() + b"\n"


def xpt(folder: Path, **columns: list[Any]) -> bytes:
    path = folder / "made.xpt"
    pyreadstat.write_xport(pl.DataFrame(columns, strict=False), path, file_format_version=5)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("3.3000000000000003", "3.3"),
        ("38.0", "38"),
        ("1200", "1200"),
        ("1.2e3", "1200"),
        ("-0.0", "0"),
        ("0.1234567890123456", "0.123456789012346"),
        (".5", "0.5"),
        ("+7", "7"),
        ("5.397605346934028e-79", "5.39760534693403E-79"),  # a missing value's trace stays visible
        ("1e-300", "1E-300"),
        ("NaN", "NaN"),
        ("inf", "inf"),
        ("<40", "<40"),
        ("1_000", "1_000"),
        ("１２", "１２"),
        ("1e999999999999999999999", "1e999999999999999999999"),
    ],
)
def test_numbers_have_one_spelling(text: str, spelled: str) -> None:
    assert canonical_number(text) == spelled


@pytest.mark.parametrize(
    "data", [whole(), by_line(), gzip.compress(by_line()), zlib.compress(by_line()), zlib.compress(whole())]
)
def test_dataset_json_in_each_of_its_dresses(data: bytes) -> None:
    table = read_table(data, "utf-8")
    assert table.frame.drop(LINE).rows() == AS_TEXT
    assert table.stamped_at == MADE


MADE = datetime(2024, 11, 11, 7, 9, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("database", "read"),
    [
        ("2020-08-21T09:14:28", datetime(2020, 8, 21, 9, 14, 28, tzinfo=UTC)),  # without zone: as UTC
        ("2020-08-21T09:14:28+08:00", datetime(2020, 8, 21, 1, 14, 28, tzinfo=UTC)),
        ("2020-08-21T09:14:28.5Z", datetime(2020, 8, 21, 9, 14, 28, 500_000, tzinfo=UTC)),
        ("2020-08-21", datetime(2020, 8, 21, tzinfo=UTC)),
        ("absent", None),
        (None, None),
        ("", None),
    ],
)
def test_the_time_of_the_database_is_read_beside_that_of_the_file(database: str | None, read: datetime | None) -> None:
    table = read_dataset_json(whole(dbLastModifiedDateTime=database) if database != "absent" else whole())
    assert (table.stamped_at, table.database_at, table.stamp_fault) == (MADE, read, "")


@pytest.mark.parametrize(
    "database", ["yesterday", "2020-02-30T00:00:00", "21AUG2020:09:14:28", "0001-01-01T00:00:00+14:00", ["then"]]
)
def test_a_time_that_cannot_be_read_is_said_and_costs_no_row(database: Any) -> None:
    table = read_dataset_json(whole(dbLastModifiedDateTime=database))
    assert table.frame.drop(LINE).rows() == AS_TEXT
    assert (table.stamped_at, table.database_at) == (MADE, None)
    assert table.stamp_fault == f"dbLastModifiedDateTime {str(database)[:40]!r} is not a date and time"


def test_both_times_that_cannot_be_read_are_one_sentence() -> None:
    table = read_dataset_json(whole(datasetJSONCreationDateTime="now", dbLastModifiedDateTime="then"))
    assert table.stamp_fault == (
        "datasetJSONCreationDateTime 'now' is not a date and time"
        " and dbLastModifiedDateTime 'then' is not a date and time"
    )


def test_json_rows_that_are_not_rows_are_named_and_the_rest_goes_on() -> None:
    table = read_dataset_json(by_line([ROWS[0], ["S", "LB"], {"a": 1}, ["S", "LB", "U3", [1], ""], ROWS[1]]))
    assert table.frame["USUBJID"].to_list() == ["U1", "U2"]
    assert [(row.line, row.reason) for row in table.bad] == [
        (3, "the row has 2 values and the header 5 columns"),
        (4, "the row is not a JSON array"),
        (5, "the row holds a value that is not text, number, true, false or null"),
    ]


@pytest.mark.parametrize("spoilt", [b"U\xff", b"U\\udcff", b"U\\ud83d"])
def test_one_byte_or_escape_that_is_not_text_does_not_cost_the_file(spoilt: bytes) -> None:
    frame = read_table(by_line().replace(b"U2", spoilt), "utf-8").frame
    assert frame["USUBJID"].str.contains(MARK).to_list() == [False, True]
    assert read_table(by_line([*ROWS, ["S"]]).replace(b'"S"]', b'"' + spoilt + b'"]'), "utf-8").bad[0].line == 4


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (whole()[:-20], "half-written"),
        (by_line()[:-20], "half-written"),
        (by_line()[: -len(json.dumps(ROWS[1])) - 1], "announces 2 rows and it holds 1"),
        (gzip.compress(by_line())[:-20], "half-written"),
        (zlib.compress(by_line())[:-20], "half-written"),
        (whole(records=3), "announces 3 rows and it holds 2"),
        (whole(datasetJSONVersion="1.0.0"), "1.1 is read"),
        (json.dumps(header(records="absent") | {"rows": ROWS}).encode(), "no records"),
        (whole(columns=[{"label": "x"}]), "columns are not named"),
        (b'{"resourceType": "Bundle"}', "not Dataset-JSON"),
        (b"", "empty"),
        (b" \n", "empty"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "an HTML page"),
        (b"<?xml version='1.0'?><ODM/>", "XML or HTML"),
        (b"PK\x03\x04rest", "an Excel or ZIP file"),
        ("STUDYID,USUBJID\n".encode("utf-16"), "UTF-16"),
        (b"HEADER RECORD*******LIBV8   HEADER RECORD!!!!!!!", "version 8"),
    ],
)
def test_refused_whole_in_one_sentence(data: bytes, said: str) -> None:
    with pytest.raises(Refusal, match=said):
        read_table(data, "utf-8")


def test_xpt_numbers_dates_and_missing_values(tmp_path: Path) -> None:
    data = xpt(tmp_path, USUBJID=["U1", "U2"], LBSTRESN=[1.1 * 3, None], LBDT=[date(2014, 1, 3), None])
    assert read_xpt(data, "utf-8").frame.drop(LINE).rows() == [("U1", "3.3", "2014-01-03"), ("U2", None, None)]


def test_the_trace_of_a_missing_value_in_an_ibm_float_stays_visible(tmp_path: Path) -> None:
    data = xpt(tmp_path, USUBJID=["U1"], LBSTRESN=[7.0])
    seven = bytes.fromhex("4170000000000000")
    assert data.count(seven) == 1
    frame = read_xpt(data.replace(seven, bytes.fromhex("0010000000000000")), "utf-8").frame
    assert frame["LBSTRESN"].to_list() == ["5.39760534693403E-79"]


def test_xpt_text_is_read_in_the_encoding_of_the_settings(tmp_path: Path) -> None:
    data = xpt(tmp_path, USUBJID=["U1", "U2"], AETERM=["肺炎", "rash"])
    chinese = data.replace("肺炎".encode(), "肺炎".encode("gb18030") + b"  ")
    assert read_xpt(data, "utf-8").frame["AETERM"].to_list() == ["肺炎", "rash"]
    assert read_xpt(chinese, "gb18030").frame["AETERM"].to_list() == ["肺炎", "rash"]


def test_an_xpt_cut_off_anywhere_is_refused_or_seen_to_be_shorter(tmp_path: Path) -> None:
    data = xpt(
        tmp_path, STUDYID=["S"] * 9, USUBJID=[f"U{n}" * 30 for n in range(9)], AESEQ=[float(n) for n in range(9)]
    )
    kept = {}
    for cut in range(len(data)):
        try:
            kept[cut] = read_table(data[:cut], "utf-8").frame.height
        except Refusal:
            continue
    assert all(height < 9 for height in kept.values())
    assert len(kept) <= 2, "only a cut at the end of a record that is the end of a row cannot be seen"
