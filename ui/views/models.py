"""Which model versions there are and how good they are; to promote them, try them and take them back."""

from collections.abc import Callable
from typing import Literal

import pandas as pd
import streamlit as st

from ui import address, context, numbers, queries
from ui import release as releases
from ui.components import (
    headline,
    markup,
    model_card,
    model_pictures,
    notices,
    number_pictures,
    release,
    release_dialog,
    tables,
    times,
    trial,
)
from ui.components.markup import number, percent, plain
from ui.context import Json, label_of
from ui.errors import UiError

METRICS = {
    "accuracy": "Accuracy",
    "roc_auc": "ROC AUC",
    "brier": "Brier score (lower is better)",
    "log_loss": "Log loss (lower is better)",
    "mae": "Mean absolute error",
    "rmse": "Root mean squared error",
    "median_absolute_error": "Median absolute error",
    "r2": "R²",
    "coverage": "Coverage of the interval",
}

ENDS = ("value", "low", "high")
NOBODY = "–"


def show() -> None:
    """Draw the page."""
    headline.show("Models")
    release_dialog.show_note()
    release.show_retired(context.retired())
    definition = context.chosen_definition()
    name, title = definition["name"], definition["title"] or definition["name"]
    cards, seen = context.api().model(name), context.release(name)
    _show_serving(name, cards)
    trial.show(definition, seen)
    if cards["versions"]:
        _show_versions(cards, seen)
        _show_compared(definition, cards, seen, title)
    else:
        notices.show_empty(
            "The registry has no version.",
            "The API answers with the model that came with its code. Train one as below.",
        )
    _show_lately(definition)
    _show_what_to_do(name, cards)


def _show_serving(use_case: str, cards: Json) -> None:
    st.markdown(f"Version **`{cards['serving']}`** answers now.")
    champion = cards["champion"] and cards["champion"]["version"]
    if champion and champion != cards["serving"]:
        st.warning(f"The champion is {champion}; this instance takes it over within 30 seconds.")
        _offer_reload(use_case, cards, primary=True)
        _watch(use_case, cards["serving"])


@st.fragment(run_every=5)
def _watch(use_case: str, serving: str) -> None:
    """Draw the page anew when another version answers."""
    try:
        now = context.api().model(use_case)["serving"]
    except UiError:
        return
    if now != serving:
        st.rerun()


def _offer_reload(use_case: str, cards: Json, *, primary: bool = False) -> None:
    kind: Literal["primary", "secondary"] = "primary" if primary else "secondary"
    if st.button(
        "Reload the champion", icon=":material/refresh:", help="Every instance does so within 30 seconds.", type=kind
    ):
        now = context.api().reload_model(use_case)["serving"][use_case]
        same = "It is the same as before." if now == cards["serving"] else f"Before it was {cards['serving']}."
        st.success(f"**The API answers with version {now}.** {same}", icon=":material/check_circle:")


def _show_versions(cards: Json, seen: Json) -> None:
    versions = cards["versions"]
    st.header("Versions", anchor=False)
    frame = pd.DataFrame(
        {
            "version": [version["version"] for version in versions],
            "role": [releases.role(seen, version["version"]) or None for version in versions],
            **{
                title: [_interval(version["metrics"].get(name)) for version in versions]
                for name, title in METRICS.items()
                if any(name in version["metrics"] for version in versions)
            },
            "trained": pd.to_datetime([version["created_at"] for version in versions], utc=True),
            "rows trained on": [version["rows_trained"] for version in versions],
            "estimator": [version["estimator"].replace("_", " ") for version in versions],
            "training data": [version["data_sha256"][:12] for version in versions],
        }
    )
    columns = {
        "version": st.column_config.TextColumn(pinned=True),
        "trained": times.column("trained"),
        "rows trained on": st.column_config.NumberColumn(format="localized"),
    }
    tables.show(frame, "Model versions, newest first", columns)
    st.caption("Metrics on held-out rows with their 95 % intervals.")


