"""Read what was predicted."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from functions.predict.answers import Count, PredictedClass, PredictedNumber, Time, json_reply
from functions.predict.problems import Described
from functions.predict.request import UUID, EntityId, PredictionId, deps_of
from tabserve.core.chunks import chunks
from tabserve.core.records import AnswerRole, Source
from tabserve.core.use_case import UseCase
from tabserve.serving.prediction import Cursor, HistoryQuery, Prediction
from tabserve.serving.views import past_predictions

router = APIRouter(tags=["predictions"])

ISO_TIME = re.compile(r"\d{4}-\d{2}-\d{2}(T|$)")
UNESCAPED_PLUS = re.compile(r"(T.*) (\d{2}:?\d{2})$")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_BYTES = 4_500_000  # of predictions in one answer; Lambda's end at 6 MB, quotes escaped
MICROSECOND = timedelta(microseconds=1)


def iso_time(text: object) -> object:
    """Refuse what is not an ISO 8601 date or time; mend a plus sign that a query string turned into a space."""
    if not isinstance(text, str) or not ISO_TIME.match(text):
        raise ValueError("write it like 2026-01-31 or 2026-01-31T12:00:00Z")
    return UNESCAPED_PLUS.sub(r"\1+\2", text)


def utc(time: datetime) -> datetime:
    """Return a time in UTC, reading one without a zone as UTC; databases know fewer offsets than ISO 8601."""
    if time.tzinfo is None:
        return time.replace(tzinfo=UTC)
    try:
        return time.astimezone(UTC)
    except OverflowError:  # in UTC it is before the year 1 or after 9999
        return datetime.min.replace(tzinfo=UTC) if time.year == 1 else datetime.max.replace(tzinfo=UTC)


Utc = Annotated[datetime, BeforeValidator(iso_time), AfterValidator(utc)]


class HistoryParameters(BaseModel):
    """Filters of past predictions; times without a zone are UTC, `to` is not included."""

    model_config = ConfigDict(extra="forbid")

    use_case: str | None = None
    source: Literal[Source, "all"] = "all"
    start: Utc | None = Field(default=None, alias="from")
    end: Utc | None = Field(default=None, alias="to")
    model_version: Annotated[str, Field(pattern="^[0-9A-Za-z-]{1,40}$")] | None = None
    prediction: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")] | None = None
    entity_id: EntityId | None = None
    prediction_id: PredictionId | None = None
    limit: int = Field(default=100, ge=1, le=1000)
    cursor: Annotated[str, Field(pattern=f"^[0-9]{{16}}\\.{UUID}$")] | None = None

    def query(self) -> HistoryQuery:
        """Return the query these parameters ask for."""
        filters = self.model_dump(exclude={"source", "cursor"})
        source = None if self.source == "all" else self.source
        return HistoryQuery(**filters, source=source, cursor=read_cursor(self.cursor) if self.cursor else None)


class _Past(Described):
    request_id: str
    use_case: str
    model_version: str
    role: AnswerRole
    source: Source
    created_at: Time
    features: dict[str, Any]
    entity_id: str | None
    file_id: str | None
    row_number: Count | None


class PastPrediction(PredictedClass, _Past):
    """A stored prediction of a class."""


class PastNumberPrediction(PredictedNumber, _Past):
    """A stored prediction of a number."""


class PastPredictions(Described):
    """Stored predictions, newest first, and where the next page begins."""

    predictions: list[PastPrediction | PastNumberPrediction]
    next_cursor: str | None


@router.get("/past-predictions", response_model=PastPredictions)
def get_past_predictions(request: Request, parameters: Annotated[HistoryParameters, Query()]) -> Response:
    """Read stored predictions, newest first; wide ones come fewer at once than `limit`, with a cursor."""
    deps = deps_of(request)
    page = past_predictions(parameters.query(), deps)
    use_cases = {name: deps.catalog.get(name) for name in deps.catalog.names()}
    written = (orjson.dumps(_past(each, use_cases.get(each.use_case))) for each in page.predictions)
    first = next(chunks(written, len, MOST_BYTES, len(page.predictions)), [])
    if len(first) < len(page.predictions):
        page = page.first(len(first))
    cursor = write_cursor(page.next_cursor) if page.next_cursor else None
    return json_reply({"predictions": list(map(orjson.Fragment, first)), "next_cursor": cursor})


def _past(prediction: Prediction, use_case: UseCase | None) -> dict[str, Any]:
    return {
        "prediction_id": prediction.id,
        "request_id": prediction.request_id,
        "use_case": prediction.use_case,
        "model_version": prediction.model_version,
        "role": prediction.role,
        "source": prediction.source,
        "created_at": prediction.created_at.astimezone(UTC).isoformat(),
        "features": prediction.features,
        **_answer(prediction, use_case),
        "entity_id": prediction.entity_id,
        "file_id": prediction.file_id,
        "row_number": prediction.row_number,
    }


def _answer(stored: Prediction, use_case: UseCase | None) -> dict[str, Any]:
    if stored.value is not None:
        return {"prediction": stored.value, "interval": None if stored.low is None else [stored.low, stored.high]}
    class_, label = _class_and_label(stored.prediction, use_case)
    probabilities = {"probability": stored.probability, "probabilities": stored.probabilities}
    return {"prediction": class_, "label": label, **probabilities}


def _class_and_label(text: str, use_case: UseCase | None) -> tuple[str | int, str]:
    texts: Sequence[str] = use_case.target.texts if use_case else ()
    if use_case is None or text not in texts:
        return text, text
    index = texts.index(text)
    return use_case.target.classes[index], use_case.target.label(index)


def write_cursor(cursor: Cursor) -> str:
    """Return a place in the history as microseconds since 1970 and an id."""
    return f"{(cursor.created_at - EPOCH) // MICROSECOND:016d}.{cursor.id}"


def read_cursor(text: str) -> Cursor:
    """Read what `write_cursor` wrote."""
    microseconds, _, id_ = text.partition(".")
    return Cursor(EPOCH + int(microseconds) * MICROSECOND, id_)
