"""Which use cases there are, and which models answer for them."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from functions.predict.answers import json_reply
from functions.predict.request import service_of
from tabserve.core.rules import DESCRIPTIONS
from tabserve.core.use_case import UseCase
from tabserve.registry.version import ModelCards, ModelMetadata
from tabserve.serving import model_versions as models

router = APIRouter(tags=["models"])
DESCRIBED = {
    *("name", "version", "title", "description", "task"),
    *("id_column", "missing_values", "features", "target", "example"),
}
UseCaseName = Annotated[str | None, Query(max_length=40)]


@router.get("/use-cases")
def get_use_cases(request: Request) -> Response:
    """List the use cases, for menus."""
    service = service_of(request)
    use_cases = [_summary(service.deps.catalog.get(name)) for name in service.deps.catalog.names()]
    return json_reply({"use_cases": use_cases, "default": service.default_use_case or None})


@router.get("/use-cases/{name}")
def get_use_case(request: Request, name: str) -> Response:
    """Describe a use case's features and target, for forms, and say what the rules for its files mean."""
    use_case = service_of(request).deps.catalog.get(name)
    body = use_case.model_dump(mode="json", include=DESCRIBED)
    return json_reply(body | {"contract_sha256": use_case.contract_sha256, "rules": DESCRIPTIONS})


@router.get("/model")
def get_model(request: Request, use_case: UseCaseName = None) -> Response:
    """Tell which version answers, how good it is, and which others there are."""
    service = service_of(request)
    definition = service.deps.catalog.get(use_case or service.default_use_case)
    served = service.deps.models.champion(definition)
    cards = service.registry.cards(definition)
    return json_reply({"use_case": definition.name, "serving": served.version, **_cards_body(cards)})


@router.post("/reload-model")
def post_reload_model(request: Request, use_case: UseCaseName = None) -> Response:
    """Make this instance read the registry now; every instance does so by itself within 30 seconds."""
    service = service_of(request)
    names = [use_case] if use_case else service.deps.catalog.names()
    return json_reply({"serving": models.reload(names, service.deps.catalog, service.deps.models)})


def _summary(use_case: UseCase) -> dict[str, Any]:
    return use_case.model_dump(mode="json", include={"name", "title", "description", "task"})


def _cards_body(cards: ModelCards) -> dict[str, Any]:
    return {
        "champion": _card(cards.champion),
        "challenger": _card(cards.challenger),
        "versions": [_card(version) for version in cards.versions],
    }


def _card(metadata: ModelMetadata | None) -> dict[str, Any] | None:
    return None if metadata is None else metadata.model_dump(mode="json", exclude={"files"})
