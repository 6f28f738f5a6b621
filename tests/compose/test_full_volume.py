"""A volume without room: what is refused is told, what was acknowledged is kept, and it goes on."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.compose.deployment import PATIENCE_S, Deployment, told
from tests.compose.load import assert_done_once, under_load, wait_for_more
from tests.faults.ledger import Ledger
from tests.faults.load import Sender, region_file

SMALL = """volumes:
  postgres: {driver_opts: {type: tmpfs, device: tmpfs, o: size=512m}}
  artifacts: {driver_opts: {type: tmpfs, device: tmpfs, o: "size=64m,uid=10001,gid=10001"}}
"""
"""Volumes in memory, which are as large as is said."""
VOLUMES = ("artifacts", "postgres")
OF_THE_PROJECT = ("service=holder", "oneoff=False", "config-hash=none")
MOST_ASKED = 5_000
"""More jobs than the pages have room for that the database has already."""
GEOJSON = {"Content-Type": "application/geo+json"}


@pytest.fixture(scope="module")
def small(deployment: Deployment) -> Iterator[Deployment]:
    """The deployment made anew with small volumes.

    A container holds both, which would else end with the last that has them. It counts as one of
    the project: where this run is broken off, the next one removes it with all others.
    """
    file = deployment.folder / "small.yml"
    file.write_text(SMALL, "utf-8")
    one = deployment.also(COMPOSE_FILE=f"docker-compose.yml:{file}")
    deployment.down()
    one.compose("create", "postgres", "api")
    mounts = [f"--volume={one.name}_{name}:/{name}" for name in VOLUMES]
    told(["docker", "run", "--detach", "--user=0", f"--name={one.name}-holder", *mounts,
          *(f"--label=com.docker.compose.{label}" for label in OF_THE_PROJECT),
          f"--label=com.docker.compose.project={one.name}",
          "shanhai-api", "sleep", "infinity"])  # fmt: skip
    try:
        one.up("proxy", "worker")
        yield one
    finally:
        told(["docker", "rm", "--force", f"{one.name}-holder"])


def hold(small: Deployment, script: str) -> None:
    """Run a script where the volumes are."""
    told(["docker", "exec", f"{small.name}-holder", "sh", "-c", script])


def fill(small: Deployment, volume: str) -> None:
    """Leave no room in a volume."""
    hold(small, f"cat /dev/zero > /{volume}/filler 2>/dev/null; test -s /{volume}/filler")


def empty(small: Deployment, volume: str) -> None:
    """Give the room back."""
    hold(small, f"rm /{volume}/filler")


def test_a_file_is_refused_and_taken_once_there_is_room(small: Deployment) -> None:
    with small.http(small.key()) as client:
        fill(small, "artifacts")
        refused = client.post("/uploads", content=region_file("full", 1), headers=GEOJSON)
        assert refused.status_code == 507, refused.text
        assert refused.json()["title"] == "Insufficient storage"
        assert client.get("/collections/regions/items").status_code == 200
        empty(small, "artifacts")
        taken = client.post("/uploads", content=region_file("full", 1), headers=GEOJSON)
        assert taken.status_code == 201, taken.text


def test_what_the_database_acknowledged_is_kept(
    small: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Senders go on while the database has no room for its log, and after it has some again."""
    small.trust()
    monkeypatch.setenv("SSL_CERT_FILE", str(small.ca))
    ledger = Ledger()
    key = small.key()
    *senders, pressing = (Sender(small.url, key, ledger, f"full.{n}") for n in range(3))
    with under_load(senders), ThreadPoolExecutor(1) as pool:
        wait_for_more(ledger, 0)
        fill(small, "postgres")
        pressed = pool.submit(lambda: asyncio.run(press(pressing)))
        wait_for_refusal(pressing, ledger)
        empty(small, "postgres")
        pressed.result()
        wait_for_more(ledger, len(ledger.accepted))
    assert ledger.unexpected == []
    assert_done_once(small, ledger)


async def press(sender: Sender) -> None:
    """Ask for one thing after the other until something is refused, and for that until it is not.

    Others may all wait for jobs that cannot end, and ask for nothing that could be refused.
    """
    for _ in range(MOST_ASKED):
        if sender.refused:
            return
        await sender.echo()


def wait_for_refusal(sender: Sender, ledger: Ledger) -> None:
    """Wait until the sender is told to come again."""
    end = time.monotonic() + PATIENCE_S
    while not sender.refused:
        assert ledger.unexpected == []
        assert time.monotonic() < end, "nothing was refused"
        time.sleep(0.1)
