"""Verdicts and measures as rows of their tables."""

from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime
from typing import Any

from tabserve.monitoring.performance import Measure
from tabserve.monitoring.window_report import Verdict
from tabserve.monitoring.windows import Span


def drift_rows(verdict: Verdict) -> Iterator[dict[str, Any]]:
    """Yield one row a column of a window."""
    for found in verdict.drifts:
        yield {
            "use_case": verdict.use_case,
            "model_version": verdict.span.model_version,
            "window_start": verdict.span.start,
            "window_end": verdict.span.end,
            "feature": found.column,
            "n": found.n,
            "method": found.difference.method,
            "statistic": found.difference.statistic,
            "p_value": found.difference.p_value,
            "effect": found.difference.effect,
            "state": found.state,
            "bins": [{"bin": b.bin, "reference": b.reference, "rows": b.rows} for b in verdict.bins[found.column]],
        }


def measure_row(use_case: str, span: Span, found: Measure, at: datetime) -> dict[str, Any]:
    """Return the row of one measure of a window."""
    times = {"window_start": span.start, "window_end": span.end, "computed_at": at}
    values = {field.name: getattr(found, field.name) for field in fields(found)}
    return {"use_case": use_case, "model_version": span.model_version} | times | values
