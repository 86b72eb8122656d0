"""What is said about a dataset stands in its definition and nowhere in the code."""

import ast
import json
from pathlib import Path

from tabserve.core.use_case import UseCase
from tests.definitions import CATALOG

ROOT = Path(__file__).resolve().parents[3]
CODE = ("functions", "layers", "scripts", "ui", "grafana", "migrations")
# Words that are also plain English or Python; a definition may use them, code may too.
PLAIN = {"Id", "Name"}


def particular_words() -> set[str]:
    """Names that only a definition may hold: of use cases, of columns, of labels."""
    words: set[str] = set()
    for use_case in map(CATALOG.get, CATALOG.names()):
        words |= {use_case.name, *use_case.known_columns, *use_case.target.texts, *use_case.target.labels}
    return {word for word in words if len(word) > 1} - PLAIN


def literals(path: Path) -> set[str]:
    """Every string in a module that is no docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docstrings)
    return {node.value for node in constants if isinstance(node.value, str)}


def test_no_name_of_a_dataset_or_column_stands_in_the_code() -> None:
    words = particular_words()
    assert {"titanic", "Survived", "PetalWidthCm"} <= words
    paths = [path for folder in CODE for path in (ROOT / folder).rglob("*.py") if ".aws-sam" not in path.parts]
    assert len(paths) > 30
    found = {f"{path.relative_to(ROOT)}: {word}" for path in paths for word in literals(path) & words}
    allowed = {line for line in found if line.split(": ")[0] in DEFAULTS}
    assert found - allowed == set()


# The one default name of a use case, and the commands that show the main job on it.
DEFAULTS = {"layers/model/src/tabserve/core/settings.py", "scripts/demo.py"}


def test_the_schema_forbids_unknown_fields_and_names_every_field() -> None:
    content = json.loads((ROOT / "use_cases/use-case.schema.json").read_text())
    assert content["additionalProperties"] is False
    assert set(content["properties"]) == set(UseCase.model_fields)
