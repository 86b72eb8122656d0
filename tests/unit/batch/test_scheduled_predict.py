from collections.abc import Sequence
from datetime import timedelta

import pytest

from tabserve.batch.score_file import CHUNK
from tabserve.batch.service import retry_given_up
from tabserve.core.errors import (
    DatabaseUnavailableError,
    ModelError,
    PredictionServiceError,
    StorageUnavailableError,
    TabserveError,
)
from tests.factories import good_object
from tests.unit.batch.world import HEADER, World, fails, line


def test_a_run_without_new_files_is_skipped(world: World) -> None:
    scored = world.run()

    assert [run.status for run in world.ingestions.runs] == ["skipped"]
    assert scored.results == []


def test_every_good_row_is_predicted_under_its_number_in_the_raw_file(world: World) -> None:
    world.file("f1", rows=4, bad=[1, 4])

    scored = world.run()

    assert world.ingestions.rows_predicted == {"f1": {2, 3, 5, 6}}
    assert world.service.records["f1", 5] == {
        "Pclass": 3,
        "Sex": "male",
        "Age": 22.5,
        "Fare": 7.25,
        "Embarked": "S",
        "entity_id": "105",
    }
    assert (scored.run.status, scored.run.files, scored.run.rows) == ("completed", 1, 4)
    assert world.markers.markers["f1"].status == "COMPLETED"
    assert world.ingestions.to_predict(10) == []


def test_a_second_run_does_nothing(world: World) -> None:
    world.file("f1")
    world.run()

    assert world.run().run.status == "skipped"
    assert len(world.service.asked) == 1


def test_large_files_go_in_chunks(world: World) -> None:
    world.file("f1", rows=2 * CHUNK + 1)

    world.run()

    assert [len(rows) for _, rows in world.service.asked] == [CHUNK, CHUNK, 1]


def test_the_order_of_columns_does_not_matter_nor_what_else_is_there(world: World) -> None:
    verdict = world.file("f1", rows=1)
    header = "Sex,row_number,Embarked,Fare,Age,Pclass,PassengerId"
    world.good.put(str(verdict.good_key), good_object(header, {7: "female,x,,NA,,1,9"}))

    world.run()

    expected = {"Pclass": 1, "Sex": "female", "Age": None, "Fare": None, "Embarked": None, "entity_id": "9"}
    assert world.service.records["f1", 7] == expected


def test_a_cell_may_be_longer_than_csv_reads_by_itself(world: World) -> None:
    verdict = world.file("f1", rows=1)
    header = f"{HEADER},remark,{'n' * 200_000}"
    world.good.put(str(verdict.good_key), good_object(header, {1: f'{line(9)},"{"r" * 200_000}",'}))

    world.run()

    assert world.ingestions.rows_predicted == {"f1": {1}}


class TestWhenAWorkerStops:
    def test_after_a_chunk_was_stored_its_rows_are_not_asked_for_again(self, world: World) -> None:
        world.file("f1", rows=2 * CHUNK)
        world.ingestions.rows_predicted["f1"] = set(range(1, CHUNK + 1))
        claim = world.markers.claim("f1", "crashed", 60)  # crashed before advancing

        world.markers.now += timedelta(minutes=2)
        scored = world.run()

        assert claim is not None
        assert world.service.asked == [("f1", tuple(range(CHUNK + 1, 2 * CHUNK + 1)))]
        assert (scored.run.files, scored.run.rows) == (1, CHUNK)

    def test_after_the_last_chunk_the_file_is_only_completed(self, world: World) -> None:
        world.file("f1")
        world.ingestions.rows_predicted["f1"] = {1, 2, 3}

        world.run()

        assert world.service.asked == []
        assert world.markers.markers["f1"].status == "COMPLETED"
        assert "f1" in world.ingestions.predicted

    def test_nobody_else_works_on_the_file_while_its_lease_lasts(self, world: World) -> None:
        world.file("f1")
        world.markers.claim("f1", "alive", 60)

        assert world.run().run.status == "skipped"
        assert world.service.asked == []

    def test_three_times_the_file_is_given_up_with_an_alert(self, world: World) -> None:
        world.file("f1")
        for _ in range(3):
            world.markers.claim("f1", "crashes", 60)
            world.markers.now += timedelta(minutes=2)

        scored = world.run()

        assert world.service.asked == []
        assert scored.results[0].given_up
        assert world.markers.markers["f1"].status == "FAILED"
        assert [alert.rule for alert in world.ingestions.alerts.values()] == ["prediction_failed"]

    def test_and_another_took_over_it_leaves_everything_alone(self, world: World) -> None:
        world.file("f1", rows=2 * CHUNK)

        def taken_over(_file_id: str, _rows: Sequence[int]) -> None:
            world.markers.now += timedelta(minutes=10)
            world.markers.claim("f1", "other", 60)

        world.service.trouble = taken_over
        scored = world.run()

        assert world.markers.markers["f1"].owner == "other"
        assert scored.results[0].error is None
        assert not scored.results[0].done
        assert "f1" not in world.ingestions.predicted


