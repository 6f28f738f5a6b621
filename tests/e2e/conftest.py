"""The whole stack with a small watershed in it, driven over HTTP only."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from shanhai.client import ApiClient
from shanhai.data.synthetic_watershed import CODE, Watershed, build_watershed
from shanhai.db.engine import async_url
from shanhai.db.queries.audit import Act
from shanhai.db.seeds.load import PlanSeed, read_regions, seed
from shanhai.local.environment import admin_key
from shanhai.local.places import Home
from shanhai.local.stack import Stack
from tests.support.run_directory import run_directory

CELL_M = 100.0
PLAN = "watershed-plan-2025"


@dataclass(frozen=True, slots=True)
class Platform:
    """A running platform, a key to it and the data it was given."""

    stack: Stack
    api: ApiClient
    key: str
    watershed: Watershed

    @property
    def tiles(self) -> str:
        return self.stack.tiles_url

    def http(self) -> httpx.Client:
        return httpx.Client(
            base_url=self.stack.api_url,
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=30,
        )

    def delineate(self, **inputs: Any) -> str:
        """Ask for the main job and return its address."""
        return self.api.execute(
            "delineate-zones",
            {
                "region": CODE,
                "plan": PLAN,
                "cell_m": CELL_M,
                "seed": 7,
                "publish": True,
                **inputs,
            },
        )


def wait_until(holds: Callable[[], bool], *, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def regions_file(watershed: Watershed, folder: Path) -> Path:
    """The region and its districts in the form that `seed` reads."""
    document = json.loads(watershed.region_file.read_text())
    for feature in document["features"]:
        whole = feature["properties"]["parent"] is None
        feature["properties"]["level"] = "city" if whole else "district"
    path = folder / "regions.geojson"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


async def put_region(url: str, regions: Path) -> None:
    plan = PlanSeed(
        code=PLAN,
        name_zh="流域规划",
        name_en="Watershed plan",
        kind="special_plan",
        level="city",
        region=CODE,
        period=(2025, 2035),
        status="approved",
        valid_from=date(2025, 1, 1),
    )
    engine = create_async_engine(async_url(url))
    async with AsyncSession(engine) as session, session.begin():
        await seed(session, regions=read_regions(regions), plans=[plan], act=Act("test"))
    await engine.dispose()


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    """The whole stack, services included, in a home of its own; many processes, so not for long."""
    with run_directory() as directory:
        stack = Stack(Home(directory), bound=True)
        try:
            stack.up()
            yield stack
        finally:
            stack.down()


@pytest.fixture(scope="package")
def platform(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("watershed")
    watershed = build_watershed(folder, cells=96, cell_m=CELL_M)
    asyncio.run(put_region(stack.database_url, regions_file(watershed, folder)))
    key = admin_key(stack)
    with ApiClient(stack.api_url, key) as api:
        jobs = [
            api.execute(
                "import-dataset",
                {
                    "upload": api.upload(path),
                    "region": CODE,
                    "theme": theme,
                    "code": f"{CODE}.{theme}",
                    "source": "made in code",
                    "licence": "CC0-1.0",
                    "public": True,
                    "stand_in": theme == "soil",
                    **({"stand_in_note_en": "constant"} if theme == "soil" else {}),
                },
            )
            for theme, path in sorted(watershed.rasters.items())
        ]
        for job in jobs:
            api.follow(job)
        yield Platform(stack, api, key, watershed)
