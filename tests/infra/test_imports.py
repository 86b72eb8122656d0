"""What a function imports must be in its layers, and what the cold start need not pay for must stay out."""

import subprocess
import sys

import pytest

from local_cloud.config import ROOT

PORTS = [
    path.parent.name
    for path in (ROOT / "layers/model/src/tabserve").glob("*/ports.py")
    if path.parent.name != "training"
]
SENDING = ("tabserve.alerts.service", "tabserve.alerts.channels")  # one function only does
HEAVY = ("numpy", "polars", "pandera", "sklearn", "pandas", "scipy", "onnxruntime")


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        *((f"tabserve.{area}.ports", (*HEAVY, "sqlalchemy", "boto3")) for area in PORTS),
        ("tabserve.batch.service", (*HEAVY, "sqlalchemy", "boto3")),
        ("tabserve.serving.store", (*HEAVY, "sqlalchemy", "boto3", "sqlite3")),
        ("tabserve.serving.metric_store", (*HEAVY, "sqlalchemy", "boto3")),
        ("tabserve.ingestion.store", (*HEAVY, "boto3")),
        ("tabserve.alerts.build", HEAVY),
        *((f"tabserve.{area}.build", SENDING) for area in ("ingestion", "monitoring", "serving")),
        ("tabserve.ingestion.build_sweep", SENDING),
        ("tabserve.batch.build", HEAVY),
        ("tabserve.registry.store", ("sklearn", "pandas", "joblib", "skl2onnx", "onnx", "scipy")),
    ],
)
def test_importing_does_not_import(module: str, forbidden: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print(*sorted(set({forbidden!r}) & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout.split() == []
