"""Where scheduled runs are kept."""

from dataclasses import asdict

from tabserve.adapters.database import Database, insert
from tabserve.adapters.tables import prediction_runs
from tabserve.application.ports.scheduling import PredictionRun


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
