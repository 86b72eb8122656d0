"""The child process of an import: opens the model, converts it, answers rows; speaks over its standard streams."""

import json
import os
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

from tabserve.core.errors import TabserveError
from tabserve.core.use_case import UseCase
from tabserve.training.imported_model import OpenedModel
from tabserve.training.opening import opened
from tabserve.training.sandbox import SIZES


def main() -> None:
    """Answer requests until there are no more; what a model prints goes nowhere."""
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(2, 1)
    work = _Work()
    while lengths := incoming.read(SIZES.size):
        header, body = (incoming.read(length) for length in SIZES.unpack(lengths))
        request = json.loads(header)
        try:
            said, answer = work.do(request, body)
        except TabserveError as error:
            said, answer = {"refused": str(error)}, b""
        except MemoryError:
            said, answer = {"refused": "The model needs more memory than its process may have."}, b""
        except Exception as error:  # noqa: BLE001  a model's code may raise anything
            said, answer = {"refused": f"The model cannot be used: {_first_line(error)}"}, b""
        _reply(outgoing, said, answer)


class _Work:
    """The model, once it is open."""

    model: OpenedModel

    def do(self, request: Mapping[str, Any], body: bytes) -> tuple[Mapping[str, Any], bytes]:
        match request["do"]:
            case "open":
                use_case = UseCase.model_validate(request["definition"])
                columns, targets = request["columns"], np.array(request["targets"])
                self.model = opened(request["name"], body, use_case, columns, targets)
                return {"estimator": self.model.estimator, "notes": self.model.notes}, b""
            case "export":
                return {}, self.model.export()
            case _:
                answers = np.ascontiguousarray(self.model.score(request["columns"], request["rows"]), dtype=np.float64)
                return {"shape": answers.shape}, answers.tobytes()


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:500]


def _reply(outgoing: BinaryIO, said: Mapping[str, Any], answer: bytes) -> None:
    header = json.dumps(said).encode()
    outgoing.write(SIZES.pack(len(header), len(answer)) + header + answer)
    outgoing.flush()


if __name__ == "__main__":
    main()
