"""How bad a raw file is, and when that is worth an alert: once when it is that bad, once when it is set right."""

from datetime import datetime
from pathlib import PurePosixPath
from typing import Final

from tabserve.alerts.alert import Alert, AlertState, alert_id
from tabserve.core.errors import FileRejectedError
from tabserve.core.files import Ingestion, Severity
from tabserve.core.limits import SeverityLimits
from tabserve.ingestion.validation_result import ValidationResult

RULE: Final = "data_quality"
ORDER: Final = ("none", "low", "medium", "high")
TOP_ISSUES: Final = 3
NO_USE_CASE: Final = "no_use_case"


def file_alert(
    limits: SeverityLimits, ingestion: Ingestion, result: ValidationResult, previous: Alert | None, at: datetime
) -> Alert | None:
    """Return the transition that a file means for its key, if it means one; `previous` is the key's last.

    A file that repairs another one means the same for that one's key, of which `previous` is the last then.
    """
    minded = ORDER.index(ingestion.criticality) >= ORDER.index(limits.alert_from)
    if not minded and (previous is None or previous.state == "resolved"):
        return None
    state: AlertState = "firing" if minded else "resolved"
    subject = previous.subject if previous else ingestion.key
    return Alert(
        id=alert_id(RULE, subject, state, ingestion.file_id),
        rule=RULE,
        subject=subject,
        use_case=ingestion.use_case,
        state=state,
        severity=ingestion.criticality,
        payload={"title": _title(subject, ingestion, minded=minded), **_payload(ingestion, result)},
        created_at=at,
    )


def _title(subject: str, ingestion: Ingestion, *, minded: bool) -> str:
    name = PurePosixPath(subject).name
    if subject != ingestion.key:
        return f"{name} is repaired by {PurePosixPath(ingestion.key).name}"
    if ingestion.status != "done":
        return f"{name} is rejected as a whole" if ingestion.status == "rejected" else f"{name} could not be checked"
    bad = f"{ingestion.rows_bad:,} of {ingestion.rows_total:,} rows are bad"
    return f"{name}: {bad}" if minded else f"{name} came again: {bad}"


def _payload(ingestion: Ingestion, result: ValidationResult) -> dict[str, object]:
    payload: dict[str, object] = {
        "use_case": ingestion.use_case or "unknown",
        "verdict": ingestion.status,
        "rows": f"{ingestion.rows_good} good and {ingestion.rows_bad} bad of {ingestion.rows_total}",
        "file_id": ingestion.file_id,
        "report_key": ingestion.report_key or "",
    }
    if ingestion.error:
        payload["reason"] = ingestion.error
    elif result.issues:
        worst = [f"{issue.column} {issue.rule}".strip() + f" ({issue.rows})" for issue in result.issues if issue.rows]
        payload["issues"] = ", ".join(worst[:TOP_ISSUES])
    return payload


def severity(limits: SeverityLimits, result: ValidationResult) -> Severity:
    """Return how bad a file of a use case is; a rejected or failed one is always high."""
    if result.rows_bad == 0:
        return "none" if result.rows_total else "high"
    share = result.rows_bad / result.rows_total
    if share >= limits.high:
        return "high"
    critical = sum(result.rows_by_rule.get(rule, 0) for rule in limits.critical_rules)
    if share >= limits.medium or (critical and critical / result.rows_total >= limits.critical_rule_share):
        return "medium"
    return "low"


def severity_without_use_case(refused: FileRejectedError | None) -> Severity:
    """Return how bad a file of no use case is.

    A file in a folder that is no use case is high: a definition may be missing, and all of a sender's files with it. A
    file in no folder is a slip of the hand, and no later version of its key could resolve an alert.
    """
    return "low" if refused and refused.rule == NO_USE_CASE else "high"
