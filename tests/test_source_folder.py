"""A folder looked at again and again: every file and every row has a fate, and the last good state is never lost."""

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.batch import Batch, FileLook, SeenFile
from monitor.sources.sdtm_folder import SdtmFolder

AE = "STUDYID,DOMAIN,USUBJID,AESEQ,AESPID,AEDTC,AETERM"


def text(*rows: str, head: str = AE) -> bytes:
    return "".join(f"{line}\n" for line in (head, *rows)).encode()


def put(path: Path, data: bytes, *, at: int = 1_700_000_000) -> None:
    path.write_bytes(data)
    os.utime(path, (at, at))


def remember(batch: Batch, *, settled: bool = True) -> list[SeenFile]:
    return [
        SeenFile(
            domain=file.domain,
            name=file.name,
            digest=file.digest,
            modified_at=file.modified_at,
            stamped_at=file.stamped_at,
            settled=settled,
            reading=file.reading,
            line_end=file.line_end,
        )
        for file in batch.files
        if file.state == "read"
    ]


def look(folder: Path, seen: Sequence[SeenFile] = (), **files: str) -> Batch:
    return SdtmFolder(folder, "S", files).read(seen)


def states(batch: Batch) -> dict[str, str]:
    return {file.name: file.state for file in batch.files}


def only(batch: Batch) -> FileLook:
    [file] = batch.files
    return file


def test_rows_arrive_named_hashed_and_placed(tmp_path: Path) -> None:
    put(tmp_path / "AE.CSV", text("S,AE,U1,1,E07,2014-01-16,RASH", "S,AE,U1,2,E08,,COUGH"))
    batch = look(tmp_path)
    rows = batch.domains["AE"]
    assert rows.frame.select("_key", "_event", "_file", "_line", "AETERM").rows() == [
        ("U1/E07/2014-01-16", "U1/E07", "AE.CSV", 2, "RASH"),
        ("U1/E08", "U1/E08", "AE.CSV", 3, "COUGH"),
    ]
    assert (rows.rows, rows.duplicates, rows.rejected, rows.complete) == (2, 0, 0, True)
    assert (only(batch).rows, only(batch).size, len(only(batch).digest)) == (2, 100, 64)


def test_rows_wholly_the_same_are_duplicates_and_renumbered_ones_are_not(tmp_path: Path) -> None:
    row = "S,AE,U1,1,E07,2014-01-16,RASH"
    put(tmp_path / "ae.csv", text(row, row, row.replace(",1,", ",2,"), row))
    rows = look(tmp_path).domains["AE"]
    assert (rows.rows, rows.frame.height, rows.duplicates) == (4, 2, 2)
    assert rows.frame["_hash"].n_unique() == 1


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("X,AE,U1,1,E1,,RASH", "STUDYID", "STUDYID is not S"),
        (",AE,U1,1,E1,,RASH", "STUDYID", "STUDYID is not S"),
        ("S,LB,U1,1,E1,,RASH", "DOMAIN", "DOMAIN is not AE"),
        ("S,AE,,1,E1,,RASH", "USUBJID", "USUBJID is missing"),
        (f"S,AE,{'U' * 201},1,E1,,RASH", "USUBJID", "USUBJID is longer than any identifier is"),
        ("S,AE,U1,1,,2014,", "AESPID", "AESPID and AETERM are missing, so that the record has no key"),
        ("S,AE,U1,1,E1,,RA\0SH", "AETERM", "AETERM holds a NUL character"),
        ("S,AE,U1,1,E1", "", "the row has 5 fields and the header 7"),
        (",,,,,,", "STUDYID", "STUDYID is not S"),
    ],
)
def test_a_bad_row_is_rejected_with_its_place_and_kept_whole(
    tmp_path: Path, row: str, column: str, reason: str
) -> None:
    put(tmp_path / "ae.csv", text("S,AE,U1,1,E0,,RASH", "", row))
    batch = look(tmp_path)
    [bad] = batch.rejected
    assert (bad.file, bad.line, bad.column, bad.reason) == ("ae.csv", 4, column, reason)
    assert (batch.domains["AE"].rows, batch.domains["AE"].frame.height, batch.domains["AE"].rejected) == (2, 1, 1)
    kept = [value for value in row.replace("\0", "\\u0000").split(",") if value]
    assert all(value in bad.content for value in kept)


