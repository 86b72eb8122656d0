"""Which use cases there are, and which models answer for them."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from functions.predict.answers import json_reply
from functions.predict.request import deps_of
from tabserve.core.rules import DESCRIPTIONS
from tabserve.core.use_case import UseCase
from tabserve.registry.version import ModelCards, ModelMetadata
from tabserve.serving.views import reload_models

router = APIRouter(tags=["models"])
DESCRIBED = {
    *("name", "version", "title", "description", "task"),
    *("id_column", "missing_values", "features", "target", "example"),
}
UseCaseName = Annotated[str | None, Query(max_length=40)]


@router.get("/use-cases")
def get_use_cases(request: Request) -> Response:
    """List the use cases, for menus."""
    deps = deps_of(request)
    use_cases = [_summary(deps.catalog.get(name)) for name in deps.catalog.names()]
    return json_reply({"use_cases": use_cases, "default": deps.default_use_case or None})


@router.get("/use-cases/{name}")
def get_use_case(request: Request, name: str) -> Response:
    """Describe a use case's features and target, for forms, and say what the rules for its files mean."""
    use_case = deps_of(request).catalog.get(name)
    body = use_case.model_dump(mode="json", include=DESCRIBED)
    return json_reply(body | {"contract_sha256": use_case.contract_sha256, "rules": DESCRIPTIONS})


@router.get("/model")
def get_model(request: Request, use_case: UseCaseName = None) -> Response:
    """Tell which version answers, how good it is, and which others there are."""
    deps = deps_of(request)
    definition = deps.catalog.get(use_case or deps.default_use_case)
    served = deps.models.champion(definition)
    cards = deps.models.cards(definition)
    return json_reply({"use_case": definition.name, "serving": served.version, **_cards_body(cards)})


@router.post("/reload-model")
def post_reload_model(request: Request, use_case: UseCaseName = None) -> Response:
    """Make this instance read the registry now; every instance does so by itself within 30 seconds."""
    deps = deps_of(request)
    names = [use_case] if use_case else deps.catalog.names()
    return json_reply({"serving": reload_models(names, deps)})


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
