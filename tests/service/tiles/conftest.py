"""A small world with known cells: one region, a scheme of two zones, rasters in the store."""

import asyncio
import hashlib
import socket
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path

import httpx
import numpy as np
import pytest
import uvicorn
from fastapi.routing import APIRoute
from numpy.typing import NDArray
from pydantic import SecretStr
from shapely import MultiPolygon, Polygon, box
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import create_engine, create_sessions
from shanhai.db.queries.keys import generate_key, hash_key
from shanhai.db.tables.access import ApiKey
from shanhai.db.tables.dataset import Dataset
from shanhai.db.tables.job import Job, JobDataset
from shanhai.db.tables.zone import Region, SchemeClass, Zone, ZoneScheme
from shanhai.raster.geotiff import write_geotiff
from shanhai.settings import (
    ArtifactSettings,
    DatabaseSettings,
    PublicSettings,
    TileTokenSettings,
)
from shanhai.storage.artifacts import LocalArtifacts, StoredArtifact
from shanhai.vocabulary import SUPPLY_DEMAND, ZONE_CLASSES
from shanhai_tiles.app import Settings, create_app
from shanhai_tiles.openapi import describe_31
from tests.support.accounts import account_url
from tests.support.declared import AsDeclared, Declaration
from tests.support.serving import serving

EPSG = 4548
TRANSFORM = (100.0, 0.0, 600_000.0, 0.0, -100.0, 2_720_000.0)
SHAPE = (120, 160)
JOB = uuid.UUID("11111111-2222-4333-8444-555555555555")
TOKEN_SECRET = "a secret of the tests that nobody can guess"


def class_cells() -> NDArray[np.uint8]:
    """Five vertical bands of classes 1 to 5 within a frame of nodata, in blocks of 32 cells."""
    cells = np.zeros(SHAPE, dtype=np.uint8)
    cells[10:-10] = 1 + np.arange(SHAPE[1], dtype=np.uint8) // 32
    cells[:, :5] = 0
    return cells


def ratio_cells() -> NDArray[np.float64]:
    """A ramp from -1 in the west to 1 in the east, without values in the south."""
    cells = np.tile(np.linspace(-1, 1, SHAPE[1]), (SHAPE[0], 1))
    cells[100:] = np.nan
    return cells


@dataclass(frozen=True)
class World:
    """What the tests know of the seeded world."""

    database_url: str
    artifacts: LocalArtifacts
    key: str
    job: str = str(JOB)

    def settings(self, *, public_read: bool) -> Settings:
        return Settings(
            DatabaseSettings(url=SecretStr(account_url(self.database_url, "tiles"))),
            ArtifactSettings(root=self.artifacts.root),
            PublicSettings(
                tiles_url="http://tiles.test",
                public_read=public_read,
                cors_origins=("https://plan.example",),
            ),
            tokens=TileTokenSettings(secret=SecretStr(TOKEN_SECRET)),
        )


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> LocalArtifacts:
    return LocalArtifacts(tmp_path_factory.mktemp("artifacts"))


@pytest.fixture(scope="module")
def world(database_url: str, artifacts: LocalArtifacts) -> World:
    key = generate_key()
    asyncio.run(_seed(database_url, artifacts, key))
    return World(database_url, artifacts, key[1])


@pytest.fixture(scope="module")
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """A caller without identity of a service that lets anyone read."""
    async with serve(world, public_read=True) as caller:
        yield caller


