"""The proof that an export answers like its original: on the held-out rows and on many random ones."""

import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tabserve.core.use_case import UseCase
from tabserve.registry.version import Parity
from tabserve.training.dataset import LabelledRows
from tabserve.training.model import Model
from tabserve.training.parity import require_parity, total
from tabserve.training.random_rows import CELLS_AT_ONCE, random_rows
from tabserve.training.tasks import Task

if TYPE_CHECKING:
    from tabserve.registry.onnx_model import OnnxModel


def check_parity(
    use_case: UseCase, work: Task, original: Model, exported: "OnnxModel", seen: LabelledRows, held_out: LabelledRows
) -> Parity:
    """Compare answers to the held-out rows and to random ones drawn by those that were seen; raise ParityError."""
    drawn = random_rows(use_case, seen.columns, use_case.training.random_state, only_valid=original.only_valid)
    pieces: Iterator[tuple[Mapping[str, Any], int]] = itertools.chain(pieces_of(held_out), drawn)
    parity = total([work.compare(original.score(*piece), exported.score(*piece)) for piece in pieces])
    require_parity(parity, work.answers)
    return parity


def pieces_of(rows: LabelledRows) -> Iterator[tuple[Mapping[str, Any], int]]:
    """Yield columns of some rows at a time, with their number: models make copies of what they score."""
    most = max(1, CELLS_AT_ONCE // len(rows.columns))
    for start in range(0, len(rows), most):
        columns = {name: values[start : start + most] for name, values in rows.columns.items()}
        yield columns, min(most, len(rows) - start)
