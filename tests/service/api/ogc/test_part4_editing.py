"""OGC API - Features Part 4: each test is named after a requirement of the draft."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.service.api.ogc.reading import BASE, Json, get, link, refused
from tests.support.plan_features import feature, names, square

ITEMS = "/collections/control_areas/items"
EPSG = "http://www.opengis.net/def/crs/EPSG/0"


def area(code: str, **properties: object) -> Json:
    """A control area to send."""
    own = {"kind": "red_line", "region": "city", "level": "city"}
    return feature(square(118.1, 24.6), **{**names(code, "新划红线"), **own, **properties})


@pytest.fixture
async def one(editor: httpx.AsyncClient) -> AsyncIterator[str]:
    """The path of a control area of the test's own."""
    answer = await editor.post(ITEMS, json=area("own"))
    assert answer.status_code == 201, answer.text
    yield f"{ITEMS}/own"
    assert (await editor.delete(f"{ITEMS}/own")).status_code in {204, 404}


async def test_req_create_replace_delete_insert_post_op(editor: httpx.AsyncClient) -> None:
    allowed = (await editor.options(ITEMS)).headers["allow"]
    assert "POST" in allowed.split(", ")


@pytest.mark.parametrize("media_type", ["application/geo+json", "application/json"])
async def test_req_create_replace_delete_insert_body(
    editor: httpx.AsyncClient, media_type: str
) -> None:
    answer = await editor.post(ITEMS, json=area("x1"), headers={"Content-Type": media_type})
    assert answer.status_code == 201
    assert (await editor.delete(f"{ITEMS}/x1")).status_code == 204


async def test_req_create_replace_delete_insert_content_type(editor: httpx.AsyncClient) -> None:
    answer = await editor.post(ITEMS, content="<x/>", headers={"Content-Type": "text/xml"})
    refused(answer, 415)


async def test_req_create_replace_delete_insert_post_response(editor: httpx.AsyncClient) -> None:
    sent = area("ignored")
    del sent["properties"]["code"]
    answer = await editor.post(ITEMS, json=sent)
    assert answer.status_code == 201
    address = answer.headers["location"]
    assert address.startswith(f"{BASE}{ITEMS}/")
    made = await get(editor, address)
    assert made["id"] == address.rpartition("/")[2]
    assert made["properties"]["name_zh"] == "新划红线"
    assert made["geometry"] == sent["geometry"]
    assert (await editor.delete(address)).status_code == 204


async def test_req_create_replace_delete_replace_op(editor: httpx.AsyncClient, one: str) -> None:
    allowed = (await editor.options(one)).headers["allow"].split(", ")
    assert {"PUT", "PATCH", "DELETE"} <= set(allowed)


async def test_req_create_replace_delete_replace_response(
    editor: httpx.AsyncClient, one: str
) -> None:
    answer = await editor.put(one, json=area("own", name_en="Replaced"))
    assert answer.status_code in {200, 204}
    assert (await get(editor, one))["properties"]["name_en"] == "Replaced"


async def test_req_create_replace_delete_replace_rid(editor: httpx.AsyncClient, one: str) -> None:
    """The path alone says which feature is replaced; a body cannot say another."""
    assert (await editor.put(one, json={**area("own"), "id": "own"})).status_code == 200
    refused(await editor.put(one, json=area("another")), 400, "/properties/code")
    assert (await get(editor, one))["id"] == "own"


async def test_req_create_replace_delete_replace_unknown(editor: httpx.AsyncClient) -> None:
    refused(await editor.put(f"{ITEMS}/nothing", json=area("nothing")), 404)


async def test_req_create_replace_delete_delete_op(editor: httpx.AsyncClient, one: str) -> None:
    assert (await editor.delete(one)).status_code == 204


async def test_req_create_replace_delete_delete_response(
    editor: httpx.AsyncClient, one: str
) -> None:
    assert (await editor.delete(one)).content == b""
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        body = area("own") if method in {"PUT", "PATCH"} else None
        answer = await editor.request(method, one, json=body)
        refused(answer, 404)


async def test_req_create_replace_delete_exceptions(
    client: httpx.AsyncClient, editor: httpx.AsyncClient, one: str
) -> None:
    refused(await client.post(ITEMS, json=area("x2")), 401)
    assert "POST" not in (await client.options(ITEMS)).headers["allow"]
    refused(await editor.post(ITEMS, json=area("own")), 409)
    refused(await editor.post(ITEMS, content="{", headers=JSON), 400)
    answer = await editor.post("/collections/datasets/items", json=area("x3"))
    assert answer.status_code == 405
    assert "POST" not in answer.headers["allow"]


JSON = {"Content-Type": "application/json"}


