"""Cells: probabilities only certain ones are written as certain, numbers without needless fractions."""

import csv
import io

import pytest

from ui.components import markup, tables


@pytest.mark.parametrize(
    ("share", "cell"), [(None, None), (0.0, 0.0), (1e-9, 0.1), (0.247, 24.7), (0.9999, 99.9), (1.0, 100.0)]
)
def test_only_what_is_certain_is_written_so(share: float | None, cell: float | None) -> None:
    assert tables.percents([share]) == [cell]


def test_whole_numbers_are_written_whole() -> None:
    written = tables.safe_csv(["Age", "Fare"], [[27.0, 7.25], [None, -3.0]]).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(written))) == [["Age", "Fare"], ["27", "7.25"], ["", "-3"]]


@pytest.mark.parametrize(
    ("count", "written"),
    [
        (0, "0"),
        (9_999_999, "9,999,999"),
        (10_000_000, "10.0 M"),
        (12_345_678, "12.3 M"),
        (999_999_999, "1,000 M"),
        (1_234_567_890, "1.23 bn"),
        (12_345_678_901, "12.3 bn"),
    ],
)
def test_counts_on_cards_are_written_in_full_up_to_seven_digits(count: int, written: str) -> None:
    assert markup.short(count) == written


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("late_payment_2", "late_payment_2"),
        ("Ticket class (1st/2nd), 5 % off", "Ticket class (1st/2nd), 5 % off"),
        ("a.b-c", "a.b-c"),
        ("_late_", r"\_late\_"),
        ("a _b_", r"a \_b\_"),
        ("1. class", r"1\. class"),
        ("*bold*", r"\*bold\*"),
        ("[a](b)", r"\[a\]\(b\)"),
        ("www.a.b", "www\u2060\\.a\\.b"),
    ],
)
def test_labels_are_escaped_only_where_markdown_would_make_something_of_them(text: str, label: str) -> None:
    assert markup.label(text) == label
