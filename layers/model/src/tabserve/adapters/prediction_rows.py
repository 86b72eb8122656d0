"""A batch of predictions as the text PostgreSQL reads, built column by column."""

import json
from collections.abc import Sequence
from datetime import datetime

from tabserve.domain.prediction import PredictionBatch, Value

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
Texts = list[str]
SPECIAL = "\\\t\r\n"
ESCAPES = str.maketrans({char: repr(char)[1:-1] for char in SPECIAL})


def varying(batch: PredictionBatch) -> tuple[Texts, ...]:
    """Return the text of the first seven columns, one entry a row; an empty text stands for NULL."""
    rows = len(batch)
    by_class = [list(map(repr, values)) for values in zip(*batch.probabilities, strict=True)]
    return (
        list(batch.ids),
        _objects([(name, _values(values)) for name, values in batch.columns.items()], rows),
        [batch.classes[index] for index in batch.chosen],
        list(map(repr, batch.confidences)) if batch.positive is None else by_class[batch.positive],
        _objects(list(zip(batch.classes, by_class, strict=True)), rows),
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


def escaped(texts: Texts) -> Texts:
    """Return texts as COPY wants them."""
    joined = "".join(texts)
    return [text.translate(ESCAPES) for text in texts] if any(char in joined for char in SPECIAL) else texts


def _values(values: Sequence[Value]) -> Texts:
    """Encode a column; a column of categories has few distinct values, one of numbers encodes fast."""
    types = set(map(type, values))
    if types <= {int, float}:
        return list(map(repr, values))
    if types <= {int, float, type(None)}:
        return ["null" if value is None else repr(value) for value in values]
    if types <= {str, type(None)}:
        known = {value: json.dumps(value) for value in set(values)}
        return [known[value] for value in values]
    return list(map(json.dumps, values))  # 1, 1.0 and True are one key of a dictionary


def _objects(members: Sequence[tuple[str, Texts]], rows: int) -> Texts:
    """Return one JSON object a row."""
    if not members:
        return ["{}"] * rows
    template = "{" + ",".join(json.dumps(name).replace("%", "%%") + ":%s" for name, _ in members) + "}"
    return [template % row for row in zip(*(texts for _, texts in members), strict=True)]
