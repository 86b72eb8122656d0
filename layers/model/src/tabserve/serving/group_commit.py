"""Store the predictions of simultaneous calls together: a commit costs the same for one as for all that wait."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tabserve.core.errors import UnavailableError
from tabserve.serving.ports import PredictionStore
from tabserve.serving.prediction import PredictionBatch

Waiting = tuple[PredictionBatch, "asyncio.Future[None]"]


class GroupCommit:
    """Writes in a thread of its own while other calls are answered; what comes meanwhile is the next group."""

    def __init__(self, store: PredictionStore) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(1, "predictions")
        self._waiting: list[Waiting] = []
        self._writing: asyncio.Task[None] | None = None

    async def add(self, batch: PredictionBatch) -> None:
        """Return when the batch is stored; raise what its store raises, and then it may not be stored."""
        stored = asyncio.get_running_loop().create_future()
        self._waiting.append((batch, stored))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        await stored

    async def _write_all(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            await self._write(group)

    async def _write(self, group: Sequence[Waiting]) -> None:
        batches = [batch for batch, _ in group]
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._store.add, *batches)
        except Exception as error:  # noqa: BLE001  whoever waits must hear of it
            if len(group) > 1 and not isinstance(error, UnavailableError):
                for one in group:  # a batch that cannot be stored fails alone
                    await self._write([one])
            else:
                _finish(group, error)
        else:
            _finish(group, None)


def _finish(group: Sequence[Waiting], error: Exception | None) -> None:
    for _, stored in group:
        if stored.done():  # its caller has gone
            continue
        if error is None:
            stored.set_result(None)
        else:
            stored.set_exception(error)
