"""The bad object of a file: a CSV with one quarantined row a record, original bytes and every reason.

Columns: row_number, line_number, reasons (a JSON list of column, rule and value), raw (the original line).
"""

import io
import json
from collections.abc import Iterator, Sequence
from json.encoder import encode_basestring as quoted
from typing import BinaryIO, Final

from tabserve.core.csv_files import rows_of
from tabserve.ingestion.validation_result import BadRow, Reason

HEADER: Final = b"row_number,line_number,reasons,raw\n"
MAX_VALUE: Final = 200


def shortened(value: str) -> str:
    """Return a value as it is kept beside its reason."""
    return value if len(value) <= MAX_VALUE else value[: MAX_VALUE - 1] + "…"


def bad_record(row_number: int, line_number: int, reasons: Sequence[Reason], raw: bytes) -> bytes:
    """Return one record of a bad object."""
    encoded = ", ".join(map(_json, reasons)).replace('"', '""').encode()
    return b'%d,%d,"[%b]","%b"\n' % (row_number, line_number, encoded, raw.replace(b'"', b'""'))


def _json(reason: Reason) -> str:
    # With an encoder of json a file with 5 % bad rows takes 10 % longer.
    column, value = quoted(reason.column), quoted(reason.value)
    return f'{{"column": {column}, "rule": "{reason.rule}", "value": {value}}}'


def read_bad_rows(stream: BinaryIO) -> Iterator[BadRow]:
    """Yield the rows of a bad object; bytes that are not UTF-8 come back as surrogates, see `printable`."""
    text = io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline="")
    try:
        rows = rows_of(text, strict=False)
        next(rows, None)
        for row_number, line_number, reasons, raw in rows:
            found = tuple(Reason(**reason) for reason in json.loads(reasons))
            yield BadRow(int(row_number), int(line_number), raw, found)
    finally:
        text.detach()


def printable(text: str) -> str:
    r"""Return a raw line as text that can be encoded: undecodable bytes as \xNN."""
    return text.encode(errors="surrogateescape").decode(errors="backslashreplace")


def storable(text: str) -> str:
    r"""Return text as a database can store it: null and undecodable bytes as \x00 and the like."""
    return text.replace("\0", r"\x00").encode("utf-8", "backslashreplace").decode()
