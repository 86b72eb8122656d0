"""Imputers and encoders of categories as ONNX: tables of what they answer; "" is a missing text."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from skl2onnx import update_registered_converter
from skl2onnx.common.data_types import DoubleTensorType, StringTensorType
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

from tabserve.core.errors import ExportError
from tabserve.training.onnx_steps import Steps

UNKNOWN_TEXT = "\x00 no category"
UNKNOWN_NUMBER = -1.2345e300
Array = NDArray[Any]


def register_encoders() -> None:
    """Have skl2onnx convert imputers and encoders of categories by these converters."""
    for encoder, convert in (
        (SimpleImputer, _convert_imputer),
        (OrdinalEncoder, _convert_encoder),
        (TargetEncoder, _convert_encoder),
        (OneHotEncoder, _convert_one_hot),
    ):
        update_registered_converter(encoder, f"Exact{encoder.__name__}", _declare_output, convert)


def _declare_output(operator: Any) -> None:  # noqa: ANN401  skl2onnx has no types
    """Declare one output: texts of an imputer of texts, else numbers."""
    step = operator.raw_operator
    texts = isinstance(step, SimpleImputer) and _takes_texts(operator)
    operator.outputs[0].type = (StringTensorType if texts else DoubleTensorType)(
        [None, len(step.get_feature_names_out())]
    )


def _takes_texts(operator: Any) -> bool:  # noqa: ANN401
    return isinstance(operator.inputs[0].type, StringTensorType)


def _whole(steps: Steps, operator: Any) -> str:  # noqa: ANN401
    """Return all columns as one matrix."""
    names = [each.full_name for each in operator.inputs]
    return names[0] if len(names) == 1 else steps.add("Concat", *names, axis=1)


def _columns(steps: Steps, operator: Any) -> Iterator[str]:  # noqa: ANN401
    """Yield the columns, each of shape (rows, 1)."""
    count, whole = operator.raw_operator.n_features_in_, _whole(steps, operator)
    for place in range(count):
        yield whole if count == 1 else steps.add("Gather", whole, steps.constant(np.array([place])), axis=1)


def _convert_imputer(scope: Any, operator: Any, container: Any) -> None:  # noqa: ANN401
    steps, imputer = Steps(scope, container), operator.raw_operator
    if imputer.add_indicator:
        raise ExportError("SimpleImputer has no exact export with add_indicator; leave the indicator out.")
    values, fills, mark = _whole(steps, operator), imputer.statistics_, imputer.missing_values
    empty = pd.isna(fills)
    if empty.any() and not imputer.keep_empty_features:  # columns without any value are dropped
        values = steps.add("Gather", values, steps.constant(np.flatnonzero(~empty)), axis=1)
        fills = fills[~empty]
    if _takes_texts(operator):
        place = steps.place(values, np.array(["" if pd.isna(mark) else mark], dtype=object))
        missing = steps.add("Equal", place, steps.constant(np.int64(0)))
        filling = np.array([["" if pd.isna(fill) else str(fill) for fill in fills]], dtype=object)
    else:
        missing = steps.add("IsNaN", values) if pd.isna(mark) else steps.add("Equal", values, _number(steps, mark))
        filling = fills.astype(np.float64).reshape(1, -1)
    steps.add("Where", missing, steps.constant(filling), values, output=operator.outputs[0].full_name)


def _number(steps: Steps, value: float) -> str:
    return steps.constant(np.float64(value))


def _convert_encoder(scope: Any, operator: Any, container: Any) -> None:  # noqa: ANN401
    """Convert into one table a column, of what the encoder answers to each of its values."""
    steps, encoder, texts = Steps(scope, container), operator.raw_operator, _takes_texts(operator)
    pieces = []
    for place, column in enumerate(_columns(steps, operator)):
        keys, answers = _asked(encoder, place, texts=texts)
        width = answers.shape[1] // encoder.n_features_in_  # above one where an encoder of targets knows many classes
        table = answers[:, place * width : (place + 1) * width]
        pieces.append(steps.looked_up(column, keys, table))
    steps.add("Concat", *pieces, axis=1, output=operator.outputs[0].full_name)


def _convert_one_hot(scope: Any, operator: Any, container: Any) -> None:  # noqa: ANN401
    """Convert into the place of the one that is hot, if any, and its comparison with all places."""
    steps, encoder, texts = Steps(scope, container), operator.raw_operator, _takes_texts(operator)
    ends = np.cumsum([0, *encoder._n_features_outs])
    pieces = []
    for place, column in enumerate(_columns(steps, operator)):
        keys, answers = _asked(encoder, place, texts=texts)
        own = answers[:, ends[place] : ends[place + 1]] == 1
        hot = np.where(own.any(axis=1), own.argmax(axis=1), -1.0).reshape(-1, 1)
        every = steps.constant(np.arange(ends[place + 1] - ends[place], dtype=np.float64).reshape(1, -1))
        same = steps.add("Equal", steps.looked_up(column, keys, hot), every)
        pieces.append(steps.cast(same, np.float64))
    steps.add("Concat", *pieces, axis=1, output=operator.outputs[0].full_name)


def _asked(encoder: Any, place: int, *, texts: bool) -> tuple[Array, NDArray[np.float64]]:  # noqa: ANN401
    """Return the values that an encoder knows in a column, and its answers to them; the last one is to any other."""
    categories = encoder.categories_[place]
    missing = [each for each in categories if pd.isna(each)]
    known = [each for each in categories if not pd.isna(each) and isinstance(each, str) == texts]
    unknown = UNKNOWN_TEXT if texts else UNKNOWN_NUMBER
    refuses = encoder.handle_unknown == "error"
    asked = [*known, *missing, *([] if refuses else [unknown])]
    rows = np.empty((len(asked), encoder.n_features_in_), dtype=object if texts else np.float64)
    for other, values in enumerate(encoder.categories_):
        rows[:, other] = values[0] if isinstance(values[0], str) == texts else unknown
    rows[:, place] = asked
    names = getattr(encoder, "feature_names_in_", None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it says about unknown values is what is asked for
        answers = encoder.transform(rows if names is None else pd.DataFrame(rows, columns=names))
    keys = np.array([*known, *([""] if texts else [np.nan]) * len(missing)], dtype=object if texts else np.float64)
    dense = np.asarray(answers.todense() if hasattr(answers, "todense") else answers)
    if refuses:  # the pipeline answers no such row at all
        dense = np.vstack([dense, np.full((1, dense.shape[1]), np.nan)])
    return keys, dense.astype(np.float64)
