"""Whether a line end closed a CSV's last line: the next version of the file that has none is half-written.

Null in older rows: of those it is not known, and the next version is taken either way.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("source_file", sa.Column("line_end", sa.Boolean(), nullable=True))
