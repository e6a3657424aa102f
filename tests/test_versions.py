"""Versions of source rows: every difference is a row, every row has a fate, nothing is ever overwritten."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from alerts import ledger
from alerts.audience import Shrink
from alerts.batch import Batch
from alerts.ledger.files import HELD, WAITING
from alerts.ledger.occurrences import numbers_for
from alerts.store import Store
from alerts.tables import RecordVersion, SourceFile, Sweep
from tests.looks import SHANGHAI, STUDY, Ledger, ae, look, refused, unchanged

SMALL = Shrink(share=0.2, rows=2)


@pytest.fixture
def desk(store: Store) -> Ledger:
    return Ledger(store)


def versions(desk: Ledger, key: str | None = None) -> list[tuple[str, str]]:
    """Record keys and changes, in the order they were written."""
    with desk.store.read() as session:
        rows = session.exec(select(RecordVersion).order_by(col(RecordVersion.id))).all()
    return [(row.record_key, row.change) for row in rows if key in {None, row.record_key}]


def terms(desk: Ledger) -> list[str]:
    return [event.aeterm for person in desk.view.participants for event in person.adverse_events]


def fates(result: object) -> dict[str, int]:
    figures = result.figures()
    names = ("read", "unchanged", "new", "changed", "reappeared", "duplicate", "rejected", "withdrawn", "withheld")
    return {name: figures[name] for name in names if figures[name]}


def test_a_row_is_new_then_changed_then_withdrawn_then_back(desk: Ledger) -> None:
    pneumonia, rash = ae("01", "Pneumonia", AESER="N"), ae("02", "Rash")
    assert fates(desk.sweep(look([pneumonia, rash]))) == {"read": 2, "new": 2}
    corrected = {**pneumonia, "AESER": "Y"}
    assert fates(desk.sweep(look([corrected, rash]))) == {"read": 2, "unchanged": 1, "changed": 1}
    assert desk.judged == ("01",)
    assert desk.view.participants[0].adverse_events[0].aeser == "Y"
    assert desk.view.participants[0].adverse_events[0].known_at == desk.now
    assert fates(desk.sweep(look([rash]))) == {"read": 1, "unchanged": 1, "withdrawn": 1}
    assert desk.judged == ("01",)
    assert desk.view.participants[0].adverse_events == ()
    assert fates(desk.sweep(look([corrected, rash]))) == {"read": 2, "unchanged": 1, "reappeared": 1}
    assert terms(desk) == ["Pneumonia"]
    assert versions(desk, "01|Pneumonia") == [
        ("01|Pneumonia", change) for change in ("new", "changed", "withdrawn", "reappeared")
    ]


def test_a_participant_brings_what_ae_rows_said_before_each_version_known_from_its_own_look(desk: Ledger) -> None:
    rash, cough, lab = ae("01", "Rash"), ae("01", "Cough"), {"_key": "01|PLAT", "USUBJID": "01", "LBTESTCD": "PLAT"}
    read = []
    for severity in ("MILD", "SEVERE", "", "MODERATE"):  # in the third look the row is away
        rows = [{**rash, "AESEV": severity}, cough] if severity else [cough]
        desk.sweep(look(rows))
        read.append(desk.now)
        desk.sweep(look([{**lab, "LBORRES": severity}], domain="LB", file="lb.csv"))
    desk.sweep(look([{**rash, "AESEV": "MODERATE", "AEOUT": "RECOVERED"}, cough]))
    (person,) = desk.view.participants
    assert [event.aesev for event in person.adverse_events] == ["", "MODERATE"]
    assert {key: [(v.aesev, v.known_at) for v in former] for key, former in person.former_events.items()} == {
        "01|Rash": [("MILD", read[0]), ("SEVERE", read[1]), ("MODERATE", read[3])]
    }
    with desk.store.read() as session:
        assert ledger.standing_view(session, STUDY, SHANGHAI).participants == (person,)


def test_a_withdrawn_version_keeps_its_last_content(desk: Ledger) -> None:
    desk.sweep(look([ae("01", "Rash", AESEV="MILD"), ae("01", "Fever")]))
    desk.sweep(look([ae("01", "Fever")]))
    with desk.store.read() as session:
        last = session.exec(select(RecordVersion).order_by(col(RecordVersion.id).desc())).first()
    assert (last.change, last.content) == ("withdrawn", '{"AESEV":"MILD","AETERM":"Rash","USUBJID":"01"}')


def test_known_at_is_the_sweep_that_brought_the_content(desk: Ledger) -> None:
    desk.sweep(look([ae("01", "Rash")]))
    brought = desk.now
    desk.sweep(look([ae("01", "Rash"), ae("01", "Fever")]))
    assert {e.aeterm: e.known_at for e in desk.view.participants[0].adverse_events} == {
        "Rash": brought,
        "Fever": desk.now,
    }


def test_an_unchanged_look_adds_a_sweep_and_nothing_else(desk: Ledger) -> None:
    first = look([ae("01", "Rash"), ae("02", "Fever")], bad=["x"], duplicates=3)
    desk.sweep(first)
    written = versions(desk)
    result = desk.sweep(unchanged(first))
    assert fates(result) == {"read": 6, "unchanged": 2, "duplicate": 3, "rejected": 1}
    assert (versions(desk), desk.judged) == (written, ())
    with desk.store.read() as session:
        assert len(session.exec(select(SourceFile)).all()) == 1
        assert len(session.exec(select(Sweep)).all()) == 2


def test_reading_the_same_content_again_adds_nothing(desk: Ledger) -> None:
    rows = [ae("01", "Rash"), ae("01", "Rash", AESEV="MILD"), ae("02", "Fever")]
    desk.sweep(look(rows))
    written = versions(desk)
    assert fates(desk.sweep(look(rows))) == {"read": 3, "unchanged": 3}
    assert versions(desk) == written


def test_a_row_without_a_fate_stops_the_sweep(desk: Ledger) -> None:
    good = look([ae("01", "Rash")])
    lost = replace(good, domains={"AE": replace(good.domains["AE"], rows=2)})
    with pytest.raises(Exception, match="ck_sweep_every_row_has_a_fate"):
        desk.sweep(lost)
    assert versions(desk) == []


# ------------------------------------------------------------------------------------------------ rows sharing a key


def test_rows_that_share_a_key_keep_their_numbers_in_any_order(desk: Ledger) -> None:
    a, b, c = (ae("01", "Rash", AESTDTC=day) for day in ("2024-01-01", "2024-01-02", "2024-01-03"))
    desk.sweep(look([a, b, c]))
    assert [key for key, _ in versions(desk)] == ["01|Rash", "01|Rash#2", "01|Rash#3"]
    assert fates(desk.sweep(look([c, a, b]))) == {"read": 3, "unchanged": 3}


def test_a_changed_row_among_ties_takes_the_number_it_left(desk: Ledger) -> None:
    a, b = (ae("01", "Rash", AESTDTC=day) for day in ("2024-01-01", "2024-01-02"))
    desk.sweep(look([a, b]))
    assert fates(desk.sweep(look([b, {**a, "AESER": "Y"}]))) == {"read": 2, "unchanged": 1, "changed": 1}
    assert versions(desk)[-1] == ("01|Rash", "changed")


def test_one_of_two_ties_is_withdrawn_under_its_own_number_and_comes_back_to_it(desk: Ledger) -> None:
    a, b = (ae("01", "Rash", AESTDTC=day) for day in ("2024-01-01", "2024-01-02"))
    desk.sweep(look([a, b]))
    desk.sweep(look([b]))
    assert versions(desk)[-1] == ("01|Rash", "withdrawn")
    desk.sweep(look([b, a]))
    assert versions(desk)[-1] == ("01|Rash", "reappeared")
    assert versions(desk, "01|Rash#2") == [("01|Rash#2", "new")]


def test_a_key_that_ends_like_a_number_is_not_taken_for_a_tie(desk: Ledger) -> None:
    first = [ae("01", "a", key="K"), ae("01", "b", key="K"), ae("01", "c", key="K#2")]
    desk.sweep(look(first))
    assert sorted(key for key, _ in versions(desk)) == ["K", "K#2", "K#2#1"]
    assert fates(desk.sweep(look(first[::-1]))) == {"read": 3, "unchanged": 3}


@given(st.lists(st.sampled_from("abcde"), max_size=5), st.permutations("abcde"))
def test_numbers_do_not_depend_on_the_order_of_known_rows(standing: list[str], order: list[str]) -> None:
    held = {number: (content, True) for number, content in enumerate(dict.fromkeys(standing), start=1)}
    there = [content for content in order if content in set(standing)]
    given_numbers = dict(zip(there, numbers_for(there, held), strict=True))
    assert given_numbers == {content: number for number, (content, _) in held.items()}


@given(st.lists(st.sampled_from("abc"), max_size=4), st.dictionaries(st.integers(1, 4), st.sampled_from("abcd")))
def test_no_two_rows_get_one_number(contents: list[str], held: dict[int, str]) -> None:
    numbers = numbers_for(contents, {number: (content, number % 2 == 0) for number, content in held.items()})
    assert len(set(numbers)) == len(contents)


# ------------------------------------------------------------------------------------------------ what has vanished

TEN = [ae(f"{n:02}", "Rash") for n in range(10)]


def test_a_large_shrink_is_held_until_a_second_look(desk: Ledger) -> None:
    desk.sweep(look(TEN), shrink=SMALL)
    assert fates(desk.sweep(look(TEN[:5]), shrink=SMALL)) == {"read": 5, "unchanged": 5, "withheld": 5}
    assert desk.view.feed.shrunken == {"AE": (10, 5)}
    with desk.store.read() as session:
        assert [(seen.settled) for seen in ledger.seen_files(session, STUDY)] == [True, False]
    assert fates(desk.sweep(look(TEN[:5]), shrink=SMALL)) == {"read": 5, "unchanged": 5, "withdrawn": 5}
    assert desk.view.feed.shrunken == {}
    assert desk.judged == ("05", "06", "07", "08", "09")
    with desk.store.read() as session:
        assert ledger.seen_files(session, STUDY)[-1].settled


@pytest.mark.parametrize(
    ("left", "held"),
    [
        (8, False),  # 2 of 10 gone: neither limit is passed
        (7, True),  # 3 of 10 gone: both are
    ],
)
def test_a_shrink_is_large_when_both_limits_are_passed(desk: Ledger, left: int, held: bool) -> None:
    desk.sweep(look(TEN), shrink=SMALL)
    result = desk.sweep(look(TEN[:left]), shrink=SMALL)
    assert (result.fates.withheld > 0, result.fates.withdrawn > 0) == (held, not held)


def test_many_rows_that_are_a_small_share_are_withdrawn_at_once(desk: Ledger) -> None:
    desk.sweep(look(TEN), shrink=Shrink(share=0.5, rows=2))
    assert desk.sweep(look(TEN[:6]), shrink=Shrink(share=0.5, rows=2)).fates.withdrawn == 4


def test_a_shrink_that_was_an_accident_leaves_no_trace_in_the_versions(desk: Ledger) -> None:
    desk.sweep(look(TEN), shrink=SMALL)
    desk.sweep(look(TEN[:3]), shrink=SMALL)
    assert fates(desk.sweep(look(TEN), shrink=SMALL)) == {"read": 10, "unchanged": 10}
    assert {change for _, change in versions(desk)} == {"new"}
    with desk.store.read() as session:
        assert ledger.seen_files(session, STUDY)[-1].settled


def test_a_shrink_that_goes_on_shrinking_is_held_again(desk: Ledger) -> None:
    desk.sweep(look(TEN), shrink=SMALL)
    desk.sweep(look(TEN[:6]), shrink=SMALL)
    assert fates(desk.sweep(look(TEN[:2]), shrink=SMALL)) == {"read": 2, "unchanged": 2, "withheld": 8}
    assert fates(desk.sweep(look(TEN[:2]), shrink=SMALL)) == {"read": 2, "unchanged": 2, "withdrawn": 8}


def test_a_second_look_may_have_moved_a_little(desk: Ledger) -> None:
    desk.sweep(look(TEN), shrink=SMALL)
    desk.sweep(look(TEN[:5]), shrink=SMALL)
    assert desk.sweep(look([*TEN[:4], ae("77", "Fever")]), shrink=SMALL).fates.withdrawn == 6


def test_a_held_shrink_is_looked_at_again_under_another_file_name(desk: Ledger) -> None:
    desk.sweep(look(TEN, file="ae_0301.csv"), shrink=SMALL)
    assert desk.sweep(look(TEN[:5], file="ae_0302.csv"), shrink=SMALL).fates.withheld == 5
    assert desk.sweep(look(TEN[:5], file="ae_0303.csv"), shrink=SMALL).fates.withdrawn == 5


def test_a_domain_that_is_not_whole_withdraws_nothing_until_it_is(desk: Ledger) -> None:
    desk.sweep(look(TEN))
    assert desk.sweep(look(TEN[:9], complete=False)).fates.withheld == 1
    with desk.store.read() as session:
        last = session.exec(select(SourceFile).order_by(col(SourceFile.id).desc())).first()
    assert (last.settled, last.reason) == (False, WAITING)
    assert desk.view.feed.shrunken == {}
    assert desk.sweep(look(TEN[:9])).fates.withdrawn == 1


def test_the_first_whole_look_at_a_large_shrink_is_a_first_look(desk: Ledger) -> None:
    desk.sweep(look(TEN), shrink=SMALL)
    desk.sweep(look(TEN[:5], complete=False), shrink=SMALL)
    assert desk.sweep(look(TEN[:5]), shrink=SMALL).fates.withheld == 5
    with desk.store.read() as session:
        assert session.exec(select(SourceFile.reason).order_by(col(SourceFile.id).desc())).first() == HELD


def test_a_missing_or_refused_file_withdraws_nothing(desk: Ledger) -> None:
    desk.sweep(look(TEN))
    assert fates(desk.sweep(Batch(missing=("AE",)))) == {}
    assert desk.view.feed.missing_domains == ("AE",)
    assert fates(desk.sweep(refused("ae.csv is an HTML page"))) == {}
    assert [(r.name, r.reason) for r in desk.view.feed.refused] == [("ae.csv", "ae.csv is an HTML page")]
    assert {change for _, change in versions(desk)} == {"new"}


def test_a_row_that_may_only_have_become_unreadable_is_not_withdrawn(desk: Ledger) -> None:
    desk.sweep(look([ae("P-01", "Rash"), ae("P-01", "Fever"), ae("P-02", "Rash")]))
    broken = look([ae("P-01", "Fever")], bad=["P-01;Rash;2024-13-45"])
    assert fates(desk.sweep(broken)) == {"read": 2, "unchanged": 1, "rejected": 1, "withdrawn": 1, "withheld": 1}
    assert versions(desk)[-1] == ("P-02|Rash", "withdrawn")
    assert fates(desk.sweep(look([ae("P-01", "Fever")]))) == {"read": 1, "unchanged": 1, "withdrawn": 1}
    assert versions(desk)[-1] == ("P-01|Rash", "withdrawn")


# ------------------------------------------------------------------------------------------------ files, rejected rows


def test_a_refused_file_is_written_once_and_its_return_once(desk: Ledger) -> None:
    good, bad = look(TEN), refused("ae.csv is empty")
    for batch in (good, bad, bad, unchanged(good), unchanged(good)):
        desk.sweep(batch)
    with desk.store.read() as session:
        states = session.exec(select(SourceFile.state).order_by(col(SourceFile.id))).all()
        seen = ledger.seen_files(session, STUDY)
    assert states == ["read", "refused", "read"]
    assert {file.digest for file in seen} == {good.files[0].digest}


def test_rejected_rows_are_grouped_by_when_they_first_came_and_leave_when_they_are_mended(desk: Ledger) -> None:
    desk.sweep(look(TEN, bad=["x"]))
    desk.sweep(look(TEN, bad=["x", "y"]))
    groups = desk.view.feed.rejected
    assert [len(group.digests) for group in groups] == [1, 1]
    assert groups[0].examples == ("ae.csv, line 90, AESTDTC: no key",)
    desk.sweep(unchanged(look(TEN, bad=["x", "y"])))
    assert desk.view.feed.rejected == groups
    desk.sweep(Batch(trouble="the folder is gone"))
    assert desk.view.feed.rejected == groups
    desk.sweep(look(TEN, bad=["y"]))
    assert [group.digests for group in desk.view.feed.rejected] == [groups[1].digests]
    desk.sweep(look(TEN))
    assert desk.view.feed.rejected == ()


def test_the_feed_knows_when_data_last_came(desk: Ledger) -> None:
    desk.sweep(Batch())
    assert desk.view.feed.newest_data_at is None
    desk.sweep(look(TEN))
    came = desk.now
    assert desk.view.feed.newest_data_at == came
    assert desk.view.feed.domains == {"AE"}
    desk.sweep(unchanged(look(TEN)))
    assert desk.view.feed.newest_data_at == came


def test_a_domain_is_there_once_a_file_of_it_was_read_be_it_without_a_row(desk: Ledger) -> None:
    desk.sweep(Batch())
    assert desk.view.feed.domains == frozenset()
    desk.sweep(look([ae("01", "Rash")]))
    desk.sweep(look([]))
    assert desk.view.feed.domains == {"AE"}
    assert desk.view.participants[0].usubjid == "01"


rows_of_a_look = st.lists(st.tuples(st.sampled_from("PQ"), st.sampled_from("abcd")), max_size=6, unique=True)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(rows_of_a_look, max_size=4), rows_of_a_look)
def test_whatever_came_before_the_view_is_the_last_look(store: Store, history: list, last: list) -> None:
    desk = Ledger(store, study=f"history {len(history)} {hash(str((history, last)))}")
    for rows in [*history, last]:
        desk.sweep(look([ae("01", "T", key=key, AESEV=value) for key, value in rows]))
    desk.sweep(look([ae("01", "T", key=key, AESEV=value) for key, value in last]), after=timedelta(days=1))
    seen = [(e.key.split("#")[0], e.aesev) for p in desk.view.participants for e in p.adverse_events]
    assert sorted(seen) == sorted(last)
