"""Read the feature store."""

from typing import Any

from fastapi import APIRouter, Request, Response

from functions.predict.answers import Time, json_reply
from functions.predict.problems import Described, problem
from functions.predict.request import EntityId, deps_of

router = APIRouter(tags=["features"])


class EntityFeatures(Described):
    """The latest known features of an entity."""

    use_case: str
    entity_id: str
    features: dict[str, Any]
    event_time: Time


@router.get("/features/{use_case}/{entity_id}", response_model=EntityFeatures)
def get_features(request: Request, use_case: str, entity_id: EntityId) -> Response:
    """Return the latest known features of an entity."""
    deps = deps_of(request)
    name = deps.catalog.get(use_case).name
    entity = deps.features.get(name, [entity_id]).get(entity_id)
    if entity is None:
        return problem(404, "unknown-entity", f"The feature store of {name} does not know this entity.")
    times = {"event_time": entity.event_time.isoformat()}
    return json_reply({"use_case": name, "entity_id": entity_id, "features": entity.features, **times})
