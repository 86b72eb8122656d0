"""Every role may do what its function's code does, and nothing else.

What the code does is not written down: the functions run, and botocore tells which calls they make.
"""

import ast
import copy
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from moto import mock_aws

from local_cloud.config import ROOT
from tabserve.core.clock import utc_now
from tabserve.registry.release import Mover, Releases
from tests.definitions import CATALOG
from tests.factories import API_KEY
from tests.failing_versions import POISON, register_failing
from tests.infra import template
from tests.lambdas import messages
from tests.rights.deployed import Deployed, Right, statements
from tests.rights.world import HEADER, KEY, LONG_FILE, Handler, World, request

pytestmark = pytest.mark.timeout(300)

PARAMETERS = {
    "DatabaseSecretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:database",
    "ApiKeyValue": API_KEY,
}
SOURCE = ROOT / "layers/model/src/tabserve"
TEMPLATE = template.resolved(**PARAMETERS)
DEPLOYED = Deployed(TEMPLATE, PARAMETERS)
FUNCTIONS = DEPLOYED.of_type("AWS::Serverless::Function")
ROLES = {function: properties["Role"]["Fn::GetAtt"][0] for function, properties in FUNCTIONS.items()}
FOREIGN = {"Effect": "Allow", "Action": "s3:DeleteObject", "Resource": {"Fn::Sub": "${GoodBucket.Arn}/*"}}
POLLING = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
LOGGING = ("logs:CreateLogStream", "logs:PutLogEvents")

# What a module can do and a function that has it never asks for.
NEVER = {
    "FeaturesFunction": {("core.s3", "put_object")},
    "ScheduledPredictFunction": {("core.s3", "list_objects_v2"), ("core.s3", "put_object")},
    "MonitorFunction": {("core.s3", "put_object")},
    "PredictFunction": {("features.store", "transact_write_items")},
}

