"""How versions on trial score is counted over all instances."""

from dataclasses import replace
from datetime import timedelta

from tabserve.serving.ports import PredictionStore
from tabserve.serving.trial import ScoringCount
from tests.factories import NOON, VERSION

COUNT = ScoringCount("titanic", 3, "canary", VERSION, 0.5, 2, 1, 40, 0.75)


def test_counts_of_instances_and_minutes_add_up_by_trial_version_and_time_taken(store: PredictionStore) -> None:
    slower, champion = replace(COUNT, bucket=1.0), replace(COUNT, role="champion", failures=0)
    store.add_scoring([COUNT, slower, champion, replace(COUNT, trial=4), replace(COUNT, use_case="iris")], NOON)
    store.add_scoring([COUNT], NOON)
    store.add_scoring([COUNT], NOON + timedelta(minutes=1))
    store.add_scoring([COUNT], NOON - timedelta(minutes=1))

    found = {(each.role, each.bucket): each for each in store.scoring("titanic", 3, NOON)}
    assert found == {
        ("canary", 0.5): replace(COUNT, calls=6, failures=3, rows=120, seconds=2.25),
        ("canary", 1.0): slower,
        ("champion", 0.5): champion,
    }
