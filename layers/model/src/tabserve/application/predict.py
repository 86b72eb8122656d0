"""Answer records with a model's predictions and store every one of them."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tabserve.application.ports import Catalog, Clock, Models, PredictionStore
from tabserve.domain.prediction import FailureCase, HistoryQuery, Origin, Page, PredictionBatch, Source
from tabserve.domain.use_case import UseCase
from tabserve.domain.validation import Record, judge
from tabserve.errors import NoValidRecordsError, TooManyRecordsError

MAX_RECORDS = 5_000


@dataclass(frozen=True, slots=True)
class PredictDependencies:
    """What answering needs."""

    catalog: Catalog
    models: Models
    predictions: PredictionStore
    clock: Clock


@dataclass(frozen=True, slots=True)
class PredictRequest:
    """Records to predict; `origin` says which rows of a file they are."""

    use_case: str
    source: Source
    records: Sequence[Record]
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The stored predictions of a request's valid records and why the others were refused, by index."""

    use_case: UseCase
    batch: PredictionBatch
    indices: Sequence[int]
    errors: Mapping[int, tuple[FailureCase, ...]]


def predict(request: PredictRequest, deps: PredictDependencies) -> Answer:
    """Judge, score and store a request's records.

    Raises UnknownUseCaseError, TooManyRecordsError, NoValidRecordsError, ModelError, UnavailableError; then nothing
    is stored.
    """
    use_case = deps.catalog.get(request.use_case)
    if len(request.records) > MAX_RECORDS:
        raise TooManyRecordsError(len(request.records), MAX_RECORDS)
    judged = judge(use_case, request.records)
    if not judged.indices:
        raise NoValidRecordsError(judged.errors)
    model = deps.models.champion(use_case)
    origin = request.origin
    batch = PredictionBatch(
        request_id=str(uuid.uuid4()),
        use_case=use_case.name,
        model_version=model.version,
        source=request.source,
        created_at=deps.clock(),
        classes=use_case.target.texts,
        positive=use_case.target.positive_index,
        columns=judged.columns,
        probabilities=model.probabilities(judged.columns, len(judged.indices)),
        entity_ids=judged.entity_ids,
        file_id=origin.file_id if origin else None,
        row_numbers=[origin.row_numbers[index] for index in judged.indices] if origin else None,
    )
    deps.predictions.add(batch)
    return Answer(use_case, batch, judged.indices, judged.errors)


def past_predictions(query: HistoryQuery, deps: PredictDependencies) -> Page:
    """Read stored predictions, newest first; raise UnknownUseCaseError."""
    if query.use_case is not None:
        deps.catalog.get(query.use_case)
    return deps.predictions.past(query)
