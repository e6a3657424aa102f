"""A column that is gone from an export: told once, with the rules that judge by it, which read it in their cases."""

from collections import defaultdict

import pytest
from sqlmodel import select

import rules.evaluate
from alerts.tables import Decision, SourceFile
from monitor.sweep import run_sweep
from rules.columns import _KINDS, judged_by
from rules.kinds import KINDS
from rules.reading import _plan
from rules.records import DOMAINS, Record, domain_of
from rules.rulebook import load_rulebook
from tests.rule_cases import all_cases
from tests.trial import Trial, at, write_csv

BOOK = load_rulebook("low_dose_il2_sle")


@pytest.mark.parametrize(
    ("domain", "column", "rules"),
    [
        ("AE", "AESER", ("SAE-01", "SAE-02", "SAE-02b", "SAE-03", "INF-01", "INF-02", "INF-04", "INF-04b", "HO-01")),
        ("CM", "CMTRT", ("CM-01", "INF-04b")),
        ("HO", "HOTERM", ("HO-01",)),
        ("IE", "IEORRES", ("ELG-01",)),
        ("DM", "SEX", tuple(rule.id for rule in BOOK.rules if rule.kind == "value_limit")),
        ("DM", "AESER", ()),
        ("AE", "AEREMARK", ()),
        ("DM", "SUBJID", ()),
    ],
)
def test_the_rules_that_judge_by_a_column(domain, column, rules):
    assert set(judged_by(BOOK, domain, column)) == set(rules)


@pytest.mark.parametrize(
    ("domain", "column", "rules"),
    [
        ("DS", "DSDECOD", {"SAE-02", "DOS-01", "DOS-04", "LAB-01", "LAB-04", "SIG-04"}),
        ("DS", "DSSTDTC", {"DOS-01", "DOS-04", "LAB-01", "LAB-04", "SIG-04"}),
        ("DS", "DSCAT", {"DOS-01", "DOS-04", "LAB-01", "LAB-04", "SIG-04"}),
        ("EC", "ECSTDTC", {"DOS-01", "DOS-05", "OVD-01", "LAB-01", "SIG-04", "SAE-01", "INF-01"}),
        ("EX", "EXSTDTC", {"DOS-01", "DOS-05", "OVD-01", "LAB-01", "SIG-04", "SAE-01", "INF-01"}),
    ],
)
def test_the_rules_that_read_doses_and_dispositions_judge_by_their_columns(domain, column, rules):
    assert rules <= set(judged_by(BOOK, domain, column))


def test_a_lab_column_is_that_of_every_rule_on_labs():
    rules = judged_by(BOOK, "LB", "LBORRESU")
    assert {"CYT-01", "HEP-01", "LAB-01"} <= set(rules)
    assert not {"SAE-01", "DOS-01", "FEED-04"} & set(rules)


def test_every_kind_that_is_named_for_a_column_reads_it_in_its_cases(monkeypatch):
    read = defaultdict(set)
    names = {domain: {attribute: column for attribute, column, _ in _plan(domain)} for domain in DOMAINS}
    judging = []

    def spied(record: Record, name: str) -> object:
        if judging and not name.startswith("_") and name != "domain":
            read[judging[-1]].add(names[domain_of(record)].get(name, ""))
        return object.__getattribute__(record, name)

    judge = rules.evaluate._judge

    def judged(book, rule, subject, context) -> object:
        judging.append(rule.kind)
        try:
            return judge(book, rule, subject, context)
        finally:
            judging.pop()

    for kind in set(DOMAINS.values()):
        monkeypatch.setattr(kind, "__getattribute__", spied)
    monkeypatch.setattr(rules.evaluate, "_judge", judged)
    for case in all_cases():
        if case.book == "low_dose_il2_sle":
            case.judged()
    unread = {(kind, column) for column, kinds in _KINDS.items() for kind in kinds if column not in read[kind]}
    # RFSTDTC is asked for where there is no dose record at all, EXSTDTC where there is no EC, ECSTDTC without RFXSTDTC
    assert unread <= {pair for pair in unread if pair[1] in {"RFSTDTC", "EXSTDTC"}} | {("liver_injury", "ECSTDTC")}
    assert {kind for kinds in _KINDS.values() for kind in kinds} <= set(KINDS)


# ---------------------------------------------------------------------------------------------- through whole sweeps


def trial_of_events(tmp_path, store) -> Trial:
    trial = Trial(tmp_path / "in", store)
    for number in (1, 2):
        who = f"SYN-{number:03}"
        trial.add("dm", USUBJID=who, RFSTDTC="2026-06-01")
        values = {"AESPID": "E1", "AETERM": "Headache", "AESER": "N", "AEREMARK": "mild", "AESTDTC": "2026-06-02"}
        trial.add("ae", USUBJID=who, **values)
    return trial


def rename(trial: Trial, old: str, new: str) -> None:
    for row in trial.rows["ae"]:
        row[new] = row.pop(old)


def about_columns(store) -> list[Decision]:
    with store.read() as session:
        made = select(Decision).where(Decision.scope.startswith("columns of")).order_by(Decision.id)
        return list(session.exec(made))


