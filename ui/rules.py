"""What the rules say, in words for people; a rule without words is shown by its name."""

from collections.abc import Mapping, Sequence
from typing import Any

WORDS = {
    "missing_value": "a required value is missing",
    "unknown_category": "the value is none of the allowed ones",
    "case_variant": "the value is written in another case",
    "surrounding_space": "there is white space around the value",
    "zero_width_character": "there is an invisible character",
    "too_long_cell": "the cell is absurdly long",
    "formula_cell": "a spreadsheet would run the cell as a formula",
    "null_byte": "there is a null byte",
    "not_a_number": "this is no number",
    "not_an_integer": "this is no whole number",
    "decimal_comma": "decimal comma: write a point",
    "thousands_separator": "thousands separators: leave them out",
    "non_ascii_digits": "digits other than 0 to 9",
    "underscore_or_hex": "underscores or a number that is not decimal",
    "nan_or_inf_text": "NaN or infinity",
    "overflow": "the number is too large",
    "below_minimum": "below the minimum",
    "above_maximum": "above the maximum",
    "not_an_id": "the id is too long or has control characters",
    "duplicated_id": "the id stands in the file twice",
    "duplicated_row": "the row stands in the file twice",
    "repeated_header": "the header is repeated",
    "too_few_fields": "too few fields",
    "too_many_fields": "too many fields",
    "unclosed_quote": "an opened quote is not closed",
    "stray_quote": "a quote stands where none may be",
    "truncated_line": "the line ends in the middle",
    "not_utf8": "bytes that are not UTF-8",
    "extra_column": "a column the use case does not know (only a warning)",
    "header_spelling": "a column name in another case (only a warning)",
    "missing_column": "a column is missing",
    "duplicated_column": "two columns have the same name",
    "header_not_utf8": "the header has bytes that are not UTF-8",
    "too_long_header": "the header is too long",
    "too_many_columns": "there are too many columns",
    "unusable_column_name": "a column name is too long or has control characters",
    "unlike_its_header": "the rows cannot be read by the header",
    "too_many_bad_rows": "most rows are bad, and there are very many of them",
    "empty_file": "the file is empty",
    "header_only": "the file has a header but no rows",
}


def in_words(rule: str) -> str:
    """Return what a rule says."""
    return WORDS.get(rule, rule.replace("_", " "))


def reasons_in_words(reasons: Sequence[Mapping[str, Any]]) -> str:
    """Write all reasons why a row is bad."""
    return "; ".join(
        f"{reason.get('column') or 'row'}: {in_words(str(reason.get('rule')))}"
        + (f" (“{reason['value']}”)" if reason.get("value") else "")
        for reason in reasons
    )
