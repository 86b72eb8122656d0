"""Regressions: from rows to a registered version, and how many true values the intervals hold."""

import json
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import datasets, metrics

from tabserve.core.errors import AcceptanceError, TrainingDataError
from tabserve.core.folder import FolderStore
from tabserve.core.use_case import UseCase
from tabserve.reference.profile import PREDICTION, PROBABILITY, NumericProfile
from tabserve.reference.reference import Reference
from tabserve.registry.store import Registry
from tabserve.training.choice import first_choices
from tabserve.training.dataset import Dataset, LabelledRows, split_rows
from tabserve.training.fitting import fit
from tabserve.training.service import Trained, split, train
from tabserve.training.tasks import conformal_interval
from tests.definitions import RENTS
from tests.model.conftest import dependencies


def rents(rows: int = 400, rent: str | None = None) -> Dataset:
    """Flats whose rent hangs on everything there is."""
    chance, made = random.Random(2), []
    for number in range(rows):
        area, north, lift = chance.uniform(20, 150), chance.random() < 0.5, chance.random() < 0.3
        euros = 12 * area + 200 * north + 90 * lift + chance.gauss(0, 120)
        cells = (f"{area:.1f}", "north" if north else "south", "yes" if lift else "no")
        made.append((f"f{number}", *cells, rent or f"{max(0.0, euros):.2f}"))
    return Dataset("rents.csv", ("flat", "area", "district", "lift", "rent"), made)


def changed(**training: object) -> UseCase:
    return RENTS.model_copy(update={"training": RENTS.training.model_copy(update=training)})


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return Registry(FolderStore(tmp_path_factory.mktemp("registry")))


@pytest.fixture(scope="module")
def trained(registry: Registry) -> Trained:
    return train(RENTS, split(RENTS, rents(), None), dependencies(registry))


def test_a_regression_is_measured_as_scikit_learn_measures_it(trained: Trained, registry: Registry) -> None:
    held_out = split(RENTS, rents(), None).held_out
    values = registry.load(RENTS, trained.metadata.version).score(held_out.columns, len(held_out))[:, 0]
    expected = {
        "mae": metrics.mean_absolute_error(held_out.targets, values),
        "rmse": metrics.root_mean_squared_error(held_out.targets, values),
        "r2": metrics.r2_score(held_out.targets, values),
        "median_absolute_error": metrics.median_absolute_error(held_out.targets, values),
    }
    found = trained.metadata.metrics
    assert list(found) == [*expected, "coverage"]
    assert {name: found[name].value for name in expected} == pytest.approx(expected)  # type: ignore[index]
    assert all(metric.low <= metric.value <= metric.high for metric in found.values())


@pytest.mark.parametrize("estimator", ["ridge", "random_forest"])
def test_the_export_answers_alike(estimator: str, tmp_path: Path) -> None:
    use_case = changed(estimator=estimator)
    parity = train(
        use_case, split(use_case, rents(), None), dependencies(Registry(FolderStore(tmp_path)))
    ).metadata.parity
    assert (parity.rows, parity.differing_classes) == (100_080, 0)
    assert parity.max_difference < 1e-12


def test_reference_and_examples_hold_numbers(trained: Trained, registry: Registry) -> None:
    version = trained.metadata.version
    reference = Reference.from_dict(json.loads(registry.file("rents", version, "reference.json")))
    assert isinstance(reference.profile.columns[PREDICTION], NumericProfile)
    assert PROBABILITY not in reference.profile.columns
    assert set(reference.performance) == {"mae", "rmse", "r2", "median_absolute_error", "coverage"}
    assert float(reference.sample.actuals[0]) > 0
    examples = json.loads(registry.file("rents", version, "examples.json"))
    assert len(examples) == 20
    assert {type(each["value"]) for each in examples} == {float}


def test_residuals_and_means_are_kept_for_the_pictures(trained: Trained) -> None:
    found = trained.metadata.diagnostics
    assert found is not None
    assert (found.roc, found.confusion) == ((), ())
    assert sum(count for _, _, count in found.residuals) == sum(each.rows for each in found.calibration) == 80
    assert found.importance["area"].value > found.importance["lift"].value > -1


TABLES: dict[str, Callable[[], tuple[Any, Any]]] = {
    "diabetes": lambda: datasets.load_diabetes(return_X_y=True, scaled=False),
    "friedman": lambda: datasets.make_friedman1(600, noise=2.0, random_state=0),
    "skewed": lambda: skewed(np.random.default_rng(0)),
}


