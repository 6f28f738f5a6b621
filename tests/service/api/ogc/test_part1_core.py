"""OGC API - Features Part 1: each test is named after the requirement of the class `core`."""

import re
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from openapi_spec_validator import validate

from shanhai.db.collections.catalogue import COLLECTIONS
from shanhai.db.features.order import OrderPosition
from shanhai_api.features.values import write_cursor
from tests.service.api.ogc.reading import (
    BASE,
    Json,
    get,
    ids,
    link,
    operation,
    parameter,
    refused,
)

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
ITEMS = "/collections/control_areas/items"
CORE = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core"
NAMES = [entity.name for entity in COLLECTIONS]
EVERY = pytest.mark.parametrize("name", NAMES)


async def test_req_core_http(client: httpx.AsyncClient) -> None:
    for path in ("/", "/conformance", "/collections", ITEMS):
        head = await client.head(path)
        body = await client.get(path)
        assert head.status_code == body.status_code == 200
        assert head.headers["content-type"] == body.headers["content-type"]
        assert head.content == b""
        refusal = await client.request("PROPFIND", path)
        assert refusal.status_code in {405, 501}


async def test_req_core_root_op(client: httpx.AsyncClient) -> None:
    assert (await client.get("/")).status_code == 200


async def test_req_core_root_success(client: httpx.AsyncClient) -> None:
    document = await get(client, "/")
    for rel in ("service-desc", "service-doc", "conformance", "data"):
        assert link(document, rel) is not None, rel
    for item in document["links"]:
        assert item["href"].startswith(BASE)
        assert item["rel"] != "service-desc" or item["type"]


async def test_req_core_api_definition_op(client: httpx.AsyncClient) -> None:
    document = await get(client, "/")
    for rel in ("service-desc", "service-doc"):
        address = link(document, rel)
        assert address is not None
        assert (await client.get(address)).status_code == 200


