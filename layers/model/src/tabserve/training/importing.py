"""Import a model that was made elsewhere: its file is opened in a child process alone, then it goes training's way."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tabserve.core.errors import ImportRefusedError
from tabserve.core.use_case import UseCase
from tabserve.training.cells import Plain
from tabserve.training.dataset import Dataset, LabelledRows
from tabserve.training.decision import is_chosen
from tabserve.training.sandbox import Sandbox
from tabserve.training.service import Origin, Rows, TrainDependencies, Trained, register_model, split
from tabserve.training.tasks import task
from tabserve.training.validation import labelled_rows
from tabserve.training.version_files import definition
from tabserve.training.vocabulary import Vocabulary, learned

MOST_MIB: Final = 200
SECONDS: Final = 300.0
CHILD: Final = "tabserve.training.import_child"
OPENING_ROWS: Final = 5_000
Progress = Callable[[str], None]


class ImportedModel:
    """A model that a child process holds; nothing of it is kept but its export."""

    only_valid: Final = True

    def __init__(self, sandbox: Sandbox, use_case: UseCase, estimator: str, vocabulary: Vocabulary) -> None:
        self._sandbox, self._use_case = sandbox, use_case
        self.estimator = estimator
        self.vocabulary = vocabulary

    def score(self, columns: Mapping[str, Any], rows: int) -> NDArray[np.float64]:
        """Return the original's probabilities, shape (rows, classes), or values, shape (rows, 1)."""
        listed = {name: _listed(columns[name]) for name in self._use_case.input_names}
        said, body = self._sandbox.ask("score", columns=listed, rows=rows)
        return np.frombuffer(body, dtype=np.float64).reshape(said["shape"])

    def export(self) -> bytes:
        """Return it as ONNX; raise ImportRefusedError with the step that has no exact form."""
        return self._sandbox.ask("export")[1]

    def save(self) -> dict[str, bytes]:
        """Return nothing: a file that may run code when it is opened is not kept."""
        return {}


def import_model(
    use_case: UseCase,
    name: str,
    body: bytes,
    data: Rows,
    deps: TrainDependencies,
    *,
    promote: bool = False,
    progress: Progress = lambda _: None,
) -> Trained:
    """Register a model as challenger, and as champion when told to or when there is no usable one.

    `name` ends in the format: .joblib, .pkl, .pickle, .skops or .onnx. Raise ImportRefusedError, ParityError,
    AcceptanceError, StorageUnavailableError; then nothing is registered.
    """
    with opened_model(use_case, name, body, data.held_out, progress) as model:
        fit = _always(model)
        work = task(use_case, data.training, fit, progress)
        origin = Origin(model.estimator, source="imported")
        return register_model(use_case, data, model, work, deps, origin, promote=promote, progress=progress)


@contextmanager
def opened_model(
    use_case: UseCase, name: str, body: bytes, held_out: LabelledRows, progress: Progress = lambda _: None
) -> Iterator[ImportedModel]:
    """Open a model's file in a child process, which ends with the context; raise ImportRefusedError."""
    if len(body) > MOST_MIB * 2**20:
        raise ImportRefusedError(
            f"{name} has {len(body) / 2**20:.0f} MiB, and a function can hold models of {MOST_MIB} MiB at most; take "
            "fewer or smaller trees."
        )
    with Sandbox(CHILD, SECONDS) as sandbox:
        if not sandbox.closed:
            progress("this system does not close the network to the model's process: import only what you trust")
        some = held_out.take(range(min(OPENING_ROWS, len(held_out))))
        plain = Plain(use_case, some.columns)
        said, _ = sandbox.ask(
            "open",
            body,
            name=name,
            definition=json.loads(definition(use_case)),
            columns={each: plain[each] for each in use_case.input_names},
            targets=some.targets.tolist(),
        )
        for note in said["notes"]:
            progress(note)
        yield ImportedModel(sandbox, use_case, said["estimator"], learned(use_case, held_out.columns))


def held_out_rows(use_case: UseCase, data: Dataset, progress: Progress = lambda _: None) -> Rows:
    """Validate labelled rows that the model has not learned from; raise TrainingDataError.

    They all measure it, but for those that settle a threshold or an interval.
    """
    if use_case.is_regression or is_chosen(use_case):
        return split(use_case, data, None, progress=progress)
    progress(f"reading {data.name}")
    rows = labelled_rows(use_case, data, progress)
    return Rows(rows, rows, rows.sha256)


def _always(model: ImportedModel) -> Callable[[UseCase, LabelledRows], ImportedModel]:
    """Return the function that fits nothing: the model has learned from none of these rows."""
    return lambda _use_case, _rows: model


def _listed(values: Any) -> list[Any]:  # noqa: ANN401
    listed: list[Any] = values.tolist() if isinstance(values, np.ndarray) else list(values)
    return [None if value != value else value for value in listed]
