"""Every SQL table, on one page. Tables only store: validation is done before, invariants are CHECKs and triggers.

Rows of every table are only ever added, but for the three projections at the foot, which can be rebuilt from the rows
above them. Times are UTC. JSON is text with sorted keys. Ids are given by the writer, never by the database.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Dialect, Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel


class UTCDateTime(TypeDecorator[datetime]):
    """An aware datetime, stored as UTC; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive values; store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r} cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back an aware UTC value on every database."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _at(*, nullable: bool = False) -> Any:
    return Field(sa_type=UTCDateTime, nullable=nullable, default=None if nullable else ...)


def _id() -> Any:
    return Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})


def _text(default: Any = "") -> Any:
    return Field(default=default, sa_type=Text)


# ---------------------------------------------------------------------------------------------- what did we see


class Rulebook(SQLModel, table=True):
    """A rulebook as it was in force: its whole text under its hash."""

    __tablename__ = "rulebook"
    study: str = Field(primary_key=True)
    sha256: str = Field(primary_key=True)
    name: str
    version: str
    ctcae: str
    text: str = _text(...)
    in_force_from: datetime = _at()


class Sweep(SQLModel, table=True):
    """One look at one study, done or failed, with the fate of every row read. Written at the sweep's end."""

    __tablename__ = "sweep"
    __table_args__ = (
        CheckConstraint("status IN ('done', 'failed')", name="ck_sweep_status"),
        CheckConstraint(
            "rows_read = rows_unchanged + rows_new + rows_changed + rows_reappeared + rows_duplicate + rows_rejected",
            name="ck_sweep_every_row_has_a_fate",
        ),
        Index("ix_sweep_study", "study", "id"),
        Index("ix_sweep_set_back", "study", "set_back_from"),
    )
    id: int = _id()
    study: str
    status: str
    now: datetime = _at()  # the sweep's one moment
    seconds: float  # how long it took
    rulebook_sha256: str
    is_first: bool  # of this study
    is_full: bool  # every participant was judged
    set_back_from: datetime | None = _at(nullable=True)  # where the clock stood before it was set back; else null
    rows_read: int = 0
    rows_unchanged: int = 0
    rows_new: int = 0
    rows_changed: int = 0
    rows_reappeared: int = 0
    rows_duplicate: int = 0
    rows_rejected: int = 0
    rows_withdrawn: int = 0
    rows_withheld: int = 0  # vanished, and not yet withdrawn: a large shrink waits for a second look
    participants_judged: int = 0
    decisions: int = 0
    mails_owed: int = 0
    error: str = _text()


class SourceFile(SQLModel, table=True):
    """A file in a state not seen before: read, refused, or its withdrawals held back. An unchanged file adds no row."""

    __tablename__ = "source_file"
    __table_args__ = (
        CheckConstraint("state IN ('read', 'refused')", name="ck_source_file_state"),
        Index("ix_source_file_study_name", "study", "domain", "name"),
    )
    id: int = _id()
    sweep_id: int = Field(sa_type=BigInteger)
    study: str
    domain: str
    name: str
    state: str
    reason: str = _text()
    digest: str
    size: int = Field(sa_type=BigInteger)
    modified_at: datetime | None = _at(nullable=True)
    stamped_at: datetime | None = _at(nullable=True)
    rows: int = 0
    duplicates: int = 0
    rejected: int = 0
    settled: bool = True
    reading: str = ""  # names how it was read (encoding, keys...): read otherwise, the same bytes are other rows
    line_end: bool | None = None  # of a CSV: whether a line end closes its last line; null where nobody looked
    database_at: datetime | None = _at(nullable=True)  # when the database behind it was last modified, as the file says
    columns: str | None = Field(default=None, sa_type=Text)  # JSON, in the file's order; null where nobody looked
    stamp_fault: str | None = Field(default=None, sa_type=Text)  # why a time that the file gives cannot be used