def _show_compared(definition: Json, cards: Json, seen: Json, title: str) -> None:
    """Draw the champion, or any version the visitor chose, beside another one, and what can be done with it."""
    known = {version["version"]: version for version in cards["versions"]}
    names = {name: name for name in sorted(known, key=_first(cards))}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = address.choose("Version", names, "version", width=380)
        others = {name: text for name, text in names.items() if name != chosen}
        beside = address.choose("Beside", {NOBODY: "no other version", **others}, "beside", width=380)
    release.show_buttons(seen, chosen, title)
    tabs = address.tabs({"quality": "How good it is", "card": "Model card", "history": "History"})
    with tabs["quality"]:
        if tabs["quality"].open:
            shown = [known[chosen], *([known[beside]] if beside in known else [])]
            _show_quality(definition, shown)
    with tabs["card"]:
        if tabs["card"].open:
            model_card.show(definition["name"], chosen)
    with tabs["history"]:
        if tabs["history"].open:
            release.show_history(seen)


def _show_quality(definition: Json, shown: list[Json]) -> None:
    if numbers.is_regression(definition):
        number_pictures.show(shown, METRICS, definition)
    else:
        model_pictures.show(shown, METRICS, context.labels(definition))
    for version in shown:
        _show_facts(definition, version)


def _first(cards: Json) -> Callable[[str], tuple[bool, int]]:
    """Put the champion first, then the newest."""
    champion = (cards["champion"] or {}).get("version")
    order = [version["version"] for version in cards["versions"]]
    return lambda name: (name != champion, order.index(name))


def _show_facts(definition: Json, version: Json) -> None:
    st.caption(
        f"`{version['version']}`: a {version['estimator'].replace('_', ' ')}, trained "
        f"{times.written(version['created_at'])} on {version['rows_trained']:,} rows, measured on "
        f"{version['rows_held_out']:,} others. Training data: sha256 `{version['data_sha256'][:12]}`. The exported "
        f"model was compared with the trained one on {version['parity']['rows']:,} rows: "
        f"{version['parity']['differing_classes']} answers differ."
    )
    if (decided := _decision(definition, version)) is not None:
        st.caption(decided)
    for warning in version.get("warnings", ()):
        st.caption(f":material/warning: {warning}")


def _decision(definition: Json, version: Json) -> str | None:
    """Say from which probability on the positive class is answered, and why; or how wide intervals are."""
    if (interval := version["interval"]) is not None:
        half = numbers.with_unit(definition, interval["half_width"])
        return f"Intervals reach {plain(half)} to both sides: so {percent(interval['share'])} of them hold the truth."
    if (threshold := version["threshold"]) is None:
        return None
    decision = definition["decision"]
    why = "as it was when this version was trained"
    if decision == "max_f1":
        why = "where cross-validation found the highest F1"
    elif decision and decision["cost"]:
        cost = decision["cost"]
        why = (
            f"where cross-validation found the lowest cost, a false positive costing {number(cost['false_positive'])} "
            f"and a false negative {number(cost['false_negative'])}"
        )
    elif decision:
        why = "as the definition says"
    positive = plain(label_of(definition, definition["target"]["positive_class"]))
    return f"It answers **{positive}** from a probability of {percent(threshold)} on, {why}."


def _show_lately(definition: Json) -> None:
    st.header("What was answered in the last 24 hours", anchor=False)
    try:
        regression = numbers.is_regression(definition)
        found = context.read(queries.LATELY_NUMBERS if regression else queries.LATELY, use_case=definition["name"])
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
        if regression:
            low, middle, high = (
                numbers.with_unit(definition, rows[name].iloc[0]) for name in ("low", "middle", "high")
            )
            st.markdown(plain(f"Half of them up to {middle}; four fifths from {low} to {high}."))
            continue
        st.html(
            markup.bars(
                [
                    markup.Bar(label_of(definition, class_), f"{count:,} ({percent(count / total)})", count / total)
                    for class_, count in rows[["prediction", "rows"]].itertuples(index=False)
                ]
            )
        )


def _show_what_to_do(use_case: str, cards: Json) -> None:
    """Say how versions come to be: by a command, since training needs the data."""
    st.header("Train and reload", anchor=False)
    st.markdown(
        "A new version is trained by a command where the code and the data are. It becomes the *challenger*, which can "
        "be tried and promoted above; with `PROMOTE=1` it becomes the *champion* at once."
    )
    st.code(f"make train USE_CASE={use_case}\nmake train USE_CASE={use_case} PROMOTE=1", language="bash")
    champion = cards["champion"] and cards["champion"]["version"]
    if champion == cards["serving"]:
        _offer_reload(use_case, cards)


def _interval(metric: Json | None) -> str:
    if metric is None:
        return "–"
    write = numbers.rounded if abs(metric["value"]) >= 100 else "{:.3f}".format
    value, low, high = (write(metric[end]) for end in ENDS)
    return f"{value} ({low} – {high})"
