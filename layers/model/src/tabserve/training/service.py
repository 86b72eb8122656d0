"""Train a use case's model, prove that its export answers alike, measure it on held-out rows and register it."""

import hashlib
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tabserve.core.clock import Clock
from tabserve.core.use_case import SCHEMA_VERSION, MetricName, UseCase
from tabserve.reference.reference import Reference
from tabserve.registry.version import (
    DEFINITION,
    EXAMPLES,
    MODEL,
    PIPELINE,
    REFERENCE,
    Alias,
    Diagnostics,
    Example,
    FeatureOrigin,
    Metric,
    ModelMetadata,
    Parity,
    version_name,
)
from tabserve.training.dataset import Dataset, LabelledRows, labelled_rows, require_disjoint, stratified_split
from tabserve.training.diagnostics import diagnose, typical
from tabserve.training.evaluation import evaluate, require_accepted
from tabserve.training.parity import compare, random_count, random_rows, require_parity, total

if TYPE_CHECKING:
    from tabserve.registry.onnx_model import OnnxModel
    from tabserve.registry.store import Registry
    from tabserve.training.pipeline import SklearnModel

EXAMPLE_ROWS = 20
ENOUGH_REFERENCE_ROWS = 500
Floats = NDArray[np.float64]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TrainDependencies:
    """What training needs; `load` turns exported bytes into a model as the functions load it.

    `libraries` by version and `git_commit` are noted with the model: with what it was trained.
    """

    fit: Callable[[UseCase, LabelledRows], "SklearnModel"]
    load: Callable[[bytes, UseCase], "OnnxModel"]
    registry: "Registry"
    clock: Clock
    libraries: Mapping[str, str]
    git_commit: str


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows to learn from and rows held out, with the hash of what they hold and where their features come from."""

    training: LabelledRows
    held_out: LabelledRows
    data_sha256: str
    features_from: FeatureOrigin = "data"


@dataclass(frozen=True, slots=True)
class Trained:
    """A registered version and the aliases that now point to it."""

    metadata: ModelMetadata
    aliases: tuple[Alias, ...]


def split(use_case: UseCase, data: Dataset, holdout: Dataset | None, features_from: FeatureOrigin = "data") -> Rows:
    """Validate labelled data and set rows aside; raise TrainingDataError."""
    rows = labelled_rows(use_case, data)
    if holdout is None:
        settings = use_case.training
        training, held_out = stratified_split(rows, settings.test_size, settings.random_state)
        return Rows(training, held_out, data.sha256, features_from)
    held_out = labelled_rows(use_case, holdout)
    require_disjoint(rows, held_out, holdout.name)
    both = hashlib.sha256(f"{data.sha256}{holdout.sha256}".encode()).hexdigest()
    return Rows(rows, held_out, both, features_from)


def train(
    use_case: UseCase,
    rows: Rows,
    deps: TrainDependencies,
    *,
    promote: bool = False,
    progress: Progress = lambda _: None,
) -> Trained:
    """Register a new version as challenger, and as champion when told to or when there is no usable one.

    Raises ParityError, AcceptanceError, StorageUnavailableError; then nothing is registered.
    """
    progress(f"fitting {len(rows.training)} rows")
    fitted = deps.fit(use_case, rows.training)
    progress("exporting")
    exported = fitted.export()
    scorer = deps.load(exported, use_case)
    progress(f"comparing the export on {random_count(use_case) + len(rows.held_out)} rows")
    parity = check_parity(use_case, fitted, scorer, rows)
    progress(f"measuring on {len(rows.held_out)} held-out rows")
    probabilities = scorer.score(rows.held_out.columns, len(rows.held_out))
    metrics = evaluate(probabilities, np.array(rows.held_out.targets), use_case.training.random_state)
    require_accepted(metrics, use_case.training.acceptance)
    files = {
        PIPELINE: fitted.save(),
        MODEL: exported,
        REFERENCE: _json(reference(use_case, rows.held_out, probabilities).to_dict()),
        EXAMPLES: _json(_examples(rows.held_out, probabilities)),
        DEFINITION: definition(use_case),
    }
    progress("shuffling columns")
    target, settings = use_case.target, use_case.training
    found = diagnose(rows.held_out, probabilities, target.positive_index, scorer.score, settings.random_state)
    metadata = _metadata(use_case, rows, deps, parity=parity, metrics=metrics, files=files, diagnostics=found)
    progress(f"registering {metadata.version}")
    deps.registry.register(metadata, files)
    return Trained(metadata, _point(use_case, metadata.version, deps.registry, promote=promote))


def check_parity(use_case: UseCase, original: "SklearnModel", exported: "OnnxModel", rows: Rows) -> Parity:
    """Compare original and export on the held-out rows and many random ones; raise ParityError."""
    held_out = (rows.held_out.columns, len(rows.held_out))
    drawn = random_rows(use_case, rows.training.columns, use_case.training.random_state)
    pieces = itertools.chain([held_out], drawn)
    parity = total([compare(original.score(*piece), exported.score(*piece)) for piece in pieces])
    require_parity(parity)
    return parity


def reference(use_case: UseCase, rows: LabelledRows, probabilities: Floats) -> Reference:
    """Return what monitoring compares with: the held-out rows and what the model answers to them."""
    classes = use_case.target.texts
    predicted = probabilities.argmax(axis=1)
    positive = use_case.target.positive_index
    answered = probabilities.max(axis=1) if positive is None else probabilities[:, positive]
    return Reference.of(
        use_case,
        rows.columns,
        [classes[place] for place in predicted],
        answered.tolist(),
        [classes[place] for place in rows.targets],
    )


def definition(use_case: UseCase) -> bytes:
    """Return a definition as it travels with the versions that were trained on it."""
    content = use_case.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return _json({"schema_version": SCHEMA_VERSION, **content})


def _examples(rows: LabelledRows, probabilities: Floats) -> list[dict[str, Any]]:
    return [
        Example(
            features={name: values[place] for name, values in rows.columns.items()},
            probabilities=tuple(probabilities[place].tolist()),
        ).model_dump()
        for place in range(min(EXAMPLE_ROWS, len(rows)))
    ]


def _metadata(
    use_case: UseCase,
    rows: Rows,
    deps: TrainDependencies,
    *,
    parity: Parity,
    metrics: Mapping[MetricName, Metric],
    files: Mapping[str, bytes],
    diagnostics: Diagnostics,
) -> ModelMetadata:
    hashes = {name: hashlib.sha256(body).hexdigest() for name, body in files.items()}
    now = deps.clock().replace(microsecond=0)
    return ModelMetadata(
        use_case=use_case.name,
        use_case_version=use_case.version,
        version=version_name(now, hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()),
        created_at=now,
        model_sha256=use_case.model_sha256,
        contract_sha256=use_case.contract_sha256,
        data_sha256=rows.data_sha256,
        rows_trained=len(rows.training),
        rows_held_out=len(rows.held_out),
        estimator=use_case.estimator,
        metrics=metrics,
        parity=parity,
        files=hashes,
        libraries=deps.libraries,
        git_commit=deps.git_commit,
        features_from=rows.features_from,
        typical=typical(use_case, rows.held_out.columns),
        diagnostics=diagnostics,
        warnings=tuple(_warnings(rows)),
    )


def _warnings(rows: Rows) -> Iterator[str]:
    if (count := len(rows.held_out)) < ENOUGH_REFERENCE_ROWS:
        yield (
            f"The reference has {count} rows, fewer than {ENOUGH_REFERENCE_ROWS}: an unlucky one raises more false "
            "drift alarms than promised, and only large losses of performance stand out. Hold more rows out if you can."
        )


def _point(use_case: UseCase, version: str, registry: "Registry", *, promote: bool) -> tuple[Alias, ...]:
    promoted = promote or not registry.has_usable_champion(use_case)
    aliases: tuple[Alias, ...] = ("champion", "challenger") if promoted else ("challenger",)
    for alias in aliases:
        registry.point(use_case.name, alias, version)
    return aliases


def _json(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode()
