"""What Prometheus is shown: one table of metrics, filled from the ledger's figures and a few counts of this process.

It knows names, labels and how a figure becomes a sample. A scrape never touches the database from here: samples come
from the figures last shown, so that a fault of the database cannot break the page. Until figures are shown there are no
samples of the ledger: a 0 that nobody counted would look like a reset. No label ever names a participant.
"""

import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Literal

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.core import Metric as Family

from alerts.ledger.figures import FATES, Figures, Labels
from monitor.study import Study
from rules.hit import Urgency
from rules.records import DOMAINS


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric as the outside world relies on it."""

    name: str
    type: Literal["gauge", "counter"]
    labels: tuple[str, ...]
    help: str


METRICS = (
    Metric("vigil_build_info", "gauge", ("version", "python", "database"), "Always 1; what runs, on which database."),
    Metric(
        "vigil_alerts_open",
        "gauge",
        ("study", "rule", "urgency", "state"),
        "Alerts that are not closed, by state: open or acknowledged.",
    ),
    Metric(
        "vigil_alert_oldest_unacknowledged_timestamp_seconds",
        "gauge",
        ("study", "urgency"),
        "When the longest unacknowledged alert was told; 0 if there is none.",
    ),
    Metric("vigil_sweeps_total", "counter", ("study", "status"), "Sweeps by how they ended: done or failed."),
    Metric(
        "vigil_sweep_last_success_timestamp_seconds",
        "gauge",
        ("study",),
        "The moment of the last sweep that was done; 0 if there is none.",
    ),
    Metric("vigil_sweep_interval_seconds", "gauge", ("study",), "How often the study is to be swept."),
    Metric("vigil_sweep_duration_seconds", "gauge", ("study",), "How long the last sweep that was done took."),
    Metric("vigil_rows_total", "counter", ("study", "fate"), "Rows of the source by what became of them."),
    Metric("vigil_files_refused_total", "counter", ("study", "domain"), "File contents that were refused whole."),
    Metric(
        "vigil_source_newest_data_timestamp_seconds",
        "gauge",
        ("study",),
        "The moment of the last sweep that brought anything new, changed or withdrawn; 0 if there is none.",
    ),
    Metric("vigil_participants", "gauge", ("study",), "Participants of whom the source has ever brought a row."),
    Metric("vigil_not_evaluable", "gauge", ("study", "rule"), "Participants about whom a rule cannot tell now."),
    Metric("vigil_rule_failures_total", "counter", ("study", "rule"), "Times a rule raised for a participant."),
    Metric("vigil_mails_owed", "gauge", ("study", "urgency"), "Mails that no server has accepted or refused for good."),
    Metric(
        "vigil_mail_oldest_owed_timestamp_seconds",
        "gauge",
        ("study", "urgency"),
        "Since when the oldest owed mail waits; 0 if none is owed.",
    ),
    Metric("vigil_mails_accepted_total", "counter", ("study",), "Mails that a server accepted."),
    Metric("vigil_mails_refused_total", "counter", ("study",), "Mails that a server refused for good."),
    Metric(
        "vigil_errors_total",
        "counter",
        ("where",),
        "Faults since the start that could not be written to the ledger: sweep, post, daily or figures.",
    ),
    Metric("vigil_scheduler_missed_total", "counter", (), "Runs since the start that were missed, skipped or raised."),
)
"""Every metric there is, but for the process_* ones of the client library."""

ERRORS = ("sweep", "post", "daily", "figures")


class Metrics:
    """The samples of one process; `registry` is what a scrape reads."""

    def __init__(self, studies: Sequence[Study], database: str) -> None:
        self._studies = studies
        self._build = (version("vigil-monitor"), platform.python_version(), database)
        self._samples: dict[str, Mapping[Labels, float]] = {}
        self._errors: Counter[str] = Counter()
        self._missed = 0
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.registry.register(self)

    def show(self, figures: Figures) -> None:
        """Show these figures from now on."""
        self._samples = _samples(figures, self._studies)

    def count_error(self, where: str) -> None:
        """Count a fault that the ledger does not hold."""
        self._errors[where] += 1

    def count_missed(self) -> None:
        """Count a run that the scheduler did not start, or that raised."""
        self._missed += 1

    def page(self) -> bytes:
        """Return the page that Prometheus reads, in its text format."""
        return generate_latest(self.registry)

    def collect(self) -> Iterator[Family]:
        """Give every metric of the table with its samples."""
        samples = self._samples | {
            "vigil_build_info": {self._build: 1},
            "vigil_sweep_interval_seconds": {(study.id,): study.sweep_every.total_seconds() for study in self._studies},
            "vigil_errors_total": {(where,): self._errors[where] for where in ERRORS},
            "vigil_scheduler_missed_total": {(): self._missed},
        }
        for metric in METRICS:
            family = (GaugeMetricFamily if metric.type == "gauge" else CounterMetricFamily)(
                metric.name, metric.help, labels=metric.labels
            )
            for labels, value in sorted(samples.get(metric.name, {}).items()):
                family.add_metric(labels, value)
            yield family


def _samples(figures: Figures, studies: Sequence[Study]) -> dict[str, Mapping[Labels, float]]:
    """Turn figures into samples; what can be counted and was not is 0, so that alarms can be written on it."""
    alone: list[Labels] = [(study.id,) for study in studies]
    rules: list[Labels] = [(study.id, rule.id) for study in studies for rule in study.rulebook.rules]
    urgencies: list[Labels] = [(study.id, urgency.value) for study in studies for urgency in Urgency]
    alerts: list[Labels] = [
        (study.id, rule.id, rule.urgency.value, state)
        for study in studies
        for rule in study.rulebook.rules
        for state in ("open", "acknowledged")
    ]
    return {
        "vigil_alerts_open": _filled(alerts, figures.alerts_open),
        "vigil_alert_oldest_unacknowledged_timestamp_seconds": _filled(
            urgencies, _seconds(figures.oldest_unacknowledged)
        ),
        "vigil_sweeps_total": _filled(_times(alone, ("done", "failed")), figures.sweeps),
        "vigil_sweep_last_success_timestamp_seconds": _filled(alone, _seconds(figures.last_success)),
        "vigil_sweep_duration_seconds": _filled(alone, figures.last_seconds),
        "vigil_rows_total": _filled(_times(alone, FATES), figures.rows),
        "vigil_files_refused_total": _filled(_times(alone, DOMAINS), figures.files_refused),
        "vigil_source_newest_data_timestamp_seconds": _filled(alone, _seconds(figures.newest_data)),
        "vigil_participants": _filled(alone, figures.participants),
        "vigil_not_evaluable": _filled(rules, figures.not_evaluable),
        "vigil_rule_failures_total": _filled(rules, figures.rule_failures),
        "vigil_mails_owed": _filled(urgencies, figures.mails_owed),
        "vigil_mail_oldest_owed_timestamp_seconds": _filled(urgencies, _seconds(figures.oldest_owed)),
        "vigil_mails_accepted_total": _filled(alone, _ended(figures, "accepted")),
        "vigil_mails_refused_total": _filled(alone, _ended(figures, "refused")),
    }


def _filled(expected: Iterable[Labels], figures: Mapping[Labels, float]) -> dict[Labels, float]:
    """Return the figures, with 0 for what was expected and is not there."""
    return dict.fromkeys(expected, 0.0) | dict(figures)


def _ended(figures: Figures, outcome: str) -> dict[Labels, float]:
    """Return the deliveries by study that ended so."""
    return {(study,): number for (study, ended), number in figures.mail_outcomes.items() if ended == outcome}


def _times(studies: Iterable[Labels], values: Iterable[str]) -> Iterator[Labels]:
    """Pair every study with every value of a second label."""
    seconds = tuple(values)
    return ((study, value) for (study,) in studies for value in seconds)


def _seconds(moments: Mapping[Labels, datetime]) -> dict[Labels, float]:
    """Turn moments into Unix seconds."""
    return {labels: moment.timestamp() for labels, moment in moments.items()}
