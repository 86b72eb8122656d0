"""The events have the shape of those that `sam local generate-event` gives; `sam local` finds what it needs."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import sam_local
from local_cloud.config import ROOT
from tabserve.core.events import good_files, raw_files
from tests.infra import template

EVENTS = ROOT / "tests/events"
GATEWAY, QUEUE, TIME = ("apigateway", "aws-proxy"), ("sqs", "receive-message"), ("cloudwatch", "scheduled-event")
OBJECT = ("s3", "put")
SOURCES = {
    "predict.json": GATEWAY,
    "predict_queue.json": QUEUE,
    "ingest.json": QUEUE,
    "ingest_test_event.json": QUEUE,
    "features.json": QUEUE,
    "schedule.json": TIME,
}
# Mappings whose keys are the caller's.
FREE = {"headers", "queryStringParameters", "multiValueQueryStringParameters", "stageVariables", "messageAttributes"}

# What `sam local` itself reads in the template: each function's variables, and the routes.
READ_BY_SAM = """
import json
from samcli.lib.providers.api_provider import ApiProvider
from samcli.lib.providers.sam_function_provider import SamFunctionProvider
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider
stacks, _ = SamLocalStackProvider.get_stacks("infra/template.yaml")
variables = {each.name: sorted(each.environment["Variables"]) for each in SamFunctionProvider(stacks).get_all()}
print(json.dumps([variables, {each.path: each.function_name for each in ApiProvider(stacks).api.routes}]))
"""


@cache
def generated(source: tuple[str, str]) -> dict[str, Any]:
    """Return the event that SAM makes up for a source."""
    environment = {"PATH": os.defpath, "HOME": os.environ.get("HOME", "/"), "SAM_CLI_TELEMETRY": "0"}
    line = [str(Path(sys.executable).with_name("sam")), "local", "generate-event", *source]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=True, cwd=ROOT)
    event: dict[str, Any] = json.loads(done.stdout)
    return event


def unlike(ours: object, theirs: object, path: str = "event") -> Iterator[str]:
    """Yield where an event has a key or a type that SAM's has not."""
    if type(ours) is not type(theirs):
        yield f"{path} is {type(ours).__name__}, theirs {type(theirs).__name__}"
    elif isinstance(ours, list) and isinstance(theirs, list):
        for item in ours:
            yield from unlike(item, theirs[0], f"{path}[]")
    elif isinstance(ours, dict) and isinstance(theirs, dict):
        yield from unlike_mapping(ours, theirs, path)


def unlike_mapping(ours: Mapping[str, object], theirs: Mapping[str, object], path: str) -> Iterator[str]:
    if path.rpartition(".")[2] in FREE:
        kinds = {type(value) for value in theirs.values()}
        yield from (f"{path}.{name} is of another type" for name, value in ours.items() if type(value) not in kinds)
        return
    for name, value in ours.items():
        if name in theirs:
            yield from unlike(value, theirs[name], f"{path}.{name}")
        else:
            yield f"{path}.{name} is not in theirs"


def sample(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / name).read_text())
    return event


@pytest.mark.parametrize("name", SOURCES)
def test_an_event_has_the_shape_of_the_one_that_sam_generates(name: str) -> None:
    assert list(unlike(sample(name), generated(SOURCES[name]))) == []


@pytest.mark.parametrize("name", ["ingest.json", "features.json"])
def test_a_message_about_an_object_has_the_shape_of_s3s(name: str) -> None:
    (message,) = sample(name)["Records"]
    assert list(unlike(json.loads(message["body"]), generated(OBJECT))) == []


def test_what_our_code_reads_in_an_event_is_in_the_one_that_sam_generates() -> None:
    body = json.dumps(generated(OBJECT))
    (raw,), (good,) = raw_files(body), good_files(body)
    assert (raw.bucket, raw.key, raw.size) == ("example-bucket", "test/key", 1024)
    assert None not in (raw.etag, raw.sequencer, raw.written_at)
    assert (good.bucket, good.key, good.etag) == (raw.bucket, raw.key, raw.etag)
    (message,) = generated(QUEUE)["Records"]
    assert message.keys() >= {"messageId", "body", "attributes"}
    assert message["attributes"].keys() >= {"ApproximateReceiveCount"}
    read = {"resource", "path", "httpMethod", "headers", "body", "isBase64Encoded", "requestContext"}
    assert generated(GATEWAY).keys() >= read
    assert "Records" not in generated(GATEWAY)


def test_every_function_has_events_and_every_event_is_compared() -> None:
    functions = template.resources("AWS::Serverless::Function")
    assert sam_local.EVENTS.keys() == functions.keys()
    named = {event for events in sam_local.EVENTS.values() for event in events}
    there = {path.name for path in EVENTS.iterdir()}
    assert named <= there
    assert SOURCES.keys() == there
    for name, events in sam_local.EVENTS.items():
        sources = {SOURCES[event] for event in events}
        assert (QUEUE in sources) == bool(functions[name].get("Events")), name


def test_sam_local_passes_on_every_variable_and_finds_the_routes() -> None:
    line = [sys.executable, "-c", READ_BY_SAM]
    done = subprocess.run(line, cwd=ROOT, env={"PATH": os.defpath}, capture_output=True, text=True, check=True)
    variables, routes = json.loads(done.stdout)
    assert variables == {name: sorted(template.variables(name)) for name in sam_local.EVENTS}
    assert set(routes) == {"/", "/{proxy+}", "/health", "/docs", "/openapi.json"}
    assert set(routes.values()) == {"PredictFunction"}
