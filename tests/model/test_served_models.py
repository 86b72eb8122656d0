"""A process serves the registry's champion, never a broken one, and goes on when the registry is unavailable."""

import shutil
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from tabserve.core.errors import ModelError, NoModelError, RetiredUseCaseError, StorageUnavailableError
from tabserve.core.folder import FolderStore
from tabserve.core.use_case import UseCase
from tabserve.registry.standing import Trial
from tabserve.registry.store import BundledModels, Registry
from tabserve.serving import served_models
from tabserve.serving.model_alerts import Place
from tabserve.serving.served_models import LOADING_SECONDS, REFRESH_SECONDS, ServedModels
from tabserve.training.service import Trained
from tests.definitions import CATALOG

USE_CASE = CATALOG.get("iris")


class World:
    """A registry in a folder, a clock, and the models of one process."""

    def __init__(self, folder: Path, bundled: Path) -> None:
        self.folder, self.now, self.unavailable = folder, 0.0, False
        self.registry = Registry(FolderStore(folder))
        self.refused: list[str] = []
        self.mended: list[str] = []
        self.models = ServedModels(CATALOG, self._connect, BundledModels(bundled), self._report, lambda: self.now)

    def served(self) -> str:
        return self.models.champion(USE_CASE.name).version

    def pass_time(self) -> None:
        self.now += REFRESH_SECONDS

    def spoil(self, version: str) -> None:
        path = self.folder / "models" / USE_CASE.name / version / "model.onnx"
        path.write_bytes(path.read_bytes()[:-1] + b"!")

    def _connect(self) -> Registry:
        if self.unavailable:
            raise StorageUnavailableError("away")
        return self.registry

    def _report(self, _: str, version: str, error: ModelError | None, place: Place) -> None:
        (self.refused if error else self.mended).append(version if place == "champion" else f"{place} {version}")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "registry", tmp_path / "bundled")


@pytest.fixture
def first(world: World, train_into: Callable[[UseCase, Registry], Trained]) -> str:
    """The champion."""
    return train_into(USE_CASE, world.registry).metadata.version


@pytest.fixture
def second(world: World, first: str) -> str:
    """The same files again under another name, as another training run would register them."""
    source, name = world.folder / "models" / USE_CASE.name / first, "20260303T000000Z-00000002"
    target = source.with_name(name)
    shutil.copytree(source, target)
    metadata = target / "metadata.json"
    metadata.write_text(metadata.read_text().replace(first, name))
    return name


def test_a_new_champion_is_served_after_the_refresh_and_not_before(world: World, first: str, second: str) -> None:
    assert world.served() == first
    world.registry.point(USE_CASE.name, "champion", second)
    assert world.served() == first
    world.pass_time()
    assert world.served() == second


def test_a_reload_does_not_wait(world: World, first: str, second: str) -> None:
    assert world.served() == first
    world.registry.point(USE_CASE.name, "champion", second)
    assert world.models.reload(USE_CASE.name).version == second


def test_a_corrupted_champion_is_never_served_and_told_once(world: World, first: str, second: str) -> None:
    assert world.served() == first
    world.spoil(second)
    world.registry.point(USE_CASE.name, "champion", second)
    for _ in range(3):
        world.pass_time()
        assert world.served() == first
    assert world.refused == [second]
    world.registry.point(USE_CASE.name, "champion", first)
    for _ in range(2):
        world.pass_time()
        assert world.served() == first
    assert world.mended == [first]


def test_a_malformed_alias_leaves_the_served_version(world: World, first: str) -> None:
    assert world.served() == first
    (world.folder / "models" / USE_CASE.name / "aliases" / "champion.json").write_text("{")
    world.pass_time()
    assert world.served() == first
    assert world.refused


def test_the_packed_champion_answers_without_the_registry(world: World, first: str, tmp_path: Path) -> None:
    shutil.copytree(world.folder / "models" / USE_CASE.name / first, tmp_path / "bundled" / USE_CASE.name)
    world.unavailable = True
    assert world.served() == first
    assert world.models.cards(USE_CASE.name).champion is not None


def test_without_any_model_there_is_no_answer(world: World) -> None:
    with pytest.raises(NoModelError):
        world.served()


