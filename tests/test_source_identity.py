"""Record keys, event keys and hashes."""

from collections.abc import Sequence

import polars as pl
import pytest

from monitor.sources.identity import EVENTS, KEYS, hashed, key_of, named


def frame(**columns: Sequence[str | None]) -> pl.DataFrame:
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))


@pytest.mark.parametrize(
    ("domain", "row", "key"),
    [
        ("DM", {}, "U1"),
        ("AE", {"AESPID": "E07", "AEDTC": "2014-01-16", "AETERM": "RASH"}, "U1/E07/2014-01-16"),
        ("AE", {"AESPID": "E07", "AETERM": "RASH"}, "U1/E07"),
        ("AE", {"AELNKID": "4", "AETERM": "RASH"}, "U1/AELNKID=4"),
        ("AE", {"AETERM": "RASH", "AESTDTC": "2014"}, "U1/AETERM=RASH/2014"),
        ("AE", {"AEDTC": "2014-01-16"}, None),
        ("LB", {"LBTESTCD": "ALB", "LBDTC": "2013-12-26T14:45", "VISITNUM": "1"}, "U1/ALB//2013-12-26T14:45/1"),
        ("LB", {"LBTESTCD": "ALB", "LBSPEC": "SERUM", "LBCAT": "CHEMISTRY", "VISIT": "WEEK 2"}, "U1/ALB/SERUM//WEEK 2"),
        ("LB", {"LBDTC": "2013-12-26T14:45"}, None),
        ("VS", {"VSTESTCD": "SYSBP", "VSDTC": "2014", "VISITNUM": "1", "VSTPTNUM": "815", "VSPOS": "SUPINE"},
         "U1/SYSBP/2014/1/815/SUPINE"),
        ("EC", {"ECSTDTC": "2013-02-20", "ECMOOD": "PERFORMED"}, "U1/2013-02-20/PERFORMED"),
        ("EC", {"VISITNUM": "3", "ECTRT": "IL-2"}, "U1/VISITNUM=3"),
        ("EC", {"ECTRT": "IL-2"}, None),
        ("EX", {"EXSTDTC": "2013-02-20", "EXTRT": "IL-2", "EXLOT": "7"}, "U1/2013-02-20"),
        ("DS", {"DSDECOD": "DEATH", "DSCAT": "EVENT", "DSSTDTC": "2014"}, "U1/DEATH/EVENT/2014"),
        ("IE", {"IETESTCD": "EXCL05", "IEDTC": "2014-01-16"}, "U1/EXCL05"),
        ("IE", {"IETEST": "HIV", "VISITNUM": "1"}, "U1/IETEST=HIV/1"),
    ],
)  # fmt: skip
def test_record_keys(domain: str, row: dict[str, str], key: str | None) -> None:
    columns = {name: [value] for name, value in row.items()}
    assert named(frame(USUBJID=["U1"], **columns), KEYS[domain]).to_list() == [key]


def test_the_next_variant_serves_only_the_rows_that_need_it() -> None:
    rows = frame(USUBJID=["U1"] * 3, AESPID=["1", None, None], AELNKID=["9", "1", None], AETERM=["A", "B", "C"])
    assert named(rows, EVENTS["AE"]).to_list() == ["U1/1", "U1/AELNKID=1", "U1/AETERM=C"]


def test_two_records_never_share_a_key_by_their_spelling() -> None:
    terms = ["a/b", "a%2Fb", "a", "a\nb", "x" * 200, "x" * 200 + "y", None, "e" * 60 + "肺" * 60]
    rows = frame(USUBJID=["U1"] * 8 + ["U1/a"], AESPID=["1"] * 8 + ["1"], AEDTC=[*terms, None])
    keys = named(rows, KEYS["AE"]).to_list()
    assert len(set(keys)) == len(keys)
    assert keys[0] == "U1/1/a%2Fb"
    assert max(len(key.encode()) for key in keys) < 500, "a database must be able to index it"


@pytest.mark.parametrize(
    ("domain", "variables", "said"),
    [
        ("AE", ("AESEQ",), "AESEQ alone"),
        ("AE", ("USUBJID", "AESEQ"), "AESEQ alone"),
        ("LB", ("STUDYID", "USUBJID", "lbseq"), "LBSEQ alone"),
        ("AE", ("USUBJID",), "no variable beside USUBJID"),
        ("EX", ("EXSTDTC", "EXTRT"), "EXTRT.*blinded"),
        ("EC", ("ECSTDTC", "ECLOT"), "ECLOT.*blinded"),
    ],
)
def test_keys_that_cannot_serve_are_refused(domain: str, variables: tuple[str, ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        key_of(domain, variables)


def test_a_configured_key_may_hold_more_than_seq() -> None:
    assert key_of("AE", ("USUBJID", "aespid", "AESEQ")) == ("AESPID", "AESEQ")


def test_a_hash_knows_content_and_not_numbering_order_or_empty_columns() -> None:
    row = frame(USUBJID=["U1"], AESEQ=["1"], AETERM=["RASH"])
    [digest] = hashed(row, "AE")
    assert len(digest) == 64
    assert hashed(frame(AETERM=["RASH"], USUBJID=["U1"], AESEQ=["2"], AEOUT=[None]), "AE").to_list() == [digest]
    for other in (
        frame(USUBJID=["U1"], AETERM=["RASH "]),
        frame(USUBJID=["U1"], AELLT=["RASH"]),
        frame(USUBJID=["U1"], AETERM=["RASH"], AEOUT=["X"]),
        frame(USUBJID=["U1AETERM"], AETERM=["RASH"]),
    ):
        assert hashed(other, "AE").to_list() != [digest]
