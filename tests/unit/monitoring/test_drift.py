import json
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from benchmarks.monitoring import window_ms
from benchmarks.simulation import population
from tabserve.core.limits import DriftLimits
from tabserve.monitoring import drift
from tabserve.reference.profile import CategoricalProfile, NumericProfile, Profile

LIMITS = DriftLimits()
CATEGORIES = ("a", "b", "c", "d")


def random_column(rng: np.random.Generator, size: int) -> list[float | None]:
    """Numbers with ties, constants, heavy tails, missing ones; sometimes none at all."""
    draws: list[Callable[[], Any]] = [
        lambda: rng.normal(size=size),
        lambda: rng.integers(0, 4, size).astype(float),
        lambda: np.full(size, rng.integers(3), dtype=float),
        lambda: rng.standard_cauchy(size),
        lambda: rng.exponential(size=size).round(1),
    ]
    drawn = draws[rng.integers(len(draws))]()
    missing = rng.random(size) < rng.choice([0, 0, 0.02, 0.2, 1])
    return [None if gone else float(value) for value, gone in zip(drawn, missing, strict=True)]


def kept(profile: NumericProfile) -> NumericProfile:
    return NumericProfile.from_dict(json.loads(json.dumps(profile.to_dict())))


def raw_ks(first: list[Any], second: list[Any]) -> tuple[float, float]:
    a, b = ([value for value in column if value is not None] for column in (first, second))
    if not a or not b:
        return 0.0, 1.0
    # One value on each side says nothing; SciPy's asymptotic answer is then NaN, its exact one is 1.
    found = stats.ks_2samp(a, b, method="exact" if len(a) == len(b) == 1 else "asymp")
    return float(found.statistic), float(found.pvalue)


def raw_chi2(first: list[Any], second: list[Any]) -> tuple[float, float, float]:
    labels = ["reference"] * len(first) + ["window"] * len(second)
    table = stats.contingency.crosstab(labels, [str(value) for value in first + second]).count
    if min(table.shape) < 2:
        return 0.0, 1.0, np.inf
    found = stats.chi2_contingency(table, correction=False)
    return float(found.statistic), float(found.pvalue), float(found.expected_freq.min())


@pytest.mark.parametrize("seed", range(4))
def test_numeric_profiles_give_what_scipy_gives_on_the_raw_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(250):
        reference = random_column(rng, int(rng.choice([0, 1, 60, 418])))
        window = random_column(rng, int(rng.choice([0, 1, 2, 50, 500])))
        profile = NumericProfile.of(reference)
        found = kept(profile.same_bins(window))

        assert drift.kolmogorov_smirnov(kept(profile), found) == pytest.approx(raw_ks(reference, window), abs=1e-9)
        missing = ([value is None for value in column] for column in (reference, window))
        agrees_with_raw_chi2(
            drift.independence(np.array([profile.present, profile.missing]), np.array([found.present, found.missing])),
            *missing,
        )


@pytest.mark.parametrize("seed", range(4))
def test_categorical_profiles_give_what_scipy_gives_on_the_raw_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(250):
        pool = np.array([None, *CATEGORIES, "other"], dtype=object)[: rng.integers(1, 7)]
        columns = [rng.choice(pool, int(rng.choice([0, 1, 40, 418, 500]))).tolist() for _ in range(2)]
        found = drift.independence(*(CategoricalProfile.of(column, CATEGORIES).bins() for column in columns))
        agrees_with_raw_chi2(found, *columns)


def agrees_with_raw_chi2(found: tuple[str, float, float], first: list[Any], second: list[Any]) -> None:
    statistic, p_value, smallest = raw_chi2(first, second)
    if smallest >= 5:
        assert found[0] == "chi2"
        assert found[1] == pytest.approx(statistic, rel=1e-9, abs=1e-9)
        assert found[2] == pytest.approx(p_value, abs=1e-9)


@pytest.mark.parametrize("table", [((400, 18), (97, 3)), ((415, 3), (490, 5)), ((2, 1), (2, 3)), ((891, 0), (95, 5))])
def test_two_levels_with_few_expected_rows_are_judged_by_fisher_s_exact_test(table: Any) -> None:
    method, _, p_value = drift.independence(np.array(table[0]), np.array(table[1]))
    assert method == "fisher"
    assert p_value == pytest.approx(stats.fisher_exact(np.array(table)).pvalue)


