"""When a raw file is worth an alert: once when it is as bad as the use case minds, once when it is set right."""

from datetime import datetime
from typing import Final

from tabserve.domain.alert import Alert, AlertState, alert_id
from tabserve.domain.quality import Ingestion, Split
from tabserve.domain.use_case import CriticalityLimits

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
