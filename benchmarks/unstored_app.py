"""The prediction API with storing switched off, to be compared with servers that store nothing."""

from collections.abc import Sequence
from dataclasses import replace

from functions.predict.app import app
from tabserve.serving.metrics import RequestCount
from tabserve.serving.prediction import PredictionBatch


class Nowhere:
    """Takes predictions and request counts and forgets them."""

    async def add(self, batch: PredictionBatch) -> None:
        """Store nothing."""

    def add_requests(self, counts: Sequence[RequestCount]) -> None:
        """Count nothing."""


service = app.state.service
app.state.service = replace(service, deps=replace(service.deps, writer=Nowhere()))
__all__ = ["app"]
