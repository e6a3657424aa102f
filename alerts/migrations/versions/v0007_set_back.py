"""Where the clock stood before it was set back, for the sweeps that found it so.

Null in older rows: of those it is not known, and their moments count as they stand.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sweep", sa.Column("set_back_from", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_sweep_set_back", "sweep", ["study", "set_back_from"])