def test_a_byte_of_another_encoding_costs_its_row_and_shows_it(tmp_path: Path) -> None:
    put(tmp_path / "ae.csv", text("S,AE,U1,1,E0,,发热") + b"S,AE,U1,2,E1,,\xb7\xa2\n")
    batch = look(tmp_path)
    assert batch.domains["AE"].frame["AETERM"].to_list() == ["发热"]
    [bad] = batch.rejected
    assert (bad.column, bad.reason) == ("AETERM", "AETERM holds a byte that is not text")
    assert "\\xb7\\\\xa2" in bad.content


def test_the_same_bad_row_has_the_same_digest_wherever_it_stands(tmp_path: Path) -> None:
    put(tmp_path / "ae.csv", text("S,AE,U1,1,E0,,RASH", "S,AE,,2,E1,,COUGH"))
    [first] = look(tmp_path).rejected
    put(tmp_path / "ae.csv", text("S,AE,,2,E1,,COUGH", "S,AE,U1,1,E0,,RASH", "S,AE,,2,E1,,FEVER"))
    again, other = look(tmp_path).rejected
    assert again.digest == first.digest != other.digest


def test_values_that_do_not_parse_reject_nothing(tmp_path: Path) -> None:
    put(tmp_path / "ae.csv", text("S,AE,U1,one,E0,31.12.2013,RASH"))
    assert look(tmp_path).domains["AE"].frame.select("AESEQ", "AEDTC").rows() == [("one", "31.12.2013")]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the file is empty"),
        (b"<html>404</html>", "an HTML page"),
        (
            text("X,AE,U1,1,E0,,RASH", "X,AE,U2,1,E0,,RASH"),
            "no row that can be used: 2 were read, and STUDYID is not S",
        ),
        (text("S,LB,U1,1,E0,,RASH"), "DOMAIN is not AE"),
        (text("S,AE", head="STUDYID,DOMAIN"), "no column USUBJID"),
        (text("S,AE,U1", head="STUDYID,DOMAIN,USUBJID"), "no column AESPID or AELNKID or AETERM"),
        (text("S,AE,U1,1,E0,,RASH")[:-9], "half-written"),
    ],
)
def test_a_refused_file_leaves_the_last_good_state_and_is_refused_again(tmp_path: Path, data: bytes, said: str) -> None:
    put(tmp_path / "ae.csv", text("S,AE,U1,1,E0,,RASH"))
    seen = remember(look(tmp_path))
    put(tmp_path / "ae.csv", data)
    for _ in range(2):
        batch = look(tmp_path, seen)
        assert only(batch).state == "refused"
        assert said in only(batch).reason
        assert "\n" not in only(batch).reason
        assert (batch.domains, batch.missing, batch.rejected) == ({}, (), ())


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", ["S,LB,U2,2,PLAT,2026-11-02T08:00", 'S,LB,U2,2,PLAT,"2026-11-02"', "S,LB,U2,2,PLAT,"])
def test_a_cut_anywhere_in_the_last_line_is_refused_after_a_version_that_ended_in_a_line_end(
    tmp_path: Path, last: str, end: str
) -> None:
    head = "STUDYID,DOMAIN,USUBJID,LBSEQ,LBTESTCD,LBDTC"
    before = text("S,LB,U1,1,PLAT,2026-11-01", head=head).replace(b"\n", end.encode())
    put(tmp_path / "lb.csv", before)
    seen = remember(look(tmp_path))
    whole = before + last.encode()
    for length in range(len(before) + 1, len(whole) + 1):
        put(tmp_path / "lb.csv", whole[:length], at=1_700_000_100)
        batch = look(tmp_path, seen)
        assert (only(batch).state, batch.domains) == ("refused", {}), whole[:length]
        assert "half-written" in only(batch).reason
    put(tmp_path / "lb.csv", whole + end.encode(), at=1_700_000_200)
    assert look(tmp_path, seen).domains["LB"].frame.height == 2


