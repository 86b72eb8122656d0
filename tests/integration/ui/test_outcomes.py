"""What a file of outcomes would change, looked up in the database."""

import io
from datetime import timedelta

from tabserve.core.database import Database
from tabserve.serving.prediction import GroundTruth
from tabserve.serving.store import prediction_store
from tests.definitions import CATALOG
from tests.factories import NOON, batch
from ui import outcomes
from ui.database import ReaderDatabase
from ui.outcomes import UNKNOWN

DEFINITION = CATALOG.get("titanic").model_dump(mode="json")


def test_stored_outcomes_unknown_ids_and_the_latest_of_several_are_told(postgres: Database, postgres_url: str) -> None:
    store = prediction_store(postgres_url)
    older = batch(3, entity_ids=["7", "8", None])
    store.add(older, batch(1, entity_ids=["7"], created_at=NOON + timedelta(hours=1)), batch(1, use_case="iris"))
    id_, _, _ = older.ids
    store.record_ground_truth("titanic", [GroundTruth("1", id_), GroundTruth("0", None, "8")], NOON)
    rows = [f"{id_},,died", ",7,survived", ",8,died", ",9,died", f"{id_[:-1]}x,,died"]
    text = "\n".join(["prediction_id,PassengerId,what happened", *rows])
    file = outcomes.read(io.BytesIO(text.encode()), DEFINITION, 100)

    found = outcomes.compare(file, "titanic", ReaderDatabase(postgres_url))

    assert [(each.stored, each.several, each.wrong, each.is_new) for each in found.outcomes] == [
        ("1", False, "", True),
        (None, True, "", True),
        ("0", False, "", False),
        (None, False, UNKNOWN, False),
        (None, False, UNKNOWN, False),
    ]
