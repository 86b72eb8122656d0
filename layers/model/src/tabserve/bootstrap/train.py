"""What training is built from."""

from pathlib import Path

from tabserve.adapters.estimator import OnnxModel
from tabserve.adapters.registry import Registry
from tabserve.application.train import TrainDependencies
from tabserve.bootstrap.common import utc_now
from tabserve.domain.use_case import UseCase


def train_dependencies(registry: Registry, root: Path) -> TrainDependencies:
    """Return what training needs; `root` is the repository whose commit is noted."""
    from tabserve.adapters.provenance import provenance
    from tabserve.adapters.sklearn_pipeline import SklearnTrainer

    return TrainDependencies(SklearnTrainer(), _candidate, registry, utc_now, provenance(root))


def _candidate(body: bytes, use_case: UseCase) -> OnnxModel:
    return OnnxModel(body, "candidate", use_case.model_sha256)
