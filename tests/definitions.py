"""The definitions the tests know: their own, so that the project's may be changed, added to or taken away."""

from pathlib import Path

from tabserve.core.catalog import YamlCatalog

FOLDER = Path(__file__).parent / "use_cases"
CATALOG = YamlCatalog(FOLDER)
PENGUINS = CATALOG.get("penguins")  # names no data: its rows are made up (`tests/synthetic.py`)
