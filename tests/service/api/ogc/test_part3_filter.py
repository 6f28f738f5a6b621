"""OGC API - Features Part 3 and CQL2: each test is named after a requirement or a class."""

import json

import httpx
import pytest

from shanhai.db.collections.catalogue import COLLECTIONS
from tests.service.api.ogc.reading import BASE, Json, get, ids, link, parameter, refused

ITEMS = "/collections/control_areas/items"
REL = "http://www.opengis.net/def/rel/ogc/1.0"
EPSG = "http://www.opengis.net/def/crs/EPSG/0"
EVERY = pytest.mark.parametrize("name", [entity.name for entity in COLLECTIONS])
ALL = [f"line-{number}" for number in range(8)]
RED = ALL[1::2]
ISLANDS = ALL[::2]


@EVERY
async def test_req_queryables_get_queryables_op(client: httpx.AsyncClient, name: str) -> None:
    address = link(await get(client, f"/collections/{name}"), f"{REL}/queryables")
    assert address is not None
    answer = await client.get(address)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/schema+json"


@EVERY
async def test_req_queryables_get_queryables_response(client: httpx.AsyncClient, name: str) -> None:
    document = await get(client, f"/collections/{name}/queryables")
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert document["$id"] == f"{BASE}/collections/{name}/queryables"
    assert document["type"] == "object"
    assert document["additionalProperties"] is False
    for member in document["properties"].values():
        assert member.get("title") or member["format"].startswith("geometry-")


@EVERY
async def test_req_queryables_query_parameters(
    client: httpx.AsyncClient, definition: Json, name: str
) -> None:
    for member, schema in (await get(client, f"/collections/{name}/queryables"))[
        "properties"
    ].items():
        if schema.get("type") in {"string", "integer", "number", "boolean"}:
            found = parameter(definition, f"/collections/{name}/items", member)
            assert not found.get("required", False)


async def test_req_queryables_query_parameters_response(client: httpx.AsyncClient) -> None:
    assert await ids(client, ITEMS, kind="red_line") == RED
    assert await ids(client, ITEMS, kind="red_line", name_zh="生态红线3") == ["line-3"]


@EVERY
async def test_req_filter_filter_param(
    client: httpx.AsyncClient, definition: Json, name: str
) -> None:
    path = f"/collections/{name}/items"
    assert parameter(definition, path, "filter")["schema"]["type"] == "string"
    (code,) = await ids(client, path, limit="1")
    assert await ids(client, path, filter=f"code = '{code}'") == [code]
    assert await ids(client, path, filter=f"code <> '{code}'", limit="1") != [code]


@EVERY
async def test_req_filter_filter_lang_param(
    client: httpx.AsyncClient, definition: Json, name: str
) -> None:
    found = parameter(definition, f"/collections/{name}/items", "filter-lang")["schema"]
    assert found["enum"][:2] == ["cql2-text", "cql2-json"]
    assert found["default"] == "cql2-text"


async def test_req_filter_filter_lang_action(client: httpx.AsyncClient) -> None:
    tree = json.dumps({"op": "=", "args": [{"property": "kind"}, "red_line"]})
    assert await ids(client, ITEMS, **{"filter": tree, "filter-lang": "cql2-json"}) == RED
    text = "kind = 'red_line'"
    assert await ids(client, ITEMS, **{"filter": text, "filter-lang": "cql2-text"}) == RED
    for language in ("cql2", "sql", ""):
        answer = await client.get(ITEMS, params={"filter": text, "filter-lang": language})
        refused(answer, 400, "filter-lang")


@EVERY
async def test_req_filter_filter_crs_param(
    client: httpx.AsyncClient, definition: Json, name: str
) -> None:
    found = parameter(definition, f"/collections/{name}/items", "filter-crs")
    assert found["schema"]["type"] == "string"


