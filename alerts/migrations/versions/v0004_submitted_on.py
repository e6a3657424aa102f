"""The day on which a person says that a report about an adverse event was submitted: what stops a reporting clock.

Null in older rows, so the hash of every older link stays as it is.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("decision", sa.Column("submitted_on", sa.String(), nullable=True))
