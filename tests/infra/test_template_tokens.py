"""With a user pool the API asks for a token beside the key; without one nothing of that is there."""

import json
from typing import Any

import pytest

from tests.infra import template

TOKENS = {
    "UserPoolArn": "arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_Example",
    "TokenUrl": "https://example.auth.us-east-1.amazoncognito.com/oauth2/token",
    "TokenClientId": "the-scheduled-function",
    "TokenClientSecret": "only-it-knows",
}
BEHIND_THE_KEY = {"RootMethod", "ProxyMethod"}
NAMES = {"TOKEN_URL", "TOKEN_CLIENT_ID", "TOKEN_CLIENT_SECRET", "TOKEN_SCOPE"}


def of_type(kind: str, **parameters: str) -> dict[str, Any]:
    found = template.resolved(**parameters)["Resources"]
    return {name: each["Properties"] for name, each in found.items() if each["Type"] == kind}


def environment(function: str, **parameters: str) -> dict[str, Any]:
    found: dict[str, Any] = of_type("AWS::Serverless::Function", **parameters)[function]["Environment"]["Variables"]
    return found


def test_without_a_user_pool_there_is_no_trace_of_tokens() -> None:
    assert not of_type("AWS::ApiGateway::Authorizer")
    for method in of_type("AWS::ApiGateway::Method").values():
        assert method["AuthorizationType"] == "NONE"
        assert not method.keys() & {"AuthorizerId", "AuthorizationScopes"}
    for function in of_type("AWS::Serverless::Function"):
        assert not environment(function).keys() & NAMES
    assert "Token" not in json.dumps(template.resolved()["Resources"])


def test_with_a_user_pool_every_method_behind_the_key_also_asks_for_a_token_with_the_scope() -> None:
    ((authorizer, properties),) = of_type("AWS::ApiGateway::Authorizer", **TOKENS).items()
    assert properties["Type"] == "COGNITO_USER_POOLS"
    assert properties["ProviderARNs"] == [{"Ref": "UserPoolArn"}]
    assert properties["IdentitySource"] == "method.request.header.Authorization"
    methods = of_type("AWS::ApiGateway::Method", **TOKENS)
    for name in BEHIND_THE_KEY:
        assert methods[name]["ApiKeyRequired"]
        assert methods[name]["AuthorizationType"] == "COGNITO_USER_POOLS"
        assert methods[name]["AuthorizerId"] == {"Ref": authorizer}
        assert methods[name]["AuthorizationScopes"] == [{"Ref": "TokenScope"}]
    for name in methods.keys() - BEHIND_THE_KEY:
        assert methods[name]["AuthorizationType"] == "NONE", name


def test_the_scheduled_function_can_ask_for_tokens_and_no_other_function_knows_the_secret() -> None:
    knowing = {
        function: environment(function, **TOKENS).keys() & NAMES
        for function in of_type("AWS::Serverless::Function", **TOKENS)
        if environment(function, **TOKENS).keys() & NAMES
    }
    assert knowing == {"ScheduledPredictFunction": NAMES, "PredictFunction": {"TOKEN_URL", "TOKEN_SCOPE"}}
    assert template.load()["Parameters"]["TokenClientSecret"]["NoEcho"]


def test_switching_tokens_on_or_off_makes_another_deployment_and_the_stage_serves_it() -> None:
    ((plain, _),) = of_type("AWS::ApiGateway::Deployment").items()
    ((with_tokens, _),) = of_type("AWS::ApiGateway::Deployment", **TOKENS).items()
    assert plain != with_tokens
    (stage,) = of_type("AWS::ApiGateway::Stage").values()
    assert stage["DeploymentId"] == {"Ref": plain}
    (stage,) = of_type("AWS::ApiGateway::Stage", **TOKENS).values()
    assert stage["DeploymentId"] == {"Ref": with_tokens}


@pytest.mark.parametrize("deployment", ["ApiDeployment3", "ApiDeployment3WithTokens"])
def test_a_deployment_waits_for_every_method(deployment: str) -> None:
    waits_for = template.load()["Resources"][deployment]["DependsOn"]
    assert set(waits_for) == template.resources("AWS::ApiGateway::Method").keys()


def test_a_user_pool_without_a_way_to_its_tokens_is_refused() -> None:
    assert template.broken_rules() == []
    assert template.broken_rules(**TOKENS) == []
    for name in TOKENS.keys() - {"UserPoolArn"}:
        (said,) = template.broken_rules(**(TOKENS | {name: ""}))
        assert name in said
