"""The tenant walk of the tile service: nobody finds in any answer what is not for them.

Every path of the definition is asked by each caller, for each layer there is: for one that the
caller may not know the answer is that for a layer which does not exist.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text

from shanhai.db.tables.zone import Region
from shanhai.vocabulary import Visibility
from shanhai_tiles.vector.collections import VECTORS
from tests.support.job_rows import add_region, open_sessions
from tests.support.tenants import (
    AREA,
    CALLERS,
    SAID,
    SIGN,
    add_objects,
    headers_of,
    may_know,
    sign,
)

from .conftest import declaration, raster_row, ratio_cells, store_cells

pytestmark = [pytest.mark.db, pytest.mark.service, pytest.mark.long]

RASTERS = {f"dataset.{sign('datasets', one)}": one for one in Visibility}
NONE = "dataset.zz-none-zz"
DRAWN = [*(kind for kind in SAID if kind in VECTORS), "datasets"]
SIGNS = {sign(kind, one): (kind, one) for kind in DRAWN for one in Visibility}
TILE = {
    **dict.fromkeys(("tms", "tileMatrixSetId", "matrix_set"), "WebMercatorQuad"),
    **dict.fromkeys(("z", "tileMatrix", "matrix"), "7"),
    **dict.fromkeys(("x", "tileCol", "column"), "105"),
    **dict.fromkeys(("y", "tileRow", "row"), "54"),
    "i": "128",
    "j": "128",
    "style": "default",
}
FORMATS = {"fmt": ("png", "mvt"), "suffix": ("png", "mvt", "json")}
PLACE = {"lon": "118.05", "lat": "24.45"}
WMTS = {
    "SERVICE": "WMTS",
    "VERSION": "1.0.0",
    "STYLE": "default",
    "I": "128",
    "J": "128",
    "TILEMATRIXSET": "WebMercatorQuad",
    "TILEMATRIX": "7",
    "TILEROW": "54",
    "TILECOL": "105",
}
BOX = {
    "type": "Polygon",
    "coordinates": [[[118, 24.4], [118.1, 24.4], [118.1, 24.5], [118, 24.4]]],
}


@pytest.fixture
async def visitors(world: Any) -> dict[str, dict[str, str]]:
    """Objects and rasters of each visibility in the region `here`, and the headers of callers."""
    async with open_sessions(world.database_url) as sessions, sessions.begin() as session:
        if await session.scalar(select(Region).where(Region.code == "here")) is None:
            here = await add_region(session, "here", box=(118.0, 24.4, 118.3, 24.7))
            await add_region(session, "elsewhere", box=(118.0, 24.4, 118.3, 24.7))
            await add_objects(session, here)
            stored = store_cells(world.artifacts, ratio_cells())
            for one in Visibility:
                code = sign("datasets", one)
                named = {"code": code, "name_zh": code, "name_en": code, "visibility": one}
                given = {"origin": "imported", "job_id": None, "source": code, "licence": "CC0"}
                session.add(raster_row(here, "ndvi", stored, **named, **given))
            await session.flush()
            await session.execute(
                text(f"UPDATE dataset SET footprint = {AREA} WHERE code LIKE 'zz-%'")
            )
        return {name: await headers_of(session, name) for name in CALLERS}


def questions(paths: Mapping[str, Any], layer: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every request of a path that takes a layer."""
    for path, operations in paths.items():
        if "{layer}" not in path:
            continue
        filled = path.replace("{layer}", layer)
        for name, value in TILE.items():
            filled = filled.replace(f"{{{name}}}", value)
        forms = [filled]
        for name, values in FORMATS.items():
            forms = [one.replace(f"{{{name}}}", value) for one in forms for value in values]
        for one in dict.fromkeys(forms):
            if "get" in operations:
                yield "GET", one, {"params": PLACE if one.endswith("/point") else {}}
            if "post" in operations:
                yield "POST", one, {"json": BOX}
    for operation in ("GetTile", "GetFeatureInfo"):
        for form in ("image/png", "application/vnd.mapbox-vector-tile"):
            told = {"LAYER": layer, "REQUEST": operation, "FORMAT": form}
            info = {"INFOFORMAT": "application/json"} if operation == "GetFeatureInfo" else {}
            yield "GET", "/wmts", {"params": WMTS | told | info}
    yield "GET", "/tiles/WebMercatorQuad/7/54/105", {"params": {"collections": layer}}
    yield "GET", f"/layers/problems,{layer}/tiles/WebMercatorQuad/7/105/54.mvt", {}
    yield "GET", "/layers/problems/map", {"params": {"with": layer}}


@pytest.mark.parametrize("caller", CALLERS)
async def test_nobody_finds_what_is_not_for_them(
    caller: str, client: httpx.AsyncClient, visitors: dict[str, dict[str, str]]
) -> None:
    paths = declaration().definition["paths"]
    found: set[str] = set()
    wrong: list[str] = []

    async def ask(method: str, path: str, **asked: Any) -> int:
        answer = await client.request(method, path, headers=visitors[caller], **asked)
        if answer.status_code >= 500:
            wrong.append(f"{method} {path} {asked}: {answer.status_code}")
        named = {one.decode() for one in SIGN.findall(str(answer.request.url).encode())}
        told = {one.decode() for one in SIGN.findall(answer.content)}
        found.update(told - named)
        beyond = sorted(one for one in told - named if not may_know(caller, *SIGNS[one]))
        if beyond:
            wrong.append(f"{method} {path} {asked} tells {', '.join(beyond)}")
        return answer.status_code

    for path in [one for one in paths if "{" not in one] + ["/tiles/WebMercatorQuad/7/54/105"]:
        for form in ({}, {"f": "html"}, {"lang": "en"}):
            await ask("GET", path, params=form)
    await ask("GET", "/wmts", params=WMTS | {"REQUEST": "GetCapabilities"})
    for kind in DRAWN:
        for method, path, asked in questions(paths, kind):
            await ask(method, path, **asked)
    unknown = [await ask(*one, **asked) for *one, asked in questions(paths, NONE)]
    for layer, visibility in RASTERS.items():
        told = [await ask(*one, **asked) for *one, asked in questions(paths, layer)]
        if may_know(caller, "datasets", visibility):
            assert told.count(200) > unknown.count(200), layer
        else:
            assert told == unknown, layer
    assert wrong == []
    expected = {one for one, (kind, seen) in SIGNS.items() if may_know(caller, kind, seen)}
    assert expected - found == set(), "what is for a caller is found"
