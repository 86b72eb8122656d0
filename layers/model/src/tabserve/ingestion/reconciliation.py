"""Reconciliation: every row that came in is accounted for, once."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tabserve.core.files import IngestionStatus, RawFile
from tabserve.core.rules import BAD_ROWS_STORED


@dataclass(frozen=True, slots=True)
class FileAccount:
    """What the database holds about one version of one raw file.

    `ingestions` counts its ingestion rows, `quarantined` its bad rows there, the first ones of many, `predicted` the
    distinct rows that have a prediction, `predictions` all its predictions, `stray` those of rows that are bad or not
    in the file.
    """

    file_id: str
    key: str
    status: IngestionStatus | None
    ingestions: int
    rows_total: int
    rows_good: int
    rows_bad: int
    quarantined: int
    predicted: int
    predictions: int
    stray: int


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One way in which one file's rows do not add up."""

    file_id: str
    key: str
    problem: str


def reconcile(raw_files: Iterable[RawFile], accounts: Sequence[FileAccount]) -> list[Mismatch]:
    """Compare the raw bucket with the accounts; return everything that does not add up."""
    keys = {file.file_id: file.key for file in raw_files}
    known = {account.file_id for account in accounts}
    mismatches = [
        Mismatch(file_id, key, "the raw file has no verdict") for file_id, key in keys.items() if file_id not in known
    ]
    for account in accounts:
        if account.ingestions and account.file_id not in keys:
            mismatches.append(Mismatch(account.file_id, account.key, "the raw file is gone"))
        mismatches += [Mismatch(account.file_id, account.key, problem) for problem in _problems(account)]
    return mismatches


def _problems(account: FileAccount) -> Iterator[str]:
    if account.ingestions != 1:
        yield f"the file has {account.ingestions} verdicts"
    if account.status == "failed":
        yield "the file could not be judged"
    if account.rows_total != account.rows_good + account.rows_bad:
        yield f"{account.rows_total} rows are not {account.rows_good} good and {account.rows_bad} bad ones"
    if account.quarantined != (stored := min(account.rows_bad, BAD_ROWS_STORED)):
        yield f"{account.quarantined} of {stored} bad rows are in quarantine"
    if account.predicted - account.stray != account.rows_good:
        yield f"{account.predicted - account.stray} of {account.rows_good} good rows have a prediction"
    if account.stray:
        yield f"{account.stray} rows that are not good have a prediction"
    if account.predictions != account.predicted:
        yield f"{account.predictions - account.predicted} predictions are doubled"
