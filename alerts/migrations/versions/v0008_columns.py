"""The columns of each file that was read, to tell when one is gone.

Null in older rows: of those it is not known, and nothing is told until each file of a domain has changed once.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("source_file", sa.Column("columns", sa.Text(), nullable=True))
