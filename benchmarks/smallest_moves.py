"""The smallest moves that alarm in nine of ten windows, by kind of column and rows a window, as a Markdown table.

A column is judged as one of seven; nothing moves in the others. Categories have three levels, two of which share what
is left. Numbers are normal, their mean moves. The reference has 891 rows.
"""

import argparse
import sys
from collections.abc import Callable

import numpy as np

from tabserve.core.limits import DriftLimits
from tabserve.monitoring.drift import difference, state
from tabserve.reference.profile import CategoricalProfile, ColumnProfile, NumericProfile

REFERENCE_ROWS, COLUMNS, OFTEN = 891, 7, 0.9
Draw = Callable[[np.random.Generator, int, float, ColumnProfile | None], ColumnProfile]


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[300, 500, 1_000], help="rows a window")
    parser.add_argument("--windows", type=int, default=500, help="windows for each move that is tried")
    arguments = parser.parse_args()
    print("| rows a window | " + " | ".join(f"{rows:,}".replace(",", " ") for rows in arguments.rows) + " |")
    print("|---|" + "--:|" * len(arguments.rows))
    for title, (draw, step, unit) in kinds().items():
        cells = (f"{smallest(draw, step, rows, arguments.windows) * step:g}{unit}" for rows in arguments.rows)
        print(f"| {title} | {' | '.join(cells)} |", flush=True)
    return 0


def kinds() -> dict[str, tuple[Draw, float, str]]:
    """Return how columns of each kind are drawn, the step of a move and its unit."""
    found: dict[str, tuple[Draw, float, str]] = {}
    for share in (10, 30, 50):
        found[f"share of a category, from {share} %"] = (_category(share), 1, " points")
    found["mean of a number"] = (_number, 0.05, " sd")
    for share in (0, 20):
        found[f"missing values, from {share} %"] = (_missing(share), 1, " points")
    return found


def smallest(draw: Draw, step: float, rows: int, windows: int) -> int:
    """Return the smallest number of steps that alarms often enough."""
    none, enough = 0, 40
    while enough - none > 1:
        middle = (none + enough) // 2
        if alarm_rate(draw, middle * step, rows, windows) >= OFTEN:
            enough = middle
        else:
            none = middle
    return enough


def alarm_rate(draw: Draw, move: float, rows: int, windows: int) -> float:
    """Return the share of windows that alarm, each against a fresh reference."""
    rng = np.random.default_rng((rows, round(move * 100)))
    alarms = 0
    for _ in range(windows):
        reference = draw(rng, REFERENCE_ROWS, 0, None)
        found = difference(reference, draw(rng, rows, move, reference))
        alarms += state(rows, min(1, COLUMNS * found.p_value), found.effect, DriftLimits()) in ("alarm", "severe")
    return alarms / windows


def _category(share: float) -> Draw:
    def draw(rng: np.random.Generator, rows: int, move: float, _: ColumnProfile | None) -> ColumnProfile:
        first = (share + move) / 100
        counts = rng.multinomial(rows, [first, (1 - first) / 2, (1 - first) / 2]).tolist()
        return CategoricalProfile(0, 0, dict(zip("abc", counts, strict=True)))

    return draw


def _number(rng: np.random.Generator, rows: int, move: float, reference: ColumnProfile | None) -> ColumnProfile:
    edges = reference.edges if isinstance(reference, NumericProfile) else None
    return NumericProfile.of(rng.normal(move, 1, rows), edges)


def _missing(share: float) -> Draw:
    def draw(rng: np.random.Generator, rows: int, move: float, reference: ColumnProfile | None) -> ColumnProfile:
        column = np.where(rng.random(rows) < (share + move) / 100, np.nan, rng.normal(size=rows))
        return NumericProfile.of(column, reference.edges if isinstance(reference, NumericProfile) else None)

    return draw


if __name__ == "__main__":
    sys.exit(main())
