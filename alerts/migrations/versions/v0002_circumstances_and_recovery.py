"""What surrounded a hit in time, and the later result that ended an episode.

Both are null in older rows, so the hash of every older link stays as it is. Plain new columns: a table that is
rewritten would lose its guards.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("decision", sa.Column("circumstances", sa.Text(), nullable=True))
    op.add_column("decision", sa.Column("recovery", sa.Text(), nullable=True))
    op.add_column("alert", sa.Column("recovery", sa.Text(), nullable=True))
