import io
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from raw_files.split import KINDS, SplitFile, split_dataset
from tabserve.core.rules import DESCRIPTIONS
from tabserve.core.use_case import UseCase
from tabserve.ingestion.quarantine import read_bad_rows
from tabserve.ingestion.validator import validate_rows
from tabserve.training.dataset import Dataset
from tabserve.training.datasets import read_dataset
from tests import synthetic
from tests.definitions import CATALOG, PENGUINS
from tests.dialects import DIALECTS, Dialect

ROOT = Path(__file__).resolve().parents[3]


def dataset_of(name: str) -> tuple[UseCase, Dataset]:
    use_case = CATALOG.get(name)
    data = use_case.training.data
    return use_case, read_dataset(use_case, data, ROOT) if data else synthetic.dataset(use_case)


def broken_rules(use_case: UseCase, file: SplitFile) -> dict[int, set[str]]:
    """The rules each bad row breaks, as the ingestion finds them."""
    bad = io.BytesIO()
    split = validate_rows(io.BytesIO(file.content), use_case, io.BytesIO(), bad)
    assert split.rows_total == file.rows_total
    rows = read_bad_rows(io.BytesIO(bad.getvalue())) if bad.getvalue() else []
    return {row.row_number: {reason.rule for reason in row.reasons} for row in rows}


@pytest.mark.parametrize("name", ["titanic", "iris", "penguins"])
@pytest.mark.parametrize(("files", "errors", "seed"), [(1, 0.05, 1), (3, 0.3, 2), (8, 0.1, 7), (2, 0.9, 3), (1, 1, 4)])
def test_the_ingestion_finds_exactly_the_truth(name: str, files: int, errors: float, seed: int) -> None:
    use_case, dataset = dataset_of(name)
    for file in split_dataset(use_case, dataset, files, errors, seed):
        assert broken_rules(use_case, file) == {row.row_number: set(row.rules) for row in file.bad}
        assert sorted([*file.good, *(row.row_number for row in file.bad)]) == list(range(1, file.rows_total + 1))


EVERY_TYPE = UseCase.model_validate(
    {
        "name": "everything",
        "version": 1,
        "task": "regression",
        "id_column": "key",
        "missing_values": ["", "NA"],
        "features": [
            {"name": "member", "type": "boolean"},
            {"name": "plan", "type": "category", "categories": ["basic", "Plus"]},
            {"name": "postcode", "type": "category", "categories": "open"},
            {"name": "joined", "type": "date", "format": "%d.%m.%Y", "required": False},
            {"name": "seen", "type": "datetime"},
            {"name": "income", "type": "number", "usual": [0, 10]},
            {"name": "age", "type": "number", "minimum": 0, "maximum": 120.5, "required": False, "impute": "mean"},
            {"name": "visits", "type": "integer"},
            {"name": "remark", "type": "text", "max_length": 2000},
        ],
        "target": {"name": "price"},
    }
)


@pytest.mark.parametrize("has_ids", [True, False])
@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
def test_the_truth_holds_for_every_type_in_every_dialect(dialect: Dialect, has_ids: bool) -> None:
    use_case = dialect.of(EVERY_TYPE).model_copy(update={} if has_ids else {"id_column": None})
    found: set[str] = set()
    for file in split_dataset(use_case, synthetic.dataset(use_case), files=2, errors=0.6, seed=8):
        truth = {row.row_number: set(row.rules) for row in file.bad}
        assert broken_rules(use_case, file) == truth
        found |= {rule for rules in truth.values() for rule in rules}
    assert {"not_a_boolean", "not_a_date", "not_a_text", "unknown_category", "below_minimum"} <= found
    assert {dialect.rule("decimal_comma"), "thousands_separator", "too_long_cell"} <= found


@pytest.mark.parametrize("name", ["titanic", "penguins"])
def test_every_kind_that_fits_is_injected(name: str) -> None:
    use_case, dataset = dataset_of(name)
    files = list(split_dataset(use_case, dataset, files=4, errors=0.3, seed=3))
    kinds = Counter(row.kind for file in files for row in file.bad)
    absent = set(KINDS) - set(kinds)
    integers = any(feature.type == "integer" for feature in use_case.features)
    elsewhere = {"not_a_boolean", "not_a_date", "not_a_text", "not_in_encoding"}
    assert absent - elsewhere <= (set() if integers else {"not_an_integer"})
    assert sum(kinds.values()) == round(0.3 * len([*dataset.rows]))
    assert {rule for file in files for row in file.bad for rule in row.rules} <= DESCRIPTIONS.keys()


def test_no_row_of_the_dataset_is_lost_when_nothing_is_injected() -> None:
    use_case, dataset = dataset_of("titanic")
    files = list(split_dataset(use_case, dataset, files=7, errors=0, seed=1))
    lines = [line for file in files for line in file.content.decode().splitlines()[1:]]
    assert len(lines) == len([*dataset.rows])
    assert len(set(lines)) == len(lines)


def test_the_same_seed_gives_the_same_files() -> None:
    use_case, dataset = dataset_of("penguins")
    first, again, other = (
        [file.content for file in split_dataset(use_case, dataset, 3, 0.4, seed)] for seed in (5, 5, 6)
    )
    assert first == again != other


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "scripts/split_dataset.py", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_the_command_writes_the_truth_beside_the_files(tmp_path: Path) -> None:
    done = run("--use-case", "titanic", "--files", 3, "--errors", 0.1, "--seed", 7, "--out", tmp_path / "raw")
    assert done.returncode == 0, done.stderr
    truth = json.loads((tmp_path / "raw/truth.json").read_text())
    assert sorted(path.name for path in (tmp_path / "raw").glob("*.csv")) == [file["name"] for file in truth["files"]]
    assert {"row_number", "kind", "column", "rules"} == set(truth["files"][0]["bad"][0])
    again = run("--use-case", "titanic", "--files", 3, "--errors", 0.1, "--out", tmp_path / "raw")
    assert again.returncode == 2
    assert "is not empty; name a new folder" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--use-case", "nothing"), "Unknown use case 'nothing'; known:"),
        (("--files", 0), "must be at least 1"),
        (("--errors", 1.5), "must be from 0 to 1"),
        (("--data", "absent.csv"), "Cannot read absent.csv"),
        (("--files", 5000), "891 rows, too few for 5000 files"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_message(
    tmp_path: Path, arguments: tuple[object, ...], message: str
) -> None:
    done = run("--use-case", "titanic", "--files", 3, "--errors", 0.1, "--out", tmp_path / "raw", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_other_data_is_split_by_the_same_definition(tmp_path: Path) -> None:
    data = synthetic.write(synthetic.dataset(PENGUINS), tmp_path / "iris.csv")
    done = run("--use-case", "iris", "--files", 1, "--errors", 0, "--out", tmp_path / "raw", "--data", data)
    assert done.returncode == 2
    assert "iris.csv: missing column 'Id'" in done.stderr
