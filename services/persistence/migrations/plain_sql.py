"""How migrations run their SQL."""

from alembic import op


def run_sql(script: str) -> None:
    """Run statements as they are: SQLAlchemy and psycopg would read `%` and `:name` in them."""
    driver_connection = op.get_bind().connection.driver_connection
    if driver_connection is None:
        raise RuntimeError("migrations run on an open connection")
    driver_connection.execute(script)
