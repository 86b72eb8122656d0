"""What all dashboards share: uid, variables, time range, and how panels are laid out."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as models

from grafana.panels import WIDTH, Panel

USE_CASES = (
    "SELECT use_case FROM (SELECT use_case FROM drift_metrics UNION SELECT use_case FROM ingestions) AS known "
    "WHERE use_case IS NOT NULL ORDER BY 1"
)


def board(uid: str, title: str, about: str, panels: Sequence[Panel]) -> dashboard.Dashboard:
    """Return a dashboard; panels are placed from left to right, a new line begins where one does not fit."""
    built = dashboard.Dashboard(title).uid(uid).description(about).tags(["tabserve"]).timezone("utc")
    built = built.time("now-6h", "now").refresh("30s").editable()
    x = y = tallest = 0
    for number, panel in enumerate(panels, start=1):
        ready = panel.id(number)
        position = ready.build().grid_pos
        if x + position.w > WIDTH:
            x, y, tallest = 0, y + tallest, 0
        ready = ready.grid_pos(models.GridPos(h=position.h, w=position.w, x=x, y=y))
        x, tallest = x + position.w, max(tallest, position.h)
        built = built.with_panel(ready)
    return built


def database_variable() -> dashboard.DatasourceVariable:
    """Let people choose the database."""
    return dashboard.DatasourceVariable("database").label("Database").type("grafana-postgresql-datasource")


def prometheus_variable() -> dashboard.DatasourceVariable:
    """Let people choose the Prometheus server."""
    return dashboard.DatasourceVariable("prometheus").label("Prometheus").type("prometheus")


def query_variable(name: str, label: str, sql: str) -> dashboard.QueryVariable:
    """Offer the values a query returns."""
    variable = dashboard.QueryVariable(name).label(label).query(sql)
    return variable.datasource(models.DataSourceRef(uid="${database}")).refresh(
        models.VariableRefresh.ON_TIME_RANGE_CHANGED
    )
