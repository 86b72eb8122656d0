"""One prediction as a sentence, with its probabilities and what pushed it up or down."""

import streamlit as st

from ui import context
from ui.components import markup
from ui.components.form import title
from ui.components.markup import Bar, number, percent
from ui.context import Json

NEGLIGIBLE = 0.005
METHODS = {
    "exact": "Exact, in log-odds: this model adds up the effects of its features.",
    "sampled": "In points of probability, from swapping values with those of typical records in random order.",
}


def show_answer(definition: Json, answer: Json) -> None:
    """Show what the model says about one record."""
    (entry,) = answer["predictions"]
    chosen = entry["probabilities"][str(entry["prediction"])]
    st.html(
        f'<p class="ts-answer" role="status">The model says <b>{markup.escape(str(entry["label"]))}</b>, '
        f"with a probability of <b>{percent(chosen)}</b>.</p>"
    )
    st.html(markup.bars([_class_bar(definition, entry, class_) for class_ in definition["target"]["classes"]]))
    st.caption(f"Model version `{answer['model_version']}`. Stored as prediction `{entry['prediction_id']}`.")


def show_explanation(definition: Json, record: Json, explanation: Json) -> None:
    """Show which values moved the probability, and by how much."""
    label = explanation["label"]
    st.header("What pushed it up or down", anchor=False)
    st.markdown(
        f"A typical record has a probability of **{percent(explanation['typical_probability'])}** for "
        f"**{markup.plain(label)}**; this one has **{percent(explanation['probability'])}**."
    )
    effects = sorted(explanation["effects"], key=lambda effect: -abs(effect["effect"]))
    largest = max((abs(effect["effect"]) for effect in effects), default=0.0) or 1.0
    described = {feature["name"]: feature for feature in definition["features"]}
    percents = explanation["scale"] == "probability"
    rows = [_effect_bar(described[each["feature"]], record, each["effect"], largest, percents) for each in effects]
    st.html(markup.bars(rows, from_middle=True))
    st.caption(
        f"Right: towards {markup.plain(label)}; left: away from it, compared with "
        f"{explanation['typical_records']} typical records. {METHODS[explanation['method']]}"
    )


def _class_bar(definition: Json, entry: Json, class_: object) -> Bar:
    share = entry["probabilities"][str(class_)]
    return Bar(
        context.label_of(definition, class_),
        percent(share),
        share,
        "chosen" if class_ == entry["prediction"] else "plain",
    )


def _effect_bar(feature: Json, record: Json, effect: float, largest: float, percents: bool) -> Bar:
    value = record.get(feature["name"])
    shown = "not known" if value is None else number(value) if feature["type"] != "category" else str(value)
    unit = f" {feature['unit']}" if feature["unit"] and value is not None else ""
    kind = "plain" if abs(effect) < NEGLIGIBLE else "up" if effect > 0 else "down"
    label = f"{title(feature)}: {shown}{unit}"
    written = f"{effect * 100:+.0f} points" if percents else f"{effect:+.2f}"
    return Bar(label, written, abs(effect) / largest / 2, kind)
