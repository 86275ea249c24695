"""Alembic's environment and the revisions of the schema, run by `data.store.migrate`."""
