"""Load a version as it serves: the registered bytes, trained on this definition, answering its own examples."""

from collections.abc import Callable
from typing import Final

import numpy as np
from pydantic import TypeAdapter, ValidationError

from tabserve.core.derivation import with_derived
from tabserve.core.errors import IncompatibleModelError
from tabserve.core.use_case import UseCase
from tabserve.registry.onnx_model import OnnxModel
from tabserve.registry.version import EXAMPLES, MODEL, Example, ModelMetadata, checked

TOLERANCE: Final = 1e-6


def load_model(use_case: UseCase, metadata: ModelMetadata, read: Callable[[str], bytes]) -> OnnxModel:
    """Load a version's model from its files; raise IncompatibleModelError when it cannot serve this definition."""
    version = metadata.version
    if metadata.model_sha256 != use_case.model_sha256:
        raise IncompatibleModelError(
            f"Model {version} of {use_case.name!r} was trained on another definition of its features or target; "
            f"train a new one with scripts/train.py --use-case {use_case.name}."
        )
    body = checked(metadata, MODEL, read)
    model = OnnxModel(body, version, metadata.model_sha256, threshold=metadata.threshold, interval=metadata.interval)
    if set(model.columns) != set(use_case.input_names):
        columns = ", ".join(sorted(model.columns))
        raise IncompatibleModelError(f"Model {version} of {use_case.name!r} takes other columns: {columns}.")
    _require_own_answers(use_case, model, checked(metadata, EXAMPLES, read))
    return model


def _require_own_answers(use_case: UseCase, model: OnnxModel, body: bytes) -> None:
    try:
        examples = TypeAdapter(list[Example]).validate_json(body)
        columns = {name: [example.features[name] for example in examples] for name in use_case.feature_names}
    except (ValidationError, KeyError) as error:
        raise IncompatibleModelError(f"The examples of model {model.version} are malformed: {error}") from error
    expected = np.array([example.answers for example in examples])
    answers = model.score(with_derived(use_case, columns), len(examples))
    relative = TOLERANCE if use_case.is_regression else 0.0
    if answers.shape != expected.shape or not np.allclose(answers, expected, rtol=relative, atol=TOLERANCE):
        raise IncompatibleModelError(f"Model {model.version} of {use_case.name!r} does not answer its own examples.")
