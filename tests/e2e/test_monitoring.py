"""Drift, broken files and a one-class model on the running stack, told to a real HTTP receiver: `make proof`."""

import csv
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

import stack_env
from local_cloud.config import ROOT, free_ports
from local_cloud.stack import local_stack
from tests.servers import Receiver, receiver

pytestmark = [pytest.mark.proof, pytest.mark.timeout(1_800)]

HEADER = "PassengerId,Pclass,Sex,Age,Fare,Embarked"


@dataclass
class World:
    env: dict[str, str]
    env_file: Path
    webhook: Receiver

    def send(self, seconds: float, *options: str) -> None:
        command = [sys.executable, "scripts/traffic.py", "--use-case", "titanic", "--env", str(self.env_file)]
        command += ["--rate", "50", "--seconds", str(seconds), "--truth-after", "5", "--seed", "3", *options]
        subprocess.run(command, cwd=ROOT, check=True, timeout=seconds + 120)

    def upload(self, name: str, rows: list[str]) -> None:
        s3 = stack_env.client(self.env, "s3")
        body = "\n".join([HEADER, *rows]) + "\n"
        s3.put_object(Bucket=self.env["RAW_BUCKET"], Key=f"titanic/{name}.csv", Body=body.encode())

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        engine = create_engine(self.env["READER_DATABASE_URL"].replace("postgresql://", "postgresql+psycopg2://"))
        with engine.connect() as connection:
            found = [tuple(row) for row in connection.execute(text(sql))]
        engine.dispose()
        return found

    def told(self, words: str) -> int:
        return sum(words in json.dumps(card) for card in self.webhook.bodies)

    def transitions(self, rule: str) -> list[str]:
        return [row[0] for row in self.rows(f"SELECT state FROM alerts WHERE rule = '{rule}' ORDER BY created_at")]


@pytest.fixture(scope="module")
def webhook() -> Iterator[Receiver]:
    with receiver() as webhook:
        yield webhook


@pytest.fixture(scope="module")
def world(webhook: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("monitoring")
    overrides = {
        "AlertWebhookUrl": f"{webhook.url}/alerts",
        "MonitorScheduleExpression": "rate(1 minute)",
        "DashboardsUrl": "http://localhost:3000",
    }
    with local_stack(folder, free_ports(), overrides=overrides) as env:
        env_file = folder / "trial.env"
        stack_env.write(env_file, env)
        yield World(env, env_file, webhook)


def reference_rows() -> list[str]:
    """The rows the model was tested on, as a raw file: nothing drifts in them."""
    with (ROOT / "datasets/titanic/holdout.csv").open(newline="") as file:
        return [",".join(row[name] for name in HEADER.split(",")) for row in csv.DictReader(file)]


def eventually(check: Callable[[], object], seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "not within the time"
        time.sleep(3)


def test_drift_turns_orange_then_red_and_is_told_once_and_resolved_once(world: World) -> None:
    world.upload("broken", [f"{number},9,nobody,-5,-1,X" for number in range(1, 101)])
    world.send(40)
    world.send(150, "--drift", "Age=14", "--ramp", "150")
    eventually(lambda: world.told("drifted") and world.told("rows are invalid"))

    world.upload("sound", reference_rows())
    world.send(90)
    eventually(lambda: world.told("look like the reference again") and world.told("valid again"))

    ages = world.rows("SELECT state FROM drift_metrics WHERE feature = 'Age' ORDER BY window_end")
    states = [state for (state,) in ages]
    print(states)
    assert "warning" in states
    assert states.index("warning") < min(states.index(red) for red in ("alarm", "severe") if red in states)
    assert world.transitions("drift") == ["firing", "resolved"]
    assert world.transitions("invalid_rows") == ["firing", "resolved"]
    assert world.told("drifted") == 1
    assert world.told("look like the reference again") == 1
    card = next(card for card in world.webhook.bodies if "drifted" in json.dumps(card))
    assert "predictions from" in json.dumps(card)


def test_performance_is_measured_and_estimated(world: World) -> None:
    kinds = dict(world.rows("SELECT kind, avg(value) FROM performance_metrics WHERE metric = 'accuracy' GROUP BY 1"))
    assert kinds["measured"] > 0.6
    assert kinds["estimated"] > 0.6


def test_a_model_that_answers_one_class_only_is_noticed(world: World) -> None:
    world.send(30, "--one-class")
    eventually(lambda: world.told("answers"))
    assert world.transitions("one_class") == ["firing"]
