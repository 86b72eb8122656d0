"""Watch predictions: close windows, measure drift and performance, and move alerts."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np

from tabserve.alerts.alert import Alert
from tabserve.core.catalog import Catalog
from tabserve.core.clock import Clock
from tabserve.core.errors import UnavailableError
from tabserve.core.records import Value
from tabserve.core.use_case import UseCase
from tabserve.monitoring import alert_messages as explain
from tabserve.monitoring import drift
from tabserve.monitoring.alert_rules import AlertRules, Finding, Streak, drift_state, performance_verdict
from tabserve.monitoring.performance import estimate, mean_answer, with_limits
from tabserve.monitoring.window_report import Arrivals, Bin, KnownTruths, WindowReport
from tabserve.monitoring.windows import Window, closed_windows
from tabserve.reference.performance import Answers, Measure, Numbers, measure, measure_numbers
from tabserve.reference.profile import PREDICTION, PROBABILITY, Profile
from tabserve.reference.reference import Reference, References

if TYPE_CHECKING:
    from tabserve.monitoring.store import MonitoringTables

SETTLED_AFTER = timedelta(seconds=30)
WINDOWS_A_RUN = 2_500
WINDOWS_JUDGED = 50


@dataclass(frozen=True, slots=True)
class MonitorDependencies:
    """What a monitoring run needs."""

    catalog: Catalog
    references: References
    store: "MonitoringTables"
    rules: AlertRules
    clock: Clock
    dashboards: str = ""
    settled_after: timedelta = SETTLED_AFTER


@dataclass(slots=True)
class MonitoringRun:
    """What a run did."""

    windows: int = 0
    predictions: int = 0
    measured: int = 0
    alerts: list[Alert] = field(default_factory=list)
    without_reference: list[str] = field(default_factory=list)
    failures: dict[str, Exception] = field(default_factory=dict)


def run(deps: MonitorDependencies) -> MonitoringRun:
    """Report on every new window of all use cases; doing it twice changes nothing.

    A use case that fails does not keep the others from it: the result has its error, and an alert is stored.
    """
    done = MonitoringRun()
    findings: list[Finding] = []
    since = deps.clock() - timedelta(minutes=deps.rules.invalid_rows.minutes)
    arrived = {each.use_case: each for each in deps.store.arrivals(since)}
    for name in deps.catalog.names():
        try:
            findings += _watch(deps, name, arrived.get(name), done)
        except UnavailableError as error:
            done.failures[name] = error
        except Exception as error:  # noqa: BLE001  whatever is wrong with one use case, the others go on
            done.failures[name] = error
            findings.append(explain.not_monitored(name, error, deps.clock()))
    done.alerts += deps.store.save([], findings, deps.clock()).alerts
    return done


def _watch(deps: MonitorDependencies, name: str, arrived: Arrivals | None, done: MonitoringRun) -> list[Finding]:
    """Report on what is new of one use case, and return what is true of it right now."""
    use_case = deps.catalog.get(name)
    _close_windows(deps, use_case, done)
    _measure(deps, use_case, done)
    now = deps.clock()
    findings = [*_standing(deps, use_case, arrived, now), *_performance(deps, use_case)]
    return [*findings, explain.not_monitored(name, None, now)]


def _close_windows(deps: MonitorDependencies, use_case: UseCase, done: MonitoringRun) -> None:
    """Report on the windows that are complete; alerts are stored with them, all versions at once for the net change."""
    reports: list[WindowReport] = []
    findings: list[Finding] = []
    for version in deps.store.versions(use_case.name, use_case.monitoring.window.minutes):
        reference = deps.references.get(use_case.name, version)
        if reference is None:
            done.without_reference.append(f"{use_case.name} {version}")
            continue
        found = list(_window_reports(deps, use_case, version, reference, done))
        findings += _findings(deps, use_case, version, found)
        reports += found
    saved = deps.store.save(reports, findings, deps.clock())
    done.windows += saved.windows
    done.alerts += saved.alerts


def _window_reports(
    deps: MonitorDependencies, use_case: UseCase, version: str, reference: Reference, done: MonitoringRun
) -> Iterator[WindowReport]:
    limits = use_case.monitoring.window
    now = deps.clock() - deps.settled_after
    start = deps.store.closed_until(use_case.name, version)
    rows = deps.store.predictions(use_case.name, version, start, now)
    windows = closed_windows(version, rows, limits.rows, timedelta(minutes=limits.minutes), now)
    for _, window in zip(range(WINDOWS_A_RUN), windows, strict=False):
        done.predictions += len(window.rows)
        yield window_report(use_case, reference, window)


def window_report(use_case: UseCase, reference: Reference, window: Window) -> WindowReport:
    """Compare a window with the reference and estimate the performance in it."""
    _, texts, predictions, answered = zip(*window.rows, strict=True)
    records = json.loads(f"[{','.join(texts)}]")
    known = reference.profile.columns  # of the version's own inputs, whatever the definition says by now
    columns: dict[str, Sequence[Value]] = {name: _column(records, name) for name in known}
    columns |= {PREDICTION: answered} if use_case.is_regression else {PREDICTION: predictions, PROBABILITY: answered}
    profile = reference.profile.window(columns, len(window.rows))
    drifts = drift.compare(reference.profile, profile, use_case.monitoring.drift)
    measures = [] if use_case.is_regression else _estimated(use_case, reference, predictions, answered)
    measures += mean_answer(reference.profile, profile)
    return WindowReport(use_case.name, window.span, drifts, _bins(reference.profile, profile), measures)


def _estimated(
    use_case: UseCase, reference: Reference, predictions: Sequence[str], probabilities: Sequence[float]
) -> list[Measure]:
    """Estimate from probabilities; how wrong a number is, nothing tells before the truth is known."""
    answers = Answers.of(use_case, predictions, probabilities)
    return with_limits(use_case, estimate(answers, reference.calibration), reference.performance)


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


def _findings(
    deps: MonitorDependencies, use_case: UseCase, version: str, reports: Sequence[WindowReport]
) -> Iterator[Finding]:
    """Say what each window means for the rules on drift and on answers of one class only."""
    rules = deps.rules
    streak = Streak()
    longest = max(rules.drift.alarms_in_a_row, rules.drift.calm_in_a_row)
    for states in deps.store.last_states(use_case.name, version, longest):
        _, streak = drift_state(rules.drift, states, streak)
    for report in reports:
        state, streak = drift_state(rules.drift, [each.state for each in report.drifts], streak)
        yield explain.drift(use_case, rules, report.span, report.drifts, state, deps.dashboards)
        if use_case.is_regression:
            continue
        classes = report.bins[PREDICTION]
        rows = sum(each.rows for each in classes)
        if rows < drift.ENOUGH_ROWS:
            continue
        single = drift.single_class(
            np.array([each.reference for each in classes]), np.array([each.rows for each in classes])
        )
        answer = max(classes, key=lambda each: each.rows).bin if single else None
        yield explain.one_class(use_case, rules, report.span, rows, answer, deps.dashboards)


def _measure(deps: MonitorDependencies, use_case: UseCase, done: MonitoringRun) -> None:
    """Measure the performance of windows that more has become known about."""
    spans = deps.store.windows_with_new_ground_truth(use_case.name, use_case.monitoring.window.minutes)
    if not spans:
        return
    now = deps.clock()
    found = []
    for known in deps.store.ground_truth(use_case.name, spans):
        reference = deps.references.get(use_case.name, known.span.model_version)
        measures = _measured(use_case, known)
        limited = with_limits(use_case, measures, reference.performance if reference else {})
        found += [(known.span, each) for each in limited]
        done.measured += bool(measures)
    deps.store.save_measures(use_case.name, found, now)


def _measured(use_case: UseCase, known: KnownTruths) -> list[Measure]:
    if not use_case.is_regression:
        return measure(Answers.of(use_case, known.predictions, known.answered), known.actuals)
    values, lows, highs = (np.array(each, dtype=np.float64) for each in (known.answered, known.lows, known.highs))
    found = measure_numbers(Numbers(values, lows, highs), np.array(known.actuals, dtype=np.float64))
    return [each for each in found if each.metric != "coverage" or not np.isnan(lows).any()]


def _performance(deps: MonitorDependencies, use_case: UseCase) -> Iterator[Finding]:
    """Say what the last windows mean for the rules on measured and on estimated performance.

    They are read back from where they are stored, so that a run that broke off before it told is made up for.
    """
    rules = deps.rules
    for name, rule, kind in (
        ("performance", rules.performance, "measured"),
        ("estimated_performance", rules.estimated_performance, "estimated"),
    ):
        windows = deps.store.last_measures(use_case.name, kind, WINDOWS_JUDGED)
        if found := performance_verdict(rule, windows):
            yield explain.performance(use_case, name, rule, found, deps.dashboards)


def _standing(
    deps: MonitorDependencies, use_case: UseCase, arrived: Arrivals | None, now: datetime
) -> Iterator[Finding]:
    """Say what is true right now, whatever the windows: silence, and rows that arrive broken."""
    rules = deps.rules
    last = deps.store.last_prediction(use_case.name)
    if last is not None:
        silent = now - last > timedelta(minutes=rules.no_predictions.minutes)
        yield explain.no_predictions(use_case, rules, last, silent, deps.dashboards)
    counts = (arrived.rows_bad, arrived.rows_total, arrived.files_rejected) if arrived else (0, 0, 0)
    yield explain.invalid_rows(use_case.name, rules, *counts, now, deps.dashboards)