@pytest.mark.parametrize(
    ("crs", "box"),
    [
        (None, "118.06,24.51,118.08,24.53"),
        (f"{EPSG}/4490", "24.51,118.06,24.53,118.08"),
        (f"{EPSG}/4326", "24.51,118.06,24.53,118.08"),
        ("[EPSG:4490]", "24.51,118.06,24.53,118.08"),
    ],
)
async def test_req_filter_filter_crs_action(
    client: httpx.AsyncClient, crs: str | None, box: str
) -> None:
    asked = {"filter": f"S_INTERSECTS(geometry, BBOX({box}))"}
    if crs is not None:
        asked["filter-crs"] = crs
    assert await ids(client, ITEMS, **asked) == ["line-1"]
    unknown = {**asked, "filter-crs": f"{EPSG}/2437"}
    refused(await client.get(ITEMS, params=unknown), 400, "filter-crs")


async def test_req_filter_mixing_expressions(client: httpx.AsyncClient) -> None:
    """All parameters hold together."""
    asked = {"filter": "code > 'line-2'", "bbox": "118,24,118.27,25", "kind": "red_line"}
    assert await ids(client, ITEMS, **asked) == ["line-3", "line-5"]


async def test_req_filter_response(client: httpx.AsyncClient) -> None:
    document = await get(client, ITEMS, filter="kind = 'red_line'", limit="3")
    assert document["numberMatched"] == 4
    following = link(document, "next")
    assert following is not None
    assert [item["id"] for item in (await get(client, following))["features"]] == RED[3:]
    refused(await client.get(ITEMS, params={"filter": "kind ="}), 400, "filter")


@pytest.mark.parametrize("text", ["nothing = 1", "legal_basis = 'x'", "id = 1", "geom IS NULL"])
async def test_req_features_filter_unknown_property(client: httpx.AsyncClient, text: str) -> None:
    problem = refused(await client.get(ITEMS, params={"filter": text}), 400, "filter")
    assert "queryable" in problem["detail"]


async def test_req_features_filter_conformance(client: httpx.AsyncClient) -> None:
    declared = (await get(client, "/conformance"))["conformsTo"]
    part3 = "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf"
    for name in ("queryables", "queryables-query-parameters", "filter", "features-filter"):
        assert f"{part3}/{name}" in declared
    for name in CLASSES:
        assert f"http://www.opengis.net/spec/cql2/1.0/conf/{name}" in declared


