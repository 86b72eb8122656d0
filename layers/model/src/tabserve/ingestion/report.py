"""The report on a raw file as one HTML page without anything loaded from elsewhere.

Columns stand beside those of the champion's reference, which is read without the libraries that models need.
"""

import json
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from tabserve.core.buckets import ObjectStore
from tabserve.core.errors import UnavailableError
from tabserve.core.files import Ingestion
from tabserve.core.rules import DESCRIPTIONS
from tabserve.ingestion.quarantine import shortened
from tabserve.ingestion.validation_result import ColumnStatistics, ValidationResult

TEMPLATES: Final = Path(__file__).parent / "templates"
ISSUES: Final = 15
CATEGORIES: Final = 6
QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, slots=True)
class Share:
    """One category's share of the values, in the file and in the reference, as percentages."""

    name: str
    here: float
    reference: float | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column beside its reference."""

    here: ColumnStatistics
    reference: ColumnStatistics | None
    shares: tuple[Share, ...]


class HtmlReports:
    """Writes reports; everything that came with a file is escaped."""

    def __init__(self, artifacts: ObjectStore) -> None:
        """Take the bucket of the champions."""
        self._artifacts = artifacts
        self._references: dict[tuple[str, str], Mapping[str, ColumnStatistics]] = {}

    def write(self, ingestion: Ingestion, result: ValidationResult) -> bytes:
        """Return a self-contained page on a file whose objects have their keys."""
        issues = [issue for issue in result.issues if issue.rows]
        references = self.reference(str(ingestion.use_case)) if result.statistics else {}
        page = self._template.render(
            ingestion=ingestion,
            issues=issues[:ISSUES],
            more_issues=max(0, len(issues) - ISSUES),
            most=max((issue.rows for issue in issues), default=1),
            warnings=[issue for issue in result.issues if not issue.rows and not ingestion.error],
            columns=[_column(column, references.get(column.column)) for column in result.statistics],
            samples=result.first_bad_rows,
            describe=lambda issue: DESCRIPTIONS.get(issue.rule, issue.rule),
        )
        return page.encode()

    def reference(self, use_case: str) -> Mapping[str, ColumnStatistics]:
        """Return the champion's reference by column; empty without one: a report is worth having without it."""
        try:
            version = str(self._json(f"models/{use_case}/aliases/champion.json")["version"])
            if (use_case, version) not in self._references:
                profile = self._json(f"models/{use_case}/{version}/reference.json")["profile"]
                self._references[use_case, version] = _reference(profile)
            return self._references[use_case, version]
        except (KeyError, ValueError, TypeError, UnavailableError):
            return {}

    def _json(self, key: str) -> Any:  # noqa: ANN401  whatever the file holds
        return json.loads(self._artifacts.get(key))

    @cached_property
    def _template(self) -> Template:
        environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
        environment.trim_blocks = environment.lstrip_blocks = True
        environment.filters |= {"number": _number, "percent": _percent, "short": shortened}
        return environment.get_template("report.html")


def _column(here: ColumnStatistics, reference: ColumnStatistics | None) -> Column:
    return Column(here, reference, tuple(_shares(here, reference)))


def _shares(here: ColumnStatistics, reference: ColumnStatistics | None) -> list[Share]:
    counts = dict(here.top)
    expected = dict(reference.top) if reference else {}
    names = list(dict.fromkeys([*counts, *expected]))[:CATEGORIES]
    return [Share(name, _share(counts, name) or 0.0, _share(expected, name) if reference else None) for name in names]


def _share(counts: Mapping[str, int], name: str) -> float | None:
    total = sum(counts.values())
    return 100 * counts.get(name, 0) / total if total else None


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value == int(value) and abs(value) >= 1000 else f"{value:,.4g}"


def _percent(part: float, whole: float) -> str:
    if not whole:
        return "–"
    share = 100 * part / whole
    return f"{share:.1f} %" if share >= 0.05 or not part else "< 0.1 %"


def _reference(profile: Mapping[str, Any]) -> dict[str, ColumnStatistics]:
    columns = {name: data for name, data in profile["columns"].items() if not name.startswith("@")}
    return {name: _reference_column(name, int(profile["rows"]), data) for name, data in columns.items()}


def _reference_column(name: str, rows: int, data: Mapping[str, Any]) -> ColumnStatistics:
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
    ends = list(accumulate(weights))
    return values[bisect_left(ends, share * ends[-1])]
