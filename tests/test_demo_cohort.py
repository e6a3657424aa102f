"""The synthetic cohort: the same for the same seed, plainly synthetic, and like the founding study's."""

import csv
import io
from collections import Counter
from datetime import date

import pytest

from monitor.demo.cohort import COMMON, make_cohort
from monitor.demo.export import COLUMNS, STUDYID, export

FIRST_DAY = date(2014, 3, 3)
SEEDS = (1, 7, 2014)


def rows(files: dict[str, bytes], domain: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files[f"{domain.lower()}.csv"].decode())))


@pytest.fixture(scope="module", params=SEEDS)
def files(request: pytest.FixtureRequest) -> dict[str, bytes]:
    return export(make_cohort(request.param, FIRST_DAY).entries, 167)


def test_the_same_seed_gives_the_same_bytes_and_another_does_not():
    once, again, other = (export(make_cohort(seed, FIRST_DAY).entries, 60) for seed in (3, 3, 4))
    assert once == again
    assert all(once[name] != other[name] for name in once)


@pytest.mark.parametrize("domain", COLUMNS)
def test_every_row_says_that_it_is_synthetic(files: dict[str, bytes], domain: str):
    found = rows(files, domain)
    assert found
    assert {row["STUDYID"] for row in found} == {STUDYID}
    assert STUDYID.startswith("SYN-")
    assert all(row["USUBJID"].startswith("SYN-") for row in found)


def test_forty_people_enrol_within_four_weeks(files: dict[str, bytes]):
    starts = [row["RFXSTDTC"][:10] for row in rows(files, "DM") if row["RFXSTDTC"]]
    assert len(starts) == 40
    assert (date.fromisoformat(max(starts)) - date.fromisoformat(min(starts))).days < 28


def test_whoever_failed_a_criterion_was_never_dosed(files: dict[str, bytes]):
    failed = {row["USUBJID"] for row in rows(files, "IE")}
    assert len(failed) == 3
    assert failed == {row["USUBJID"] for row in rows(files, "DM") if not row["RFXSTDTC"]}
    assert not failed & {row["USUBJID"] for row in rows(files, "EC")}


@pytest.mark.parametrize(
    ("test", "expected"),
    [("WBC", 16), ("NEUT", 8), ("LYM", 22), ("PLAT", 5)],
)
def test_cytopenias_at_baseline_are_as_frequent_as_stated(files: dict[str, bytes], test: str, expected: int):
    """40 %, 21 % and 55 % of forty below the range; one to either side is the chance of a single sample."""
    baseline = [row for row in rows(files, "LB") if row["LBTESTCD"] == test and row["VISIT"] == "WEEK 0"]
    low = sum(float(row["LBORRES"]) < float(row["LBORNRLO"]) for row in baseline)
    assert len(baseline) == 40
    assert abs(low - expected) <= 1


def test_common_events_are_as_frequent_as_stated_and_never_serious(files: dict[str, bytes]):
    events = rows(files, "AE")
    people = Counter(row["AEDECOD"] for row in {(r["USUBJID"], r["AEDECOD"]): r for r in events}.values())
    assert people == {common.decod: common.of_forty for common in COMMON}
    assert {row["AESER"] for row in events} == {"N"}
    assert any(not row["AETERM"].isascii() for row in events)


def test_doses_are_given_every_other_day_of_the_first_fortnight_of_a_cycle(files: dict[str, bytes]):
    by_person: dict[str, list[date]] = {}
    for row in rows(files, "EC"):
        by_person.setdefault(row["USUBJID"], []).append(date.fromisoformat(row["ECSTDTC"][:10]))
    for days in by_person.values():
        first = min(days)
        assert {(day - first).days % 28 for day in days} == {0, 2, 4, 6, 8, 10, 12}
    assert Counter(len(days) // 7 for days in by_person.values()).most_common(1)[0][0] == 3
    assert max(len(days) for days in by_person.values()) == 42


def test_lymphocytes_rise_and_saw_tooth_with_the_dosing_phase(files: dict[str, bytes]):
    def mean(week: int) -> float:
        found = [
            float(row["LBORRES"])
            for row in rows(files, "LB")
            if row["LBTESTCD"] == "LYM" and row["VISIT"] == f"WEEK {week}"
        ]
        return sum(found) / len(found)

    assert mean(0) < mean(12)
    assert mean(2) > 1.05 * mean(4)
    assert mean(6) > 1.05 * mean(8)


def test_an_export_shows_no_row_from_the_future():
    dated = {"AE": "AEDTC", "LB": "LBDTC", "EC": "ECSTDTC", "DS": "DSSTDTC", "VS": "VSDTC"}
    entries = make_cohort(5, FIRST_DAY).entries
    for day in (0, 20, 90):
        files = export(entries, day)
        today = date.fromordinal(FIRST_DAY.toordinal() + day).isoformat()
        assert all(row[name][:10] <= today for domain, name in dated.items() for row in rows(files, domain))


def test_seq_is_counted_anew_in_every_export(files: dict[str, bytes]):
    numbers: dict[str, list[int]] = {}
    for row in rows(files, "LB"):
        numbers.setdefault(row["USUBJID"], []).append(int(row["LBSEQ"]))
    assert all(seq == list(range(1, len(seq) + 1)) for seq in numbers.values())