CLASSES: dict[str, list[tuple[str, list[str]]]] = {
    "cql2-text": [
        ("name_zh = '生态红线3'", ["line-3"]),
        ("(((code='line-1')))", ["line-1"]),
        ("code = 'line-1' OR name_zh = 'a\\'b' OR name_zh = 'a''b'", ["line-1"]),
    ],
    "cql2-json": [
        ('{"op":"=","args":[{"property":"code"},"line-1"]}', ["line-1"]),
        ('{"op":"not","args":[{"op":"=","args":[{"property":"kind"},"island"]}]}', RED),
    ],
    "basic-cql2": [
        ("kind = 'red_line' AND NOT code = 'line-1'", RED[1:]),
        ("code < 'line-1' OR code >= 'line-7'", ["line-0", "line-7"]),
        ("code <> 'line-1' AND code <= 'line-2' AND code > 'line-0'", ["line-2"]),
        ("delimitation IS NULL AND visibility = 'public'", ALL),
        ("visibility = 'public' AND delimitation IS NOT NULL", []),
        ("valid_from >= DATE('2024-01-01')", ["line-6", "line-7"]),
    ],
    "advanced-comparison-operators": [
        ("name_zh LIKE '生态%' AND code LIKE 'line-_'", ALL),
        ("code NOT LIKE 'line-%'", []),
        ("code IN ('line-1','line-2','x')", ["line-1", "line-2"]),
        ("code NOT IN ('line-1','line-2')", ["line-0", *ALL[3:]]),
        ("valid_from BETWEEN DATE('2019-01-01') AND DATE('2020-12-31')", ["line-1", "line-2"]),
    ],
    "case-insensitive-comparison": [
        ("CASEI(code) = CASEI('LINE-1')", ["line-1"]),
        ("CASEI(name_en) LIKE CASEI('LINE-%')", ALL),
        ("CASEI(kind) IN (CASEI('ISLAND'))", ISLANDS),
    ],
    "basic-spatial-functions": [
        ("S_INTERSECTS(geometry, POINT(118.06 24.51))", ["line-1"]),
        ("S_INTERSECTS(geometry, BBOX(118.06,24.51,118.12,24.53))", ["line-1", "line-2"]),
    ],
    "basic-spatial-functions-plus": [
        ("S_INTERSECTS(geometry, LINESTRING(118.06 24.52,118.12 24.52))", ["line-1", "line-2"]),
        (
            "S_INTERSECTS(geometry, POLYGON((118.06 24.51,118.07 24.51,118.07 24.52,"
            "118.06 24.51)))",
            ["line-1"],
        ),
        ("S_INTERSECTS(geometry, MULTIPOINT((118.06 24.51),(118.31 24.51)))", ["line-1", "line-6"]),
        (
            "S_INTERSECTS(geometry, GEOMETRYCOLLECTION(POINT(118.06 24.51),"
            " POLYGON((118.31 24.51,118.32 24.51,118.32 24.52,118.31 24.51))))",
            ["line-1", "line-6"],
        ),
    ],
    "spatial-functions": [
        ("S_WITHIN(geometry, BBOX(118,24.4,118.1,24.6))", ["line-0", "line-1"]),
        ("S_CONTAINS(geometry, POINT(118.06 24.51))", ["line-1"]),
        ("S_DISJOINT(geometry, BBOX(118,24.4,118.3,24.6))", ["line-7"]),
        ("S_TOUCHES(geometry, POINT(118.05 24.5))", ["line-1"]),
        ("S_CROSSES(geometry, LINESTRING(118.04 24.52,118.07 24.52))", ["line-1"]),
        (
            "S_OVERLAPS(geometry, POLYGON((118.06 24.51,118.2 24.6,118.2 24.51,118.06 24.51)))",
            ["line-1", "line-2", "line-3"],
        ),
        (
            "S_EQUALS(geometry, POLYGON((118.05 24.5,118.09 24.5,118.09 24.54,118.05 24.54,"
            "118.05 24.5)))",
            ["line-1"],
        ),
    ],
    "temporal-functions": [
        ("T_AFTER(valid_from, DATE('2024-06-01'))", ["line-7"]),
        ("T_BEFORE(valid_from, TIMESTAMP('2018-06-01T00:00:00Z'))", ["line-0"]),
        ("T_DURING(valid_from, INTERVAL('2018-06-01','2019-06-01'))", ["line-1"]),
        ("T_INTERSECTS(INTERVAL(valid_from, valid_to), INTERVAL('..','2018-12-31'))", ["line-0"]),
        ("T_EQUALS(valid_from, DATE('2020-01-01'))", ["line-2"]),
        ("T_DISJOINT(INTERVAL(valid_from, '..'), DATE('2018-12-31'))", ALL[1:]),
    ],
    "property-property": [("name_en <> code AND region = region", ALL), ("code = name_zh", [])],
    "arithmetic": [
        ("1 + 2 * 3 = 7 AND code = 'line-1'", ["line-1"]),
        ("5 DIV 2 = 3 - 2^0 + 1", []),
    ],
}


@pytest.mark.parametrize("name", CLASSES)
async def test_conf_cql2(client: httpx.AsyncClient, name: str) -> None:
    language = "cql2-json" if name == "cql2-json" else "cql2-text"
    for text, found in CLASSES[name]:
        asked = {"filter": text, "filter-lang": language}
        assert await ids(client, ITEMS, **asked) == found, text


async def test_arithmetic_reads_properties(client: httpx.AsyncClient) -> None:
    found = await ids(client, "/collections/corridors/items", filter="length_km * 2 - 1 > 80 / 2")
    assert found == ["corridor-a"]
