"""Bad rows as cells that can be corrected, and back as a raw file."""

import csv
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ui.components.tables import safe_csv
from ui.errors import UiError
from ui.records import in_dialect

ROW = "row in the file"
LINE = "line in the file"
WHY = "why it is bad"
NOTES = [ROW, LINE, WHY]  # columns of ours beside the file's own; sent back, ingestion ignores them with a warning
GZIP = b"\x1f\x8b"
Json = Mapping[str, Any]
Rules = Mapping[str, str]  # what each rule says


def read_header(start: bytes, definition: Json) -> list[str]:
    """Read the column names from the first bytes of a raw file, written in the use case's dialect; raise UiError."""
    dialect = definition["format"]
    if start.startswith(GZIP):
        start = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(start)
    encoding = "utf-8-sig" if dialect["encoding"] == "utf-8" else dialect["encoding"]
    line = start.decode(encoding, errors="replace").lstrip().splitlines()[:1]
    names = next(csv.reader(line, delimiter=dialect["delimiter"]), [])
    if not names:
        raise UiError("The file has no header.", "Its rows cannot be taken apart; correct the file itself.")
    return [name.strip() for name in names]


def as_cells(rows: pd.DataFrame, header: Sequence[str], delimiter: str) -> pd.DataFrame:
    """Take bad rows apart into texts, by their number in the file; what a row has too much is left out."""
    cells = [_cells(str(raw), len(header), delimiter) for raw in rows["raw"]]
    return pd.DataFrame(cells, columns=list(header), index=pd.Index(rows["row_number"], name=ROW), dtype=str)


def editable(rows: pd.DataFrame, header: Sequence[str], definition: Json) -> pd.DataFrame:
    """Take bad rows apart into cells behind our notes: row, line and why it is bad."""
    rules: Rules = definition["rules"]
    frame = as_cells(rows, header, definition["format"]["delimiter"]).reset_index(drop=True)
    frame.insert(0, WHY, [reasons_in_words(reasons, rules) for reasons in rows["reasons"]])
    frame.insert(0, LINE, rows["line_number"].to_numpy())
    frame.insert(0, ROW, rows["row_number"].to_numpy())
    return frame


def as_csv(frame: pd.DataFrame, header: Sequence[str], definition: Json) -> bytes:
    """Write corrected rows as a raw file in the use case's dialect."""
    delimiter = definition["format"]["delimiter"]
    return in_dialect(definition, frame[list(header)].to_csv(sep=delimiter, index=False, lineterminator="\n"))


def download(rows: pd.DataFrame, header: Sequence[str], definition: Json) -> bytes:
    """Write bad rows and their reasons as a CSV to be corrected in a spreadsheet, which must not run their cells."""
    return safe_csv([*NOTES, *header], editable(rows, header, definition).to_numpy().tolist())


def in_words(rule: str, rules: Rules) -> str:
    """Return what a rule says; a rule without words is shown by its name."""
    return rules.get(rule, rule.replace("_", " "))


def reason_in_words(reason: Mapping[str, Any], rules: Rules) -> str:
    """Write one reason why a row is bad: the column, what is wrong, and the value as it came."""
    said = f"{reason.get('column') or 'row'}: {in_words(str(reason.get('rule')), rules)}"
    return said + (f" (“{reason['value']}”)" if reason.get("value") else "")


def reasons_in_words(reasons: Sequence[Mapping[str, Any]], rules: Rules) -> str:
    """Write all reasons why a row is bad."""
    return "; ".join(reason_in_words(reason, rules) for reason in reasons)


def _cells(raw: str, width: int, delimiter: str) -> list[str]:
    try:
        cells = next(csv.reader([raw.rstrip("\r\n")], delimiter=delimiter), [])
    except csv.Error:
        cells = raw.split(delimiter)
    return [*cells, *[""] * width][:width]
