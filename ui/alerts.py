"""What is wrong now: open alerts as problems, one a rule and subject, and one for all files of a kind."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pandas as pd

# ruff: noqa: S608  the queries are made of constants
OF_USE_CASE = "(CAST(:use_case AS text) IS NULL OR a.use_case = :use_case OR a.use_case IS NULL)"
CURRENT = f"""
SELECT a.rule, a.subject, a.use_case, a.severity, a.status, a.created_at, a.payload, i.file_id, i.key,
       i.status AS verdict, i.rows_total, i.rows_bad
FROM current_alerts a LEFT JOIN ingestions i ON i.file_id = a.payload ->> 'file_id'
WHERE a.status IN ('open', 'seen') AND {OF_USE_CASE}
ORDER BY a.created_at DESC, a.subject
"""
ISSUES = f"""
SELECT i.column_name, i.rule, sum(i.rows) AS rows
FROM current_alerts a JOIN data_quality_issues i ON i.file_id = a.payload ->> 'file_id'
WHERE a.status = 'open' AND a.rule = 'data_quality' AND i.rows > 0 AND {OF_USE_CASE}
GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 3
"""
# What came and went within one run of the monitor was never told, and has its own time as the time of sending.
HISTORY = f"""
SELECT a.created_at, a.state, a.severity, a.rule, a.subject, a.payload, a.sent_at, count(*) OVER () AS transitions
FROM alerts a
WHERE {OF_USE_CASE} AND a.created_at >= :start AND a.created_at < :end AND a.sent_at IS DISTINCT FROM a.created_at
ORDER BY a.created_at DESC, a.id LIMIT :limit
"""
SEVERITIES = ("critical", "high", "warning", "medium", "low")
FILES = "data_quality"
WORDS = {
    "no_model": "No model can predict the files that wait",
    "model_refused": "The newest champion cannot be served; the one before it answers",
    "challenger_refused": "The version on trial cannot be loaded; the champion answers alone",
    "raw_files_not_ingested": "Raw files were not checked within an hour",
    "prediction_failed": "A file could not be predicted",
}


@dataclass(frozen=True)
class Link:
    """Where on the page a problem is explained, as a page and the state in its address."""

    page: str
    label: str
    state: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Problem:
    """Open alerts of one cause: `severity` and `link` are those of the worst."""

    rule: str
    title: str
    details: str
    severity: str
    status: str
    since: datetime
    until: datetime
    subjects: Sequence[str]
    link: Link
    of_rows: bool  # whether it is about bad rows of several files

    @property
    def count(self) -> int:
        """How many alerts it stands for."""
        return len(self.subjects)


def problems(current: pd.DataFrame) -> list[Problem]:
    """Return what `CURRENT` found as problems: open ones before those that somebody has seen, the worst first."""
    grouped: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in current.to_dict("records"):
        grouped.setdefault(_group(row), []).append({str(name): value for name, value in row.items()})
    found = [_problem(sorted(rows, key=_badness)) for rows in grouped.values()]
    return sorted(found, key=lambda each: (each.status != "open", rank(each.severity), -each.until.timestamp()))


def counts(current: pd.DataFrame) -> dict[str, int]:
    """Return how many alerts are open, by severity from the worst."""
    found = current.loc[current["status"] == "open", "severity"].value_counts()
    return {str(name): int(found[name]) for name in sorted(found.index, key=rank)}


def rank(severity: str) -> int:
    """Return the place of a severity, 0 for the worst."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def title(rule: str, subject: str, payload: Mapping[str, Any]) -> str:
    """Say in words what an alert tells."""
    if text := str(payload.get("title") or ""):
        return text
    if rule == FILES:
        return f"{name(subject)}: {payload.get('rows') or payload.get('verdict') or 'bad rows'}"
    return WORDS.get(rule, f"{rule.replace('_', ' ').capitalize()}: {subject}")


def name(key: str) -> str:
    """Return the name of a file without its folder, which is the use case."""
    return key.rpartition("/")[2]


