"""The bad rows of a file: the first ones out of the database, any others out of the bad object, where all are."""

import csv
import json
from collections.abc import Iterable, Iterator
from itertools import islice

import pandas as pd

from ui.api import ApiClient
from ui.database import ReaderDatabase
from ui.queries import BAD_ROWS, BAD_ROWS_STORED

LONGEST_CELL = 2**27


def read(database: ReaderDatabase, api: ApiClient, file_id: str, offset: int, limit: int) -> pd.DataFrame:
    """Return some bad rows of a file in their order: row_number, line_number, raw and reasons; raise UiError.

    Out of the bad object those before `offset` are passed over, so far ones take longer; memory is that of the rows.
    """
    if offset + limit <= BAD_ROWS_STORED:
        return database.frame(BAD_ROWS, file_id=file_id, limit=limit, offset=offset)
    return from_object(api.bad_rows(file_id), offset, limit)


def from_object(content: Iterable[bytes], offset: int, limit: int) -> pd.DataFrame:
    """Return some rows of a bad object that comes in pieces."""
    csv.field_size_limit(LONGEST_CELL)
    records = csv.reader(_lines(content))
    next(records, None)
    rows = [
        (int(number), int(line), raw, json.loads(reasons))
        for number, line, reasons, raw in islice(records, offset, offset + limit)
    ]
    return pd.DataFrame(rows, columns=["row_number", "line_number", "raw", "reasons"])


def _lines(content: Iterable[bytes]) -> Iterator[str]:
    rest = b""
    for piece in content:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "backslashreplace").replace("\0", r"\x00") + "\n"
