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


def size(function: str) -> Measurement:
    """Add up a function with its layers."""
    files = (path for folder in function_folders(function) for path in folder.rglob("*") if path.is_file())
    megabytes = sum(path.stat().st_size for path in files) / MEGABYTE
    return Measurement(
        f"{function} and layers, unpacked", megabytes, "MB", PREDICT_LIMIT if function == PREDICT else LIMIT
    )


def function_folders(function: str) -> list[Path]:
    """Return the built folders of a function, its code first, then its layers."""
    layers = [artifacts() / layer["Ref"] / "python" for layer in functions()[function]["Layers"]]
    return [artifacts() / function, *layers]


@cache
def artifacts() -> Path:
    """Build what has changed, with the champions in the layer; return the folder."""
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        place = Place(Path(folder), free_ports())
        models.train_missing()
        return deployment.build(place)


@cache
def _template() -> dict[str, Any]:
    template, problems = decode(str(ROOT / "infra/template.yaml"))
    if problems or template is None:
        raise RuntimeError(f"infra/template.yaml does not parse: {problems}")
    return dict(template)


def constants() -> dict[str, str]:
    """Return the variables of all functions that are the same everywhere."""
    variables = _template()["Globals"]["Function"]["Environment"]["Variables"].items()
    return {name: value for name, value in variables if isinstance(value, str)}


def functions() -> dict[str, Any]:
    """Return the properties of the functions that the template declares."""
    resources = _template()["Resources"].items()
    return {name: item["Properties"] for name, item in resources if item["Type"] == "AWS::Serverless::Function"}
