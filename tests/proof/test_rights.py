"""Take every right of every role away, one at a time, on a running stack: each must be missed.

`tests/rights` compares rights with calls; here the emulator refuses the calls, and somebody must notice.
"""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from local_cloud.stack import local_stack
from stack_env import client
from tabserve.core.errors import TabserveError
from tests.e2e.test_main_job import eventually
from tests.proof.cloud import STACK, Cloud
from tests.proof.journeys import Journeys
from tests.rights.deployed import as_list

pytestmark = [pytest.mark.proof, pytest.mark.timeout(1800)]

FUNCTIONS = ("predict", "ingest", "features", "scheduled-predict", "monitor", "sweep", "alerts")
SELDOM = "rate(1 day)"
NO_SCHEDULES = {f"{name}ScheduleExpression": SELDOM for name in ("", "Sweep", "Monitor", "Alert")}

# Rights that Lambda uses in the role's name; the emulator does the same without asking for them. AWS does not:
# there no event source is created and no log is written without them. `tests/rights` derives them from the template.
OF_LAMBDA_ITSELF = {
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
}


@pytest.fixture(scope="module")
def journeys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journeys]:
    with local_stack(tmp_path_factory.mktemp("stack"), overrides=NO_SCHEDULES) as stack:
        yield Journeys(Cloud(stack))


class Role:
    """The one policy of a function's role, to be changed and put back."""

    def __init__(self, stack: dict[str, str], function: str) -> None:
        self._iam = client(stack, "iam")
        configured = client(stack, "lambda").get_function_configuration(FunctionName=f"{STACK}-{function}")
        self._name = configured["Role"].rpartition("/")[2]
        (self._policy,) = self._iam.list_role_policies(RoleName=self._name)["PolicyNames"]
        found = self._iam.get_role_policy(RoleName=self._name, PolicyName=self._policy)["PolicyDocument"]
        self.statements: list[dict[str, Any]] = found["Statement"]
        self.rights = [
            {"Effect": "Allow", "Action": action, "Resource": resource}
            for statement in self.statements
            for action in as_list(statement["Action"])
            for resource in as_list(statement["Resource"])
        ]

    @contextlib.contextmanager
    def without(self, right: dict[str, Any]) -> Iterator[None]:
        self._put([each for each in self.rights if each is not right])
        try:
            yield
        finally:
            self._put(self.statements)

    def _put(self, statements: list[dict[str, Any]]) -> None:
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        self._iam.put_role_policy(RoleName=self._name, PolicyName=self._policy, PolicyDocument=document)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_right_is_missed_when_it_is_gone(journeys: Journeys, function: str) -> None:
    role = Role(journeys.cloud.stack, function)
    assert who_fails(journeys, function) == ""
    not_missed = []
    for right in role.rights:
        with role.without(right):
            failed = who_fails(journeys, function)
        print(f"{function}: without {right['Action']} on {right['Resource']}: {failed or 'nobody misses it'}")
        not_missed += [] if failed else [right["Action"]]
    assert who_fails(journeys, function) == ""
    print(f"{function}: {len(role.statements)} statements, {len(role.rights)} rights, {len(not_missed)} not missed")
    assert set(not_missed) == {right["Action"] for right in role.rights if _may_not_be_missed(right, function)}


def _may_not_be_missed(right: dict[str, Any], function: str) -> bool:
    """Tell whether Lambda itself uses a right, or a function to go on at once where the schedule would go on later."""
    of_itself = str(right["Resource"]).endswith(f":function:{STACK}-{function}")
    return right["Action"] in OF_LAMBDA_ITSELF or of_itself


@pytest.mark.parametrize(
    ("bucket", "queue"), [("RAW_BUCKET", "INGEST_QUEUE_URL"), ("GOOD_BUCKET", "FEATURES_QUEUE_URL")]
)
def test_a_bucket_tells_its_queue_by_that_queue_s_policy_alone(journeys: Journeys, bucket: str, queue: str) -> None:
    cloud = journeys.cloud
    url = cloud.stack[queue]
    attributes = cloud.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]
    cloud.received(queue)
    cloud.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    untold = cloud.put(bucket, ["untold"])["key"]
    cloud.sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
    told = cloud.put(bucket, ["told"])["key"]
    bodies: list[str] = []

    def told_of_it() -> list[str]:
        bodies.extend(cloud.received(queue))
        return [body for body in bodies if told in body]

    assert eventually(told_of_it, 30)
    assert not [body for body in bodies if untold in body]


def who_fails(journeys: Journeys, function: str) -> str:
    """Return the first journey that fails, and how."""
    for journey in journeys.of[function]:
        try:
            journey()
        except (AssertionError, TabserveError) as error:
            return f"{journey.__name__} ({repr(error)[:100]})"
    return ""
