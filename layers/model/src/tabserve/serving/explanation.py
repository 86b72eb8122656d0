"""What each value of a record adds to its prediction, compared with typical records.

Every typical record is turned into the explained one, a feature at a time, in a random order and in the reverse of
it; what a step changes is the effect of its feature. Averaged over all walks these are sampled Shapley values: they add
up to the difference between the record's score and the typical one. Where a model adds up its features' effects in
log-odds, as linear ones do, every order gives the same effects, and they are exact.

The cells to score grow with the square of the number of features: from some hundred on there are fewer typical records,
and memory holds the records of few walks at a time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tabserve.core.features import BooleanFeature, CategoryFeature, InputFeature
from tabserve.core.records import Features, Value
from tabserve.core.use_case import UseCase
from tabserve.reference.profile import CategoricalProfile, ColumnProfile, NumericProfile, Profile

Floats = NDArray[np.float64]
Score = Callable[[Mapping[str, Sequence[Value]], int], Sequence[Sequence[float]] | Floats]
Scale = Literal["log_odds", "probability", "value"]

TYPICAL_RECORDS = 64
FEWEST_TYPICAL_RECORDS = 8
MOST_CELLS = 32_000_000  # to score for one explanation: about four seconds
CELLS_AT_ONCE = 1_000_000
SEED = 0
ADDITIVE_WITHIN = 1e-3
SMALLEST = 1e-9
UNLEARNED = "\x7f"  # a category that no cell can have


@dataclass(frozen=True, slots=True)
class Explanation:
    """The effects of a record's features on the probability of one class, or on a number, on a scale they add up on.

    `class_index` is None, and the scale is "value", where a number is predicted. `method` is "exact" when the model was
    found to add up its features' effects, otherwise "sampled".
    """

    class_index: int | None
    answer: float
    typical_answer: float
    effects: Mapping[str, float]
    scale: Scale
    method: Literal["exact", "sampled"]
    typical_records: int


def explain(use_case: UseCase, record: Features, profile: Profile, score: Score) -> Explanation:
    """Explain the positive class of a record, or the predicted one where there is no positive class; or the number.

    `record` has the model's inputs, those that are derived from the record's columns among them.
    """
    names = use_case.input_names
    count = typical_count(len(names))
    typical = typical_records(use_case, profile, count)
    orders = _orders(len(names), count)
    scores = _scored(names, record, typical, orders, score)
    class_index = None if use_case.is_regression else _class(use_case, scores[0, -1])
    answers = scores[:, :, class_index or 0]
    scale: Scale = "value"
    effects, additive = _effects(answers, orders, ADDITIVE_WITHIN * float(np.ptp(answers)))
    if class_index is not None:
        in_log_odds, additive = _effects(log_odds(scores, class_index), orders, ADDITIVE_WITHIN)
        scale, effects = ("log_odds", in_log_odds) if additive else ("probability", effects)
    return Explanation(
        class_index=class_index,
        answer=float(answers[0, -1]),
        typical_answer=float(answers[:, 0].mean()),
        effects={name: float(effects[:, place].mean()) for place, name in enumerate(names)},
        scale=scale,
        method="exact" if additive else "sampled",
        typical_records=count,
    )


def _class(use_case: UseCase, probabilities: Floats) -> int:
    positive = use_case.target.positive_index
    return int(probabilities.argmax()) if positive is None else positive


def typical_count(features: int) -> int:
    """Return how many typical records a record of so many features is compared with."""
    affordable = MOST_CELLS // (2 * features * (features + 1))
    return min(TYPICAL_RECORDS, max(FEWEST_TYPICAL_RECORDS, affordable))


def typical_records(use_case: UseCase, profile: Profile, count: int) -> dict[str, list[Value]]:
    """Return records whose columns look like the reference's, drawn independently, by column."""
    shuffle = np.random.default_rng(SEED)
    columns = {}
    for feature in use_case.inputs:
        values = _spread(profile.columns[feature.name], feature, count)
        columns[feature.name] = [values[place] for place in shuffle.permutation(count)]
    return columns


