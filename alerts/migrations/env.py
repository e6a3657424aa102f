"""Run migrations on the connection that the store hands over, in its transaction: all of an upgrade or nothing."""

from alembic import context
from sqlmodel import SQLModel

import alerts.tables  # noqa: F401 fills the metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    transactional_ddl=True,
)
context.run_migrations()