def test_rare_levels_are_pooled_until_five_rows_are_expected() -> None:
    first, second = np.array([300, 100, 9, 9]), np.array([60, 36, 2, 1])  # expected in the second row: 2.1 and 1.9
    two = stats.fisher_exact(np.array([(400, 18), (96, 3)])).pvalue
    frequent = stats.chi2_contingency([(300, 100), (60, 36)], correction=False)
    expected = (frequent.statistic, 2 * frequent.pvalue)
    assert drift.independence(first, second)[1:] == pytest.approx(expected)
    assert frequent.pvalue < two

    first, second = np.array([300, 100, 12, 12, 1]), np.array([60, 36, 6, 6, 0])  # 3.4 each, so 6.7 together
    pooled = stats.chi2_contingency([(300, 100, 24), (60, 36, 12)], correction=False)
    assert drift.independence(first, second)[1:] == pytest.approx((pooled.statistic, 2 * pooled.pvalue))


@pytest.mark.parametrize(("levels", "rows"), [(3, 100), (5, 100), (25, 50), (25, 500)])
def test_p_values_of_rare_levels_are_small_as_rarely_as_they_should(levels: int, rows: int) -> None:
    rng = np.random.default_rng((levels, rows))
    shares = rng.dirichlet(np.full(levels, 0.5))
    tables = zip(rng.multinomial(418, shares, 2_000), rng.multinomial(rows, shares, 2_000), strict=True)
    p_values = np.array([drift.independence(*table)[2] for table in tables])
    for level in (0.05, 0.01):
        assert (p_values < level).sum() <= stats.binom.ppf(0.999, 2_000, level)


@pytest.mark.parametrize("columns", [30, 100])
def test_one_column_of_many_that_takes_one_value_alarms_although_it_has_a_rare_level(columns: int) -> None:
    """A p-value that cannot fall below 1 in 2 000 would never do so."""
    rng = np.random.default_rng(columns)
    counts = {f"c{place}": {"a": 600, "b": 288, "c": 3} for place in range(columns)}
    reference = Profile(891, {name: CategoricalProfile(0, 0, each) for name, each in counts.items()})
    drawn = [dict(zip("abc", rng.multinomial(300, [0.674, 0.323, 0.003]).tolist(), strict=True)) for _ in counts]
    window = {name: CategoricalProfile(0, 0, each) for name, each in zip(counts, drawn, strict=True)}
    window |= {"c0": CategoricalProfile(0, 0, {"a": 0, "b": 300, "c": 0})}
    window |= {"c1": CategoricalProfile(20, 0, {"a": 190, "b": 89, "c": 1})}
    found = {each.column: each.state for each in drift.compare(reference, Profile(300, window), LIMITS)}
    assert (found.pop("c0"), found.pop("c1")) == ("severe", "severe")
    assert not {"alarm", "severe"} & set(found.values())


