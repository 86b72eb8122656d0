"""A file is sent in pieces; what was answered stays, and nothing is asked twice under another key."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from ui.answers import probability_of
from ui.errors import RefusedError, TooLargeError, UiError
from ui.file_run import MOST_ROWS, FileRun, Json, time_left
from ui.records import Upload


class FakePredictor:
    """Answers each key once; goes away when told to."""

    def __init__(self) -> None:
        self.answered: dict[str, Json] = {}
        self.is_away = False
        self.most_bytes = 4_500_000
        self.sent: list[int] = []

    def predict(self, use_case: str, records: Sequence[Json], key: str = "") -> Json:
        if self.is_away:
            raise UiError("Nothing answers.")
        self.sent.append(len(records))
        if len(json.dumps(records, ensure_ascii=False).encode()) > self.most_bytes:
            raise TooLargeError("The body is larger than allowed.")
        if all(record["Age"] is None for record in records):
            failures = [
                {"index": index, "column": "Age", "message": "Age is required"} for index in range(len(records))
            ]
            raise RefusedError("no valid record", failures)
        return self.answered.setdefault(key, {"predictions": list(map(entry, range(len(records)), records))})


def entry(index: int, record: Json) -> dict[str, Any]:
    if record["Age"] is None:
        return {"index": index, "error": [{"column": "Age", "message": "Age is required"}]}
    return {"index": index, "prediction": 0, "label": "died", "probability": 0.2, "probabilities": {"0": 0.8, "1": 0.2}}


def run_of(ages: Sequence[int | None]) -> FileRun:
    return FileRun("titanic", "f1", "day.csv", Upload([], []), [{"Age": age} for age in ages])


def test_every_row_is_answered_once_in_order() -> None:
    run, predictor = run_of(range(2 * MOST_ROWS + 1)), FakePredictor()
    while not run.is_complete:
        run.send_piece(predictor)
    assert [result.row for result in run.results] == list(range(1, 2 * MOST_ROWS + 2))
    assert [result.features["Age"] for result in run.results] == list(range(2 * MOST_ROWS + 1))
    assert len(predictor.answered) == 3


def test_wide_rows_are_sent_in_pieces_that_a_call_can_carry() -> None:
    run, predictor = run_of([1] * 60), FakePredictor()
    run.records = [{"Age": 1, "text": "é" * 50_000} for _ in range(60)]
    while not run.is_complete:
        run.send_piece(predictor)
    assert predictor.sent == [34, 26]


def test_pieces_that_are_too_large_all_the_same_are_halved_and_a_row_alone_is_refused() -> None:
    run, predictor = run_of(range(5)), FakePredictor()
    run.records = [*run.records, {"Age": 6, "text": "long" * 100}, {"Age": 7}]
    predictor.most_bytes = 40
    while not run.is_complete:
        run.send_piece(predictor)
    assert predictor.sent == [7, 3, 4, 2, 2, 1, 1]
    assert [result.row for result in run.results if result.refused] == [6]
    assert "larger than the API takes" in run.results[5].refused


def test_the_probability_is_that_of_the_class_that_was_predicted() -> None:
    run = run_of([30])
    run.send_piece(FakePredictor())
    assert probability_of(run.results[0].entry) == 0.8


def test_what_was_predicted_stays_when_the_api_goes_away_and_is_continued() -> None:
    run, predictor = run_of(range(2 * MOST_ROWS)), FakePredictor()
    run.send_piece(predictor)
    predictor.is_away = True
    with pytest.raises(UiError):
        run.send_piece(predictor)
    assert (len(run.results), run.is_complete) == (MOST_ROWS, False)
    predictor.is_away = False
    run.send_piece(predictor)
    assert run.is_complete
    assert len(predictor.answered) == 2


def test_a_piece_whose_answer_was_lost_is_asked_again_under_the_same_key() -> None:
    predictor = FakePredictor()
    run_of([1, 2]).send_piece(predictor)
    run_of([1, 2]).send_piece(predictor)
    assert len(predictor.answered) == 1


def test_refused_rows_keep_their_reasons() -> None:
    run = run_of([None, 3])
    run.send_piece(FakePredictor())
    assert [result.refused for result in run.results] == ["Age is required", ""]
    nothing_valid = run_of([None, None])
    nothing_valid.send_piece(FakePredictor())
    assert [result.refused for result in nothing_valid.results] == ["Age is required"] * 2


@pytest.mark.parametrize(
    ("done", "total", "seconds", "said"),
    [
        (0, 100, 3, ""),
        (99, 100, 60, ""),
        (10, 50, 10, "about 40 s left"),
        (10, 1_000, 10, "about 16 min left"),
    ],
)
def test_long_files_are_told_the_time_that_is_left(done: int, total: int, seconds: float, said: str) -> None:
    assert time_left(done, total, seconds) == said
