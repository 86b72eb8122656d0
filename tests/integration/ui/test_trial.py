"""What the page says of a running trial, read from the database."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tabserve.core.database import Database
from tabserve.core.tables import scoring_counts
from tabserve.serving.prediction import BesideBatch, GroundTruth
from tabserve.serving.store import prediction_store
from tests.definitions import CATALOG
from tests.factories import NOON, VERSION, batch, number_batch, with_shadow
from ui import trial
from ui.database import ReaderDatabase

TITANIC = CATALOG.get("titanic").model_dump(mode="json")
RENTS: Mapping[str, Any] = {"task": "regression", "target": {"unit": "€", "classes": [], "labels": []}}
OF_TRIAL = {"use_case": "titanic", "version": "shadow", "since": NOON.isoformat()}


def table(
    url: str, definition: Mapping[str, Any], kind: str, parameters: Mapping[str, Any]
) -> dict[str, tuple[str, str]]:
    database = ReaderDatabase(url)
    found = database.frame(trial.answers(definition, kind), **parameters)
    scoring = database.frame(trial.SCORING, use_case=parameters["use_case"], trial=4)
    return {
        name: (champion, challenger) for name, (champion, challenger) in trial.table(definition, found, scoring).items()
    }


def test_a_shadow_is_compared_on_the_same_records(postgres: Database, postgres_url: str) -> None:
    said = with_shadow(batch(3, probabilities=[[0.75, 0.25], [0.25, 0.75], [0.25, 0.75]]))
    store = prediction_store(postgres_url)
    store.add(said, batch(5))
    store.record_ground_truth("titanic", [GroundTruth("0", said.ids[0]), GroundTruth("1", said.ids[1])], NOON)

    found = table(postgres_url, TITANIC, "shadow", OF_TRIAL)

    assert found["answers"] == ("3", "3")
    assert found["says died"] == ("33.3 %", "100 %")
    assert found["right, where the outcome is known"] == ("100 % of 2: too few to tell", "50 % of 2: too few to tell")
    alike = ReaderDatabase(postgres_url).row(trial.ALIKE, **OF_TRIAL)
    assert trial.sentence(TITANIC, alike) == "Both say the same of **33.3 %** of 3 records."


def test_a_canary_is_compared_with_what_the_champion_answered_meanwhile(postgres: Database, postgres_url: str) -> None:
    canary = batch(1, model_version="new", role="canary", probabilities=[[0.75, 0.25]])
    prediction_store(postgres_url).add(batch(3, canary=canary), batch(7, model_version="older"))

    found = table(postgres_url, TITANIC, "canary", OF_TRIAL | {"version": "new", "champion": VERSION})

    assert (found["answers"], found["says survived"]) == (("3", "1"), ("100 %", "0 %"))
    assert found["failed calls"] == ("–", "–")


def test_numbers_are_compared_by_where_they_lie_and_how_far_apart(postgres: Database, postgres_url: str) -> None:
    said = number_batch([1.0, 2.0, 3.0])
    shadow = BesideBatch("shadow", "shadow", said.ids, number_batch([1.5, 2.5, 3.5]).answers)
    store = prediction_store(postgres_url)
    store.add(replace(said, shadow=shadow))
    store.record_ground_truth("rents", [GroundTruth("2", said.ids[0])], NOON)
    of_rents = OF_TRIAL | {"use_case": "rents"}

    found = table(postgres_url, RENTS, "shadow", of_rents)

    assert found["half of the answers are below"] == ("2 €", "2.5 €")
    assert found["mean error, where the outcome is known"] == ("1 € (1 outcomes)", "0.5 € (1 outcomes)")
    alike = ReaderDatabase(postgres_url).row(trial.ALIKE, **of_rents)
    assert trial.sentence(RENTS, alike) == "Of **3** records, half differ by at most **0.5 €**."


@pytest.mark.parametrize("kind", ["shadow", "canary"])
def test_calls_are_counted_with_failures_and_times(postgres: Database, postgres_url: str, kind: str) -> None:
    counts = {"use_case": "titanic", "trial": 4, "minute": NOON, "rows": 1, "seconds": 1.0}
    of_champion = counts | {"role": "champion", "model_version": VERSION, "failures": 0}
    of_challenger = counts | {"role": kind, "model_version": "new", "calls": 3}
    rows = [
        of_champion | {"bucket": 0.001, "calls": 90},
        of_champion | {"bucket": 0.004, "calls": 10},
        of_challenger | {"bucket": 0.002, "failures": 1},
        of_challenger | {"bucket": 0.002, "failures": 1, "trial": 3},
    ]
    with postgres.transaction() as connection:
        connection.execute(scoring_counts.insert(), rows)

    found = table(postgres_url, TITANIC, kind, OF_TRIAL | ({"champion": VERSION} if kind == "canary" else {}))

    assert found["failed calls"] == ("0 of 100", "1 of 3")
    assert found["time to score a call, usually"] == ("1 ms", "2 ms")
    assert found["time of the slowest of twenty"] == ("4 ms", "2 ms")


def test_nothing_scored_yet_is_said(postgres: Database, postgres_url: str) -> None:
    found = table(postgres_url, TITANIC, "shadow", OF_TRIAL)
    assert set(found.values()) <= {("0", "0"), ("–", "–")}
    alike = ReaderDatabase(postgres_url).row(trial.ALIKE, **OF_TRIAL)
    assert trial.sentence(TITANIC, alike) == "No record has been scored by both yet."
