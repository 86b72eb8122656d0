"""Random records that an export is compared on."""

import pytest

from tabserve.core.features import CategoryFeature
from tabserve.training import random_rows as drawing
from tabserve.training.cells import array
from tests import wide
from tests.definitions import CATALOG


@pytest.mark.parametrize(("columns", "rows"), [(5, 100_000), (200, 100_000), (1_000, 20_000)])
def test_wide_rows_are_fewer_and_come_in_pieces(columns: int, rows: int) -> None:
    assert drawing.random_count(wide.use_case(columns)) == rows


def test_random_rows_hold_all_there_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "MOST_CELLS", 25_000)
    monkeypatch.setattr(drawing, "CELLS_AT_ONCE", 10_000)
    use_case = CATALOG.get("titanic")
    seen = {
        each.name: array(each, [each.categories[0] if isinstance(each, CategoryFeature) else 7.25])
        for each in use_case.features
    }
    pieces = list(drawing.random_rows(use_case, seen, seed=1))
    columns = {name: [value for piece, _ in pieces for value in piece[name]] for name in use_case.feature_names}

    assert [count for _, count in pieces] == [2_000, 2_000, 1_000]
    assert all(len(values) == 5_000 for values in columns.values())
    assert len(set(map(tuple, (piece["Age"][:100] for piece, _ in pieces)))) == 3
    assert {None, 7.25} < set(columns["Age"])
    assert {None, 1, 2, 3, *drawing.UNKNOWN} == set(columns["Pclass"])
