"""The rules that raw files are validated by, as data, and the text patterns behind them.

The general rule of a type (`unknown_category`, `not_a_number`, `not_an_integer`) is named only where no more specific
rule explains the value: `7,25` is a decimal comma and not also "not a number".
"""

from collections.abc import Mapping
from typing import Final

from tabserve.core.features import CategoryFeature, Feature

FILE_RULES: Final[Mapping[str, str]] = {
    "unknown_use_case": "the key's first folder is no use case",
    "retired_use_case": "the use case is retired",
    "no_use_case": "the file is in no folder, and no default use case is set",
    "empty_file": "the file has no content",
    "blank_lines_only": "the file has nothing but blank lines",
    "header_only": "the file has a header and no rows",
    "header_not_utf8": "the header has bytes that are not UTF-8",
    "header_not_in_encoding": "the header has bytes that the encoding does not know",
    "malformed_header": "the header has an unclosed or stray quote",
    "too_long_header": "the header is longer than may be read",
    "too_many_columns": "the header has more columns than may be read",
    "unusable_column_name": "a column's name is too long or has control characters",
    "missing_column": "a column of the use case is not in the header",
    "duplicated_column": "a column is in the header more than once",
    "wrong_delimiter": "the columns are separated otherwise than the definition says",
    "utf16": "the file is UTF-16, which the definition does not say",
    "wrong_encoding": "the file is in another encoding than the definition says",
    "compressed": "the file is compressed otherwise than the definition says",
    "not_gzip": "the file is not gzip, as the definition says",
    "damaged_gzip": "the compressed file is damaged or cut off",
    "not_text": "the file is a PDF or another binary format",
    "too_large": "the file is larger than may be ingested",
    "too_long_line": "a line is longer than may be read",
    "unlike_its_header": "none of the first rows can be read by the header",
    "too_many_rows": "the file has more rows than may be ingested",
    "too_many_bad_rows": "more rows are bad than are good, and too many to be kept",
    "out_of_time": "the file takes longer than ingestion may",
    "unusable_key": "the key has control characters",
    "gone": "the raw object was removed or replaced before it was read",
    "internal_error": "ingestion broke on the file; its log says where",
}
WARNINGS: Final[Mapping[str, str]] = {
    "extra_column": "a column is not in the use case",
    "header_spelling": "a column's name differs in case or spaces",
}
ROW_RULES: Final[Mapping[str, str]] = {
    "too_few_fields": "the row has fewer fields than the header",
    "too_many_fields": "the row has more fields than the header",
    "unclosed_quote": "a quote is opened and not closed",
    "stray_quote": "a quote stands where none may be",
    "truncated_line": "the last line ends in the middle of the row",
    "not_utf8": "the row has bytes that are not UTF-8",
    "not_in_encoding": "the row has bytes that the encoding does not know",
    "repeated_header": "the header stands among the rows",
    "duplicated_row": "the same row was there before",
}
CELL_RULES: Final[Mapping[str, str]] = {
    "null_byte": "the cell has a null byte",
    "missing_value": "a required value is missing",
    "surrounding_space": "the cell begins or ends with white space",
    "zero_width_character": "the cell has an invisible character",
    "too_long_cell": "the cell is absurdly long",
    "formula_cell": "a spreadsheet would run the cell as a formula",
    "case_variant": "the category is written in another case",
    "unknown_category": "the value is none of the categories",
    "not_a_boolean": "the value is neither yes nor no",
    "not_a_date": "the value is not a date or a time in the format that is asked for",
    "not_a_text": "the value is no text, or has control characters",
    "non_ascii_digits": "the number is written in other digits than 0 to 9",
    "decimal_comma": "the number has a decimal comma",
    "decimal_point": "the number has a decimal point in place of a comma",
    "thousands_separator": "the number has thousands separators",
    "underscore_or_hex": "the number has underscores or is not decimal",
    "nan_or_inf_text": "the cell spells out NaN or infinity",
    "not_a_number": "the cell is not a number",
    "not_an_integer": "the cell is not a whole number",
    "overflow": "the number is too large to be stored",
    "below_minimum": "the number is below the column's minimum",
    "above_maximum": "the number is above the column's maximum",
    "not_an_id": "the id is too long or has control characters",
    "duplicated_id": "the id was there before",
}
DESCRIPTIONS: Final[Mapping[str, str]] = {**FILE_RULES, **WARNINGS, **ROW_RULES, **CELL_RULES}

