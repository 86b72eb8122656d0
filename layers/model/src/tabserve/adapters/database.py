"""Connections through SQLAlchemy, for everything but the predict path (see `adapters/predictions.py`)."""

from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url

API_TIMEOUT_MS = 5_000
BATCH_TIMEOUT_MS = 60_000
CONNECT_TIMEOUT_S = 3


def create(url: str, timeout_ms: int = BATCH_TIMEOUT_MS) -> Engine:
    """Return an engine with one connection, for PostgreSQL or SQLite by its URL."""
    if make_url(url).get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": timeout_ms / 1000})
        event.listen(engine, "connect", _obey_foreign_keys)
        return engine
    options = {"connect_timeout": CONNECT_TIMEOUT_S, "options": f"-c statement_timeout={timeout_ms} -c timezone=UTC"}
    return create_engine(
        make_url(url).set(drivername="postgresql+psycopg2"), pool_size=1, pool_pre_ping=True, connect_args=options
    )


def _obey_foreign_keys(connection: Any, _record: object) -> None:  # noqa: ANN401
    connection.execute("PRAGMA foreign_keys = ON")