def log_odds(probabilities: Floats, class_index: int) -> Floats:
    """Return the log of a class's probability against the geometric mean of the others' (the last axis)."""
    logs = np.log(np.clip(probabilities, SMALLEST, 1.0))
    others = np.delete(logs, class_index, axis=-1)
    difference: Floats = logs[..., class_index] - others.mean(axis=-1)
    return difference


def _spread(column: ColumnProfile, feature: InputFeature, count: int) -> list[Value]:
    """Return values at evenly spaced ranks of a column, missing ones last."""
    known: list[Value]
    if isinstance(column, NumericProfile):
        known, weights = column.values.tolist(), column.weights.tolist()
    else:
        known, weights = _categories(column, feature), [*column.categories.values(), column.other]
    ends = np.cumsum([*weights, column.missing])
    ranks = (np.arange(count) + 0.5) * ends[-1] / count
    return [[*known, None][place] for place in np.searchsorted(ends, ranks, side="right")]


def _categories(column: CategoricalProfile, feature: InputFeature) -> list[Value]:
    """Return a column's categories as records hold them, and one that no model has learned."""
    as_texts: Mapping[str, Value] = {}
    if isinstance(feature, CategoryFeature | BooleanFeature):
        as_texts = dict(zip(feature.texts, feature.categories, strict=True))
    return [*(as_texts.get(text, text) for text in column.categories), UNLEARNED]


def _orders(features: int, typical: int) -> NDArray[np.intp]:
    """Return a random order of the features and its reverse for each typical record, one after the other."""
    shuffle = np.random.default_rng(SEED)
    orders = [shuffle.permutation(features) for _ in range(typical)]
    return np.array([each for order in orders for each in (order, order[::-1])], dtype=np.intp)


def _scored(
    names: Sequence[str],
    record: Features,
    typical: Mapping[str, list[Value]],
    orders: NDArray[np.intp],
    score: Score,
) -> Floats:
    """Score all records met on the way from typical ones to the explained one; return (walks, steps, classes)."""
    walks_at_once = max(1, CELLS_AT_ONCE // (len(names) * (len(names) + 1)))
    steps = np.argsort(orders, axis=1) + 1  # the step of a walk at which each feature takes the record's value
    owners = np.arange(len(orders)) // 2  # the typical record that a walk starts from
    found = []
    for start in range(0, len(orders), walks_at_once):
        walks = slice(start, start + walks_at_once)
        points = _points(names, record, typical, steps[walks], owners[walks])
        rows = len(points[names[0]])
        found.append(np.asarray(score(points, rows), dtype=np.float64))
    return np.concatenate(found).reshape(len(orders), len(names) + 1, -1)


def _points(
    names: Sequence[str],
    record: Features,
    typical: Mapping[str, list[Value]],
    steps: NDArray[np.intp],
    owners: NDArray[np.intp],
) -> dict[str, list[Value]]:
    """Return by column the records met on some walks, one walk after the other."""
    step = np.arange(len(names) + 1)
    points: dict[str, list[Value]] = {}
    for place, name in enumerate(names):
        own, others = np.array([record.get(name)], dtype=object), np.array(typical[name], dtype=object)
        points[name] = np.where(step >= steps[:, [place]], own, others[owners, np.newaxis]).ravel().tolist()
    return points


def _effects(scores: Floats, orders: NDArray[np.intp], within: float) -> tuple[Floats, bool]:
    """Return the effect of each feature on each walk, and whether it is about the same in both orders."""
    effects = np.empty(orders.shape)
    np.put_along_axis(effects, orders, np.diff(scores, axis=1), axis=1)
    additive = bool(np.abs(effects[0::2] - effects[1::2]).max() <= within)
    return effects, additive