def issues(found: pd.DataFrame, rules: Mapping[str, str]) -> str:
    """Say which rules the rows of all open files break most often."""
    said = []
    for column, rule, rows in found.itertuples(index=False, name=None):
        broken = str(rules.get(str(rule), rule))
        said.append(f"{column}: {broken} ({rows:,})" if column else f"{broken} ({rows:,})")
    return f"Rows: {'; '.join(said)}." if said else ""


def _group(row: Mapping[Any, Any]) -> tuple[str, ...]:
    """Return what the alerts of one problem have in common; a file is one among many, anything else stands alone."""
    kind = (str(row["rule"]), str(row["status"]))
    if row["rule"] == FILES:
        return (*kind, "rejected" if _is_refused(row) else "bad rows")
    return kind if row["rule"] == "prediction_failed" else (*kind, str(row["subject"]))


def _is_refused(row: Mapping[Any, Any]) -> bool:
    return row["verdict"] in ("rejected", "failed")


def _badness(row: Mapping[str, Any]) -> tuple[int, float]:
    share = row["rows_bad"] / row["rows_total"] if row["rows_total"] and row["rows_total"] > 0 else 0.0
    return rank(row["severity"]), -float(share)


def _problem(rows: Sequence[Mapping[str, Any]]) -> Problem:
    worst = rows[0]
    times = [row["created_at"].to_pydatetime() for row in rows]
    text, details = _said(rows)
    return Problem(
        rule=worst["rule"],
        title=text,
        details=details,
        severity=worst["severity"],
        status=worst["status"],
        since=min(times),
        until=max(times),
        subjects=tuple(row["subject"] for row in rows),
        link=_link(worst, len(rows)),
        of_rows=worst["rule"] == FILES and len(rows) > 1 and not _is_refused(worst),
    )


def _said(rows: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Return what a problem is called, and what there is to say about it."""
    worst, payload = rows[0], rows[0]["payload"]
    if worst["rule"] == FILES and len(rows) > 1:
        if _is_refused(worst):
            return f"{len(rows):,} files are rejected as a whole", _listed(row["subject"] for row in rows)
        bad, total = (sum(int(row[each]) for row in rows if row[each] > 0) for each in ("rows_bad", "rows_total"))
        return f"{len(rows):,} files have bad rows", f"{bad:,} of {total:,} rows are bad."
    if worst["rule"] == "prediction_failed" and len(rows) > 1:
        return f"{len(rows):,} files could not be predicted", str(payload.get("error") or "")
    own = title(worst["rule"], worst["subject"], payload).removeprefix(f"{worst['use_case']}: ")
    details = (
        payload.get("explanation") or payload.get("reason") or payload.get("error") or payload.get("such as") or ""
    )
    return own[:1].upper() + own[1:] if worst["rule"] != FILES else own, str(details)


def _listed(subjects: Iterable[str]) -> str:
    names = [name(each) for each in subjects]
    return ", ".join(names[:3]) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")


def _link(worst: Mapping[str, Any], count: int) -> Link:
    rule, payload = worst["rule"], worst["payload"]
    if file_id := payload.get("file_id"):
        label = f"Open the worst file, {name(worst['subject'])}" if count > 1 else f"Open {name(worst['subject'])}"
        return Link("data-quality", label, {"file": str(file_id)})
    if rule == "invalid_rows":
        return Link("monitoring", "See what arrives", {"tab": "data"})
    if rule in ("no_model", "model_refused", "challenger_refused", "trial_stopped"):
        return Link("models", "See the models")
    if rule == "raw_files_not_ingested":
        return Link("data-quality", "See the files")
    facts = payload.get("facts")
    columns = list(facts.get("columns") or ()) if isinstance(facts, dict) else []
    state = {"tab": "predictions", "when": "7d"} | ({"column": columns[0]} if columns else {})
    return Link("monitoring", "See the columns" if columns else "See the predictions", state)
