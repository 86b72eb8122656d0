"""Watch predictions: close windows, judge drift and performance, and move alerts."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import itemgetter

import numpy as np

from tabserve.alerts.alert import Alert
from tabserve.core.catalog import Catalog
from tabserve.core.clock import Clock
from tabserve.core.errors import UnavailableError
from tabserve.core.records import Value
from tabserve.core.use_case import UseCase
from tabserve.monitoring import alert_messages as explain
from tabserve.monitoring import drift
from tabserve.monitoring.alert_rules import AlertRules, Finding, judge_drift
from tabserve.monitoring.performance import Answers, estimate, mean_probability, measure
from tabserve.monitoring.window_report import Arrivals, Bin, MonitorStore, Outcomes, References, Verdict
from tabserve.monitoring.windows import Window, closed_windows
from tabserve.reference.profile import PREDICTION, PROBABILITY, NumericProfile, Profile
from tabserve.reference.reference import Reference

SETTLED_AFTER = timedelta(seconds=30)
WINDOWS_A_RUN = 2_500


@dataclass(frozen=True, slots=True)
class Monitor:
    """What a monitoring run works with."""

    catalog: Catalog
    references: References
    store: MonitorStore
    rules: AlertRules
    clock: Clock
    dashboards: str = ""
    settled_after: timedelta = SETTLED_AFTER


@dataclass(slots=True)
class Report:
    """What a run did."""

    windows: int = 0
    predictions: int = 0
    measured: int = 0
    alerts: list[Alert] = field(default_factory=list)
    without_reference: list[str] = field(default_factory=list)
    failures: dict[str, Exception] = field(default_factory=dict)


def run(monitor: Monitor) -> Report:
    """Judge everything that is new, for all use cases; doing it twice changes nothing.

    A use case that cannot be judged does not keep the others from it: the report has its error, and an alert is stored.
    """
    report = Report()
    findings: list[Finding] = []
    arrived = _arrived(monitor)
    for name in monitor.catalog.names():
        try:
            findings += _watch(monitor, name, arrived.get(name), report)
        except UnavailableError as error:
            report.failures[name] = error
        except Exception as error:  # noqa: BLE001  whatever is wrong with one use case, the others go on
            report.failures[name] = error
            findings.append(explain.not_monitored(name, error, monitor.clock()))
    report.alerts += monitor.store.save([], findings, monitor.clock()).alerts
    return report


def _arrived(monitor: Monitor) -> dict[str, Arrivals]:
    since = monitor.clock() - timedelta(minutes=monitor.rules.invalid_rows.minutes)
    return {each.use_case: each for each in monitor.store.arrivals(since)}


def _watch(monitor: Monitor, name: str, arrived: Arrivals | None, report: Report) -> list[Finding]:
    """Judge what is new of one use case, and return what is true of it right now."""
    use_case = monitor.catalog.get(name)
    for version in monitor.store.versions(name, use_case.monitoring.window.minutes):
        _close_windows(monitor, use_case, version, report)
    _measure(monitor, use_case, report)
    now = monitor.clock()
    return [*_standing(monitor, use_case, arrived, now), explain.not_monitored(name, None, now)]


def _close_windows(monitor: Monitor, use_case: UseCase, version: str, report: Report) -> None:
    """Judge the windows of one version that are complete; their alerts are stored with them."""
    reference = monitor.references.get(use_case.name, version)
    if reference is None:
        report.without_reference.append(f"{use_case.name} {version}")
        return
    judged = list(_judged(monitor, use_case, version, reference, report))
    saved = monitor.store.save(judged, list(_findings(monitor, use_case, version, judged)), monitor.clock())
    report.windows += saved.windows
    report.alerts += saved.alerts


def _judged(
    monitor: Monitor, use_case: UseCase, version: str, reference: Reference, report: Report
) -> Iterator[Verdict]:
    limits = use_case.monitoring.window
    now = monitor.clock() - monitor.settled_after
    start = monitor.store.closed_until(use_case.name, version)
    rows = monitor.store.predictions(use_case.name, version, start, now)
    windows = closed_windows(version, rows, limits.rows, timedelta(minutes=limits.minutes), now)
    for _, window in zip(range(WINDOWS_A_RUN), windows, strict=False):
        report.predictions += len(window.rows)
        yield judge(use_case, reference, window)


def judge(use_case: UseCase, reference: Reference, window: Window) -> Verdict:
    """Compare a window with the reference and estimate the performance in it."""
    _, texts, predictions, probabilities = zip(*window.rows, strict=True)
    records = json.loads(f"[{','.join(texts)}]")
    columns: dict[str, Sequence[Value]] = {name: _column(records, name) for name in use_case.feature_names}
    columns |= {PREDICTION: predictions, PROBABILITY: probabilities}
    profile = reference.profile.window(columns, len(window.rows))
    drifts = drift.judge(reference.profile, profile, use_case.monitoring.drift)
    answers = _answers(use_case, predictions, probabilities)
    measures = estimate(answers, reference.calibration)
    known, found = reference.profile.columns[PROBABILITY], profile.columns[PROBABILITY]
    if isinstance(known, NumericProfile) and isinstance(found, NumericProfile):
        measures += mean_probability(known, found)
    return Verdict(use_case.name, window.span, drifts, _bins(reference.profile, profile), measures)


def _column(records: Sequence[Mapping[str, Value]], name: str) -> list[Value]:
    try:
        return list(map(itemgetter(name), records))
    except KeyError:
        return [record.get(name) for record in records]


def _bins(reference: Profile, window: Profile) -> dict[str, list[Bin]]:
    found: dict[str, list[Bin]] = {}
    for name, own in reference.columns.items():
        counts = zip(own.labels(), own.bins().tolist(), window.columns[name].bins().tolist(), strict=True)
        found[name] = [Bin(*each) for each in counts]
    return found


def _findings(monitor: Monitor, use_case: UseCase, version: str, verdicts: Sequence[Verdict]) -> Iterator[Finding]:
    """Say what each window means for the rules on drift and on answers of one class only."""
    rules = monitor.rules
    alarms = monitor.store.alarms_in_a_row(use_case.name, version, rules.drift.alarms_in_a_row)
    for verdict in verdicts:
        state, alarms = judge_drift(rules.drift, [each.state for each in verdict.drifts], alarms)
        yield explain.drift(use_case, rules, verdict.span, verdict.drifts, state, monitor.dashboards)
        classes = verdict.bins[PREDICTION]
        rows = sum(each.rows for each in classes)
        if rows < drift.ENOUGH_TO_JUDGE:
            continue
        single = drift.single_class(
            np.array([each.reference for each in classes]), np.array([each.rows for each in classes])
        )
        answer = max(classes, key=lambda each: each.rows).bin if single else None
        yield explain.one_class(use_case, rules, verdict.span, rows, answer, monitor.dashboards)


def _measure(monitor: Monitor, use_case: UseCase, report: Report) -> None:
    """Measure the performance of windows that more has become known about."""
    spans = monitor.store.windows_with_new_outcomes(use_case.name, use_case.monitoring.window.minutes)
    if not spans:
        return
    now = monitor.clock()
    found = []
    for known in monitor.store.outcomes(use_case.name, spans):
        measures = measure(_answers_of(use_case, known), known.actuals)
        found += [(known.span, each) for each in measures]
        report.measured += bool(measures)
    monitor.store.save_measures(use_case.name, found, now)


def _standing(monitor: Monitor, use_case: UseCase, arrived: Arrivals | None, now: datetime) -> Iterator[Finding]:
    """Say what is true right now, whatever the windows: silence, and rows that arrive broken."""
    rules = monitor.rules
    last = monitor.store.last_prediction(use_case.name)
    if last is not None:
        silent = now - last > timedelta(minutes=rules.no_predictions.minutes)
        yield explain.no_predictions(use_case, rules, last, silent, monitor.dashboards)
    counts = (arrived.rows_bad, arrived.rows_total, arrived.files_rejected) if arrived else (0, 0, 0)
    yield explain.invalid_rows(use_case.name, rules, *counts, now, monitor.dashboards)


def _answers(use_case: UseCase, predictions: Sequence[str], probabilities: Sequence[float]) -> Answers:
    positive = use_case.target.positive_class
    return Answers(
        np.array(predictions, dtype=np.str_),
        np.array(probabilities, dtype=np.float64),
        None if positive is None else str(positive),
    )


def _answers_of(use_case: UseCase, known: Outcomes) -> Answers:
    return _answers(use_case, known.predictions, known.probabilities)
