"""Looks at a source, told in a few words: what a source would hand to the ledger, without any file."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from alerts import ledger
from alerts.audience import Shrink
from alerts.batch import Batch, DomainRows, FileLook, RejectedRow
from alerts.decide import Decision, Sight, StandingAlert, decide
from alerts.ledger import OpenSweep, SweepResult
from alerts.store import Store
from rules.evaluate import Evaluation
from rules.hit import Judgement, RuleRun
from rules.records import StudyView
from rules.rulebook import Header, Rule, Rulebook

STUDY = "ST1"
START = datetime(2024, 3, 4, 6, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")

Row = Mapping[str, str | None]


def digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def ae(usubjid: str, term: str, key: str = "", **values: str) -> dict[str, str]:
    """A row of AE; its record key is participant and term, unless a key is given."""
    return {"_key": key or f"{usubjid}|{term}", "USUBJID": usubjid, "AETERM": term, **values}


def frame_of(rows: Sequence[Row], file: str) -> pl.DataFrame:
    """Rows as a source hands them over: SDTM variables as text, and what identifies each row."""
    columns = sorted({name for row in rows for name in row if not name.startswith("_")} | {"USUBJID"})
    table = [
        {
            **{name: row.get(name) for name in columns},
            "_key": row["_key"],
            "_event": row.get("_event", ""),
            "_hash": digest({name: row.get(name) for name in columns if row.get(name) is not None}),
            "_file": row.get("_file", file),
            "_line": number,
        }
        for number, row in enumerate(rows, start=2)
    ]
    text = [*columns, "_key", "_event", "_hash", "_file"]
    return pl.DataFrame(table, schema={**dict.fromkeys(text, pl.String), "_line": pl.Int64})


def look(
    rows: Sequence[Row],
    *,
    domain: str = "AE",
    file: str = "ae.csv",
    bad: Sequence[str] = (),
    duplicates: int = 0,
    complete: bool = True,
) -> Batch:
    """A look at one file that was read."""
    total = len(rows) + len(bad) + duplicates
    found = FileLook(
        domain=domain,
        name=file,
        state="read",
        digest=digest(file, list(rows), list(bad), duplicates),
        size=1,
        rows=total,
    )
    rejected = tuple(
        RejectedRow(
            domain=domain,
            file=file,
            line=90 + n,
            column="AESTDTC",
            reason="no key",
            content=text,
            digest=digest(domain, text),
        )
        for n, text in enumerate(bad)
    )
    read = DomainRows(
        domain=domain,
        frame=frame_of(rows, file),
        rows=total,
        duplicates=duplicates,
        rejected=len(bad),
        complete=complete,
    )
    return Batch(files=(found,), domains={domain: read}, rejected=rejected)


def unchanged(batch: Batch) -> Batch:
    """The next look at the same files: nothing is read again."""
    return Batch(files=tuple(replace(file, state="unchanged", rows=0) for file in batch.files))


def refused(reason: str, *, domain: str = "AE", file: str = "ae.csv") -> Batch:
    """A look at one file that was refused whole."""
    return Batch(files=(FileLook(domain=domain, name=file, state="refused", reason=reason, digest=digest(reason)),))


def rulebook(*rule_ids: str, version: str = "1") -> Rulebook:
    """A rulebook of nothing but ids, for what the ledger knows of it."""
    text = "".join(f'[[rule]]\nid = "{rule_id}"\n' for rule_id in rule_ids) + f"# {version}\n"
    header = Header(name="book", version=version, title="Book", ctcae="5.0", zero_dose="placebo")
    rules = tuple(
        Rule(id=rule_id, title=rule_id, kind="any", protocol_section="1", urgency="immediate", action="look")
        for rule_id in rule_ids
    )
    return Rulebook(header, None, rules, {}, text)


@dataclass
class Ledger:
    """Sweeps of one study without a source and without rules: looks and judgements are given."""

    store: Store
    book: Rulebook = field(default_factory=lambda: rulebook("SAE-01", "CYT-02"))
    now: datetime = START
    study: str = STUDY
    view: StudyView = field(default_factory=StudyView)
    opened: OpenSweep | None = None
    judged: tuple[str, ...] = ()

    def sweep(
        self,
        batch: Batch | None = None,
        judgements: Sequence[Judgement] = (),
        *,
        after: timedelta = timedelta(minutes=15),
        shrink: Shrink | None = None,
        evaluation: Evaluation | None = None,
    ) -> SweepResult:
        """One sweep as `monitor.sweep` does it; of the judgements, those about whom it judges."""
        self.now += after
        said = evaluation or Evaluation(
            judgements=tuple(judgements), failures=(), runs=(RuleRun(rule_id="FEED-01", judged=1, clear=1),), due={}
        )
        looked = batch or Batch()
        with self.store.write() as session:
            sweep = self.opened = ledger.open_sweep(session, self.study, self.now, self.book, SHANGHAI)
            touched = ledger.save_new_versions(session, sweep, looked, shrink or Shrink())
            self.judged = ledger.whom_to_judge(session, sweep, touched)
            self.view = ledger.study_view(session, sweep, looked, self.judged)
            standing = ledger.standing(session, sweep, self.judged)
            sight = Sight(
                usubjids=frozenset({*self.judged, ""}),
                rule_ids=frozenset(rule.id for rule in self.book.rules),
                failed=frozenset((f.rule_id, f.usubjid) for f in said.failures),
                new_rules=sweep.new_rules,
                rulebook_changed=sweep.rulebook_changed,
                set_back_from=sweep.set_back_from,
            )
            spoken = [judgement for judgement in said.judgements if judgement.usubjid in sight.usubjids]
            made: tuple[Decision, ...] = decide(spoken, standing, sight)
            saved = ledger.save_decisions(session, sweep, made)
            self.failures = ledger.save_runs(session, sweep, said, self.judged)
            return ledger.close_sweep(session, sweep, touched, len(self.judged), saved, (), 0.1)

    def open(self) -> tuple[StandingAlert, ...]:
        with self.store.read() as session:
            return ledger.open_alerts(session, self.study)
