"""A running stack with the synthetic watershed in it."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from shanhai.client import ApiClient
from shanhai.data.synthetic_watershed import CODE, Watershed, build_watershed
from shanhai.db.engine import async_url
from shanhai.db.queries.audit import Act
from shanhai.db.seeds.city_files import PlanSeed
from shanhai.db.seeds.load import read_regions, seed
from shanhai.local.stack import Stack, admin_key

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
        return self.ask("delineate-zones", **{"seed": 7, **inputs})

    def ask(self, process: str, **inputs: Any) -> str:
        """Ask for a job that publishes what it makes of the watershed and return its address."""
        place = {"region": CODE, "plan": PLAN, "cell_m": CELL_M, "publish": True}
        return self.api.submit(process, {**place, **inputs}).url


@contextmanager
def watershed_platform(stack: Stack, folder: Path) -> Iterator[Platform]:
    """The stack with the watershed's region, plan and rasters."""
    watershed = build_watershed(folder, cells=96, cell_m=CELL_M)
    key = admin_key(stack)
    with ApiClient(stack.api_url, key) as api:
        import_watershed(api, stack.database_url, watershed, folder)
        yield Platform(stack, api, key, watershed)


def import_watershed(api: ApiClient, database_url: str, watershed: Watershed, folder: Path) -> None:
    """Give a platform the watershed's region, plan and rasters."""
    asyncio.run(_put_region(database_url, _regions_file(watershed, folder)))
    jobs = [
        api.submit("import-dataset", import_inputs(theme, api.upload(path)))
        for theme, path in sorted(watershed.rasters.items())
    ]
    for job in jobs:
        job.wait()


def import_inputs(theme: str, upload: str) -> dict[str, Any]:
    """What asks for the import of a raster of the watershed."""
    return {
        "upload": upload,
        "region": CODE,
        "theme": theme,
        "code": f"{CODE}.{theme}",
        "source": "made in code",
        "licence": "CC0-1.0",
        "visibility": "public",
        "stand_in": theme == "soil",
        **({"stand_in_note_en": "constant"} if theme == "soil" else {}),
    }


def _regions_file(watershed: Watershed, folder: Path) -> Path:
    """The region and its districts in the form that `seed` reads."""
    document = json.loads(watershed.region_file.read_text())
    for feature in document["features"]:
        whole = feature["properties"]["parent"] is None
        feature["properties"]["level"] = "city" if whole else "district"
    path = folder / "regions.geojson"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


async def _put_region(url: str, regions: Path) -> None:
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
