"""The requirements that the OGC's executable suite for API - Tiles 1.0 tests, one by one."""

from collections.abc import Iterable
from typing import Any

import httpx
import mapbox_vector_tile
import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator

REL = "http://www.opengis.net/def/rel/ogc/1.0"
TILESETS = f"{REL}/tilesets-"
WEB_MERCATOR = "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"
WORLD_CRS84 = "http://www.opengis.net/def/tilematrixset/OGC/1.0/WorldCRS84Quad"
LARGEST = 2**31 - 1
"""What the suite writes for a row and a column that cannot be."""


async def read(client: httpx.AsyncClient, path: str) -> Any:
    answer = await client.get(path, headers={"Accept": "application/json"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def hrefs(document: dict[str, Any], rel: str) -> list[str]:
    return [link["href"] for link in document["links"] if link["rel"].startswith(rel)]


async def lists(client: httpx.AsyncClient) -> list[str]:
    """The addresses of every list of tilesets, of the dataset and of each collection."""
    found = hrefs(await read(client, "/"), TILESETS)
    for collection in (await read(client, "/collections"))["collections"]:
        found += hrefs(collection, TILESETS)
    return found


def filled(template: str, tile: Iterable[object]) -> str:
    for name, value in zip(("tileMatrix", "tileRow", "tileCol"), tile, strict=True):
        template = template.replace(f"{{{name}}}", str(value))
    return template


async def test_core_tc_op_tiles_are_found_from_the_landing_page(client: httpx.AsyncClient) -> None:
    [address] = hrefs(await read(client, "/"), TILESETS)
    for tileset in (await read(client, address))["tilesets"]:
        assert hrefs(tileset, "item")


@pytest.mark.parametrize("variable", ["tileMatrix", "tileRow", "tileCol"])
async def test_core_tc_definitions_are_in_every_template(
    client: httpx.AsyncClient, variable: str
) -> None:
    for address in await lists(client):
        for tileset in (await read(client, address))["tilesets"]:
            for template in hrefs(tileset, "item"):
                assert "/{tileMatrix}/{tileRow}/{tileCol}?" in template
                assert f"{{{variable}}}" in template


@pytest.mark.long
async def test_core_tc_success_within_the_limits(client: httpx.AsyncClient) -> None:
    """Every tileset's corners at every fourth level: 200, or 204 where nothing lies."""
    seen = set()
    for address in await lists(client):
        if "npp.truncated" in address:
            continue
        for short in (await read(client, address))["tilesets"]:
            tileset = await read(client, hrefs(short, "self")[0])
            assert short["tileMatrixSetLimits"] == tileset["tileMatrixSetLimits"]
            template = hrefs(tileset, "item")[0]
            for limits in tileset["tileMatrixSetLimits"][::4]:
                level = limits["tileMatrix"]
                first = (level, limits["minTileRow"], limits["minTileCol"])
                last = (level, limits["maxTileRow"], limits["maxTileCol"])
                for tile in {first, last}:
                    answer = await client.get(filled(template, tile))
                    assert answer.status_code in {200, 204}, answer.text
                    seen.add((answer.status_code, answer.headers.get("content-type")))
    assert {(200, "image/png"), (200, "application/vnd.mapbox-vector-tile")} <= seen


@pytest.mark.parametrize(
    "tile",
    [
        (0, LARGEST, LARGEST),
        (0, 0, 1),
        (0, 1, 0),
        (99, 0, 0),
        ("first", 0, 0),
        (0, -1, 0),
        (0, "a", 0),
    ],
)
async def test_core_tc_error_out_of_range(
    client: httpx.AsyncClient, tile: tuple[object, ...]
) -> None:
    for address in await lists(client):
        tilesets = (await read(client, address))["tilesets"]
        mercator = next(one for one in tilesets if one["tileMatrixSetURI"] == WEB_MERCATOR)
        answer = await client.get(filled(hrefs(mercator, "item")[0], tile))
        assert answer.status_code in {400, 404}
        assert answer.headers["content-type"] == "application/problem+json"


async def test_core_conformance_success(client: httpx.AsyncClient) -> None:
    [address] = hrefs(await read(client, "/"), "conformance")
    claimed = (await read(client, address))["conformsTo"]
    assert "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/core" in claimed


async def test_tilesets_list_tileset_links(client: httpx.AsyncClient) -> None:
    for address in await lists(client):
        assert "/tiles" in address
        assert "f=json" in address
        for tileset in (await read(client, address))["tilesets"]:
            assert tileset["dataType"] in {"vector", "map", "coverage"}
            assert tileset["tileMatrixSetURI"]
            assert tileset["crs"]
            [itself] = hrefs(tileset, "self")
            whole = await read(client, itself)
            assert whole["tileMatrixSetURI"] == tileset["tileMatrixSetURI"]
            scheme = await read(client, hrefs(tileset, f"{REL}/tiling-scheme")[0])
            assert scheme["crs"] == tileset["crs"]


async def test_dataset_tilesets_landing_page(client: httpx.AsyncClient) -> None:
    [address] = hrefs(await read(client, "/"), f"{TILESETS}vector")
    sets = {one["tileMatrixSetURI"] for one in (await read(client, address))["tilesets"]}
    assert {WEB_MERCATOR, WORLD_CRS84} <= sets


async def test_geodata_tilesets_desc_links(client: httpx.AsyncClient) -> None:
    found = {
        one["id"]: {rel["rel"].removeprefix(TILESETS) for rel in one["links"]}
        for one in (await read(client, "/collections"))["collections"]
    }
    assert "vector" in found["zones"]
    assert {"map", "coverage"} <= found["zones.xiamen"]
    assert "dataset.ndvi.secret" not in found


async def test_geodata_tilesets_operation(client: httpx.AsyncClient) -> None:
    for collection in (await read(client, "/collections"))["collections"]:
        one = await read(client, hrefs(collection, "self")[0])
        assert one == collection
        for address in hrefs(one, TILESETS):
            assert (await read(client, address))["tilesets"]


async def test_tileset_metadata(client: httpx.AsyncClient) -> None:
    tileset = await read(
        client, "/collections/zones/tiles/WebMercatorQuad?properties=code,class_value"
    )
    assert tileset["dataType"] == "vector"
    assert tileset["boundingBox"]["lowerLeft"] == pytest.approx([117.9, 24.4])
    limits = {one["tileMatrix"]: one for one in tileset["tileMatrixSetLimits"]}
    # 117.9 to 118.3 E by 24.4 to 24.7 N, by the formula of the slippy map.
    assert limits["10"] == {
        "tileMatrix": "10",
        "minTileRow": 439,
        "maxTileRow": 440,
        "minTileCol": 847,
        "maxTileCol": 848,
    }
    [layer] = tileset["layers"]
    assert layer["id"] == "zones"
    types = {n: one["type"] for n, one in layer["propertiesSchema"]["properties"].items()}
    assert types == {"code": "string", "class_value": "integer"}
    national = await read(client, "/collections/zones.xiamen/map/tiles/CGCS2000GK117")
    assert national["crs"].endswith("/4548")
    assert national["tileMatrixSetURI"] == "http://tiles.test/tileMatrixSets/CGCS2000GK117"


async def test_the_tiles_are_those_of_the_layer(client: httpx.AsyncClient) -> None:
    pairs = (
        ("/layers/zones/tiles/WebMercatorQuad/9/424/220.mvt", "zones/tiles", "mvt"),
        (
            "/layers/zones.xiamen/tiles/WebMercatorQuad/9/424/220.png",
            "zones.xiamen/map/tiles",
            "png",
        ),
        (
            "/layers/zones.xiamen/tiles/WebMercatorQuad/9/424/220.jpg",
            "zones.xiamen/map/tiles",
            "jpeg",
        ),
        ("/layers/ratio.xiamen/tiles/WebMercatorQuad/9/424/220.npy", "ratio.xiamen/tiles", "npy"),
    )
    for plain, path, f in pairs:
        ours = await client.get(plain)
        theirs = await client.get(f"/collections/{path}/WebMercatorQuad/9/220/424", params={"f": f})
        assert ours.status_code == 200
        assert theirs.content == ours.content
        assert theirs.headers["etag"] == ours.headers["etag"]


@pytest.mark.parametrize(
    ("accept", "given"),
    [
        ("*/*", "image/png"),
        ("image/webp,*/*", "image/webp"),
        ("text/html, image/jpeg;q=0.8", "image/jpeg"),
        ("image/jpeg;q=0.1, image/webp", "image/webp"),
        ("image/png;q=0, image/*", "image/webp"),
        ("IMAGE/WEBP", "image/webp"),
        ("text/html", "image/png"),
        ("", "image/png"),
    ],
)
async def test_the_format_follows_what_is_accepted(
    client: httpx.AsyncClient, accept: str, given: str
) -> None:
    path = "/collections/zones.xiamen/map/tiles/WebMercatorQuad/9/220/424"
    answer = await client.get(path, headers={"Accept": accept})
    assert answer.headers["content-type"] == given
    assert "Accept" in answer.headers["vary"]
    asked = await client.get(path, params={"f": "png"}, headers={"Accept": accept})
    assert asked.headers["content-type"] == "image/png"


async def test_collections_selection(client: httpx.AsyncClient) -> None:
    path = "/tiles/WebMercatorQuad/9/220/424"
    every = mapbox_vector_tile.decode((await client.get(path)).content)
    assert {"zones", "regions"} <= set(every)
    some = mapbox_vector_tile.decode(
        (await client.get(path, params={"collections": "zones"})).content
    )
    assert set(some) == {"zones"}
    assert some["zones"] == every["zones"]
    listed = await read(client, "/tiles?collections=zones")
    assert all("collections=zones" in one for one in hrefs(listed["tilesets"][0], "item"))
    nothing = await client.get("/tiles/WebMercatorQuad/9/0/0")
    assert nothing.status_code == 204
    known = (await client.get(path)).headers["etag"]
    assert (await client.get(path, headers={"If-None-Match": known})).status_code == 304


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/tiles/WebMercatorQuad/0/0/0?collections=zones.xiamen", 400),
        ("/tiles/WebMercatorQuad/0/0/0?collections=", 400),
        ("/tiles/WebMercatorQuad/0/0/0?f=png", 400),
        ("/tiles/WebMercatorQuad/0/0/0?scheme=a", 400),
        ("/tiles/nothing", 404),
        ("/tiles?f=html", 400),
        ("/collections/nothing", 404),
        ("/collections/dataset.ndvi.secret/map/tiles", 404),
        ("/collections/zones/map/tiles", 404),
        ("/collections/zones/map/tiles/WebMercatorQuad/0/0/0", 404),
        ("/collections/zones.xiamen/tiles/WebMercatorQuad/0/0/0?f=png", 400),
        ("/collections/zones.xiamen/map/tiles/WebMercatorQuad/0/0/0?f=gif", 400),
        ("/collections/zones.xiamen/map/tiles/WebMercatorQuad/0/0/0?band=2", 400),
        ("/collections/zones.xiamen/map/tiles/WebMercatorQuad/0/0/0?rescale=0,1", 400),
        ("/collections/zones.xiamen/map/tiles/WebMercatorQuad/0/0/0?url=http://x/", 400),
        ("/collections/dataset.npp.truncated/map/tiles/WebMercatorQuad/12/1756/3393", 409),
    ],
)
async def test_what_cannot_be_is_refused(client: httpx.AsyncClient, path: str, status: int) -> None:
    answer = await client.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"


