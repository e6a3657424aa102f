"""When the database behind a file was last modified, as the file says, and what is wrong with the times that it gives.

Null in older rows: of those it is not known until the file changes.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("source_file", sa.Column("database_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("source_file", sa.Column("stamp_fault", sa.Text(), nullable=True))
