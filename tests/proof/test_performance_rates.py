"""False alarms and power of the alerts on performance, at full size: `make proof`."""

import pytest

from benchmarks.performance_simulation import Kind, alarm_rate, outcomes

pytestmark = [pytest.mark.proof, pytest.mark.timeout(1800)]
RUNS = 500


def said(what: str, rate: float, by_metric: dict[str, float]) -> None:
    alone = ", ".join(f"{metric} {share:.1%}" for metric, share in by_metric.items() if share)
    print(f"{what}: {rate:.1%} of {RUNS} runs alarm (each metric alone: {alone or 'none'})")


@pytest.mark.parametrize("held_out", [418, 1_000])
def test_ten_points_of_accuracy_alarm_within_two_windows_with_outcomes(held_out: int) -> None:
    rate, by_metric = alarm_rate(outcomes("titanic"), "measured", changed=True, held_out=held_out, runs=RUNS)
    said(f"accuracy - 10 points, {held_out} held-out rows", rate, by_metric)
    assert rate >= 0.90


@pytest.mark.parametrize("held_out", [418, 1_000])
@pytest.mark.parametrize("kind", ["measured", "estimated"])
def test_few_runs_alarm_when_nothing_changed(kind: Kind, held_out: int) -> None:
    rate, by_metric = alarm_rate(outcomes("titanic"), kind, changed=False, held_out=held_out, runs=RUNS)
    said(f"nothing changed, {kind}, {held_out} held-out rows", rate, by_metric)
    assert rate <= 0.01


@pytest.mark.parametrize("held_out", [418, 1_000])
def test_a_shift_that_costs_ten_points_alarms_before_any_outcome(held_out: int) -> None:
    rate, by_metric = alarm_rate(outcomes("titanic"), "estimated", changed=True, held_out=held_out, runs=RUNS)
    said(f"more unsure rows, {held_out} held-out rows", rate, by_metric)
    assert rate >= 0.70


@pytest.mark.parametrize("kind", ["measured", "estimated"])
def test_few_versions_alarm_in_twenty_windows_when_nothing_changed(kind: Kind) -> None:
    rate, by_metric = alarm_rate(outcomes("titanic"), kind, changed=False, held_out=418, runs=100, windows=20, seed=1)
    print(f"20 windows, {kind}: {rate:.0%} of 100 versions alarm, {by_metric}")
    assert rate <= 0.05
