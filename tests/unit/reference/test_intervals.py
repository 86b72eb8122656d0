import pytest
from scipy.stats import binomtest

from tabserve.reference.intervals import wilson


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (10, 10), (37, 50), (317, 418), (1, 1)])
def test_wilson_intervals_are_those_of_scipy(successes: int, n: int) -> None:
    expected = binomtest(successes, n).proportion_ci(method="wilson")
    assert wilson(successes, n) == pytest.approx((expected.low, expected.high), abs=1e-9)
