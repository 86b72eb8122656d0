"""Which model versions there are, how good they are, and what the champion answered lately."""

import pandas as pd
import streamlit as st

from ui import context, queries
from ui.components import charts, headline, markup, notices, times
from ui.components.markup import percent
from ui.context import Json, label_of
from ui.errors import UiError

METRICS = {
    "accuracy": "Accuracy",
    "roc_auc": "ROC AUC",
    "brier": "Brier score (lower is better)",
    "log_loss": "Log loss (lower is better)",
}


def show() -> None:
    """Draw the page."""
    definition = context.chosen_definition()
    headline.show("Models")
    cards = context.api().model(definition["name"])
    _show_reload(definition["name"], cards)
    champion = cards["champion"]
    if champion is None:
        notices.show_empty(
            "No version is the champion yet.", f"Train one: scripts/train.py --use-case {definition['name']} --promote"
        )
    else:
        _show_champion(champion)
    _show_lately(definition)
    _show_versions(cards)


def _show_reload(use_case: str, cards: Json) -> None:
    champion = cards["champion"] and cards["champion"]["version"]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"Version **`{cards['serving']}`** answers now.")
        if st.button(
            "Reload the champion", icon=":material/refresh:", help="Every instance does so within 30 seconds."
        ):
            now = context.api().reload_model(use_case)["serving"][use_case]
            same = "It is the same as before." if now == cards["serving"] else f"Before it was {cards['serving']}."
            st.success(f"**The API answers with version {now}.** {same}", icon=":material/check_circle:")
    if champion and champion != cards["serving"]:
        st.warning(f"The champion is {champion}; this instance has not taken it over yet. *Reload* does it now.")


def _show_champion(champion: Json) -> None:
    st.header("The champion", anchor=False)
    columns = st.columns(max(1, len(champion["metrics"])))
    for column, (name, metric) in zip(columns, champion["metrics"].items(), strict=False):
        column.metric(
            METRICS.get(name, name),
            f"{metric['value']:.3f}",
            delta=f"{metric['low']:.3f} – {metric['high']:.3f}",
            delta_color="off",
            delta_arrow="off",
            border=True,
            help="On held-out rows the model never saw; below it the 95 % interval.",
        )
    st.caption(
        f"A {champion['estimator'].replace('_', ' ')}, trained {times.written(champion['created_at'])} on "
        f"{champion['rows_trained']:,} rows, measured on {champion['rows_held_out']:,} others. "
        f"Training data: sha256 `{champion['data_sha256'][:12]}`. The exported model was compared with the trained one "
        f"on {champion['parity']['rows']:,} rows: {champion['parity']['differing_classes']} answers differ."
    )


def _show_lately(definition: Json) -> None:
    st.header("What was answered in the last 24 hours", anchor=False)
    try:
        found = context.read(queries.LATELY, use_case=definition["name"])
    except UiError as error:
        notices.show_error(error, retry=False)
        return
    if found.empty:
        notices.show_empty("Nothing yet.", "Make a prediction under *Predict*; it is counted here.")
        return
    for version, rows in found.groupby("model_version", sort=False):
        total = int(rows["rows"].sum())
        last = times.written(rows["last"].max())
        st.markdown(f"`{version}`: **{total:,}** predictions, the last one {last}")
        st.html(
            markup.bars(
                [
                    markup.Bar(label_of(definition, class_), f"{count:,} ({percent(count / total)})", count / total)
                    for class_, count in rows[["prediction", "rows"]].itertuples(index=False)
                ]
            )
        )


def _show_versions(cards: Json) -> None:
    st.header("All versions", anchor=False)
    versions = cards["versions"]
    if not versions:
        notices.show_empty("The registry has no version.", "The API answers with the model that came with its code.")
        return
    frame = pd.DataFrame(
        {
            "version": [version["version"] for version in versions],
            "role": [_role(version, cards) for version in versions],
            "trained": pd.to_datetime([version["created_at"] for version in versions], utc=True),
            "estimator": [version["estimator"].replace("_", " ") for version in versions],
            "rows trained on": [version["rows_trained"] for version in versions],
            **{
                title: [_interval(version["metrics"].get(name)) for version in versions]
                for name, title in METRICS.items()
                if any(name in version["metrics"] for version in versions)
            },
            "training data": [version["data_sha256"][:12] for version in versions],
        }
    )
    st.dataframe(
        frame, hide_index=True, column_config={"trained": times.column("trained")}, alt="Model versions, newest first"
    )
    st.caption(
        f"Metrics on held-out rows with their 95 % intervals. Who changes the champion: "
        f"scripts/train.py --use-case {cards['use_case']} --promote."
    )
    if len(versions) > 1:
        charts.show_intervals(_points(versions), "Accuracy of each version with its 95 % interval")


def _points(versions: list[Json]) -> pd.DataFrame:
    metric = next(iter(versions[0]["metrics"]))
    return pd.DataFrame(
        [
            {"version": version["version"], "metric": METRICS.get(metric, metric), **version["metrics"][metric]}
            for version in versions
            if metric in version["metrics"]
        ]
    )


def _role(version: Json, cards: Json) -> str:
    roles = [name for name in ("champion", "challenger") if (cards[name] or {}).get("version") == version["version"]]
    return ", ".join([*roles, *(["answers now"] if version["version"] == cards["serving"] else [])])


def _interval(metric: Json | None) -> str:
    return "–" if metric is None else f"{metric['value']:.3f} ({metric['low']:.3f} – {metric['high']:.3f})"
