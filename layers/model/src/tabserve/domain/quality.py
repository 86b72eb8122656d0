"""What ingestion finds out about one version of one raw file."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tabserve.domain.use_case import CriticalityLimits

Criticality = Literal["none", "low", "medium", "high"]
IngestionStatus = Literal["done", "rejected", "failed"]


@dataclass(frozen=True, slots=True)
class RawFile:
    """One version of one object in the raw bucket."""

    bucket: str
    key: str
    etag: str
    version_id: str | None = None
    size: int | None = None
    sequencer: str | None = None
    written_at: datetime | None = None

    @property
    def file_id(self) -> str:
        """Identify this version: sha256 of bucket, key and version id or ETag."""
        version = self.version_id or self.etag
        return hashlib.sha256("\n".join((self.bucket, self.key, version)).encode()).hexdigest()

    @property
    def comparable_sequencer(self) -> str | None:
        """S3's order of the events of one key: hexadecimal, as texts, the shorter one filled up on the right."""
        return self.sequencer.upper().ljust(32, "0") if self.sequencer else None


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
    """What one column of a file holds; numbers are None for columns without any."""

    column: str
    count: int
    missing: int
    minimum: float | None = None
    mean: float | None = None
    maximum: float | None = None
    quantiles: tuple[float, ...] = ()
    top: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Split:
    """What became of the rows of a file that could be split; warnings are issues of no row."""

    rows_total: int
    rows_good: int
    rows_bad: int
    issues: tuple[Issue, ...]
    statistics: tuple[ColumnStatistics, ...]

    @property
    def rows_by_rule(self) -> dict[str, int]:
        """Count the broken cells by rule, over all columns."""
        counts: dict[str, int] = {}
        for issue in self.issues:
            counts[issue.rule] = counts.get(issue.rule, 0) + issue.rows
        return counts


@dataclass(frozen=True, slots=True)
class ObjectKeys:
    """Where the good rows, the bad rows and the report of a file are; None where there is no such object."""

    good: str | None = None
    bad: str | None = None
    report: str | None = None


@dataclass(frozen=True, slots=True)
class Ingestion:
    """The verdict on one version of one raw file.

    `sequencer` and `written_at` tell which version is newer, `prediction_fence` the newest claim to predict it.
    """

    file_id: str
    bucket: str
    key: str
    etag: str
    use_case: str | None
    status: IngestionStatus
    rows_total: int
    rows_good: int
    rows_bad: int
    criticality: Criticality
    contract_sha256: str | None
    started_at: datetime
    finished_at: datetime
    good_key: str | None = None
    bad_key: str | None = None
    report_key: str | None = None
    error: str | None = None
    sequencer: str | None = None
    written_at: datetime | None = None
    prediction_fence: int = 0


def criticality(
    limits: CriticalityLimits, rows_total: int, rows_bad: int, rows_by_rule: Mapping[str, int]
) -> Criticality:
    """Judge how bad a split file is; a rejected or unusable file is always high."""
    if rows_bad == 0:
        return "none" if rows_total else "high"
    share = rows_bad / rows_total
    if rows_bad == rows_total or share >= limits.high:
        return "high"
    critical = sum(rows_by_rule.get(rule, 0) for rule in limits.critical_rules)
    if share >= limits.medium or (critical and critical / rows_total >= limits.critical_rule_share):
        return "medium"
    return "low"
