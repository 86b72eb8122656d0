"""What validation finds out about the rows of one raw file."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one row is bad: a rule that one of its columns breaks."""

    column: str
    rule: str
    value: str


@dataclass(frozen=True, slots=True)
class BadRow:
    """One quarantined row; `row_number` counts data rows, `line_number` physical lines, both from 1."""

    row_number: int
    line_number: int
    raw: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Issue:
    """One rule broken in one file: by how many rows, with up to five samples."""

    column: str
    rule: str
    rows: int
    sample: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ColumnStatistics:
    """What one column of a file holds; numbers are None for columns without any.

    `counts` says how many of a sample of the numbers lie between neighbours of `edges`; the outer bins also have those
    beyond. `others` counts the values that `top` does not name, `unusual` the numbers outside of the usual range. Where
    there are too many categories to count each, `top_is_estimated`: they may have come more often. Dates and times are
    in ISO 8601, on a clock of the feature's timezone.
    """

    column: str
    count: int
    missing: int
    minimum: float | None = None
    mean: float | None = None
    maximum: float | None = None
    quantiles: tuple[float, ...] = ()
    top: tuple[tuple[str, int], ...] = ()
    edges: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    others: int = 0
    unusual: int = 0
    top_is_estimated: bool = False
    earliest: str = ""
    latest: str = ""

    @property
    def values(self) -> int:
        """Return how many categories, booleans or texts there are."""
        return self.others + sum(count for _, count in self.top)


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """What became of the rows of a file; warnings are issues of no row. A file refused for its header has that one."""

    rows_total: int
    rows_good: int
    rows_bad: int
    issues: tuple[Issue, ...]
    statistics: tuple[ColumnStatistics, ...] = ()
    first_bad_rows: tuple[BadRow, ...] = ()
    header: tuple[str, ...] = ()

    @property
    def rows_by_rule(self) -> dict[str, int]:
        """Count the broken cells by rule, over all columns."""
        counts: dict[str, int] = {}
        for issue in self.issues:
            counts[issue.rule] = counts.get(issue.rule, 0) + issue.rows
        return counts
