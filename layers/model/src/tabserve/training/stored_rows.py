"""Labelled rows whose features come from the feature store, as those of a prediction by entity do."""

from dataclasses import dataclass
from typing import Final

from tabserve.core.entities import FeatureStore
from tabserve.core.errors import TrainingDataError
from tabserve.core.records import Value
from tabserve.core.use_case import UseCase
from tabserve.core.validation import ENTITY_ID
from tabserve.training.dataset import Dataset, cells_by_column

# The rest would be a sample that nobody drew.
LEAST_SHARE_KNOWN: Final = 0.5


@dataclass(frozen=True, slots=True)
class StoredRows:
    """The rows of a data set whose entities the store knows, and how many it does not know."""

    dataset: Dataset
    unknown: int


def with_stored_features(use_case: UseCase, data: Dataset, store: FeatureStore) -> StoredRows:
    """Take ids and ground truth from a data set and the features of the ids, as latest known, from the store.

    Raise TrainingDataError when the store knows too few of them, and UnavailableError.
    """
    columns = cells_by_column(data, (use_case.id_column, use_case.target.name))
    ids, truths = columns[use_case.id_column], columns[use_case.target.name]
    known = store.get(use_case.name, [id_ for id_ in ids if ENTITY_ID.fullmatch(id_)])
    missing = next(iter(use_case.missing_values), "")
    rows = tuple(
        (id_, *(_text(known[id_].features.get(name), missing) for name in use_case.feature_names), truth)
        for id_, truth in zip(ids, truths, strict=True)
        if id_ in known
    )
    if len(rows) < LEAST_SHARE_KNOWN * len(ids):
        raise TrainingDataError(
            f"The feature store knows {len(rows)} of the {len(ids)} ids of {data.name}, at least half are needed; "
            "put a raw file of them into the raw bucket, with scripts/feed.py for example."
        )
    header = (use_case.id_column, *use_case.feature_names, use_case.target.name)
    return StoredRows(Dataset(f"{data.name} with stored features", header, rows), len(ids) - len(rows))


def _text(value: Value, missing: str) -> str:
    """Return a value as a CSV file would hold it."""
    if value is None:
        return missing
    return repr(value) if isinstance(value, float) else str(value)
