"""Raw files with known defects, as `scripts/split_dataset.py` makes them, and what ingestion must find in them."""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import split_dataset
from tabserve.core.use_case import UseCase


@dataclass(frozen=True)
class Truth:
    """One raw file: its bytes, its good rows' numbers, the rules each bad row breaks."""

    name: str
    content: bytes
    rows_total: int
    good: list[int]
    bad: dict[int, set[str]]

    @property
    def lines(self) -> list[bytes]:
        """The data lines."""
        return [line for line in self.content.split(b"\n")[1:] if line]


def raw_files(
    use_case: UseCase, out: Path, files: int, errors: float = 0.3, seed: int = 0, data: Path | None = None
) -> list[Truth]:
    """Write raw files into a folder and return the truth about them."""
    arguments = argparse.Namespace(use_case=use_case.name, files=files, errors=errors, seed=seed, out=out, data=data)
    split_dataset.run(arguments)
    truth = json.loads((out / split_dataset.TRUTH).read_text())
    return [
        Truth(
            name=file["name"],
            content=(out / file["name"]).read_bytes(),
            rows_total=file["rows_total"],
            good=file["good"],
            bad={row["row_number"]: set(row["rules"]) for row in file["bad"]},
        )
        for file in truth["files"]
    ]
