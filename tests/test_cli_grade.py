"""`vigil grade`: one row for each row, in order, with a grade or the reason why there is none."""

import csv
import io
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from monitor.cli import app
from monitor.sources.formats import read_table
from rules.graded import grade_participants
from rules.reading import read_record
from rules.records import Finding, Participant, Subject
from tests.lab_stories import header

HEAD = "USUBJID,LBSEQ,LBTESTCD,LBTEST,LBSPEC,LBORRES,LBORRESU,LBORNRLO,LBORNRHI,LBBLFL,LBDTC\n"
PLATELETS = "PLAT,Platelets,BLOOD"


def grade(
    tmp_path: Path, rows: str, *options: str, head: str = HEAD, code: int = 0
) -> tuple[list[dict[str, str]], str]:
    """Grade rows of a file; return the answers and what was said on standard error."""
    lb = tmp_path / "lb.csv"
    lb.write_text(head + rows, encoding="utf-8")
    result = CliRunner().invoke(app, ["grade", str(lb), "--ctcae", "5.0", *options])
    assert result.exit_code == code, result.stderr
    return list(csv.DictReader(io.StringIO(result.stdout))), result.stderr


def dm(tmp_path: Path, *rows: str) -> str:
    """Write a DM file of USUBJID,RFXSTDTC rows; return its path."""
    file = tmp_path / "dm.csv"
    file.write_text("\n".join(["STUDYID,USUBJID,RFXSTDTC", *(f"T,{row}" for row in rows)]) + "\n", encoding="utf-8")
    return str(file)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (f"{PLATELETS},24.9,10^9/L,150,400", {"grade_low": "4", "grade_min": "4", "grade_max": "4"}),
        (f"{PLATELETS},25,10^9/L,150,400", {"grade_low": "3", "basis": "absolute", "not_evaluable": ""}),
        (f"{PLATELETS},149,10^9/L,150,400", {"grade_low": "1", "basis": "lln", "term_low": "Platelet count decreased"}),
        (f"{PLATELETS},150,10^9/L,150,400", {"grade_low": "0", "basis": "", "term_high": "", "grade_high": ""}),
        ("ALT,ALT,SERUM,500,U/L,5,45", {"grade_high": "3", "basis": "uln", "grade_low": ""}),
        (f"{PLATELETS},<60,10^9/L,150,400", {
            "grade_low": "", "grade_min": "2", "grade_max": "4",
            "not_evaluable": "the result is a limit that spans grades"}),
        (f"{PLATELETS},<20,10^9/L,150,400", {"grade_low": "4", "grade_min": "4", "not_evaluable": ""}),
        (f"{PLATELETS},clotted,10^9/L,150,400", {
            "grade_low": "", "grade_min": "", "not_evaluable": "the result is not a number"}),
        (f"{PLATELETS},,10^9/L,150,400", {"not_evaluable": "no result"}),
        (f"{PLATELETS},20,,150,400", {"grade_low": "", "not_evaluable": "no unit"}),
        (f"{PLATELETS},20,mg/dL,150,400", {"grade_low": "", "not_evaluable": "the unit does not fit the test"}),
        ("LYM,Lymphocytes,BLOOD,0.05,FRACTION,0.2,0.4", {"not_evaluable": "the unit does not fit the test"}),
        ("PLAT,Platelets,LILAC TUBE,20,10^9/L,150,400", {
            "grade_low": "", "grade_min": "", "not_evaluable": "the specimen is not known"}),
        ("VITB12,Vitamin B12,SERUM,1,pg/mL,2,3", {
            "not_evaluable": "", "note": "no criterion: the test is not in the table"}),
        ("CREAT,Creatinine,URINE,90,mg/dL,2,3", {"note": "no criterion: the test is not in the table"}),
    ],
)  # fmt: skip
def test_each_row_has_one_of_four_outcomes(tmp_path: Path, row: str, said: dict[str, str]):
    (answer,), _ = grade(tmp_path, f"S-1,1,{row},,2014-03-05\n")
    assert {name: answer[name] for name in said} == said
    assert answer["ctcae"] == "5.0"
    assert any(answer[name] for name in ("grade_low", "grade_high", "not_evaluable", "note"))


