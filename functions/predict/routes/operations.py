"""Is it alive, and how is it used."""

import time
from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html

from functions.predict.answers import json_reply
from functions.predict.problems import Described
from functions.predict.request import deps_of

router = APIRouter(tags=["operations"])
EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


class Health(Described):
    """Whether everything is well, and what can be reached."""

    status: Literal["ok", "degraded"]
    database: bool


@router.get("/health", response_model=Health)
def get_health(request: Request) -> Response:
    """Tell that the service lives and what it can reach."""
    database = deps_of(request).predictions.reachable()
    return json_reply({"status": "ok" if database else "degraded", "database": database})


@router.get("/metrics", response_class=Response, responses={200: {"content": {EXPOSITION: {}}}})
def get_metrics(request: Request) -> Response:
    """Count predictions, files, rules, requests and their latency over all instances, for Prometheus."""
    request.app.state.meter.flush(time.monotonic())
    from functions.predict.exposition import exposition  # its library takes long to import

    return Response(exposition(deps_of(request).predictions.families()), media_type=EXPOSITION)


@router.get("/docs", include_in_schema=False)
def get_docs() -> Response:
    """Show the API for people; the address is relative so that it holds behind a stage path."""
    return get_swagger_ui_html(openapi_url="openapi.json", title="tabserve API")
