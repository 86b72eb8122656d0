"""Train a use case's model, prove that its export answers alike, measure it on held-out rows and register it."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tabserve.core.clock import Clock
from tabserve.core.use_case import UseCase
from tabserve.registry.version import (
    CARD,
    DEFINITION,
    EXAMPLES,
    MODEL,
    REFERENCE,
    RUNS,
    Alias,
    Chosen,
    FeatureOrigin,
    ModelMetadata,
    Source,
    version_name,
)
from tabserve.training.cells import Plain
from tabserve.training.dataset import Dataset, LabelledRows, require_disjoint, split_rows
from tabserve.training.diagnostics import typical
from tabserve.training.evaluation import require_accepted
from tabserve.training.export_check import check_parity, pieces_of
from tabserve.training.model import Fit, Model
from tabserve.training.random_rows import random_count
from tabserve.training.search import Attempt, Found, Watch, find, runs
from tabserve.training.tasks import Task, task
from tabserve.training.validation import labelled_rows, require_values
from tabserve.training.version_files import as_json, definition, examples, warnings

if TYPE_CHECKING:
    from tabserve.registry.onnx_model import OnnxModel
    from tabserve.registry.store import Registry

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Origin:
    """How a model came about; `estimator` is its name for people."""

    estimator: str
    source: Source = "trained"
    chosen: Chosen | None = None
    found: Found | None = None


@dataclass(frozen=True, slots=True)
class TrainDependencies:
    """What training needs; `load` turns exported bytes into a model as the functions load it, `card` writes its card.

    `libraries` by version and `git_commit` are noted with the model: with what it was trained. `record` tells another
    place of a registered version and its attempts, and returns a sentence where that went wrong.
    """

    fit: Fit
    load: Callable[[bytes, UseCase], "OnnxModel"]
    card: Callable[[ModelMetadata, UseCase], bytes]
    registry: "Registry"
    clock: Clock
    libraries: Mapping[str, str]
    git_commit: str
    record: Callable[[UseCase, ModelMetadata, Sequence[Attempt], Mapping[str, bytes]], str] = lambda *_: ""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows to learn from and rows held out, with the hash of what they hold and where their features come from."""

    training: LabelledRows
    held_out: LabelledRows
    data_sha256: str
    features_from: FeatureOrigin = "data"


@dataclass(frozen=True, slots=True)
class Trained:
    """A registered version, the aliases that now point to it, and what went wrong with recording it elsewhere."""

    metadata: ModelMetadata
    aliases: tuple[Alias, ...]
    warning: str = ""


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
    watch: Watch = lambda *_: None,
) -> Trained:
    """Find the best candidate, fit it and register it as challenger, as champion when told to or when there is none.

    Raises TrainingDataError, ParityError, AcceptanceError, StorageUnavailableError; then nothing is registered.
    """
    if use_case.training.search or len(use_case.candidates) > 1:
        progress(f"searching among {', '.join(use_case.candidates)}")
    found = find(use_case, rows.training, deps.fit, watch)
    choice = replace(found.choice, calibrated=use_case.training.calibrate)

    fit = partial(deps.fit, choice=choice)
    work = task(use_case, rows.training, fit, progress)
    progress(f"fitting {len(rows.training):,} rows")
    fitted = fit(use_case, rows.training)
    origin = Origin(choice.estimator, chosen=Chosen(**asdict(choice)), found=found)
    return register_model(use_case, rows, fitted, work, deps, origin, promote=promote, progress=progress)


def register_model(
    use_case: UseCase,
    rows: Rows,
    fitted: Model,
    work: Task,
    deps: TrainDependencies,
    origin: Origin,
    *,
    promote: bool = False,
    progress: Progress = lambda _: None,
) -> Trained:
    """Export a model, prove that the export answers alike, measure it on the held-out rows and register it.

    The way of everything that is fitted or imported. Raises ParityError, AcceptanceError, StorageUnavailableError; then
    nothing is registered.
    """
    progress("exporting")
    exported = fitted.export()
    scorer = deps.load(exported, use_case)
    progress(f"comparing the export on {random_count(use_case) + len(rows.held_out):,} rows")
    parity = check_parity(use_case, work, fitted, scorer, rows.training, rows.held_out)
    progress(f"measuring on {len(rows.held_out):,} held-out rows")
    answers = np.concatenate([scorer.score(*piece) for piece in pieces_of(rows.held_out)])
    metrics = work.measures(answers, rows.held_out.targets)
    require_accepted(metrics, use_case.training.acceptance)
    columns = Plain(use_case, rows.held_out.columns)
    files = {
        **fitted.save(),
        MODEL: exported,
        REFERENCE: as_json(work.reference(rows.held_out, columns, answers, fitted.vocabulary).to_dict()),
        EXAMPLES: as_json(examples(use_case, rows.held_out, answers)),
        DEFINITION: definition(use_case),
    }
    if origin.found and origin.found.attempts:
        files[RUNS] = runs(origin.found.attempts)
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
        estimator=origin.estimator,
        source=origin.source,
        chosen=origin.chosen,
        candidates=origin.found.candidates if origin.found else (),
        diagnostics=found,
        warnings=tuple(warnings(len(rows.held_out), metrics, work.interval)),
    )
    progress(f"registering {metadata.version}")
    files[CARD] = deps.card(metadata, use_case)  # it names the version, so it is no part of what that is named for
    metadata = metadata.model_copy(update={"files": {**metadata.files, CARD: hashlib.sha256(files[CARD]).hexdigest()}})
    deps.registry.register(metadata, files)
    aliases = _point(use_case, metadata.version, deps.registry, promote=promote)
    warning = deps.record(use_case, metadata, origin.found.attempts if origin.found else (), files)
    return Trained(metadata, aliases, warning)


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
        rows_trained=0 if found["source"] == "imported" else len(rows.training),
        rows_held_out=len(rows.held_out),
        files=hashes,
        libraries=deps.libraries,
        git_commit=deps.git_commit,
        features_from=rows.features_from,
        **found,
    )


def _point(use_case: UseCase, version: str, registry: "Registry", *, promote: bool) -> tuple[Alias, ...]:
    promoted = promote or not registry.has_usable_champion(use_case)
    aliases: tuple[Alias, ...] = ("champion", "challenger") if promoted else ("challenger",)
    for alias in aliases:
        registry.point(use_case.name, alias, version)
    return aliases
