"""The map names what is there: every file of `docs/architecture.md` exists, every area and function is on it."""

import re

import pytest

from local_cloud.config import ROOT

MAP = (ROOT / "docs/architecture.md").read_text()
AREAS = ROOT / "layers/model/src/tabserve"
ROOTS = (ROOT, ROOT / "use_cases", AREAS, ROOT / "functions/predict", AREAS / "ingestion/validator")
NAMED = sorted(set(re.findall(r"`((?:\w+/)*\w+\.(?:py|yaml|toml))`", MAP)))


@pytest.mark.parametrize("name", [name for name in NAMED if not re.search(r"[A-Z]{3}", name)])
def test_a_file_that_is_named_exists(name: str) -> None:
    areas = [folder for folder in AREAS.iterdir() if folder.is_dir()]
    assert any((folder / name).exists() for folder in (*ROOTS, *areas)), name


def test_every_area_and_function_is_on_the_map() -> None:
    areas = {path.parent.name for path in AREAS.glob("*/__init__.py")}
    functions = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    assert areas - set(re.findall(r"^\| `(\w+)` \|", MAP, re.MULTILINE)) == set()
    assert {name for name in functions if not re.search(rf"\b{name}\b", MAP)} == set()
