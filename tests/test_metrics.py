"""The figures of the ledger on each database, and the metrics that are made of them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlmodel import SQLModel

from alerts.ledger.figures import FATES, Figures, read_figures
from alerts.ledger.sweeps import Fates
from alerts.store import Store
from alerts.tables import (
    Alert,
    Decision,
    DeliveryAttempt,
    DeliveryOutcome,
    Notification,
    RecordVersion,
    RuleFailure,
    SourceFile,
    StandingAnswer,
    Sweep,
)
from monitor.metrics import ERRORS, METRICS, Metrics
from rules.records import DOMAINS
from tests.trial import make_study

NOW = datetime(2024, 3, 4, 6, tzinfo=UTC)


def hours(number: float) -> datetime:
    return NOW + timedelta(hours=number)


def sweep(number: int, hour: float, study: str = "A", status: str = "done", **rows: int) -> Sweep:
    fates = {f"rows_{name}": value for name, value in rows.items()}
    read = sum(value for name, value in rows.items() if name not in {"withdrawn", "withheld"})
    return Sweep(
        id=number, study=study, status=status, now=hours(hour), seconds=number / 10, rulebook_sha256="", is_first=False,
        is_full=False, rows_read=read, **fates,
    )  # fmt: skip


def alert(number: int, state: str, *, study: str = "A", urgency: str = "immediate", **times: datetime) -> Alert:
    return Alert(
        id=number, study=study, rule_id="SAE-01", usubjid=f"P{number}", scope="", state=state, standing=True,
        urgency=urgency, consequence="watch", opened_at=hours(0), last_decision_id=number, **times,
    )  # fmt: skip


def decision(number: int, alert_id: int, action: str, hour: float) -> Decision:
    return Decision(
        id=number, study="A", alert_id=alert_id, decided_at=hours(hour), author="vigil", action=action, answer="hit",
        reason="", rule_id="SAE-01", rulebook_sha256="", ctcae="", usubjid=f"P{alert_id}", scope="",
    )  # fmt: skip


def mail(number: int, hour: float, *outcomes: str, study: str = "A", urgency: str = "immediate") -> list[SQLModel]:
    """A mail owed since an hour, with attempts that ended so; '' for one cut off."""
    rows: list[SQLModel] = [
        Notification(
            id=number,
            study=study,
            purpose="alert",
            urgency=urgency,
            recipient="o@x",
            subject="",
            mime=b"",
            message_id=f"<{number}>",
            owed_at=hours(hour),
        )
    ]
    for n, outcome in enumerate(outcomes, start=1):
        attempt = number * 10 + n
        rows.append(DeliveryAttempt(id=attempt, notification_id=number, number=n, started_at=hours(hour), relay="r"))
        if outcome:
            rows.append(
                DeliveryOutcome(attempt_id=attempt, notification_id=number, ended_at=hours(hour), outcome=outcome)
            )
    return rows


def figures_of(store: Store, *rows: SQLModel) -> Figures:
    with store.write() as session:
        for row in rows:
            session.add(row)
            session.flush()
    with store.read() as session:
        return read_figures(session)


# ------------------------------------------------------------------------------------------------ figures


def test_an_empty_ledger_has_no_figures(store: Store) -> None:
    assert figures_of(store) == Figures()


def test_sweeps_are_counted_by_their_end_and_rows_by_their_fate(store: Store) -> None:
    found = figures_of(
        store,
        sweep(1, 1, new=5, duplicate=1),
        sweep(2, 2, status="failed"),
        sweep(3, 3, unchanged=5, withheld=2),
        sweep(4, 2.5, unchanged=4, withdrawn=1),  # the clock has been set back
        sweep(5, 9, status="failed"),
        sweep(6, 4, study="B", status="failed"),
    )
    assert found.sweeps == {("A", "done"): 3, ("A", "failed"): 2, ("B", "failed"): 1}
    assert {fate: found.rows["A", fate] for fate in FATES if found.rows["A", fate]} == {
        "new": 5, "duplicate": 1, "unchanged": 9, "withdrawn": 1, "withheld": 2,
    }  # fmt: skip
    assert found.last_success == {("A",): hours(2.5)}
    assert found.last_seconds == {("A",): pytest.approx(0.4)}


@pytest.mark.parametrize(
    ("fate", "is_news"),
    [("new", True), ("changed", True), ("reappeared", True), ("withdrawn", True),
     ("unchanged", False), ("duplicate", False), ("rejected", False), ("withheld", False)],
)  # fmt: skip
def test_what_counts_as_new_data(store: Store, fate: str, is_news: bool) -> None:
    found = figures_of(store, sweep(1, 1, new=1), sweep(2, 2, **{fate: 1}), sweep(3, 3, unchanged=1))
    assert found.newest_data == {("A",): hours(2 if is_news else 1)}


def test_alerts_are_counted_until_closed(store: Store) -> None:
    found = figures_of(
        store, alert(1, "open"), alert(2, "open"), alert(3, "acknowledged"), alert(4, "closed"),
        alert(5, "open", study="B", urgency="routine"),
    )  # fmt: skip
    assert found.alerts_open == {
        ("A", "SAE-01", "immediate", "open"): 2,
        ("A", "SAE-01", "immediate", "acknowledged"): 1,
        ("B", "SAE-01", "routine", "open"): 1,
    }


@pytest.mark.parametrize(
    ("told", "acts", "since"),
    [
        ([("notify", 1)], {}, 1),
        ([("notify", 1), ("extend", 2)], {}, 1),
        ([("notify", 1), ("notify again", 3)], {}, 1),
        ([("notify", 1), ("notify again", 3)], {"acknowledged_at": 2}, 3),
        ([("notify", 1), ("notify again", 3), ("notify again", 4)], {"acknowledged_at": 2}, 3),
        ([("notify", 1), ("amend", 5)], {"closed_at": 4}, 5),
        ([("notify", 1), ("reinstate", 5)], {"acknowledged_at": 2, "closed_at": 4}, 5),
    ],
)
def test_an_alert_is_unacknowledged_since_it_was_told(
    store: Store, told: list[tuple[str, float]], acts: Mapping[str, float], since: float
) -> None:
    decisions = [decision(n, 1, action, hour) for n, (action, hour) in enumerate(told, start=1)]
    times = {name: hours(hour) for name, hour in acts.items()}
    found = figures_of(store, *decisions, alert(1, "open", **times))
    assert found.oldest_unacknowledged == {("A", "immediate"): hours(since)}


def test_an_acknowledged_alert_is_not_waited_for(store: Store) -> None:
    found = figures_of(store, decision(1, 1, "notify", 1), alert(1, "acknowledged", acknowledged_at=hours(2)))
    assert found.oldest_unacknowledged == {}


def test_mails_are_owed_until_taken_or_refused_for_good(store: Store) -> None:
    found = figures_of(
        store,
        *mail(1, 1, "accepted"),
        *mail(2, 2, "deferred", "refused"),
        *mail(3, 4, "deferred"),
        *mail(4, 3, "unknown", ""),
        *mail(5, 5),
        *mail(6, 6, "accepted", study="B"),
    )
    assert found.mails_owed == {("A", "immediate"): 3}
    assert found.oldest_owed == {("A", "immediate"): hours(3)}
    assert found.mail_outcomes == {
        ("A", "accepted"): 1, ("A", "deferred"): 2, ("A", "refused"): 1, ("A", "unknown"): 1, ("B", "accepted"): 1,
    }  # fmt: skip


def test_what_rules_cannot_tell_and_files_refused(store: Store) -> None:
    cannot = [("P1", "a", "not evaluable"), ("P1", "b", "not evaluable"), ("P2", "a", "not evaluable"),
              ("P3", "a", "clear")]  # fmt: skip
    found = figures_of(
        store,
        *(
            StandingAnswer(
                study="A", rule_id="CYT-01", usubjid=who, scope=scope, answer=answer, reason="", decision_id=1
            )
            for who, scope, answer in cannot
        ),
        RuleFailure(id=1, sweep_id=1, study="A", rule_id="CYT-02", usubjid="P1", error="E"),
        RuleFailure(id=2, sweep_id=2, study="A", rule_id="CYT-02", usubjid="P1", error="E"),
        SourceFile(id=1, sweep_id=1, study="A", domain="LB", name="lb.csv", state="refused", digest="", size=0),
        SourceFile(id=2, sweep_id=2, study="A", domain="LB", name="lb.csv", state="read", digest="", size=0),
    )
    assert found.not_evaluable == {("A", "CYT-01"): 2}
    assert found.rule_failures == {("A", "CYT-02"): 2}
    assert found.files_refused == {("A", "LB"): 1}


def test_participants_are_counted_once_whatever_became_of_their_rows(store: Store) -> None:
    versions = [("P1", "new"), ("P1", "changed"), ("P2", "new"), ("P2", "withdrawn"), ("", "new")]
    found = figures_of(
        store,
        sweep(1, 1, new=3),
        *(
            RecordVersion(
                id=number, study="A", sweep_id=1, domain="AE", record_key=who, usubjid=who, change=change,
                content_hash="", content="{}", file="ae.csv", line=number,
            )
            for number, (who, change) in enumerate(versions, start=1)
        ),
    )  # fmt: skip
    assert found.participants == {("A",): 2}


def test_every_fate_of_the_ledger_is_counted() -> None:
    assert {"read", *FATES} == set(Fates.__slots__)


# ------------------------------------------------------------------------------------------------ metrics


@pytest.fixture
def metrics(tmp_path: Path) -> Metrics:
    return Metrics([make_study(tmp_path)], "SQLite 3")


def samples(metrics: Metrics) -> dict[str, dict[frozenset[tuple[str, str]], float]]:
    found: dict[str, dict[frozenset[tuple[str, str]], float]] = {}
    for family in text_string_to_metric_families(metrics.page().decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
    return found


def test_the_table_is_what_a_scrape_gives(metrics: Metrics) -> None:
    metrics.show(Figures())
    families = {f.name: f for f in text_string_to_metric_families(metrics.page().decode()) if f.name[:5] == "vigil"}
    for metric in METRICS:
        family = families.pop(metric.name.removesuffix("_total"))
        assert (family.type, family.documentation) == (metric.type, metric.help)
        assert {sample.name for sample in family.samples} == {metric.name}
        assert all(set(sample.labels) == set(metric.labels) for sample in family.samples)
    assert families == {}


def test_before_the_first_figures_nothing_of_the_ledger_is_shown(metrics: Metrics) -> None:
    """A count that falls to a 0 that nobody counted would look like a reset, and then like news."""
    found = {name for name in samples(metrics) if name.startswith("vigil_")}
    assert found == {
        "vigil_build_info", "vigil_sweep_interval_seconds", "vigil_errors_total", "vigil_scheduler_missed_total",
    }  # fmt: skip


def test_whatever_an_alarm_may_be_written_on_is_there_from_the_first_figures(metrics: Metrics, tmp_path: Path) -> None:
    metrics.show(Figures())
    found = samples(metrics)
    rules = make_study(tmp_path).rulebook.rules
    for rule in rules:
        labels = {"study": "SYN", "rule": rule.id}
        assert found["vigil_rule_failures_total"][frozenset(labels.items())] == 0
        assert found["vigil_not_evaluable"][frozenset(labels.items())] == 0
        for state in ("open", "acknowledged"):
            series = labels | {"urgency": rule.urgency.value, "state": state}
            assert found["vigil_alerts_open"][frozenset(series.items())] == 0
    assert {dict(labels)["where"] for labels in found["vigil_errors_total"]} == set(ERRORS)
    assert found["vigil_scheduler_missed_total"] == {frozenset(): 0}
    assert len(found["vigil_files_refused_total"]) == len(DOMAINS)
    assert len(found["vigil_mails_owed"]) == 3
    assert len(found["vigil_rows_total"]) == len(FATES)


def test_figures_become_samples(metrics: Metrics) -> None:
    metrics.show(
        Figures(
            alerts_open={("SYN", "OLD-01", "immediate", "open"): 2},  # of a rule that is not in the book any more
            last_success={("SYN",): NOW},
            mail_outcomes={("SYN", "accepted"): 4, ("SYN", "deferred"): 9, ("SYN", "refused"): 1},
            oldest_owed={("", "immediate"): NOW},
        )
    )
    metrics.count_error("post")
    metrics.count_missed()
    found = samples(metrics)
    study = frozenset({("study", "SYN")})
    old = {("study", "SYN"), ("rule", "OLD-01"), ("urgency", "immediate"), ("state", "open")}
    assert found["vigil_alerts_open"][frozenset(old)] == 2
    assert found["vigil_sweep_last_success_timestamp_seconds"] == {study: NOW.timestamp()}
    assert found["vigil_sweep_interval_seconds"] == {study: 900}
    assert found["vigil_mails_accepted_total"] == {study: 4}
    assert found["vigil_mails_refused_total"] == {study: 1}
    about_vigil = frozenset({("study", ""), ("urgency", "immediate")})
    assert found["vigil_mail_oldest_owed_timestamp_seconds"][about_vigil] == NOW.timestamp()
    assert found["vigil_errors_total"][frozenset({("where", "post")})] == 1
    assert found["vigil_scheduler_missed_total"] == {frozenset(): 1}


def test_no_label_can_name_a_participant() -> None:
    labels = {label for metric in METRICS for label in metric.labels}
    assert labels == {
        "study", "rule", "urgency", "state", "status", "fate", "domain", "where", "version", "python", "database",
    }  # fmt: skip
