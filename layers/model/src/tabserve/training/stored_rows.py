"""Labelled rows whose features come from the feature store, as those of a prediction by entity do."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tabserve.core.entities import FeatureStore
from tabserve.core.errors import TrainingDataError
from tabserve.core.features import DateFeature, Feature
from tabserve.core.records import Value
from tabserve.core.use_case import UseCase
from tabserve.core.validation import ENTITY_ID
from tabserve.training.dataset import Dataset
from tabserve.training.validation import blocks

# The rest would be a sample that nobody drew.
LEAST_SHARE_KNOWN: Final = 0.5


@dataclass(frozen=True, slots=True)
class StoredRows:
    """The rows of a data set whose entities the store knows, and how many it does not know."""

    dataset: Dataset
    known: int
    unknown: int


def with_stored_features(use_case: UseCase, data: Dataset, store: FeatureStore) -> StoredRows:
    """Take ids and ground truth from a data set and the features of the ids, as latest known, from the store.

    Raise TrainingDataError when the store knows too few of them, and UnavailableError.
    """
    id_column = use_case.id_column
    if id_column is None:
        raise TrainingDataError(f"{use_case.name} names no id_column: its rows cannot be found in the feature store.")
    pieces = list(blocks(data, (id_column, use_case.target.name)))
    ids = [cell for piece in pieces for cell in piece[id_column]]
    truths = [cell for piece in pieces for cell in piece[use_case.target.name]]
    known = store.get(use_case.name, [id_ for id_ in ids if ENTITY_ID.fullmatch(id_)])
    missing = next(iter(use_case.missing_values), "")
    rows = tuple(
        (
            id_,
            *(_text(use_case, each, known[id_].features.get(each.name), missing) for each in use_case.features),
            truth,
        )
        for id_, truth in zip(ids, truths, strict=True)
        if id_ in known
    )
    if len(rows) < LEAST_SHARE_KNOWN * len(ids):
        raise TrainingDataError(
            f"The feature store knows {len(rows)} of the {len(ids)} ids of {data.name}, at least half are needed; "
            "put a raw file of them into the raw bucket, with scripts/feed.py for example."
        )
    header = (id_column, *use_case.feature_names, use_case.target.name)
    return StoredRows(Dataset(f"{data.name} with stored features", header, rows), len(rows), len(ids) - len(rows))


def _text(use_case: UseCase, feature: Feature, value: Value, missing: str) -> str:
    """Return a value as a raw file would hold it."""
    if value is None:
        return missing
    if isinstance(feature, DateFeature) and feature.format:
        return datetime.fromisoformat(str(value)).strftime(feature.format)
    return repr(value).replace(".", use_case.format.decimal) if isinstance(value, float) else str(value)