async def test_a_reader_of_drafts_gets_private_tiles(client: httpx.AsyncClient, world: Any) -> None:
    path, key = "/tiles/WebMercatorQuad/9/220/424", {"Authorization": f"Bearer {world.key}"}
    assert (await client.get(path)).headers["cache-control"] == "public, no-cache"
    assert (await client.get(path, headers=key)).headers["cache-control"] == "private, no-cache"


async def test_oas30_completeness(client: httpx.AsyncClient) -> None:
    """Every resource the links lead to is in a valid definition."""
    [address] = [one for one in hrefs(await read(client, "/"), "service-desc") if "/api" in one]
    answer = await client.get(address)
    assert answer.headers["content-type"] == "application/vnd.oai.openapi+json;version=3.0"
    document = answer.json()
    assert document["openapi"] == "3.0.3"
    OpenAPIV30SpecValidator(document).validate()
    tile = "{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}"
    for path in ("/tiles", "/collections/{layer}/tiles", "/collections/{layer}/map/tiles"):
        for below in ("", "/{tileMatrixSetId}", f"/{tile}"):
            assert "get" in document["paths"][f"{path}{below}"]
        named = {
            one["name"]: one for one in document["paths"][f"{path}/{tile}"]["get"]["parameters"]
        }
        for name in ("tileMatrixSetId", "tileMatrix", "tileRow", "tileCol"):
            assert named[name]["in"] == "path"
            assert named[name]["required"] is True
        assert named["tileRow"]["schema"]["type"] == "integer"


async def test_oas30_operation_id(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/api")).json()["paths"]
    for path, suffix in (
        ("/tiles", ".dataset.vector"),
        ("/collections/{layer}/tiles", ".collection.vector"),
        ("/collections/{layer}/map/tiles", ".collection.map"),
    ):
        for below, name in (
            ("", "getTileSetsList"),
            ("/{tileMatrixSetId}", "getTileSet"),
            ("/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}", "getTile"),
        ):
            assert paths[f"{path}{below}"]["get"]["operationId"] == f"{suffix}.{name}"
    ids = [operation["operationId"] for item in paths.values() for operation in item.values()]
    assert len(ids) == len(set(ids))
