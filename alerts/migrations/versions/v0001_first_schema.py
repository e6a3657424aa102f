"""The first schema: what was seen, decided and told, append-only; and the projections of it."""

import sqlalchemy as sa
from alembic import op

from alerts.migrations.guards import chain_statement, function_statements, guard_statements

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_APPEND_ONLY = (
    "rulebook", "sweep", "source_file", "record_version", "rejected_row", "rule_run", "rule_failure", "decision",
    "notification", "notification_decision", "delivery_attempt", "delivery_outcome", "chain",
)  # fmt: skip


def upgrade() -> None:
    _what_was_seen()
    _what_was_decided()
    _who_was_told()
    _projections()
    dialect = op.get_bind().dialect.name
    for statement in (
        *function_statements(dialect),
        *guard_statements(dialect, _APPEND_ONLY),
        chain_statement(dialect),
    ):
        op.execute(statement)


def _what_was_seen() -> None:
    op.create_table(
        "rulebook",
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("ctcae", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("in_force_from", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("study", "sha256"),
    )
    op.create_table(
        "sweep",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("now", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("rulebook_sha256", sa.String(), nullable=False),
        sa.Column("is_first", sa.Boolean(), nullable=False),
        sa.Column("is_full", sa.Boolean(), nullable=False),
        sa.Column("rows_read", sa.Integer(), nullable=False),
        sa.Column("rows_unchanged", sa.Integer(), nullable=False),
        sa.Column("rows_new", sa.Integer(), nullable=False),
        sa.Column("rows_changed", sa.Integer(), nullable=False),
        sa.Column("rows_reappeared", sa.Integer(), nullable=False),
        sa.Column("rows_duplicate", sa.Integer(), nullable=False),
        sa.Column("rows_rejected", sa.Integer(), nullable=False),
        sa.Column("rows_withdrawn", sa.Integer(), nullable=False),
        sa.Column("rows_withheld", sa.Integer(), nullable=False),
        sa.Column("participants_judged", sa.Integer(), nullable=False),
        sa.Column("decisions", sa.Integer(), nullable=False),
        sa.Column("mails_owed", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.CheckConstraint("status IN ('done', 'failed')", name="ck_sweep_status"),
        sa.CheckConstraint(
            "rows_read = rows_unchanged + rows_new + rows_changed + rows_reappeared + rows_duplicate + rows_rejected",
            name="ck_sweep_every_row_has_a_fate",
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_sweep_study", "sweep", ["study", "id"], unique=False)
    op.create_table(
        "source_file",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sweep_id", sa.BigInteger(), nullable=False),
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stamped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("duplicates", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.Column("reading", sa.String(), nullable=False),
        sa.CheckConstraint("state IN ('read', 'refused')", name="ck_source_file_state"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_source_file_study_name", "source_file", ["study", "domain", "name"], unique=False)
    op.create_table(
        "record_version",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("sweep_id", sa.BigInteger(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("record_key", sa.String(), nullable=False),
        sa.Column("event_key", sa.String(), nullable=False),
        sa.Column("usubjid", sa.String(), nullable=False),
        sa.Column("change", sa.String(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.CheckConstraint("change IN ('new', 'changed', 'withdrawn', 'reappeared')", name="ck_record_version_change"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_record_version_key", "record_version", ["study", "domain", "record_key", "id"], unique=False)
    op.create_index("ix_record_version_participant", "record_version", ["study", "usubjid"], unique=False)
    op.create_index("ix_record_version_sweep_id", "record_version", ["sweep_id"], unique=False)
    op.create_table(
        "rejected_row",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("sweep_id", sa.BigInteger(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("column_name", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_rejected_row_digest", "rejected_row", ["study", "digest", "sweep_id"], unique=False)
    op.create_index("ix_rejected_row_study", "rejected_row", ["study", "domain", "sweep_id"], unique=False)


def _what_was_decided() -> None:
    op.create_table(
        "rule_run",
        sa.Column("sweep_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_id", sa.String(), nullable=False),
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("judged", sa.Integer(), nullable=False),
        sa.Column("hits", sa.Integer(), nullable=False),
        sa.Column("not_evaluable", sa.Integer(), nullable=False),
        sa.Column("clear", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.CheckConstraint("judged = hits + not_evaluable + clear + failed", name="ck_rule_run_every_answer_counted"),
        sa.PrimaryKeyConstraint("sweep_id", "rule_id"),
    )
    op.create_table(
        "rule_failure",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sweep_id", sa.BigInteger(), nullable=False),
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("rule_id", sa.String(), nullable=False),
        sa.Column("usubjid", sa.String(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_rule_failure_sweep_id", "rule_failure", ["sweep_id"], unique=False)
    op.create_table(
        "decision",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("sweep_id", sa.BigInteger(), nullable=True),
        sa.Column("alert_id", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.String(), nullable=False),
        sa.Column("rulebook_sha256", sa.String(), nullable=False),
        sa.Column("ctcae", sa.String(), nullable=False),
        sa.Column("usubjid", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("anchors", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("grade", sa.Integer(), nullable=True),
        sa.Column("urgency", sa.String(), nullable=False),
        sa.Column("consequence", sa.String(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_decision_alert", "decision", ["alert_id"], unique=False)
    op.create_index("ix_decision_study", "decision", ["study", "id"], unique=False)
    op.create_index("ix_decision_sweep_id", "decision", ["sweep_id"], unique=False)
    op.create_table(
        "chain",
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry", sa.String(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("prev_hash", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.CheckConstraint("entry IN ('decision', 'outcome')", name="ck_chain_entry"),
        sa.PrimaryKeyConstraint("study", "seq"),
        sa.UniqueConstraint("entry", "entry_id", name="uq_chain_entry"),
    )


def _who_was_told() -> None:
    op.create_table(
        "notification",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("sweep_id", sa.BigInteger(), nullable=True),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("urgency", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("owed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mime", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("message_id", name="uq_notification_message_id"),
    )
    op.create_index("ix_notification_sweep_id", "notification", ["sweep_id"], unique=False)
    op.create_table(
        "notification_decision",
        sa.Column("notification_id", sa.BigInteger(), nullable=False),
        sa.Column("decision_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("notification_id", "decision_id"),
    )
    op.create_index("ix_notification_decision_decision_id", "notification_decision", ["decision_id"], unique=False)
    op.create_table(
        "delivery_attempt",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("notification_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("relay", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("notification_id", "number", name="uq_delivery_attempt_number"),
    )
    op.create_table(
        "delivery_outcome",
        sa.Column("attempt_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("notification_id", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.CheckConstraint("outcome IN ('accepted', 'deferred', 'refused', 'unknown')", name="ck_delivery_outcome"),
        sa.PrimaryKeyConstraint("attempt_id"),
    )
    op.create_index("ix_delivery_outcome_notification_id", "delivery_outcome", ["notification_id"], unique=False)


def _projections() -> None:
    op.create_table(
        "alert",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("rule_id", sa.String(), nullable=False),
        sa.Column("usubjid", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("anchors", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("standing", sa.Boolean(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("grade", sa.Integer(), nullable=True),
        sa.Column("urgency", sa.String(), nullable=False),
        sa.Column("consequence", sa.String(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_decision_id", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'acknowledged', 'closed')", name="ck_alert_state"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_alert_study", "alert", ["study", "usubjid"], unique=False)
    op.create_table(
        "standing_answer",
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("rule_id", sa.String(), nullable=False),
        sa.Column("usubjid", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("study", "rule_id", "usubjid", "scope"),
    )
    op.create_table(
        "participant_due",
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("usubjid", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("study", "usubjid"),
    )
