import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabserve.core.errors import TrainingDataError
from tabserve.training.dataset import Dataset, LabelledRows, require_disjoint, split_rows
from tabserve.training.datasets import read_csv, read_dataset
from tabserve.training.validation import labelled_rows
from tests import synthetic
from tests.definitions import CATALOG, PENGUINS


def penguins(rows: int = 300) -> Dataset:
    return synthetic.dataset(PENGUINS, rows)


def changed(row: int, column: str, text: str) -> Dataset:
    """Penguins with one cell replaced."""
    dataset = penguins(20)
    cells = [list(cells) for cells in dataset.rows]
    cells[row - 1][dataset.header.index(column)] = text
    return Dataset(dataset.name, dataset.header, tuple(map(tuple, cells)))


def test_cells_become_values_of_the_definition() -> None:
    rows = labelled_rows(PENGUINS, penguins(200))
    assert len(rows) == len(rows.ids) == 200
    assert set(rows.columns) == set(PENGUINS.feature_names)
    assert set(rows.columns["Stage"]) == {1, 2, None}
    assert rows.columns["Body Mass (g)"].dtype == np.float64
    assert np.isnan(rows.columns["Body Mass (g)"]).any()
    assert set(rows.targets) == {0, 1, 2}


@pytest.mark.parametrize(
    ("column", "text", "message"),
    [
        ("Culmen Length (mm)", "long", "'Culmen Length (mm)' breaks not_a_number in 1 row"),
        ("Culmen Length (mm)", "1,5", "'Culmen Length (mm)' breaks not_a_number"),
        ("Culmen Length (mm)", "٢٥", "'Culmen Length (mm)' breaks not_a_number"),
        ("Culmen Length (mm)", "1_0", "'Culmen Length (mm)' breaks not_a_number"),
        ("Culmen Length (mm)", "nan", "'Culmen Length (mm)' breaks not_a_number"),
        ("Culmen Length (mm)", "1e999", "'Culmen Length (mm)' breaks above_maximum"),
        ("Body Mass (g)", "4000.5", "'Body Mass (g)' breaks not_an_integer"),
        ("Body Mass (g)", "1", "'Body Mass (g)' breaks below_minimum"),
        ("Island", "", "'Island' breaks missing_value"),
        ("Island", "Atlantis", "'Island' breaks unknown_category"),
        ("Island", "dream", "'Island' breaks unknown_category"),
        ("Stage", "3", "'Stage' breaks unknown_category"),
        ("Species", "Emperor", "'Species' breaks unknown_class"),
        ("Sample Number", "k2", "'Sample Number' breaks duplicated_id"),
        ("Sample Number", "", "'Sample Number' breaks missing_value"),
    ],
)
def test_a_cell_that_breaks_a_rule_is_named(column: str, text: str, message: str) -> None:
    where = f"(data row 7: {text!r})"
    with pytest.raises(TrainingDataError, match=f"^penguins.csv: column {re.escape(message)}.*{re.escape(where)}"):
        labelled_rows(PENGUINS, changed(7, column, text))


def test_a_row_without_a_target_is_left_out_and_told_of() -> None:
    said: list[str] = []
    rows = labelled_rows(PENGUINS, changed(7, "Species", "NA"), said.append)
    assert len(rows) == len(rows.ids) == 19
    assert said == ["leaving out 1 rows of penguins.csv that have no target"]


def test_missing_columns_are_named_together() -> None:
    dataset = Dataset("short.csv", ("Island", "Sex"), (("Dream", "male"),))
    with pytest.raises(TrainingDataError, match=r"missing column 'Sample Number', 'Culmen Length \(mm\)'.*Island, Sex"):
        labelled_rows(PENGUINS, dataset)


def test_one_class_only_is_refused() -> None:
    dataset = penguins(60)
    rows = tuple(row for row in dataset.rows if row[-1] == "Gentoo")
    with pytest.raises(TrainingDataError, match="holds class 'Chinstrap' in 0 rows"):
        labelled_rows(PENGUINS, Dataset("gentoo.csv", dataset.header, rows))


