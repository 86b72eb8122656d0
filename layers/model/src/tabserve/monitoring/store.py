"""What monitoring reads and writes, in the database."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, Select, Table, case, func, select, text

from tabserve.alerts.outbox import add_alerts
from tabserve.core.database import Database, insert
from tabserve.core.tables import alerts, drift_metrics, ground_truth, ingestions, performance_metrics, predictions
from tabserve.monitoring.alert_rules import Finding, MeasuredWindow, transitions
from tabserve.monitoring.drift import ENOUGH_ROWS
from tabserve.monitoring.prediction_rows import prediction_rows
from tabserve.monitoring.window_report import Arrivals, KnownTruths, Saved, WindowReport
from tabserve.monitoring.windows import PredictionRow, Span, Spans
from tabserve.reference.performance import Measure
from tabserve.reference.profile import PREDICTION

ONE_RUN_AT_A_TIME = 7_201_847
MEASURED = ("accuracy", "mae")  # one of them stands for all measures of a window
OVERLAP = timedelta(minutes=1)  # ground truth is stored a little after the time it carries


class MonitoringTables:
    """Predictions with their ground truth, and what monitoring finds out about them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def versions(self, use_case: str, reach_back_minutes: int) -> Sequence[str]:
        """Return versions that may have predictions in windows not closed yet."""
        latest = select(func.max(drift_metrics.c.window_end)).where(drift_metrics.c.use_case == use_case)
        since = self._scalar(latest)
        query = select(predictions.c.model_version).where(predictions.c.use_case == use_case).distinct()
        if since is not None:
            query = query.where(predictions.c.created_at >= since - timedelta(minutes=reach_back_minutes))
        return sorted(row[0] for row in self._all(query))

    def closed_until(self, use_case: str, version: str) -> datetime | None:
        """Return the end of a version's last closed window."""
        end: datetime | None = self._scalar(
            select(func.max(drift_metrics.c.window_end)).where(
                drift_metrics.c.use_case == use_case, drift_metrics.c.model_version == version
            )
        )
        return end

    def last_states(self, use_case: str, version: str, limit: int) -> Sequence[Collection[str]]:
        """Return the states of the columns in each of a version's last windows that were judged, the oldest first."""
        columns = drift_metrics.c
        judged = (columns.use_case == use_case, columns.model_version == version, columns.state != "insufficient")
        ends = select(columns.window_end).where(*judged).distinct().order_by(columns.window_end.desc()).limit(limit)
        query = select(columns.window_end, columns.state).where(*judged).distinct()
        found = defaultdict[datetime, set[str]](set)
        for end, state in self._all(query.where(columns.window_end.in_(ends))):
            found[end].add(state)
        return [found[end] for end in sorted(found)]

    def predictions(
        self, use_case: str, version: str, start: datetime | None, end: datetime
    ) -> Iterator[Sequence[PredictionRow]]:
        """Yield blocks of predictions ordered by time; `start` is included, `end` is not."""
        with self._database.transaction() as connection:
            yield from prediction_rows(connection, use_case, version, start, end)

    def windows_with_new_ground_truth(self, use_case: str, reach_back_minutes: int) -> Sequence[Span]:
        """Return closed windows with ground truth that no measure counts yet."""
        measured = _measured_windows(use_case)
        since = self._scalar(select(func.max(performance_metrics.c.computed_at)).where(*measured))
        arrived = self._all(_ground_truth_times(use_case, since and since - timedelta(minutes=reach_back_minutes)))
        if not arrived:
            return []
        done = {Span(*row) for row in self._all(select(*_span(performance_metrics)).where(*measured))}
        spans = Spans(Span(*row) for row in self._all(_windows_from(use_case, min(row[1] for row in arrived))))
        found = set()
        for version, predicted_at, known_at in arrived:
            span = spans.containing(version, predicted_at)
            if span and (since is None or known_at >= since - OVERLAP or span not in done):
                found.add(span)
        return sorted(found, key=lambda span: (span.model_version, span.start))

    def ground_truth(self, use_case: str, spans: Sequence[Span]) -> Iterator[KnownTruths]:
        """Yield what is known about each of some windows."""
        of = predictions.c
        answered = func.coalesce(of.value, of.probability)
        columns = (of.prediction, answered, of.low, of.high, ground_truth.c.actual)
        joined = predictions.join(ground_truth, ground_truth.c.prediction_id == predictions.c.id)
        for span in spans:
            query = (
                select(*columns)
                .select_from(joined)
                .where(predictions.c.use_case == use_case, predictions.c.model_version == span.model_version)
                .where(predictions.c.created_at >= span.start, predictions.c.created_at < span.end)
                .order_by(predictions.c.created_at, predictions.c.id)
            )
            if rows := self._all(query):
                yield KnownTruths(span, *map(list, zip(*rows, strict=True)))

    def last_measures(self, use_case: str, kind: str, limit: int) -> Sequence[MeasuredWindow]:
        """Return the performance in the last windows of which enough rows are measured or estimated, oldest first."""
        columns = performance_metrics.c
        of_kind = (columns.use_case == use_case, columns.kind == kind)
        enough = (*of_kind, columns.metric.in_(MEASURED), columns.n >= ENOUGH_ROWS)
        newest = select(*_span(performance_metrics)).where(*enough).order_by(columns.window_end.desc()).limit(limit)
        spans = [Span(*row) for row in self._all(newest)]
        if not spans:
            return []
        wanted = (*_span(performance_metrics), columns.computed_at, *(columns[each.name] for each in fields(Measure)))
        query = select(*wanted).where(*of_kind)
        measures, times = defaultdict[Span, list[Measure]](list), defaultdict[Span, list[datetime]](list)
        for row in self._all(query.where(columns.window_end >= spans[-1].end)):
            measures[Span(*row[:3])].append(Measure(*row[4:]))
            times[Span(*row[:3])].append(row[3])
        return [MeasuredWindow(span, measures[span], max(times[span])) for span in reversed(spans)]

    def last_prediction(self, use_case: str) -> datetime | None:
        """Return when the last prediction was made."""
        newest = select(predictions.c.created_at).where(predictions.c.use_case == use_case)
        last: datetime | None = self._scalar(newest.order_by(predictions.c.created_at.desc()).limit(1))
        return last

    def arrivals(self, since: datetime) -> Sequence[Arrivals]:
        """Return what arrived for each use case since then."""
        rejected = func.sum(case((ingestions.c.status == "rejected", 1), else_=0))
        query = (
            select(ingestions.c.use_case, func.sum(ingestions.c.rows_total), func.sum(ingestions.c.rows_bad), rejected)
            .where(ingestions.c.finished_at >= since, ingestions.c.use_case.is_not(None))
            .group_by(ingestions.c.use_case)
        )
        return [Arrivals(*row) for row in self._all(query)]

    def save(self, reports: Sequence[WindowReport], findings: Sequence[Finding], at: datetime) -> Saved:
        """Store window reports and the alerts that findings lead to in one transaction, one run at a time."""
        with self._database.transaction() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ONE_RUN_AT_A_TIME})
            added = _add(connection, drift_metrics, [row for report in reports for row in _drift_rows(report)])
            estimated = [_measure_row(r.use_case, r.span, each, at) for r in reports for each in r.measures]
            _add(connection, performance_metrics, estimated)
            moved = transitions(findings, _firing(connection, {found.rule for found in findings}), at)
            add_alerts(connection, moved)
        return Saved(len({key[:-1] for key in added}), moved)

    def save_measures(self, use_case: str, measures: Sequence[tuple[Span, Measure]], at: datetime) -> None:
        """Store measured performance, in place of what was measured with less ground truth."""
        rows = [_measure_row(use_case, span, each, at) for span, each in measures]
        changed = ("value", "low", "high", "n", "alarm_limit", "computed_at")
        with self._database.transaction() as connection:
            statement = insert(connection, performance_metrics)
            updated = statement.on_conflict_do_update(
                index_elements=list(performance_metrics.primary_key.columns),
                set_={name: statement.excluded[name] for name in changed},
            )
            if rows:
                connection.execute(updated, rows)

    def _all(self, query: Select[*tuple[Any, ...]]) -> Sequence[Row[*tuple[Any, ...]]]:
        return self._database.run(lambda connection: connection.execute(query).all())

    def _scalar(self, query: Select[*tuple[Any, ...]]) -> Any:  # noqa: ANN401  whatever the one column holds
        return self._database.run(lambda connection: connection.scalar(query))


