"""The built functions and layers: where they are and how much room they take once unpacked."""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from cfnlint.decode import decode

from benchmarks.measurement import Measurement
from local_cloud import deployment, models
from local_cloud.config import ROOT, Place, free_ports

MEGABYTE = 1_000_000
LIMIT, PREDICT_LIMIT = 240, 200
PREDICT = "PredictFunction"


def sizes() -> list[Measurement]:
    """Add up each function with its layers."""
    found = []
    for function in _functions():
        size = sum(_size(folder) for folder in function_folders(function)) / MEGABYTE
        limit = PREDICT_LIMIT if function == PREDICT else LIMIT
        found.append(Measurement(f"{function} and layers, unpacked", size, "MB", limit))
    return found


def function_folders(function: str) -> list[Path]:
    """Return the built folders of a function, its code first, then its layers."""
    layers = [artifacts() / layer["Ref"] / "python" for layer in _functions()[function]["Layers"]]
    return [artifacts() / function, *layers]


@cache
def artifacts() -> Path:
    """Build what has changed, with the champions in the layer; return the folder."""
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        place = Place(Path(folder), free_ports())
        models.train_missing()
        return deployment.build(place)


@cache
def _functions() -> dict[str, Any]:
    template, problems = decode(str(ROOT / "infra/template.yaml"))
    if problems or template is None:
        raise RuntimeError(f"infra/template.yaml does not parse: {problems}")
    resources = template["Resources"].items()
    return {name: item["Properties"] for name, item in resources if item["Type"] == "AWS::Serverless::Function"}


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
