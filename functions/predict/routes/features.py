"""Read the feature store."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from functions.predict.problems import problem
from functions.predict.replies import json_reply, service_of
from functions.predict.schemas import ENTITY_ID

router = APIRouter(tags=["features"])


@router.get("/features/{use_case}/{entity_id}")
def get_features(request: Request, use_case: str, entity_id: Annotated[str, Path(pattern=ENTITY_ID)]) -> Response:
    """Return the latest known features of an entity."""
    deps = service_of(request).deps
    name = deps.catalog.get(use_case).name
    entity = deps.features.get(name, [entity_id]).get(entity_id)
    if entity is None:
        return problem(404, "unknown-entity", f"The feature store of {name} does not know this entity.")
    times = {"event_time": entity.event_time.isoformat()}
    return json_reply({"use_case": name, "entity_id": entity_id, "features": entity.features, **times})
