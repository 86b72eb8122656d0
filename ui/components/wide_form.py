"""A form of many features: the most important ones first, the others found by name or in groups that open."""

from collections.abc import Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui import wide
from ui.components.form import Fields, sent
from ui.components.markup import plain
from ui.context import Json

FIRST = 12
MOST_FOUND = 30
NAMED = 5


class WideForm(Fields):
    """The fields in sight are drawn, and only they; what was entered elsewhere is kept, the rest is as it began."""

    def __init__(self, definition: Json, model: Json) -> None:
        """Prepare the form; `model` is what `GET /model` tells."""
        super().__init__(definition, model)
        self._features: Sequence[Json] = definition["features"]
        typical = wide.typical(definition, model)
        self._begin = {feature["name"]: self._first(feature, typical) for feature in self._features}
        self._first_names = wide.most_important(definition, model, FIRST)
        self.below: DeltaGenerator | None = None  # where the groups are drawn; without it below the form
        self._entered: dict[str, Any] = st.session_state.setdefault(f"entered_{definition['name']}", {})

    def fill(self, record: Json) -> None:
        """Put a record's values into the fields, in place of what stands there."""
        for feature in self._features:
            value = self._entered[feature["name"]] = self._written(feature, record.get(feature["name"]))
            if self._key(feature) in st.session_state:
                st.session_state[self._key(feature)] = value

    def ask(self, record: Json | None = None) -> dict[str, Any] | None:  # noqa: ARG002  fields here keep their values
        """Draw the form; return what the visitor submits."""
        self._keep()
        name = self._definition["name"]
        with st.container(border=True):
            st.markdown(
                f"**{len(self._features):,} features; what you leave untouched keeps a typical value:** the example's, "
                "or the median or the most frequent one of the rows the model was tested on."
            )
            self._show_changed()
            sought = (st.text_input("Find a feature by its name", key=f"find_{name}", type="search") or "").strip()
            if sought:
                self._show_found(sought)
            else:
                st.caption(f"The {len(self._first_names)} features that matter most to the model:")
                by_name = {feature["name"]: feature for feature in self._features}
                self._draw([by_name[each] for each in self._first_names])
            submitted = st.button("Predict", type="primary", icon=":material/bolt:", width="stretch")
        if not sought:
            with self.below or st.container():
                self._show_groups()
        given = {name: sent(value) for name, value in {**self._begin, **self._entered}.items()}
        return given if submitted else None

    def _keep(self) -> None:
        """Note what was entered before anything is drawn: a field that is not drawn again loses its value then."""
        for feature in self._features:
            name, key = feature["name"], self._key(feature)
            if key in st.session_state:
                self._entered[name] = st.session_state[key]
            if self._entered.get(name, self._begin[name]) == self._begin[name]:
                self._entered.pop(name, None)

    def _show_found(self, sought: str) -> None:
        found = wide.matching(self._features, sought)
        if not found:
            st.caption("No feature has this in its name.")
        self._draw(found[:MOST_FOUND])
        if len(found) > MOST_FOUND:
            st.caption(f"The first {MOST_FOUND} of {len(found):,} are shown; enter more of the name.")

    def _show_groups(self) -> None:
        others = [feature for feature in self._features if feature["name"] not in self._first_names]
        st.header(f"The other {len(others):,} features", anchor=False)
        for title, members in wide.groups(others).items():
            key = f"group_{self._definition['name']}_{title}"
            group = st.expander(f"{plain(title)} ({len(members)})", key=key, on_change="rerun")
            if group.open:
                with group:
                    self._draw(members)

    def _draw(self, features: Sequence[Json]) -> None:
        for feature in features:
            name = feature["name"]
            st.session_state.setdefault(self._key(feature), self._entered.get(name, self._begin[name]))
            self._field(feature)

    def _show_changed(self) -> None:
        changed = list(self._entered)
        if changed:
            more = f" and {len(changed) - NAMED:,} more" if len(changed) > NAMED else ""
            st.caption(f"Changed: {plain(', '.join(changed[:NAMED]))}{more}.")