class TestAFileThatCannotBeScored:
    def test_is_given_up_after_three_attempts_and_others_go_on(self, world: World) -> None:
        world.file("good 1")
        world.file("poison")
        world.file("good 2")
        world.service.trouble = fails(99, lambda: TabserveError("row 2 is refused"), "poison")

        statuses = [world.run().run.status for _ in range(4)]

        assert statuses == ["failed", "failed", "failed", "skipped"]
        assert set(world.ingestions.predicted) == {"good 1", "good 2"}
        assert world.ingestions.errors == {"poison": "row 2 is refused"}
        assert world.markers.markers["poison"].status == "FAILED"
        (alert,) = world.ingestions.alerts.values()
        assert (alert.rule, alert.state, alert.payload["file_id"]) == ("prediction_failed", "firing", "poison")
        assert "row 2 is refused" in str(world.ingestions.runs[0].error)

    def test_delays_no_other_however_many_there_are(self, world: World) -> None:
        for number in range(8):
            world.file(f"poison {number}")
            world.service.refused[f"poison {number}", 2] = "Age is no number"
        world.file("good")

        world.run()

        assert set(world.ingestions.predicted) == {"good"}

    def test_has_all_its_other_rows_predicted_and_none_asked_for_twice(self, world: World) -> None:
        world.file("f1", rows=2 * CHUNK + 1)
        world.service.refused = {("f1", 7): "Age is no number", ("f1", CHUNK + 7): "Sex is unknown"}

        first = world.run()

        assert world.ingestions.rows_predicted["f1"] == set(range(1, 2 * CHUNK + 2)) - {7, CHUNK + 7}
        assert (first.run.status, first.run.rows) == ("failed", 2 * CHUNK - 1)
        for _ in range(3):
            world.run()
        refused = [("f1", (7,)), ("f1", (CHUNK + 7,))]
        assert world.service.asked[3:] == refused * 2
        assert world.ingestions.errors == {"f1": "2 rows are refused, row 7 because Age is no number"}

    def test_has_its_other_rows_predicted_when_a_newer_definition_cannot_read_one(self, world: World) -> None:
        verdict = world.file("f1")
        rows = {1: line(101), 2: line(102).replace(",male,", ",other,"), 3: line(103)}
        world.good.put(str(verdict.good_key), good_object(HEADER, rows))

        assert world.run().run.status == "failed"
        assert world.ingestions.rows_predicted["f1"] == {1, 3}
        for _ in range(2):
            world.run()
        assert world.service.asked == [("f1", (1, 3))]
        assert "row 2 because Sex" in world.ingestions.errors["f1"]

    def test_is_predicted_after_all_when_its_rows_are_taken(self, world: World) -> None:
        world.file("f1")
        world.service.refused = {("f1", 2): "Age is no number"}
        world.run()
        world.service.refused = {}

        assert world.run().run.status == "completed"
        assert world.service.asked == [("f1", (1, 2, 3)), ("f1", (2,))]

    def test_can_be_tried_again_and_its_alert_resolves_and_fires_anew(self, world: World) -> None:
        world.file("f1")
        world.service.trouble = fails(6, lambda: TabserveError("row 2 is refused"))
        for _ in range(3):
            world.run()

        for _ in range(2):
            files = retry_given_up(world.ingestions, world.markers, lambda: world.markers.now)
            assert [file.file_id for file in files] == ["f1"]
            for _ in range(3):
                world.run()

        assert set(world.ingestions.predicted) == {"f1"}
        states = [alert.state for alert in world.ingestions.alerts.values()]
        assert states == ["firing", "resolved", "firing", "resolved"]
        assert retry_given_up(world.ingestions, world.markers, lambda: world.markers.now) == []

    @pytest.mark.parametrize(
        ("body", "reason"),
        [
            (good_object(HEADER, {1: line(1)}), "has 1 rows, not 3"),
            (good_object(HEADER, dict.fromkeys(range(1, 5), line(1))), "has 4 rows, not 3"),
            (good_object("PassengerId,Sex", dict.fromkeys(range(1, 4), "1,male")), "no column Pclass"),
            (good_object(HEADER, dict.fromkeys(range(1, 4), "1,2,3")), "a row has 3 fields"),
            (
                good_object(HEADER, dict.fromkeys(range(1, 4), line(1).replace("male", "robot"))),
                "none of its categories",
            ),
            (f"{HEADER}\n{line(1)}\n".encode(), "does not begin with the column row_number"),
            (b"", "does not begin with the column row_number"),
            (good_object(HEADER, {1: f'{line(1)},"a"x'}), "not CSV"),
        ],
    )
    def test_names_the_reason(self, world: World, body: bytes, reason: str) -> None:
        verdict = world.file("f1")
        world.good.put(str(verdict.good_key), body)

        world.run()

        assert reason in world.markers.errors["f1"]

    def test_may_have_lost_its_object_or_its_use_case(self, world: World) -> None:
        lost = world.file("lost")
        del world.good.objects[str(lost.good_key)]
        world.file("unknown", use_case="nothing")

        world.run()

        assert str(lost.good_key) in world.markers.errors["lost"]
        assert "nothing" in world.markers.errors["unknown"]