@pytest.mark.parametrize("values", [("60", "40"), ("40", "60")])
def test_the_order_of_rows_decides_no_baseline(tmp_path: Path, values: tuple[str, str]):
    rows = "".join(f"S-1,{v},ALT,ALT,SERUM,{v},U/L,5,30,,2014-03-01\n" for v in values)
    answers, _ = grade(
        tmp_path, f"{rows}S-1,9,ALT,ALT,SERUM,130,U/L,5,30,,2014-03-08\n", "--dm", dm(tmp_path, "S-1,2014-03-05")
    )
    assert answers[-1]["grade_high"] == "2"  # 3.25 times 40; twice 60 would be grade 1


def test_a_row_with_a_byte_that_is_not_text_is_not_graded(tmp_path: Path):
    lb = tmp_path / "lb.csv"
    rows = f"S-1,1,{PLATELETS},20,10^9/L,150,400,,2014-03-05\nS-1,2,{PLATELETS},20,10\xb3/µL,150,400,,2014-03-05\n"
    lb.write_bytes((HEAD + rows).encode("latin-1"))
    result = CliRunner().invoke(app, ["grade", str(lb), "--ctcae", "5.0"])
    good, bad = csv.DictReader(io.StringIO(result.stdout))
    assert (good["grade_low"], bad["grade_low"], bad["not_evaluable"]) == ("4", "", "the row cannot be read")
    assert bad["note"] == "row 3: LBORRESU holds a byte that is not text: try --encoding"
    result = CliRunner().invoke(app, ["grade", str(lb), "--ctcae", "5.0", "--encoding", "latin-1"])
    assert [row["grade_low"] for row in csv.DictReader(io.StringIO(result.stdout))] == ["4", "4"]


def test_participants_who_are_not_in_dm_are_counted(tmp_path: Path):
    rows = "".join(f"{who},1,{PLATELETS},20,10^9/L,150,400,,2014-03-05\n" for who in ("S-1", "S-2", "S-2", "S-3"))
    _, summary = grade(tmp_path, rows, "--dm", dm(tmp_path, "S-1,2014-03-01"))
    assert "2 participants are not in --dm" in summary
    assert "not in --dm" not in grade(tmp_path, rows)[1]


def test_no_note_says_how_a_result_was_graded_that_was_not(tmp_path: Path):
    (answer,), _ = grade(
        tmp_path, "S-1,1,ALT,ALT,SERUM,500,U/L,,,,2014-03-05\n", "--dm", dm(tmp_path, "S-1,2014-03-01")
    )
    assert (answer["not_evaluable"], answer["note"]) == ("no reference range", "")


def test_rows_keep_their_order_and_a_broken_one_its_place(tmp_path: Path):
    rows = (
        f"S-2,7,{PLATELETS},20,10^9/L,150,400,,2014-03-09\n"
        "S-2,8,PLAT,too,short\n"
        f"S-1,9,{PLATELETS},60,10^9/L,150,400,,2014-03-01\n"
    )
    answers, summary = grade(tmp_path, rows)
    assert [(row["lbseq"], row["grade_low"]) for row in answers] == [("7", "4"), ("", ""), ("9", "2")]
    assert answers[1]["not_evaluable"] == "the row cannot be read"
    assert "row 3: the row has 5 fields" in answers[1]["note"]
    assert "3 rows, 1 not evaluable" in summary


def test_files_come_one_after_the_other_and_a_baseline_in_one_serves_the_other(tmp_path: Path):
    other = tmp_path / "lbhe.csv"
    other.write_text(f"{HEAD}S-1,1,ALT,ALT,SERUM,100,U/L,5,45,Y,2014-03-01\n", encoding="utf-8")
    answers, _ = grade(tmp_path, "S-1,2,ALT,ALT,SERUM,160,U/L,5,45,,2014-03-05\n", str(other))
    assert [row["lbseq"] for row in answers] == ["2", "1"]
    assert (answers[0]["grade_high"], answers[0]["basis"]) == ("1", "baseline")


