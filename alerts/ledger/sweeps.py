"""The sweep's own row: what a sweep is when it opens, and what it leaves when it closes or fails."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from alerts import tables
from alerts.decide import SavedDecision
from alerts.ledger.mails import owe
from alerts.ledger.rows import add_rows, next_id
from alerts.ledger.set_back import as_of, set_back_from
from alerts.tables import RecordVersion, Sweep

if TYPE_CHECKING:
    from alerts.message import Mail
    from rules.rulebook import Rulebook  # would load every kind of rule for a look at the alerts

FAILURE_TOLD_AGAIN = timedelta(days=1)
"""How often operators are told of a failure that stays the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSweep:
    """One sweep while it goes on. Its row is written at its end, under this id."""

    id: int
    study: str
    now: datetime  # UTC
    zone: ZoneInfo  # of the study
    as_of: datetime  # UTC: the moment as of which rules judge: `now`, unless the clock was set back by a little
    set_back_from: datetime | None = None  # UTC: where the clock stood, if it was set back
    rulebook_sha256: str
    ctcae: str
    is_first: bool  # of this study
    is_full: bool  # every participant is judged
    rulebook_changed: bool  # since the last sweep that was done
    new_rules: Mapping[str, str] = field(default_factory=dict)  # rule id -> "present at first sweep", for the digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Fates:
    """What became of every row of one look. The database refuses a sweep of which a row read has no fate."""

    read: int = 0
    unchanged: int = 0
    new: int = 0
    changed: int = 0
    reappeared: int = 0
    duplicate: int = 0
    rejected: int = 0
    withdrawn: int = 0  # rows that are not there any more
    withheld: int = 0  # not there, and not yet withdrawn

    def __add__(self, other: "Fates") -> "Fates":
        mine, theirs = asdict(self), asdict(other)
        return Fates(**{name: mine[name] + theirs[name] for name in mine})


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """What a look changed: the participants with a new version of any record, and the fate of every row."""

    usubjids: frozenset[str] = frozenset()
    fates: Fates = field(default_factory=Fates)


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepResult:
    """What a sweep came to."""

    sweep_id: int
    study: str
    status: str  # done, failed
    error: str = ""
    fates: Fates = field(default_factory=Fates)
    judged: int = 0
    decisions: tuple[SavedDecision, ...] = ()
    mails: int = 0
    seconds: float = 0.0

    def figures(self) -> dict[str, object]:
        """Return the numbers for a line of the log; nothing in them names a participant."""
        said = {"error": self.error.partition(":")[0]} if self.error else {}  # its message may quote a row
        return {
            "sweep": self.sweep_id,
            "status": self.status,
            **asdict(self.fates),
            "judged": self.judged,
            "decisions": len(self.decisions),
            "mails": self.mails,
            "seconds": round(self.seconds, 3),
            **said,
        }


def open_sweep(session: Session, study: str, now: datetime, rulebook: "Rulebook", zone: ZoneInfo) -> OpenSweep:
    """Say what this sweep is: the first, a full one, under a new rulebook; `zone` says when a study's day begins.

    A sweep is full on the first look of each study-local day, whenever the rulebook is not the last sweep's, and where
    the clock was set back so far that what was told as of a later moment must be judged anew.
    """
    _remember(session, study, now, rulebook)
    last = _last_sweep(session, study, Sweep.status == "done")
    last_full = _last_sweep(session, study, Sweep.status == "done", col(Sweep.is_full).is_(True))
    changed = last is not None and last.rulebook_sha256 != rulebook.sha256
    before = set_back_from(last, now)
    moment = as_of(now.astimezone(UTC), before)
    is_new_day = last_full is None or _day(as_of(last_full.now, last_full.set_back_from), zone) != _day(moment, zone)
    return OpenSweep(
        id=next_id(session, Sweep),
        study=study,
        now=now.astimezone(UTC),
        zone=zone,
        as_of=moment,
        set_back_from=before,
        rulebook_sha256=rulebook.sha256,
        ctcae=rulebook.header.ctcae,
        is_first=last is None,
        is_full=changed or is_new_day or (before is not None and moment < before),
        rulebook_changed=changed,
        new_rules=_new_rules(session, last, rulebook),
    )


