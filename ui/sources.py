"""Which files come from one source: those whose names differ in a date, a time or a number at their end only."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

import pandas as pd

FILES_LIKE = """
SELECT file_id, key, status, criticality, rows_total, rows_bad, finished_at FROM ingestions
WHERE use_case = :use_case AND starts_with(key, :prefix) ORDER BY finished_at DESC LIMIT :limit
"""
REPAIRED = re.compile(r"-repaired(-\d{8}T\d{6})?$")
DATED = re.compile(r"[-_. ]?\d{4}-?\d{2}(-?\d{2}([T _-]?\d{2}[:-]?\d{2}([:-]?\d{2})?Z?)?)?$")
NUMBERED = re.compile(r"[-_. ]?\d+$")


@dataclass(frozen=True)
class Summary:
    """How good the files of a source are together."""

    files: int
    rejected: int
    rows: int
    bad: int

    @property
    def share(self) -> float:
        """The share of bad rows, from 0 to 1."""
        return self.bad / max(1, self.rows)


def source_of(key: str) -> str:
    """Return what the names of a source's files begin with, without folder, date and number."""
    stem = PurePosixPath(key).name.split(".csv")[0]
    while (shorter := DATED.sub("", REPAIRED.sub("", stem))) != stem:
        stem = shorter
    return NUMBERED.sub("", stem) if stem == PurePosixPath(key).name.split(".csv")[0] else stem


def of_source(found: pd.DataFrame, key: str) -> pd.DataFrame:
    """Keep the files of the same source as a key, oldest first, with the share of their rows that are bad.

    A file that could not be read counts as wholly bad.
    """
    same = found[[source_of(str(each)) == source_of(key) for each in found["key"]]].sort_values("finished_at")
    share = same["rows_bad"] / same["rows_total"].clip(lower=1)
    return same.assign(share=share.where(same["status"] == "done", 1.0))


def summary(files: pd.DataFrame) -> Summary:
    """Count the files of a source and their rows."""
    rejected = int((files["status"] != "done").sum())
    return Summary(len(files), rejected, int(files["rows_total"].sum()), int(files["rows_bad"].sum()))