INVOKED = {("batch.prediction_function", "invoke")}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The functions after everything they do."""
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        world = World(DEPLOYED, patch, f"sqlite:///{tmp_path_factory.mktemp('rights')}/tabserve.db")
        run_everything(world)
        yield world


def run_everything(world: World) -> None:
    """Let each function do all it can do, in the order in which a file meets them."""
    scheduled = world.recorders["ScheduledPredictFunction"]
    version = world.promote(CATALOG.get("titanic"))
    world.put("RawBucket", "titanic/lost.csv", "")
    rows = [f"{number},1,Doe,female,38,71.28,C" for number in range(LONG_FILE)]
    file = world.put("RawBucket", KEY, "\n".join([HEADER, *rows, "x,9,Doe,female,38,71.28,C", ""]))
    assert world.call("IngestFunction", world.event("RawBucket", KEY, file)) == {"batchItemFailures": []}
    broken = {"ETag": world.put("RawBucket", "titanic/broken.csv", "a,b\n1,2\n")["ETag"]}  # without versions
    event = world.event("RawBucket", "titanic/broken.csv", broken)
    assert world.call("IngestFunction", event) == {"batchItemFailures": []}

    lost = {"ETag": world.put("RawBucket", "tulips/lost.csv", "a,b\n1,2\n")["ETag"]}  # of no use case
    assert world.call("IngestFunction", world.event("RawBucket", "tulips/lost.csv", lost)) == {"batchItemFailures": []}

    (good,) = world.objects("GoodBucket")
    unknown = world.event("GoodBucket", good["Key"].replace("titanic/", "tulips/"), good)
    assert world.call("FeaturesFunction", unknown, seconds=5) == {"batchItemFailures": []}
    event = world.event("GoodBucket", good["Key"], good)
    assert world.call("FeaturesFunction", event, seconds=5) == {"batchItemFailures": []}
    left = world.call("ScheduledPredictFunction", {}, seconds=lambda: 10 if scheduled.made & INVOKED else 100)["rows"]
    assert 0 < left < LONG_FILE
    assert left + world.call("ScheduledPredictFunction", {})["rows"] == LONG_FILE
    world.predicted("v1")
    world.call("MonitorFunction", {})
    assert world.call("SweepFunction", {}, later=timedelta(minutes=20))["queued"]
    assert world.call("AlertsFunction", {})["sent"]

    file_id = good["Key"].split("/")[1]
    assert ask(world, "GET", "/model") == 200
    assert ask(world, "GET", "/features/titanic/1") == 200
    retire = {"action": "retire", "by": "Ann", "reason": "over", "expected": 1}
    promote = {**retire, "action": "promote", "version": version, "expected": 2}
    assert ask(world, "POST", "/use-cases/titanic/release", retire) == 200
    assert ask(world, "POST", "/use-cases/titanic/release", promote) == 200
    assert ask(world, "GET", "/use-cases/titanic/release") == 200
    assert ask(world, "POST", "/raw-files", {"use_case": "titanic", "name": "a.csv", "size": 9}) == 201
    assert ask(world, "GET", f"/raw-files/{file_id}") == 200
    assert ask(world, "GET", f"/reports/{file_id}") == 200
    assert ask(world, "GET", f"/bad-rows/{file_id}") == 200
    queued = messages(json.dumps({"use_case": "tulips", "records": [{}]}))
    assert world.call("PredictFunction", queued) == {"batchItemFailures": []}
    stop_a_trial(world)
    large = messages(json.dumps({"use_case": "titanic", "records": [{"Age": "x"}] * 5_000}))
    assert world.call("PredictFunction", large) == {"batchItemFailures": []}


def stop_a_trial(world: World) -> None:
    """Let a canary fail until it is stopped."""
    use_case, registry = CATALOG.get("titanic"), world.registry()
    champion = registry.standing(use_case.name).version
    assert champion
    failing = register_failing(registry, use_case, champion, "Age", "nan")
    Releases(registry, CATALOG.get, utc_now).start(use_case.name, "canary", failing, 1.0, Mover("somebody"))
    record = {"Pclass": 1, "Sex": "female", "Age": POISON, "Fare": 71.28, "Embarked": "C"}
    events = [
        request("POST", "/reload-model", API_KEY),
        *[request("POST", "/predict", API_KEY, {"use_case": use_case.name, "records": [record]})] * 3,
    ]
    answers: list[dict[str, Any]] = []

    def one_after_the_other(handler: Handler) -> Handler:
        return lambda _, context: answers.extend(handler(event, context) for event in events)

    world.call("PredictFunction", None, around=one_after_the_other)
    assert [each["statusCode"] for each in answers] == [200] * len(events), answers
    assert registry.standing(use_case.name).action == "stop"


def ask(world: World, method: str, path: str, body: object = None) -> int:
    """Return the status of the API's answer."""
    return int(world.call("PredictFunction", request(method, path, API_KEY, body))["statusCode"])


def needed(world: World, function: str) -> set[Right]:
    """Everything a function needs: its calls, its logs, and what Lambda does for it with the queues it drains."""
    properties = FUNCTIONS[function]
    queues = [each["Properties"]["Queue"] for each in properties.get("Events", {}).values() if each["Type"] == "SQS"]
    logs = DEPLOYED.arn(properties["LoggingConfig"]["LogGroup"]["Ref"])
    polled = {Right(action, DEPLOYED.text(queue)) for queue in queues for action in POLLING}
    return world.recorders[function].rights | polled | {Right(action, logs) for action in LOGGING}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_role_may_do_what_its_function_does_and_nothing_else(world: World, function: str) -> None:
    may, does = DEPLOYED.granted(ROLES[function]), needed(world, function)
    assert (sorted(does - may), sorted(may - does)) == ([], [])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_statement_less_is_missed_and_one_more_is_noticed(world: World, function: str) -> None:
    does, role = needed(world, function), ROLES[function]
    for number in range(len(statements(TEMPLATE["Resources"], role))):
        changed = copy.deepcopy(TEMPLATE)
        taken = statements(changed["Resources"], role)[number] | {}
        statements(changed["Resources"], role)[number].update(FOREIGN)
        granted = Deployed(changed, PARAMETERS).granted(role)
        assert does - granted == set(DEPLOYED.rights(taken)), taken
        assert granted - does == set(DEPLOYED.rights(FOREIGN))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_call_that_a_function_can_make_was_seen(world: World, function: str) -> None:
    folder = FUNCTIONS[function]["Handler"].split(".")[1]
    able = {(module, call) for module in modules_of(folder) for call in calls_in(module)}
    assert able - world.recorders[function].made == NEVER.get(function, set())


