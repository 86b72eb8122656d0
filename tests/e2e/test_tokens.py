"""Tokens switched on and off again on a deployed stack: who gets in, and whether the scheduled function still does."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_cloud import deployment
from local_cloud.config import ROOT, Place, free_ports
from local_cloud.progress import silent
from local_cloud.stack import Stack, running_stack
from tabserve.adapters.access_tokens import AccessTokens
from tests.e2e.test_main_job import client, eventually, keys

pytestmark = [pytest.mark.proof, pytest.mark.timeout(400)]

NO_SCHEDULE = {"ScheduleExpression": "rate(1 day)"}
SCOPE = "tabserve/api"
PASSENGER = {"Pclass": 1, "Sex": "female", "Age": 38, "Fare": 71.28, "Embarked": "C"}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Stack]:
    place = Place(tmp_path, free_ports(), durable=False)
    with running_stack(place, step=silent, overrides=NO_SCHEDULE) as stack:
        yield stack


def call(stack: Stack, path: str, headers: dict[str, str], body: object = None) -> tuple[int, Any]:
    url = deployment.outputs(stack.place)["ApiUrl"] + path
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=30) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def user_pool(stack: Stack) -> dict[str, str]:
    """Make a pool with a client for services, and return the template's parameters that name it."""
    cognito = client(stack.env, "cognito-idp")
    pool = cognito.create_user_pool(PoolName="tabserve")["UserPool"]
    server, _, name = SCOPE.partition("/")
    scopes = [{"ScopeName": each, "ScopeDescription": each} for each in (name, "other")]
    cognito.create_resource_server(UserPoolId=pool["Id"], Identifier=server, Name=server, Scopes=scopes)
    made = cognito.create_user_pool_client(
        UserPoolId=pool["Id"],
        ClientName="services",
        GenerateSecret=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthScopes=[SCOPE, f"{server}/other"],
    )["UserPoolClient"]
    return {
        "UserPoolArn": pool["Arn"],
        "TokenUrl": f"{stack.env['AWS_ENDPOINT_URL']}/oauth2/token",
        "TokenClientId": made["ClientId"],
        "TokenClientSecret": made["ClientSecret"],
    }


def scheduled_run(stack: Stack) -> dict[str, Any]:
    """Let the scheduled function run once; return what it says it did."""
    function = stack.env["SCHEDULED_PREDICT_FUNCTION"]
    run: dict[str, Any] = json.load(client(stack.env, "lambda").invoke(FunctionName=function)["Payload"])
    return run


def ingest(stack: Stack, name: str, rows: int) -> None:
    """Hand in a raw file and wait until its good rows lie there."""
    before = len(keys(stack.env, "GOOD_BUCKET"))
    lines = (ROOT / "datasets/titanic/train.csv").read_bytes().splitlines(keepends=True)
    body = b"".join(lines[: rows + 1])
    client(stack.env, "s3").put_object(Bucket=stack.env["RAW_BUCKET"], Key=f"titanic/{name}.csv", Body=body)
    assert eventually(lambda: keys(stack.env, "GOOD_BUCKET")[before:], 30)


def test_tokens_are_asked_for_beside_the_key_from_the_deployment_that_switches_them_on(running: Stack) -> None:
    key = {"x-api-key": running.env["API_KEY"], "content-type": "application/json"}
    assert call(running, "/predict", key, PASSENGER)[0] == 200

    pool = user_pool(running)
    deployment.deploy(running.place, NO_SCHEDULE | pool)

    given = (pool["TokenUrl"], pool["TokenClientId"], pool["TokenClientSecret"])
    token = {"Authorization": AccessTokens(*given, SCOPE).authorization()}
    other = {"Authorization": AccessTokens(*given, "tabserve/other").authorization()}
    assert call(running, "/predict", key, PASSENGER) == (401, {"message": "Unauthorized"})
    assert call(running, "/predict", key | {"Authorization": "Bearer made.up.token"}, PASSENGER)[0] == 401
    assert call(running, "/predict", key | other, PASSENGER)[0] == 401
    assert call(running, "/predict", token, PASSENGER)[0] == 403
    status, answer = call(running, "/predict", key | token, PASSENGER)
    assert (status, len(answer["predictions"])) == (200, 1)
    assert call(running, "/health", {})[0] == 200
    document = call(running, "/openapi.json", {})[1]
    assert document["paths"]["/predict"]["post"]["security"] == [{"api_key": [], "access_token": [SCOPE]}]

    ingest(running, "with-tokens", rows=20)
    (run,) = eventually(lambda: [run for run in [scheduled_run(running)] if run["status"] != "skipped"], 30)
    assert (run["status"], run["files"], run["rows"]) == ("completed", 1, 20)

    deployment.deploy(running.place, NO_SCHEDULE | {"UserPoolArn": ""})  # what is not named stays as it was
    assert call(running, "/predict", key, PASSENGER)[0] == 200
