import argparse
from datetime import UTC, datetime, timedelta

from rich.console import Console

import retention
from tabserve.core.database import Database
from tabserve.ingestion.store import Ingestions
from tabserve.serving.prediction import GroundTruth
from tabserve.serving.store import prediction_store
from tests.factories import batch, file_batch, ingestion, rows, with_shadow

NOW = datetime(2026, 1, 2, tzinfo=UTC)
KEPT = argparse.Namespace(predictions=90, metrics=400, alerts=400, replies=7)


def test_old_predictions_go_with_their_outcomes_and_those_of_files_stay(database: Database, database_url: str) -> None:
    Ingestions(database).save(ingestion("f1"), [], [])
    store = prediction_store(database_url)
    long_ago = NOW - timedelta(days=91)
    old, new = batch(created_at=long_ago), batch(created_at=NOW - timedelta(days=89))
    of_file = file_batch("f1", [1], created_at=long_ago)
    store.add(*map(with_shadow, (old, new, of_file)))
    store.record_ground_truth("titanic", [GroundTruth("1", prediction_id=one.ids[0]) for one in (old, new)], NOW)

    for table, expired in retention.expired(KEPT, NOW).items():
        expected = retention.counted(database, table, expired)
        assert retention.deleted(database, table, expired, Console(quiet=True)) == expected

    assert {str(id_) for (id_,) in rows(database, "SELECT id FROM predictions")} == {new.ids[0], of_file.ids[0]}
    for kept in ("ground_truth", "challenger_predictions"):
        assert [str(id_) for (id_,) in rows(database, f"SELECT prediction_id FROM {kept}")] == [new.ids[0]]
