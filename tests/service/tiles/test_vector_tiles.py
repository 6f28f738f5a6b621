"""Vector tiles, decoded by a client's library."""

from typing import Any

import httpx
import mapbox_vector_tile
import numpy as np
import pytest

from shanhai.db.collections.catalogue import COLLECTIONS
from shanhai.db.features.entity import Entity
from shanhai.vocabulary import ZONE_CLASSES
from shanhai_tiles.grids import GAUSS_KRUGER, WORLD_GRIDS, TileGrid

GRID_LIST = [*WORLD_GRIDS, GAUSS_KRUGER[117]]


async def tile_at(
    client: httpx.AsyncClient,
    layer: str,
    grid: TileGrid,
    zoom: int,
    lon: float,
    lat: float,
    **params: str,
) -> dict[str, Any]:
    tile = grid.tms.tile(lon, lat, zoom)
    path = f"/layers/{layer}/tiles/{grid.id}/{zoom}/{tile.x}/{tile.y}.mvt"
    answer = await client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    layers: dict[str, Any] = mapbox_vector_tile.decode(answer.content)
    return layers


@pytest.mark.parametrize("grid", GRID_LIST, ids=lambda grid: grid.id)
async def test_only_the_published_zones_are_in_the_tile(
    client: httpx.AsyncClient, grid: TileGrid
) -> None:
    told = "code,version,class,class_value,color,name_zh,area_km2,share_percent"
    zones = (await tile_at(client, "zones", grid, 7, 118.1, 24.55, properties=told))["zones"]
    found = {feature["properties"]["class"]: feature["properties"] for feature in zones["features"]}
    assert sorted(found) == ["key_protection", "strict_protection"]
    strict = found["strict_protection"]
    assert strict["version"] == 2
    assert strict["code"] == "xiamen.supply_demand.strict_protection"
    assert strict["color"] == ZONE_CLASSES[0].color
    assert (strict["name_zh"], strict["class_value"]) == ("严格保护与管控区", 1)
    assert strict["area_km2"] == pytest.approx(20.26 * 33.24, rel=0.01)
    assert strict["share_percent"] == 50.0
    assert "share_percent" not in found["key_protection"]


@pytest.mark.parametrize("grid", GRID_LIST, ids=lambda grid: grid.id)
async def test_a_boundary_lies_where_it_should(client: httpx.AsyncClient, grid: TileGrid) -> None:
    """The zones' common border is 118.1 E: its place in the tile tells the projection."""
    lon, zoom = 118.1, grid.level_like(9)
    zones = (await tile_at(client, "zones", grid, zoom, lon, 24.55))["zones"]
    strict = next(f for f in zones["features"] if f["properties"]["class"] == "strict_protection")
    east_side = max(x for ring in strict["geometry"]["coordinates"] for x, _ in ring)
    tile = grid.tms.tile(lon, 24.55, zoom)
    west, south, east, north = grid.bounds(zoom, tile.x, tile.y)
    border_x, border_y = grid.from_lonlat(np.array([lon, lon]), np.array([24.4, 24.7]))
    x = np.interp(south - (north - south) * 64 / 4096, border_y, border_x)
    assert east_side == pytest.approx((x - west) / (east - west) * 4096, abs=1)


@pytest.mark.parametrize("zoom", [11, 12, 13, 14])
async def test_a_parallel_lies_where_it_should(client: httpx.AsyncClient, zoom: int) -> None:
    """The zones' southern side is 24.4 N, in tiles that are cut in metres or in degrees."""
    grid, lon, lat = WORLD_GRIDS[0], 118.05, 24.4
    zones = (await tile_at(client, "zones", grid, zoom, lon, lat))["zones"]
    south_side = min(
        y for f in zones["features"] for ring in f["geometry"]["coordinates"] for _, y in ring
    )
    tile = grid.tms.tile(lon, lat, zoom)
    _, south, _, north = grid.bounds(zoom, tile.x, tile.y)
    _, y = grid.from_lonlat(np.array([lon]), np.array([lat]))
    assert south_side == pytest.approx((y[0] - south) / (north - south) * 4096, abs=1)


async def test_regions_carry_one_place_for_each_name(client: httpx.AsyncClient) -> None:
    grid = WORLD_GRIDS[0]
    tile = await tile_at(client, "regions", grid, 5, 118.1, 24.55, properties="level,parent")
    names = [f["properties"]["name_zh"] for f in tile["regions_labels"]["features"]]
    assert sorted(names) == sorted(["厦门市", "思明区", "湖里区"])
    assert {f["geometry"]["type"] for f in tile["regions_labels"]["features"]} == {"Point"}
    districts = [f for f in tile["regions"]["features"] if f["properties"]["level"] == "district"]
    assert {f["properties"]["parent"] for f in districts} == {"xiamen"}


@pytest.mark.parametrize(
    ("layer", "members"),
    [
        ("zones", {"code", "class", "color", "name_zh", "name_en"}),
        ("regions", {"code", "level", "name_zh", "name_en"}),
    ],
)
async def test_areas_carry_what_maps_draw_and_more_when_asked(
    client: httpx.AsyncClient, layer: str, members: set[str]
) -> None:
    tile = await tile_at(client, layer, WORLD_GRIDS[0], 7, 118.1, 24.55)
    assert {name for f in tile[layer]["features"] for name in f["properties"]} == members
    more = {item["name"] for item in (await client.get(f"/layers/{layer}")).json()["properties"]}
    assert members < more
    asked = await tile_at(client, layer, WORLD_GRIDS[0], 7, 118.1, 24.55, properties=",".join(more))
    assert all("area_km2" in f["properties"] for f in asked[layer]["features"])