def test_rows_of_another_width_and_files_without_rows_are_refused() -> None:
    dataset = penguins(3)
    with pytest.raises(TrainingDataError, match="data row 1 has 9 cells, the header 10"):
        labelled_rows(PENGUINS, Dataset("x.csv", dataset.header, (next(iter(dataset.rows))[1:],)))
    with pytest.raises(TrainingDataError, match="no data rows"):
        labelled_rows(PENGUINS, Dataset("x.csv", dataset.header, ()))


def test_held_out_rows_the_model_learns_from_are_refused() -> None:
    rows = labelled_rows(PENGUINS, penguins(60))
    with pytest.raises(TrainingDataError, match="60 ids are also in the training data"):
        require_disjoint(rows, rows, "holdout.csv")


@given(st.lists(st.integers(2, 40), min_size=2, max_size=4), st.floats(0.05, 0.95), st.integers(0, 99))
def test_a_stratified_split_keeps_every_row_once_and_every_class_on_both_sides(
    counts: list[int], share: float, seed: int
) -> None:
    targets = tuple(target for target, count in enumerate(counts) for _ in range(count))
    ids = tuple(str(place) for place in range(len(targets)))
    rows = LabelledRows(ids, {"place": np.arange(len(targets))}, np.array(targets))
    training, held_out = split_rows(rows, share, seed, by_class=True)
    assert sorted((*training.ids, *held_out.ids), key=int) == list(ids)
    for side in (training, held_out):
        assert set(side.targets) == set(range(len(counts)))
        assert [str(place) for place in side.columns["place"]] == list(side.ids)
    held = Counter(held_out.targets.tolist())
    assert all(abs(held[target] - count * share) <= 1 for target, count in enumerate(counts))
    assert [side.ids for side in split_rows(rows, share, seed, by_class=True)] == [training.ids, held_out.ids]


def test_a_csv_file_reads_back(tmp_path: Path) -> None:
    read = read_csv(synthetic.write(penguins(), tmp_path / "penguins.csv"))
    assert (read.name, read.header) == ("penguins.csv", penguins().header)
    assert [*map(tuple, read.rows)] == [*map(tuple, read.rows)] == [*penguins().rows]
    assert labelled_rows(PENGUINS, read).sha256 == labelled_rows(PENGUINS, penguins()).sha256


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b'a,b\n"1,2\n', "is not CSV"),
        (b"a,b\n\xff,2\n", "is not UTF-8 at byte 4"),
    ],
)
def test_a_file_that_is_no_csv_is_refused(tmp_path: Path, body: bytes, message: str) -> None:
    (tmp_path / "x.csv").write_bytes(body)
    with pytest.raises(TrainingDataError, match=message):
        list(read_csv(tmp_path / "x.csv").rows)


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingDataError, match=r"Cannot read .*absent.csv: No such file"):
        read_csv(tmp_path / "absent.csv")


def test_data_of_scikit_learn_takes_the_columns_of_the_use_case(tmp_path: Path) -> None:
    iris = CATALOG.get("iris")
    dataset = read_dataset(iris, "sklearn:iris", tmp_path)
    assert dataset.header == (iris.id_column, *iris.feature_names, iris.target.name)
    assert next(iter(dataset.rows)) == ("1", "5.1", "3.5", "1.4", "0.2", "setosa")
    assert len(labelled_rows(iris, dataset)) == 150


@pytest.mark.parametrize(("source", "message"), [("sklearn:nothing", "no data set"), ("sklearn:wine", "13 columns")])
def test_data_of_scikit_learn_that_does_not_fit_is_refused(tmp_path: Path, source: str, message: str) -> None:
    with pytest.raises(TrainingDataError, match=message):
        read_dataset(CATALOG.get("iris"), source, tmp_path)
