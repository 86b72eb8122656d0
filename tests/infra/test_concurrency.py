"""What all instances of all functions hold of the database's connections, by the template."""

from typing import Any

import pytest

from local_cloud.config import ROOT
from tests.infra import template

FUNCTIONS = template.resources("AWS::Serverless::Function")
TIERS = template.load()["Parameters"]["DatabaseConnections"]["AllowedValues"]
# `core/database.py` and `serving/postgres.py` hold one each, and predict has both.
CONNECTIONS = {
    name: 2 if name == "PredictFunction" else int("DATABASE_URL" in template.variables(name)) for name in FUNCTIONS
}
# A new Lambda account may run 1 000 executions at once, of which AWS lets nobody reserve the last 100.
RESERVABLE = 900


def number(value: Any, parameters: dict[str, str]) -> int:
    """Return what a mapping gives for these parameters."""
    mapping, first, second = value["Fn::FindInMap"]
    return int(template.load()["Mappings"][mapping][parameters[first["Ref"]]][second])


def instances(tier: str) -> dict[str, int]:
    """Return how many of each function that uses the database run at once, at most."""
    parameters = {"DatabaseConnections": tier}
    found = {}
    for name, resource in template.resolved(**parameters)["Resources"].items():
        if not CONNECTIONS.get(name):
            continue
        function = resource["Properties"]
        limit = function.get("ReservedConcurrentExecutions")
        if limit is None:
            (event,) = function["Events"].values()  # nothing but its queue starts it
            limit = event["Properties"]["ScalingConfig"]["MaximumConcurrency"]
        found[name] = number(limit, parameters)
    return found


@pytest.mark.parametrize("tier", TIERS)
def test_no_instance_of_a_function_is_left_without_a_connection(tier: str) -> None:
    limits = instances(tier)
    assert limits.keys() == {name for name, connections in CONNECTIONS.items() if connections}
    assert sum(CONNECTIONS[name] * limit for name, limit in limits.items()) <= int(tier)


@pytest.mark.parametrize("tier", TIERS)
def test_what_is_reserved_leaves_an_account_what_aws_asks_for(tier: str) -> None:
    assert sum(instances(tier).values()) <= RESERVABLE


@pytest.mark.parametrize("tier", TIERS)
def test_queued_predictions_leave_most_of_the_function_to_callers(tier: str) -> None:
    (event,) = FUNCTIONS["PredictFunction"]["Events"].values()
    of_queue = number(event["Properties"]["ScalingConfig"]["MaximumConcurrency"], {"DatabaseConnections": tier})
    assert 2 <= of_queue <= instances(tier)["PredictFunction"] / 2


def test_the_document_tells_what_the_template_says() -> None:
    lines = (ROOT / "docs/capacity.md").read_text().splitlines()
    rows = [[cell.strip(" *") for cell in line.split("|")] for line in lines if line.count("|") == 8]
    told = {row[1]: row[4:-1] for row in rows}
    by_tier = [instances(tier) for tier in TIERS]
    assert told["function"] == TIERS
    for name, row in {"predict": "Predict", "ingest": "Ingest", "scheduled_predict": "ScheduledPredict"}.items():
        assert told[name] == [str(limits[f"{row}Function"]) for limits in by_tier]
    sums = [sum(CONNECTIONS[name] * limit for name, limit in limits.items()) for limits in by_tier]
    assert told["sum of connections"] == list(map(str, sums))


def test_an_account_with_a_small_quota_reserves_nothing() -> None:
    there = template.resolved(ReserveConcurrency="no")["Resources"]
    assert not [name for name in FUNCTIONS if "ReservedConcurrentExecutions" in there[name]["Properties"]]
