"""A batch of predictions as the text PostgreSQL reads, built column by column."""

from datetime import datetime

from tabserve.core.copy_format import escaped
from tabserve.serving.json_columns import Texts, objects, texts
from tabserve.serving.prediction import PredictionBatch

COLUMNS = (
    "id",
    "features",
    "prediction",
    "probability",
    "probabilities",
    "entity_id",
    "row_number",
    "request_id",
    "use_case",
    "model_version",
    "source",
    "created_at",
    "file_id",
)


def varying(batch: PredictionBatch) -> tuple[Texts, ...]:
    """Return the text of the first seven columns, one entry a row; an empty text stands for NULL."""
    rows = len(batch)
    by_class = [texts(values) for values in zip(*batch.probabilities, strict=True)]
    return (
        list(batch.ids),
        objects([(name, texts(values)) for name, values in batch.columns.items()], rows),
        [batch.classes[index] for index in batch.chosen],
        texts(batch.confidences) if batch.positive is None else by_class[batch.positive],
        objects(list(zip(batch.classes, by_class, strict=True)), rows),
        [entity or "" for entity in batch.entity_ids] if any(batch.entity_ids) else [""] * rows,
        list(map(str, batch.row_numbers)) if batch.row_numbers is not None else [""] * rows,
    )


def constant(batch: PredictionBatch) -> tuple[str | datetime | None, ...]:
    """Return the other columns, the same for every row."""
    return (
        batch.request_id,
        batch.use_case,
        batch.model_version,
        batch.source,
        batch.created_at,
        batch.file_id,
    )


def copy_text(batch: PredictionBatch) -> str:
    """Return the rows for COPY … WITH (NULL '')."""
    rest = ["" if value is None else str(value) for value in constant(batch)]
    end = "\t".join(["", *escaped(rest)]) + "\n"
    return end.join(map("\t".join, zip(*map(escaped, varying(batch)), strict=True))) + end
