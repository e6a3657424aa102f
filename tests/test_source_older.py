"""Which file is a domain's export, and which is older than the last."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts.batch import FileLook, SeenFile
from alerts.stamps import stamp_in_name
from monitor.sources.claims import claims
from monitor.sources.older import why_older

DAY = timedelta(days=1)
T0 = datetime(2024, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "dataset", "stamp"),
    [
        ("ae.csv", "ae", None),
        ("AE.XPT", "ae", None),
        ("ae_20240131.csv", "ae", T0),
        ("ae_2024-01-31.csv", "ae", T0),
        ("ae-2024-01-31T0100.csv", "ae", T0 + timedelta(hours=1)),
        ("ae_20240131_013000.json", "ae", T0 + timedelta(hours=1, minutes=30)),
        ("20240131_ae.csv", "ae", T0),
        ("LBCH_20240131T01:02:03Z.xpt", "lbch", T0 + timedelta(hours=1, minutes=2, seconds=3)),
        ("ae_20240230.csv", "ae_20240230", None),  # no such day
        ("ae_NCT02084238.csv", "ae_nct02084238", None),  # a registration number
        ("ae_v2.csv", "ae_v2", None),
    ],
)
def test_stamps_in_names(name: str, dataset: str, stamp: datetime | None) -> None:
    assert stamp_in_name(name) == (dataset, stamp)


def found(
    digest: str, modified: datetime | None, stamped: datetime | None, database: datetime | None = None
) -> FileLook:
    return FileLook(
        domain="AE",
        name="ae.csv",
        state="read",
        digest=digest,
        modified_at=modified,
        stamped_at=stamped,
        database_at=database,
    )


def seen(*contents: tuple[str, datetime | None, datetime | None]) -> list[SeenFile]:
    return [
        SeenFile(domain="AE", name="ae.csv", digest=digest, modified_at=modified, stamped_at=stamped, settled=True)
        for digest, modified, stamped in contents
    ]


@pytest.mark.parametrize(
    ("story", "digest", "modified", "stamped", "older"),
    [
        ("nothing was read before", "A", T0, None, False),
        ("the same again", "B", T0 + DAY, None, False),
        ("new content", "C", T0 + 2 * DAY, None, False),
        ("new content, an earlier modification time proves nothing", "C", T0 - DAY, None, False),
        ("an old content comes back with its old time", "A", T0, None, True),
        ("an old content comes back with the newer one's time", "A", T0 + DAY, None, True),
        ("an old content comes back, written anew", "A", T0 + DAY + timedelta(seconds=1), None, False),
    ],
)
def test_older_by_memory(story: str, digest: str, modified: datetime, stamped: None, older: bool) -> None:
    memory = [] if story.startswith("nothing") else seen(("A", T0, None), ("B", T0 + DAY, None))
    assert bool(why_older(found(digest, modified, stamped), memory)) is older


@pytest.mark.parametrize(
    ("digest", "stamped", "older"),
    [
        ("C", T0 + DAY - timedelta(seconds=1), True),
        ("C", T0 + DAY, False),
        ("C", T0 + DAY + timedelta(seconds=1), False),
        ("A", T0 + 2 * DAY, False),  # the export says it is newer, so it is
        ("A", T0 + DAY, True),  # the stamp says nothing, memory does
        ("C", None, False),
    ],
)
def test_older_by_its_own_stamp(digest: str, stamped: datetime | None, older: bool) -> None:
    memory = seen(("A", T0, T0), ("B", T0, T0 + DAY))
    assert bool(why_older(found(digest, T0, stamped), memory)) is older


@pytest.mark.parametrize(
    ("story", "made", "database", "said"),
    [
        ("made anew of the same database", T0 + 3 * DAY, T0, ""),
        ("made earlier of the same database", T0, T0, "of 2024-01-31 00:00:00, than the last one read, of 2024-02-01"),
        (
            "made anew of a database gone back",
            T0 + 3 * DAY,
            T0 - DAY,
            "of a database last modified 2024-01-30 00:00:00",
        ),
        ("made earlier of a newer database", T0, T0 + DAY, ""),
        ("the database's time is not given any more", T0 + 3 * DAY, None, ""),
    ],
)
def test_the_time_of_the_database_weighs_more_than_that_of_the_file(
    story: str, made: datetime, database: datetime | None, said: str
) -> None:
    memory = [replace(file, database_at=T0) for file in seen(("A", T0, T0 + DAY))]
    why = why_older(found("C", T0 + DAY, made, database), memory)
    assert said in why, story
    assert bool(why) is bool(said)


def test_a_database_time_is_never_compared_with_the_time_of_a_file() -> None:
    assert why_older(found("C", T0 + DAY, T0 + 2 * DAY, T0), seen(("A", T0, T0 + DAY))) == ""


@pytest.mark.parametrize(("ahead", "older"), [(180 * DAY, True), (180 * DAY + timedelta(seconds=1), False)])
def test_a_stamp_far_ahead_of_its_file_blocks_no_later_export(ahead: timedelta, older: bool) -> None:
    memory = seen(("A", T0, T0), ("B", T0 + DAY, T0 + DAY + ahead))
    assert bool(why_older(found("C", T0 + 2 * DAY, T0 + 2 * DAY), memory)) is older


@pytest.mark.parametrize(
    ("pattern", "names", "stand", "refused"),
    [
        ("ae.*", ["AE.CSV", "aex.csv", "suppae.csv"], ["AE.CSV"], []),
        ("ae.*", ["ae.csv", ".ae.csv", "~ae.csv", "ae.csv~", "ae.csv.tmp", "ae.csv.part"], ["ae.csv"], []),
        ("ae.*", ["ae.csv", "ae.xpt"], [], ["ae.csv", "ae.xpt"]),
        ("ae*.*", ["ae_20240130.csv", "ae_20240131.csv", "ae_20240129.csv"], ["ae_20240131.csv"], []),
        ("ae*.*", ["ae_20240131.csv", "ae_20240131.xpt"], [], ["ae_20240131.csv", "ae_20240131.xpt"]),
        ("ae*.*", ["ae.csv", "ae_20240131.csv"], [], ["ae.csv", "ae_20240131.csv"]),
        ("*ae.json", ["ae.json", "i18n-ae.json"], [], ["ae.json", "i18n-ae.json"]),
    ],
)
def test_claims_on_ae(pattern: str, names: list[str], stand: list[str], refused: list[str]) -> None:
    found = claims("AE", pattern, names)
    assert [claim.name for claim in found if not claim.refused] == stand
    assert [claim.name for claim in found if claim.refused] == refused
    assert all(name in claim.refused for claim in found if claim.refused for name in refused)


@pytest.mark.parametrize(
    ("names", "stand"),
    [
        (["lb.csv"], 1),
        (["lbch.csv", "lbhe.xpt", "LBUR.json"], 3),
        (["lbch_20240130.csv", "lbch_20240131.csv", "lbhe_20240131.csv"], 2),
        (["lb.csv", "lbch.csv"], 0),  # the whole and a part of it
        (["lbch.csv", "lbch.xpt", "lbhe.csv"], 0),
        (["lbch.csv", "lbbackup.csv"], 0),
    ],
)
def test_a_domain_may_come_split(names: list[str], stand: int) -> None:
    assert sum(not claim.refused for claim in claims("LB", "lb*.*", names)) == stand