ALT = "S-1,{seq},ALT,ALT,SERUM,{value},U/L,5,45,{flag},{dtc}\n"
STORY = (
    ALT.format(seq=1, value=100, flag="Y", dtc="2014-02-20")
    + ALT.format(seq=2, value=40, flag="", dtc="2014-03-03")
    + ALT.format(seq=3, value=160, flag="", dtc="2014-03-05")
)


@pytest.mark.parametrize(
    ("options", "grades", "basis"),
    [
        (("--baseline", "flag"), ["1", "0", "1"], "baseline"),
        ((), ["1", "0", "1"], "baseline"),  # without DM the flag decides
        (("--dm",), ["1", "0", "2"], "uln"),  # with DM the last before the dose does: 40 is normal, 160 is 3.6 x ULN
        (("--baseline", "flag", "--dm"), ["1", "0", "1"], "baseline"),
    ],
)
def test_the_baseline_is_the_one_asked_for(tmp_path: Path, options: tuple[str, ...], grades: list[str], basis: str):
    given = [*options, dm(tmp_path, "S-1,2014-03-03")] if "--dm" in options else options
    answers, _ = grade(tmp_path, STORY, *given)
    assert [row["grade_high"] for row in answers] == grades
    assert answers[2]["basis"] == basis


def test_who_is_not_in_dm_has_no_baseline_and_that_is_said(tmp_path: Path):
    answers, _ = grade(tmp_path, STORY, "--dm", dm(tmp_path, "S-2,2014-03-03"))
    assert answers[2]["note"] == "no usable baseline: graded on the range alone"


