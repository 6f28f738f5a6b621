"""Two hosts that share no folder: same bytes, and nothing lost when one or the link is gone."""

from collections.abc import Iterator

import httpx
import pytest

from shanhai.db.tables.job import Job
from tests.faults.breakable import wait_until
from tests.hosts.platform import PATIENCE_S, PORTS, TwoHosts, ask_for_zones, bytes_of
from tests.support.web_mercator import tile_of

BUSY = {"supply_demand", "ratio"}
"""Stages whose windows are computed on the cluster."""
WHY = "no Dask scheduler answers at {} within 30 s"
WHY_ZH = "30 秒内没有 Dask 调度器应答（{}）"


@pytest.fixture(autouse=True)
def kept_promises(two_hosts: TwoHosts) -> Iterator[None]:
    """Whatever was accepted has ended once, with its reason where it failed."""
    yield
    two_hosts.link.heal()
    verdict = two_hosts.verdict()
    two_hosts.ledger.unexpected.clear()
    assert (verdict.lost, verdict.duplicated, verdict.faults) == (0, 0, [])


def is_right(job: Job, expected: dict[str, str]) -> None:
    """The job has made what one process makes."""
    found = bytes_of(job)
    assert {name: found[name] for name in expected} == expected


def test_windows_of_both_hosts_give_the_bytes_of_one_process(
    two_hosts: TwoHosts, first_zoning: str, bytes_of_one_process: dict[str, str]
) -> None:
    assert {"ratio", "zones"} <= bytes_of_one_process.keys()
    is_right(two_hosts.job(first_zoning), bytes_of_one_process)
    computed = two_hosts.computed()
    for host in two_hosts.link.hosts:
        assert any(f"//{host.address}:" in worker for worker in computed)
        # Nothing of a job stays anywhere: neither its workspace nor a layer of it.
        assert not list(host.folder.rglob("*.f4"))
        assert not list((host.folder / "scratch").glob("shanhai-*"))


def test_tiles_of_a_host_draw_what_a_worker_of_the_other_published(
    two_hosts: TwoHosts, first_zoning: str
) -> None:
    job = two_hosts.job(first_zoning)
    assert two_hosts.host_of(job) is two_hosts.truth
    assert job.result is not None
    drawn = []
    for host in two_hosts.link.hosts:
        url = f"http://{host.outside}:{PORTS['tiles']}"
        layer = f"{url}/layers/{job.result['values']['layers']['zones']}"
        west, south, east, north = httpx.get(f"{layer}/tilejson.json").json()["bounds"]
        column, row = tile_of((west + east) / 2, (south + north) / 2, 10)
        tile = httpx.get(f"{layer}/tiles/WebMercatorQuad/10/{column}/{row}.png", timeout=60)
        assert tile.status_code == 200
        drawn.append(tile.content)
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) > 500


def test_windows_of_a_host_that_is_cut_off_go_to_the_other(
    two_hosts: TwoHosts, bytes_of_one_process: dict[str, str]
) -> None:
    two_hosts.stop(two_hosts.other, "worker")
    job = ask_for_zones(two_hosts)
    wait_until(lambda: two_hosts.job(job).stage in BUSY, within_s=PATIENCE_S)
    two_hosts.link.cut()
    ended = two_hosts.reach(job, "successful")
    assert ended.attempt == 1
    is_right(ended, bytes_of_one_process)
    two_hosts.link.heal()
    wait_until(lambda: len(two_hosts.dask_workers()) == 2)
    two_hosts.start(two_hosts.other, "worker")


def test_a_job_of_a_host_that_is_cut_off_is_run_by_the_other(
    two_hosts: TwoHosts, bytes_of_one_process: dict[str, str]
) -> None:
    two_hosts.stop(two_hosts.truth, "worker")
    job = ask_for_zones(two_hosts)
    wait_until(lambda: two_hosts.job(job).stage in BUSY, within_s=PATIENCE_S)
    two_hosts.start(two_hosts.truth, "worker")
    assert two_hosts.host_of(two_hosts.job(job)) is two_hosts.other
    with two_hosts.under_load("cut"):
        two_hosts.link.cut()
        taken = two_hosts.reach(job, "running", "successful", attempt=2)
        assert two_hosts.host_of(taken) is two_hosts.truth
        two_hosts.link.heal()
        ended = two_hosts.reach(job, "successful")
    is_right(ended, bytes_of_one_process)


def test_a_host_is_lost_and_comes_back_and_a_job_tells_why_it_waits(
    two_hosts: TwoHosts, bytes_of_one_process: dict[str, str]
) -> None:
    two_hosts.stop(two_hosts.truth, "worker")
    job = ask_for_zones(two_hosts)
    wait_until(lambda: two_hosts.job(job).stage in BUSY, within_s=PATIENCE_S)
    with two_hosts.under_load("lost"):
        two_hosts.kill_all(two_hosts.other)
        two_hosts.stop(two_hosts.truth, "dask-scheduler")
        two_hosts.start(two_hosts.other, "api", "tiles", "worker", "dask-worker")
        two_hosts.start(two_hosts.truth, "worker")
        for host in two_hosts.link.hosts:
            for lang, why in (("en", WHY), ("zh", WHY_ZH)):
                told = why.format(two_hosts.scheduler)
                wait_until(
                    lambda host=host, lang=lang, told=told: (  # type: ignore[misc]
                        told in two_hosts.status(host, job, lang)["message"]
                    ),
                    within_s=PATIENCE_S,
                )
        two_hosts.start(two_hosts.truth, "dask-scheduler")
        ended = two_hosts.reach(job, "successful")
    is_right(ended, bytes_of_one_process)