def test_an_export_that_never_ends_in_a_line_end_is_read_and_one_under_a_new_date_is_held_to_the_last(
    tmp_path: Path,
) -> None:
    one, two = text("S,AE,U1,1,E0,,RASH"), text("S,AE,U1,1,E0,,RASH", "S,AE,U2,1,E0,,RASH")
    put(tmp_path / "ae.csv", one[:-1])
    seen = remember(look(tmp_path))
    put(tmp_path / "ae.csv", two[:-1], at=1_700_000_100)
    taken = look(tmp_path, seen)
    assert only(taken).state == "read"
    put(tmp_path / "ae.csv", one + b"S,AE,U3,1,E0,,RASH\n", at=1_700_000_200)
    seen += [*remember(taken), *remember(look(tmp_path, seen))]
    (tmp_path / "ae.csv").rename(tmp_path / "ae_2024-02-01.csv")
    put(tmp_path / "ae_2024-02-01.csv", two[:-2], at=1_700_000_300)
    assert "half-written" in only(look(tmp_path, seen, AE="ae*.csv")).reason


def test_an_unchanged_file_is_not_read_again_unless_something_was_held_back(tmp_path: Path) -> None:
    put(tmp_path / "ae.csv", text("S,AE,U1,1,E0,,RASH"))
    first = look(tmp_path)
    again = look(tmp_path, remember(first))
    assert (only(again).state, again.domains) == ("unchanged", {})
    assert only(again).digest == only(first).digest
    assert "AE" in look(tmp_path, remember(first, settled=False)).domains


def test_an_older_export_coming_back_is_refused(tmp_path: Path) -> None:
    old, new = text("S,AE,U1,1,E0,,RASH"), text("S,AE,U1,1,E0,,RASH", "S,AE,U2,1,E0,,COUGH")
    put(tmp_path / "ae.csv", old)
    seen = remember(look(tmp_path))
    put(tmp_path / "ae.csv", new, at=1_700_000_600)
    seen += remember(look(tmp_path, seen))
    put(tmp_path / "ae.csv", old, at=1_700_000_000)
    assert "older export" in only(look(tmp_path, seen)).reason
    put(tmp_path / "ae.csv", old, at=1_700_000_601)
    assert only(look(tmp_path, seen)).state == "read", "written anew: the source took the row back"


def test_of_dated_exports_the_newest_counts_and_an_older_one_left_over_is_refused(tmp_path: Path) -> None:
    for day in ("20240130", "20240131"):
        put(tmp_path / f"ae_{day}.csv", text(f"S,AE,U1,1,E0,{day},RASH"))
    batch = look(tmp_path, AE="ae_*.csv")
    assert only(batch).name == "ae_20240131.csv"
    (tmp_path / "ae_20240131.csv").unlink()
    left = look(tmp_path, remember(batch), AE="ae_*.csv")
    assert (only(left).name, only(left).state) == ("ae_20240130.csv", "refused")
    assert "of 2024-01-30 00:00:00, than the last one read, of 2024-01-31 00:00:00" in only(left).reason


LB = "STUDYID,DOMAIN,USUBJID,LBSEQ,LBTESTCD,LBDTC"


