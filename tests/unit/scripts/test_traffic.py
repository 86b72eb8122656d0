"""Traffic of every type drifts as told, and what cannot drift is said in one sentence."""

import random

import httpx
import pytest

import traffic
from command import CommandError
from tabserve.reference.reference import ReferenceRows
from tests.definitions import RENTS, TRIP, TRIPS

SAMPLE = ReferenceRows(
    {**{name: (value, value) for name, value in TRIP.items()}, "town": ("Bonn", "Bonn"), "insured": (True, True)},
    ("yes", "no"),
)


@pytest.mark.parametrize(
    ("drift", "name", "becomes"),
    [
        ("price=100", "price", 1_000.0),
        ("price=1e308", "price", 1e308),
        ("nights=400", "nights", 365),
        ("insured=1", "insured", False),
        ("board=1", "board", "full"),
        ("town=1", "town", "Bonn"),
        ("booked=-31", "booked", "2025-12-01"),
        ("leaves=0.5", "leaves", "2026-01-04T01:00:00"),
    ],
)
def test_every_type_drifts(drift: str, name: str, becomes: object) -> None:
    record = dict(TRIP)
    traffic.parse_drift(TRIPS, SAMPLE, drift).apply(record, 1.0, random.Random(1))
    assert record[name] == becomes
    assert {other: value for other, value in record.items() if other != name} == {
        other: value for other, value in TRIP.items() if other != name
    }


def test_a_missing_date_stays_missing() -> None:
    record = TRIP | {"booked": None}
    traffic.parse_drift(TRIPS, SAMPLE, "booked=3").apply(record, 1.0, random.Random(1))
    assert record["booked"] is None


@pytest.mark.parametrize("drift", ["nothing=1", "price=much", "town=2", "insured=-1"])
def test_what_cannot_drift_is_named(drift: str) -> None:
    with pytest.raises(CommandError, match=f"--drift {drift}: "):
        traffic.parse_drift(TRIPS, SAMPLE, drift)


def test_a_regression_has_no_one_class(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = traffic.Traffic(RENTS, SAMPLE, httpx.Client())
    monkeypatch.setattr(sent, "_post", lambda *_: {"predictions": [{"prediction": 1.5}, {"prediction": 2.5}]})
    with pytest.raises(CommandError, match="predicts numbers"):
        sent.keep_one_class()
