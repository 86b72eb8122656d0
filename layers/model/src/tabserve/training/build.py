"""What training is built from, and with what a model is trained: library versions and the code's commit."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Final

from tabserve.core.clock import utc_now
from tabserve.core.use_case import UseCase
from tabserve.registry.onnx_model import OnnxModel
from tabserve.registry.store import Registry
from tabserve.training.service import TrainDependencies

LIBRARIES: Final = ("numpy", "onnx", "onnxruntime", "pandas", "scikit-learn", "scipy", "skl2onnx", "tabserve")


def train_dependencies(registry: Registry, root: Path) -> TrainDependencies:
    """Return what training needs; `root` is the repository whose commit is noted."""
    from tabserve.training.pipeline import fit

    libraries = {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}
    return TrainDependencies(fit, _candidate, registry, utc_now, libraries, _commit(root))


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
