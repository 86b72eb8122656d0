import hashlib
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tabserve.core.errors import IncompatibleModelError, ModelError, NoModelError
from tabserve.core.folder import FolderStore
from tabserve.core.use_case import UseCase
from tabserve.registry.store import BundledModels, Registry
from tabserve.registry.version import ModelMetadata


@pytest.fixture
def copied(trained_registry: Registry, use_case: UseCase, tmp_path: Path) -> Registry:
    registry = Registry(FolderStore(tmp_path / "copied"))
    trained_registry.copy_to(registry, use_case)
    return registry


def files_of(registry: Registry, metadata: ModelMetadata) -> dict[str, bytes]:
    return {name: registry.file(metadata.use_case, metadata.version, name) for name in metadata.files}


def damage(tmp_path: Path, use_case: UseCase, version: str, name: str, body: bytes) -> None:
    (tmp_path / "copied/models" / use_case.name / version / name).write_bytes(body)


def test_a_version_is_immutable(copied: Registry, use_case: UseCase, version: str) -> None:
    metadata = copied.metadata(use_case.name, version)
    files = files_of(copied, metadata)
    copied.register(metadata, files)  # the same again changes nothing
    with pytest.raises(ModelError, match="immutable"):
        copied.register(metadata, files | {"model.onnx": b"other"})
    with pytest.raises(ModelError, match="immutable"):
        copied.register(metadata.model_copy(update={"git_commit": "other"}), files)
    assert copied.metadata(use_case.name, version) == metadata
    assert copied.champion(use_case).version == version


def test_concurrent_registrations_of_one_name_leave_one_whole_version(
    trained_registry: Registry, use_case: UseCase, version: str, tmp_path: Path
) -> None:
    registry = Registry(FolderStore(tmp_path))
    metadata = trained_registry.metadata(use_case.name, version)
    files = files_of(trained_registry, metadata)

    def register(number: int) -> bool:
        try:
            registry.register(metadata.model_copy(update={"git_commit": str(number % 2)}), files)
        except ModelError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        registered = list(pool.map(register, range(16)))
    winner = registry.metadata(use_case.name, version).git_commit
    assert registered == [str(number % 2) == winner for number in range(16)]
    assert registry.versions(use_case.name) == [version]


def test_a_version_without_metadata_does_not_exist(
    trained_registry: Registry, use_case: UseCase, version: str, tmp_path: Path
) -> None:
    store = FolderStore(tmp_path)
    store.put(f"models/{use_case.name}/{version}/model.onnx", b"half written")
    registry = Registry(store)
    assert registry.versions(use_case.name) == []
    with pytest.raises(NoModelError):
        registry.load(use_case, version)
    with pytest.raises(NoModelError):
        registry.point(use_case.name, "champion", version)
    metadata = trained_registry.metadata(use_case.name, version)
    with pytest.raises(ModelError, match="immutable"):
        registry.register(metadata, files_of(trained_registry, metadata))


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("model.onnx", b"", "not the file that was registered"),
        ("examples.json", b"[]", "not the file that was registered"),
        ("metadata.json", b"{}", "malformed"),
        ("metadata.json", b"\xff", "malformed"),
        ("../aliases/champion.json", b"[1]", "malformed"),
    ],
)
def test_a_damaged_version_is_refused(
    copied: Registry, use_case: UseCase, version: str, tmp_path: Path, name: str, body: bytes, message: str
) -> None:
    damage(tmp_path, use_case, version, name, body)
    with pytest.raises(IncompatibleModelError, match=message):
        copied.champion(use_case)
    assert not copied.has_usable_champion(use_case)


def test_a_version_that_does_not_answer_its_own_examples_is_refused(
    copied: Registry, use_case: UseCase, version: str, tmp_path: Path
) -> None:
    examples = json.loads(copied.file(use_case.name, version, "examples.json"))
    examples[3]["probabilities"] = examples[3]["probabilities"][::-1]
    body = json.dumps(examples).encode()
    damage(tmp_path, use_case, version, "examples.json", body)
    metadata: dict[str, Any] = copied.metadata(use_case.name, version).model_dump(mode="json")
    metadata["files"]["examples.json"] = hashlib.sha256(body).hexdigest()
    damage(tmp_path, use_case, version, "metadata.json", json.dumps(metadata).encode())
    with pytest.raises(IncompatibleModelError, match="does not answer its own examples"):
        copied.load(use_case, version)


def test_a_missing_file_is_named(copied: Registry, use_case: UseCase, version: str, tmp_path: Path) -> None:
    (tmp_path / "copied/models" / use_case.name / version / "model.onnx").unlink()
    with pytest.raises(IncompatibleModelError, match=r"'model.onnx' of model .* is missing"):
        copied.champion(use_case)


def test_no_version_is_a_no_model_error(tmp_path: Path, use_case: UseCase) -> None:
    registry = Registry(FolderStore(tmp_path))
    assert registry.versions(use_case.name) == []
    assert registry.aliases(use_case.name) == {}
    with pytest.raises(NoModelError, match=f"{use_case.name}.*scripts/train.py"):
        registry.champion(use_case)


def test_copying_keeps_a_usable_champion(copied: Registry, trained_registry: Registry, use_case: UseCase) -> None:
    metadata = copied.metadata(use_case.name, copied.versions(use_case.name)[0])
    newer = metadata.model_copy(update={"version": "20991231T000000Z-ffffffff"})
    copied.register(newer, files_of(copied, metadata))
    copied.point(use_case.name, "champion", newer.version)
    trained_registry.copy_to(copied, use_case)
    assert copied.alias(use_case.name, "champion") == newer.version
    assert copied.versions(use_case.name) == [metadata.version, newer.version]


def test_a_card_written_by_older_code_is_copied_as_it_is(
    copied: Registry, use_case: UseCase, version: str, tmp_path: Path
) -> None:
    card = tmp_path / "copied/models" / use_case.name / version / "metadata.json"
    older = json.loads(card.read_bytes())
    del older["warnings"]
    card.write_text(json.dumps(older))
    other = Registry(FolderStore(tmp_path / "other"))
    copied.copy_to(other, use_case)
    assert (tmp_path / "other/models" / use_case.name / version / "metadata.json").read_bytes() == card.read_bytes()
    copied.copy_to(other, use_case)  # nothing has changed


def test_the_packed_champion_answers_without_any_store(
    trained_registry: Registry, use_case: UseCase, version: str, tmp_path: Path
) -> None:
    trained_registry.bake(use_case, tmp_path)
    packed = BundledModels(tmp_path)
    assert packed.champion(use_case).version == version
    assert packed.metadata(use_case.name) == trained_registry.metadata(use_case.name, version)
    assert not (tmp_path / use_case.name / "model.joblib").exists()
    shutil.rmtree(tmp_path / use_case.name)
    with pytest.raises(NoModelError):
        packed.champion(use_case)
