"""Is it alive, and how is it used."""

from fastapi import APIRouter, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html

from functions.predict.replies import json_reply, service_of

router = APIRouter(tags=["operations"])


@router.get("/health")
async def get_health(request: Request) -> Response:
    """Tell that the service lives and what it can reach."""
    database = service_of(request).deps.predictions.reachable()
    return json_reply({"status": "ok" if database else "degraded", "database": database})


@router.get("/docs", include_in_schema=False)
async def get_docs() -> Response:
    """Show the API for people; the address is relative so that it holds behind a stage path."""
    return get_swagger_ui_html(openapi_url="openapi.json", title="tabserve API")
