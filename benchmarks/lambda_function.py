"""A Lambda function's process, and the predict function's as it is built."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.built import constants, function_folders
from benchmarks.fixtures import binary_use_case
from benchmarks.lambda_process import MARK
from local_cloud.config import ROOT

API_KEY = "a-key-of-more-than-twenty-characters"


@dataclass(frozen=True)
class Stack:
    """How to start a function: what is on its path, its handler and its environment."""

    paths: list[str]
    handler: str
    environment: Mapping[str, str]


def predict_function(url: str) -> Stack:
    """Return the predict function with its bundled champion."""
    environment = {
        **constants(),
        "DATABASE_URL": url,
        "API_KEY": API_KEY,
        "DEFAULT_USE_CASE": binary_use_case().name,
        "POWERTOOLS_SERVICE_NAME": "predict",
    }
    return Stack(
        [str(path) for path in function_folders("PredictFunction")], "functions.predict.app.handler", environment
    )


def gateway_event(body: object) -> dict[str, Any]:
    """Return a call of `POST /predict` through the gateway."""
    event: dict[str, Any] = json.loads((ROOT / "tests/events/predict.json").read_text())
    event["headers"]["x-api-key"] = API_KEY
    event["body"] = json.dumps(body, separators=(",", ":"))
    return event


class FunctionProcess:
    """A stack's process that has answered its first event."""

    def __init__(self, stack: Stack, event: Mapping[str, Any]) -> None:
        started = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("lambda_process.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PATH": os.defpath, **stack.environment},
            cwd="/",
            text=True,
        )
        self._write([stack.paths, stack.handler, event])
        answer = json.loads(self._read())
        self.milliseconds = (time.perf_counter() - started) * 1e3
        if answer["statusCode"] != 200:
            raise RuntimeError(f"{stack.handler} answered {answer['statusCode']}: {answer['body']}")

    def calls(self, count: int) -> float:
        """Return the median of so many calls, in milliseconds."""
        self._write(count)
        return float(self._read()) * 1e3

    def stop(self) -> None:
        """End it."""
        self._process.communicate()

    def _write(self, message: object) -> None:
        assert self._process.stdin is not None  # noqa: S101
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def _read(self) -> str:
        assert self._process.stdout is not None  # noqa: S101
        for line in self._process.stdout:
            if line.startswith(MARK):
                return line.removeprefix(MARK)
        raise RuntimeError(f"the process ended with {self._process.wait()}")
