"""Where scheduled runs are kept."""

from dataclasses import asdict

from tabserve.batch.ports import PredictionRun
from tabserve.core.database import Database, insert
from tabserve.core.tables import prediction_runs


class Runs:
    """Scheduled runs, each stored once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, run: PredictionRun) -> None:
        """Store one finished run."""
        values = asdict(run)
        self._database.run(
            lambda connection: connection.execute(
                insert(connection, prediction_runs).values(values).on_conflict_do_nothing(index_elements=["id"])
            )
        )