def test_a_split_domain_is_read_whole_or_said_to_be_incomplete(tmp_path: Path) -> None:
    put(tmp_path / "lbch.csv", text("S,LB,U1,1,ALT,2014", head=LB))
    put(tmp_path / "lbhe.csv", text("S,LB,U1,2,PLAT,2014,3", head=f"{LB},VISITNUM"))
    first = look(tmp_path)
    rows = first.domains["LB"]
    assert (rows.frame["LBTESTCD"].to_list(), rows.complete) == (["ALT", "PLAT"], True)

    put(tmp_path / "lbhe.csv", text("S,LB,U1,2,PLAT,2015,3", head=f"{LB},VISITNUM"))
    one_changed = look(tmp_path, remember(first))
    assert states(one_changed) == {"lbch.csv": "read", "lbhe.csv": "read"}
    assert one_changed.domains["LB"].frame.height == 2

    put(tmp_path / "lbhe.csv", b"")
    put(tmp_path / "lbch.csv", text("S,LB,U1,1,ALT,2015", head=LB))
    one_refused = look(tmp_path, remember(first))
    assert states(one_refused) == {"lbch.csv": "read", "lbhe.csv": "refused"}
    assert (one_refused.domains["LB"].complete, one_refused.domains["LB"].frame.height) == (False, 1)

    (tmp_path / "lbhe.csv").unlink()
    one_gone = look(tmp_path, remember(first))
    assert states(one_gone) == {"lbch.csv": "read", "lbhe.csv": "refused"}
    assert not one_gone.domains["LB"].complete


def test_a_domain_is_missing_when_it_was_asked_for_or_read_before(tmp_path: Path) -> None:
    assert look(tmp_path).missing == ()
    assert look(tmp_path, EC="ec.csv").missing == ("EC",)
    put(tmp_path / "ae.csv", text("S,AE,U1,1,E0,,RASH"))
    seen = remember(look(tmp_path))
    (tmp_path / "ae.csv").unlink()
    assert look(tmp_path, seen).missing == ("AE",)


