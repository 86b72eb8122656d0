"""What every route needs: the function's parts, the body, and JSON answers."""

import uuid
from typing import Annotated, Any

import orjson
from fastapi import Depends, Request, Response

from tabserve.serving.build import PredictService


def service_of(request: Request) -> PredictService:
    """Return the parts the app was built from."""
    service: PredictService = request.app.state.service
    return service


async def _body(request: Request) -> bytes:
    return await request.body()


# Routes that wait for a database or a bucket are plain functions, run in threads by FastAPI: none holds up others.
RawBody = Annotated[bytes, Depends(_body)]


def request_id_of(request: Request) -> str:
    """Return the id that Lambda gave the request, or a new one under another server."""
    context = request.scope.get("aws.context")
    return str(getattr(context, "aws_request_id", None) or uuid.uuid4())


def json_reply(content: Any, status: int = 200) -> Response:  # noqa: ANN401  JSON can be anything
    """Answer with JSON."""
    return Response(orjson.dumps(content), status, media_type="application/json")
