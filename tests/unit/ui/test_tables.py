"""Cells: probabilities only certain ones are written as certain, numbers without needless fractions."""

import csv
import io

import pytest

from ui.components import tables


@pytest.mark.parametrize(
    ("share", "cell"), [(None, None), (0.0, 0.0), (1e-9, 0.1), (0.247, 24.7), (0.9999, 99.9), (1.0, 100.0)]
)
def test_only_what_is_certain_is_written_so(share: float | None, cell: float | None) -> None:
    assert tables.percents([share]) == [cell]


def test_whole_numbers_are_written_whole() -> None:
    written = tables.safe_csv(["Age", "Fare"], [[27.0, 7.25], [None, -3.0]]).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(written))) == [["Age", "Fare"], ["27", "7.25"], ["", "-3"]]
