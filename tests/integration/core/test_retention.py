import argparse
from datetime import UTC, datetime, timedelta

from rich.console import Console
from sqlalchemy import insert, select

import retention
from tabserve.core.database import Database
from tabserve.core.tables import ground_truth, ingestions, predictions
from tests.factories import ingestion

NOW = datetime(2026, 1, 2, tzinfo=UTC)
KEPT = argparse.Namespace(predictions=90, metrics=400, alerts=400, replies=7)


def test_old_predictions_go_with_their_outcomes_and_those_of_files_stay(database_url: str) -> None:
    database = Database(database_url)

    def row(number: int, days: int, file_id: str | None = None) -> dict[str, object]:
        return {
            "id": f"00000000-0000-0000-0000-{number:012d}",
            "request_id": "r",
            "use_case": "fruit",
            "model_version": "v",
            "source": "api",
            "created_at": NOW - timedelta(days=days),
            "features": {},
            "prediction": "1",
            "probability": 0.5,
            "probabilities": {},
            "file_id": file_id,
            "row_number": 1 if file_id else None,
        }

    rows = [row(1, 91), row(2, 89), row(3, 91, "f" * 64)]
    verdict = ingestion()
    with database.transaction() as connection:
        connection.execute(insert(ingestions), {c.name: getattr(verdict, c.name, None) for c in ingestions.columns})
        connection.execute(insert(predictions), rows)
        outcomes = [{"prediction_id": r["id"], "use_case": "fruit", "actual": "1", "created_at": NOW} for r in rows[:2]]
        connection.execute(insert(ground_truth), outcomes)

    for table, old in retention.expired(KEPT, NOW).items():
        expected = retention.counted(database, table, old)
        assert retention.deleted(database, table, old, Console(quiet=True)) == expected

    left = database.run(lambda c: sorted(str(i) for (i,) in c.execute(select(predictions.c.id))))
    assert left == [rows[1]["id"], rows[2]["id"]]
    assert len(database.run(lambda c: c.execute(select(ground_truth.c.prediction_id)).all())) == 1
    database.close()
