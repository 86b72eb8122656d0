"""When a raw file is worth an alert: once when it is as bad as the use case minds, once when it is set right."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from tabserve.alerts.alert import Alert, AlertState, alert_id
from tabserve.core.files import Criticality, Ingestion
from tabserve.core.use_case import CriticalityLimits
from tabserve.ingestion.validation_result import Split

RULE: Final = "data_quality"
ORDER: Final = ("none", "low", "medium", "high")
TOP_ISSUES: Final = 3


def file_alert(
    limits: CriticalityLimits, ingestion: Ingestion, split: Split, report_key: str, previous: Alert | None, at: datetime
) -> Alert | None:
    """Return the transition a verdict means for its key, if it means one; `previous` is the key's last."""
    minded = ORDER.index(ingestion.criticality) >= ORDER.index(limits.alert_from)
    if not minded and (previous is None or previous.state == "resolved"):
        return None
    state: AlertState = "firing" if minded else "resolved"
    return Alert(
        id=alert_id(RULE, ingestion.key, state, ingestion.file_id),
        rule=RULE,
        subject=ingestion.key,
        state=state,
        severity=ingestion.criticality,
        payload=_payload(ingestion, split, report_key),
        created_at=at,
    )


def _payload(ingestion: Ingestion, split: Split, report_key: str) -> dict[str, object]:
    payload: dict[str, object] = {
        "use_case": ingestion.use_case or "unknown",
        "verdict": ingestion.status,
        "rows": f"{ingestion.rows_good} good and {ingestion.rows_bad} bad of {ingestion.rows_total}",
        "file_id": ingestion.file_id,
        "report_key": report_key,
    }
    if ingestion.error:
        payload["reason"] = ingestion.error
    elif split.issues:
        worst = [f"{issue.column} {issue.rule}".strip() + f" ({issue.rows})" for issue in split.issues if issue.rows]
        payload["issues"] = ", ".join(worst[:TOP_ISSUES])
    return payload


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
