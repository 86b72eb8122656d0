"""Alerts: what somebody should know about, reported once when it begins and once when it is over."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal
from urllib.parse import quote

AlertState = Literal["firing", "resolved"]

LONGEST_WAIT: Final = timedelta(minutes=15)
NAMESPACE = uuid.UUID("7f1d2a52-0c39-5a0e-9d52-7c9c3f0b6a11")


@dataclass(frozen=True, slots=True)
class Alert:
    """One transition of one rule on one subject; the same transition always has the same id.

    `use_case` is the one it is about, None where it is about none in particular.
    """

    id: str
    rule: str
    subject: str
    use_case: str | None
    state: AlertState
    severity: str
    payload: Mapping[str, object]
    created_at: datetime
    sent_at: datetime | None = field(default=None, compare=False)
    attempts: int = field(default=0, compare=False)
    delivered_to: tuple[str, ...] = field(default=(), compare=False)


def alert_id(rule: str, subject: str, state: AlertState, cause: str) -> str:
    """Return the one id of a transition; `cause` tells repeated transitions apart, such as a file id or a window."""
    return str(uuid.uuid5(NAMESPACE, "\n".join((rule, subject, state, cause))))


@dataclass(frozen=True, slots=True)
class Seen:
    """What somebody has seen: the open alerts of a rule up to a time, of some subjects or a use case where given.

    What began to fire later than `until` is not among them.
    """

    rule: str
    until: datetime
    subjects: tuple[str, ...] | None = None
    use_case: str | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """An alert as people read it; `link` leads to the details."""

    title: str
    facts: tuple[tuple[str, str], ...]
    state: AlertState
    severity: str
    link: str | None = None


def next_attempt_after(attempts: int, at: datetime) -> datetime:
    """Return when to try an alert again after so many attempts: in a minute, then later and later."""
    return at + min(LONGEST_WAIT, timedelta(minutes=2 ** min(attempts - 1, 10)))


def notice(alert: Alert, ui_url: str = "") -> Notice:
    """Put an alert into words; a payload may bring its own title, explanation, facts and link.

    A file's alert leads to the web page, which has the file's report; without a page it says where the API has it.
    Any other one leads to its own link, a dashboard's, and else to what is wrong with its use case on the page.
    """
    payload = alert.payload
    what = str(payload.get("title", alert.rule.replace("_", " ")))
    title = f"Resolved: {what}" if alert.state == "resolved" else f"{alert.severity.capitalize()}: {what}"
    facts = payload.get("facts", {})
    numbers = {**payload, **facts} if isinstance(facts, Mapping) else payload
    hidden = {"report_key", "title", "facts", "link"}
    lines = [(name.replace("_", " "), str(value)) for name, value in numbers.items() if name not in hidden]
    link = _text(payload, "link")
    if file_id := _text(payload, "file_id"):
        link = f"{ui_url}/data-quality?file={file_id}" if ui_url else None
        lines += [] if ui_url else [("report", f"GET /reports/{file_id}")]
    elif ui_url and not link:
        link = f"{ui_url}/monitoring" + (f"?use_case={quote(alert.use_case)}" if alert.use_case else "")
    return Notice(title, (("subject", alert.subject), *lines), alert.state, alert.severity, link)


def _text(payload: Mapping[str, object], name: str) -> str | None:
    return str(payload.get(name) or "") or None