async def test_req_core_api_definition_success(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api")
    assert answer.headers["content-type"] == "application/vnd.oai.openapi+json;version=3.0"
    document = answer.json()
    assert document["openapi"].startswith("3.0")
    validate(document)


async def test_req_core_conformance_op(client: httpx.AsyncClient) -> None:
    assert (await client.get("/conformance")).status_code == 200


async def test_req_core_conformance_success(client: httpx.AsyncClient) -> None:
    declared = (await get(client, "/conformance"))["conformsTo"]
    assert CORE in declared
    assert len(declared) == len(set(declared))


async def test_req_core_fc_md_op(client: httpx.AsyncClient) -> None:
    assert (await client.get("/collections")).status_code == 200


async def test_req_core_fc_md_success(client: httpx.AsyncClient) -> None:
    document = await get(client, "/collections")
    assert link(document, "self", "application/json")
    assert link(document, "alternate", "text/html")
    assert [item["id"] for item in document["collections"]] == NAMES
    for item in document["collections"]:
        assert (
            link(item, "items", "application/geo+json") == f"{BASE}/collections/{item['id']}/items"
        )
        assert all(found["type"] for found in item["links"] if found["rel"] == "items")
        assert item["title"]


async def test_req_core_crs84(client: httpx.AsyncClient) -> None:
    for name in NAMES:
        document = await get(client, f"/collections/{name}/items")
        for feature in document["features"]:
            if feature["geometry"] is not None:
                lon, lat = first_position(feature["geometry"])
                assert 117 < lon < 120
                assert 24 < lat < 26


def first_position(geometry: Json) -> list[float]:
    found: Any = geometry["coordinates"]
    while isinstance(found[0], list):
        found = found[0]
    return [float(number) for number in found]


@EVERY
async def test_req_core_sfc_md_op(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.get(f"/collections/{name}")).status_code == 200


async def test_req_core_sfc_md_success(client: httpx.AsyncClient) -> None:
    listed = {item["id"]: item for item in (await get(client, "/collections"))["collections"]}
    for name, item in listed.items():
        document = await get(client, f"/collections/{name}")
        for member in ("id", "title", "description", "extent", "itemType", "storageCrs"):
            assert document[member] == item[member]
        (box,) = document["extent"]["spatial"]["bbox"]
        assert len(box) == 4
        assert box[0] <= box[2]
        assert box[1] <= box[3]
        ((start, end),) = document["extent"]["temporal"]["interval"]
        for moment in (start, end):
            if moment is not None:
                datetime.fromisoformat(moment)


@pytest.mark.parametrize(
    "query",
    [
        "limit=abc",
        "limit=0",
        "limit=-1",
        "limit=10001",
        "limit=1.5",
        "bbox=1,2,3",
        "bbox=a,b,c,d",
        "bbox=1,2,3,4,5",
        "bbox=NaN,2,3,4",
        "bbox=10,50,20,40",
        "bbox=1,2,3,1e999",
        "datetime=yesterday",
        "datetime=2018-02-12T23:20:50Z/2017-02-12T23:20:50Z",
        "datetime=2018-13-01",
        "datetime=../../..",
        "kind=red_line&kind=island",
        "f=nothing",
    ],
)
async def test_req_core_query_param_invalid(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"{ITEMS}?{query}")
    if query == "f=nothing":
        assert answer.status_code in {400, 406}
    else:
        refused(answer, 400, query.partition("=")[0])


@pytest.mark.parametrize(
    "path",
    ["/", "/conformance", "/collections", "/collections/zones", ITEMS, f"{ITEMS}/line-1"],
)
async def test_req_core_query_param_unknown(client: httpx.AsyncClient, path: str) -> None:
    refused(await client.get(f"{path}?unknownQueryParameter=1"), 400, "unknownQueryParameter")


@EVERY
async def test_req_core_fc_op(client: httpx.AsyncClient, name: str) -> None:
    document = await get(client, f"/collections/{name}/items")
    assert document["type"] == "FeatureCollection"
    assert document["features"]


@EVERY
async def test_req_core_fc_bbox_definition(definition: Json, name: str) -> None:
    found = parameter(definition, f"/collections/{name}/items", "bbox")
    assert found["in"] == "query"
    assert not found["required"]
    assert (found["style"], found["explode"]) == ("form", False)
    schema = found["schema"]
    assert (schema["type"], schema["minItems"], schema["maxItems"]) == ("array", 4, 6)
    assert schema["items"]["type"] == "number"


@pytest.mark.parametrize(
    ("box", "found"),
    [
        ("118,24.4,118.5,24.8", 8),
        ("118.05,24.5,118.09,24.54", 1),
        ("118,24.4,0,118.5,24.8,100", 8),
        ("-180,-90,180,90", 8),
        ("-1,-90,1,90", 0),
        ("-180,-1,180,1", 0),
        ("177,65,-177,70", 0),
        ("118,24,-170,25", 8),
        ("-180,85,180,90", 0),
        ("-180,-90,180,-85", 0),
        ("118.05,24.5,118.05,24.5", 1),
    ],
)
async def test_req_core_fc_bbox_response(client: httpx.AsyncClient, box: str, found: int) -> None:
    assert len(await ids(client, ITEMS, bbox=box)) == found


@EVERY
async def test_req_core_fc_limit_definition(definition: Json, name: str) -> None:
    found = parameter(definition, f"/collections/{name}/items", "limit")
    assert found["in"] == "query"
    assert not found["required"]
    assert (found["style"], found["explode"]) == ("form", False)
    schema = found["schema"]
    assert schema["type"] == "integer"
    assert 1 == schema["minimum"] <= schema["default"] <= schema["maximum"]


async def test_req_core_fc_limit_response(client: httpx.AsyncClient) -> None:
    for limit in (1, 3, 8, 100):
        document = await get(client, ITEMS, limit=str(limit))
        assert len(document["features"]) == min(limit, 8)
    everything: list[str] = []
    address: str | None = f"{ITEMS}?limit=3"
    while address is not None:
        document = await get(client, address)
        everything += [feature["id"] for feature in document["features"]]
        address = link(document, "next")
    assert everything == [f"line-{number}" for number in range(8)]


@EVERY
async def test_req_core_fc_time_definition(definition: Json, name: str) -> None:
    found = parameter(definition, f"/collections/{name}/items", "datetime")
    assert found["in"] == "query"
    assert not found["required"]
    assert (found["style"], found["explode"]) == ("form", False)
    assert found["schema"]["type"] == "string"


@pytest.mark.parametrize(
    ("moment", "found"),
    [
        ("2020-06-01", 3),
        ("2020-06-01T12:00:00Z", 3),
        ("2020-06-01T20:00:00+08:00", 3),
        ("../2019-12-31", 2),
        ("/2019-12-31", 2),
        ("2019-12-31T00:00:00Z/..", 8),
        ("2010-01-01/2012-01-01", 0),
        ("../..", 8),
    ],
)
async def test_req_core_fc_time_response(
    client: httpx.AsyncClient, moment: str, found: int
) -> None:
    assert len(await ids(client, ITEMS, datetime=moment)) == found


@EVERY
async def test_req_core_fc_response(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get(f"/collections/{name}/items")
    assert answer.headers["content-type"].startswith("application/geo+json")
    for feature in answer.json()["features"]:
        assert feature["type"] == "Feature"
        assert isinstance(feature["id"], str)
        assert feature["geometry"] is None or feature["geometry"]["coordinates"]
        assert "crs" not in (feature["geometry"] or {})
        assert isinstance(feature["properties"], dict)


async def test_req_core_fc_links(client: httpx.AsyncClient) -> None:
    document = await get(client, f"{ITEMS}?limit=2&kind=red_line")
    here = link(document, "self")
    assert here is not None
    assert (await get(client, here))["features"] == document["features"]
    other = link(document, "alternate", "text/html")
    assert other is not None
    assert (await client.get(other)).headers["content-type"].startswith("text/html")
    following = link(document, "next")
    assert following is not None
    assert "kind=red_line" in following
    assert link(await get(client, following), "prev") is not None


async def test_req_core_fc_rel_type(client: httpx.AsyncClient) -> None:
    for item in (await get(client, f"{ITEMS}?limit=2"))["links"]:
        assert item["rel"]
        assert item["type"]


async def test_req_core_fc_time_stamp(client: httpx.AsyncClient) -> None:
    stamp = (await get(client, ITEMS))["timeStamp"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", stamp)
    assert abs((datetime.now(UTC) - datetime.fromisoformat(stamp)).total_seconds()) < 60


async def test_req_core_fc_number_matched(client: httpx.AsyncClient) -> None:
    assert (await get(client, f"{ITEMS}?limit=2"))["numberMatched"] == 8
    assert (await get(client, f"{ITEMS}?limit=2&kind=island"))["numberMatched"] == 4


async def test_req_core_fc_number_returned(client: httpx.AsyncClient) -> None:
    for limit in (2, 100):
        document = await get(client, f"{ITEMS}?limit={limit}")
        assert document["numberReturned"] == len(document["features"])


@EVERY
async def test_req_core_f_op(client: httpx.AsyncClient, definition: Json, name: str) -> None:
    for code in await ids(client, f"/collections/{name}/items"):
        assert (await client.get(f"/collections/{name}/items/{code}")).status_code == 200
    assert "200" in operation(definition, f"/collections/{name}/items")["responses"]


async def test_req_core_f_success(client: httpx.AsyncClient) -> None:
    listed = (await get(client, ITEMS))["features"]
    for feature in listed:
        answer = await client.get(f"{ITEMS}/{feature['id']}")
        assert answer.headers["content-type"].startswith("application/geo+json")
        document = answer.json()
        assert {name: document[name] for name in feature} == feature
    refused(await client.get(f"{ITEMS}/nothing"), 404)


async def test_req_core_f_links(client: httpx.AsyncClient) -> None:
    document = await get(client, f"{ITEMS}/line-1")
    here = link(document, "self", "application/geo+json")
    assert here is not None
    assert (await get(client, here))["id"] == "line-1"
    assert link(document, "alternate", "text/html") is not None
    assert link(document, "collection") == f"{BASE}/collections/control_areas"


@EVERY
async def test_req_core_fc_filters_definition(
    client: httpx.AsyncClient, definition: Json, name: str
) -> None:
    """The parameters of `fc-filters` are in the definition, and are those that filter."""
    path = f"/collections/{name}/items"
    queryables = (await get(client, f"/collections/{name}/queryables"))["properties"]
    for feature in (await get(client, path))["features"]:
        for member, value in feature["properties"].items():
            if member in queryables and isinstance(value, str | int | float | bool):
                told = str(value).lower() if isinstance(value, bool) else str(value)
                assert parameter(definition, path, member)["in"] == "query"
                found = await ids(client, path, **{member: told})
                assert feature["id"] in found, (member, told)


async def test_features_with_a_shape_come_first(editor: httpx.AsyncClient) -> None:
    """QGIS takes a layer whose first features have none for a table."""
    properties = {"name_zh": "廊道", "name_en": "c", "region": "city", "type": "mountain_sea"}
    shape = {"type": "MultiLineString", "coordinates": [[[118.0, 24.4], [118.1, 24.5]]]}
    for number, geometry in enumerate((None, shape, None, shape)):
        made = await editor.post(
            "/collections/corridors/items",
            json={
                "type": "Feature",
                "id": f"order-{number}",
                "geometry": geometry,
                "properties": properties,
            },
        )
        assert made.status_code == 201, made.text
    found, address = [], "/collections/corridors/items?limit=1"
    while address:
        page = await get(editor, address)
        found += [(item["id"], item["geometry"] is not None) for item in page["features"]]
        address = link(page, "next") or ""
    codes = [code for code, _ in found]
    assert len(codes) == len(set(codes))
    assert {f"order-{number}" for number in range(4)} <= set(codes)
    shaped = [drawn for _, drawn in found]
    assert shaped == sorted(shaped, reverse=True)
    named = await get(editor, "/collections/corridors/items?sortby=code&limit=100")
    asked = [item["id"] for item in named["features"]]
    assert asked == sorted(asked)
    for values in (("maybe",), (None,)):
        forged = write_cursor("after", OrderPosition(1, values), {})
        refused(await editor.get("/collections/corridors/items", params={"cursor": forged}), 400)
