from collections.abc import Iterator

import pytest

from local_cloud.stack import local_stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a deployed stack: what `stack.env` holds, on ports and with data of its own."""
    with local_stack(tmp_path_factory.mktemp("stack"), overrides={"ScheduleExpression": "rate(1 minute)"}) as env:
        yield env
