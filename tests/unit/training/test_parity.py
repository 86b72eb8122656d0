"""The rows an export is compared on, and what is made of the comparisons."""

import math

import numpy as np
import pytest

from tabserve.core.errors import ParityError
from tabserve.core.features import CategoryFeature
from tabserve.registry.version import Parity
from tabserve.training import parity
from tests import wide
from tests.definitions import CATALOG


@pytest.mark.parametrize(("columns", "rows"), [(5, 100_000), (200, 100_000), (1_000, 20_000)])
def test_wide_rows_are_fewer_and_come_in_pieces(columns: int, rows: int) -> None:
    assert parity.random_count(wide.use_case(columns)) == rows


def test_random_rows_hold_all_there_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parity, "MOST_CELLS", 25_000)
    monkeypatch.setattr(parity, "CELLS_AT_ONCE", 10_000)
    use_case = CATALOG.get("titanic")
    seen = {
        each.name: [each.categories[0] if isinstance(each, CategoryFeature) else 7.25] for each in use_case.features
    }
    pieces = list(parity.random_rows(use_case, seen, seed=1))
    columns = {name: [value for piece, _ in pieces for value in piece[name]] for name in use_case.feature_names}

    assert [count for _, count in pieces] == [2_000, 2_000, 1_000]
    assert all(len(values) == 5_000 for values in columns.values())
    assert len(set(map(tuple, (piece["Age"][:100] for piece, _ in pieces)))) == 3
    assert {None, 7.25} < set(columns["Age"])
    assert {None, 1, 2, 3, *parity.UNKNOWN} == set(columns["Pclass"])


def test_pieces_add_up_to_the_worst_of_them() -> None:
    found = [
        parity.compare(np.array([[0.3, 0.7]]), np.array([[0.3, 0.7]])),
        parity.compare(np.array([[0.4, 0.6], [0.5, 0.5]]), np.array([[0.6, 0.4], [0.5, 0.5]])),
    ]
    total = parity.total(found)
    assert (total.rows, total.differing_classes) == (3, 1)
    assert total.max_difference == pytest.approx(0.2)


def test_a_piece_that_is_no_number_is_no_parity() -> None:
    nothing = Parity(rows=1, max_difference=math.nan, differing_classes=0)
    with pytest.raises(ParityError):
        parity.require_parity(parity.total([Parity(rows=1, max_difference=0, differing_classes=0), nothing]))
