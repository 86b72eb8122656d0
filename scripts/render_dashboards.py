"""Draw the dashboards that read the database as pictures, with the code that draws them on the web page."""

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import altair as alt

import pictures
import stack_env
from ui import panels
from ui.components import panel_charts
from ui.database import ReaderDatabase


def main() -> int:
    """Write one picture a dashboard."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", type=Path, default=Path(".local/stack.env"), help="of the stack to look at")
    parser.add_argument("--use-case", default="", help="by default the one with the newest window")
    parser.add_argument("--feature", default="", help="by default the one that moved most")
    parser.add_argument("--minutes", type=int, default=60, help="how far to look back")
    parser.add_argument("--out", type=Path, default=Path("docs/images"), help="where the pictures go")
    arguments = parser.parse_args()
    known = stack_env.read(arguments.env)
    database = ReaderDatabase(known["READER_DATABASE_URL"])
    end = datetime.now(UTC)
    chosen = {"use_case": arguments.use_case or _first(database, NEWEST), "page": known.get("UI_URL", "")}
    chosen["feature"] = arguments.feature or _first(database, MOVED, use_case=chosen["use_case"])
    view = panels.View(end - timedelta(minutes=arguments.minutes), end, chosen)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for uid, board in panels.dashboards().items():
        path = arguments.out / f"{uid}.png"
        picture(board, database, view).save(path, scale_factor=1.5)
        print(f"wrote {path}")
    pictures.note("docs/images")
    return 0


NEWEST = "SELECT use_case FROM drift_metrics ORDER BY window_end DESC LIMIT 1"
MOVED = """SELECT feature FROM drift_metrics WHERE use_case = :use_case AND feature NOT LIKE '@%'
ORDER BY window_end DESC, effect DESC LIMIT 1"""


def picture(board: panels.Dashboard, database: ReaderDatabase, view: panels.View) -> alt.VConcatChart:
    """Draw a dashboard as one chart, its lines of panels below each other."""
    heading = f"{board['title']}: {view.variables['use_case']}"
    charts = [
        alt.hconcat(*_charts(line, database, view)).resolve_scale(color="independent") for line in panels.lines(board)
    ]
    whole: alt.VConcatChart = (
        alt.vconcat(*charts, title=alt.Title(heading, fontSize=20, anchor="start", offset=12), padding=20)
        .resolve_scale(color="independent")
        .configure_view(stroke=None)
    )
    return whole


def _charts(line: list[panels.Panel], database: ReaderDatabase, view: panels.View) -> Iterator[Any]:
    for panel in line:
        chart = panel_charts.draw(panel, panels.data(panel, database, view), view)
        yield chart.properties(title=alt.Title(panels.title(panel, view), anchor="start", fontSize=13))


def _first(database: ReaderDatabase, sql: str, **parameters: str) -> str:
    return str(next(iter(database.row(sql, **parameters).values()), ""))


if __name__ == "__main__":
    sys.exit(main())