def test_rows_without_a_person_share_no_baseline(tmp_path: Path):
    rows = STORY.replace("S-1", "")
    answers, _ = grade(tmp_path, rows, "--baseline", "flag")
    assert answers[2]["basis"] == "uln"


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        (("--baseline", "last-predose"), 2, "--baseline last-predose needs --dm"),
        (("--dm", "absent.csv"), 2, "absent.csv: cannot be read"),
        (("-", "-"), 2, "only one file can come from the pipe"),
        (("--encoding", "latin-99"), 2, "--encoding latin-99 is unknown"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(tmp_path: Path, options: tuple[str, ...], code: int, sentence: str):
    _, said = grade(tmp_path, STORY, *options, code=code)
    assert sentence in said
    assert said.count("\n") == 1


def test_the_output_is_never_one_of_the_inputs(tmp_path: Path):
    _, said = grade(tmp_path, STORY, "--output", str(tmp_path / "lb.csv"), code=2)
    assert "is one of the files to be graded" in said


@pytest.mark.parametrize(
    ("head", "sentence"),
    [
        ("USUBJID,AETERM\n", "it has no LBTESTCD"),
        ("USUBJID,LBTESTCD\n", "the file has no results"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, head: str, sentence: str):
    _, said = grade(tmp_path, "S-1,x\n", head=head, code=1)
    assert sentence in said


def test_standard_results_are_graded_on_demand(tmp_path: Path):
    head = "USUBJID,LBTESTCD,LBORRES,LBORRESU,LBSTRESC,LBSTRESU\n"
    row = "S-1,PLAT,60,10^9/L,20,10^9/L\n"
    assert grade(tmp_path, row, head=head)[0][0]["grade_low"] == "2"
    assert grade(tmp_path, row, "--units", "standard", head=head)[0][0]["grade_low"] == "4"


def test_a_pipe_and_the_summary(tmp_path: Path):
    row = "S-1,1,ZZZ,Zzz,BLOOD,1,U,1,2,,2014\n"
    result = CliRunner().invoke(app, ["grade", "-", "--ctcae", "6.0"], input=(HEAD + row * 2).encode())
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 3
    assert "2 of tests that are not in the table: ZZZ" in result.stderr


def test_an_unreadable_date_is_said_and_an_empty_file_gives_an_empty_table(tmp_path: Path):
    answers, _ = grade(tmp_path, f"S-1,1,{PLATELETS},20,10^9/L,150,400,,5 March 2014\n")
    assert (answers[0]["grade_low"], answers[0]["note"]) == ("4", "LBDTC is not a date")
    assert grade(tmp_path, "")[0] == []


@pytest.mark.parametrize("version", ["4.03", "5.0", "6.0"])
def test_every_row_of_a_real_study_has_an_answer_in_each_version(data: Path, tmp_path: Path, version: str):
    """A grade in each direction that has a term, or a reason; without a term, a note that there is no criterion."""
    folder, output = data / "cdiscpilot01", tmp_path / "out.csv"
    asked = ["grade", str(folder / "lb.csv"), "--dm", str(folder / "dm.csv"), "--output", str(output)]
    assert CliRunner().invoke(app, [*asked, "--ctcae", version]).exit_code == 0
    without = {f"no criterion in CTCAE {version}", "no criterion: the test is not in the table"}
    found: Counter[str] = Counter()
    rows = 0
    with output.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            terms = [side for side in ("low", "high") if row[f"term_{side}"]]
            graded = [side for side in terms if row[f"grade_{side}"]]
            assert bool(row["not_evaluable"]) is (len(graded) < len(terms)), row
            assert (row["note"] in without) is (not terms), row
            assert row["ctcae"] == version
            found.update(filter(None, ("graded" if graded else "", row["not_evaluable"], "" if terms else row["note"])))
            rows += 1
    assert rows == 59_580
    assert without < set(found)
    assert found["graded"] > 30_000


def test_the_command_grades_as_the_rules_do(data: Path, tmp_path: Path):
    """The same study through records and through columns: every grade, term and note is the same."""
    folder = data / "cdiscpilot01"
    output = tmp_path / "out.csv"
    asked = ["grade", str(folder / "lb.csv"), "--dm", str(folder / "dm.csv"), "--ctcae", "5.0", "--output", str(output)]
    assert CliRunner().invoke(app, asked).exit_code == 0
    with output.open(encoding="utf-8", newline="") as file:
        told = {(row["usubjid"], row["lbseq"]): row for row in csv.DictReader(file)}
    assert len(told) == 59_580
    compared = 0
    for usubjid, findings in grade_participants(list(_people(folder)), header("5.0")).items():
        for finding in findings:
            row = told[usubjid, finding.record.key.lstrip("0")]
            for grade_, side in ((finding.low, "low"), (finding.high, "high")):
                compared += 1
                assert row[f"term_{side}"] == grade_.term
                assert row[f"grade_{side}"] == ("" if grade_.grade is None else str(grade_.grade))
    assert compared > 40_000


def _people(folder: Path):
    """Make the participants of a study from its files."""
    subjects, labs = {}, {}
    for row in read_table((folder / "dm.csv").read_bytes(), "utf-8").frame.fill_null("").iter_rows(named=True):
        subjects[row["USUBJID"]] = read_record("DM", {k: str(v) for k, v in row.items()}, version=0, key="")
    for row in read_table((folder / "lb.csv").read_bytes(), "utf-8").frame.fill_null("").iter_rows(named=True):
        record = read_record("LB", {k: str(v) for k, v in row.items()}, version=0, key=row["LBSEQ"].zfill(6))
        labs.setdefault(row["USUBJID"], []).append(record)
    for usubjid, records in labs.items():
        assert all(isinstance(record, Finding) for record in records)
        subject = subjects[usubjid]
        assert isinstance(subject, Subject)
        yield Participant(usubjid=usubjid, subject=subject, findings=tuple(records))


def test_other_commands_do_not_load_what_only_grading_needs():
    code = "import sys, monitor.cli; sys.exit(bool({'polars', 'numpy', 'pyarrow'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
