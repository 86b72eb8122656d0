"""Which use cases there are, and which models answer for them."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import ConfigDict, Field

from functions.predict.answers import json_reply
from functions.predict.problems import Described
from functions.predict.request import deps_of
from tabserve.core.rules import DESCRIPTIONS
from tabserve.core.use_case import Feature, Target, UseCase
from tabserve.registry.version import ModelCards, ModelMetadata
from tabserve.serving.views import reload_models

router = APIRouter(tags=["models"])
UseCaseName = Annotated[str | None, Query(max_length=40)]


class Summary(Described):
    """A use case in a menu."""

    name: str
    title: str
    description: str
    task: str


class UseCases(Described):
    """The use cases there are, and the one of a bare record."""

    use_cases: list[Summary]
    default: str | None


class UseCaseDescription(Summary):
    """A use case as forms and readers of its files need it."""

    version: int
    id_column: str
    missing_values: list[str]
    features: list[Feature]
    target: Target
    example: dict[str, Any]
    contract_sha256: str
    rules: dict[str, str]


class Card(ModelMetadata):
    """What is known about a version."""

    model_config = ConfigDict(defer_build=True)
    files: Mapping[str, str] = Field(exclude=True)


class ModelAnswer(Described):
    """Which version answers, and which others there are."""

    use_case: str
    serving: str
    champion: Card | None
    challenger: Card | None
    versions: list[Card]


class Reloaded(Described):
    """The version served now, by use case."""

    serving: dict[str, str | None]


@router.get("/use-cases", response_model=UseCases)
def get_use_cases(request: Request) -> Response:
    """List the use cases, for menus."""
    deps = deps_of(request)
    use_cases = [_summary(deps.catalog.get(name)) for name in deps.catalog.names()]
    return json_reply({"use_cases": use_cases, "default": deps.default_use_case or None})


@router.get("/use-cases/{name}", response_model=UseCaseDescription)
def get_use_case(request: Request, name: str) -> Response:
    """Describe a use case's features and target, for forms, and say what the rules for its files mean."""
    use_case = deps_of(request).catalog.get(name)
    body = use_case.model_dump(mode="json", include=set(UseCaseDescription.model_fields))
    return json_reply(body | {"contract_sha256": use_case.contract_sha256, "rules": DESCRIPTIONS})


@router.get("/model", response_model=ModelAnswer)
def get_model(request: Request, use_case: UseCaseName = None) -> Response:
    """Tell which version answers, how good it is, and which others there are."""
    deps = deps_of(request)
    definition = deps.catalog.get(use_case or deps.default_use_case)
    served = deps.models.champion(definition)
    cards = deps.models.cards(definition)
    return json_reply({"use_case": definition.name, "serving": served.version, **_cards_body(cards)})


@router.post("/reload-model", response_model=Reloaded)
def post_reload_model(request: Request, use_case: UseCaseName = None) -> Response:
    """Make this instance read the registry now; every instance does so by itself within 30 seconds."""
    deps = deps_of(request)
    names = [use_case] if use_case else deps.catalog.names()
    return json_reply({"serving": reload_models(names, deps)})


def _summary(use_case: UseCase) -> dict[str, Any]:
    return use_case.model_dump(mode="json", include=set(Summary.model_fields))


def _cards_body(cards: ModelCards) -> dict[str, Any]:
    return {
        "champion": _card(cards.champion),
        "challenger": _card(cards.challenger),
        "versions": [_card(version) for version in cards.versions],
    }


def _card(metadata: ModelMetadata | None) -> dict[str, Any] | None:
    return None if metadata is None else metadata.model_dump(mode="json", exclude={"files"})