class RecordVersion(SQLModel, table=True):
    """One version of one source row: new, changed, withdrawn (vanished from the source) or reappeared."""

    __tablename__ = "record_version"
    __table_args__ = (
        CheckConstraint("change IN ('new', 'changed', 'withdrawn', 'reappeared')", name="ck_record_version_change"),
        Index("ix_record_version_key", "study", "domain", "record_key", "id"),
        Index("ix_record_version_participant", "study", "usubjid"),
    )
    id: int = _id()
    study: str
    sweep_id: int = Field(sa_type=BigInteger, index=True)
    domain: str
    record_key: str
    event_key: str = ""
    usubjid: str
    change: str
    content_hash: str
    content: str = _text(...)  # the whole row as JSON; of a withdrawn row, its last content
    file: str = ""
    line: int = 0


class RejectedRow(SQLModel, table=True):
    """A row that could not be taken, whole, with the reason; one per look at a changed file."""

    __tablename__ = "rejected_row"
    __table_args__ = (
        Index("ix_rejected_row_study", "study", "domain", "sweep_id"),
        Index("ix_rejected_row_digest", "study", "digest", "sweep_id"),
    )
    id: int = _id()
    study: str
    sweep_id: int = Field(sa_type=BigInteger)
    domain: str
    file: str
    line: int
    column_name: str
    reason: str = _text(...)
    content: str = _text(...)
    digest: str


# ---------------------------------------------------------------------------------------------- what did we decide


class RuleRun(SQLModel, table=True):
    """What one rule answered in one sweep that judged anybody."""

    __tablename__ = "rule_run"
    __table_args__ = (
        CheckConstraint("judged = hits + not_evaluable + clear + failed", name="ck_rule_run_every_answer_counted"),
    )
    sweep_id: int = Field(primary_key=True, sa_type=BigInteger)
    rule_id: str = Field(primary_key=True)
    study: str
    judged: int
    hits: int
    not_evaluable: int
    clear: int
    failed: int


class RuleFailure(SQLModel, table=True):
    """A rule that raised for one participant."""

    __tablename__ = "rule_failure"
    id: int = _id()
    sweep_id: int = Field(sa_type=BigInteger, index=True)
    study: str
    rule_id: str
    usubjid: str
    error: str = _text(...)


class Decision(SQLModel, table=True):
    """What was done about a judgement, or by a person about an alert, and why."""

    __tablename__ = "decision"
    __table_args__ = (Index("ix_decision_alert", "alert_id"), Index("ix_decision_study", "study", "id"))
    id: int = _id()
    study: str
    sweep_id: int | None = Field(default=None, sa_type=BigInteger, index=True)  # None: a person's act
    alert_id: int | None = Field(default=None, sa_type=BigInteger)  # None: nothing to open an alert for
    decided_at: datetime = _at()
    author: str  # "vigil" or a person
    action: str  # alerts.decide.Action
    answer: str  # rules.hit.Answer; '' for a person's act
    reason: str = _text(...)
    rule_id: str
    rulebook_sha256: str
    ctcae: str
    usubjid: str
    scope: str
    anchors: str = _text("[]")
    summary: str = _text()
    grade: int | None = None
    urgency: str = ""
    consequence: str = ""
    evidence: str = _text("[]")  # record versions and the values the rule used
    told: bool = False  # somebody must be told: it stands in a mail, or in the next daily mail
    circumstances: str | None = Field(default=None, sa_type=Text)  # JSON: what surrounded it in time, as it was told
    recovery: str | None = Field(default=None, sa_type=Text)  # the later result that ended the episode, in words
    extent: str | None = Field(default=None, sa_type=Text)  # JSON: how far out it went, test by test
    submitted_on: str | None = None  # the day (ISO) on which a person says that a report was submitted


# ---------------------------------------------------------------------------------------------- whom did we tell


class Notification(SQLModel, table=True):
    """A rendered mail owed to one recipient, frozen: these bytes are sent, again and again if need be."""

    __tablename__ = "notification"
    __table_args__ = (UniqueConstraint("message_id", name="uq_notification_message_id"),)
    id: int = _id()
    study: str  # '' for a mail about vigil itself
    sweep_id: int | None = Field(default=None, sa_type=BigInteger, index=True)
    purpose: str  # alert, amendment, digest, daily, operator, test
    urgency: str
    recipient: str
    subject: str
    message_id: str
    owed_at: datetime = _at()
    mime: bytes = Field(sa_type=LargeBinary)


