"""Bad rows as cells that can be corrected, and back as a raw file."""

import csv
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ui.components.tables import safe_csv
from ui.errors import UiError

ROW = "row in the file"
LINE = "line in the file"
WHY = "why it is bad"
NOTES = [ROW, LINE, WHY]  # columns of ours beside the file's own; sent back, ingestion ignores them with a warning
Rules = Mapping[str, str]  # what each rule says


def read_header(start: bytes) -> list[str]:
    """Read the column names from the first bytes of a raw file; raise UiError."""
    line = start.decode("utf-8-sig", errors="replace").lstrip().splitlines()[:1]
    names = next(csv.reader(line), [])
    if not names:
        raise UiError("The file has no header.", "Its rows cannot be taken apart; correct the file itself.")
    return [name.strip() for name in names]


def as_cells(rows: pd.DataFrame, header: Sequence[str]) -> pd.DataFrame:
    """Take bad rows apart into texts, by their number in the file; what a row has too much is left out."""
    cells = [_cells(str(raw), len(header)) for raw in rows["raw"]]
    return pd.DataFrame(cells, columns=list(header), index=pd.Index(rows["row_number"], name=ROW), dtype=str)


def editable(rows: pd.DataFrame, header: Sequence[str], rules: Rules) -> pd.DataFrame:
    """Take bad rows apart into cells behind our notes: row, line and why it is bad."""
    frame = as_cells(rows, header).reset_index(drop=True)
    frame.insert(0, WHY, [reasons_in_words(reasons, rules) for reasons in rows["reasons"]])
    frame.insert(0, LINE, rows["line_number"].to_numpy())
    frame.insert(0, ROW, rows["row_number"].to_numpy())
    return frame


def as_csv(frame: pd.DataFrame, header: Sequence[str]) -> bytes:
    """Write corrected rows as a raw file."""
    return frame[list(header)].to_csv(index=False, lineterminator="\n").encode()


def download(rows: pd.DataFrame, header: Sequence[str], rules: Rules) -> bytes:
    """Write bad rows and their reasons as a CSV to be corrected in a spreadsheet, which must not run their cells."""
    return safe_csv([*NOTES, *header], editable(rows, header, rules).to_numpy().tolist())


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


def _cells(raw: str, width: int) -> list[str]:
    try:
        cells = next(csv.reader([raw.rstrip("\r\n")]), [])
    except csv.Error:
        cells = raw.split(",")
    return [*cells, *[""] * width][:width]
