"""OGC API - Features Part 2: each test is named after the requirement of the class `crs`."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from pyproj import Transformer

from shanhai.db.collections.catalogue import COLLECTIONS
from shanhai.settings import PublicSettings
from shanhai_api.app import create_app
from shanhai_api.kit.state import Configuration
from tests.service.api.ogc.conftest import in_process
from tests.service.api.ogc.reading import Json, get, ids, parameter, refused

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG = "http://www.opengis.net/def/crs/EPSG/0"
ITEMS = "/collections/control_areas/items"
ONE = f"{ITEMS}/line-1"
NAMES = [entity.name for entity in COLLECTIONS]
EVERY = pytest.mark.parametrize("name", NAMES)
SYSTEMS = [CRS84, *(f"{EPSG}/{code}" for code in (4490, 4326, 3857, 4527, 4548))]
UNKNOWN = ["http://www.opengis.net/def/crs/EPSG/0/9999999", "EPSG:4490", "4490", "[EPSG:1]", ""]


async def corner(client: httpx.AsyncClient, path: str, **query: str) -> tuple[float, float]:
    """The first position of a feature."""
    document = await get(client, path, **query)
    first, second = document["geometry"]["coordinates"][0][0][0]
    return first, second


async def test_req_crs_crs_uri(client: httpx.AsyncClient) -> None:
    for uri in (await get(client, "/collections"))["crs"]:
        assert uri.startswith(("http://www.opengis.net/def/crs/OGC/1.3/", f"{EPSG}/"))


@EVERY
async def test_req_crs_fc_md_crs_list_a(client: httpx.AsyncClient, name: str) -> None:
    listed = (await get(client, f"/collections/{name}"))["crs"]
    assert listed[0] == CRS84
    assert set(SYSTEMS) <= set(listed)


async def test_req_crs_fc_md_crs_list_b(client: httpx.AsyncClient) -> None:
    """What is listed is served."""
    for uri in (await get(client, "/collections/stations"))["crs"]:
        answer = await client.get("/collections/stations/items", params={"crs": uri})
        assert answer.status_code == 200, uri


async def test_req_crs_fc_md_crs_list_global(client: httpx.AsyncClient) -> None:
    document = await get(client, "/collections")
    assert CRS84 in document["crs"]
    assert all("#/crs" in item["crs"] for item in document["collections"])


@EVERY
async def test_req_crs_fc_md_storage_crs(client: httpx.AsyncClient, name: str) -> None:
    assert (await get(client, f"/collections/{name}"))["storageCrs"] == f"{EPSG}/4490"


@EVERY
async def test_req_crs_fc_md_storage_crs_valid_value(client: httpx.AsyncClient, name: str) -> None:
    document = await get(client, f"/collections/{name}")
    assert document["storageCrs"] in document["crs"]


@EVERY
async def test_req_crs_fc_crs_definition(definition: Json, name: str) -> None:
    for path in (f"/collections/{name}/items", f"/collections/{name}/items/{{code}}"):
        found = parameter(definition, path, "crs")
        assert found["in"] == "query"
        assert not found.get("required", False)
        assert found["schema"]["type"] == "string"


@pytest.mark.parametrize("uri", UNKNOWN)
async def test_req_crs_fc_crs_valid_value(client: httpx.AsyncClient, uri: str) -> None:
    for path in (ITEMS, ONE):
        refused(await client.get(path, params={"crs": uri}), 400, "crs")


async def test_req_crs_fc_crs_default_value(client: httpx.AsyncClient) -> None:
    assert await corner(client, ONE) == await corner(client, ONE, crs=CRS84) == (118.05, 24.5)
    assert (await client.get(ONE)).headers["content-crs"] == f"<{CRS84}>"


@pytest.mark.parametrize("code", [4490, 4326, 3857, 4527, 4548])
async def test_req_crs_fc_crs_action(client: httpx.AsyncClient, code: int) -> None:
    source = 4326 if code == 3857 else 4490
    meant = Transformer.from_crs(source, code).transform(24.5, 118.05)
    near = pytest.approx(meant, abs=1e-6 if code in {4490, 4326} else 2e-3)
    assert await corner(client, ONE, crs=f"{EPSG}/{code}") == near
    assert await corner(client, ONE, crs=f"[EPSG:{code}]") == near
    (listed,) = (await get(client, ITEMS, crs=f"{EPSG}/{code}", filter="code='line-1'"))["features"]
    assert tuple(listed["geometry"]["coordinates"][0][0][0]) == near


@EVERY
async def test_req_crs_ogc_crs_header(client: httpx.AsyncClient, name: str) -> None:
    assert "content-crs" in (await client.get(f"/collections/{name}/items")).headers


@pytest.mark.parametrize("uri", SYSTEMS)
async def test_req_crs_ogc_crs_header_value(client: httpx.AsyncClient, uri: str) -> None:
    for path in (ITEMS, ONE):
        assert (await client.get(path, params={"crs": uri})).headers["content-crs"] == f"<{uri}>"


async def test_req_crs_geojson(client: httpx.AsyncClient) -> None:
    """In other systems, too, it is GeoJSON but for the coordinates."""
    document = await get(client, ITEMS, crs=f"{EPSG}/4548")
    assert document["type"] == "FeatureCollection"
    assert "crs" not in document
    assert document["features"][0]["geometry"]["type"] == "MultiPolygon"


@EVERY
async def test_req_crs_fc_bbox_crs_definition(definition: Json, name: str) -> None:
    found = parameter(definition, f"/collections/{name}/items", "bbox-crs")
    assert found["in"] == "query"
    assert not found.get("required", False)
    assert found["schema"]["type"] == "string"


@pytest.mark.parametrize("uri", UNKNOWN)
async def test_req_crs_fc_bbox_crs_valid_values(client: httpx.AsyncClient, uri: str) -> None:
    query = {"bbox": "118,24,119,25", "bbox-crs": uri}
    refused(await client.get(ITEMS, params=query), 400, "bbox-crs")


async def test_req_crs_fc_bbox_crs_default_value(client: httpx.AsyncClient) -> None:
    box = "118.05,24.5,118.09,24.54"
    assert await ids(client, ITEMS, bbox=box) == ["line-1"]
    assert await ids(client, ITEMS, **{"bbox": box, "bbox-crs": CRS84}) == ["line-1"]


@pytest.mark.parametrize("code", [4490, 4326, 3857, 4527, 4548])
async def test_req_crs_fc_bbox_crs_action(client: httpx.AsyncClient, code: int) -> None:
    source = 4326 if code == 3857 else 4490
    there = Transformer.from_crs(source, code)
    low, high = there.transform(24.51, 118.06), there.transform(24.53, 118.08)
    box = ",".join(str(number) for number in (*low, *high))
    assert await ids(client, ITEMS, **{"bbox": box, "bbox-crs": f"{EPSG}/{code}"}) == ["line-1"]


async def test_req_crs_crs_exception(client: httpx.AsyncClient) -> None:
    problem = refused(await client.get(ITEMS, params={"crs": f"{EPSG}/2437"}), 400, "crs")
    assert "4490" in problem["errors"][0]["detail"]


async def test_req_crs_bbox_crs_exception(client: httpx.AsyncClient) -> None:
    query = {"bbox": "1,2,3,4", "bbox-crs": f"{EPSG}/2437"}
    refused(await client.get(ITEMS, params=query), 400, "bbox-crs")


class TestPublished:
    """Where the operator lists the systems that are published."""

    LISTED = (CRS84, f"{EPSG}/4326", f"{EPSG}/3857")

    @pytest.fixture
    async def narrow(
        self, plan_configuration: Configuration, plan_key: str
    ) -> AsyncIterator[httpx.AsyncClient]:
        public = plan_configuration.public.model_copy(update={"crs": (4326, 3857)})
        app = create_app(replace(plan_configuration, public=public))
        async with app.router.lifespan_context(app), in_process(app, plan_key) as client:
            yield client

    async def test_lists_tell_of_them_alone(self, narrow: httpx.AsyncClient) -> None:
        document = await get(narrow, "/collections")
        assert tuple(document["crs"]) == self.LISTED
        one = await get(narrow, "/collections/control_areas")
        assert tuple(one["crs"]) == self.LISTED
        assert "storageCrs" not in one
        for address in ("/api", "/openapi.json"):
            described = await get(narrow, address)
            for name in ("crs", "bbox-crs", "filter-crs"):
                schema = parameter(described, "/collections/control_areas/items", name)["schema"]
                assert tuple(schema["enum"]) == self.LISTED

    @pytest.mark.parametrize("uri", [f"{EPSG}/4490", "[EPSG:4548]"])
    async def test_others_are_refused(self, narrow: httpx.AsyncClient, uri: str) -> None:
        box = {"bbox": "118,24,119,25", "bbox-crs": uri}
        filtered = {"filter": "code='line-1'", "filter-crs": uri}
        for query in ({"crs": uri}, box, filtered, {"crs": uri, "f": "gpkg"}):
            pointer = next(name for name in query if name.endswith("crs"))
            refused(await narrow.get(ITEMS, params=query), 400, pointer)
        refused(await narrow.get(ONE, params={"crs": uri}), 400, "crs")
        headers = {"Content-Crs": f"<{uri}>", "Content-Type": "application/merge-patch+json"}
        refused(await narrow.patch(ONE, json={}, headers=headers), 400, "Content-Crs")

    async def test_listed_ones_are_served(self, narrow: httpx.AsyncClient) -> None:
        for uri in self.LISTED:
            answer = await narrow.get(ONE, params={"crs": uri})
            assert answer.headers["content-crs"] == f"<{uri}>"

    async def test_what_is_not_known_ends_the_start(
        self, plan_configuration: Configuration
    ) -> None:
        public = plan_configuration.public.model_copy(update={"crs": (2154,)})
        with pytest.raises(ValueError, match="EPSG"):
            create_app(replace(plan_configuration, public=public))

    async def test_numbers_come_with_commas(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SHANHAI_CRS", "4490,4326")
        assert PublicSettings().crs == (4490, 4326)