def skewed(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    features = rng.normal(size=(500, 4))
    return features, np.exp(features[:, 0] / 2 + rng.normal(size=500) / 2) * 100


@pytest.mark.parametrize("estimator", ["ridge", "random_forest"])
@pytest.mark.parametrize("name", TABLES)
@pytest.mark.timeout(300)
@pytest.mark.proof
def test_intervals_hold_their_share_of_held_out_rows_over_repeated_splits(name: str, estimator: str) -> None:
    """One held-out set of a small table is noise; the mean over splits is not."""
    features, targets = TABLES[name]()
    names = [f"x{place}" for place in range(features.shape[1])]
    use_case = UseCase.model_validate(
        {
            "name": "numbers",
            "version": 1,
            "task": "regression",
            "id_column": "id",
            "features": [{"name": each, "type": "number"} for each in names],
            "target": {"name": "y"},
            "training": {"estimator": estimator},
        }
    )
    rows = LabelledRows((), {each: features[:, place] for place, each in enumerate(names)}, targets.astype(float))
    shares = []
    for seed in range(40 if estimator == "ridge" else 3):
        learned, held_out = split_rows(rows, 0.25, seed, by_class=False)
        (choice,) = first_choices(use_case)
        half_width = conformal_interval(use_case, learned, partial(fit, choice=choice)).half_width
        residuals = np.abs(
            fit(use_case, learned, choice).score(held_out.columns, len(held_out))[:, 0] - held_out.targets
        )
        shares.append(float(np.mean(residuals <= half_width)))
    print(f"{name} {estimator}: {np.mean(shares):.3f} of {len(shares)} splits, {min(shares):.3f} to {max(shares):.3f}")
    assert 0.88 <= np.mean(shares) <= 0.92 or (estimator == "random_forest" and np.mean(shares) >= 0.87)


def test_a_limit_of_acceptance_points_the_right_way(tmp_path: Path) -> None:
    use_case = changed(acceptance={"mae": 1.0, "r2": 0.5})
    with pytest.raises(AcceptanceError, match=r"mae is \d+\.\d+, must be at most 1\."):
        train(use_case, split(use_case, rents(), None), dependencies(Registry(FolderStore(tmp_path))))


def test_a_measure_of_classes_is_no_limit_of_a_regression(tmp_path: Path) -> None:
    use_case = changed(acceptance={"roc_auc": 0.5})
    with pytest.raises(AcceptanceError, match=r"names roc_auc; this model is measured by mae, rmse"):
        train(use_case, split(use_case, rents(), None), dependencies(Registry(FolderStore(tmp_path))))


@pytest.mark.parametrize(
    ("rows", "rent", "message"),
    [
        (100, "700", "holds the same number in every row, so there is nothing to learn"),
        (100, "much", "'rent' breaks not_a_number in 100 rows"),
        (100, "-1", "'rent' breaks below_minimum in 100 rows"),
        (100, "NA", "'rent' breaks not_a_number"),
        (3, None, "rents.csv has 3 rows; a regression needs at least 10"),
    ],
)
def test_a_target_that_cannot_be_learned_is_one_sentence(rows: int, rent: str | None, message: str) -> None:
    with pytest.raises(TrainingDataError, match=message):
        split(RENTS, rents(rows, rent), None)


def test_candidates_of_a_regression_are_compared_by_their_rmse(tmp_path: Path) -> None:
    use_case = changed(estimator=("random_forest", "ridge"))
    registry = Registry(FolderStore(tmp_path))
    metadata = train(use_case, split(use_case, rents(150), None), dependencies(registry)).metadata
    assert [(each.estimator, each.measure) for each in metadata.candidates] == [
        ("ridge", "rmse"),
        ("random_forest", "rmse"),
    ]
    ridge, forest = (each.cross_validated.value for each in metadata.candidates)
    assert ridge < forest  # rents are a sum of what there is
    assert metadata.estimator == "ridge"


def test_what_is_stopped_registers_nothing(tmp_path: Path) -> None:
    use_case = changed(estimator=("random_forest", "ridge"))
    registry = Registry(FolderStore(tmp_path))

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(use_case, split(use_case, rents(60), None), dependencies(registry), watch=stopped)
    assert registry.versions("rents") == []


def test_parameters_that_the_library_refuses_are_one_sentence(tmp_path: Path) -> None:
    use_case = changed(estimator="random_forest", parameters={"max_depth": "deep"})
    with pytest.raises(TrainingDataError, match=r"rents: random_forest with \{'max_depth': 'deep'\} cannot be fitted"):
        train(use_case, split(use_case, rents(60), None), dependencies(Registry(FolderStore(tmp_path))))