def modules_of(folder: str) -> set[str]:
    """Return the modules of tabserve that a function's build module imports, itself or through another one."""
    found: set[str] = set()
    left = {name for name in _imported(ROOT / f"functions/{folder}/app.py") if ".build" in name}
    while left:
        new = _imported(SOURCE / f"{left.pop().replace('.', '/')}.py") - found
        found |= new
        left |= {name for name in new if name.endswith(".build")}
    return found


def _imported(path: Path) -> set[str]:
    nodes = ast.walk(ast.parse(path.read_text()))
    names = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.removeprefix("tabserve.") for name in names if name.startswith("tabserve.")}


def calls_in(module: str) -> set[str]:
    """Return the methods of AWS clients that a module names."""
    path = SOURCE / f"{module.replace('.', '/')}.py"
    nodes = list(ast.walk(ast.parse(path.read_text()))) if path.exists() and module != "core.service" else []
    named = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    named |= {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return named & CLIENT_METHODS


def _client_methods() -> set[str]:
    session = botocore.session.get_session()
    clients = [
        session.create_client(name, region_name="us-east-1") for name in ("s3", "sqs", "sns", "dynamodb", "lambda")
    ]
    return {method for client in clients for method in client.meta.method_to_api_mapping}


CLIENT_METHODS = _client_methods()


def test_schedules_may_start_their_functions_and_leave_what_failed() -> None:
    schedules: Mapping[str, Any] = DEPLOYED.of_type("AWS::Scheduler::Schedule")
    targets = [schedule["Target"] for schedule in schedules.values()]
    starts = {Right("lambda:InvokeFunction", DEPLOYED.text(target["Arn"])) for target in targets}
    leaves = {Right("sqs:SendMessage", DEPLOYED.text(target["DeadLetterConfig"]["Arn"])) for target in targets}
    assert {DEPLOYED.text(target["RoleArn"]) for target in targets} == {DEPLOYED.arn("SchedulerRole")}
    assert DEPLOYED.granted("SchedulerRole") == starts | leaves


@pytest.mark.parametrize("role", DEPLOYED.of_type("AWS::IAM::Role"))
def test_a_role_is_assumed_by_one_service_only(role: str) -> None:
    (statement,) = DEPLOYED.of_type("AWS::IAM::Role")[role]["AssumeRolePolicyDocument"]["Statement"]
    service = "lambda.amazonaws.com" if role in ROLES.values() else "scheduler.amazonaws.com"
    assert (statement["Principal"], statement["Action"]) == ({"Service": service}, "sts:AssumeRole")


def test_the_api_may_start_the_functions_it_integrates_and_nothing_else_may() -> None:
    methods = DEPLOYED.of_type("AWS::ApiGateway::Method").values()
    started = {DEPLOYED.text(method["Integration"]["Uri"]).split("/functions/")[1] for method in methods}
    permissions = DEPLOYED.of_type("AWS::Lambda::Permission").values()
    allowed = {(each["Principal"], DEPLOYED.arn(each["FunctionName"]["Ref"])) for each in permissions}
    assert allowed == {("apigateway.amazonaws.com", uri.removesuffix("/invocations")) for uri in started}
