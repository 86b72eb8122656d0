"""What the validator calls good, the reader of good rows reads, and the other way round: hostile cells of all types."""

import io
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tabserve.core import rules
from tabserve.core.features import NumberFeature, TextFeature
from tabserve.core.good_rows import GoodRows, Records
from tabserve.core.use_case import UseCase
from tabserve.core.validation import validate
from tests.dialects import DIALECTS, Dialect
from tests.unit.ingestion.conftest import validate_bytes
from tests.unit.ingestion.test_types import use_case

FEATURES: dict[str, dict[str, Any]] = {
    "boolean": {"type": "boolean"},
    "closed category": {"type": "category", "categories": ["a", "A", 'b "c", d', "1,5", 7]},
    "open category": {"type": "category", "categories": "open"},
    "text": {"type": "text", "max_length": 300},
    "day": {"type": "date"},
    "German day": {"type": "date", "format": "%d.%m.%Y"},
    "American day": {"type": "date", "format": "%m/%d/%Y"},
    "day of numbers": {"type": "date", "format": "%Y%m%d"},
    "short day": {"type": "date", "format": "%d.%m.%y"},
    "named day": {"type": "date", "format": "%d %b %Y"},
    "time": {"type": "datetime", "timezone": "Europe/Berlin"},
    "German time": {"type": "datetime", "format": "%d.%m.%Y %H:%M"},
    "time to the second": {"type": "datetime", "format": "%Y-%m-%d %H:%M:%S", "timezone": "America/New_York"},
    "time with offset": {"type": "datetime", "format": "%Y-%m-%dT%H:%M:%S%z"},
    "number": {"type": "number"},
    "number in a range": {"type": "number", "minimum": -1.5, "maximum": 1e6, "usual": [0, 1]},
    "whole number": {"type": "integer", "minimum": -100, "maximum": 10**15},
}
DIGITS = st.text("0123456789.,:-/ TZ+e", max_size=19)
NEAR_DATES = st.tuples(
    st.sampled_from(["0000", "0001", "0999", "1600", "1969", "1970", "2023", "2024", "9999", "10000", "٢٠٢٤", "24"]),
    st.sampled_from(["-", ".", "/", "", " "]),
    st.sampled_from(["00", "01", "02", "2", "12", "13", "Feb"]),
    st.sampled_from(["00", "01", "1", "28", "29", "30", "31", "32"]),
    st.sampled_from(
        [
            "",
            "T00:00",
            " 23:59",
            " 24:00",
            "T12:30:60",
            " 12:30:59",
            "T1:2:3",
            "T12:30:00Z",
            "T12:30:00+0230",
            "T12:30:00.123456789",
            " 12:30:59 ",
            "T12:30:00+14:00",
            "T12",
        ]
    ),
).flatmap(
    lambda part: st.sampled_from(
        [
            f"{part[0]}{part[1]}{part[2]}{part[1]}{part[3]}{part[4]}",
            f"{part[3]}{part[1]}{part[2]}{part[1]}{part[0]}{part[4]}",
            f"{part[2]}{part[1]}{part[3]}{part[1]}{part[0]}{part[4]}",
        ]
    )
)
NUMBERS = st.floats(allow_nan=True).map(repr) | st.integers(-(2**54), 2**54).map(str) | st.decimals(places=2).map(str)
ODD = st.sampled_from(
    [
        *["", " ", "NA", "-", "+", "=1", "@", "-x", "+1|2", "\t", "a\tb", "a\nb", "a\0b", "\u200b", "a\u200b", " a"],
        *[
            "é" * 200,
            "é" * 201,
            "x" * 300,
            "x" * 301,
            "x" * 1_001,
            "1" * 1_001,
            "TRUE",
            "yes",
            "nO",
            "1",
            "0",
            "7",
            "7.0",
        ],
        *["1,5", "1.5", "-1,5", "1.234,5", "1,234.5", "1e5", "1,5e3", ",5", ".5", "5.", "5,", "1e999", "nan", "-inf"],
        *["0x1F", "1_0", "٢٥", "\x9b", "\u2028", "\ufeff"],
    ]
)
CELLS = ODD | NUMBERS | DIGITS | NEAR_DATES | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ROWS = st.lists(CELLS, min_size=1, max_size=40)
BUDGET = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def _is_refused_alone_by_ingestion(cell: str, case: UseCase) -> bool:
    """Tell of what ingestion refuses though it could be read: what is dangerous, invisible or absurd."""
    feature = case.features[0]
    if isinstance(feature, TextFeature):
        return "\0" in cell or cell[:1] in set("=@\t+-")
    if isinstance(feature, NumberFeature):
        too_large = feature.type == "integer" and len(cell.lstrip("+-0")) > 15
        return too_large or len(cell) > rules.MAX_KNOWN_CELL
    invisible = any(sign in cell for sign in rules.ZERO_WIDTH + "\u2028")
    is_padded = cell != cell.strip()
    return invisible or is_padded or cell[:1] in set("=@\t+-") or len(cell.encode()) > rules.MAX_KNOWN_CELL


def _read(case: UseCase, cell: str) -> bool:
    """Tell whether a cell is read as a value, or as missing, that the prediction service takes."""
    try:
        record = Records(case, ["id", "c0", "n"]).read(["1", cell, ""])
    except ValueError:
        return False
    return not validate(case, [record]).errors


@pytest.mark.parametrize("feature", FEATURES.values(), ids=list(FEATURES))
@BUDGET
@given(cells=ROWS, dialect=st.sampled_from(list(DIALECTS.values())), required=st.booleans())
def test_good_cells_are_those_that_can_be_read(
    feature: dict[str, Any], dialect: Dialect, cells: list[str], required: bool
) -> None:
    optional = {} if required else {"required": False, "impute": "most_frequent"}
    if feature["type"] in {"text", "date", "datetime"}:
        optional.pop("impute", None)
    case = dialect.of(use_case({**feature, **optional}))
    cells = [cell.replace("\r", "\n") for cell in cells if dialect.knows(cell)]
    delimiter = dialect.format.delimiter
    quoted = [
        f'{number}{delimiter}"{cell.replace(chr(34), chr(34) * 2)}"{delimiter}' for number, cell in enumerate(cells, 1)
    ]
    content = dialect.encoded("\n".join([f"id{delimiter}c0{delimiter}n", *quoted, f"0{delimiter}{delimiter}x"]) + "\n")
    outcome = validate_bytes(content, case)
    rows = GoodRows(io.BytesIO(outcome.good_bytes), delimiter)
    good = dict(rows)
    records = Records(case, rows.columns)
    for number, cell in enumerate(cells, 1):
        if number in good:
            assert good[number][1] == cell
            assert validate(case, [records.read(good[number])]).errors == {}
        else:
            assert not _read(case, cell) or _is_refused_alone_by_ingestion(cell, case), cell
