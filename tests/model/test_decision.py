"""Decisions: the threshold travels with the version, and what is told of a version follows it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tabserve.core.errors import TrainingDataError
from tabserve.core.folder import FolderStore
from tabserve.core.target import Cost, Decision
from tabserve.core.use_case import UseCase
from tabserve.registry.store import Registry
from tabserve.training.service import Rows, train
from tests.definitions import CATALOG
from tests.model.conftest import dependencies, rows_of

TITANIC = CATALOG.get("titanic")


def deciding(decision: Any) -> UseCase:
    return TITANIC.model_copy(update={"decision": decision})


@pytest.mark.parametrize(
    ("decision", "low", "high"),
    [
        (Decision(threshold=0.3), 0.3, 0.3),
        (Decision(cost=Cost(false_positive=1, false_negative=8)), 0.02, 0.25),
        (Decision(cost=Cost(false_positive=8, false_negative=1)), 0.6, 0.98),
        ("max_f1", 0.3, 0.7),
    ],
)
def test_the_decision_is_kept_and_followed(decision: Any, low: float, high: float, tmp_path: Path) -> None:
    registry, use_case = Registry(FolderStore(tmp_path)), deciding(decision)
    metadata = train(use_case, rows_of("titanic"), dependencies(registry)).metadata
    held_out = rows_of("titanic").held_out
    probabilities = registry.load(use_case, metadata.version).score(held_out.columns, len(held_out))
    assert metadata.threshold is not None
    assert low <= metadata.threshold <= high
    claimed = probabilities[:, 1] >= metadata.threshold
    assert metadata.metrics["accuracy"].value == pytest.approx(np.mean(claimed == held_out.targets))
    assert metadata.diagnostics is not None
    confusion = np.array(metadata.diagnostics.confusion)
    assert confusion[:, 1].sum() == claimed.sum()
    assert metadata.parity.differing_classes == 0


def test_a_class_too_rare_for_folds_is_one_sentence_with_the_way_out(tmp_path: Path) -> None:
    rows = rows_of("titanic")
    rare = np.flatnonzero(rows.training.targets == 1)[9:]
    few = rows.training.take(np.setdiff1d(np.arange(len(rows.training)), rare))
    with pytest.raises(TrainingDataError, match=r"a class of 'Survived' has only 9 rows.*decision: \{threshold"):
        train(
            deciding("max_f1"),
            Rows(few, rows.held_out, "d" * 64),
            dependencies(Registry(FolderStore(tmp_path))),
        )
