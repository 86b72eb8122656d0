"""Open a model's file, in the child process alone: loading a pickle runs whatever it says."""

import io
import pickle
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final

import joblib
from numpy.typing import NDArray
from sklearn.exceptions import InconsistentVersionWarning

from tabserve.core.errors import ImportRefusedError
from tabserve.core.records import Value
from tabserve.core.use_case import UseCase
from tabserve.training.imported_model import OpenedModel
from tabserve.training.imported_onnx import OpenedOnnx
from tabserve.training.imported_pipeline import OpenedPipeline

TRUSTED: Final = ("sklearn.", "numpy.", "scipy.", "lightgbm.", "xgboost.", "builtins.", "collections.")
Columns = Mapping[str, Sequence[Value]]


def opened(name: str, body: bytes, use_case: UseCase, columns: Columns, targets: NDArray[Any]) -> OpenedModel:
    """Open a file by its ending and fit it to a definition; held-out rows settle how it reads its columns.

    Raise ImportRefusedError with the reason.
    """
    if PurePath(name).suffix == ".onnx":
        return OpenedOnnx(name, body, use_case)
    return OpenedPipeline(_loaded(name, body), use_case, columns, targets)


def _loaded(name: str, body: bytes) -> Any:  # noqa: ANN401
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model = _of_skops(name, body) if PurePath(name).suffix == ".skops" else joblib.load(io.BytesIO(body))
        except (AttributeError, ModuleNotFoundError) as error:
            raise ImportRefusedError(
                f"{name} holds something that is not known here, {_missing(error)}: a custom step, or a package that "
                "is not installed, has no exact export; build the model of scikit-learn's own steps."
            ) from error
        except (
            EOFError,
            KeyError,
            IndexError,
            ValueError,
            TypeError,
            pickle.UnpicklingError,
            zipfile.BadZipFile,
        ) as error:
            raise ImportRefusedError(
                f"{name} is no whole file of joblib, pickle or skops ({type(error).__name__}): was it cut short or "
                "changed? Save it again."
            ) from error
    for warning in caught:
        if isinstance(warning.message, InconsistentVersionWarning):
            said = warning.message
            raise ImportRefusedError(
                f"{name} was saved by scikit-learn {said.original_sklearn_version}, and {said.current_sklearn_version} "
                "is installed; save it again with this version, or as ONNX."
            )
    return model


def _missing(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"the module {error.name!r}"
    return str(error).splitlines()[0]


def _of_skops(name: str, body: bytes) -> Any:  # noqa: ANN401
    from skops import io as skops

    unknown = skops.get_untrusted_types(data=body)
    if strangers := [each for each in unknown if not each.startswith(TRUSTED)]:
        raise ImportRefusedError(
            f"{name} holds types of no known library, so it is not opened: {', '.join(strangers)}."
        )
    return skops.loads(body, trusted=unknown)
