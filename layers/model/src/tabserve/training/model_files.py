"""Where a model comes from: a file, or the artifacts of an MLflow server, which are fetched and not opened."""

from pathlib import Path
from typing import Any, Final

import yaml

from tabserve.core.errors import ImportRefusedError, MissingPackageError, UnavailableError
from tabserve.training.importing import MOST_MIB

MLFLOW: Final = ("models:/", "runs:/", "mlflow-artifacts:/")
ENDINGS: Final = (".joblib", ".pkl", ".pickle", ".skops", ".onnx")
FLAVOURS: Final = ("sklearn", "lightgbm", "xgboost", "onnx")
CARD: Final = "MLmodel"


def read_model(source: str, folder: Path) -> tuple[str, bytes]:
    """Return a model's file name and content; `folder` takes what has to be fetched.

    Raise ImportRefusedError, UnavailableError when an MLflow server is away, MissingPackageError.
    """
    path = _fetched(source, folder) if source.startswith(MLFLOW) else Path(source)
    if not path.exists():
        raise ImportRefusedError(f"There is no file {source}.")
    if path.is_dir():
        path = _of_mlflow(path)
    if path.suffix not in ENDINGS:
        raise ImportRefusedError(f"{path.name} ends in none of {', '.join(ENDINGS)}, so its format is not known.")
    mib = path.stat().st_size / 2**20
    if mib > MOST_MIB:
        raise ImportRefusedError(
            f"{path.name} has {mib:.0f} MiB, and models of more than {MOST_MIB} MiB are not taken: a function could "
            "not hold them; take fewer or smaller trees."
        )
    return path.name, path.read_bytes()


def _fetched(uri: str, folder: Path) -> Path:
    try:
        from mlflow.artifacts import download_artifacts
        from mlflow.exceptions import MlflowException
    except ImportError as error:
        raise MissingPackageError(
            f"{uri} is kept by MLflow, and its package is not installed: uv pip install mlflow."
        ) from error
    try:
        return Path(download_artifacts(artifact_uri=uri, dst_path=str(folder)))
    except (MlflowException, OSError) as error:
        raise UnavailableError(f"MLflow does not give {uri}: {str(error).splitlines()[0][:300]}") from error


def _of_mlflow(folder: Path) -> Path:
    """Return the file of a model that MLflow wrote, of the first flavour that is known here."""
    card = folder / CARD
    if not card.exists():
        raise ImportRefusedError(f"{folder} is a folder without {CARD}; give a model's file, or a folder of MLflow's.")
    try:
        flavours: dict[str, Any] = yaml.safe_load(card.read_text())["flavors"]
    except (yaml.YAMLError, KeyError, TypeError, UnicodeError) as error:
        raise ImportRefusedError(f"{card} is damaged; log the model again.") from error
    for flavour in FLAVOURS:
        if flavour in flavours:
            name = flavours[flavour].get("pickled_model") or flavours[flavour].get("data", "")
            path = (folder / str(name)).resolve()
            if path.is_dir():
                path = next((each for each in sorted(path.iterdir()) if each.suffix in ENDINGS), path)
            if not path.is_relative_to(folder.resolve()):
                raise ImportRefusedError(f"{card} names a file outside of its folder, {name}.")
            return path
    raise ImportRefusedError(f"{folder} holds flavours {', '.join(sorted(flavours))}; known are {', '.join(FLAVOURS)}.")
