"""What the prediction service is given, all of it in memory."""

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger

from tabserve.core.settings import Settings
from tabserve.registry.release import Releases
from tabserve.serving.group_commit import GroupCommit
from tabserve.serving.service import PredictDependencies
from tabserve.serving.trials import Trials
from tests.definitions import CATALOG
from tests.fakes.alerts import FakeOutbox
from tests.fakes.ingestion import FakeIngestions
from tests.fakes.models import FakeModels, FakeReferences
from tests.fakes.objects import FakeLinks, FakeObjects
from tests.fakes.predictions import FakeFeatures, FakeQueue
from tests.fakes.registry import UnloadedRegistry


def trials(predictions: Any, models: Any, releases: Any = None, **given: Any) -> Trials:
    """Return what watches challengers, with a clock that stands unless another one is given."""
    parts: dict[str, Any] = {
        "stopped": lambda challenger, reason: None,
        "log": Logger("tests"),
        "clock": lambda: datetime.now(UTC),
        "seconds": lambda: 0.0,
    }
    return Trials(predictions, models, lambda: releases, **parts | given)


def predict_dependencies(predictions: Any, **given: Any) -> PredictDependencies:
    """Return dependencies around a store of predictions."""
    models = given.get("models") or FakeModels(catalog=given.get("catalog", CATALOG))
    registry = UnloadedRegistry(FakeObjects())
    parts: dict[str, Any] = {
        "settings": Settings(),
        "catalog": CATALOG,
        "models": models,
        "trials": trials(predictions, models),
        "registry": lambda: registry,
        "releases": lambda: Releases(parts["registry"](), CATALOG.get, parts["clock"]),
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
    parts |= given
    return PredictDependencies(**parts)
