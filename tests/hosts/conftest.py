"""Two hosts for all tests of this folder, gone at the end however that comes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shanhai.data.synthetic_watershed import Watershed, build_watershed
from shanhai.processes.catalogue import compute_of, read_task
from shanhai.storage.artifacts import sha256_of
from tests.hosts.network import linked_hosts, missing_for_hosts
from tests.hosts.platform import TwoHosts, ask_for_zones, start_two_hosts
from tests.support.absent import skip_without, tell_skipped
from tests.support.object_stores import open_bucket
from tests.support.run_directory import run_directory
from tests.support.watershed_platform import CELL_M, import_watershed

WITHOUT = "network namespaces cannot be made: WHAT TWO HOSTS DO TOGETHER WAS NOT TESTED"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("hosts")
            item.add_marker("service")
            item.add_marker(pytest.mark.timeout(1800))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    tell_skipped(terminalreporter, WITHOUT)


@pytest.fixture(scope="session")
def two_hosts() -> Iterator[TwoHosts]:
    """The platform on both."""
    if (missing := missing_for_hosts()) is not None:
        skip_without("hosts", f"{WITHOUT} ({missing})")
    with (
        run_directory() as folder,
        linked_hosts(folder) as link,
        start_two_hosts(link) as platform,
    ):
        yield platform


@pytest.fixture(scope="session")
def wide_region(two_hosts: TwoHosts, tmp_path_factory: pytest.TempPathFactory) -> Watershed:
    """A region of two windows in each direction, with its plan and rasters on the platform."""
    folder = tmp_path_factory.mktemp("wide")
    watershed = build_watershed(folder, cells=600, cell_m=CELL_M)
    with two_hosts.api(two_hosts.truth) as api:
        import_watershed(api, two_hosts.database_url, watershed, folder)
    return watershed


@pytest.fixture(scope="session")
def bytes_of_one_process(
    two_hosts: TwoHosts, first_zoning: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """SHA-256 of what the task of the first zoning gives in this process, by output."""
    task = read_task(two_hosts.job(first_zoning).task)
    truth = two_hosts.truth
    store = open_bucket(two_hosts.settings(truth, "cache-tests", address=truth.outside))
    files = {one.uri: str(store.local_path(one.uri)) for one in task.datasets.values()}
    folder = tmp_path_factory.mktemp("alone")
    told = task.model_copy(update={"files": files, "job_id": first_zoning})
    outcome = compute_of(task.process)(told, folder, lambda percent, stage: None)
    return {
        one.name: sha256_of(folder / one.path)
        for one in outcome.files
        if one.kind in {"raster", "features"}
    }


@pytest.fixture(scope="session")
def first_zoning(two_hosts: TwoHosts, wide_region: Watershed) -> str:
    """The first zoning of the region, by the worker of the first host."""
    two_hosts.stop(two_hosts.other, "worker")
    two_hosts.computed()
    job = ask_for_zones(two_hosts)
    two_hosts.reach(job, "successful")
    two_hosts.start(two_hosts.other, "worker")
    return job
