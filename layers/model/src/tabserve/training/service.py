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
from tabserve.registry.version import (
    DEFINITION,
    EXAMPLES,
    MODEL,
    PIPELINE,
    REFERENCE,
    Alias,
    Example,
    FeatureOrigin,
    Interval,
    Metric,
    ModelMetadata,
    Parity,
    version_name,
)
from tabserve.training.cells import Plain
from tabserve.training.dataset import Dataset, LabelledRows, require_disjoint, split_rows
from tabserve.training.diagnostics import typical
from tabserve.training.evaluation import require_accepted
from tabserve.training.parity import require_parity, total
from tabserve.training.random_rows import CELLS_AT_ONCE, random_count, random_rows
from tabserve.training.tasks import Task, task
from tabserve.training.validation import labelled_rows, require_values

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


def split(
    use_case: UseCase,
    data: Dataset,
    holdout: Dataset | None,
    features_from: FeatureOrigin = "data",
    progress: Progress = lambda _: None,
) -> Rows:
    """Validate labelled data and set rows aside; raise TrainingDataError."""
    progress(f"reading {data.name}")
    rows = labelled_rows(use_case, data, progress)
    sha256 = rows.sha256
    if holdout is None:
        settings, by_class = use_case.training, not use_case.is_regression
        rows, held_out = split_rows(rows, settings.test_size, settings.random_state, by_class=by_class)
    else:
        held_out = labelled_rows(use_case, holdout)
        require_disjoint(rows, held_out, holdout.name)
        sha256 = hashlib.sha256(f"{sha256}{held_out.sha256}".encode()).hexdigest()
    require_values(use_case, rows, data.name)
    return Rows(rows, held_out, sha256, features_from)


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
    work = task(use_case, rows.training, deps.fit, progress)
    progress(f"fitting {len(rows.training):,} rows")
    fitted = deps.fit(use_case, rows.training)
    progress("exporting")
    exported = fitted.export()
    scorer = deps.load(exported, use_case)
    progress(f"comparing the export on {random_count(use_case) + len(rows.held_out):,} rows")
    parity = check_parity(use_case, work, fitted, scorer, rows)
    progress(f"measuring on {len(rows.held_out):,} held-out rows")
    answers = np.concatenate([scorer.score(*piece) for piece in pieces_of(rows.held_out)])
    metrics = work.measures(answers, rows.held_out.targets)
    require_accepted(metrics, use_case.training.acceptance)
    columns = Plain(use_case, rows.held_out.columns)
    files = {
        PIPELINE: fitted.save(),
        MODEL: exported,
        REFERENCE: _json(work.reference(rows.held_out, columns, answers, fitted.vocabulary).to_dict()),
        EXAMPLES: _json(_examples(use_case, rows.held_out, answers)),
        DEFINITION: definition(use_case),
    }
    progress("shuffling columns")
    found = work.diagnose(rows.held_out, answers, scorer.score)
    metadata = _metadata(
        use_case,
        rows,
        deps,
        parity=parity,
        metrics=metrics,
        files=files,
        typical=typical(use_case, rows.held_out.columns),
        threshold=work.threshold,
        interval=work.interval,
        vocabulary=fitted.vocabulary,
        diagnostics=found,
        warnings=tuple(_warnings(rows, metrics, work.interval)),
    )
    progress(f"registering {metadata.version}")
    deps.registry.register(metadata, files)
    return Trained(metadata, _point(use_case, metadata.version, deps.registry, promote=promote))


def check_parity(use_case: UseCase, work: Task, original: "SklearnModel", exported: "OnnxModel", rows: Rows) -> Parity:
    """Compare original and export on the held-out rows and many random ones; raise ParityError."""
    drawn = random_rows(use_case, rows.training.columns, use_case.training.random_state)
    pieces: Iterator[tuple[Mapping[str, Any], int]] = itertools.chain(pieces_of(rows.held_out), drawn)
    parity = total([work.compare(original.score(*piece), exported.score(*piece)) for piece in pieces])
    require_parity(parity, work.answers)
    return parity


def pieces_of(rows: LabelledRows) -> Iterator[tuple[Mapping[str, Any], int]]:
    """Yield columns of some rows at a time, with their number: models make copies of what they score."""
    most = max(1, CELLS_AT_ONCE // len(rows.columns))
    for start in range(0, len(rows), most):
        columns = {name: values[start : start + most] for name, values in rows.columns.items()}
        yield columns, min(most, len(rows) - start)


def definition(use_case: UseCase) -> bytes:
    """Return a definition as it travels with the versions that were trained on it."""
    content = use_case.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return _json({"schema_version": SCHEMA_VERSION, **content})


def _examples(use_case: UseCase, rows: LabelledRows, answers: Floats) -> list[dict[str, Any]]:
    columns = dict(Plain(use_case, rows.take(range(min(EXAMPLE_ROWS, len(rows)))).columns))
    return [
        Example(
            features={name: columns[name][place] for name in use_case.feature_names},
            **({"value": row[0]} if use_case.is_regression else {"probabilities": row}),
        ).model_dump()
        for place, row in enumerate(answers[:EXAMPLE_ROWS].tolist())
    ]


def _metadata(
    use_case: UseCase,
    rows: Rows,
    deps: TrainDependencies,
    files: Mapping[str, bytes],
    **found: Any,  # noqa: ANN401
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
        files=hashes,
        libraries=deps.libraries,
        git_commit=deps.git_commit,
        features_from=rows.features_from,
        **found,
    )


def _warnings(rows: Rows, metrics: Mapping[MetricName, Metric], interval: Interval | None) -> Iterator[str]:
    if (count := len(rows.held_out)) < ENOUGH_REFERENCE_ROWS:
        yield (
            f"The reference has {count} rows, fewer than {ENOUGH_REFERENCE_ROWS}: an unlucky one raises more false "
            "drift alarms than promised, and only large losses of performance stand out. Hold more rows out if you can."
        )
    coverage = metrics.get("coverage")
    if interval and coverage and not coverage.low <= interval.share <= coverage.high:
        yield (
            f"The interval is meant to hold {interval.share:.0%} of the true values and holds {coverage.value:.1%} of "
            "the held-out ones: are they as those it learned from?"
        )


def _point(use_case: UseCase, version: str, registry: "Registry", *, promote: bool) -> tuple[Alias, ...]:
    promoted = promote or not registry.has_usable_champion(use_case)
    aliases: tuple[Alias, ...] = ("champion", "challenger") if promoted else ("challenger",)
    for alias in aliases:
        registry.point(use_case.name, alias, version)
    return aliases


def _json(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode()
