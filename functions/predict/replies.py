"""What every route needs: the function's parts, and JSON answers."""

from typing import Any

import orjson
from fastapi import Request, Response

from tabserve.bootstrap import PredictService


def service_of(request: Request) -> PredictService:
    """Return the parts the app was built from."""
    service: PredictService = request.app.state.service
    return service


def json_reply(content: Any, status: int = 200) -> Response:  # noqa: ANN401  JSON can be anything
    """Answer with JSON."""
    return Response(orjson.dumps(content), status, media_type="application/json")
