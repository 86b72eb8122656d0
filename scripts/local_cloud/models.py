"""Give every use case a champion before the stack is built, and put the registry into the deployed bucket."""

from collections.abc import Mapping

from local_cloud.config import Place


def train_missing(place: Place) -> None:
    """Train the use cases that have no champion in the local registry, and bake the champions into the layer."""


def publish(place: Place, env: Mapping[str, str]) -> None:
    """Copy the local registry's versions and aliases into the artifacts bucket."""
