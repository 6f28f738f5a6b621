"""One deployment for all tests of the compose file, removed at the end."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from shanhai.client import ApiClient
from shanhai.data.synthetic_watershed import Watershed, build_watershed
from tests.compose.deployment import (
    Deployment,
    build_images,
    compose_command,
    settings_with_secrets,
)
from tests.support.absent import skip_without, tell_skipped
from tests.support.watershed_platform import CELL_M

WITHOUT = "no container engine answers: THE COMPOSE FILE WAS NOT TESTED"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("compose")
            # Of the test alone: images are built before the first one, which compiles NumPy.
            item.add_marker(pytest.mark.timeout(900, func_only=True))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    tell_skipped(terminalreporter, WITHOUT)


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Everything up, the containers of docs/operations.md that scale twice each."""
    command = compose_command()
    if command is None:
        skip_without("engine", WITHOUT)
    folder = tmp_path_factory.mktemp("compose")
    one = Deployment(command, "shanhai-test", folder, settings_with_secrets())
    build_images()
    one.down()
    try:
        one.up("proxy", "worker", "dask-worker")
        yield one
    finally:
        one.down()


@pytest.fixture(scope="session")
def deployment_key(deployment: Deployment) -> str:
    """A key that may do everything."""
    return deployment.key()


@pytest.fixture
def proxied(deployment: Deployment, deployment_key: str) -> Iterator[httpx.Client]:
    """Plain HTTP through the proxy."""
    with deployment.http(deployment_key) as one:
        yield one


@pytest.fixture
def proxied_client(deployment: Deployment, deployment_key: str) -> Iterator[ApiClient]:
    """The proxied_client of the API, through the proxy."""
    with deployment.api(deployment_key) as one:
        yield one


@pytest.fixture(scope="session")
def watershed_files(tmp_path_factory: pytest.TempPathFactory) -> Watershed:
    """Rasters of all themes, made in code."""
    return build_watershed(tmp_path_factory.mktemp("watershed"), cells=96, cell_m=CELL_M)
