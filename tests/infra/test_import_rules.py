import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=root,
        env=os.environ | {"PYTHONPATH": f"{root}/layers/model/src"},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for folder in ("functions", "layers/model/src"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "champions"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("layers/model/src/tabserve/domain", "tabserve.application"),
        ("layers/model/src/tabserve/application", "tabserve.adapters"),
        ("layers/model/src/tabserve/adapters", "functions.predict"),
        ("functions/ingest", "functions.predict"),
    ],
)
def test_a_planted_import_against_the_rule_is_refused(copied: Path, module: str, imported: str) -> None:
    for package in (module, f"layers/model/src/{imported.replace('.', '/')}"):
        if package.startswith("layers/model/src/functions"):
            continue
        (copied / package).mkdir(exist_ok=True)
        (copied / package / "__init__.py").touch()
    assert lint_imports(copied).returncode == 0

    (copied / module / "planted.py").write_text(f"import {imported}\n")

    broken = lint_imports(copied)
    assert broken.returncode == 1
    assert f"-> {imported}" in broken.stdout