# Patterns are written in the syntax that Python's `re` and Rust's `regex` share, for use with a full match.
NUMBER: Final = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
INTEGER: Final = r"[+-]?[0-9]+"
GROUP_SPACES: Final = " '\u00a0\u202f\u2019"
THOUSANDS: Final = "|".join(
    (
        r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?",
        rf"[+-]?[0-9]{{1,3}}(?:[{GROUP_SPACES}][0-9]{{3}})+(?:[.,][0-9]+)?",
        r"[+-]?[0-9]{1,3}(?:\.[0-9]{3}){2,}",
    )
)
DECIMAL_COMMA: Final = r"[+-]?(?:[0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+)?,[0-9]+"
UNDERSCORE_OR_HEX: Final = (
    r"[+-]?[0-9]+(?:_[0-9]+)+(?:\.[0-9_]*)?|[+-]?0[xX][0-9a-fA-F]+|[+-]?0[bB][01]+|[+-]?0[oO][0-7]+"
)
NAN_OR_INF: Final = r"[+-]?(?:[nN][aA][nN]|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?)"
BOOLEAN: Final = r"(?i:true|false|yes|no)"
# What a boolean feature takes, in any case.
BOOLEANS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("true", "t", "yes", "y", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0"), False),
}
FORMULA: Final = r"[=@\t].*|[+-](?:[^0-9.,\s]|.*[|!(]).*"
ZERO_WIDTH: Final = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"

CONTROL: Final = r"\x00-\x1f\x7f-\x9f"
# An id as ingestion and the API take it; text of JSON must not have halves of surrogate pairs either.
MAX_ID: Final = 200
MAX_CATEGORY: Final = 200  # characters of a value of an open category
ID: Final = rf"[^{CONTROL}]{{1,{MAX_ID}}}"

MAX_FILE_BYTES: Final = 2**30
MAX_HEADER: Final = 2**19
MAX_COLUMNS: Final = 2_000
MAX_COLUMN_NAME: Final = 200
FIRST_ROWS: Final = 1_000
# Ids are kept as 16 bytes each; beside what else a function needs, its memory holds so many.
MAX_ROWS: Final = 50_000_000
# A file that is mostly bad is given up at whichever comes first. A failure case is one reason of one row.
MAX_BAD_ROWS: Final = 100_000
MAX_FAILURE_CASES: Final = 1_000_000
# The bad rows of any file with their reasons; S3 takes no more than 5 GiB at once.
MAX_BAD_BYTES: Final = 4 * 2**30
# The database keeps the first bad rows of a file, for the page; the bad object has all of them.
BAD_ROWS_STORED: Final = 10_000
SPLIT_IT: Final = "split it with scripts/split_csv.py and send the parts"
MAX_KNOWN_CELL: Final = 1_000
MAX_OTHER_CELL: Final = 32_767  # as much as a spreadsheet's cell holds


GENERAL: Final[Mapping[str, str]] = {
    "boolean": "not_a_boolean",
    "date": "not_a_date",
    "datetime": "not_a_date",
    "text": "not_a_text",
    "number": "not_a_number",
    "integer": "not_a_number",
}


def general_rule(feature: Feature | None) -> str:
    """Return the rule for values that no specific rule explains; an id has none but being there."""
    if feature is None:
        return "missing_value"
    if isinstance(feature, CategoryFeature):
        return "not_a_text" if feature.is_open else "unknown_category"
    return GENERAL[feature.type]
