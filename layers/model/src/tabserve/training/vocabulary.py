"""What is learned of open categories: their most frequent values."""

from collections import Counter
from collections.abc import Mapping

from tabserve.core.features import CategoryFeature
from tabserve.core.use_case import UseCase
from tabserve.training.dataset import Array

Vocabulary = dict[str, tuple[str, ...]]


def learned(use_case: UseCase, columns: Mapping[str, Array]) -> Vocabulary:
    """Return by open category, derived ones among them, as many values as it keeps, most frequent first, ties by text.

    Take the columns of the rows to learn from, and of no others.
    """
    features = (each for each in use_case.inputs if isinstance(each, CategoryFeature) and each.is_open)
    return {each.name: _most_frequent(columns[each.name], each.keep) for each in features}


def _most_frequent(column: Array, keep: int) -> tuple[str, ...]:
    counts = Counter(str(value) for value in column if value is not None)
    return tuple(sorted(counts, key=lambda text: (-counts[text], text))[:keep])