def _span(table: Table) -> tuple[Column[Any], Column[Any], Column[Any]]:
    return table.c.model_version, table.c.window_start, table.c.window_end


def _windows_from(use_case: str, moment: datetime) -> Select[*tuple[Any, ...]]:
    """Select windows that end after a moment; a window is one row per column, its class mix stands for it."""
    windows = select(*_span(drift_metrics)).where(drift_metrics.c.use_case == use_case)
    return windows.where(drift_metrics.c.feature == PREDICTION, drift_metrics.c.window_end > moment)


def _measured_windows(use_case: str) -> tuple[ColumnElement[bool], ...]:
    columns = performance_metrics.c
    return columns.use_case == use_case, columns.kind == "measured", columns.metric.in_(MEASURED)


def _ground_truth_times(use_case: str, since: datetime | None) -> Select[*tuple[Any, ...]]:
    query = (
        select(predictions.c.model_version, predictions.c.created_at, func.max(ground_truth.c.created_at))
        .select_from(ground_truth.join(predictions, ground_truth.c.prediction_id == predictions.c.id))
        .where(ground_truth.c.use_case == use_case)
        .group_by(predictions.c.model_version, predictions.c.created_at)
    )
    return query if since is None else query.where(ground_truth.c.created_at >= since)


def _firing(connection: Connection, rules: Collection[str]) -> list[tuple[str, str]]:
    newest = func.row_number().over(
        partition_by=(alerts.c.rule, alerts.c.subject), order_by=(alerts.c.created_at.desc(), alerts.c.id.desc())
    )
    ranked = (
        select(alerts.c.rule, alerts.c.subject, alerts.c.state, newest.label("rank"))
        .where(alerts.c.rule.in_(rules))
        .subquery()
    )
    query = select(ranked.c.rule, ranked.c.subject).where(ranked.c.rank == 1, ranked.c.state == "firing")
    return [(row[0], row[1]) for row in connection.execute(query)]


def _add(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> Sequence[Row[Any]]:
    """Insert rows that are not there yet and return the keys of those that were new."""
    if not rows:
        return []
    added = insert(connection, table).on_conflict_do_nothing().returning(*table.primary_key.columns)
    return connection.execute(added, rows).all()


def _drift_rows(report: WindowReport) -> Iterator[dict[str, Any]]:
    """Yield one row a column of a window."""
    for found in report.drifts:
        yield {
            "use_case": report.use_case,
            "model_version": report.span.model_version,
            "window_start": report.span.start,
            "window_end": report.span.end,
            "feature": found.column,
            "n": found.n,
            **asdict(found.difference),
            "state": found.state,
            "bins": [{"bin": b.bin, "reference": b.reference, "rows": b.rows} for b in report.bins[found.column]],
        }


def _measure_row(use_case: str, span: Span, found: Measure, at: datetime) -> dict[str, Any]:
    """Return the row of one measure of a window."""
    times = {"window_start": span.start, "window_end": span.end, "computed_at": at}
    return {"use_case": use_case, "model_version": span.model_version} | times | asdict(found)
