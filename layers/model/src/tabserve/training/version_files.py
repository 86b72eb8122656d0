"""The files of a version that are made of its definition and its held-out rows, and what to know before trusting it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tabserve.core.training import MetricName
from tabserve.core.use_case import SCHEMA_VERSION, UseCase
from tabserve.registry.version import Example, Interval, Metric
from tabserve.training.cells import Plain
from tabserve.training.dataset import LabelledRows

EXAMPLE_ROWS: Final = 20
ENOUGH_REFERENCE_ROWS: Final = 500
Floats = NDArray[np.float64]


def definition(use_case: UseCase) -> bytes:
    """Return a definition as it travels with the versions that were trained on it."""
    content = use_case.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return as_json({"schema_version": SCHEMA_VERSION, **content})


def examples(use_case: UseCase, rows: LabelledRows, answers: Floats) -> list[dict[str, Any]]:
    """Return the first rows with their answers, as records hold them."""
    columns = dict(Plain(use_case, rows.take(range(min(EXAMPLE_ROWS, len(rows)))).columns))
    return [
        Example(
            features={name: columns[name][place] for name in use_case.feature_names},
            **({"value": row[0]} if use_case.is_regression else {"probabilities": row}),
        ).model_dump()
        for place, row in enumerate(answers[:EXAMPLE_ROWS].tolist())
    ]


def warnings(count: int, metrics: Mapping[MetricName, Metric], interval: Interval | None) -> Iterator[str]:
    """Yield what to know of `count` held-out rows and what was measured on them, a sentence each."""
    if count < ENOUGH_REFERENCE_ROWS:
        yield (
            f"The reference has {count} rows, fewer than {ENOUGH_REFERENCE_ROWS}: an unlucky one raises more false "
            "drift alarms than promised, and only large losses of performance stand out. Hold more rows out if you can."
        )
    coverage = metrics.get("coverage")
    if interval and coverage and not coverage.low <= interval.share <= coverage.high:
        yield (
            f"The interval is meant to hold {interval.share:.0%} of the true values and holds {coverage.value:.1%} of "
            "the held-out ones: are they as those it learned from?"
        )


def as_json(content: object) -> bytes:
    """Return JSON as the files of a version are written."""
    return json.dumps(content, ensure_ascii=False).encode()
