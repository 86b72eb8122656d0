"""Releases: what may answer, beside what, and what each move leaves behind."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tabserve.core.errors import AliasMovedError, IncompatibleModelError, NoModelError, ReleaseError
from tabserve.core.folder import FolderStore
from tabserve.core.use_case import UseCase
from tabserve.registry.release import Mover, Releases
from tabserve.registry.store import Registry
from tabserve.registry.version import DEFINITION
from tests.factories import NOON

ANN = Mover("ann", "looks better")
NAME = "iris"
pytestmark = pytest.mark.parametrize("use_case", [NAME], indirect=True)
FIRST, SECOND, THIRD = (f"2026010{day}T000000Z-aaaaaaaa" for day in (1, 2, 3))


@pytest.fixture
def registry(trained_registry: Registry, use_case: UseCase, version: str, tmp_path: Path) -> Registry:
    """Three versions that differ in their names alone, the first of them champion."""
    registry = Registry(FolderStore(tmp_path))
    metadata = trained_registry.metadata(NAME, version)
    files = {name: trained_registry.file(NAME, version, name) for name in metadata.files}
    for each in (FIRST, SECOND, THIRD):
        registry.register(metadata.model_copy(update={"version": each}), files)
    registry.point(NAME, "champion", FIRST)
    return registry


@pytest.fixture
def releases(registry: Registry, use_case: UseCase) -> Releases:
    return Releases(registry, lambda _: use_case, lambda: NOON)


def test_promotions_and_rollbacks_are_kept_with_who_and_why(releases: Releases, registry: Registry) -> None:
    releases.promote(NAME, SECOND, ANN)
    releases.promote(NAME, THIRD, Mover("bob"))
    assert releases.rollback(NAME, Mover("bob", "too slow")).version == SECOND
    assert releases.rollback(NAME, ANN).version == FIRST
    with pytest.raises(ReleaseError, match="no other champion"):
        releases.rollback(NAME, ANN)
    moves = [(each.action, each.previous, each.version, each.by, each.reason) for each in registry.history(NAME)]
    assert moves == [
        ("train", None, FIRST, "", ""),
        ("promote", FIRST, SECOND, "ann", "looks better"),
        ("promote", SECOND, THIRD, "bob", ""),
        ("rollback", THIRD, SECOND, "bob", "too slow"),
        ("rollback", SECOND, FIRST, "ann", "looks better"),
    ]


def test_who_decided_on_an_older_state_changes_nothing(releases: Releases, registry: Registry) -> None:
    seen = registry.standing(NAME).number
    releases.promote(NAME, SECOND, Mover("ann", expected=seen))
    with pytest.raises(AliasMovedError, match=f"{SECOND} became champion in place of {FIRST} by ann"):
        releases.promote(NAME, THIRD, Mover("bob", expected=seen))
    with pytest.raises(AliasMovedError, match=f"{SECOND} became champion"):
        releases.rollback(NAME, Mover("bob", expected=seen))
    assert registry.standing(NAME).version == SECOND


def test_a_retired_use_case_comes_back_by_a_promotion(releases: Releases, registry: Registry) -> None:
    releases.start(NAME, "shadow", SECOND, 1.0, ANN)
    releases.retire(NAME, ANN)
    assert (registry.standing(NAME).retired, registry.standing(NAME).trial) == (True, None)
    with pytest.raises(ReleaseError, match="retired already"):
        releases.retire(NAME, ANN)
    with pytest.raises(ReleaseError, match="no champion that answers"):
        releases.start(NAME, "shadow", SECOND, 1.0, ANN)
    releases.promote(NAME, FIRST, ANN)
    assert registry.standing(NAME).retired is False
    with pytest.raises(ReleaseError, match="champion of iris already"):
        releases.promote(NAME, FIRST, ANN)


def test_a_trial_changes_its_kind_and_share_and_ends(releases: Releases, registry: Registry) -> None:
    releases.start(NAME, "shadow", SECOND, 1.0, ANN)
    releases.start(NAME, "canary", SECOND, 0.1, ANN)
    trial = releases.start(NAME, "canary", SECOND, 0.5, ANN).trial
    assert trial is not None
    assert (trial.kind, trial.version, trial.share) == ("canary", SECOND, 0.5)
    assert registry.standing(NAME).version == FIRST
    with pytest.raises(ReleaseError, match=f"{SECOND} is canary of iris; stop it first"):
        releases.start(NAME, "shadow", THIRD, 1.0, ANN)
    assert releases.stop(NAME, Mover("tabserve", "12 of 20 answers failed")).trial is None
    with pytest.raises(ReleaseError, match="no shadow and no canary"):
        releases.stop(NAME, ANN)
    assert "(12 of 20 answers failed)" in registry.history(NAME)[-1].sentence()


def test_a_promotion_ends_the_trial(releases: Releases, registry: Registry) -> None:
    releases.start(NAME, "canary", SECOND, 0.1, ANN)
    releases.promote(NAME, SECOND, ANN)
    assert registry.standing(NAME).trial is None


def of_another_definition(registry: Registry, use_case: UseCase, **changed: Any) -> None:
    """Register a copy of the third version under a fourth name, trained on a changed definition."""
    content = use_case.model_copy(update=changed)
    body = json.dumps(content.model_dump(mode="json", by_alias=True, exclude_defaults=True)).encode()
    metadata = registry.metadata(NAME, THIRD)
    files = {name: registry.file(NAME, THIRD, name) for name in metadata.files} | {DEFINITION: body}
    hashes = {**metadata.files, DEFINITION: sha256(body).hexdigest()}
    changes = {"version": "20260104T000000Z-aaaaaaaa", "files": hashes, "model_sha256": content.model_sha256}
    registry.register(metadata.model_copy(update=changes), files)


def test_a_challenger_of_other_columns_is_promoted_and_not_tried(
    releases: Releases, registry: Registry, use_case: UseCase
) -> None:
    feature = use_case.features[0].model_copy(update={"maximum": 99.0})
    of_another_definition(registry, use_case, features=(feature, *use_case.features[1:]))
    with pytest.raises(ReleaseError, match=r"another definition of the features .* promote it instead"):
        releases.start(NAME, "shadow", "20260104T000000Z-aaaaaaaa", 1.0, ANN)
    assert releases.promote(NAME, "20260104T000000Z-aaaaaaaa", ANN).version == "20260104T000000Z-aaaaaaaa"


def damaged(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(b"tampered")


@pytest.mark.parametrize("damage", [damaged("model.onnx"), damaged("examples.json"), damaged("metadata.json")])
def test_a_tampered_version_is_refused_and_nothing_moves(
    releases: Releases, registry: Registry, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    before = registry.history(NAME)
    damage(tmp_path / "models" / NAME / SECOND)
    with pytest.raises(IncompatibleModelError):
        releases.promote(NAME, SECOND, ANN)
    with pytest.raises(IncompatibleModelError):
        releases.start(NAME, "canary", SECOND, 0.1, ANN)
    assert registry.history(NAME) == before


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1, float("nan")])
def test_a_share_that_is_none_is_refused(releases: Releases, share: float) -> None:
    with pytest.raises(ReleaseError, match="share above 0 and at most 1"):
        releases.start(NAME, "canary", SECOND, share, ANN)


def test_the_champion_and_versions_nobody_knows_are_not_tried(releases: Releases) -> None:
    with pytest.raises(ReleaseError, match="a trial is of another version"):
        releases.start(NAME, "shadow", FIRST, 1.0, ANN)
    with pytest.raises(NoModelError):
        releases.start(NAME, "shadow", "20990101T000000Z-aaaaaaaa", 1.0, ANN)
