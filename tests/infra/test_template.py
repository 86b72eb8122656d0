import hashlib
import json
import tomllib
from importlib import import_module
from typing import Any

import pytest

from local_cloud.config import ROOT
from tabserve.core import rules
from tabserve.core.settings import EVERYWHERE
from tests.infra import template

FUNCTIONS = template.resources("AWS::Serverless::Function")
NOT_SETTINGS = {"OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS", "PYTHONDONTWRITEBYTECODE"}
BUILDS = {
    "PredictFunction": "serving.build",
    "IngestFunction": "ingestion.build",
    "FeaturesFunction": "features.build",
    "ScheduledPredictFunction": "batch.build",
    "MonitorFunction": "monitoring.build",
    "SweepFunction": "ingestion.build_sweep",
    "AlertsFunction": "alerts.build",
}


def test_each_function_has_a_role_of_its_own_and_a_log_group_with_an_end() -> None:
    logs = template.resources("AWS::Logs::LogGroup")
    roles = [function["Role"]["Fn::GetAtt"][0] for function in FUNCTIONS.values()]
    assert len(set(roles)) == len(FUNCTIONS)
    for function in FUNCTIONS.values():
        assert logs[function["LoggingConfig"]["LogGroup"]["Ref"]]["RetentionInDays"] > 0


@pytest.mark.parametrize("bucket", template.resources("AWS::S3::Bucket"))
def test_buckets_are_private_encrypted_and_outlive_the_stack(bucket: str) -> None:
    properties = template.resources("AWS::S3::Bucket")[bucket]
    assert all(properties["PublicAccessBlockConfiguration"].values())
    assert properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert template.load()["Resources"][bucket]["DeletionPolicy"] == "Retain"


def test_a_queue_hides_a_message_for_six_timeouts_and_gives_up_after_five_tries() -> None:
    queues = template.resources("AWS::SQS::Queue")
    for name, function in FUNCTIONS.items():
        for event in function.get("Events", {}).values():
            queue = queues[event["Properties"]["Queue"]["Fn::GetAtt"][0]]
            assert queue["VisibilityTimeout"] >= 6 * function["Timeout"], name
            assert queue["RedrivePolicy"]["maxReceiveCount"] == 5, name
            assert event["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"], name


def test_no_raw_file_waits_for_another_one_of_its_batch() -> None:
    assert FUNCTIONS["IngestFunction"]["Events"]["Queue"]["Properties"]["BatchSize"] == 1


def test_ingestion_has_room_for_the_good_and_the_bad_rows_of_the_largest_file() -> None:
    numbers = rules.MAX_ROWS * len(f"{rules.MAX_ROWS},")
    needed = rules.MAX_FILE_BYTES + numbers + rules.MAX_BAD_BYTES
    assert FUNCTIONS["IngestFunction"]["EphemeralStorage"]["Size"] * 2**20 >= needed


@pytest.mark.parametrize(("bucket", "queue"), [("RawBucket", "IngestQueue"), ("GoodBucket", "FeaturesQueue")])
def test_a_bucket_may_tell_its_queue_and_nobody_else_may(bucket: str, queue: str) -> None:
    (told,) = template.resources("AWS::S3::Bucket")[bucket]["NotificationConfiguration"]["QueueConfigurations"]
    assert (told["Event"], told["Queue"]) == ("s3:ObjectCreated:*", {"Fn::GetAtt": [queue, "Arn"]})
    policy = template.resources("AWS::SQS::QueuePolicy")[f"{queue}Policy"]
    assert template.load()["Resources"][bucket]["DependsOn"] == f"{queue}Policy"
    (statement,) = policy["PolicyDocument"]["Statement"]
    named = template.resources("AWS::S3::Bucket")[bucket]["BucketName"]["Fn::Sub"]
    assert statement["Condition"]["ArnEquals"]["aws:SourceArn"]["Fn::Sub"] == f"arn:${{AWS::Partition}}:s3:::{named}"
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}


def watched(metric: str) -> set[str]:
    """Return the queues or functions that an alarm watches a metric of."""
    alarms = template.resources("AWS::CloudWatch::Alarm").values()
    values = [alarm["Dimensions"][0]["Value"] for alarm in alarms if alarm["MetricName"] == metric]
    return {value.get("Ref") or value["Fn::GetAtt"][0] for value in values}


def test_what_goes_wrong_in_operation_raises_an_alarm() -> None:
    queues = template.resources("AWS::SQS::Queue")
    sources = {name for name, queue in queues.items() if "RedrivePolicy" in queue}
    dead_letters = {queues[name]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0] for name in sources}
    schedules = template.resources("AWS::Scheduler::Schedule").values()
    dead_letters |= {each["Target"]["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0] for each in schedules}
    assert watched("ApproximateNumberOfMessagesVisible") == dead_letters
    assert watched("ApproximateAgeOfOldestMessage") == sources
    assert watched("Errors") == watched("Throttles") == FUNCTIONS.keys()


def test_alarms_reach_the_topic_that_cloudwatch_may_publish_to() -> None:
    topic = template.resources("AWS::SNS::Topic")["AlarmTopic"]
    assert "KmsMasterKeyId" not in topic
    for name, alarm in template.resources("AWS::CloudWatch::Alarm").items():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "AlarmTopic"}], name