@pytest.mark.parametrize("error", [PredictionServiceError, StorageUnavailableError, DatabaseUnavailableError])
class TestWhenAServiceIsAway:
    def test_no_attempt_is_counted_and_the_next_run_goes_on(self, world: World, error: type[Exception]) -> None:
        world.file("f1")
        world.service.trouble = fails(5, lambda: error("away"))

        statuses = [world.run().run.status for _ in range(6)]

        assert statuses == ["failed"] * 5 + ["completed"]
        assert world.markers.markers["f1"].claim.attempts == 1

    def test_a_run_ends_after_two_files(self, world: World, error: type[Exception]) -> None:
        for number in range(5):
            world.file(f"f{number}")
        world.service.trouble = fails(99, lambda: error("away"))

        assert len(world.run().results) == 2


class TestAUseCaseWithoutAModel:
    @pytest.fixture
    def waiting(self, world: World) -> World:
        """Three files of titanic, which has no model, then one of another use case."""
        for number in range(3):
            world.file(f"f{number}")
        world.flower("other")

        def trouble(file_id: str, _rows: Sequence[int]) -> None:
            if file_id != "other":
                raise ModelError("No model is registered for use case 'titanic'.")

        world.service.trouble = trouble
        return world

    def test_waits_while_the_others_go_on(self, waiting: World) -> None:
        scored = waiting.run()

        assert [(result.file_id, result.cause) for result in scored.results] == [("f0", "model"), ("other", None)]
        assert set(waiting.ingestions.predicted) == {"other"}
        assert waiting.markers.markers["f0"].claim.attempts == 0

    def test_is_told_about_once_and_once_more_when_it_has_one(self, waiting: World) -> None:
        for _ in range(5):
            waiting.run()
        (alert,) = waiting.alerts.alerts.values()
        assert (alert.rule, alert.subject, alert.state) == ("no_model", "titanic", "firing")

        waiting.service.trouble = lambda _file_id, _rows: None
        waiting.run()
        waiting.run()

        assert set(waiting.ingestions.predicted) == {"f0", "f1", "f2", "other"}
        assert [alert.state for alert in waiting.alerts.alerts.values()] == ["firing", "resolved"]

    def test_is_told_about_anew_when_it_is_lost_again(self, waiting: World) -> None:
        lacking = waiting.service.trouble
        waiting.run()
        waiting.service.trouble = lambda _file_id, _rows: None
        waiting.run()
        waiting.service.trouble = lacking
        waiting.file("one more")
        waiting.run()

        assert [alert.state for alert in waiting.alerts.alerts.values()] == ["firing", "resolved", "firing"]


def test_use_cases_take_turns(world: World) -> None:
    for number in range(3):
        world.file(f"titanic {number}")
    world.flower("iris 0")

    world.run()

    assert [file_id for file_id, _ in world.service.asked] == ["titanic 0", "iris 0", "titanic 1", "titanic 2"]


class TestWhenTimeRunsOut:
    def test_the_rest_of_a_file_is_left_for_the_next_run(self, world: World) -> None:
        world.file("f1", rows=3 * CHUNK)

        def slow(_file_id: str, _rows: Sequence[int]) -> None:
            world.seconds_left = 39

        world.service.trouble = slow
        first = world.run()
        world.seconds_left = 900
        world.service.trouble = lambda _file_id, _rows: None
        second = world.run()

        assert (first.run.status, first.run.files, first.run.rows) == ("completed", 0, CHUNK)
        assert (second.run.status, second.run.files, second.run.rows) == ("completed", 1, 2 * CHUNK)
        assert world.markers.markers["f1"].claim.attempts == 1

    def test_no_further_file_is_claimed(self, world: World) -> None:
        world.file("f1")
        world.seconds_left = 10

        assert world.run().results == []
        assert world.markers.markers == {}


def test_a_file_whose_marker_cannot_be_settled_is_reported_and_others_go_on(world: World) -> None:
    world.file("f1")
    world.file("f2")
    complete = world.markers.complete

    def away(claim: object) -> None:
        world.markers.complete = complete  # type: ignore[method-assign]
        raise StorageUnavailableError("DynamoDB is away")

    world.markers.complete = away  # type: ignore[method-assign]
    world.run()

    assert set(world.ingestions.predicted) == {"f1", "f2"}
