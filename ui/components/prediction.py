"""One prediction as a sentence, with its probabilities and what pushed it up or down."""

import pandas as pd
import streamlit as st

from ui import answers, context, features, numbers, wide
from ui.answers import Answer
from ui.components import markup, tables
from ui.components.form import title
from ui.components.markup import Bar, percent, plain
from ui.context import Json

NEGLIGIBLE = 0.005
MOST_EFFECTS = 15
NOT_EXPLAINED = "There is no explanation: the version that answered cannot be asked for it."
METHODS = {
    (
        "exact",
        "log_odds",
    ): "This model adds up the effects of its features in log-odds; the points share out what they come to.",
    ("sampled", "probability"): "From swapping values with those of typical records in random order.",
    ("exact", "value"): "This model adds up the effects of its features.",
    ("sampled", "value"): "From swapping values with those of typical records in random order.",
}


def show_answer(definition: Json, answer: Answer) -> None:
    """Say what the model says about one record."""
    entry = answer.entry
    if numbers.is_regression(definition):
        said, more = numbers.with_unit(definition, entry["prediction"]), _interval(definition, answer)
    else:
        said = str(entry["label"])
        more = f", with a probability of <b>{percent(answers.probability_of(entry))}</b>"
    st.html(f'<p class="ts-answer" role="status">The model says <b>{markup.escape(said)}</b>{more}.</p>')


def _interval(definition: Json, answer: Answer) -> str:
    """Say between which numbers the true one is, and how sure that is where the version's card is at hand."""
    ends = numbers.interval(definition, answer.entry)
    if not ends:
        return ""
    interval = answers.card(context.model(definition["name"]), answer.model_version).get("interval")
    sure = f"{percent(interval['share'])} between" if interval else "between"
    return f", {sure} <b>{markup.escape(ends.replace(' to ', ' and ', 1))}</b>"


def show_reasons(definition: Json, answer: Answer) -> Answer:
    """Show the probability of each class, what was computed and what pushed it up or down, of many on request.

    Return the answer, explained by now where the visitor asked for that.
    """
    if classes := definition["target"]["classes"]:
        st.html(markup.bars([_class_bar(definition, answer.entry, class_) for class_ in classes]))
        _say_threshold(definition, answer)
    st.caption(f"Model version `{answer.model_version}`. Stored as prediction `{answer.id}`.")
    _show_computed(definition, answer)
    if answer.explanation is None and wide.is_wide(definition):
        return _explained(answer)
    if answer.explanation is None:
        st.caption(NOT_EXPLAINED)
    else:
        _show_explanation(definition, {**answer.record, **answer.computed}, answer.explanation)
    return answer


def _say_threshold(definition: Json, answer: Answer) -> None:
    """Say why the less probable of two classes is the answer."""
    if len(definition["target"]["classes"]) != 2 or answers.probability_of(answer.entry) >= 0.5:
        return
    threshold = answers.card(context.model(definition["name"]), answer.model_version).get("threshold")
    if threshold is not None:
        positive = plain(context.label_of(definition, definition["target"]["positive_class"]))
        st.caption(f"This version answers {positive} from a probability of {percent(threshold)} on.")


def _show_computed(definition: Json, answer: Answer) -> None:
    """Show what was computed from the record, and from what."""
    known = [each for each in definition["derived"] if each["name"] in answer.computed]
    if known:
        said = (
            f"{plain(title(each))}: **{plain(features.shown(each, answer.computed[each['name']]))}**" for each in known
        )
        st.markdown(f"Computed from it: {'; '.join(said)}.")


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
    """Show which values moved the prediction, and by how much."""
    st.header("What pushed it up or down", anchor=False)
    if explanation["scale"] == "value":
        typical = numbers.with_unit(definition, explanation["typical_value"])
        own = numbers.with_unit(definition, explanation["value"])
        st.markdown(f"For a typical record the model says **{plain(typical)}**; for this one **{plain(own)}**.")
        scale = f"In {plain(definition['target']['unit'])}. Right: upwards; left: downwards"
        if not definition["target"]["unit"]:
            scale = "Right: upwards; left: downwards"
    else:
        label = plain(explanation["label"])
        st.markdown(
            f"A typical record has a probability of **{percent(explanation['typical_probability'])}** for "
            f"**{label}**; this one has **{percent(explanation['probability'])}**."
        )
        scale = f"In points of probability. Right: towards {label}; left: away from it"
    _show_effects(definition, record, explanation)
    st.caption(
        f"{scale}, compared with {explanation['typical_records']} typical records. "
        f"{METHODS[explanation['method'], explanation['scale']]}"
    )
    if explanation["scale"] == "log_odds":
        with st.expander("Details: the exact effects in log-odds"):
            effects = {each["feature"]: each["effect"] for each in explanation["effects"]}
            names = sorted(effects, key=lambda name: -abs(effects[name]))
            frame = pd.DataFrame({"column": names, "log-odds": [f"{effects[name]:+.3f}" for name in names]})
            tables.show(frame, "The exact effect of each column in log-odds")


def _show_effects(definition: Json, record: Json, explanation: Json) -> None:
    points = answers.in_points(explanation, len(definition["target"]["classes"]))
    names = sorted(points, key=lambda name: -abs(points[name]))
    described = {each["name"]: each for each in (*definition["features"], *definition["derived"])}
    shown, others = (names[:MOST_EFFECTS], names[MOST_EFFECTS:]) if wide.is_wide(definition) else (names, [])
    rest = sum(points[name] for name in others)
    largest = max((abs(each) for each in (*points.values(), rest)), default=0.0) or 1.0

    def bar(label: str, effect: float) -> Bar:
        in_unit = explanation["scale"] == "value"
        written = f"{effect:+,.3g} {definition['target']['unit']}".rstrip() if in_unit else _points(effect)
        small = NEGLIGIBLE * largest if in_unit else NEGLIGIBLE
        kind = "plain" if abs(effect) < small else "up" if effect > 0 else "down"
        return Bar(label, written, abs(effect) / largest / 2, kind)

    rows = [
        bar(f"{title(described[name])}: {features.shown(described[name], record.get(name))}", points[name])
        for name in shown
    ]
    if others:
        rows.append(bar(f"The other {len(others):,} features together", rest))
    st.html(markup.bars(rows, from_middle=True))


def _class_bar(definition: Json, entry: Json, class_: object) -> Bar:
    share = entry["probabilities"][str(class_)]
    return Bar(
        context.label_of(definition, class_),
        percent(share),
        share,
        "chosen" if class_ == entry["prediction"] else "plain",
    )


def _points(effect: float) -> str:
    points = round(effect * 100)
    return f"{points:+d} point{'' if abs(points) == 1 else 's'}" if points else "0 points"
