"""Entities: whom or what is predicted, and the store of their latest features."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tabserve.core.records import Features


@dataclass(frozen=True, slots=True)
class Entity:
    """The latest known features of whom or what is predicted."""

    entity_id: str
    features: Features
    event_time: datetime


class FeatureStore(Protocol):
    """The latest features of entities."""

    def get(self, use_case: str, entity_ids: Sequence[str]) -> Mapping[str, Entity]:
        """Return those that are known, by id, in one round trip per 100."""

    def put(self, use_case: str, entities: Iterable[Entity]) -> int:
        """Store entities, the latest event time winning; return how many were stored."""
