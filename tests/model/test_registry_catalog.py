"""Use cases of the registry: live when a version is promoted, gone when retired, known by older contracts."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tabserve.core.errors import (
    IncompatibleModelError,
    RetiredUseCaseError,
    StorageUnavailableError,
    UnknownUseCaseError,
)
from tabserve.core.folder import FolderStore
from tabserve.core.use_case import UseCase
from tabserve.registry.catalog import REFRESH_SECONDS, RegistryCatalog
from tabserve.registry.store import Registry
from tabserve.training.service import Trained
from tests.definitions import CATALOG
from tests.fakes.catalog import FakeCatalog

IRIS = CATALOG.get("iris")
LATER = IRIS.model_copy(update={"version": 2, "missing_values": ("", "?")})
Train = Callable[[UseCase, Registry], Trained]


class World:
    """A registry in a folder, a clock, and the use cases that one process knows."""

    def __init__(self, folder: Path, *of_project: UseCase) -> None:
        self.now, self.away = 0.0, False
        self.registry = Registry(FolderStore(folder))
        self.catalog = RegistryCatalog(FakeCatalog(of_project), self._connect, lambda: self.now)

    def pass_time(self) -> None:
        self.now += REFRESH_SECONDS

    def _connect(self) -> Registry:
        if self.away:
            raise StorageUnavailableError("away")
        return self.registry


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_use_case_is_known_when_its_first_version_is_there(world: World, train_into: Train) -> None:
    assert world.catalog.names() == []
    with pytest.raises(UnknownUseCaseError):
        world.catalog.get("iris")

    train_into(IRIS, world.registry)

    assert world.catalog.get("iris") == IRIS
    world.pass_time()
    assert world.catalog.names() == ["iris"]


def test_a_changed_definition_is_live_when_its_version_is_promoted(world: World, train_into: Train) -> None:
    first = train_into(IRIS, world.registry).metadata.version
    second = train_into(LATER, world.registry).metadata.version
    world.registry.point("iris", "champion", first)
    assert world.catalog.get("iris") == IRIS

    world.registry.point("iris", "champion", second)
    assert world.catalog.get("iris") == IRIS
    world.pass_time()

    assert world.catalog.get("iris") == LATER
    assert world.catalog.judged_by("iris", IRIS.contract_sha256) == IRIS
    assert world.catalog.judged_by("iris", IRIS.contract_sha256[:16]) == IRIS
    assert world.catalog.judged_by("iris", "0" * 64) == LATER
    assert world.catalog.judged_by("iris", None) == LATER


def test_a_champion_goes_by_its_own_definition_and_not_by_that_of_the_folder(tmp_path: Path, train_into: Train) -> None:
    world = World(tmp_path, LATER)
    assert world.catalog.get("iris") == LATER

    train_into(IRIS, world.registry)

    assert world.catalog.get("iris") == IRIS


def test_a_retired_use_case_is_gone_until_a_version_is_promoted(world: World, train_into: Train) -> None:
    version = train_into(IRIS, world.registry).metadata.version
    world.registry.change("iris", lambda now: now.moved("retire", now.version, retired=True))

    assert world.catalog.names() == []
    assert world.catalog.retired() == ["iris"]
    with pytest.raises(RetiredUseCaseError, match="'iris' is retired; to bring it back, promote"):
        world.catalog.get("iris")

    world.registry.point("iris", "champion", version)
    world.pass_time()
    assert world.catalog.get("iris") == IRIS
    assert world.catalog.names() == ["iris"]
    assert world.catalog.retired() == []


def test_a_use_case_of_the_project_that_was_never_trained_can_be_retired(tmp_path: Path) -> None:
    world = World(tmp_path, IRIS)
    world.registry.change("iris", lambda now: now.moved("retire", now.version, retired=True))

    assert world.catalog.names() == []


def test_what_was_known_is_known_while_the_registry_is_away(world: World, train_into: Train) -> None:
    train_into(IRIS, world.registry)
    assert world.catalog.names() == ["iris"]
    assert world.catalog.get("iris") == IRIS

    world.away = True
    world.pass_time()

    assert world.catalog.names() == ["iris"]


def test_while_the_registry_is_away_nobody_says_that_a_use_case_is_unknown(world: World) -> None:
    world.away = True
    with pytest.raises(StorageUnavailableError):
        world.catalog.get("iris")


def test_without_the_registry_there_are_the_use_cases_of_the_project(tmp_path: Path) -> None:
    world = World(tmp_path, IRIS)
    world.away = True

    assert world.catalog.names() == ["iris"]
    assert world.catalog.get("iris") == IRIS


def test_an_alias_that_nobody_can_read_hides_no_other_use_case(tmp_path: Path, train_into: Train) -> None:
    world = World(tmp_path, IRIS)
    train_into(IRIS, world.registry)
    (tmp_path / "models/spoiled/aliases").mkdir(parents=True)
    (tmp_path / "models/spoiled/aliases/champion.json").write_text("{")
    (tmp_path / "models/iris/aliases/champion.json").write_text("{")

    assert world.catalog.names() == ["iris"]
    assert world.catalog.get("iris") == IRIS
    with pytest.raises(IncompatibleModelError, match="The alias 'champion' of 'spoiled' is malformed"):
        world.catalog.get("spoiled")


@pytest.mark.parametrize("name", ["", "../iris", "IRIS", "a" * 41, "iris/aliases"])
def test_a_name_that_is_none_is_not_looked_up(world: World, name: str) -> None:
    with pytest.raises(UnknownUseCaseError):
        world.catalog.get(name)


def test_a_definition_of_a_newer_tabserve_is_refused_in_a_sentence(
    world: World, train_into: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tabserve.training.version_files.SCHEMA_VERSION", 9)
    train_into(IRIS, world.registry)

    with pytest.raises(IncompatibleModelError, match="schema_version is 9, this tabserve knows definitions up to 1"):
        world.catalog.get("iris")


def test_what_the_folder_has_is_known_without_the_registry(tmp_path: Path, train_into: Train) -> None:
    world = World(tmp_path, IRIS)
    world.catalog = RegistryCatalog(FakeCatalog([IRIS]), lambda: pytest.fail("the registry was asked"))
    assert world.catalog.knows("iris")
    assert not World(tmp_path).catalog.knows("iris")
    other = World(tmp_path)
    train_into(IRIS, other.registry)
    assert other.catalog.knows("iris")
