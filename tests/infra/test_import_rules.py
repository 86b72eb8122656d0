"""The rules of `pyproject.toml`: each one refuses an import that breaks it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local_cloud.config import ROOT

AREAS = Path("layers/model/src/tabserve")
CHECKED = ("functions", "ui", "layers/model/src/tabserve")


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=root,
        env=os.environ | {"PYTHONPATH": f"{root}/layers/model/src", "COLUMNS": "500"},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the rules speak of."""
    root = tmp_path_factory.mktemp("project")
    for folder in CHECKED:
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__", "champions"))
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        (AREAS / "core/files.py", "tabserve.core.database"),
        (AREAS / "core/database.py", "tabserve.serving.store"),
        (AREAS / "core/rules.py", "sqlalchemy"),
        (AREAS / "alerts/service.py", "tabserve.alerts.outbox"),
        (AREAS / "alerts/alert.py", "tabserve.monitoring.windows"),
        (AREAS / "batch/score_file.py", "tabserve.batch.markers"),
        (AREAS / "features/service.py", "tabserve.features.store"),
        (AREAS / "features/service.py", "botocore"),
        (AREAS / "ingestion/structure.py", "tabserve.ingestion.service"),
        (AREAS / "ingestion/store.py", "tabserve.ingestion.build"),
        (AREAS / "ingestion/service.py", "tabserve.features.rows"),
        (AREAS / "monitoring/drift.py", "tabserve.monitoring.store"),
        (AREAS / "monitoring/service.py", "tabserve.serving.prediction"),
        (AREAS / "reference/profile.py", "tabserve.reference.store"),
        (AREAS / "registry/version.py", "tabserve.registry.store"),
        (AREAS / "serving/prediction.py", "tabserve.serving.service"),
        (AREAS / "serving/service.py", "tabserve.ingestion.store"),
        (AREAS / "training/dataset.py", "tabserve.training.pipeline"),
        (AREAS / "serving/store.py", "functions.predict.gate"),
        (AREAS / "serving/store.py", "ui.api"),
        ("functions/ingest/app.py", "functions.predict.gate"),
        ("ui/api.py", "tabserve.core.rules"),
        ("ui/api.py", "functions.predict.gate"),
    ],
)
def test_a_planted_import_against_a_rule_is_refused(project: Path, module: Path | str, imported: str) -> None:
    path = project / module
    before = path.read_text()
    path.write_text(f"{before}\nimport {imported}\n")
    try:
        broken = lint_imports(project)
    finally:
        path.write_text(before)

    assert broken.returncode == 1
    assert f"-> {imported}" in broken.stdout


def test_a_module_without_a_place_in_its_area_is_refused(project: Path) -> None:
    planted = project / AREAS / "batch/planted.py"
    planted.touch()
    try:
        broken = lint_imports(project)
    finally:
        planted.unlink()

    assert broken.returncode == 1
    assert "planted" in broken.stdout + broken.stderr


def test_the_rules_hold(project: Path) -> None:
    assert lint_imports(project).returncode == 0
