"""The report on a raw file as one HTML page without anything loaded from elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from tabserve.core.rules import DESCRIPTIONS
from tabserve.ingestion.quarantine import shortened
from tabserve.ingestion.report_content import Report
from tabserve.ingestion.validation_result import ColumnStatistics, Issue

TEMPLATES: Final = Path(__file__).parent / "templates"
ISSUES: Final = 15
CATEGORIES: Final = 6


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

    def write(self, report: Report) -> bytes:
        """Return a self-contained page."""
        issues = [issue for issue in report.split.issues if issue.rows]
        page = self._template.render(
            ingestion=report.ingestion,
            issues=issues[:ISSUES],
            more_issues=max(0, len(issues) - ISSUES),
            most=max((issue.rows for issue in issues), default=1),
            warnings=[issue for issue in report.split.issues if not issue.rows and not report.ingestion.error],
            columns=[_column(column, report.reference) for column in report.split.statistics],
            samples=report.samples,
            describe=_describe,
        )
        return page.encode()

    @cached_property
    def _template(self) -> Template:
        environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
        environment.trim_blocks = environment.lstrip_blocks = True
        environment.filters |= {"number": _number, "percent": _percent, "short": shortened}
        return environment.get_template("report.html")


def _column(here: ColumnStatistics, references: Mapping[str, ColumnStatistics]) -> Column:
    reference = references.get(here.column)
    return Column(here, reference, tuple(_shares(here, reference)))


def _shares(here: ColumnStatistics, reference: ColumnStatistics | None) -> list[Share]:
    counts = dict(here.top)
    expected = dict(reference.top) if reference else {}
    names = list(dict.fromkeys([*counts, *expected]))[:CATEGORIES]
    return [Share(name, _share(counts, name) or 0.0, _share(expected, name) if reference else None) for name in names]


def _share(counts: Mapping[str, int], name: str) -> float | None:
    total = sum(counts.values())
    return 100 * counts.get(name, 0) / total if total else None


def _describe(issue: Issue) -> str:
    return DESCRIPTIONS.get(issue.rule, issue.rule)


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value == int(value) and abs(value) >= 1000 else f"{value:,.4g}"


def _percent(part: float, whole: float) -> str:
    if not whole:
        return "–"
    share = 100 * part / whole
    return f"{share:.1f} %" if share >= 0.05 or not part else "< 0.1 %"
