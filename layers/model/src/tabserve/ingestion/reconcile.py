"""Prove that no row was lost or doubled between the raw bucket and the predictions."""

from collections.abc import Iterable, Sequence

from tabserve.core.files import RawFile
from tabserve.ingestion.ports import Ledger
from tabserve.ingestion.reconciliation import FileAccount, Mismatch, audit


def prove_conservation(raw_files: Iterable[RawFile], ledger: Ledger) -> tuple[Sequence[FileAccount], list[Mismatch]]:
    """Return the account of every file and all mismatches; none means every row is accounted for."""
    accounts = ledger.accounts()
    return accounts, audit({file.file_id: file.key for file in raw_files}, accounts)
