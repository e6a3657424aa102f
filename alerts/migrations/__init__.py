"""The schema's history: Alembic migrations, run by `alerts.store.Store.upgrade`."""
