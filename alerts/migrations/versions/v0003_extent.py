"""How far out an episode went, as it was told, so that what becomes worse within a grade is told again.

Null in older rows, so the hash of every older link stays as it is.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("decision", sa.Column("extent", sa.Text(), nullable=True))
    op.add_column("alert", sa.Column("extent", sa.Text(), nullable=True))
