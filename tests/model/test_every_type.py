"""A use case with a feature of every type and everything that can be derived: from its raw file to its version."""

import gzip
import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tabserve.core.derivation import with_derived
from tabserve.core.errors import TrainingDataError
from tabserve.core.folder import FolderStore
from tabserve.core.good_rows import Records
from tabserve.core.limits import FileFormat
from tabserve.core.use_case import UseCase
from tabserve.core.validation import validate
from tabserve.reference.profile import CategoricalProfile
from tabserve.reference.reference import Reference
from tabserve.registry.store import Registry
from tabserve.training.cells import values
from tabserve.training.dataset import Dataset
from tabserve.training.datasets import read_csv
from tabserve.training.service import Rows, Trained, split, train
from tabserve.training.validation import labelled_rows
from tests.definitions import TRIP, TRIPS
from tests.model.conftest import dependencies

FORM = FileFormat(delimiter=";", decimal=",", encoding="latin-1", compression="gzip")
TOWNS = ("Köln", "Bonn", "Ulm", "Jena", "Hof")
REMARKS = ("", "Dr. Who", "Prof. Unrat", "Dr. No", "träumt; viel", "Ms. Marple")


def trips(**training: object) -> UseCase:
    """The use case in another dialect."""
    return TRIPS.model_copy(
        update={"format": FORM, "training": TRIPS.training.model_copy(update={"random_state": 3, **training})}
    )


def table(rows: int = 500, **changes: str) -> Dataset:
    """Trips that are cancelled the more often the later they are booked; `changes` are cells of every row."""
    chance = random.Random(5)
    made = []
    for number in range(rows):
        booked = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=chance.randrange(300))
        ahead = chance.randrange(1, 90)
        cancelled = chance.random() < (0.7 if ahead > 45 else 0.2)
        cells = {
            "trip": f"t{number}",
            "nights": str(chance.randint(1, 12)),
            "price": chance.choice(["", f"{chance.uniform(100, 900):.2f}".replace(".", ",")]),
            "insured": chance.choice(["Yes", "no", "T", "0"]),
            "guide": chance.choice(["true", "FALSE", ""]),
            "board": chance.choice(["half", "full"]),
            "town": chance.choice([*TOWNS, *TOWNS[:3], ""]),
            "booked": booked.date().isoformat(),
            "leaves": (booked + timedelta(days=ahead, minutes=17 * number)).strftime("%Y-%m-%dT%H:%M:%S")
            + chance.choice(["", "+02:00", "Z"]),
            "remark": chance.choice(REMARKS),
            "cancelled": "yes" if cancelled else "no",
        }
        made.append(tuple((cells | changes).values()))
    return Dataset("trips.csv", tuple(cells), made)


def written(data: Dataset, path: Path) -> Path:
    """Write a table in the dialect of the use case."""
    lines = [";".join(f'"{cell}"' for cell in row) for row in (data.header, *data.rows)]
    path.write_bytes(gzip.compress("\r\n".join(lines).encode("latin-1")))
    return path


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    path = written(table(), tmp_path_factory.mktemp("trips") / "trips.csv.gz")
    return split(trips(), read_csv(path, FORM), None)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return Registry(FolderStore(tmp_path_factory.mktemp("registry")))


@pytest.fixture(scope="module")
def trained(rows: Rows, registry: Registry) -> Trained:
    return train(trips(), rows, dependencies(registry))


def test_the_export_answers_alike_on_a_hundred_thousand_records(trained: Trained) -> None:
    parity = trained.metadata.parity
    assert parity.rows == 100_100
    assert (parity.differing_classes, parity.max_difference < 1e-12) == (0, True)


def test_forests_export_alike_too(rows: Rows, tmp_path: Path) -> None:
    use_case = trips(estimator="random_forest")
    parity = train(use_case, rows, dependencies(Registry(FolderStore(tmp_path)))).metadata.parity
    assert (parity.differing_classes, parity.max_difference) == (0, 0)


def test_the_vocabulary_is_of_the_rows_to_learn_from_most_frequent_first(trained: Trained, rows: Rows) -> None:
    found = trained.metadata.vocabulary
    towns = [town for town in rows.training.columns["town"] if town is not None]
    assert list(found["town"]) == sorted(set(towns), key=lambda town: (-towns.count(town), town))[:3]
    assert set(found["title"]) == {"Dr", "Prof"}


