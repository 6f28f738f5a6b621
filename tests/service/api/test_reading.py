"""Reading features in other systems, by filters, in orders, of former days, in long pages."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from uvicorn import Config, Server

from shanhai.db.collections.catalogue import COLLECTIONS
from shanhai.db.features.crs import CRS84, crs_uris
from shanhai.db.features.query import read_rows
from shanhai.db.tables.zone import Region
from shanhai.local.places import any_free_port
from shanhai_api.features import tables
from tests.support.emptying import forget_rows
from tests.support.feature_rows import add_five_zones, add_scheme
from tests.support.job_rows import add_region
from tests.support.serving import PATIENCE_S

REGIONS = "/collections/regions/items"
ZONES = "/collections/zones/items"
EPSG = "http://www.opengis.net/def/crs/EPSG/0"


def codes(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [feature["id"] for feature in answer.json()["features"]]


def link(document: dict[str, Any], rel: str) -> str | None:
    return next((item["href"] for item in document["links"] if item["rel"] == rel), None)


@pytest.fixture
async def square_city(session: AsyncSession) -> Region:
    city = await add_region(session, "city", box=(118.0, 24.0, 118.5, 24.5))
    await session.commit()
    return city


@pytest.fixture
async def zoned(session: AsyncSession, square_city: Region) -> None:
    await add_five_zones(session, await add_scheme(session, square_city))
    await session.commit()


@pytest.fixture
async def many(session: AsyncSession) -> list[str]:
    """1 250 regions without a place."""
    await session.execute(
        text(
            "INSERT INTO region (code, name_zh, name_en, level)"
            " SELECT 'r' || lpad(n::text, 4, '0'), '区', 'Region', 'town'"
            " FROM generate_series(0, 1249) n"
        )
    )
    await session.commit()
    return [f"r{number:04}" for number in range(1250)]


class TestSystems:
    async def test_every_collection_lists_them(self, anonymous: httpx.AsyncClient) -> None:
        document = (await anonymous.get("/collections")).json()
        assert document["crs"] == crs_uris()
        for described in document["collections"]:
            assert described["crs"] == ["#/crs"]
            assert described["storageCrs"] == f"{EPSG}/4490"
        one = (await anonymous.get("/collections/zones")).json()
        assert one["crs"] == crs_uris()
        assert one["storageCrs"] in one["crs"]

    @pytest.mark.parametrize(
        ("crs", "uri", "corner"),
        [
            (None, CRS84.uri, [118.0, 24.0]),
            (f"{EPSG}/4490", f"{EPSG}/4490", [24.0, 118.0]),
            ("[EPSG:4326]", f"{EPSG}/4326", [24.0, 118.0]),
            (f"{EPSG}/3857", f"{EPSG}/3857", [13135699.914, 2753408.109]),
            (f"{EPSG}/4548", f"{EPSG}/4548", [2655649.853, 601755.256]),
            (f"{EPSG}/4527", f"{EPSG}/4527", [2655649.853, 39601755.256]),
        ],
    )
    async def test_coordinates_follow_the_system_and_its_axes(
        self,
        anonymous: httpx.AsyncClient,
        square_city: Region,
        crs: str | None,
        uri: str,
        corner: list[float],
    ) -> None:
        asked = {} if crs is None else {"crs": crs}
        page = await anonymous.get(REGIONS, params=asked)
        item = await anonymous.get(f"{REGIONS}/city", params=asked)
        for answer in (page, item):
            assert answer.headers["Content-Crs"] == f"<{uri}>"
        feature = page.json()["features"][0]
        assert feature["geometry"]["coordinates"][0][0][0] == pytest.approx(corner, abs=2e-3)
        assert item.json()["geometry"] == feature["geometry"]

    @pytest.mark.parametrize(
        ("crs", "box"),
        [
            (CRS84.uri, "118.1,24.1,118.2,24.2"),
            (f"{EPSG}/4490", "24.1,118.1,24.2,118.2"),
            ("[EPSG:4326]", "24.1,118.1,-5,24.2,118.2,5"),
            (f"{EPSG}/3857", "13140000,2760000,13150000,2770000"),
            (f"{EPSG}/4548", "2660000,605000,2670000,606000"),
            (f"{EPSG}/4527", "2660000,39605000,2670000,39606000"),
        ],
    )
    async def test_boxes_follow_theirs(
        self, anonymous: httpx.AsyncClient, square_city: Region, crs: str, box: str
    ) -> None:
        answer = await anonymous.get(REGIONS, params={"bbox": box, "bbox-crs": crs})
        assert codes(answer) == ["city"]

    @pytest.mark.parametrize("name", ["crs", "bbox-crs", "filter-crs"])
    @pytest.mark.parametrize("value", [f"{EPSG}/2385", "EPSG:4490", "", "4490"])
    async def test_others_are_refused(
        self, anonymous: httpx.AsyncClient, square_city: Region, name: str, value: str
    ) -> None:
        answer = await anonymous.get(REGIONS, params={name: value})
        assert answer.status_code == 400
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [name]
        if name == "crs":
            assert (await anonymous.get(f"{REGIONS}/city", params={name: value})).status_code == 400

    async def test_links_keep_the_system(
        self, anonymous: httpx.AsyncClient, session: AsyncSession, square_city: Region
    ) -> None:
        await add_region(session, "other")
        await session.commit()
        page = await anonymous.get(REGIONS, params={"limit": 1, "crs": "[EPSG:4490]"})
        following = await anonymous.get(link(page.json(), "next") or "")
        assert following.headers["Content-Crs"] == f"<{EPSG}/4490>"


class TestSearch:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("GULANG", ["a"]),
            ("浪屿", ["a"]),
            ("island", ["a", "b"]),
            (" b ", ["b"]),
            ("100%", ["b"]),
            ("100_", []),
            ("%", ["b"]),
            ("\\", ["b"]),
            ("'); DROP TABLE region; --", []),
        ],
    )
    async def test_names_in_both_languages_and_codes(
        self, anonymous: httpx.AsyncClient, session: AsyncSession, text: str, found: list[str]
    ) -> None:
        for code, zh, en in (("a", "鼓浪屿", "Gulangyu Island"), ("b", "乙岛", "100% Island \\")):
            region = await add_region(session, code)
            region.name_zh, region.name_en = zh, en
        await session.commit()
        for asked in ({"q": text}, {"q": text, "as_of": "2026-01-01", "limit": "2000"}):
            answer = await anonymous.get(REGIONS, params=asked)
            assert codes(answer) == found
        page = await anonymous.get(REGIONS, params={"q": text, "f": "html"})
        assert page.status_code == 200

    async def test_pages_and_files_keep_the_search(
        self, anonymous: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        for code in ("one.x", "two", "three.x"):
            await add_region(session, code)
        await session.commit()
        first = await anonymous.get(REGIONS, params={"q": ".X", "limit": "1"})
        following = link(first.json(), "next")
        assert following is not None
        assert codes(await anonymous.get(following)) == ["three.x"]
        table = await anonymous.get(REGIONS, params={"q": ".X", "f": "csv"})
        assert ("one.x" in table.text, "two" in table.text) == (True, False)

    @pytest.mark.parametrize("text", [" ", "x" * 201, "\x00"])
    async def test_what_cannot_be_looked_for(
        self, anonymous: httpx.AsyncClient, session: AsyncSession, text: str
    ) -> None:
        answer = await anonymous.get(REGIONS, params={"q": text})
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == "q"


class TestFilters:
    @pytest.mark.parametrize(
        ("asked", "number"),
        [
            ({"filter": "class = 'key_protection'"}, 1),
            ({"filter": "class_name_zh LIKE '%保护%'"}, None),
            ({"filter": "region = 'city' AND NOT (class = 'key_protection')"}, 4),
            ({"filter": "S_INTERSECTS(geometry, POINT(118.05 24.45))"}, 1),
            (
                {
                    "filter": "S_INTERSECTS(geometry, POINT(24.45 118.05))",
                    "filter-crs": "[EPSG:4490]",
                },
                1,
            ),
            (
                {
                    "filter": '{"op": "=", "args": [{"property": "region"}, "city"]}',
                    "filter-lang": "cql2-json",
                },
                5,
            ),
            ({"filter": "region = 'city'", "class": "key_protection"}, 1),
            ({"filter": "version = 1", "bbox": "118.0,24.4,118.05,24.5"}, 1),
        ],
    )
    async def test_features_that_meet_the_filter(
        self, anonymous: httpx.AsyncClient, zoned: None, asked: dict[str, str], number: int | None
    ) -> None:
        answer = await anonymous.get(ZONES, params=asked)
        if number is None:
            assert answer.status_code == 400
            return
        assert len(codes(answer)) == number
        assert answer.json()["numberMatched"] == number

    async def test_pages_of_a_filter(self, anonymous: httpx.AsyncClient, zoned: None) -> None:
        asked = {"filter": "region = 'city'", "limit": "2", "sortby": "-class"}
        seen: list[str] = []
        answer = await anonymous.get(ZONES, params=asked)
        while True:
            seen += codes(answer)
            assert len(seen) <= 5, "pages without end"
            following = link(answer.json(), "next")
            if following is None:
                break
            answer = await anonymous.get(following)
        assert len(seen) == len(set(seen)) == 5
        assert seen == sorted(seen, reverse=True)

    async def test_a_filter_on_the_state_looks_beyond_today(
        self, reader: httpx.AsyncClient, session: AsyncSession, square_city: Region
    ) -> None:
        for version, status, valid in (
            (1, "published", (date(2024, 1, 1), None)),
            (3, "draft", (None, None)),
        ):
            scheme = await add_scheme(
                session, square_city, status=status, version=version, valid=valid
            )
            await add_five_zones(session, scheme)
        await session.commit()
        answer = await reader.get(ZONES, params={"filter": "status = 'draft'"})
        assert {item["properties"]["version"] for item in answer.json()["features"]} == {3}

    @pytest.mark.parametrize(
        "asked",
        [
            {"filter": "nothing = 1"},
            {"filter": "class ="},
            {"filter": "version = 'x'"},
            {"filter": "(" * 2000},
            {"filter": "pg_sleep(10) = 1"},
            {"filter": "class = 'a\x00b'"},
        ],
    )
    async def test_bad_filters_are_named(
        self, anonymous: httpx.AsyncClient, zoned: None, asked: dict[str, str]
    ) -> None:
        answer = await anonymous.get(ZONES, params=asked)
        assert answer.status_code == 400
        assert [fault["pointer"] for fault in answer.json()["errors"]] == ["filter"]


class TestMembers:
    async def test_only_those_asked_for(
        self, anonymous: httpx.AsyncClient, square_city: Region
    ) -> None:
        answer = await anonymous.get(REGIONS, params={"properties": "level,name_zh"})
        assert set(answer.json()["features"][0]["properties"]) == {"level", "name_zh"}
        none = await anonymous.get(REGIONS, params={"properties": ""})
        assert none.json()["features"][0]["properties"] == {}


class TestBadValues:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("sortby", "nothing"),
            ("sortby", "level,level"),
            ("sortby", "code,level,name_zh,name_en,parent,adcode"),
            ("properties", "level,nothing"),
            ("count", "all"),
            ("filter-lang", "cql"),
            ("bbox", "24,118,25"),
        ],
    )
    async def test_are_named(self, anonymous: httpx.AsyncClient, name: str, value: str) -> None:
        answer = await anonymous.get(REGIONS, params={name: value})
        assert answer.status_code == 400
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [name]

    async def test_a_box_in_the_order_of_another_system(self, anonymous: httpx.AsyncClient) -> None:
        asked = {"bbox": "118,24,119,25", "bbox-crs": "[EPSG:4490]"}
        answer = await anonymous.get(REGIONS, params=asked)
        assert [fault["pointer"] for fault in answer.json()["errors"]] == ["bbox"]


class TestSorting:
    async def test_what_is_sortable_sorts(
        self, anonymous: httpx.AsyncClient, square_city: Region
    ) -> None:
        for entity in COLLECTIONS:
            path = f"/collections/{entity.name}"
            sortables = (await anonymous.get(f"{path}/sortables")).json()["properties"]
            assert sortables
            for name in sortables:
                for sign in "+-":
                    answer = await anonymous.get(
                        f"{path}/items", params={"sortby": f"{sign}{name}"}
                    )
                    assert answer.status_code == 200, answer.text


class TestLongPages:
    async def test_are_streamed_whole(self, anonymous: httpx.AsyncClient, many: list[str]) -> None:
        answer = await anonymous.get(REGIONS, params={"limit": 1200, "sortby": "code"})
        document = answer.json()
        assert codes(answer) == many[:1200]
        assert (document["numberReturned"], document["numberMatched"]) == (1200, 1250)
        assert "ETag" not in answer.headers
        assert answer.headers["Content-Type"] == "application/geo+json"
        assert answer.headers["Content-Crs"] == f"<{CRS84.uri}>"
        assert answer.links["next"]["url"] == link(document, "next")
        rest = await anonymous.get(link(document, "next") or "")
        assert codes(rest) == many[1200:]
        # It turned out short, and so is built and tagged as a whole.
        assert "ETag" in rest.headers
        back = await anonymous.get(link(rest.json(), "prev") or "")
        assert codes(back) == many[:1200]

    async def test_an_empty_one_is_a_collection(
        self, anonymous: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        document = (await anonymous.get(REGIONS, params={"limit": 10000})).json()
        assert document["features"] == []
        assert document["numberMatched"] == document["numberReturned"] == 0

    async def test_are_never_held_whole(
        self, anonymous: httpx.AsyncClient, many: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tables, "HELD", 200)
        monkeypatch.setattr(tables, "BLOCK", 100)
        held: list[int] = []

        async def count(*given: Any) -> Any:
            held.append(len(given[3]))
            return await read_rows(*given)

        monkeypatch.setattr(tables, "read_rows", count)
        answer = await anonymous.get(REGIONS, params={"limit": 10000, "sortby": "code"})
        assert codes(answer) == many
        assert held == [200, *[100] * 10, 50]

    async def test_an_error_on_the_way_is_no_answer(
        self, app: FastAPI, many: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        calls = 0

        async def fail_later(*given: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls > 1:
                raise ValueError("a row that cannot be written")
            return await read_rows(*given)

        monkeypatch.setattr(tables, "read_rows", fail_later)
        async with over_the_wire(app) as client:
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get(REGIONS, params={"limit": 10000})


@asynccontextmanager
async def over_the_wire(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the opened application behind a real server."""
    port = any_free_port(set())
    server = Server(Config(app, host="127.0.0.1", port=port, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not server.started:  # noqa: ASYNC110 - it tells by a flag
                await asyncio.sleep(0.01)
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S
        ) as client:
            yield client
    finally:
        server.should_exit = True
        await asyncio.wait_for(serving, PATIENCE_S)


class TestRecords:
    @pytest.fixture
    async def planned(self, session: AsyncSession, square_city: Region) -> AsyncIterator[None]:
        await session.execute(
            text(
                "INSERT INTO party (code, name_zh, name_en, kind)"
                " VALUES ('bureau', '局', 'Bureau', 'department')"
            )
        )
        await session.commit()
        yield
        await forget_rows(session, ["party"])
        await session.commit()

    async def test_list_and_one(self, anonymous: httpx.AsyncClient, planned: None) -> None:
        listed = await anonymous.get("/parties", params={"code": "bureau"})
        assert listed.status_code == 200, listed.text
        document = listed.json()
        assert [record["code"] for record in document["parties"]] == ["bureau"]
        assert document["numberMatched"] == document["numberReturned"] == 1
        one = (await anonymous.get("/parties/bureau")).json()
        assert one["name_en"] == "Bureau"
        assert link(one, "collection") == "http://api.test/parties"
        page = await anonymous.get("/parties", params={"f": "html", "lang": "en"})
        assert "Bureau" in page.text
        page = await anonymous.get("/parties/bureau", params={"f": "html", "lang": "zh"})
        assert "局" in page.text

    async def test_what_is_not_there(self, anonymous: httpx.AsyncClient, planned: None) -> None:
        for path in ("/parties/nobody", "/plans/none/indicators", "/plans/none/indicators/x"):
            answer = await anonymous.get(path)
            assert answer.status_code == 404, path

    @pytest.mark.parametrize("name", ["bbox", "crs", "bbox-crs", "filter-crs", "whatever"])
    async def test_parameters_of_places_are_unknown(
        self, anonymous: httpx.AsyncClient, name: str
    ) -> None:
        answer = await anonymous.get("/parties", params={name: "1,2,3,4"})
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [name]