@pytest.fixture(scope="module")
async def guarded(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of a service that asks for an identity."""
    async with serve(world, public_read=False) as caller:
        yield caller


@pytest.fixture(scope="module")
def address(world: World) -> Iterator[str]:
    """The service on a free port of this machine."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings = world.settings(public_read=True)
        public = settings.public.model_copy(update={"tiles_url": base})
        app = create_app(replace(settings, public=public))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        with serving(server, listener):
            yield base


@lru_cache
def declaration() -> Declaration:
    """What the service says it answers."""
    database = DatabaseSettings(url=SecretStr("postgresql://db.test/none"))
    settings = Settings(database, ArtifactSettings(root=Path("none")), PublicSettings())
    return Declaration(describe_31(create_app(settings)), APIRoute, whole=True)


class serve:
    """The service in process, started and stopped around a client."""

    def __init__(self, world: World, *, public_read: bool) -> None:
        self.app = create_app(world.settings(public_read=public_read))
        self.app.add_middleware(AsDeclared, declaration=declaration())
        self.lifespan = self.app.router.lifespan_context(self.app)

    async def __aenter__(self) -> httpx.AsyncClient:
        await self.lifespan.__aenter__()
        transport = httpx.ASGITransport(app=self.app)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://tiles.test")
        return self.client

    async def __aexit__(self, *failure: object) -> None:
        await self.client.aclose()
        await self.lifespan.__aexit__(None, None, None)


async def _seed(url: str, artifacts: LocalArtifacts, key: tuple[str, str]) -> None:
    engine = create_engine(DatabaseSettings(url=SecretStr(url)), application="test")
    async with create_sessions(engine)() as session, session.begin():
        region = await _regions(session)
        session.add(_job())
        await session.flush()
        await _rasters(session, artifacts, region)
        await _zones(session, region)
        session.add(_api_key(*key))
    await engine.dispose()


def _api_key(prefix: str, key: str) -> ApiKey:
    return ApiKey(name="test", prefix=prefix, sha256=hash_key(key), scopes=["read"])


def _shape(geometry: Polygon) -> str:
    return f"SRID=4490;{MultiPolygon([geometry]).wkt}"


async def _regions(session: AsyncSession) -> Region:
    """A city of two districts, side by side."""
    city = Region(
        code="xiamen",
        name_zh="厦门市",
        name_en="Xiamen",
        level="city",
        metric_srid=EPSG,
        geom=_shape(box(117.9, 24.4, 118.3, 24.7)),
    )
    session.add(city)
    await session.flush()
    for code, zh, en, west, east in (
        ("siming", "思明区", "Siming", 117.9, 118.1),
        ("huli", "湖里区", "Huli", 118.1, 118.3),
    ):
        session.add(
            Region(
                code=f"xiamen.{code}",
                name_zh=zh,
                name_en=en,
                level="district",
                parent_id=city.id,
                metric_srid=EPSG,
                geom=_shape(box(west, 24.4, east, 24.7)),
            )
        )
    return city


def _job() -> Job:
    return Job(
        id=JOB, kind="delineate-zones", status="successful", progress=100, requested_by="test"
    )


def raster_row(region: Region, theme: str, stored: StoredArtifact, **members: object) -> Dataset:
    """A dataset row of the test grid; `members` complete or replace its columns."""
    row = {
        "code": f"{theme}.{JOB}",
        "name_zh": f"{theme} 图层",
        "name_en": f"{theme} layer",
        "region_id": region.id,
        "theme": theme,
        "uri": stored.uri,
        "checksum": stored.sha256,
        "bytes": stored.bytes,
        "crs": f"EPSG:{EPSG}",
        "origin": "computed",
        "visibility": "public",
        "job_id": JOB,
        "native_resolution_m": 1000.0,
        "grid": {
            "epsg": EPSG,
            "transform": list(TRANSFORM),
            "width": SHAPE[1],
            "height": SHAPE[0],
            "bands": 1,
            "statistics": [{"min": -1.0, "max": 1.0, "mean": 0.0, "p2": -0.9, "p98": 0.9}],
        },
    }
    return Dataset(**{**row, **members})


def store_cells(artifacts: LocalArtifacts, cells: NDArray[np.generic]) -> StoredArtifact:
    """A GeoTIFF of the cells in the store."""
    path = artifacts.root / f"{uuid.uuid4().hex}.tif"
    nodata = 0 if cells.dtype.kind == "u" else -9999.0
    write_geotiff(path, cells, transform=TRANSFORM, crs=f"EPSG:{EPSG}", nodata=nodata)
    return artifacts.put(path, suffix=".tif")


async def _rasters(session: AsyncSession, artifacts: LocalArtifacts, region: Region) -> None:
    zones = store_cells(artifacts, class_cells())
    ratio = store_cells(artifacts, ratio_cells())
    given = {"origin": "imported", "job_id": None, "source": "ITU-R P.1511", "licence": "ITU"}
    dem = raster_row(
        region,
        "dem",
        ratio,
        code="dem.itu",
        stand_in=True,
        stand_in_note_zh="以粗网格高程代替",
        stand_in_note_en="coarse elevation in place of a DEM",
        **given,
    )
    secret = raster_row(region, "ndvi", ratio, code="ndvi.secret", visibility="region", **given)
    session.add_all(
        [dem, secret, raster_row(region, "zones", zones), raster_row(region, "ratio", ratio)]
    )
    session.add(_truncated(region, artifacts))
    await session.flush()
    used = JobDataset(
        job_id=JOB, dataset_id=dem.id, role="input", name="dem", checksum=dem.checksum
    )
    session.add(used)


def _truncated(region: Region, artifacts: LocalArtifacts) -> Dataset:
    """A layer whose file lost its second half, with the header and the directory intact."""
    whole = artifacts.local_path(store_cells(artifacts, ratio_cells()).uri).read_bytes()
    path: Path = artifacts.root / "truncated.tif"
    path.write_bytes(whole[: len(whole) // 2])
    stored = artifacts.put(path, suffix=".tif")
    assert stored.sha256 != hashlib.sha256(whole).hexdigest()
    return raster_row(region, "npp", stored, code="npp.truncated", origin="imported", job_id=None)


async def _zones(session: AsyncSession, region: Region) -> None:
    """Version 1 superseded, version 2 published, a draft: only the second may be served."""
    await _classes(session)
    classes = (await session.scalars(select(SchemeClass).order_by(SchemeClass.order_no))).all()
    west, east = box(117.9, 24.4, 118.1, 24.7), box(118.1, 24.4, 118.3, 24.7)
    for version, status, start, end in (
        (1, "superseded", date(2024, 1, 1), date(2025, 1, 1)),
        (2, "published", date(2025, 1, 1), None),
        (3, "draft", None, None),
    ):
        scheme = ZoneScheme(
            code="xiamen.supply_demand",
            name_zh="厦门分区",
            name_en="Zones of Xiamen",
            region_id=region.id,
            kind=SUPPLY_DEMAND,
            origin="computed",
            job_id=JOB,
            status=status,
            version=version,
            valid_from=start,
            valid_to=end,
        )
        session.add(scheme)
        await session.flush()
        for one, geometry in zip(classes[:2], (west, east), strict=True):
            session.add(
                Zone(
                    scheme_id=scheme.id,
                    class_id=one.id,
                    code=f"xiamen.supply_demand.{one.class_code}",
                    geom=_shape(geometry),
                    attrs={"share_percent": 50.0 if one is classes[0] else None},
                )
            )


async def _classes(session: AsyncSession) -> None:
    if await session.scalar(select(SchemeClass.id).limit(1)) is not None:
        return
    for one in ZONE_CLASSES:
        session.add(
            SchemeClass(
                scheme_kind=SUPPLY_DEMAND,
                code=f"{SUPPLY_DEMAND}.{one.code}",
                class_code=one.code,
                order_no=one.value,
                group_code=one.group,
                name_zh=one.label.zh,
                name_en=one.label.en,
                color=one.color,
            )
        )
    await session.flush()
