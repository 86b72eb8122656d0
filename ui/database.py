"""The read-only view of the database: files, issues, bad rows, counts."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from ui.errors import UiError

ADVICE = "See what runs with `make status`; start everything with `make up`; then try again."
STATEMENT_SECONDS = 15


class ReaderDatabase:
    """Run queries as the role that can only read."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(_with_driver(url), pool_pre_ping=True, **_options(url)) if url else None

    def frame(self, sql: str, **parameters: Any) -> pd.DataFrame:  # noqa: ANN401  whatever the driver takes
        """Return the rows of a query; raise UiError."""
        if self._engine is None:
            raise UiError("The page does not know where the database is.", f"Set READER_DATABASE_URL. {ADVICE}")
        try:
            with self._engine.connect() as connection:
                return pd.read_sql_query(text(sql), connection, params=parameters)
        except (SQLAlchemyError, pd.errors.DatabaseError) as error:
            raise UiError("The database does not answer.", ADVICE) from error

    def row(self, sql: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401
        """Return the first row of a query as a dict; an empty one when there is none."""
        records = self.frame(sql, **parameters).to_dict("records")
        return {str(name): value for name, value in records[0].items()} if records else {}


def _with_driver(url: str) -> str:
    return f"postgresql+psycopg2{url.removeprefix('postgresql')}" if url.startswith("postgresql://") else url


def _options(url: str) -> Mapping[str, Any]:
    if not url.startswith("postgresql"):
        return {}
    limits = f"-c statement_timeout={STATEMENT_SECONDS * 1000} -c default_transaction_read_only=on -c timezone=UTC"
    return {"connect_args": {"connect_timeout": 5, "options": limits}, "pool_size": 5, "max_overflow": 5}
