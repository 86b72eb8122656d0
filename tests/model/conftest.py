import functools
import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tabserve.core.folder import FolderStore
from tabserve.core.use_case import UseCase
from tabserve.registry.store import Registry
from tabserve.training.build import train_dependencies
from tabserve.training.datasets import read_dataset
from tabserve.training.service import Rows, TrainDependencies, Trained, split, train
from tests import synthetic
from tests.definitions import CATALOG
from tests.factories import NOON

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("titanic", "iris", "penguins")


@pytest.fixture(params=NAMES, scope="session")
def use_case(request: pytest.FixtureRequest) -> UseCase:
    return CATALOG.get(request.param)


@functools.cache
def rows_of(name: str) -> Rows:
    use_case = CATALOG.get(name)
    if name == "penguins":
        return split(use_case, synthetic.dataset(use_case), None)
    settings = use_case.training
    holdout = read_dataset(use_case, settings.holdout, ROOT) if settings.holdout else None
    return split(use_case, read_dataset(use_case, settings.data, ROOT), holdout)


@pytest.fixture(scope="session")
def rows(use_case: UseCase) -> Rows:
    return rows_of(use_case.name)


def dependencies(registry: Registry) -> TrainDependencies:
    """Real training, with a clock that moves on by a minute each time it is read."""
    built = train_dependencies(registry, ROOT)
    minutes = itertools.count()

    def clock() -> datetime:
        return NOON + timedelta(minutes=next(minutes))

    return TrainDependencies(built.fit, built.load, built.card, registry, clock, {"python": "3"}, "c" * 40)


@pytest.fixture(scope="session")
def trained_registry(use_case: UseCase, rows: Rows, tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """A registry with one version; tests must not change it."""
    registry = Registry(FolderStore(tmp_path_factory.mktemp(use_case.name)))
    train(use_case, rows, dependencies(registry))
    return registry


@pytest.fixture(scope="session")
def version(trained_registry: Registry, use_case: UseCase) -> str:
    (version,) = trained_registry.versions(use_case.name)
    return version


@pytest.fixture
def empty_registry(tmp_path: Path) -> Registry:
    return Registry(FolderStore(tmp_path / "registry"))


@pytest.fixture
def train_into() -> Callable[[UseCase, Registry], Trained]:
    def run(use_case: UseCase, registry: Registry) -> Trained:
        return train(use_case, rows_of(use_case.name), dependencies(registry))

    return run
