import time
from collections.abc import Sequence
from datetime import timedelta
from threading import Barrier, Lock

from tabserve.batch.score_file import CHUNK, CHUNK_BYTES
from tabserve.batch.service import MAX_HOPS, MAX_LARGE_FILES, go_on, score_pending
from tabserve.core.errors import PredictionServiceError
from tests.factories import good_object
from tests.unit.batch.world import HEADER, World, fails, line


class TestTurns:
    def test_a_large_file_holds_up_no_small_one(self, world: World) -> None:
        world.file("large", rows=5 * CHUNK)
        for number in range(3):
            world.file(f"small {number}")

        world.run()

        order = [file_id for file_id, _ in world.service.asked]
        assert order == ["large", "small 0", "small 1", "small 2", *["large"] * 4]

    def test_a_file_that_arrives_meanwhile_has_its_turn(self, world: World) -> None:
        world.file("large", rows=6 * CHUNK)
        arrives = iter(["arrives"])

        def passes(_file_id: str, _rows: Sequence[int]) -> None:
            world.seconds_left -= 3
            for file_id in arrives:
                world.file(file_id)

        world.service.trouble = passes
        world.run()

        order = [file_id for file_id, _ in world.service.asked]
        assert order.index("arrives") in (2, 3)
        assert set(world.ingestions.predicted) == {"large", "arrives"}

    def test_only_so_many_large_files_are_open_at_once(self, world: World) -> None:
        for number in range(MAX_LARGE_FILES + 2):
            world.file(f"large {number}", rows=CHUNK + 1)
        world.file("small")

        world.run()

        order = [file_id for file_id, _ in world.service.asked]
        assert order[:MAX_LARGE_FILES] == [f"large {number}" for number in range(MAX_LARGE_FILES)]
        assert order[MAX_LARGE_FILES] == "small"
        assert len(world.ingestions.predicted) == MAX_LARGE_FILES + 3

    def test_a_file_that_is_open_is_closed_when_a_service_goes_away(self, world: World) -> None:
        for number in range(4):
            world.file(f"f{number}", rows=CHUNK + 1)
        world.service.trouble = fails(99, lambda: PredictionServiceError("away"))

        world.run()

        assert {marker.claim.attempts for marker in world.markers.markers.values()} == {0}


class TestCallsAtOnce:
    def test_become_as_many_as_there_may_be(self, world: World) -> None:
        world.calls = 4
        world.file("f1", rows=9 * CHUNK)
        lock, in_the_air, most = Lock(), set[int](), list[int]()

        def trouble(_file_id: str, rows: Sequence[int]) -> None:
            with lock:
                in_the_air.add(rows[0])
                most.append(len(in_the_air))
            time.sleep(0.5)
            with lock:
                in_the_air.remove(rows[0])

        world.service.trouble = trouble
        world.run()

        assert most[0] == 1
        assert max(most) == 4
        assert world.ingestions.rows_predicted["f1"] == set(range(1, 9 * CHUNK + 1))
        assert "f1" in world.ingestions.predicted

    def test_of_a_file_are_all_awaited_before_it_is_left(self, world: World) -> None:
        world.calls = 2
        world.file("f1", rows=6 * CHUNK)
        together = Barrier(2, timeout=5)  # which the last call waits for nobody

        def trouble(_file_id: str, rows: Sequence[int]) -> None:
            if rows[0] == 1:
                return
            together.wait()
            if rows[0] == CHUNK + 1:
                raise PredictionServiceError("away")

        world.service.trouble = trouble
        (result,) = world.run().results

        assert (result.rows, result.cause) == (2 * CHUNK, "outage")
        assert world.markers.markers["f1"].claim.attempts == 0
        assert world.ingestions.rows_predicted["f1"] == {*range(1, CHUNK + 1), *range(2 * CHUNK + 1, 3 * CHUNK + 1)}

    def test_go_on_with_the_rows_that_a_killed_one_left_out(self, world: World) -> None:
        world.file("f1", rows=4 * CHUNK)
        world.ingestions.rows_predicted["f1"] = {*range(1, CHUNK + 1), *range(2 * CHUNK + 1, 3 * CHUNK + 1)}

        world.run()

        assert [(rows[0], rows[-1]) for _, rows in world.service.asked] == [
            (CHUNK + 1, 2 * CHUNK),
            (3 * CHUNK + 1, 4 * CHUNK),
        ]


def test_chunks_of_wide_rows_have_fewer_rows(world: World) -> None:
    verdict = world.file("f1", rows=20)
    wide = CHUNK_BYTES // 8  # an id cannot be so long, but nothing here looks
    rows = {number: line(number).replace(str(number), "9" * wide, 1) for number in range(1, 21)}
    world.good.put(str(verdict.good_key), good_object(HEADER, rows))

    world.run()

    assert {len(rows) for _, rows in world.service.asked} == {7, 6}
    assert world.ingestions.rows_predicted["f1"] == set(range(1, 21))


class TestWorkThatIsLeft:
    def left(self, world: World, hop: int = 0) -> bool:
        scored = score_pending(world.deps(), "worker", lambda: world.seconds_left)
        return go_on(world.deps(), scored, "scheduled", hop)

    def slow(self, world: World) -> None:
        def trouble(_file_id: str, _rows: Sequence[int]) -> None:
            world.seconds_left = 39

        world.service.trouble = trouble

    def test_goes_on_at_once(self, world: World) -> None:
        world.file("f1", rows=2 * CHUNK)
        self.slow(world)

        assert self.left(world)
        assert world.runs_again == [("scheduled", 1)]

    def test_may_be_files_that_nobody_has_begun(self, world: World) -> None:
        world.file("f1")
        world.file("f2")
        self.slow(world)

        assert self.left(world)

    def test_is_the_schedules_after_a_chain_of_runs(self, world: World) -> None:
        world.file("f1", rows=2 * CHUNK)
        self.slow(world)

        assert not self.left(world, hop=MAX_HOPS)
        assert world.runs_again == []

    def test_is_the_schedules_where_nothing_got_ahead(self, world: World) -> None:
        world.file("f1")
        world.seconds_left = 10

        assert not self.left(world)

    def test_is_none_when_all_is_done_or_a_service_is_away(self, world: World) -> None:
        world.file("f1")
        assert not self.left(world)

        world.file("f2")
        world.service.trouble = fails(99, lambda: PredictionServiceError("away"))
        assert not self.left(world)


def test_a_lease_is_extended_while_the_work_goes_on(world: World) -> None:
    world.file("f1", rows=6 * CHUNK)

    def passes(_file_id: str, _rows: Sequence[int]) -> None:
        world.markers.now += timedelta(seconds=40)

    world.service.trouble = passes
    (result,) = world.run().results

    assert result.done


def test_a_lease_is_extended_while_predicted_rows_are_passed_over(world: World) -> None:
    world.file("f1", rows=6 * CHUNK)
    world.ingestions.rows_predicted["f1"] = set(range(1, 6 * CHUNK))
    known = world.ingestions.predicted_rows

    def slow(file_id: str, first: int, last: int) -> Sequence[int]:
        world.markers.now += timedelta(seconds=40)
        assert world.markers.claim("f1", "another worker", 60) is None
        return known(file_id, first, last)

    world.ingestions.predicted_rows = slow  # type: ignore[method-assign]
    (result,) = world.run().results

    assert (result.done, result.rows) == (True, 1)
