"""The notebooks run from top to bottom and show what they promise."""

import warnings
from pathlib import Path
from typing import Any

import pytest

from raw_files.split import KINDS

FOLDER = Path(__file__).parents[2] / "notebooks"


@pytest.mark.timeout(180)
@pytest.mark.filterwarnings("default")  # Jupyter's own
def test_the_notebook_on_defects_shows_every_kind() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import nbformat
        from nbclient import NotebookClient

        notebook: Any = nbformat.read(  # type: ignore[no-untyped-call]
            FOLDER / "data_errors.ipynb", as_version=4
        )
        NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(FOLDER)}}).execute()
    shown = "".join(
        output.get("data", {}).get("text/html", "") for cell in notebook.cells for output in cell.get("outputs", ())
    )
    elsewhere = {"not_an_integer", "not_a_boolean", "not_a_date", "not_a_text", "not_in_encoding"}
    applicable = set(KINDS) - elsewhere  # its use case has no such columns, and UTF-8
    assert [kind for kind in applicable if f">{kind}<" not in shown] == []
    assert len(applicable) >= 14
