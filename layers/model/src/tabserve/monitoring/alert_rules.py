"""Alert rules: when an alert begins to fire, when it is resolved, and the file that says so."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from tabserve.alerts.alert import Alert, AlertState, alert_id
from tabserve.monitoring.windows import Span
from tabserve.reference.performance import Measure

AlertSeverity = Literal["warning", "critical"]
PATH = Path(__file__).with_name("alert_rules.yaml")


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    severity: AlertSeverity


class DriftRule(_Rule):
    """Fires after as many windows with an alarm in a row, or one severe window; resolved after as many calm ones.

    A calm window is one without even a warning.
    """

    alarms_in_a_row: int = Field(ge=1)
    calm_in_a_row: int = Field(ge=1)


class PerformanceRule(_Rule):
    """Fires when a metric's interval is beyond its limit in as many windows in a row.

    Resolved after as many calm windows in a row, in which no metric's is.
    """

    beyond_in_a_row: int = Field(ge=1)
    calm_in_a_row: int = Field(ge=1)


class SilenceRule(_Rule):
    """Fires when the last prediction is older than `minutes`."""

    minutes: int = Field(ge=1)


class ShareRule(_Rule):
    """Fires when a share over the last `minutes` reaches `alarm`; `warning` only colours panels."""

    minutes: int = Field(ge=1)
    warning: float = Field(gt=0, lt=1)
    alarm: float = Field(gt=0, le=1)


class AlertRules(BaseModel):
    """All rules, as `alert_rules.yaml` gives them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    drift: DriftRule
    performance: PerformanceRule
    estimated_performance: PerformanceRule
    one_class: _Rule
    no_predictions: SilenceRule
    invalid_rows: ShareRule


def load_alert_rules(path: Path = PATH) -> AlertRules:
    """Read the rules; raise pydantic's ValidationError when the file breaks one."""
    return AlertRules.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class Finding:
    """What one evaluation of a rule says of a subject; `state` is None where it says nothing new.

    The subject is a use case, or a use case and a part of it after a colon. `cause` names the evaluated window: the
    same evaluation, repeated, leads to the same alert.
    """

    rule: str
    subject: str
    state: AlertState | None
    severity: AlertSeverity
    cause: str
    title: str
    explanation: str
    facts: Mapping[str, object] = field(default_factory=dict)
    link: str = ""

    @property
    def use_case(self) -> str:
        """The use case that the subject is, or is a part of."""
        return self.subject.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Streak:
    """How many windows in a row, up to the last one, had an alarm, and how many not even a warning."""

    alarms: int = 0
    calm: int = 0


def transitions(findings: Iterable[Finding], firing: Iterable[tuple[str, str]], at: datetime) -> list[Alert]:
    """Turn findings, in order, into alerts: one when a rule begins to fire on a subject, one when that is over.

    Their times differ, so that the last transition of a subject is well defined. Of a subject that changed more than
    once only the net change is left to be sent: the last transition, or none where all is as it was before.
    """
    moved = list(_all_transitions(findings, firing, at))
    times = Counter((alert.rule, alert.subject) for alert in moved)
    last = {(alert.rule, alert.subject): alert for alert in moved}
    net = [alert for subject, alert in last.items() if times[subject] % 2]
    return [alert if alert in net else replace(alert, sent_at=alert.created_at) for alert in moved]


def _all_transitions(findings: Iterable[Finding], firing: Iterable[tuple[str, str]], at: datetime) -> Iterator[Alert]:
    active = set(firing)
    instants = (at + timedelta(microseconds=number) for number in count())
    for found in findings:
        key = (found.rule, found.subject)
        if found.state is None or (found.state == "firing") == (key in active):
            continue
        (active.add if found.state == "firing" else active.discard)(key)
        yield _alert(found, found.state, next(instants))


def drift_state(rule: DriftRule, states: Collection[str], before: Streak) -> tuple[AlertState | None, Streak]:
    """Return what one window's column states mean after the windows before it, and the streak up to it."""
    if "insufficient" in states:
        return None, before
    if "severe" in states or "alarm" in states:
        alarms = before.alarms + 1
        return ("firing" if "severe" in states or alarms >= rule.alarms_in_a_row else None), Streak(alarms=alarms)
    if "warning" in states:
        return None, Streak()
    calm = before.calm + 1
    return ("resolved" if calm >= rule.calm_in_a_row else None), Streak(calm=calm)


@dataclass(frozen=True, slots=True)
class MeasuredWindow:
    """The performance in one window, as far as it was known when it was computed."""

    span: Span
    measures: Sequence[Measure]
    computed_at: datetime


@dataclass(frozen=True, slots=True)
class PerformanceVerdict:
    """What windows mean for a rule: the last state they led to, where, and because of which measures.

    `known_at` is when the newest of them was computed: the same windows with more outcomes are another evaluation.
    """

    state: AlertState
    span: Span
    beyond: Sequence[Measure]
    known_at: datetime


def performance_verdict(rule: PerformanceRule, windows: Sequence[MeasuredWindow]) -> PerformanceVerdict | None:
    """Walk through windows, oldest first, and return what they led to last; None where they led to nothing."""
    verdict, in_a_row, calm = None, dict[str, int](), 0
    known_at = max((window.computed_at for window in windows), default=None)
    for window in windows:
        beyond = [each for each in window.measures if each.beyond_limit]
        in_a_row = {each.metric: in_a_row.get(each.metric, 0) + 1 for each in beyond}
        calm = 0 if beyond else calm + 1
        lasting = [each for each in beyond if in_a_row[each.metric] >= rule.beyond_in_a_row]
        if known_at is not None and (lasting or calm >= rule.calm_in_a_row):
            verdict = PerformanceVerdict("firing" if lasting else "resolved", window.span, lasting, known_at)
    return verdict


def _alert(found: Finding, state: AlertState, at: datetime) -> Alert:
    payload = {
        "title": found.title,
        "explanation": found.explanation,
        "facts": dict(found.facts),
        "link": found.link,
    }
    name = alert_id(found.rule, found.subject, state, found.cause)
    return Alert(name, found.rule, found.subject, found.use_case, state, found.severity, payload, at)
