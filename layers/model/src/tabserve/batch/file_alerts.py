"""Alerts about the scheduled predictions of files."""

from datetime import datetime

from tabserve.alerts.alert import Alert, AlertState, alert_id
from tabserve.core.files import Ingestion

GAVE_UP = "prediction_failed"
NO_MODEL = "no_model"


def gave_up(ingestion: Ingestion, state: AlertState, cause: str, error: str | None, at: datetime) -> Alert:
    """Return the alert that a file's predictions have been given up, or are tried again."""
    return Alert(
        id=alert_id(GAVE_UP, ingestion.file_id, state, cause),
        rule=GAVE_UP,
        subject=ingestion.key,
        state=state,
        severity="critical",
        payload={"use_case": ingestion.use_case, "file_id": ingestion.file_id, "error": error},
        created_at=at,
    )


def model_alert(use_case: str, last: Alert | None, error: str | None, at: datetime) -> Alert | None:
    """Return the alert that the files of a use case begin to wait for a model, or are predicted again.

    Args:
        use_case: whose files.
        last: the latest such alert; runs that overlap know the same one, and so tell the same transition once.
        error: why there is no usable model now; None where there is one.
        at: the time.

    """
    fires = last is not None and last.state == "firing"
    if fires == (error is not None):
        return None
    state: AlertState = "resolved" if fires else "firing"
    id_ = alert_id(NO_MODEL, use_case, state, last.id if last else "")
    return Alert(id_, NO_MODEL, use_case, state, "critical", {"use_case": use_case, "error": error}, at)
