"""Histories: how a trial is looked at must not change what is found."""

from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.store import Store
from tests.trial import Trial, at

START = date(2014, 3, 3)
DAYS = 24
TERMS = ["Pneumonia", "Headache", "Herpes zoster", "Injection site reaction", "Rash"]
PLATELETS = ["210", "120", "80", "60", "45", "20", "<10", "clumped", ""]
NEUTROPHILS = ["3.1", "1.9", "1.2", "0.8", "0.4"]


def day(number: int) -> str:
    """Return the ISO day of a study day, 0 being the first dose."""
    return (START + timedelta(days=number)).isoformat()


events = st.lists(
    st.tuples(st.integers(0, DAYS - 1), st.sampled_from(TERMS), st.sampled_from("YN"), st.sampled_from("YN")),
    max_size=3,
)
labs = st.lists(
    st.tuples(st.integers(-7, DAYS - 1), st.sampled_from(PLATELETS), st.sampled_from(NEUTROPHILS)),
    max_size=6,
    unique_by=lambda lab: lab[0],
)
doses = st.lists(st.sampled_from("YYYN"), min_size=7, max_size=7)
participants = st.lists(st.tuples(events, labs, doses), min_size=1, max_size=2)


def history(people):
    """Yield (study day on which it is known, domain, row) of a made-up history."""
    for number, (person_events, person_labs, person_doses) in enumerate(people, start=1):
        usubjid = f"SYN-{number:03}"
        yield 0, "dm", {"USUBJID": usubjid, "RFSTDTC": day(0)}
        for sequence, (known, term, aeser, aeshosp) in enumerate(person_events):
            row = {
                "USUBJID": usubjid,
                "AESPID": f"E{sequence}",
                "AETERM": term,
                "AESTDTC": day(known),
                "AEDTC": day(known),
            }
            yield known, "ae", {**row, "AESER": aeser, "AESHOSP": aeshosp}
        for known, platelets, neutrophils in person_labs:
            for test, result, low, high in (("PLAT", platelets, "125", "350"), ("NEUT", neutrophils, "1.8", "6.3")):
                row = {"USUBJID": usubjid, "LBTESTCD": test, "LBORRES": result, "LBORRESU": "10^9/L"}
                yield known, "lb", {**row, "LBORNRLO": low, "LBORNRHI": high, "LBDTC": f"{day(known)}T08:00"}
        for planned, occur in zip(range(0, 14, 2), person_doses, strict=True):
            yield planned, "ec", {"USUBJID": usubjid, "ECOCCUR": occur, "ECPRESP": "Y", "ECSTDTC": day(planned)}


def trial_of(folder: Path, rows) -> Trial:
    """Return a trial over its own SQLite file."""
    store = Store(f"sqlite:///{folder / 'vigil.db'}")
    store.upgrade()
    return Trial(folder / "in", store)


def open_alerts(trial: Trial):
    """What a reader would compare: which concerns stand, how bad, and whether they still hold.

    But for DOS-05, which asks what was known when a dose was given, and SAE-03, whose clocks count from when a serious
    event was known.
    """
    return sorted(
        (a.rule_id, a.usubjid, a.scope, a.anchors, a.grade or 0, a.consequence, a.recovery or "", a.standing)
        for a in trial.alerts()
        if a.rule_id not in {"DOS-05", "SAE-03"}
    )


def sweep_days(trial: Trial, rows, days) -> None:
    for number in days:
        trial.rows = {domain: [] for domain in ("dm", "ae", "lb", "ec")}
        for known, domain, row in rows:
            if known <= number:
                trial.add(domain, **row)
        result = trial.sweep(at(day(number)))
        assert result.status == "done", result.error


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(participants)
def test_day_by_day_and_once_at_the_end_leave_the_same_alerts(people):
    rows = list(history(people))
    with TemporaryDirectory() as daily, TemporaryDirectory() as once:
        followed, late = trial_of(Path(daily), rows), trial_of(Path(once), rows)
        sweep_days(followed, rows, range(DAYS))
        sweep_days(late, rows, [DAYS - 1])
        assert open_alerts(followed) == open_alerts(late)
        decided = len(followed.decisions())
        sweep_days(followed, rows, [DAYS - 1, DAYS - 1])
        assert len(followed.decisions()) == decided
        followed.store.close()
        late.store.close()


corrections = st.lists(st.tuples(st.integers(1, DAYS - 1), st.integers(0, 200), st.booleans()), min_size=1, max_size=3)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(participants, corrections)
def test_with_corrections_day_by_day_may_only_have_more_each_retracted_or_amended_in_words(people, changes):
    rows = list(history(people))
    with TemporaryDirectory() as daily, TemporaryDirectory() as once:
        followed, late = trial_of(Path(daily), rows), trial_of(Path(once), rows)
        for number in range(DAYS):
            for when, which, gone in changes:
                if when == number:
                    known, domain, row = rows[which % len(rows)]
                    if domain in {"ae", "lb"} and known <= number:
                        rows[which % len(rows)] = (DAYS * 9 if gone else known, domain, {**row, **CORRECTED[domain]})
            sweep_days(followed, rows, [number])
        sweep_days(late, rows, [DAYS - 1])
        standing = {alert[:3] for alert in open_alerts(followed) if alert[-1]}
        assert {alert[:3] for alert in open_alerts(late)} == standing
        said = {(d.rule_id, d.usubjid, d.scope) for d in followed.decisions() if d.action == "retract" and d.reason}
        assert {alert[:3] for alert in open_alerts(followed) if not alert[-1]} <= said
        followed.store.close()
        late.store.close()


looks = st.lists(
    st.tuples(*(st.sampled_from(["", "MILD", "MODERATE", "SEVERE", "awful"]) for _ in range(3)), st.booleans()),
    min_size=2,
    max_size=6,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(looks)
def test_events_corrected_in_place_are_judged_alike_by_sweeps_of_what_changed_and_by_full_ones(seen):
    with TemporaryDirectory() as hourly, TemporaryDirectory() as daily:
        partly, fully = trial_of(Path(hourly), []), trial_of(Path(daily), [])
        for number, (first, second, third, both) in enumerate(seen):
            for trial, moment in ((partly, at(day(0), number + 1)), (fully, at(day(number)))):
                trial.rows = {domain: [] for domain in ("dm", "ae")}
                for usubjid in ("SYN-001", "SYN-002"):
                    trial.add("dm", USUBJID=usubjid)
                events = [
                    ("SYN-001", "E1", "03", first),
                    ("SYN-001", "E1", "04", second),
                    ("SYN-002", "E1", "03", third),
                ]
                for usubjid, aespid, month, severity in events[: 3 if both or number == 0 else 2]:
                    trial.add("ae", USUBJID=usubjid, AESPID=aespid, AEDTC=f"2014-{month}-03", AESEV=severity, AESER="N")
                assert trial.sweep(moment).status == "done"
        assert open_alerts(partly) == open_alerts(fully)
        decided = len(partly.decisions())
        assert partly.sweep(at(day(1))).judged == 2
        assert len(partly.decisions()) == decided
        partly.store.close()
        fully.store.close()


CORRECTED = {"ae": {"AESER": "N", "AESHOSP": "N"}, "lb": {"LBORRES": "200"}}
