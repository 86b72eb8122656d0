"""The page an alert links to: one file, whatever else has arrived."""

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from ui import context
from ui.components import file_details


def data_quality() -> None:
    from ui.views import data_quality

    data_quality.show()


@pytest.mark.parametrize(("known", "said"), [("f1", "titanic/a.csv"), ("f2", "There is no such file.")])
def test_a_link_shows_its_file(monkeypatch: pytest.MonkeyPatch, known: str, said: str) -> None:
    import streamlit as st

    def read(_sql: str, file_id: str) -> pd.DataFrame:
        found = pd.DataFrame({"file_id": [known], "key": ["titanic/a.csv"]})
        return found[found["file_id"] == file_id]

    monkeypatch.setattr(context, "read", read)
    monkeypatch.setattr(file_details, "show", lambda found: st.markdown(found["key"]))
    app = AppTest.from_function(data_quality)
    app.query_params["file"] = "f1"
    app.run()
    assert not app.exception
    assert [each for each in (*app.markdown, *app.info) if said in each.value]
