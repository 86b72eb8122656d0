"""With what a model was trained: library versions and the code's commit."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final

from tabserve.training.service import Provenance

LIBRARIES: Final = ("numpy", "onnx", "onnxruntime", "pandas", "scikit-learn", "scipy", "skl2onnx", "tabserve")


def provenance(root: Path) -> Provenance:
    """Describe this environment and the repository at `root`; the commit is empty outside of one."""
    python = ".".join(map(str, sys.version_info[:3]))
    return Provenance({"python": python} | {name: version(name) for name in LIBRARIES}, _commit(root))


def _commit(root: Path) -> str:
    try:
        commit = _git(root, "rev-parse", "HEAD")
        return f"{commit}-dirty" if _git(root, "status", "--porcelain", "--untracked-files=no") else commit
    except (OSError, subprocess.CalledProcessError):
        return ""


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603