async def test_an_empty_tile_is_204(client: httpx.AsyncClient) -> None:
    answer = await client.get("/layers/zones/tiles/WebMercatorQuad/10/0/0.mvt")
    assert answer.status_code == 204
    assert answer.content == b""
    assert answer.headers["etag"]


async def test_a_part_of_a_collection(client: httpx.AsyncClient) -> None:
    known = await client.get("/layers/zones", params={"scheme": "xiamen.supply_demand"})
    assert known.json()["bounds"] == pytest.approx([117.9, 24.4, 118.3, 24.7])
    assert "scheme=xiamen.supply_demand" in known.json()["tile_matrix_sets"]["WebMercatorQuad"]
    path = "/layers/zones/tiles/WebMercatorQuad/7/105/54.mvt"
    there = await client.get(path, params={"scheme": "xiamen.supply_demand"})
    nowhere = await client.get(path, params={"scheme": "banan.supply_demand"})
    assert (there.status_code, nowhere.status_code) == (200, 204)


async def test_a_filter_chooses_features(client: httpx.AsyncClient) -> None:
    path = "/layers/zones/tiles/WebMercatorQuad/7/105/54.mvt"
    whole = await client.get(path)
    part = await client.get(path, params={"filter": "class = 'key_protection'"})
    none = await client.get(path, params={"filter": "class = 'nothing'"})
    assert (whole.status_code, part.status_code, none.status_code) == (200, 200, 204)
    drawn = mapbox_vector_tile.decode(part.content)["zones"]["features"]
    assert {feature["properties"]["class"] for feature in drawn} == {"key_protection"}
    assert len({answer.headers["etag"] for answer in (whole, part, none)}) == 3
    document = (await client.get("/layers/zones", params={"filter": "version = 1"})).json()
    assert "filter=version" in document["tile_matrix_sets"]["WebMercatorQuad"]


async def test_a_filter_that_means_nothing(client: httpx.AsyncClient) -> None:
    path = "/layers/zones/tiles/WebMercatorQuad/7/105/54.mvt"
    for text in ("nothing = 1", "class =", "pg_sleep(9) = 1"):
        answer = await client.get(path, params={"filter": text})
        assert answer.status_code == 400, text
        assert answer.json()["errors"][0]["pointer"] == "filter"


async def test_a_point_tells_its_features(client: httpx.AsyncClient) -> None:
    answer = await client.get("/layers/zones/point", params={"lon": 118.2, "lat": 24.5})
    (zone,) = answer.json()["features"]
    assert zone["class"] == "key_protection"
    assert answer.json()["stand_in"] is True
    regions = await client.get("/layers/regions/point", params={"lon": 118.2, "lat": 24.5})
    assert [r["code"] for r in regions.json()["features"]] == ["xiamen.huli", "xiamen"]


async def test_vectors_have_no_double_size(client: httpx.AsyncClient) -> None:
    answer = await client.get("/layers/zones/tiles/WebMercatorQuad/7/105/54@2x.mvt")
    assert answer.status_code == 400


async def test_a_former_day_has_its_own_zones(client: httpx.AsyncClient) -> None:
    """Version 1 was in force from 2024 to the end of the year, version 2 from 2025."""
    path = "/layers/zones/tiles/WebMercatorQuad/9/424/220.mvt"
    found, tags = {}, set()
    for day in ("2023-12-31", "2024-06-01", "2024-12-31", "2025-01-01"):
        answer = await client.get(path, params={"as_of": day, "properties": "code,version"})
        tags.add(answer.headers["etag"])
        zones = mapbox_vector_tile.decode(answer.content).get("zones", {"features": []})
        found[day] = {feature["properties"]["version"] for feature in zones["features"]}
    assert found == {
        "2023-12-31": set(),
        "2024-06-01": {1},
        "2024-12-31": {1},
        "2025-01-01": {2},
    }
    assert len(tags) == 3, "the tag is of the bytes, and version 1 has the same on both its days"
    document = (await client.get("/layers/zones/tilejson.json?as_of=2024-06-01")).json()
    assert "as_of=2024-06-01" in document["tiles"][0]
    at: dict[str, str | float] = {"lon": 118.0, "lat": 24.5, "as_of": "2024-06-01"}
    [zone] = (await client.get("/layers/zones/point", params=at)).json()["features"]
    assert zone["version"] == 1


@pytest.mark.parametrize("collection", COLLECTIONS, ids=lambda one: one.name)
async def test_every_collection_has_its_former_days(
    client: httpx.AsyncClient, collection: Entity
) -> None:
    """The account of the tile service may read what was drawn then."""
    for day in ("2024-06-01", "2100-01-01"):
        path = f"/layers/{collection.name}/tiles/WebMercatorQuad/9/424/220.mvt"
        answer = await client.get(path, params={"as_of": day})
        assert answer.status_code in {200, 204}, answer.text


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/layers/zones?as_of=yesterday", "must be a day"),
        ("/layers/zones?as_of=2025-06-30T12:00:00Z", "must be a day"),
        ("/layers/zones?as_of=20250630", "must be a day"),
        ("/layers/zones?as_of=2024-01-01&as_of=2025-01-01", "as_of is given twice"),
        ("/layers/zones?as_of=2025-02-30", "must be a day"),
        ("/layers/ratio.xiamen?as_of=2025-01-01", "'as_of'"),
    ],
)
async def test_a_day_that_cannot_be_is_refused(
    client: httpx.AsyncClient, path: str, said: str
) -> None:
    answer = await client.get(path)
    assert answer.status_code == 400
    assert said in answer.json()["detail"]