def test_a_folder_that_is_not_there_is_trouble_and_not_a_withdrawal(tmp_path: Path) -> None:
    batch = look(tmp_path / "gone")
    assert "cannot be read: No such file or directory" in batch.trouble
    assert (batch.files, batch.missing) == ((), ())


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux's /proc for files that read oddly")
@pytest.mark.parametrize(
    ("target", "said"), [("/proc/self/mem", "cannot be read"), ("/proc/uptime", "is being written")]
)
def test_files_that_cannot_be_read_or_change_meanwhile(tmp_path: Path, target: str, said: str) -> None:
    (tmp_path / "ae.csv").symlink_to(target)
    assert said in only(look(tmp_path)).reason


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"files": {"XX": "xx.csv"}}, "domain XX is not read"),
        ({"files": {"AE": "sub/ae.csv"}}, "not a pattern of file names"),
        ({"keys": {"AE": ("USUBJID", "AESEQ")}}, "AESEQ alone"),
        ({"encoding": "klingon"}, "unknown"),
        ({"encoding": "utf-16"}, "does not keep ASCII"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(tmp_path: Path, change: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        SdtmFolder(tmp_path, "S", **change)  # type: ignore[arg-type]


def test_configured_keys_name_records_and_events(tmp_path: Path) -> None:
    put(tmp_path / "ae.csv", text("S,AE,U1,1,E0,2014,RASH"))
    source = SdtmFolder(tmp_path, "S", keys={"AE": ("USUBJID", "AETERM")}, events={"AE": ("AEDTC",)})
    assert source.read(()).domains["AE"].frame.select("_key", "_event").rows() == [("U1/RASH", "U1/2014")]


def test_check_says_what_stands_in_the_way(tmp_path: Path) -> None:
    assert "cannot be read" in SdtmFolder(tmp_path / "gone", "S").check()[0]
    put(tmp_path / "ae.csv", text("S,AE,U1,1,E0,,RASH", "S,AE,,1,E0,,RASH"))
    put(tmp_path / "dm.csv", b"")
    for name in ("lb.csv", "lb.xpt"):
        put(tmp_path / name, text("S,LB,U1,1,ALT,2014", head=LB))
    assert SdtmFolder(tmp_path, "S", {"EC": "dosing.csv"}).check() == [
        f"no file of EC is in {tmp_path} (looked for dosing.csv)",
        "dm.csv: the file is empty",
        "lb.csv and lb.xpt claim the same domain LB: name one in the settings",
        "ae.csv: 1 of its rows cannot be taken, the first in line 3: USUBJID is missing",
    ]


FIELD = st.one_of(
    st.sampled_from(["S", "AE", "U1", "", "NaN", "1", "Y", "2014-02-30", "x" * 1_000_000, "\u202eRASH", '"', '"a\nb"']),
    st.text(alphabet=st.characters(codec="utf-8"), max_size=6),
    st.text(alphabet='",\n\r\0 a', max_size=6),
)
LINE = st.one_of(
    st.lists(FIELD, min_size=1, max_size=9).map(lambda fields: ",".join(fields).encode()),
    st.lists(FIELD, min_size=4, max_size=4).map(lambda rest: _as_csv(["S", "AE", "U1", *rest])),
    st.binary(max_size=30),
)


def _as_csv(fields: list[str]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(fields)
    return buffer.getvalue().removesuffix("\r\n").encode()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(LINE, max_size=8), closed=st.booleans())
def test_every_row_has_a_fate_whatever_is_in_the_file(tmp_path: Path, lines: list[bytes], closed: bool) -> None:
    good = text("S,AE,GOOD,1,E0,,RASH")
    put(tmp_path / "ae.csv", good + b"\n".join(lines) + b"\n" * closed)
    batch = look(tmp_path)
    if only(batch).state == "refused":
        assert not closed, "only a file that breaks off may be refused for its rows"
        return
    rows = batch.domains["AE"]
    assert rows.rows == rows.frame.height + rows.duplicates + rows.rejected == only(batch).rows
    assert rows.rejected == len(batch.rejected)
    assert rows.frame["USUBJID"][0] == "GOOD"
    assert rows.frame.select("_key", "_hash", "_line").null_count().sum_horizontal().item() == 0
    said = [row.content + row.reason for row in batch.rejected] + rows.frame["_key"].to_list()
    assert not any("\0" in words or "\uffff" in words for words in said)
    " ".join(said).encode()


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(FIELD, FIELD), min_size=1, max_size=8))
def test_rows_written_properly_are_all_taken(tmp_path: Path, pairs: list[tuple[str, str]]) -> None:
    rows = [["S", "AE", f"U{n}", "1", "E", date, term] for n, (date, term) in enumerate(pairs)]
    clean = [[field.replace("\0", "").replace("\uffff", "") for field in row] for row in rows]
    put(tmp_path / "ae.csv", text() + b"".join(_as_csv(row) + b"\n" for row in clean))
    frame = look(tmp_path).domains["AE"].frame
    assert frame["USUBJID"].to_list() == [row[2] for row in clean]
    assert frame["AETERM"].fill_null("").to_list() == [_trimmed(row[6]) for row in clean]


def _trimmed(value: str) -> str:
    return str(pl.Series([value]).str.strip_chars_end()[0])


EXAMPLE = {"DM": 18, "AE": 74, "LB": 3488, "EC": 1590, "EX": 1583, "DS": 53}
PILOT = {"DM": 306, "AE": 1191, "LB": 59580, "EX": 591, "DS": 850, "VS": 29643}


def real(folder: Path, counts: dict[str, int], ending: str) -> Batch:
    files = {domain: f"{domain.lower()}.{ending}" for domain in counts}
    return SdtmFolder(folder, "CDISCPILOT01", files).read(())