def test_a_version_loads_and_answers_its_own_examples(trained: Trained, registry: Registry, rows: Rows) -> None:
    model = registry.load(trips(), trained.metadata.version)
    assert set(model.columns) == set(trips().input_names)
    examples = json.loads(registry.file("trips", trained.metadata.version, "examples.json"))
    assert list(examples[0]["features"]) == list(trips().feature_names)
    assert {type(each["features"]["insured"]) for each in examples} == {bool}


def test_missing_and_unlearned_categories_are_answered_alike(trained: Trained, registry: Registry, rows: Rows) -> None:
    model = registry.load(trips(), trained.metadata.version)
    twice = rows.held_out.take([0, 0])
    columns = {**twice.columns, "town": np.array([None, "never seen"], dtype=object)}
    first, second = model.score(columns, 2)
    assert first.tolist() == second.tolist()


def test_the_reference_has_bins_of_the_vocabulary_and_a_sample_of_records(
    trained: Trained, registry: Registry, rows: Rows
) -> None:
    reference = Reference.from_dict(json.loads(registry.file("trips", trained.metadata.version, "reference.json")))
    assert set(trips().input_names) < set(reference.profile.columns)
    town, insured = reference.profile.columns["town"], reference.profile.columns["insured"]
    assert isinstance(town, CategoricalProfile)
    assert isinstance(insured, CategoricalProfile)
    assert tuple(town.categories) == trained.metadata.vocabulary["town"]
    assert town.other > 0
    assert (set(insured.categories), insured.other) == ({"false", "true"}, 0)
    assert tuple(reference.sample.columns) == trips().feature_names
    columns = reference.sample.columns
    records = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    assert validate(trips(), records).errors == {}


def test_derived_features_are_those_of_serving_bit_for_bit() -> None:
    use_case, data = trips(), table()
    learned = labelled_rows(use_case, data)
    reader = Records(use_case, data.header)
    sent = json.loads(json.dumps([dict(reader.read(row)) for row in data.rows]))
    served = with_derived(use_case, validate(use_case, sent).columns)
    for each in use_case.derived:
        assert values(each.feature, learned.columns[each.name]) == served[each.name], each.name
    numbers = learned.columns["per_night"]
    assert numbers.tobytes() == np.array(served["per_night"], dtype=np.float64).tobytes()


def test_numbers_are_derived_alike_whether_json_has_22_or_22_0() -> None:
    whole, pointed = (
        with_derived(TRIPS, {name: [value] for name, value in (TRIP | {"price": price}).items()})
        for price in (900, 900.0)
    )
    assert repr(whole["per_night"]) == repr(pointed["per_night"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"price": ""}, "column 'price' has no value in any of the 400 rows to learn from"),
        ({"remark": "nobody"}, "derived feature 'title' has no value .* see how it is computed from 'remark'"),
        ({"insured": "maybe"}, r"'insured' breaks not_a_boolean in 500 rows: insured must be true or false"),
        ({"booked": "01.02.2026"}, "'booked' breaks not_a_date in 500 rows"),
        ({"price": "1.5"}, "'price' breaks not_a_number in 500 rows"),
        ({"town": "x" * 300}, "'town' breaks too_long_cell in 500 rows"),
        ({"cancelled": "no"}, "holds class 'yes' in 0 rows"),
    ],
)
def test_what_cannot_be_learned_from_is_one_message_with_the_column(changes: dict[str, str], message: str) -> None:
    with pytest.raises(TrainingDataError, match=message):
        split(trips(), table(500, **changes), None)


@pytest.mark.parametrize(
    ("body", "form", "message"),
    [
        (b"plain,text\n", FORM, "is not a whole gzip file"),
        (gzip.compress(b"a,b\n" * 100, mtime=0)[:-9], FileFormat(compression="gzip"), "is not a whole gzip file"),
        ("é".encode("latin-1"), FileFormat(), "is not UTF-8"),
    ],
)
def test_a_file_in_another_dialect_is_refused(tmp_path: Path, body: bytes, form: FileFormat, message: str) -> None:
    (tmp_path / "x.csv").write_bytes(body)
    with pytest.raises(TrainingDataError, match=message):
        list(read_csv(tmp_path / "x.csv", form).rows)
