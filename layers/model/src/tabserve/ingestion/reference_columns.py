"""The champion's reference as column statistics, without the libraries that models need."""

import json
from collections.abc import Mapping
from typing import Any, Final

from tabserve.core.buckets import ObjectStore
from tabserve.core.errors import UnavailableError
from tabserve.core.use_case import UseCase
from tabserve.ingestion.validation_result import ColumnStatistics

QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)


class ChampionColumns:
    """Reads `reference.json` of the champion in the artifacts bucket, once a version."""

    def __init__(self, artifacts: ObjectStore) -> None:
        self._artifacts = artifacts
        self._read: dict[tuple[str, str], Mapping[str, ColumnStatistics]] = {}

    def statistics(self, use_case: UseCase) -> Mapping[str, ColumnStatistics]:
        """Return the reference by column; empty without a champion: a report is worth having without it."""
        try:
            version = str(json.loads(self._artifacts.get(f"models/{use_case.name}/aliases/champion.json"))["version"])
            if (use_case.name, version) not in self._read:
                body = json.loads(self._artifacts.get(f"models/{use_case.name}/{version}/reference.json"))
                self._read[use_case.name, version] = _statistics(body["profile"])
            return self._read[use_case.name, version]
        except (KeyError, ValueError, TypeError, UnavailableError):
            return {}


def _statistics(profile: Mapping[str, Any]) -> dict[str, ColumnStatistics]:
    columns = {name: data for name, data in profile["columns"].items() if not name.startswith("@")}
    return {name: _column(name, int(profile["rows"]), data) for name, data in columns.items()}


def _column(name: str, rows: int, data: Mapping[str, Any]) -> ColumnStatistics:
    missing = int(data["missing"])
    if data["kind"] == "categorical":
        top = sorted(data["categories"].items(), key=lambda item: -item[1])
        return ColumnStatistics(name, rows, missing, top=tuple((str(value), int(count)) for value, count in top))
    values, weights = data["values"], data["weights"]
    if not values:
        return ColumnStatistics(name, rows, missing)
    mean = sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)
    quantiles = tuple(_quantile(values, weights, share) for share in QUANTILES)
    return ColumnStatistics(name, rows, missing, values[0], mean, values[-1], quantiles)


def _quantile(values: list[float], weights: list[int], share: float) -> float:
    wanted, seen = share * sum(weights), 0.0
    for value, weight in zip(values, weights, strict=True):
        seen += weight
        if seen >= wanted:
            return value
    return values[-1]
