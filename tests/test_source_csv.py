"""CSV as it really comes: bad rows are named with their line, the rest goes on."""

import pytest

from monitor.sources.csv_file import read_csv
from monitor.sources.table import LINE, Refusal

HEAD = b"STUDYID,DOMAIN,USUBJID,AETERM\n"


def values(data: bytes, encoding: str = "utf-8") -> list[tuple[object, ...]]:
    return read_csv(data, encoding).frame.select("USUBJID", "AETERM", LINE).rows()


def bad(data: bytes, encoding: str = "utf-8") -> list[tuple[int, str]]:
    return [(row.line, row.reason) for row in read_csv(data, encoding).bad]


def test_every_column_is_text_and_blank_is_missing() -> None:
    frame = read_csv(b"studyid,AESTDY,AETOXGR,AETERM\nS,007,1e3, cough  \n,  ,,\n", "utf-8").frame
    assert frame.rows() == [("S", "7", "1e3", " cough", 2), (None, None, None, None, 3)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_true_after_quoted_line_ends_empty_lines_and_bad_rows(end: str) -> None:
    lines = ["STUDYID,DOMAIN,USUBJID,AETERM", 'S,AE,1,"a', 'b"', "", "S,AE,2", "S,AE,3,c", "S,AE,4,d,e", 'S,AE,5,"f"']
    table = read_csv((end.join(lines) + end).encode(), "utf-8")
    assert table.frame.select("USUBJID", LINE).rows() == [("1", 2), ("3", 6), ("5", 8)]
    assert [(row.line, row.reason, row.content) for row in table.bad] == [
        (5, "the row has 3 fields and the header 4", "S,AE,2"),
        (7, "the row has 5 fields and the header 4", "S,AE,4,d,e"),
    ]


def test_a_stray_quote_costs_its_own_row_and_not_the_ones_it_swallows() -> None:
    data = HEAD + b'S,AE,1,"5 cm cut\nS,AE,2,cough\nS,AE,3,fever\nS,AE,4,"rash" \nS,AE,5,pain\n'
    assert [row[0] for row in values(data)] == ["2", "3", "5"]
    assert bad(data) == [(line, "a quote in the row is not closed or stands in the wrong place") for line in (2, 5)]


def test_a_stray_quote_that_makes_a_row_of_the_right_width_is_seen_through() -> None:
    data = HEAD + b'S,AE,"1\nS,AE,2,cough\nS,AE,3",fever\nS,AE,4,pain\n'
    assert [row[0] for row in values(data)] == ["2", "4"]
    assert [line for line, _ in bad(data)] == [2, 4]


def test_a_quote_never_closed_leaves_the_rows_after_it() -> None:
    data = HEAD + b'S,AE,1,cough\nS,AE,2,"fever\n' + b"".join(b"S,AE,%d,x\n" % n for n in range(3, 500))
    assert len(values(data)) == 498
    assert [line for line, _ in bad(data)] == [3]


def test_quotes_within_a_value_are_kept() -> None:
    assert values(HEAD + b'S,AE,1,5" cut\nS,AE,2,"a ""b"", c"\n') == [("1", '5" cut', 2), ("2", 'a "b", c', 3)]


@pytest.mark.parametrize(
    ("data", "encoding", "term"),
    [
        (HEAD + "S,AE,1,肺炎\n".encode(), "utf-8", "肺炎"),
        (b"\xef\xbb\xbf" + HEAD + "S,AE,1,肺炎\n".encode(), "utf-8", "肺炎"),
        (b"\xef\xbb\xbf" + HEAD + "S,AE,1,肺炎\n".encode(), "gb18030", "肺炎"),  # a byte order mark says UTF-8
        (HEAD + "S,AE,1,肺炎\n".encode("gb18030"), "gb18030", "肺炎"),
        (HEAD + "S,AE,1,Übelkeit\n".encode("latin-1"), "latin-1", "Übelkeit"),
        (HEAD + b"S,AE,1," + b"x" * 1_000_000 + b"\n", "utf-8", "x" * 1_000_000),
    ],
)
def test_encodings_and_long_texts(data: bytes, encoding: str, term: str) -> None:
    assert values(data, encoding) == [("1", term, 2)]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"STUDYID,DOMAIN,USUB", "half-written"),
        (HEAD + b"S,AE,1,cough\nS,AE,2", "half-written"),
        (HEAD + b'S,AE,1,cough\nS,AE,2,"pneum', "half-written"),
        (HEAD + b"S,AE,1,cough\nS,AE,2,a,b", "half-written"),
        (b"STUDYID;DOMAIN;USUBJID\nS;AE;1\n", "neither comma-separated"),
        (b"STUDYID,DOMAIN,USUBJID,usubjid\n", "same name"),
        (b"STUDYID,,USUBJID\n", "without a usable name"),
    ],
)
def test_refused_whole_in_one_sentence(data: bytes, said: str) -> None:
    with pytest.raises(Refusal, match=said):
        read_csv(data, "utf-8")


@pytest.mark.parametrize("last", [b"S,AE,2,fever", b'S,AE,2,"a\nb"'])
def test_a_whole_last_row_needs_no_line_end(last: bytes) -> None:
    assert len(values(HEAD + b"S,AE,1,cough\n" + last)) == 2


@pytest.mark.parametrize(("data", "line_end"), [(b"", False), (b"\n", True), (b"\r\n", True), (b"\r", True)])
def test_a_table_says_whether_a_line_end_closes_it(data: bytes, line_end: bool) -> None:
    assert read_csv(HEAD + b"S,AE,1,cough" + data, "utf-8").line_end is line_end


def test_a_header_alone_is_an_empty_domain() -> None:
    assert values(HEAD) == []
    assert values(HEAD + b"\r\n\n") == []
