"""Alert rules: when an alert begins to fire, when it is resolved, and the file that says so."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from tabserve.alerts.alert import Alert, AlertState, alert_id

AlertSeverity = Literal["warning", "critical"]
PATH = Path(__file__).with_name("alert_rules.yaml")


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    severity: AlertSeverity


class DriftRule(_Rule):
    """Fires after as many windows with an alarm in a row, or one severe window; resolved by one without alarm."""

    alarms_in_a_row: int = Field(ge=1)


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


def transitions(findings: Iterable[Finding], firing: Iterable[tuple[str, str]], at: datetime) -> Iterator[Alert]:
    """Turn findings, in order, into alerts: one when a rule begins to fire on a subject, one when that is over.

    Their times differ, so that the last transition of a subject is well defined.
    """
    active = set(firing)
    instants = (at + timedelta(microseconds=number) for number in count())
    for found in findings:
        key = (found.rule, found.subject)
        if found.state is None or (found.state == "firing") == (key in active):
            continue
        (active.add if found.state == "firing" else active.discard)(key)
        yield _alert(found, found.state, next(instants))


def drift_state(rule: DriftRule, states: Sequence[str], alarms_before: int) -> tuple[AlertState | None, int]:
    """Return what one window's column states mean, and the number of windows with an alarm in a row up to it."""
    if "severe" in states:
        return "firing", alarms_before + 1
    if "alarm" in states:
        alarms = alarms_before + 1
        return ("firing" if alarms >= rule.alarms_in_a_row else None), alarms
    if all(state == "insufficient" for state in states):
        return None, alarms_before
    return "resolved", 0


def _alert(found: Finding, state: AlertState, at: datetime) -> Alert:
    payload = {
        "title": found.title,
        "explanation": found.explanation,
        "facts": dict(found.facts),
        "link": found.link,
    }
    name = alert_id(found.rule, found.subject, state, found.cause)
    return Alert(name, found.rule, found.subject, found.use_case, state, found.severity, payload, at)
