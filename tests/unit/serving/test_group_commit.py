import asyncio
from threading import Event

import pytest

from tabserve.core.errors import DatabaseUnavailableError
from tabserve.serving.group_commit import GroupCommit
from tabserve.serving.prediction import PredictionBatch
from tests.coroutines import run
from tests.factories import batch
from tests.fakes.predictions import FakePredictions


class SlowPredictions(FakePredictions):
    """Notes the groups it is given; the first write lasts until it may end."""

    def __init__(self) -> None:
        super().__init__()
        self.groups: list[int] = []
        self.may_end = Event()

    def add(self, *batches: PredictionBatch) -> None:
        self.groups.append(len(batches))
        assert self.may_end.wait(10)
        if any(one.use_case == "refused" for one in batches):
            raise ValueError("no such column")
        super().add(*batches)


async def _meanwhile(writer: GroupCommit, store: SlowPredictions, *batches: PredictionBatch) -> list[object]:
    """Store one batch and, while that is being written, others; return how each ended."""
    first = asyncio.create_task(writer.add(batch(1)))
    while not store.groups:
        await asyncio.sleep(0.001)
    others = [asyncio.create_task(writer.add(one)) for one in batches]
    await asyncio.sleep(0)
    store.may_end.set()
    return list(await asyncio.gather(first, *others, return_exceptions=True))


def test_what_comes_during_a_write_is_written_together_with_the_next() -> None:
    store = SlowPredictions()

    ended = run(_meanwhile(GroupCommit(store), store, batch(1), batch(3), batch(700)))

    assert ended == [None] * 4
    assert store.groups == [1, 3]
    assert len(store.stored) == 1 + 1 + 3 + 700


def test_a_batch_that_cannot_be_stored_fails_alone() -> None:
    store = SlowPredictions()

    ended = run(_meanwhile(GroupCommit(store), store, batch(1), batch(1, use_case="refused"), batch(1)))

    assert [type(one) for one in ended] == [type(None), type(None), ValueError, type(None)]
    assert len(store.stored) == 3


def test_all_who_wait_hear_of_an_absent_database_and_later_calls_are_stored() -> None:
    store = FakePredictions(unavailable=True)
    writer = GroupCommit(store)

    async def calls() -> list[object]:
        return list(await asyncio.gather(*(writer.add(batch(1)) for _ in range(3)), return_exceptions=True))

    assert [type(one) for one in run(calls())] == [DatabaseUnavailableError] * 3
    store.unavailable = False
    assert run(calls()) == [None] * 3
    assert len(store.stored) == 3


def test_a_caller_who_goes_away_does_not_hold_up_the_others() -> None:
    store = SlowPredictions()
    writer = GroupCommit(store)

    async def calls() -> None:
        impatient = asyncio.create_task(writer.add(batch(1)))
        while not store.groups:
            await asyncio.sleep(0.001)
        patient = asyncio.create_task(writer.add(batch(1)))
        await asyncio.sleep(0)
        impatient.cancel()
        store.may_end.set()
        await patient
        with pytest.raises(asyncio.CancelledError):
            await impatient

    run(calls())

    assert len(store.stored) == 2
