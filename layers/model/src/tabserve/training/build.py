"""What training is built from, and with what a model is trained: library versions and the code's commit."""

import platform
import subprocess
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from tabserve.core.clock import utc_now
from tabserve.core.use_case import UseCase
from tabserve.registry.onnx_model import OnnxModel
from tabserve.registry.store import Registry
from tabserve.training.mlflow_runs import MlflowRuns
from tabserve.training.service import TrainDependencies

LIBRARIES: Final = ("numpy", "onnx", "onnxruntime", "pandas", "scikit-learn", "scipy", "skl2onnx", "tabserve")
OPTIONAL_LIBRARIES: Final = ("imbalanced-learn", "lightgbm", "xgboost", "xgboost-cpu")


def train_dependencies(registry: Registry, root: Path, mlflow_uri: str = "") -> TrainDependencies:
    """Return what training needs; `root` is the repository whose commit is noted, `mlflow_uri` where to record too."""
    from tabserve.training.card import card
    from tabserve.training.fitting import fit

    libraries = {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}
    for name in OPTIONAL_LIBRARIES:
        with suppress(PackageNotFoundError):
            libraries[name] = version(name)
    found = TrainDependencies(fit, _candidate, card, registry, utc_now, libraries, _commit(root))
    return replace(found, record=MlflowRuns(mlflow_uri).record) if mlflow_uri else found


def _candidate(body: bytes, use_case: UseCase) -> OnnxModel:
    return OnnxModel(body, "candidate", use_case.model_sha256)


def _commit(root: Path) -> str:
    """Return the commit of the repository at `root`; an empty text outside of one."""
    try:
        commit = _git(root, "rev-parse", "HEAD")
        return f"{commit}-dirty" if _git(root, "status", "--porcelain", "--untracked-files=no") else commit
    except (OSError, subprocess.CalledProcessError):
        return ""


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603
