"""One prediction as a sentence, with its probabilities and what pushed it up or down."""

import pandas as pd
import streamlit as st

from ui import answers, context, wide
from ui.answers import Answer
from ui.components import markup, tables
from ui.components.form import title
from ui.components.markup import Bar, number, percent
from ui.context import Json

NEGLIGIBLE = 0.005
MOST_EFFECTS = 15
NOT_EXPLAINED = "There is no explanation: the version that answered cannot be asked for it."
METHODS = {
    "exact": "This model adds up the effects of its features in log-odds; the points share out what they come to.",
    "sampled": "From swapping values with those of typical records in random order.",
}


def show_answer(answer: Answer) -> None:
    """Say what the model says about one record."""
    st.html(
        f'<p class="ts-answer" role="status">The model says <b>{markup.escape(str(answer.entry["label"]))}</b>, '
        f"with a probability of <b>{percent(answer.probability)}</b>.</p>"
    )


def show_reasons(definition: Json, answer: Answer) -> Answer:
    """Show the probability of each class, and what pushed it up or down, of many features on request.

    Return the answer, explained by now where the visitor asked for that.
    """
    classes = definition["target"]["classes"]
    st.html(markup.bars([_class_bar(definition, answer.entry, class_) for class_ in classes]))
    st.caption(f"Model version `{answer.model_version}`. Stored as prediction `{answer.id}`.")
    if answer.explanation is None and wide.is_wide(definition):
        return _explained(answer)
    if answer.explanation is None:
        st.caption(NOT_EXPLAINED)
    else:
        _show_explanation(definition, answer.record, answer.explanation)
    return answer


def _explained(answer: Answer) -> Answer:
    """Offer to explain an answer; it takes seconds where there are many features."""
    if not st.button("Explain this prediction", icon=":material/help:"):
        return answer
    with st.spinner("Explaining …"):
        explained = answers.explain(context.api(), answer)
    if explained.explanation is None:
        st.caption(NOT_EXPLAINED)
    return explained


def _show_explanation(definition: Json, record: Json, explanation: Json) -> None:
    """Show which values moved the probability, and by how much."""
    label = explanation["label"]
    st.header("What pushed it up or down", anchor=False)
    st.markdown(
        f"A typical record has a probability of **{percent(explanation['typical_probability'])}** for "
        f"**{markup.plain(label)}**; this one has **{percent(explanation['probability'])}**."
    )
    points = answers.in_points(explanation, len(definition["target"]["classes"]))
    names = sorted(points, key=lambda name: -abs(points[name]))
    described = {feature["name"]: feature for feature in definition["features"]}
    shown, others = (names[:MOST_EFFECTS], names[MOST_EFFECTS:]) if wide.is_wide(definition) else (names, [])
    rest = sum(points[name] for name in others)
    largest = max((abs(each) for each in (*points.values(), rest)), default=0.0) or 1.0
    rows = [_effect_bar(described[name], record, points[name], largest) for name in shown]
    if others:
        rows.append(_bar(f"The other {len(others):,} features together", rest, largest))
    st.html(markup.bars(rows, from_middle=True))
    st.caption(
        f"In points of probability. Right: towards {markup.plain(label)}; left: away from it, compared with "
        f"{explanation['typical_records']} typical records. {METHODS[explanation['method']]}"
    )
    if explanation["scale"] == "log_odds":
        with st.expander("Details: the exact effects in log-odds"):
            effects = {each["feature"]: each["effect"] for each in explanation["effects"]}
            frame = pd.DataFrame({"column": names, "log-odds": [f"{effects[name]:+.3f}" for name in names]})
            tables.show(frame, "The exact effect of each column in log-odds")


def _class_bar(definition: Json, entry: Json, class_: object) -> Bar:
    share = entry["probabilities"][str(class_)]
    return Bar(
        context.label_of(definition, class_),
        percent(share),
        share,
        "chosen" if class_ == entry["prediction"] else "plain",
    )


def _effect_bar(feature: Json, record: Json, effect: float, largest: float) -> Bar:
    value = record.get(feature["name"])
    shown = "not known" if value is None else number(value) if feature["type"] != "category" else str(value)
    unit = f" {feature['unit']}" if feature["unit"] and value is not None else ""
    return _bar(f"{title(feature)}: {shown}{unit}", effect, largest)


def _bar(label: str, effect: float, largest: float) -> Bar:
    kind = "plain" if abs(effect) < NEGLIGIBLE else "up" if effect > 0 else "down"
    return Bar(label, _points(effect), abs(effect) / largest / 2, kind)


def _points(effect: float) -> str:
    points = round(effect * 100)
    return f"{points:+d} point{'' if abs(points) == 1 else 's'}" if points else "0 points"
