"""What training is built from."""

from pathlib import Path

from tabserve.core.clock import utc_now
from tabserve.core.use_case import UseCase
from tabserve.registry.onnx_model import OnnxModel
from tabserve.registry.store import Registry
from tabserve.training.service import TrainDependencies


def train_dependencies(registry: Registry, root: Path) -> TrainDependencies:
    """Return what training needs; `root` is the repository whose commit is noted."""
    from tabserve.training.pipeline import fit
    from tabserve.training.provenance import provenance

    return TrainDependencies(fit, _candidate, registry, utc_now, provenance(root))


def _candidate(body: bytes, use_case: UseCase) -> OnnxModel:
    return OnnxModel(body, "candidate", use_case.model_sha256)
