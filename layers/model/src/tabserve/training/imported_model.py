"""What the child process of an import needs of a model that it opened, and the classes as a definition has them."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tabserve.core.errors import ImportRefusedError
from tabserve.core.records import Value
from tabserve.core.use_case import UseCase


class OpenedModel(Protocol):
    """A model that fits a definition. `notes` say what people should know about how it was read."""

    @property
    def estimator(self) -> str:
        """Its name for people."""

    @property
    def notes(self) -> Sequence[str]: ...

    def score(self, columns: Mapping[str, Sequence[Value]], rows: int) -> NDArray[np.float64]:
        """Return the original's probabilities, of shape (rows, classes), in the definition's order, or values."""

    def export(self) -> bytes:
        """Return it as the functions load it; raise ExportError."""


def class_order(use_case: UseCase, classes: Sequence[Any]) -> tuple[list[int], list[str]]:
    """Return the places of the definition's classes among a model's, and a note where it numbers them.

    Raise ImportRefusedError when they are others.
    """
    wanted, texts = list(use_case.target.texts), [text_of(each) for each in classes]
    if set(texts) == set(wanted):
        return [texts.index(text) for text in wanted], []
    if texts == [str(place) for place in range(len(wanted))]:
        if sorted(wanted) != wanted:
            raise ImportRefusedError(
                f"The model answers classes {', '.join(texts)}, the definition has {', '.join(wanted)}: was a label "
                f"encoder left outside the pipeline? It numbers them by the alphabet ({', '.join(sorted(wanted))}); "
                "train the pipeline on the classes themselves, or list them in the definition in that order."
            )
        note = f"the model numbers its classes; taken as the definition's in their order: {', '.join(wanted)}"
        return list(range(len(wanted))), [note]
    raise ImportRefusedError(
        f"The model answers other classes ({', '.join(texts)}) than the definition ({', '.join(wanted)})."
    )


def text_of(value: Any) -> str:  # noqa: ANN401
    """Return a class or a category as a definition writes it: 1.0 and True are 1."""
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, bool):
        return str(int(plain))
    return str(int(plain)) if isinstance(plain, float) and plain.is_integer() else str(plain)


def require_columns(use_case: UseCase, names: Sequence[str]) -> list[str]:
    """Return a note where columns come in another order or are not used; raise ImportRefusedError where some lack."""
    inputs = use_case.input_names
    if missing := [name for name in names if name not in inputs]:
        raise ImportRefusedError(
            f"The model needs the column {', '.join(map(repr, missing))}, which {use_case.name} does not define; "
            f"it has {', '.join(inputs)}."
        )
    notes = []
    if list(names) != [name for name in inputs if name in names]:
        notes.append("the model's columns come in another order; they are given by name")
    if unused := [name for name in inputs if name not in names]:
        notes.append(f"the model does not use {', '.join(unused)}")
    return notes
