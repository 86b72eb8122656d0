"""A challenger beside the champion, in figures: what both answered, how alike, how fast, and how right."""

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from ui import numbers
from ui.components.markup import percent, significant
from ui.components.tables import share
from ui.context import Json, label_of

SIDES: Final = ("champion", "challenger")
MANY_OUTCOMES: Final = 30  # below, a share of right answers says little
SCORING = """
SELECT CASE role WHEN 'champion' THEN 'champion' ELSE 'challenger' END AS side, bucket,
       sum(calls) AS calls, sum(failures) AS failures
FROM scoring_counts WHERE use_case = :use_case AND trial = :trial
GROUP BY 1, 2 ORDER BY 1, 2
"""
# What both said since the trial began, one row an answer: a shadow's of the same records, a canary's of others.
SHADOW = """
WITH both_said AS (
  SELECT p.prediction AS champion, p.value AS champion_value, c.prediction AS challenger,
         c.value AS challenger_value, g.actual
  FROM challenger_predictions c
  JOIN predictions p ON p.id = c.prediction_id
  LEFT JOIN ground_truth g ON g.prediction_id = p.id
  WHERE c.use_case = :use_case AND c.model_version = :version AND c.role = 'shadow' AND c.created_at >= :since
)
"""
ANSWERS: Final[Mapping[str, str]] = {
    "shadow": f"""{SHADOW}, answers AS (
  SELECT 'champion' AS side, champion AS prediction, champion_value AS value, actual FROM both_said
  UNION ALL SELECT 'challenger', challenger, challenger_value, actual FROM both_said
)
""",  # noqa: S608  of this module
    "canary": """
WITH answers AS (
  SELECT CASE p.role WHEN 'canary' THEN 'challenger' ELSE 'champion' END AS side, p.prediction, p.value, g.actual
  FROM predictions p LEFT JOIN ground_truth g ON g.prediction_id = p.id
  WHERE p.use_case = :use_case AND p.model_version IN (:version, :champion) AND p.created_at >= :since
)
""",
}
CLASSES = """
SELECT side, prediction, count(*) AS rows, count(actual) AS outcomes,
       count(*) FILTER (WHERE actual = prediction) AS correct
FROM answers GROUP BY 1, 2 ORDER BY 1, 2
"""
VALUES = """
SELECT side, count(*) AS rows, count(actual) AS outcomes,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY value) AS middle,
       avg(abs(value - CAST(actual AS double precision))) AS error
FROM answers GROUP BY 1
"""
ALIKE = f"""{SHADOW}
SELECT count(*) AS rows, count(*) FILTER (WHERE champion = challenger) AS alike,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(champion_value - challenger_value)) AS apart
FROM both_said
"""  # noqa: S608  both are texts of this module


def answers(definition: Json, kind: str) -> str:
    """Return the query for what both answered in a trial of a kind."""
    return f"{ANSWERS[kind]}{VALUES if numbers.is_regression(definition) else CLASSES}"


def table(definition: Json, found: pd.DataFrame, scoring: pd.DataFrame) -> dict[str, list[str]]:
    """Return what is said of champion and challenger: answers, what they say, how right, failed calls, their time."""
    rows = {"answers": [f"{_sum(found, side, 'rows'):,}" for side in SIDES]}
    told = _of_numbers if numbers.is_regression(definition) else _of_classes
    rows |= told(definition, found)
    calls = {side: scoring[scoring["side"] == side] for side in SIDES}
    rows["failed calls"] = [_failed(calls[side]) for side in SIDES]
    rows["time to score a call, usually"] = [_time(calls[side], 0.5) for side in SIDES]
    rows["time of the slowest of twenty"] = [_time(calls[side], 0.95) for side in SIDES]
    return rows


def sentence(definition: Json, alike: Mapping[str, Any]) -> str:
    """Say in Markdown how far a shadow's answers are the champion's."""
    rows = int(alike.get("rows") or 0)
    if not rows:
        return "No record has been scored by both yet."
    if numbers.is_regression(definition):
        apart = numbers.with_unit(definition, float(alike["apart"]))
        return f"Of **{rows:,}** records, half differ by at most **{apart}**."
    return f"Both say the same of **{share(int(alike['alike']), rows)}** of {rows:,} records."


def _of_classes(definition: Json, found: pd.DataFrame) -> dict[str, list[str]]:
    totals = [_sum(found, side, "rows") for side in SIDES]
    rows = {}
    for class_ in map(str, definition["target"]["classes"]):
        of_class = found[found["prediction"] == class_]
        counts = [_sum(of_class, side, "rows") for side in SIDES]
        rows[f"says {label_of(definition, class_)}"] = [share(n, all_) for n, all_ in zip(counts, totals, strict=True)]
    rows["right, where the outcome is known"] = [_right(found, side) for side in SIDES]
    return rows


def _of_numbers(definition: Json, found: pd.DataFrame) -> dict[str, list[str]]:
    known = {str(row["side"]): row for row in found.to_dict("records")}

    def written(name: str, side: str) -> str:
        value = known.get(side, {}).get(name)
        return "–" if value is None or pd.isna(value) else numbers.with_unit(definition, float(value))

    middle = [written("middle", side) for side in SIDES]
    errors = [written("error", side) for side in SIDES]
    counts = [_sum(found, side, "outcomes") for side in SIDES]
    error = [f"{text} ({n:,} outcomes)" if n else "–" for text, n in zip(errors, counts, strict=True)]
    return {"half of the answers are below": middle, "mean error, where the outcome is known": error}


def _right(found: pd.DataFrame, side: str) -> str:
    outcomes = _sum(found, side, "outcomes")
    if not outcomes:
        return "–"
    few = "" if outcomes >= MANY_OUTCOMES else ": too few to tell"
    return f"{percent(_sum(found, side, 'correct') / outcomes)} of {outcomes:,}{few}"


def _failed(calls: pd.DataFrame) -> str:
    return f"{int(calls['failures'].sum()):,} of {int(calls['calls'].sum()):,}" if len(calls) else "–"


def _time(calls: pd.DataFrame, part: float) -> str:
    """Write within which time a part of the calls was scored, by the bounds of the buckets that they are counted in."""
    if calls.empty:
        return "–"
    below = calls["calls"].cumsum()
    bound = float(calls.loc[below >= part * below.iloc[-1], "bucket"].iloc[0])
    return f"{significant(1000 * bound)} ms"


def _sum(found: pd.DataFrame, side: str, name: str) -> int:
    return int(found.loc[found["side"] == side, name].sum())
