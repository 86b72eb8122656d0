from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from local_cloud import emulator
from local_cloud.config import Place, free_ports
from tabserve.core.folder import FolderStore
from tabserve.registry.store import Registry
from tests.conftest import create_database
from tests.kill import models
from tests.kill.postgres import Postgres
from tests.kill.world import World


@pytest.fixture(scope="session")
def worlds(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[World]]:
    """Two worlds that share the servers: one computes while the other waits."""
    folder = tmp_path_factory.mktemp("kill")
    emulator.prepare()
    place = Place(folder / "aws", free_ports(), durable=False)
    registry = Registry(FolderStore(folder / "registry"))
    models.train_all(registry, models.later_definitions(folder / "later"))
    with ExitStack() as stack:
        stack.callback(emulator.start(place).stop)
        worlds = []
        for name in ("one", "two"):
            url = create_database(postgres_server, f"kill_{name}", "template_tabserve")
            worlds.append(World(f"kill-{name}", Postgres(url, postgres_server), place.aws_endpoint, folder))
            stack.callback(worlds[-1].close)
            for use_case in models.use_cases():
                registry.copy_to(worlds[-1].cloud.registry, use_case)
        yield worlds