def test_a_retired_use_case_answers_no_more_until_a_version_is_promoted(world: World, first: str) -> None:
    assert world.served() == first
    world.registry.change(USE_CASE.name, lambda now: now.moved("retire", now.version, retired=True))
    world.pass_time()
    with pytest.raises(RetiredUseCaseError):
        world.served()

    world.registry.point(USE_CASE.name, "champion", first)
    assert world.served() == first


def test_a_version_answers_by_its_own_definition_and_older_rows_by_that_of_theirs(
    world: World, first: str, train_into: Callable[[UseCase, Registry], Trained]
) -> None:
    later = USE_CASE.model_copy(update={"version": USE_CASE.version + 1, "missing_values": ("", "?")})
    second = train_into(later, world.registry).metadata.version
    world.registry.point(USE_CASE.name, "champion", second)

    assert world.models.champion(USE_CASE.name).use_case == later
    older = world.models.judged_by(USE_CASE.name, USE_CASE.contract_sha256)
    assert (older.use_case, older.version) == (USE_CASE, first)
    assert world.models.judged_by(USE_CASE.name, later.contract_sha256).version == second
    assert world.models.judged_by(USE_CASE.name, "0" * 64).version == second


def shadow(world: World, version: str) -> None:
    trial = Trial(kind="shadow", version=version)
    world.registry.change(USE_CASE.name, lambda now: now.moved("shadow", now.version, trial=trial))


def stop(world: World) -> None:
    world.registry.change(USE_CASE.name, lambda now: now.moved("stop", now.version))


def on_trial(world: World) -> str | None:
    """Look again and again, as calls do, until what is being loaded is there."""
    found = world.models.champion(USE_CASE.name).challenger
    for _ in range(1_000):
        if found or not world.models._loads._under_way:
            break
        world.now += LOADING_SECONDS
        found = world.models.champion(USE_CASE.name).challenger
    return found.version if found else None


def test_a_challenger_is_beside_the_champion_from_the_refresh_on_until_it_is_stopped(
    world: World, first: str, second: str
) -> None:
    assert world.served() == first
    shadow(world, second)
    assert on_trial(world) is None
    world.pass_time()
    assert on_trial(world) == second
    assert world.served() == first
    stop(world)
    world.pass_time()
    assert on_trial(world) is None


def test_another_share_needs_no_other_model(world: World, first: str, second: str) -> None:
    canary = {share: Trial(kind="canary", version=second, share=share) for share in (0.1, 0.5)}
    models = []
    for share, trial in canary.items():
        world.registry.change(USE_CASE.name, lambda now, trial=trial: now.moved("canary", now.version, trial=trial))  # type: ignore[misc]
        found = world.models.reload(USE_CASE.name).challenger
        assert found
        assert (found.kind, found.share, found.number) == (
            "canary",
            share,
            world.registry.standing(USE_CASE.name).number,
        )
        models.append(found.served.model)
    assert models[0] is models[1]


def test_no_call_waits_for_a_challenger(world: World, first: str, second: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert world.served() == first
    may_load, load = Event(), world.registry.load
    monkeypatch.setattr(world.registry, "load", lambda *given: may_load.wait() and load(*given))
    shadow(world, second)
    for _ in range(3):
        world.pass_time()
        assert world.models.champion(USE_CASE.name).challenger is None
    may_load.set()
    assert on_trial(world) == second


def test_the_champion_before_answers_while_the_next_one_is_loaded(
    world: World, first: str, second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served_models, "PATIENCE_S", 0.0)
    assert world.served() == first
    may_load, load = Event(), world.registry.load
    monkeypatch.setattr(world.registry, "load", lambda *given: may_load.wait() and load(*given))
    world.registry.point(USE_CASE.name, "champion", second)
    for _ in range(3):
        world.pass_time()
        assert world.served() == first
    may_load.set()
    assert world.models.reload(USE_CASE.name).version == second


def test_a_corrupted_challenger_is_refused_once_and_the_champion_serves_on(
    world: World, first: str, second: str
) -> None:
    assert world.served() == first
    world.spoil(second)
    shadow(world, second)
    for _ in range(3):
        world.pass_time()
        assert on_trial(world) is None
    assert (world.served(), world.refused) == (first, [f"challenger {second}"])


def test_a_promotion_ends_the_trial(world: World, first: str, second: str) -> None:
    shadow(world, second)
    assert world.models.reload(USE_CASE.name).challenger
    world.registry.point(USE_CASE.name, "champion", second)
    served = world.models.reload(USE_CASE.name)
    assert (served.version, served.challenger) == (second, None)
