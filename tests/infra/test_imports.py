"""What a function imports must be in its layers, and what the cold start need not pay for must stay out."""

import subprocess
import sys

import pytest

from local_cloud.config import ROOT

PORTS = [path.stem for path in (ROOT / "layers/model/src/tabserve/application/ports").glob("[a-z]*.py")]
SENDING = ("tabserve.application.alerts", "tabserve.adapters.alert_channels")  # one function only does
HEAVY = ("numpy", "polars", "pandera", "sklearn", "pandas", "scipy", "onnxruntime")


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        *((f"tabserve.application.ports.{area}", (*HEAVY, "sqlalchemy", "boto3")) for area in PORTS),
        ("tabserve.application.scheduled_predict", (*HEAVY, "sqlalchemy", "boto3")),
        ("tabserve.adapters.predictions", (*HEAVY, "sqlalchemy", "boto3", "sqlite3")),
        ("tabserve.adapters.metrics", (*HEAVY, "sqlalchemy", "boto3")),
        ("tabserve.adapters.ingestions", (*HEAVY, "boto3")),
        ("tabserve.bootstrap.alerts", HEAVY),
        *((f"tabserve.bootstrap.{function}", SENDING) for function in ("ingest", "monitor", "sweep", "predict")),
        ("tabserve.bootstrap.scheduled_predict", HEAVY),
    ],
)
def test_importing_does_not_import(module: str, forbidden: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print(*sorted(set({forbidden!r}) & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout.split() == []
