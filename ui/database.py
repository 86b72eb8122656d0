"""The read-only view of the database: files, issues, bad rows, counts."""

from typing import Any

import pandas as pd
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from ui.errors import ADVICE, UiError

OPTIONS = "-c statement_timeout=15s -c default_transaction_read_only=on -c timezone=UTC"


class ReaderDatabase:
    """Run queries as the role that can only read."""

    def __init__(self, url: str) -> None:
        url = url.replace("postgresql://", "postgresql+psycopg2://", 1)
        connecting = {"connect_timeout": 5, "options": OPTIONS}
        self._engine = create_engine(url, pool_pre_ping=True, connect_args=connecting, max_overflow=5) if url else None

    def frame(self, sql: str, **parameters: Any) -> pd.DataFrame:  # noqa: ANN401  whatever the driver takes
        """Return the rows of a query; raise UiError."""
        if self._engine is None:
            raise UiError(
                "The page does not know where the database is.",
                "Set READER_DATABASE_URL, or start everything with `make up`.",
                "database",
            )
        try:
            with self._engine.connect() as connection:
                return pd.read_sql_query(text(sql), connection, params=parameters)
        except (SQLAlchemyError, pd.errors.DatabaseError) as error:
            raise UiError("The database does not answer.", ADVICE, "database") from error

    def row(self, sql: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401
        """Return the first row of a query as a dict; an empty one when there is none."""
        records = self.frame(sql, **parameters).to_dict("records")
        return {str(name): value for name, value in records[0].items()} if records else {}
