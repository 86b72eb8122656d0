"""A registry in memory."""

from hashlib import sha256
from typing import Any

from tabserve.core.use_case import UseCase
from tabserve.registry.store import Registry
from tabserve.registry.version import ModelMetadata


class UnloadedRegistry(Registry):
    """Keeps versions without models: loading one asks only whether it is there."""

    def add(self, metadata: ModelMetadata, **files: bytes) -> None:
        """Register a version with files, named as `card_html` for card.html."""
        named = {name.replace("_", "."): body for name, body in files.items()}
        hashes = {name: sha256(body).hexdigest() for name, body in named.items()}
        self.register(metadata.model_copy(update={"files": hashes}), named)

    def load(self, use_case: UseCase, version: str) -> Any:
        return self.metadata(use_case.name, version)
