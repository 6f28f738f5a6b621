"""Nothing of the tile service tells where in its cell a sensitive species is."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import mapbox_vector_tile
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import RoleGiven
from shanhai.db.queries.keys import create_key
from shanhai.vocabulary import Role, Scope
from shanhai_tiles.layers.directory import TRUSTED_S
from tests.support.job_rows import add_region, open_sessions
from tests.support.web_mercator import tile_of

pytestmark = pytest.mark.long

CORNERS = ((118.1123457, 24.5123459), (118.1876541, 24.5876543))
"""Two places in the cell whose south-western corner is 118.1, 24.5."""
MAY_NOT = ("", "viewer@xiamen", "planner@far", "auditor@xiamen", "owner@None", "reading key")
MAY = ("planner@xiamen", "analyst@None", "writing key")
TIMES = re.compile(
    rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[^\"',<]*|[0-9a-f]{16,}|urn:shanhai:request:[^\"]*"
    rb"|[?&]v=[\w-]+"
)
NAMES: Mapping[str, str] = {
    "layer": "occurrences",
    **dict.fromkeys(("tms", "tileMatrixSetId", "matrix_set"), "WebMercatorQuad"),
    "fmt": "mvt",
    "suffix": "mvt",
    "style": "default",
}
PLACED = {"z", "x", "y", "tileMatrix", "tileRow", "tileCol", "matrix", "row", "column", "i", "j"}
PARAMETER = re.compile(r"{([^}]+)}")


@pytest.fixture
async def masked_callers(world: Any) -> dict[str, dict[str, str]]:
    """A masked occurrence and a hidden one in the first corner, and the headers of each caller."""
    async with open_sessions(world.database_url) as sessions, sessions.begin() as session:
        if not await session.scalar(text("SELECT count(*) FROM species WHERE code = 'masked'")):
            await add_region(session, "far")
            await _add_occurrences(session)
        return {name: await _headers(session, name) for name in (*MAY_NOT, *MAY)}


async def _add_occurrences(session: AsyncSession) -> None:
    for code, how in (("masked", "cell"), ("hidden", "hidden")):
        await session.execute(
            text(
                "INSERT INTO species (code, scientific_name, sensitivity) VALUES (:code, :code,"
                " :how)"
            ),
            {"code": code, "how": how},
        )
        await session.execute(
            text(
                "INSERT INTO occurrence (code, region_id, species_id, observed_from, state, geom)"
                " SELECT 'met-' || s.code, r.id, s.id, '2024-05-01', 'verified',"
                " ST_Point(:lon, :lat, 4490) FROM species s, region r"
                " WHERE s.code = :code AND r.code = 'xiamen'"
            ),
            {"code": code, "lon": CORNERS[0][0], "lat": CORNERS[0][1]},
        )


async def _headers(session: AsyncSession, name: str) -> dict[str, str]:
    if not name:
        return {}
    role, _, region = name.partition("@")
    given = [RoleGiven(Role(role), None if region == "None" else region)] if region else None
    scopes = [Scope.READ, Scope.WRITE] if name == "writing key" else [Scope.READ]
    key = await create_key(session, name=name, scopes=scopes, roles=given)
    return {"Authorization": f"Bearer {key}"}


async def move(world: Any, corner: int) -> None:
    """Put what is masked elsewhere in the cell, and wait until no tile may be older."""
    lon, lat = CORNERS[corner]
    async with open_sessions(world.database_url) as sessions, sessions.begin() as session:
        await session.execute(
            text("UPDATE occurrence SET geom = ST_Point(:lon, :lat, 4490) WHERE code LIKE 'met-%'"),
            {"lon": lon, "lat": lat},
        )
    await asyncio.sleep(TRUSTED_S)


def tiles() -> Iterator[tuple[int, int, int]]:
    """Tiles of the cell at all zooms: those of both corners, of its middle and of its edges."""
    for zoom in (0, 4, 7, 9, 10, 11, 12, 13, 14, 16, 18):
        places = (*CORNERS, (118.15, 24.55), (118.1, 24.5), (118.2, 24.6))
        for column, row in sorted({tile_of(*place, zoom) for place in places}):
            yield zoom, column, row


def questions(paths: Mapping[str, Any], corner: int) -> Iterator[tuple[str, dict[str, str]]]:
    """Every path of the definition, asked about occurrences, and tiles of all zooms."""
    once = {"v": f"corner-{corner}"}
    for path, operations in paths.items():
        named = set(PARAMETER.findall(path))
        if "get" not in operations or not named & {"layer"}:
            continue
        assert named <= NAMES.keys() | PLACED, f"tell how {path} is asked"
        column, row = tile_of(*CORNERS[0], 12)
        placed = {"z": 12, "x": column, "y": row, "i": 128, "j": 128}
        placed |= {"tileMatrix": 12, "tileRow": row, "tileCol": column}
        placed |= {"matrix": 12, "row": row, "column": column}
        filled = path.format_map({**NAMES, **placed})
        yield filled, {"lon": "118.1123", "lat": "24.5123"} if "/point" in path else {}
    for zoom, column, row in tiles():
        yield f"/layers/occurrences/tiles/WebMercatorQuad/{zoom}/{column}/{row}.mvt", once
        yield f"/tiles/WebMercatorQuad/{zoom}/{row}/{column}", {"collections": "occurrences"}
    halves = "filter", "S_INTERSECTS(geometry, BBOX(118.1,24.5,118.15,24.55))"
    for asked in (dict([halves]), {"region": "xiamen"}, {"as_of": "2100-01-01"}):
        column, row = tile_of(*CORNERS[0], 10)
        path = f"/layers/occurrences/tiles/WebMercatorQuad/10/{column}/{row}.mvt"
        yield path, {**asked, **once}
    for lon, lat in ((118.1123457, 24.5123459), (118.1876541, 24.5876543), (118.15, 24.55)):
        yield "/layers/occurrences/point", {"lon": str(lon), "lat": str(lat)}


async def walk(
    client: httpx.AsyncClient, headers: dict[str, str], corner: int
) -> dict[str, tuple[int, bytes]]:
    found = {}
    paths = (await client.get("/openapi.json")).json()["paths"]
    for path, asked in questions(paths, corner):
        answer = await client.get(path, params=asked, headers=headers)
        assert answer.status_code < 500, (path, asked)
        told = {name: value for name, value in asked.items() if name != "v"}
        found[f"{path}?{told}"] = (answer.status_code, TIMES.sub(b"", answer.content))
    return found


async def shape_in(client: httpx.AsyncClient, headers: dict[str, str], version: str) -> Any:
    """The types of shapes in the tile of zoom 12 around the first corner, by code."""
    column, row = tile_of(*CORNERS[0], 12)
    path = f"/layers/occurrences/tiles/WebMercatorQuad/12/{column}/{row}.mvt"
    answer = await client.get(path, headers=headers, params={"v": version})
    found = mapbox_vector_tile.decode(answer.content).get("occurrences", {"features": []})
    return {
        one["properties"]["code"]: one["geometry"]["type"]
        for one in found["features"]
        if one["properties"]["code"].startswith("met-")
    }


@pytest.mark.parametrize("caller", MAY_NOT)
@pytest.mark.timeout(300)
async def test_no_tile_tells_the_place(
    client: httpx.AsyncClient, world: Any, masked_callers: dict[str, dict[str, str]], caller: str
) -> None:
    answers = []
    for corner in (0, 1):
        await move(world, corner)
        answers.append(await walk(client, masked_callers[caller], corner))
    changed = {
        one: (answer, answers[1][one])
        for one, answer in answers[0].items()
        if answer != answers[1][one]
    }
    assert not changed, changed
    assert all(b"met-hidden" not in body for _, body in answers[0].values())
    assert await shape_in(client, masked_callers[caller], f"seen-{caller}") == {
        "met-masked": "Polygon"
    }


@pytest.mark.parametrize("caller", MAY)
async def test_those_who_may_are_drawn_the_exact_place(
    client: httpx.AsyncClient, world: Any, masked_callers: dict[str, dict[str, str]], caller: str
) -> None:
    for corner, wanted in ((0, {"met-masked": "Point", "met-hidden": "Point"}), (1, {})):
        await move(world, corner)
        assert await shape_in(client, masked_callers[caller], f"{caller}-{corner}") == wanted
    # What was kept for somebody else is not served to who may not know it, nor the other way.
    await move(world, 0)
    for name, kind in (("", "Polygon"), (caller, "Point"), ("", "Polygon")):
        assert (await shape_in(client, masked_callers[name], "same"))["met-masked"] == kind
