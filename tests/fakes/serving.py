"""What the prediction service is given, all of it in memory."""

from datetime import UTC, datetime
from typing import Any

from tabserve.core.settings import Settings
from tabserve.serving.group_commit import GroupCommit
from tabserve.serving.service import PredictDependencies
from tests.definitions import CATALOG
from tests.fakes.alerts import FakeOutbox
from tests.fakes.ingestion import FakeIngestions
from tests.fakes.models import FakeModels, FakeReferences
from tests.fakes.objects import FakeLinks, FakeObjects
from tests.fakes.predictions import FakeFeatures, FakeQueue


def predict_dependencies(predictions: Any, **given: Any) -> PredictDependencies:
    """Return dependencies around a store of predictions."""
    parts: dict[str, Any] = {
        "settings": Settings(),
        "catalog": CATALOG,
        "models": FakeModels(catalog=given.get("catalog", CATALOG)),
        "predictions": predictions,
        "writer": GroupCommit(predictions),
        "features": FakeFeatures(),
        "references": FakeReferences,
        "raw_links": FakeLinks("raw"),
        "artifact_links": FakeLinks("artifacts"),
        "bad_links": FakeLinks("bad"),
        "find_file": FakeIngestions().find,
        "alerts": FakeOutbox,
        "results": FakeQueue(),
        "large_answers": FakeObjects,
        "clock": lambda: datetime.now(UTC),
    }
    return PredictDependencies(**parts | given)
