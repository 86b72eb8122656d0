import pytest

from tests.unit.batch.world import World


@pytest.fixture
def world() -> World:
    """Nothing but services that are well."""
    return World()
