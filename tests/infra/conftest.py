from pathlib import Path

import pytest

from local_cloud import deployment, models
from local_cloud.config import Place, free_ports


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `sam build` wrote: one folder for each function and layer, and the template."""
    place = Place(tmp_path_factory.mktemp("build"), free_ports())
    models.train_missing()  # as every stack does: two builds of other things would spoil each other's
    return deployment.build(place)
