"""Answer records with a model's predictions and store every one of them.

Only `predict` is a coroutine, for the group commit: no blocking call may stand in it, but of who is alone. The other
functions block, and whoever has other calls to answer runs them in a thread.
"""

from asyncio import to_thread
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tabserve.alerts.ports import AlertOutbox
from tabserve.core.buckets import ObjectStore
from tabserve.core.catalog import Catalog
from tabserve.core.clock import Clock
from tabserve.core.entities import FeatureStore
from tabserve.core.errors import IdempotencyConflictError, NoValidRecordsError, TooManyRecordsError
from tabserve.core.files import Ingestion
from tabserve.core.queues import Queue
from tabserve.core.records import FailureCase, Origin, Source
from tabserve.core.settings import Settings
from tabserve.core.use_case import UseCase
from tabserve.core.validation import ENTITY_ID, Record, validate
from tabserve.serving.answers import Served
from tabserve.serving.ports import Models, ObjectLinks, PredictionStore
from tabserve.serving.prediction import PredictionBatch, StoredReply
from tabserve.serving.scoring import Rows, scored
from tabserve.serving.trials import Trials

if TYPE_CHECKING:
    from tabserve.reference.reference import References
    from tabserve.registry.release import Releases
    from tabserve.registry.store import Registry
    from tabserve.serving.group_commit import GroupCommit

MAX_RECORDS = 5_000


@dataclass(frozen=True, slots=True)
class PredictDependencies:
    """What answering needs; `writer` writes to `predictions`, and what is called is made when it is first needed."""

    settings: Settings
    catalog: Catalog
    models: Models
    registry: Callable[[], "Registry"]
    releases: Callable[[], "Releases"]
    trials: Trials
    predictions: PredictionStore
    writer: "GroupCommit"
    features: FeatureStore
    references: Callable[[], "References"]
    raw_links: ObjectLinks
    artifact_links: ObjectLinks
    bad_links: ObjectLinks
    find_file: Callable[[str], Ingestion | None]
    alerts: Callable[[], AlertOutbox]
    results: Queue
    large_answers: Callable[[], ObjectStore]
    clock: Clock

    @property
    def default_use_case(self) -> str:
        """The use case of a bare record; empty when there is no definition of that name."""
        name = self.settings.default_use_case
        return name if self.catalog.knows(name) else ""


@dataclass(frozen=True, slots=True)
class PredictRequest:
    """Records to predict; `origin` says which rows of a file they are."""

    request_id: str
    use_case: str
    source: Source
    records: Sequence[Record]
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The predictions of a request's valid records and why the others were refused, by index.

    `indices` are those of the batch's own rows, `canary_indices` those of the rows that a canary answered beside it.
    """

    use_case: UseCase
    batch: PredictionBatch
    indices: Sequence[int]
    canary_indices: Sequence[int]
    errors: Mapping[int, Sequence[FailureCase]]


@dataclass(frozen=True, slots=True)
class FileAnswer:
    """How many rows of a file have a prediction now, and why the others were refused, by index."""

    predicted: int
    errors: Mapping[int, Sequence[FailureCase]]


async def predict(request: PredictRequest, deps: PredictDependencies, *, alone: bool = False) -> Answer:
    """Validate, score and store a request's records.

    Who is `alone`, as each call of a Lambda function is, holds up nobody and writes at once; others share commits.
    Raises UnknownUseCaseError, TooManyRecordsError, NoValidRecordsError, ModelError, UnavailableError; then nothing
    is stored.
    """
    answer = await to_thread(_answer, request, deps) if _must_read(request, deps) else _answer(request, deps)
    if alone:
        deps.predictions.add(answer.batch)
    else:
        await deps.writer.add(answer.batch)
    if deps.trials.is_due():
        await to_thread(deps.trials.settle)
    return answer


def predict_file(request: PredictRequest, origin: Origin, deps: PredictDependencies) -> FileAnswer:
    """Do as `predict` does for rows of a file, all of which may be refused.

    Raise LeaseLostError, too, when there is a newer claim on the file.
    """
    try:
        answer = _answer(request, deps)
    except NoValidRecordsError as error:
        return FileAnswer(0, error.errors)
    deps.predictions.add_of_file(answer.batch, origin.fence)
    deps.trials.settle()
    return FileAnswer(len(answer.batch), answer.errors)


def predict_once(
    request: PredictRequest, key: str, body_sha256: str, render: Callable[[Answer], bytes], deps: PredictDependencies
) -> bytes:
    """Do as `predict` does for the first request under a key; repeat its answer to every other, model or not.

    Raises IdempotencyConflictError when the first request had another body, and what `predict` raises.
    """
    first = deps.predictions.find_reply(key)
    if first is None:
        answer = _answer(request, deps)
        reply = StoredReply(key, request.use_case, body_sha256, render(answer), deps.clock())
        first = deps.predictions.add_once(answer.batch, reply) or reply
        deps.trials.settle()
    if first.body_sha256 != body_sha256:
        raise IdempotencyConflictError
    return first.response


def _must_read(request: PredictRequest, deps: PredictDependencies) -> bool:
    """Tell whether a model or an entity's features must be read before the records can be scored."""
    return 1 in map(len, request.records) or deps.models.serving(request.use_case) is None


def _answer(request: PredictRequest, deps: PredictDependencies) -> Answer:
    if len(request.records) > MAX_RECORDS:
        raise TooManyRecordsError(len(request.records), MAX_RECORDS)
    served = _served(request, deps)
    use_case = served.use_case
    records, unknown = _with_stored_features(use_case, request.records, deps.features)
    validated = validate(use_case, records, unknown)
    if not validated.indices:
        raise NoValidRecordsError(validated.errors)
    origin = request.origin
    rows = Rows(
        request_id=request.request_id,
        use_case=use_case.name,
        source=request.source,
        created_at=deps.clock(),
        columns=validated.columns,
        places=validated.indices,
        entity_ids=validated.entity_ids,
        file_id=origin.file_id if origin else None,
        row_numbers=[origin.row_numbers[index] for index in validated.indices] if origin else None,
    )
    return Answer(use_case, *scored(rows, served, deps.trials), errors=validated.errors)


def _served(request: PredictRequest, deps: PredictDependencies) -> Served:
    """Return what answers: the champion, and for rows of a file a version that knows what they were judged by."""
    contract = request.origin.contract_sha256 if request.origin else ""
    return deps.models.judged_by(request.use_case, contract) if contract else deps.models.champion(request.use_case)


def _with_stored_features(
    use_case: UseCase, records: Sequence[Record], store: FeatureStore
) -> tuple[Sequence[Record], dict[int, FailureCase]]:
    """Fill in records that are nothing but an entity's id; refuse those whose entity nobody knows."""
    asked = {i: id_ for i, record in enumerate(records) if len(record) == 1 and (id_ := _lone_entity_id(record))}
    if not asked:
        return records, {}
    known = store.get(use_case.name, sorted(set(asked.values())))
    filled = list(records)
    for index, entity_id in asked.items():
        if entity_id in known:
            filled[index] = {**known[entity_id].features, "entity_id": entity_id}
    return filled, {index: _unknown(use_case) for index, entity_id in asked.items() if entity_id not in known}


def _lone_entity_id(record: Record) -> str | None:
    entity_id = record.get("entity_id")
    return entity_id if isinstance(entity_id, str) and ENTITY_ID.fullmatch(entity_id) else None


def _unknown(use_case: UseCase) -> FailureCase:
    message = f"entity_id is not in the feature store of {use_case.name}; send the features instead"
    return FailureCase("entity_id", "unknown_entity", message)