def test_q_values_are_those_of_scipy_over_all_columns() -> None:
    rng = np.random.default_rng(3)
    reference, window = profiles(rng, 400, shift=0.3)
    found = drift.compare(reference, window, LIMITS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = stats.false_discovery_control([each.difference.p_value for each in found])
    assert [each.q_value for each in found] == pytest.approx(expected)


def profiles(rng: np.random.Generator, rows: int, shift: float = 0.0) -> tuple[Profile, Profile]:
    reference = Profile(
        418,
        {
            "x": NumericProfile.of(rng.normal(size=418)),
            "c": CategoricalProfile.of(rng.choice(CATEGORIES, 418).tolist(), CATEGORIES),
        },
    )
    columns: dict[str, Any] = {"x": rng.normal(size=rows) + shift, "c": rng.choice(CATEGORIES, rows).tolist()}
    return reference, reference.window(columns, rows)


def test_equal_counts_have_no_effect_and_no_significance() -> None:
    reference, _ = profiles(np.random.default_rng(0), 0)
    for found in drift.compare(reference, reference, LIMITS):
        assert (found.difference.effect, found.difference.statistic, found.difference.p_value) == (0, 0, 1)
        assert found.state == "ok"


def test_row_order_changes_nothing() -> None:
    rng = np.random.default_rng(1)
    reference, _ = profiles(rng, 0)
    column = random_column(rng, 300)
    shuffled = rng.permutation(np.array(column, dtype=object)).tolist()
    one, other = (
        drift.difference(reference.columns["x"], reference.columns["x"].same_bins(c)) for c in (column, shuffled)
    )
    assert one == other


def test_the_effect_grows_as_shifted_rows_are_mixed_in() -> None:
    rng = np.random.default_rng(2)
    own = NumericProfile.of(rng.normal(size=2_000))
    same, shifted = rng.normal(size=1_000), rng.normal(2, 1, 1_000)
    effects = [
        drift.difference(own, own.same_bins(np.concatenate((same[k:], shifted[:k])).tolist())).effect
        for k in range(0, 1_001, 100)
    ]
    assert effects == sorted(effects)
    assert effects[0] < 0.02 < 0.2 < effects[-1]


def test_a_constant_that_moves_and_values_below_a_common_minimum_are_severe() -> None:
    constant = Profile(400, {"x": NumericProfile.of([5.0] * 400)})
    zeros = Profile(400, {"x": NumericProfile.of([0.0] * 300 + list(range(1, 101)))})
    for reference, column in ((constant, [6.0] * 200), (constant, [4.0] * 200), (zeros, [-1.0] * 150 + [50.0] * 50)):
        assert drift.compare(reference, reference.window({"x": column}, 200), LIMITS)[0].state == "severe"


def test_missing_values_are_drift_although_the_others_did_not_move() -> None:
    rng = np.random.default_rng(4)
    reference, _ = profiles(rng, 0)
    column = [None] * 120 + rng.normal(size=280).tolist()
    found = drift.compare(reference, reference.window({"x": column, "c": list(CATEGORIES) * 100}, 400), LIMITS)[0]
    assert found.difference.method == "chi2 (missing)"
    assert found.state == "severe"


def test_missing_is_a_share_of_its_own_however_many_levels_a_category_has() -> None:
    levels = tuple("abcdefghijklmnopqrstuvwxy")
    rng = np.random.default_rng(8)
    own = CategoricalProfile.of(rng.choice(levels, 418).tolist(), levels)
    gone = own.same_bins([None] * 60 + rng.choice(levels, 940).tolist())
    found = drift.difference(own, gone)
    expected = drift.excess_psi(np.array([418, 0]), np.array([940, 60]))
    assert found.method == "chi2 (missing)"
    assert found.effect == pytest.approx(expected)
    assert expected > 0.2


@pytest.mark.parametrize(("rows", "state"), [(49, "insufficient"), (50, "warning"), (99, "warning"), (100, "severe")])
def test_few_rows_never_alarm(rows: int, state: str) -> None:
    reference, window = profiles(np.random.default_rng(5), rows, shift=3.0)
    assert drift.compare(reference, window, LIMITS)[0].state == state


@pytest.mark.parametrize(
    ("q_value", "effect", "state"),
    [
        (0.009, 0.20, "severe"),
        (0.009, 0.05, "alarm"),
        (0.009, 0.02, "warning"),
        (0.049, 0.90, "warning"),
        (0.009, 0.019, "ok"),
        (0.05, 0.90, "ok"),
    ],
)
def test_a_state_needs_significance_and_effect(q_value: float, effect: float, state: str) -> None:
    assert drift.state(500, q_value, effect, LIMITS) == state


def test_an_empty_window_is_insufficient() -> None:
    reference, window = profiles(np.random.default_rng(6), 0)
    assert {found.state for found in drift.compare(reference, window, LIMITS)} == {"insufficient"}


def test_predictions_of_one_class_only_are_noticed_unless_the_reference_expects_them() -> None:
    mixed, rare = np.array([60, 40]), np.array([999, 1])
    assert drift.single_class(mixed, np.array([60, 0]))
    assert not drift.single_class(rare, np.array([60, 0]))
    assert not drift.single_class(mixed, np.array([49, 0]))
    assert not drift.single_class(mixed, np.array([60, 1]))


def test_seven_columns_of_5000_rows_take_at_most_50_ms() -> None:
    assert window_ms(population("titanic")) <= 50
