"""Bad rows as cells and back; words, times and cells that are safe to open in a spreadsheet."""

import csv
import gzip
import io
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from tabserve.core import rules
from tabserve.core.rules import DESCRIPTIONS
from ui import quarantine, queries
from ui.components import markup, raw_upload, tables, times
from ui.errors import UiError
from ui.quarantine import in_words, reasons_in_words

HEADER = ["Id", "Sex", "Age"]
DIALECT = {"delimiter": ",", "decimal": ".", "encoding": "utf-8", "compression": "none"}
DEFINITION = {"rules": DESCRIPTIONS, "format": DIALECT}


def bad_rows(*raws: str) -> pd.DataFrame:
    reasons = [[{"column": "Age", "rule": "not_a_number", "value": "x"}]] * len(raws)
    numbers = range(1, len(raws) + 1)
    return pd.DataFrame(
        {"row_number": numbers, "line_number": [number + 1 for number in numbers], "raw": raws, "reasons": reasons}
    )


def test_rows_are_taken_apart_and_put_together() -> None:
    frame = quarantine.editable(bad_rows('1,"a, b",x', "2,male", "3,male,4,5"), HEADER, DEFINITION)
    assert frame[HEADER].to_numpy().tolist() == [["1", "a, b", "x"], ["2", "male", ""], ["3", "male", "4"]]
    assert frame[quarantine.WHY][0] == "Age: the cell is not a number (“x”)"
    assert quarantine.as_csv(frame, HEADER, DEFINITION).decode().splitlines()[:2] == ["Id,Sex,Age", '1,"a, b",x']


def test_rows_are_written_in_the_dialect_of_the_use_case() -> None:
    german = {"delimiter": ";", "decimal": ",", "encoding": "latin-1", "compression": "gzip"}
    definition = {"rules": DESCRIPTIONS, "format": german}
    frame = quarantine.editable(bad_rows('1;"ä; b";1,5'), HEADER, definition)
    body = quarantine.as_csv(frame, HEADER, definition)
    assert gzip.decompress(body).decode("latin-1") == 'Id;Sex;Age\n1;"ä; b";1,5\n'
    assert quarantine.read_header(body, definition) == HEADER


def test_a_download_of_bad_rows_has_reasons_and_no_formulas_and_keeps_numbers() -> None:
    rows = bad_rows("=HYPERLINK(A1),-1.5,@SUM(1)", "+x,\t=1,+2")
    lines = quarantine.download(rows, ["=Id", "Sex", "Age"], DEFINITION).decode("utf-8-sig").splitlines()
    assert lines == [
        "row in the file,line in the file,why it is bad,'=Id,Sex,Age",
        "1,2,Age: the cell is not a number (“x”),'=HYPERLINK(A1),-1.5,'@SUM(1)",
        "2,3,Age: the cell is not a number (“x”),'+x,'\t=1,+2",
    ]


def test_header_is_read_from_the_first_line() -> None:
    assert quarantine.read_header("﻿Id, Sex ,Age\r\n1,2,3".encode(), DEFINITION) == HEADER
    with pytest.raises(UiError):
        quarantine.read_header(b"", DEFINITION)


def test_rules_of_rows_and_cells_have_words() -> None:
    assert in_words("some_new_rule", DESCRIPTIONS) == "some new rule"
    reasons = [{"column": "", "rule": "too_few_fields", "value": ""}]
    assert reasons_in_words(reasons, DESCRIPTIONS) == "row: the row has fewer fields than the header"
    assert reasons_in_words(reasons, {}) == "row: too few fields"


@pytest.mark.parametrize("cell", ["=1+1", "+1+1", "-x", "@x", "\tx", "\rx"])
def test_no_spreadsheet_takes_a_cell_for_a_formula(cell: str) -> None:
    (_, row) = csv.reader(io.StringIO(tables.safe_csv(["a", "b"], [[cell, -1.5]]).decode("utf-8-sig"), newline=""))
    assert row == [f"'{cell}", "-1.5"]


def test_texts_from_outside_are_escaped() -> None:
    assert "<b>" not in markup.bars([markup.Bar("<b>x</b>", "<i>", 2.0)])
    assert "width:100.0%" in markup.bars([markup.Bar("x", "1", 2.0)])
    assert markup.plain("[a](b) *c* `d`") == r"\[a\]\(b\) \*c\* \`d\`"
    assert "http\\://x" not in markup.plain("http://x.y"), "Markdown would make a link of it"


def test_probabilities_are_never_certain() -> None:
    assert [markup.percent(share) for share in (0, 0.001, 0.5, 0.999, 1)] == [
        *("0 %", "under 1 %", "50 %", "over 99 %", "100 %")
    ]


def test_times_name_their_zone() -> None:
    assert times.written(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == "2026-01-02 03:04:05 UTC"
    assert times.written(None) == "–"
    now = datetime(2026, 1, 2, tzinfo=UTC)
    ago = [times.ago(now - timedelta(seconds=seconds), now) for seconds in (5, 600, 7200, 400_000)]
    assert ago == ["5 s ago", "10 min ago", "2 h ago", "5 days ago"]


def test_submitted_files_stand_beside_earlier_ones() -> None:
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert raw_upload.unique("day 1 (ü).csv", now) == "day-1-(-)-20260102T030405.csv"
    assert raw_upload.unique("....csv", now) == "file-20260102T030405.csv"


def test_the_page_knows_how_many_bad_rows_are_stored() -> None:
    assert queries.BAD_ROWS_STORED == rules.BAD_ROWS_STORED