class NotificationDecision(SQLModel, table=True):
    """Which decisions a notification tells."""

    __tablename__ = "notification_decision"
    notification_id: int = Field(primary_key=True, sa_type=BigInteger)
    decision_id: int = Field(primary_key=True, sa_type=BigInteger, index=True)


class DeliveryAttempt(SQLModel, table=True):
    """One try, written before anything is sent. Without an outcome it is unknown whether the server took it."""

    __tablename__ = "delivery_attempt"
    __table_args__ = (UniqueConstraint("notification_id", "number", name="uq_delivery_attempt_number"),)
    id: int = _id()
    notification_id: int = Field(sa_type=BigInteger)
    number: int
    started_at: datetime = _at()
    relay: str


class DeliveryOutcome(SQLModel, table=True):
    """How an attempt ended: did the server take it."""

    __tablename__ = "delivery_outcome"
    __table_args__ = (
        CheckConstraint("outcome IN ('accepted', 'deferred', 'refused', 'unknown')", name="ck_delivery_outcome"),
    )
    attempt_id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    notification_id: int = Field(sa_type=BigInteger, index=True)
    ended_at: datetime = _at()
    outcome: str
    code: int | None = None
    reply: str = _text()


class Chain(SQLModel, table=True):
    """The hash chain over decisions and delivery outcomes: one per study, one ('') for the system."""

    __tablename__ = "chain"
    __table_args__ = (
        CheckConstraint("entry IN ('decision', 'outcome')", name="ck_chain_entry"),
        UniqueConstraint("entry", "entry_id", name="uq_chain_entry"),
    )
    study: str = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    entry: str
    entry_id: int = Field(sa_type=BigInteger)
    prev_hash: str
    hash: str  # SHA-256 hex over prev_hash and the entry's canonical JSON


APPEND_ONLY = (
    Rulebook, Sweep, SourceFile, RecordVersion, RejectedRow, RuleRun, RuleFailure, Decision,
    Notification, NotificationDecision, DeliveryAttempt, DeliveryOutcome, Chain,
)  # fmt: skip
"""Tables whose rows the database itself refuses to update or delete."""

# ---------------------------------------------------------------------------------------------- projections


class Alert(SQLModel, table=True):
    """The life of one episode, as its decisions leave it. A projection of `decision`."""

    __tablename__ = "alert"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'acknowledged', 'closed')", name="ck_alert_state"),
        Index("ix_alert_study", "study", "usubjid"),
    )
    id: int = _id()
    study: str
    rule_id: str
    usubjid: str
    scope: str
    anchors: str = _text("[]")
    state: str
    standing: bool  # the rule still hits; False: corrected or withdrawn at source, and still open until closed
    summary: str = _text()
    grade: int | None = None  # last told
    urgency: str
    consequence: str
    evidence: str = _text("[]")  # what was last told
    recovery: str | None = Field(default=None, sa_type=Text)  # as last told; null while the episode goes on
    extent: str | None = Field(default=None, sa_type=Text)  # as last told
    opened_at: datetime = _at()
    acknowledged_at: datetime | None = _at(nullable=True)
    closed_at: datetime | None = _at(nullable=True)
    last_decision_id: int = Field(sa_type=BigInteger)
    revision: int = 1


class StandingAnswer(SQLModel, table=True):
    """The answers other than hit that stand written now: held back, or not evaluable. A projection of `decision`."""

    __tablename__ = "standing_answer"
    study: str = Field(primary_key=True)
    rule_id: str = Field(primary_key=True)
    usubjid: str = Field(primary_key=True)
    scope: str = Field(primary_key=True)
    answer: str
    reason: str = _text(...)
    decision_id: int = Field(sa_type=BigInteger)


class ParticipantDue(SQLModel, table=True):
    """When time alone may change what a rule says of a participant, or of the feed (usubjid ''). A projection of the
    last evaluation.
    """

    __tablename__ = "participant_due"
    study: str = Field(primary_key=True)
    usubjid: str = Field(primary_key=True)
    due_at: datetime = _at()
