"""A small synthetic trial for tests: SDTM rows as dicts, written as CSV, swept by the production path."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlmodel import Session, select

from alerts.audience import Audience
from alerts.ledger import SweepResult
from alerts.store import Store
from alerts.tables import Alert, Decision
from monitor.sources.sdtm_folder import SdtmFolder
from monitor.study import Study
from monitor.sweep import run_sweep
from rules.hit import Urgency
from rules.rulebook import load_rulebook

STUDYID = "SYN-TEST"
Row = Mapping[str, str]


def audience(study: str = "SYN") -> Audience:
    """Officers for every urgency, and one operator."""
    return Audience(
        study=study,
        title="Synthetic study",
        sender="vigil@example.org",
        officers=dict.fromkeys(Urgency, ("officer@example.org",)),
        operators=("operator@example.org",),
        timezone="Asia/Shanghai",
    )


def make_study(folder: Path, rulebook: str = "low_dose_il2_sle", *, studyid: str = STUDYID, **files: str) -> Study:
    """Return a study over an incoming folder."""
    return Study(
        id="SYN",
        zone=ZoneInfo("Asia/Shanghai"),
        rulebook=load_rulebook(rulebook),
        source=SdtmFolder(folder, studyid, files),
        audience=audience(),
    )


@dataclass
class Trial:
    """Rows by domain in a folder, and a study that watches it."""

    folder: Path
    store: Store
    study: Study = None  # type: ignore[assignment]
    rows: dict[str, list[dict[str, str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.study = self.study or make_study(self.folder)

    def add(self, domain: str, **values: str) -> dict[str, str]:
        """Add one row and return it, so that a test can correct it later."""
        row = {"STUDYID": STUDYID, "DOMAIN": domain.upper(), **values}
        self.rows.setdefault(domain.lower(), []).append(row)
        return row

    def export(self, rows: Mapping[str, Sequence[Row]] | None = None) -> None:
        """Write every domain as CSV, in one go per file."""
        for domain, entries in (rows if rows is not None else self.rows).items():
            write_csv(self.folder / f"{domain}.csv", entries)

    def sweep(self, now: datetime) -> SweepResult:
        """Export and sweep."""
        self.export()
        return run_sweep(self.store, self.study, now)

    def alerts(self) -> list[Alert]:
        """Every alert about a participant, in order of opening."""
        with self.store.read() as session:
            return list(session.exec(select(Alert).where(Alert.usubjid != "").order_by(Alert.id)))

    def decisions(self) -> list[Decision]:
        """Every decision, in order."""
        with self.store.read() as session:
            return list(session.exec(select(Decision).order_by(Decision.id)))


def write_csv(path: Path, rows: Iterable[Row]) -> None:
    """Write rows under the union of their columns; a file of no rows keeps the identifying header."""
    entries = list(rows)
    columns = list(dict.fromkeys(["STUDYID", "DOMAIN", "USUBJID", *(name for row in entries for name in row)]))
    part = path.with_suffix(".part")
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(entries)
    part.replace(path)


def at(day: str, hour: int = 12) -> datetime:
    """Return an instant on an ISO day, UTC."""
    return datetime.fromisoformat(day).replace(hour=hour, tzinfo=UTC)


def count(session: Session, statement: object) -> int:
    """Count rows of a select."""
    return len(session.exec(statement).all())  # type: ignore[call-overload]