def test_a_renamed_column_is_told_once_with_its_rules_and_taken_back_when_it_is_back(tmp_path, store):
    trial = trial_of_events(tmp_path, store)
    trial.sweep(at("2026-06-03"))
    assert about_columns(store) == []
    rename(trial, "AESER", "AESERIOUS")
    for hour in (12, 13, 14):  # the later two find the file unchanged
        trial.sweep(at("2026-06-04", hour))
    (told,) = about_columns(store)
    assert (told.rule_id, told.action, told.urgency) == ("FEED-02", "notify", "same-day")
    assert told.summary == "AE has lost the column AESER"
    assert told.reason.startswith("in one of its files before, and not now: AESER, by which SAE-01, ")
    assert "new in them: AESERIOUS" in told.reason
    rename(trial, "AESERIOUS", "AESER")
    trial.sweep(at("2026-06-05"))
    assert [one.action for one in about_columns(store)] == ["notify", "retract"]


def test_a_column_is_not_back_because_a_half_written_file_is_whole_again(tmp_path, store):
    trial = trial_of_events(tmp_path, store)
    trial.sweep(at("2026-06-03"))
    rename(trial, "AESER", "AESERIOUS")
    trial.sweep(at("2026-06-04"))
    path = trial.folder / "ae.csv"
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    run_sweep(store, trial.study, at("2026-06-05"))
    path.write_bytes(whole)
    run_sweep(store, trial.study, at("2026-06-06"))
    assert [one.action for one in about_columns(store)] == ["notify"]
    with store.read() as session:
        files = session.exec(select(SourceFile).where(SourceFile.domain == "AE").order_by(SourceFile.id)).all()
    assert [file.state for file in files] == ["read", "read", "refused", "read"]
    carried = ("columns", "stamped_at", "database_at", "stamp_fault", "line_end")
    assert [getattr(files[3], name) for name in carried] == [getattr(files[1], name) for name in carried]


def test_a_further_column_is_news_and_one_that_no_rule_judges_by_is_not(tmp_path, store):
    trial = trial_of_events(tmp_path, store)
    trial.sweep(at("2026-06-03"))
    rename(trial, "AEREMARK", "AECOMMENT")
    trial.sweep(at("2026-06-04"))
    assert about_columns(store) == []
    rename(trial, "AESER", "AESERIOUS")
    trial.sweep(at("2026-06-05"))
    rename(trial, "AESTDTC", "AESTART")
    trial.sweep(at("2026-06-06"))
    assert [one.action for one in about_columns(store)] == ["notify", "notify again"]
    assert about_columns(store)[-1].summary == "AE has lost the columns AESER, AESTDTC"


def test_a_column_that_moves_to_another_part_of_the_domain_is_not_lost(tmp_path, store):
    trial = Trial(tmp_path / "in", store)
    labs = {"USUBJID": "SYN-001", "LBTESTCD": "PLAT", "LBORRES": "200", "LBORRESU": "10^9/L", "LBDTC": "2026-06-02"}
    first, second = trial.add("lbhe", **labs), trial.add("lbch", **labs | {"LBTESTCD": "ALT"})
    for row in (first, second):
        row["DOMAIN"] = "LB"
    first["LBFAST"] = "Y"
    trial.sweep(at("2026-06-03"))
    second["LBFAST"] = first.pop("LBFAST")
    trial.sweep(at("2026-06-04"))
    first["LBORRES"] = second["LBORRES"] = "210"
    trial.sweep(at("2026-06-05"))
    assert about_columns(store) == []


def test_a_column_that_one_part_of_the_domain_loses_is_told(tmp_path, store):
    trial = Trial(tmp_path / "in", store)
    labs = {"USUBJID": "SYN-001", "LBORRES": "200", "LBORRESU": "10^9/L", "LBORNRHI": "350", "LBDTC": "2026-06-02"}
    first, second = trial.add("lbhe", LBTESTCD="PLAT", **labs), trial.add("lbch", LBTESTCD="ALT", **labs)
    for row in (first, second):
        row["DOMAIN"] = "LB"
    trial.sweep(at("2026-06-03"))
    second["LBHI"] = second.pop("LBORNRHI")
    for day in ("2026-06-04", "2026-06-05"):
        trial.sweep(at(day))
    (told,) = about_columns(store)
    assert told.summary == "LB has lost the column LBORNRHI"
    assert "new in them: LBHI" in told.reason
    second["LBORNRHI"] = second.pop("LBHI")
    trial.sweep(at("2026-06-06"))
    assert [one.action for one in about_columns(store)] == ["notify", "retract"]


def test_the_columns_of_a_file_stand_in_sql(tmp_path, store):
    trial = trial_of_events(tmp_path, store)
    trial.sweep(at("2026-06-03"))
    with store.read() as session:
        kept = session.exec(select(SourceFile.columns).where(SourceFile.domain == "AE")).one()
    assert kept == '["STUDYID", "DOMAIN", "USUBJID", "AESPID", "AETERM", "AESER", "AEREMARK", "AESTDTC"]'


def test_a_file_without_a_row_keeps_its_columns(tmp_path, store) -> None:
    trial = trial_of_events(tmp_path, store)
    trial.sweep(at("2026-06-03"))
    header = dict.fromkeys(trial.rows["ae"][0], "")
    write_csv(trial.folder / "ae.csv", [header])
    path = trial.folder / "ae.csv"
    path.write_text(path.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    run_sweep(store, trial.study, at("2026-06-04"))
    assert about_columns(store) == []