def test_the_same_data_in_four_formats_are_the_same_records(data: Path) -> None:
    looks = {ending: real(data / "sdtm-example", EXAMPLE, ending) for ending in ("json", "ndjson", "dsjc", "xpt")}
    for batch in looks.values():
        assert {domain: rows.frame.height for domain, rows in batch.domains.items()} == EXAMPLE
        for domain, rows in batch.domains.items():
            assert rows.frame.drop("_file", "_line").equals(
                looks["json"].domains[domain].frame.drop("_file", "_line"), null_equal=True
            )
            assert rows.frame["_key"].is_unique().all(), domain


def test_the_pilot_study_is_taken_whole_and_its_keys_are_unique(data: Path) -> None:
    batch = real(data / "cdiscpilot01", PILOT, "csv")
    assert {domain: rows.frame.height for domain, rows in batch.domains.items()} == PILOT
    ties = {domain: rows.frame.height - rows.frame["_key"].n_unique() for domain, rows in batch.domains.items()}
    assert {domain: number for domain, number in ties.items() if number} == {"AE": 1}
    assert batch.domains["AE"].frame["_event"].n_unique() == 883
    assert batch.rejected == ()


def test_csv_rewritten_from_xpt_gives_the_same_records(data: Path, tmp_path: Path) -> None:
    from_xpt = real(data / "sdtm-example", EXAMPLE, "xpt")
    for domain, rows in from_xpt.domains.items():
        rows.frame.select(pl.exclude("^_.*$")).write_csv(tmp_path / f"{domain.lower()}.csv")
    from_csv = real(tmp_path, EXAMPLE, "csv")
    for domain, rows in from_csv.domains.items():
        assert rows.frame.drop("_file", "_line").equals(from_xpt.domains[domain].frame.drop("_file", "_line"))


def test_several_formats_of_one_domain_are_refused_until_the_settings_name_one(data: Path) -> None:
    batch = SdtmFolder(data / "sdtm-example", "CDISCPILOT01").read(())
    assert {file.state for file in batch.files} == {"refused"}
    assert batch.domains == {}
    assert len([file for file in batch.files if file.domain == "AE"]) == 4


def test_japanese_terms_are_kept(data: Path) -> None:
    batch = SdtmFolder(data / "sdtm-example", "CDISCPILOT01", {"AE": "i18n-ae.json"}).read(())
    assert batch.domains["AE"].frame["AETERM"][0] == "アプリケーションサイトの紅斑"


def test_a_file_is_read_again_when_the_settings_say_to_read_it_otherwise(tmp_path: Path) -> None:
    put(tmp_path / "ae.csv", text("S,AE,U1,1,E07,2014-01-16,caf\u00e9").decode().encode("latin-1"))
    garbled = SdtmFolder(tmp_path, "S").read(())
    assert states(garbled) == {"ae.csv": "refused"}
    put(
        tmp_path / "ae.csv",
        text("S,AE,U1,1,E07,2014-01-16,caf\u00e9", "S,AE,U2,1,E01,,RASH").decode().encode("latin-1"),
    )
    seen = remember(SdtmFolder(tmp_path, "S").read(()))
    assert states(SdtmFolder(tmp_path, "S").read(seen)) == {"ae.csv": "unchanged"}
    for other in (
        SdtmFolder(tmp_path, "S", encoding="latin-1"),
        SdtmFolder(tmp_path, "S", keys={"AE": ("AESPID",)}),
        SdtmFolder(tmp_path, "S", events={"AE": ("AETERM",)}),
    ):
        assert states(other.read(seen)) == {"ae.csv": "read"}
        assert states(other.read([*seen, *remember(other.read(seen))])) == {"ae.csv": "unchanged"}


def test_a_file_named_in_the_letters_of_another_system_is_read_and_its_name_can_be_stored(tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/lb" + "数据".encode("gb18030") + b".csv"
    Path(os.fsdecode(odd)).write_bytes(b"STUDYID,DOMAIN,USUBJID,LBTESTCD\nS,LB,U1,PLAT\n")
    file = only(look(tmp_path))
    assert file.state == "read"
    assert file.name.encode() == b"lb\\xca\\xfd\\xbe\\xdd.csv"
