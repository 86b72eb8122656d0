"""What all dashboards share: variables, time range, limits, and how panels are laid out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as models

from grafana import colors
from grafana.panels import DATABASE, WIDTH, Panel, sql

RULES = Path(__file__).resolve().parents[2] / "layers/model/src/tabserve/monitoring/alert_rules.yaml"
NOW = "CAST($__timeTo() AS timestamptz)"
BUCKET = "$__timeGroup(window_end, $__interval) AS time"
OF_USE_CASE = "use_case = ${use_case:sqlstring}"
USE_CASES = (
    "SELECT use_case FROM (SELECT use_case FROM drift_metrics UNION SELECT use_case FROM ingestions) AS known "
    "WHERE use_case IS NOT NULL ORDER BY 1"
)

PAGE = "http://localhost:8501"

Variable = dashboard.DatasourceVariable | dashboard.QueryVariable | dashboard.TextBoxVariable


def alert_rules() -> dict[str, Any]:
    """Return the rules the monitor reads: their limits are those of the panels and of Grafana's alerts."""
    loaded: dict[str, Any] = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    return loaded


def board(uid: str, title: str, about: str, panels: Sequence[Panel], *variables: Variable) -> dashboard.Dashboard:
    """Return a dashboard; panels are placed from left to right, a new line begins where one does not fit."""
    built = dashboard.Dashboard(title).uid(uid).description(about).tags(["tabserve"]).timezone("utc")
    built = built.time("now-6h", "now").refresh("30s").editable().links(_links(uid, variables))
    x = y = tallest = 0
    for number, panel in enumerate(panels, start=1):
        ready = panel.id(number)
        position = ready.build().grid_pos
        if x + position.w > WIDTH:
            x, y, tallest = 0, y + tallest, 0
        ready = ready.grid_pos(models.GridPos(h=position.h, w=position.w, x=x, y=y))
        x, tallest = x + position.w, max(tallest, position.h)
        built = built.with_panel(ready)
    for variable in (*variables, dashboard.TextBoxVariable("page").label("Web page").default_value(PAGE)):
        built = built.with_variable(variable)
    return built


def _links(uid: str, variables: Sequence[Variable]) -> list[Any]:
    """Return links to the other dashboards, with their time range and variables, and to the web page's tab."""
    others = dashboard.DashboardLink("Dashboards").type(models.DashboardLinkType.DASHBOARDS).tags(["tabserve"])
    chosen = (
        f"?use_case=${{use_case}}&tab={uid.removeprefix('tabserve-')}"
        if any(each.build().name == "use_case" for each in variables)
        else ""
    )
    page = dashboard.DashboardLink("Web page").type(models.DashboardLinkType.LINK).icon("external link")
    return [others.include_vars(True).keep_time(True), page.url("${page}/monitoring" + chosen).target_blank(True)]


def annotation(name: str, color: str, query: str) -> dict[str, Any]:
    """Return marks on all panels of a dashboard, as Grafana stores them: the SDK knows those of tags only."""
    return {
        "name": name,
        "enable": True,
        "iconColor": color,
        "datasource": {"type": DATABASE.type_val, "uid": DATABASE.uid},
        "target": sql(query, "table", name).build(),
    }


def alerts() -> dict[str, Any]:
    """Return marks where alerts of the use case fired or were resolved."""
    return annotation(
        "Alerts",
        colors.BAD,
        "SELECT created_at AS time, severity || ', ' || state || ': ' || coalesce(payload ->> 'title', rule) AS text "
        "FROM alerts WHERE $__timeFilter(created_at) AND split_part(subject, '/', 1) = ${use_case:sqlstring} "
        "ORDER BY 1 LIMIT 200",
    )


def database_variable() -> dashboard.DatasourceVariable:
    """Let people choose the database."""
    return dashboard.DatasourceVariable("database").label("Database").type("grafana-postgresql-datasource")


def prometheus_variable() -> dashboard.DatasourceVariable:
    """Let people choose the Prometheus server."""
    return dashboard.DatasourceVariable("prometheus").label("Prometheus").type("prometheus")


def use_case_variable() -> dashboard.QueryVariable:
    """Let people choose the use case."""
    return query_variable("use_case", "Use case", USE_CASES)


def query_variable(name: str, label: str, sql: str) -> dashboard.QueryVariable:
    """Offer the values a query returns."""
    variable = dashboard.QueryVariable(name).label(label).query(sql)
    return variable.datasource(models.DataSourceRef(uid="${database}")).refresh(
        models.VariableRefresh.ON_TIME_RANGE_CHANGED
    )
