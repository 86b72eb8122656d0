"""What a definition says about training: each thing that cannot mean anything is refused in one sentence."""

from typing import Any

import pytest
from pydantic import ValidationError

from tabserve.core.catalog import sentences
from tabserve.core.use_case import UseCase
from tabserve.training.version_files import definition
from tests.definitions import CATALOG, RENTS

PENGUINS = CATALOG.get("penguins").model_dump(mode="json")
FOREST = {"estimator": "random_forest"}


def of_penguins(**training: object) -> UseCase:
    return UseCase.model_validate(PENGUINS | {"training": training})


@pytest.mark.parametrize(
    ("training", "said"),
    [
        (
            {"estimator": "svm"},
            "training.estimator: there is no estimator 'svm'; known are logistic_regression, ridge,",
        ),
        ({"estimator": []}, "a list of candidates names at least one estimator"),
        ({"estimator": ["xgboost", "xgboost"]}, "candidates repeats 'xgboost'"),
        ({"estimator": "ridge"}, "takes no estimator ridge: it gives no probabilities; take logistic_regression"),
        (FOREST | {"parameters": {"depth": 3}}, "random_forest has no parameter 'depth' to set; it has n_estimators"),
        ({"parameters": {"alpha": 3}}, "logistic_regression has no parameter 'alpha' to set"),
        (
            {"estimator": ["random_forest", "xgboost"], "parameters": {"max_depth": 3}},
            "training.parameters belong to one estimator, and 2 are candidates; give them as search.distributions",
        ),
        ({"balance": "none"}, "training.balance: Input should be 'class_weight' or 'smote'"),
        ({"search": {}}, "a search whose budget is nothing (neither iterations nor seconds) finds nothing"),
        ({"search": {"iterations": 0}}, "a search whose budget is nothing (iterations: 0) finds nothing"),
        ({"search": {"iterations": 5, "seconds": 0}}, "budget is nothing (iterations: 5, seconds: 0) finds nothing"),
        ({"search": {"iterations": 5, "measure": "rmse"}}, "cannot compare rmse"),
        ({"search": {"iterations": 5, "distributions": {"xgboost": {}}}}, "names xgboost, which is no candidate"),
        (
            FOREST | {"search": {"iterations": 5, "distributions": {"random_forest": {"C": [1]}}}},
            "random_forest has no parameter 'C' to set",
        ),
        (
            FOREST | {"search": {"iterations": 5, "distributions": {"random_forest": {"max_depth": []}}}},
            "the distribution of random_forest's max_depth names no value",
        ),
        (
            {"search": {"iterations": 5, "distributions": {"logistic_regression": {"C": {"low": 2, "high": 1}}}}},
            "a distribution needs low < high; 2 is not below 1",
        ),
        (
            {
                "search": {
                    "iterations": 5,
                    "distributions": {"logistic_regression": {"C": {"low": 0, "high": 1, "log": True}}},
                }
            },
            "a distribution with log: true needs low above 0, not 0",
        ),
        (
            {
                "parameters": {"C": 1.0},
                "search": {"iterations": 5, "distributions": {"logistic_regression": {"C": [1.0]}}},
            },
            "C is in training.parameters and in search.distributions; say it once",
        ),
    ],
)
def test_training_that_makes_no_sense_is_refused(training: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as raised:
        of_penguins(**training)
    assert said in sentences(raised.value)


@pytest.mark.parametrize(
    ("training", "said"),
    [
        (
            {"estimator": "logistic_regression"},
            "takes no estimator logistic_regression: it answers classes; take ridge",
        ),
        ({"balance": "smote"}, "regression takes no training.balance: it has no classes"),
        ({"calibrate": True}, "regression takes no training.calibrate: it has no classes"),
        ({"search": {"iterations": 5, "measure": "roc_auc"}}, "a search of a regression cannot compare roc_auc"),
        ({"search": {"iterations": 5, "measure": "coverage"}}, "a search of a regression cannot compare coverage"),
    ],
)
def test_a_regression_takes_nothing_of_classes(training: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as raised:
        UseCase.model_validate(RENTS.model_dump(mode="json") | {"training": training})
    assert said in sentences(raised.value)


def test_candidates_come_with_the_simplest_first() -> None:
    found = of_penguins(estimator=["xgboost", "random_forest", "logistic_regression"])
    assert found.candidates == ("logistic_regression", "random_forest", "xgboost")
    assert of_penguins().candidates == ("logistic_regression",)
    assert RENTS.candidates == ("ridge",)


def test_how_a_model_is_found_is_no_part_of_what_it_depends_on() -> None:
    plain = of_penguins()
    found = of_penguins(estimator=["xgboost", "lightgbm"], balance="smote", calibrate=True, search={"seconds": 3})
    assert (found.model_sha256, found.contract_sha256) == (plain.model_sha256, plain.contract_sha256)


def test_training_is_the_same_after_its_journey_with_a_version() -> None:
    distributions = {
        "random_forest": {"max_depth": [3, None], "max_features": ["sqrt", 0.5]},
        "lightgbm": {"num_leaves": {"low": 2, "high": 64, "log": True}, "subsample": {"low": 0.5, "high": 1.0}},
    }
    use_case = of_penguins(
        estimator=["random_forest", "lightgbm"], search={"iterations": 5, "distributions": distributions}
    )
    assert UseCase.model_validate_json(definition(use_case)) == use_case
