"""The report on a raw file as one HTML page without anything loaded from elsewhere.

Columns stand beside those of the champion's reference, which is read without the libraries that models need. The web
page shows the part in `main` with the style sheet, so both are written for it, too.
"""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from tabserve.core.buckets import ObjectStore
from tabserve.core.csv_files import folded
from tabserve.core.errors import UnavailableError
from tabserve.core.files import Ingestion
from tabserve.core.rules import DESCRIPTIONS
from tabserve.core.use_case import UseCase
from tabserve.ingestion.expectations import expectations, number, percent
from tabserve.ingestion.quarantine import shortened
from tabserve.ingestion.validation_result import ColumnStatistics, ValidationResult

TEMPLATES: Final = Path(__file__).parent / "templates"
ISSUES: Final = 10
CATEGORIES: Final = 6
QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, slots=True)
class Share:
    """What share of the values is one category or lies in one bin, in the file and in the reference, in per cent."""

    name: str
    here: float
    reference: float | None


@dataclass(frozen=True, slots=True)
class Reference:
    """One column of the champion's training data; the values of a number with how often each came."""

    statistics: ColumnStatistics
    values: tuple[float, ...] = ()
    weights: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """One column beside its reference: categories as shares, numbers as bins."""

    here: ColumnStatistics
    reference: ColumnStatistics | None
    shares: tuple[Share, ...]
    bins: tuple[Share, ...]

    @property
    def tallest(self) -> float:
        """The largest share of a bin, in per cent."""
        return max(max(bin_.here, bin_.reference or 0.0) for bin_ in self.bins)


class HtmlReports:
    """Writes reports; everything that came with a file is escaped."""

    def __init__(self, artifacts: ObjectStore, ui_url: str = "") -> None:
        """Take the bucket of the champions, and the address of the web page to link to, if there is one."""
        self._artifacts, self._ui_url = artifacts, ui_url
        self._references: dict[tuple[str, str], Mapping[str, Reference]] = {}

    def write(self, ingestion: Ingestion, result: ValidationResult, use_case: UseCase | None = None) -> bytes:
        """Return a self-contained page on a file whose objects have their keys."""
        issues = [issue for issue in result.issues if issue.rows]
        references = self.reference(str(ingestion.use_case)) if result.statistics else {}
        page = self._template.render(
            ingestion=ingestion,
            ui_url=self._ui_url,
            said=(ingestion.error or "").partition(": ")[2] or ingestion.error,
            found=result.header,
            wanted=use_case.required_columns if use_case else (),
            expectations=expectations(use_case, result) if use_case and not ingestion.error else (),
            issues=issues[:ISSUES],
            more_issues=issues[ISSUES:],
            warnings=[issue for issue in result.issues if not issue.rows and not ingestion.error],
            columns=[_column(column, references.get(column.column)) for column in result.statistics],
            samples=result.first_bad_rows,
            describe=lambda issue: DESCRIPTIONS.get(issue.rule, issue.rule),
            have={folded(name) for name in result.header},
            known={folded(name) for name in use_case.known_columns} if use_case else set(),
        )
        return page.encode()

    def reference(self, use_case: str) -> Mapping[str, Reference]:
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
        environment.filters |= {"number": number, "percent": percent, "short": shortened, "folded": folded}
        return environment.get_template("report.html")


def _column(here: ColumnStatistics, reference: Reference | None) -> Column:
    statistics = reference.statistics if reference else None
    return Column(here, statistics, tuple(_shares(here, statistics)), tuple(_bins(here, reference)))


def _shares(here: ColumnStatistics, reference: ColumnStatistics | None) -> list[Share]:
    counts = dict(here.top)
    expected = dict(reference.top) if reference else {}
    names = list(dict.fromkeys([*counts, *expected]))[:CATEGORIES]
    return [
        Share(
            name,
            _share(counts, name, here.values) or 0.0,
            _share(expected, name, reference.values) if reference else None,
        )
        for name in names
    ]


def _share(counts: Mapping[str, int], name: str, total: int) -> float | None:
    return 100 * counts.get(name, 0) / total if total else None


def _bins(here: ColumnStatistics, reference: Reference | None) -> list[Share]:
    total = sum(here.counts)
    if not total:
        return []
    expected = _binned(reference, here.edges) if reference and reference.values else [None] * len(here.counts)
    names = [f"{number(low)} to {number(high)}" for low, high in pairwise(here.edges)]
    return [
        Share(name, 100 * count / total, share) for name, count, share in zip(names, here.counts, expected, strict=True)
    ]


def _binned(reference: Reference, edges: Sequence[float]) -> list[float | None]:
    """Return the reference's share of each bin, in per cent; what is beyond the edges counts for the outer bins."""
    below = [0, *accumulate(reference.weights)]
    cuts = [0, *(below[bisect_right(reference.values, edge)] for edge in edges[1:-1]), below[-1]]
    return [100 * (end - start) / below[-1] for start, end in pairwise(cuts)]


def _reference(profile: Mapping[str, Any]) -> dict[str, Reference]:
    columns = {name: data for name, data in profile["columns"].items() if not name.startswith("@")}
    return {name: _reference_column(name, int(profile["rows"]), data) for name, data in columns.items()}


def _reference_column(name: str, rows: int, data: Mapping[str, Any]) -> Reference:
    missing = int(data["missing"])
    if data["kind"] == "categorical":
        top = sorted(data["categories"].items(), key=lambda item: -item[1])
        known = tuple((str(value), int(count)) for value, count in top)
        return Reference(ColumnStatistics(name, rows, missing, top=known))
    values, weights = data["values"], data["weights"]
    if not values:
        return Reference(ColumnStatistics(name, rows, missing))
    mean = sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)
    quantiles = tuple(_quantile(values, weights, share) for share in QUANTILES)
    statistics = ColumnStatistics(name, rows, missing, values[0], mean, values[-1], quantiles)
    return Reference(statistics, tuple(values), tuple(weights))


def _quantile(values: list[float], weights: list[int], share: float) -> float:
    ends = list(accumulate(weights))
    return values[bisect_left(ends, share * ends[-1])]
