"""Which use cases there are, and which models answer for them."""

import heapq
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query, Request, Response
from pydantic import BeforeValidator, ConfigDict, Field, field_serializer

from functions.predict.answers import json_reply
from functions.predict.problems import Described
from functions.predict.request import deps_of
from tabserve.core.derived import KINDS, Derived
from tabserve.core.features import Feature
from tabserve.core.limits import FileFormat, Monitoring
from tabserve.core.rules import DESCRIPTIONS
from tabserve.core.target import Decision, Target
from tabserve.registry.version import Diagnostics, ModelMetadata
from tabserve.serving.views import reload_models

router = APIRouter(tags=["models"])
MOST_IMPORTANT = 50  # an answer lists every version there is, and Lambda's answers end at 6 MB
MOST_LEARNED = 200  # of an open category
UseCaseName = Annotated[str | None, Query(max_length=40)]


class Summary(Described):
    """A use case in a menu."""

    name: str
    title: str
    description: str
    task: str


class UseCases(Described):
    """The use cases there are, the names of those that were retired, and the one of a bare record."""

    use_cases: list[Summary]
    retired: list[str]
    default: str | None


class DerivedFeature(Described):
    """What is computed of a record: from which columns, and how."""

    name: str
    type: str
    description: str
    unit: str
    sources: list[str]
    computed_as: str = Field(description="As the definition calls it: sum, ratio, days_between, …")

    @classmethod
    def of(cls, derived: Derived) -> Self:
        """Describe a derived feature."""
        return cls(
            name=derived.name,
            type=derived.feature.type,
            description=derived.description,
            unit=derived.unit,
            sources=list(derived.sources),
            computed_as=next(name for name, kind in KINDS.items() if isinstance(derived, kind)),
        )


class UseCaseDescription(Described):
    """A use case as forms and readers of its files need it."""

    name: str
    version: int
    title: str
    description: str
    task: str
    id_column: str | None
    format: FileFormat
    missing_values: list[str]
    features: list[Feature]
    derived: list[Annotated[DerivedFeature, BeforeValidator(DerivedFeature.of)]]
    target: Target
    decision: Decision | Literal["max_f1"] | None
    monitoring: Monitoring
    example: dict[str, bool | str | int | float]
    contract_sha256: str
    rules: Mapping[str, str] = Field(default_factory=lambda: DESCRIPTIONS)


class Card(ModelMetadata):
    """What is known about a version, with the importance of the 50 columns that matter most."""

    model_config = ConfigDict(defer_build=True, from_attributes=True)
    files: Mapping[str, str] = Field(exclude=True)
    vocabulary: Mapping[str, tuple[str, ...]] = Field(exclude=True)
    typical: Mapping[str, bool | str | int | float] = Field(exclude=True)

    @field_serializer("diagnostics")
    def _most_important(self, found: Diagnostics | None) -> Diagnostics | None:
        if found is None or len(found.importance) <= MOST_IMPORTANT:
            return found
        kept = heapq.nlargest(MOST_IMPORTANT, found.importance.items(), key=lambda each: each[1].value)
        return found.model_copy(update={"importance": dict(kept)})


class Cards(Described):
    """What is known about the versions that have a role, and about all of them."""

    champion: Card | None
    challenger: Card | None
    versions: list[Card]


class ModelAnswer(Cards):
    """Which version answers, which others there are, and what is typical of the rows the champion was tested on.

    `vocabulary`: by open category the values that it learned, most frequent first, 200 at most.
    """

    use_case: str
    serving: str
    typical: dict[str, bool | str | int | float]
    vocabulary: dict[str, list[str]]


class Reloaded(Described):
    """The version served now, by use case."""

    serving: dict[str, str | None]


@router.get("/use-cases", response_model=UseCases)
def get_use_cases(request: Request) -> Response:
    """List the use cases, for menus."""
    deps = deps_of(request)
    use_cases = [Summary.model_validate(deps.catalog.get(name)) for name in deps.catalog.names()]
    retired = list(deps.catalog.retired())
    return json_reply(UseCases(use_cases=use_cases, retired=retired, default=deps.default_use_case or None))


@router.get("/use-cases/{name}", response_model=UseCaseDescription)
def get_use_case(request: Request, name: str) -> Response:
    """Describe a use case's features and target, for forms, and say what the rules for its files mean."""
    return json_reply(UseCaseDescription.model_validate(deps_of(request).catalog.get(name)))


@router.get("/model", response_model=ModelAnswer)
def get_model(request: Request, use_case: UseCaseName = None) -> Response:
    """Tell which version answers, how good it is, and which others there are."""
    deps = deps_of(request)
    name = use_case or deps.default_use_case
    served, known = deps.models.champion(name), deps.models.cards(name)
    typical = known.champion.typical if known.champion else {}
    cards = dict(Cards.model_validate(known))
    learned = known.champion.vocabulary if known.champion else {}
    vocabulary = {each: list(values[:MOST_LEARNED]) for each, values in learned.items()}
    told = {"use_case": name, "serving": served.version, "typical": typical, "vocabulary": vocabulary}
    return json_reply(told | cards)


@router.post("/reload-model", response_model=Reloaded)
def post_reload_model(request: Request, use_case: UseCaseName = None) -> Response:
    """Make this instance read the registry now; every instance does so by itself within 30 seconds."""
    deps = deps_of(request)
    names = [use_case] if use_case else deps.catalog.names()
    return json_reply({"serving": reload_models(names, deps)})