@pytest.mark.parametrize(("email", "subscribers"), [("", []), ("on-call@example.com", [{"Ref": "AlarmEmail"}])])
def test_alarms_are_mailed_to_whom_the_parameter_names(email: str, subscribers: list[Any]) -> None:
    there = template.resolved(AlarmEmail=email)["Resources"].values()
    found = [each["Properties"] for each in there if each["Type"] == "AWS::SNS::Subscription"]
    assert [each["Endpoint"] for each in found] == subscribers


def test_a_run_that_does_not_come_to_its_end_is_missed() -> None:
    alarms = [each for each in template.resources("AWS::CloudWatch::Alarm").values() if each["Namespace"] == "tabserve"]
    assert {each["Dimensions"][0]["Value"] for each in alarms} == {"sweep", "alerts"}
    assert {each["TreatMissingData"] for each in alarms} == {"breaching"}
    for each in alarms:
        app = ROOT / f"functions/{each['Dimensions'][0]['Value']}/app.py"
        assert f"count({each['MetricName']}=1" in app.read_text()


def test_the_api_is_explicit_and_only_health_and_its_description_need_no_key() -> None:
    kinds = {resource["Type"] for resource in template.load()["Resources"].values()}
    assert not kinds & {"AWS::Serverless::Api", "AWS::Serverless::HttpApi"}
    methods = template.resources("AWS::ApiGateway::Method")
    open_to_all = {name for name, method in methods.items() if not method["ApiKeyRequired"]}
    assert open_to_all == {"HealthMethod", "DocsMethod", "OpenApiMethod"}


def test_the_deployment_of_the_api_has_another_name_whenever_the_api_changes() -> None:
    kinds = {f"AWS::ApiGateway::{kind}" for kind in ("RestApi", "Resource", "Method")}
    api = {name: each for name, each in template.load()["Resources"].items() if each["Type"] in kinds}
    digest = hashlib.sha256(json.dumps(api, sort_keys=True).encode()).hexdigest()
    assert list(template.resources("AWS::ApiGateway::Deployment")) == [f"ApiDeployment{digest[:8]}"]


@pytest.mark.parametrize(("by", "kind"), [("scheduler", "AWS::Scheduler::Schedule"), ("rules", "AWS::Events::Rule")])
def test_every_schedule_starts_its_function_once_whatever_keeps_the_time(by: str, kind: str) -> None:
    there = template.resolved(ScheduledBy=by)["Resources"].values()
    kinds = {"AWS::Scheduler::Schedule", "AWS::Events::Rule"}
    found = [each["Properties"] for each in there if each["Type"] in kinds]
    assert found == [each["Properties"] for each in there if each["Type"] == kind]
    targets = [each.get("Target") or each["Targets"][0] for each in found]
    started = {
        each["ScheduleExpression"]["Ref"]: target["Arn"]["Fn::GetAtt"][0]
        for each, target in zip(found, targets, strict=True)
    }
    assert started == {
        "ScheduleExpression": "ScheduledPredictFunction",
        "MonitorScheduleExpression": "MonitorFunction",
        "SweepScheduleExpression": "SweepFunction",
        "AlertScheduleExpression": "AlertsFunction",
    }


def test_every_rule_may_start_its_function_and_only_that() -> None:
    there = template.resolved(ScheduledBy="rules")["Resources"]
    permissions = [
        each["Properties"] for each in there.values() if each["Properties"].get("Principal") == "events.amazonaws.com"
    ]
    allowed = {each["SourceArn"]["Fn::GetAtt"][0]: each["FunctionName"]["Ref"] for each in permissions}
    rules = {name: each["Properties"] for name, each in there.items() if each["Type"] == "AWS::Events::Rule"}
    assert allowed == {name: rule["Targets"][0]["Arn"]["Fn::GetAtt"][0] for name, rule in rules.items()}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_told_the_settings_that_it_declares_and_no_others(function: str) -> None:
    everywhere = template.load()["Globals"]["Function"]["Environment"]["Variables"].keys() - NOT_SETTINGS
    told = FUNCTIONS[function]["Environment"]["Variables"].keys() - NOT_SETTINGS
    build = import_module(f"tabserve.{BUILDS[function]}")
    assert sorted(told) == sorted(name.upper() for name in (*build.NEEDS, *getattr(build, "OPTIONAL", ())))
    assert {name.lower() for name in everywhere} <= set(EVERYWHERE)


def test_only_build_and_validate_name_the_template() -> None:
    environments = tomllib.loads((ROOT / "samconfig.toml").read_text())
    assert environments.keys() == {"version", "default", "local"}
    for environment in ("default", "local"):
        commands = environments[environment]
        assert commands["build"]["parameters"]["template_file"] == "infra/template.yaml"
        assert "template_file" not in commands["deploy"]["parameters"]
        assert "global" not in commands
