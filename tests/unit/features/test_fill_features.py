"""Good files on their way into the feature store: in parts, again, in any order, broken off."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from tabserve.core.entities import Entity
from tabserve.core.errors import StorageUnavailableError
from tabserve.core.events import GoodFile, good_files
from tabserve.core.use_case import UseCase
from tabserve.features import service as fill_features
from tabserve.features.service import FillDependencies, Filled
from tests.factories import NOON, good_object
from tests.fakes.catalog import FakeCatalog
from tests.fakes.objects import FakeObjects
from tests.fakes.predictions import FakeFeatures, FakeQueue
from tests.unit.ingestion.conftest import USE_CASE

KEY = "orders/00ff/a b+c.csv"
HEADER = "id,size,price,pieces,grade,weight,note"
STORED = USE_CASE.model_copy(update={"feature_store": True})


@dataclass
class BreakingFeatures(FakeFeatures):
    """Stores so many entities and is away then."""

    room: int = 0

    def put(self, use_case: str, entities: Iterable[Entity]) -> int:
        entities = list(entities)
        if len(entities) > self.room:
            super().put(use_case, entities[: self.room])
            raise StorageUnavailableError("The table features does not answer.")
        return super().put(use_case, entities)


@dataclass
class World:
    """A good bucket, a queue, a feature store and a use case."""

    use_case: UseCase = STORED
    good: FakeObjects = field(default_factory=FakeObjects)
    features: FakeFeatures = field(default_factory=FakeFeatures)
    queue: FakeQueue = field(default_factory=FakeQueue)
    seconds: float = 100.0

    def drop(self, lines: Iterable[str], key: str = KEY, written: int | None = None, header: str = HEADER) -> GoodFile:
        """Put a good file there whose raw file was written so many minutes after noon; rows are numbered from 11."""
        notes = {} if written is None else {"raw-written-at": (NOON + timedelta(minutes=written)).isoformat()}
        self.good.objects.pop(key, None)
        self.good.put_new(key, good_object(header, dict(enumerate(lines, start=11))), metadata=notes)
        return GoodFile("good", key)

    def fill(self, file: GoodFile) -> Filled:
        catalog, clock = FakeCatalog([self.use_case]), lambda: NOON + timedelta(hours=1)
        deps = FillDependencies(catalog, self.good, self.features, self.queue, clock)
        return fill_features.fill_features(file, deps, lambda: self.seconds)

    def price(self, id_: str = "1") -> object:
        return self.features.entities["orders", id_].features["price"]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(fill_features, "ROWS_PER_PIECE", 10)
    return World()


def line(number: object, price: float = 1.5) -> str:
    return f'{number},small,{price},3,,,"a ""quoted"",\nnote"'


def counts(filled: Filled) -> tuple[int, int, int, int]:
    return filled.rows, filled.stored, filled.older, len(filled.refused)


def continued(world: World) -> GoodFile:
    (file,) = good_files(world.queue.sent.pop().decode())
    return file


def test_every_row_of_a_file_is_stored_with_the_age_of_the_raw_file(world: World) -> None:
    filled = world.fill(world.drop(map(line, range(25)), written=7))
    assert counts(filled) == (25, 25, 0, 0)
    assert not world.queue.sent
    assert {entity.event_time for entity in world.features.entities.values()} == {NOON + timedelta(minutes=7)}
    assert world.features.entities["orders", "24"].features.keys() == set(USE_CASE.feature_names)


def test_a_file_without_a_note_is_as_old_as_itself(world: World) -> None:
    world.fill(world.drop([line(1)]))
    assert world.features.entities["orders", "1"].event_time == world.good.written_at


def test_a_repeated_event_changes_nothing(world: World) -> None:
    file = world.drop(map(line, range(25)), written=7)
    world.fill(file)
    before = dict(world.features.entities)
    assert counts(world.fill(file)) == (25, 0, 25, 0)
    assert world.features.entities == before


@pytest.mark.parametrize("order", [("old", "new"), ("new", "old")])
def test_the_newer_raw_file_wins_in_whatever_order_they_come(world: World, order: tuple[str, str]) -> None:
    files = {
        "old": world.drop([line(1, price=1)], key="orders/0/a.csv", written=1),
        "new": world.drop([line(1, price=2)], key="orders/1/a.csv", written=2),
    }
    for name in order:
        world.fill(files[name])
    assert world.price() == 2


def test_a_file_goes_on_in_other_invocations_when_time_gets_short(world: World) -> None:
    file = world.drop([line(number, price=number) for number in range(25)])
    world.seconds = 1
    parts = []
    while True:
        filled = world.fill(file)
        parts.append(filled.rows)
        if filled.left is None:
            break
        file = continued(world)
        assert file == filled.left
    assert parts == [10, 10, 5]
    assert [world.price(str(number)) for number in range(25)] == list(range(25))


def test_a_part_ends_after_so_many_rows_and_not_behind_the_last_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fill_features, "ROWS_PER_PART", 20)
    file = world.drop(map(line, range(40)))
    assert world.fill(file).rows == 20
    rest = world.fill(continued(world))
    assert (rest.rows, rest.left, world.queue.sent) == (20, None, [])


def test_a_refused_row_is_told_by_its_number_in_the_raw_file_however_far_the_file_got(world: World) -> None:
    world.seconds = 1
    world.fill(world.drop([*map(line, range(12)), "12,huge,1,1,,,", *map(line, range(13, 15))]))
    assert world.fill(continued(world)).refused == {23: "not_a_row"}


def test_a_part_that_broke_off_is_done_again_from_its_beginning(world: World) -> None:
    file = world.drop(map(line, range(25)), written=7)
    world.features = broken = BreakingFeatures(room=4)
    with pytest.raises(StorageUnavailableError):
        world.fill(file)
    assert len(world.features.entities) == 4
    broken.room = 100
    assert counts(world.fill(file)) == (25, 21, 4, 0)


def test_a_continuation_delivered_twice_and_out_of_order_ends_with_the_same(world: World) -> None:
    world.seconds = 1
    file = world.drop([line(number, price=number) for number in range(25)])
    world.fill(file)
    second = continued(world)
    world.fill(second)
    third = continued(world)
    for part in (third, second, third, file, second):
        world.fill(part)
    assert [world.price(str(number)) for number in range(25)] == list(range(25))


def test_a_file_replaced_meanwhile_is_left_to_its_own_event(world: World) -> None:
    world.seconds = 1
    world.fill(world.drop(map(line, range(25))))
    rest = continued(world)
    world.drop([line(99)])
    assert world.fill(rest).skipped == "it is gone or was replaced"
    del world.good.objects[KEY]
    assert world.fill(GoodFile("good", KEY)).skipped == "it is gone or was replaced"


def test_hostile_rows_are_counted_and_the_others_stored(world: World) -> None:
    filled = world.fill(world.drop([line(1), "2,small,nan,1,,,", line(""), "4,small", line(5), "\xff,small,1,1,,,"]))
    assert counts(filled) == (6, 3, 0, 3)
    assert filled.refused == dict.fromkeys([12, 13, 14], "not_a_row")


@pytest.mark.parametrize(
    ("header", "lines", "message"),
    [
        ("id,size", ["1,small"], "the file has no column grade, price"),
        ("", [], "the file has no column id"),
        (HEADER, [line(1), '2,"small"x,1,1,,,'], "not CSV before byte"),
    ],
)
def test_a_file_that_can_never_be_read_is_not_asked_for_again(
    world: World, header: str, lines: list[str], message: str
) -> None:
    assert message in world.fill(world.drop(lines, header=header)).malformed


def test_a_file_that_does_not_number_its_rows_is_left_with_a_sentence(world: World) -> None:
    file = world.drop([])
    for body in (b"", f"{HEADER}\n{line(1)}\n".encode(), f"row_number,{HEADER}\nx,{line(1)}\n".encode()):
        world.good.objects[KEY] = body
        assert "good file" in world.fill(file).malformed
    assert not world.features.entities


def test_a_use_case_can_do_without_the_feature_store(world: World) -> None:
    file = world.drop([line(1)])
    world.use_case = USE_CASE
    assert world.fill(file).skipped == "its use case does not say feature_store: true"
    assert world.fill(replace(file, key="tulips/0/a.csv")).skipped == "its key names no use case"
    assert not world.features.entities


def test_rows_are_as_old_as_their_own_time_where_the_use_case_names_a_column(world: World) -> None:
    world.use_case = UseCase.model_validate(STORED.model_dump() | {"event_time_column": "seen"})
    header = f"{HEADER},Seen"
    world.fill(world.drop([f"{line(1, 1)},2026-01-02T10:00:00Z"], written=9, header=header))
    filled = world.fill(
        world.drop(
            [f"{line(1, 2)},2026-01-02T09:00:00Z", f"{line(2)},", f"{line(3, 4)},2026-01-02T09:30:00+00:00"],
            written=10,
            header=header,
        )
    )
    assert counts(filled) == (3, 1, 1, 1)
    assert filled.refused == {12: "not_a_time"}
    assert (world.price("1"), world.price("3")) == (1, 4)