async def test_req_update_patch_op(editor: httpx.AsyncClient, one: str) -> None:
    headers = {"Content-Type": "application/merge-patch+json"}
    change = {"properties": {"name_en": "Changed", "level": None}}
    answer = await editor.patch(one, json=change, headers=headers)
    assert answer.status_code in {200, 204}
    members = (await get(editor, one))["properties"]
    assert (members["name_en"], members["level"]) == ("Changed", None)
    assert members["name_zh"] == "新划红线"


async def test_req_update_patch_geometry(editor: httpx.AsyncClient, one: str) -> None:
    before = await get(editor, one)
    assert (await editor.patch(one, json={"geometry": square(118.2, 24.7)})).status_code == 200
    after = await get(editor, one)
    assert after["geometry"] == square(118.2, 24.7)
    assert after["properties"]["name_en"] == before["properties"]["name_en"]


async def test_req_update_options(editor: httpx.AsyncClient, one: str) -> None:
    assert "application/merge-patch+json" in (await editor.options(one)).headers["accept-patch"]


@pytest.mark.parametrize(
    ("code", "place"), [(4490, [24.6, 118.1]), (4326, [24.6, 118.1]), (4548, None)]
)
async def test_req_features_content_crs(
    editor: httpx.AsyncClient, one: str, code: int, place: list[float] | None
) -> None:
    shown = await editor.get(one, params={"crs": f"{EPSG}/{code}"})
    headers = {"Content-Crs": shown.headers["content-crs"]}
    geometry = shown.json()["geometry"]
    if place is not None:
        assert geometry["coordinates"][0][0][0] == place
    answer = await editor.put(one, json={**area("own"), "geometry": geometry}, headers=headers)
    assert answer.status_code == 200
    (((lon, lat), *_),) = (await get(editor, one))["geometry"]["coordinates"][0]
    assert (lon, lat) == pytest.approx((118.1, 24.6), abs=1e-7)
    refusal = await editor.put(one, json=area("own"), headers={"Content-Crs": f"<{EPSG}/1>"})
    refused(refusal, 400, "Content-Crs")


async def test_req_features_default_crs(editor: httpx.AsyncClient, one: str) -> None:
    swapped = {"type": "Point", "coordinates": [24.6, 118.1]}
    problem = refused(await editor.patch(one, json={"geometry": swapped}), 400)
    assert "swapped" in problem["detail"]


async def test_req_optimistic_locking_etags_etag(editor: httpx.AsyncClient, one: str) -> None:
    first = (await editor.get(one)).headers["etag"]
    assert (await editor.get(one)).headers["etag"] == first
    assert (await editor.patch(one, json={"properties": {"name_en": "Next"}})).status_code == 200
    assert (await editor.get(one)).headers["etag"] != first


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_req_optimistic_locking_etags_if_match(
    editor: httpx.AsyncClient, one: str, method: str
) -> None:
    stale = (await editor.get(one)).headers["etag"]
    assert (await editor.patch(one, json={"properties": {"name_en": "Other"}})).status_code == 200
    body = None if method == "DELETE" else area("own")
    refused(await editor.request(method, one, json=body, headers={"If-Match": stale}), 412)
    fresh = (await editor.get(one)).headers["etag"]
    answer = await editor.request(method, one, json=body, headers={"If-Match": fresh})
    assert answer.status_code in {200, 204}


async def test_what_a_qgis_user_edits(editor: httpx.AsyncClient) -> None:
    """The requests of QGIS: OPTIONS, POST with Content-Crs, PUT of all it was shown, DELETE."""
    allowed = (await editor.options(ITEMS)).headers["allow"]
    assert "POST" in allowed
    headers = {"Content-Type": "application/geo+json", "Content-Crs": f"<{EPSG}/4490>"}
    flipped = {
        "type": "MultiPolygon",
        "coordinates": [[[[lat, lon] for lon, lat in square(118.3, 24.6)["coordinates"][0][0]]]],
    }
    drawn = {**area("drawn"), "geometry": flipped}
    answer = await editor.post(ITEMS, json=drawn, headers=headers)
    assert answer.status_code == 201, answer.text
    address = answer.headers["location"]
    shown = await get(editor, address)
    assert shown["geometry"] == square(118.3, 24.6)
    shown["properties"]["name_en"] = "Drawn by hand"
    del shown["links"]
    assert (await editor.put(address, json=shown)).status_code == 200
    change = {"type": "Feature", "geometry": square(118.35, 24.6, 0.05)}
    assert (await editor.patch(address, json=change)).status_code == 200
    assert (await get(editor, address))["properties"]["name_en"] == "Drawn by hand"
    assert (await editor.delete(address)).status_code == 204
    assert link(await get(editor, ITEMS), "self")