def close_sweep(
    session: Session,
    sweep: OpenSweep,
    touched: Touched,
    judged: int,
    decisions: Sequence[SavedDecision],
    mails: Sequence["Mail"],
    seconds: float,
) -> SweepResult:
    """Write the row of a sweep that is done."""
    row = Sweep(
        id=sweep.id,
        study=sweep.study,
        status="done",
        now=sweep.now,
        seconds=seconds,
        rulebook_sha256=sweep.rulebook_sha256,
        is_first=sweep.is_first,
        is_full=sweep.is_full,
        set_back_from=sweep.set_back_from,
        participants_judged=judged,
        decisions=len(decisions),
        mails_owed=len(mails),
        **{f"rows_{fate}": number for fate, number in asdict(touched.fates).items()},
    )
    add_rows(session, Sweep, [row.model_dump()])
    return SweepResult(
        sweep_id=sweep.id,
        study=sweep.study,
        status="done",
        fates=touched.fates,
        judged=judged,
        decisions=tuple(decisions),
        mails=len(mails),
        seconds=seconds,
    )


def save_failed_sweep(
    session: Session,
    study: str,
    now: datetime,
    rulebook: "Rulebook",
    error: str,
    mails: Sequence["Mail"],
    seconds: float,
) -> SweepResult:
    """Write the row of a sweep that failed; owe its mails at the first failure, at a different one, and once a day."""
    _remember(session, study, now, rulebook)
    owed = tuple(mails) if _failure_is_news(session, study, now, error) else ()
    last_done = _last_sweep(session, study, Sweep.status == "done")
    row = Sweep(
        id=next_id(session, Sweep),
        study=study,
        status="failed",
        now=now,
        seconds=seconds,
        rulebook_sha256=rulebook.sha256,
        is_first=last_done is None,
        is_full=False,
        mails_owed=len(owed),
        error=error,
    )
    add_rows(session, Sweep, [row.model_dump()])
    owe(session, study, row.id, owed)
    return SweepResult(sweep_id=row.id, study=study, status="failed", error=error, mails=len(owed), seconds=seconds)


def _last_sweep(session: Session, study: str, *where: Any) -> Sweep | None:
    """Return the newest sweep of a study that meets the conditions: newest by id, since a clock can be set back."""
    newest = select(Sweep).where(Sweep.study == study, *where).order_by(col(Sweep.id).desc()).limit(1)
    return session.exec(newest).first()


def _day(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).date().isoformat()


def _remember(session: Session, study: str, now: datetime, rulebook: "Rulebook") -> None:
    """Keep the text of a rulebook the first time it is in force."""
    if session.get(tables.Rulebook, (study, rulebook.sha256)) is None:
        header = rulebook.header
        row = tables.Rulebook(
            study=study,
            sha256=rulebook.sha256,
            name=header.name,
            version=header.version,
            ctcae=header.ctcae,
            text=rulebook.text,
            in_force_from=now,
        )
        add_rows(session, tables.Rulebook, [row.model_dump()])


def _new_rules(session: Session, last: Sweep | None, rulebook: "Rulebook") -> dict[str, str]:
    """Return the rules that look for the first time, with the words that say so."""
    if last is None:
        return {rule.id: "present at first sweep" for rule in rulebook.rules}
    if session.exec(select(RecordVersion.id).where(RecordVersion.study == last.study).limit(1)).first() is None:
        return {rule.id: "present in the first data" for rule in rulebook.rules}
    if last.rulebook_sha256 == rulebook.sha256:
        return {}
    book = session.get_one(tables.Rulebook, (last.study, last.rulebook_sha256))
    known = {entry["id"] for entry in tomllib.loads(book.text).get("rule", [])}
    return {rule.id: "present when the rule came into force" for rule in rulebook.rules if rule.id not in known}


def _failure_is_news(session: Session, study: str, now: datetime, error: str) -> bool:
    """Whether operators have not been told of this very failure within the last day."""
    last = _last_sweep(session, study)
    if last is None or last.status == "done" or last.error != error:
        return True
    told = _last_sweep(session, study, Sweep.status == "failed", Sweep.mails_owed > 0)
    return told is None or abs(now - told.now) >= FAILURE_TOLD_AGAIN  # a clock may have been set back since
