"""The rows an export is compared on, and what is made of the comparisons."""

import math

import numpy as np
import pytest

from tabserve.core.errors import ParityError
from tabserve.registry.version import Parity
from tabserve.training import parity
from tabserve.training.decision import likelier


def test_pieces_add_up_to_the_worst_of_them() -> None:
    found = [
        parity.compare(np.array([[0.3, 0.7]]), np.array([[0.3, 0.7]]), likelier),
        parity.compare(np.array([[0.4, 0.6], [0.5, 0.5]]), np.array([[0.6, 0.4], [0.5, 0.5]]), likelier),
    ]
    total = parity.total(found)
    assert (total.rows, total.differing_classes) == (3, 1)
    assert total.max_difference == pytest.approx(0.2)


def test_a_piece_that_is_no_number_is_no_parity() -> None:
    nothing = Parity(rows=1, max_difference=math.nan, differing_classes=0)
    with pytest.raises(ParityError):
        parity.require_parity(parity.total([Parity(rows=1, max_difference=0, differing_classes=0), nothing]))
