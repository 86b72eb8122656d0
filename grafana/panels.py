"""The kinds of panels dashboards are made of, with what every panel must have."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from grafana_foundation_sdk.builders import barchart, common, dashboard, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    DynamicConfigValue,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)

from grafana import colors

DATABASE = DataSourceRef(type_val="grafana-postgresql-datasource", uid="${database}")
PROMETHEUS = DataSourceRef(type_val="prometheus", uid="${prometheus}")
WIDTH = 24

Panel = Any  # the builders of the panel kinds share no base class


class Query:
    """A query as Grafana stores it; the SDK has no class for those on PostgreSQL."""

    def __init__(self, source: DataSourceRef, **target: object) -> None:
        self.source = source
        self._target = target

    def build(self) -> Any:  # noqa: ANN401
        """Return the query as the SDK takes it."""
        return self._target | {"datasource": {"uid": self.source.uid}}


def sql(text: str, shape: str = "time_series", name: str = "A") -> Query:
    """Ask PostgreSQL."""
    return Query(DATABASE, refId=name, rawSql=" ".join(text.split()), format=shape, rawQuery=True, editorMode="code")


def promql(text: str, legend: str = "__auto", name: str = "A") -> Query:
    """Ask Prometheus."""
    return Query(PROMETHEUS, refId=name, expr=text, legendFormat=legend, range=True)


def limits(*steps: tuple[float | None, str]) -> dashboard.ThresholdsConfig:
    """Return thresholds: the colour from each value on, the first from minus infinity."""
    found = [Threshold(value=value, color=color) for value, color in steps]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(found)


PLAIN = limits((None, colors.SERIES[0]))


def number(title: str, about: str, query: Query, unit: str, steps: dashboard.ThresholdsConfig) -> Panel:
    """Show one number, coloured by its thresholds."""
    panel = stat.Panel().color_mode(common_models.BigValueColorMode.BACKGROUND)
    panel = panel.graph_mode(common_models.BigValueGraphMode.NONE).no_value("no data")
    return _common(panel, title, about, [query], unit, steps).span(6).height(4)


def lines(
    title: str, about: str, queries: Sequence[Query], unit: str, steps: dashboard.ThresholdsConfig = PLAIN
) -> Panel:
    """Draw values over time, with thresholds as dashed lines where there are any."""
    panel = timeseries.Panel().line_width(2).fill_opacity(0).point_size(4).span_nulls(True)
    if steps is not PLAIN:
        style = common_models.GraphThresholdsStyleMode.DASHED
        panel = panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(style))
    return _common(panel, title, about, queries, unit, steps).span(12).height(8)


def stacked(title: str, about: str, query: Query, unit: str = "short", names: Iterable[str] = ()) -> Panel:
    """Stack counts over time as bars; series of known names have their colours."""
    stack = common.StackingConfig().mode(common_models.StackingMode.NORMAL).group("A")
    panel = timeseries.Panel().draw_style(common_models.GraphDrawStyle.BARS).fill_opacity(80).line_width(1)
    panel = _common(panel.stacking(stack), title, about, [query], unit, PLAIN).span(12).height(8)
    for name, color in colors.of(names).items():
        panel = panel.override_by_name(name, [_fixed(color)])
    return panel


def banded(panel: Panel, names: Iterable[str]) -> Panel:
    """Draw the series `NAME, low` and `NAME, high` as a band around the one called NAME."""
    for name, color in colors.of(names).items():
        hidden = DynamicConfigValue(id_val="custom.lineWidth", value=0)
        band = DynamicConfigValue(id_val="custom.fillBelowTo", value=f"{name}, low")
        faint = DynamicConfigValue(id_val="custom.fillOpacity", value=20)
        panel = panel.override_by_name(name, [_fixed(color)])
        panel = panel.override_by_name(f"{name}, low", [_fixed(color), hidden])
        panel = panel.override_by_name(f"{name}, high", [_fixed(color), hidden, band, faint])
    return panel


def coloured(panel: Panel, words: Mapping[str, Iterable[str]]) -> Panel:
    """Give words in columns of a table their colours."""
    for column, names in words.items():
        options = {
            name: {"text": name, "color": color, "index": place}
            for place, (name, color) in enumerate(colors.of(names).items())
        }
        found = [
            DynamicConfigValue(id_val="mappings", value=[{"type": "value", "options": options}]),
            DynamicConfigValue(id_val="custom.cellOptions", value={"type": "color-background", "mode": "basic"}),
        ]
        panel = panel.override_by_name(column, found)
    return panel


def _fixed(color: str) -> DynamicConfigValue:
    return DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": color})


def named_values(named: Sequence[tuple[int, str, str]]) -> ValueMap:
    """Show texts instead of codes; `named` gives code, text and colour of each."""
    return ValueMap(
        options={str(code): ValueMappingResult(text=text, color=color, index=code) for code, text, color in named}
    )


def states(title: str, about: str, query: Query, named: Sequence[tuple[int, str, str]]) -> Panel:
    """Draw which state each series is in over time; `named` gives code, text and colour of each state."""
    steps = limits(*((None if index == 0 else code, color) for index, (code, _, color) in enumerate(named)))
    panel = statetimeline.Panel().merge_values(True).show_value(common_models.VisibilityMode.AUTO)
    panel = panel.color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
    panel = panel.mappings([named_values(named)])
    return _common(panel, title, about, [query], "short", steps).span(24).height(9)


def bars(title: str, about: str, query: Query, unit: str) -> Panel:
    """Compare columns of a table side by side, by its first column."""
    return _common(barchart.Panel().bar_width(0.8), title, about, [query], unit, PLAIN).span(12).height(8)


def rows(title: str, about: str, query: Query) -> Panel:
    """List rows."""
    return _common(table.Panel(), title, about, [query], "short", PLAIN).span(12).height(8)


def linked(panel: Panel, column: str, title: str, url: str) -> Panel:
    """Turn a column's cells into links; `${__value.raw}` in the URL is the cell."""
    links = [{"title": title, "url": url, "targetBlank": True}]
    return panel.override_by_name(column, [DynamicConfigValue(id_val="links", value=links)])


def _common(
    panel: Panel,
    title: str,
    about: str,
    queries: Sequence[Query],
    unit: str,
    steps: dashboard.ThresholdsConfig,
) -> Panel:
    panel = panel.title(title).description(about).datasource(queries[0].source).unit(unit).thresholds(steps)
    for query in queries:
        panel = panel.with_target(query)
    return panel
