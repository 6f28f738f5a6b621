"""Collections of features: pages, filters, states, and who sees what."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.tables.zone import Region
from shanhai.vocabulary import ZONE_CLASSES
from shanhai_api.features import routes
from shanhai_api.kit.state import ServiceState
from tests.support.feature_rows import add_five_zones, add_scheme
from tests.support.job_rows import add_dataset, add_region

REGIONS = "/collections/regions/items"
ZONES = "/collections/zones/items"


def codes(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [feature["id"] for feature in answer.json()["features"]]


def link(document: dict[str, Any], rel: str) -> str | None:
    return next((item["href"] for item in document["links"] if item["rel"] == rel), None)


@pytest.fixture
async def many(session: AsyncSession) -> list[str]:
    """25 regions in a row."""
    found = [f"r{number:02}" for number in range(25)]
    for number, code in enumerate(found):
        west = 100 + number
        await add_region(session, code, box=(west, 20, west + 0.5, 20.5))
    await session.commit()
    return found


@pytest.fixture
async def zoned(session: AsyncSession, city: Region) -> Region:
    await add_five_zones(session, await add_scheme(session, city))
    await session.commit()
    return city


class TestCollections:
    async def test_extent_is_that_of_the_features(
        self, anonymous: httpx.AsyncClient, city: Region
    ) -> None:
        document = (await anonymous.get("/collections/regions")).json()
        assert document["extent"]["spatial"]["bbox"] == [[118.0, 24.4, 118.5, 24.5]]
        assert document["extent"]["temporal"]["interval"] == [["1900-01-01T00:00:00Z", None]]
        assert document["itemType"] == "feature"

    async def test_extent_of_many_features_is_kept_for_a_while(
        self,
        anonymous: httpx.AsyncClient,
        reader: httpx.AsyncClient,
        session: AsyncSession,
        city: Region,
        state: ServiceState,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        async def add_and_ask(west: float, client: httpx.AsyncClient = anonymous) -> float:
            await add_region(session, f"r{west:g}", box=(west, 24.4, west + 0.1, 24.5))
            await session.commit()
            document = (await client.get("/collections/regions")).json()
            return float(document["extent"]["spatial"]["bbox"][0][0])

        assert await add_and_ask(117.0) == 117.0
        monkeypatch.setattr(routes, "MANY", 1)
        assert await add_and_ask(116.0) == 116.0
        assert await add_and_ask(115.0) == 116.0
        assert await add_and_ask(114.0, reader) == 114.0, "kept for each viewer alone"
        monkeypatch.setattr(routes, "KEPT_S", 0.0)
        state.extents.clear()
        assert [await add_and_ask(west) for west in (113.0, 112.0)] == [113.0, 112.0]

    async def test_titles_follow_the_language(self, anonymous: httpx.AsyncClient) -> None:
        chinese = await anonymous.get("/collections", headers={"Accept-Language": "zh-CN,en;q=0.5"})
        assert "区域" in [item["title"] for item in chinese.json()["collections"]]
        english = await anonymous.get("/collections?lang=en", headers={"Accept-Language": "zh"})
        assert "Regions" in [item["title"] for item in english.json()["collections"]]

    async def test_queryables_are_those_that_filter(self, anonymous: httpx.AsyncClient) -> None:
        schema = (await anonymous.get("/collections/zones/schema")).json()["properties"]
        queryables = (await anonymous.get("/collections/zones/queryables")).json()["properties"]
        assert queryables.keys() < schema.keys()
        assert schema["area_km2"]["x-ogc-unit"] == "km2"
        assert queryables.pop("geometry")["x-ogc-role"] == "primary-geometry"
        for name, described in queryables.items():
            value = {"string": "x", "integer": "1"}[described["type"]]
            value = "2024-01-01" if described.get("format") == "date" else value
            value = described.get("enum", [value])[0]
            assert (await anonymous.get(ZONES, params={name: value})).status_code == 200

    async def test_unknown_collection(self, anonymous: httpx.AsyncClient) -> None:
        for path in ("", "/items", "/items/x", "/schema", "/queryables"):
            answer = await anonymous.get(f"/collections/rivers{path}")
            assert answer.status_code == 404
            assert answer.headers["Content-Type"] == "application/problem+json"


class TestPages:
    async def test_next_leads_through_all_and_prev_back(
        self, anonymous: httpx.AsyncClient, many: list[str]
    ) -> None:
        pages: list[list[str]] = []
        url: str | None = f"{REGIONS}?limit=10"
        while url:
            answer = await anonymous.get(url)
            document = answer.json()
            assert document["numberMatched"] == 25
            assert document["numberReturned"] == len(document["features"])
            pages.append(codes(answer))
            url = link(document, "next")
        assert pages == [many[:10], many[10:20], many[20:]]
        previous = link(document, "prev")
        assert previous is not None
        back = await anonymous.get(previous)
        assert codes(back) == many[10:20]
        first = await anonymous.get(link(back.json(), "prev") or "")
        assert codes(first) == many[:10]
        assert link(first.json(), "prev") is None

    async def test_pages_do_not_shift_while_others_write(
        self, anonymous: httpx.AsyncClient, session: AsyncSession, many: list[str]
    ) -> None:
        seen: list[str] = []
        url: str | None = f"{REGIONS}?limit=5"

        async def write() -> None:
            for number in range(15):
                await add_region(session, f"new{number}", box=None)
                await session.commit()

        writing = asyncio.create_task(write())
        while url:
            answer = await anonymous.get(url)
            seen += codes(answer)
            url = link(answer.json(), "next")
        await writing
        assert seen[:25] == many
        assert len(seen) == len(set(seen))

    async def test_offset_is_accepted(self, anonymous: httpx.AsyncClient, many: list[str]) -> None:
        answer = await anonymous.get(f"{REGIONS}?limit=3&offset=20")
        assert codes(answer) == many[20:23]
        assert codes(await anonymous.get(link(answer.json(), "next") or "")) == many[23:]
        assert codes(await anonymous.get(link(answer.json(), "prev") or "")) == many[17:20]

    async def test_links_keep_filters_and_language(
        self, anonymous: httpx.AsyncClient, many: list[str]
    ) -> None:
        document = (await anonymous.get(f"{REGIONS}?limit=2&level=city&lang=zh")).json()
        for rel in ("self", "next", "alternate"):
            href = httpx.URL(link(document, rel) or "")
            assert href.params["level"] == "city"
            assert href.params["lang"] == "zh"

    async def test_link_header_repeats_next(
        self, anonymous: httpx.AsyncClient, many: list[str]
    ) -> None:
        answer = await anonymous.get(f"{REGIONS}?limit=2")
        assert answer.links["next"]["url"] == link(answer.json(), "next")

    async def test_cursor_of_another_query_is_refused(
        self, anonymous: httpx.AsyncClient, many: list[str]
    ) -> None:
        document = (await anonymous.get(f"{REGIONS}?limit=2&level=city")).json()
        cursor = httpx.URL(link(document, "next") or "").params["cursor"]
        answer = await anonymous.get(f"{REGIONS}?limit=2&level=district&cursor={cursor}")
        assert answer.status_code == 400
        assert [fault["pointer"] for fault in answer.json()["errors"]] == ["cursor"]

    async def test_pages_by_a_text_too_long_for_an_address_go_on(
        self, admin: httpx.AsyncClient, city: Region
    ) -> None:
        areas, text = "/collections/control_areas/items", "界" * 9_000
        for code in ("a", "b", "c"):
            told = {"code": code, "name_zh": code, "kind": "red_line", "region": city.code}
            body = {"type": "Feature", "properties": {**told, "delimitation": text}}
            made = await admin.post(areas, json={**body, "geometry": None})
            assert made.status_code == 201, made.text
        found, url = [], f"{areas}?limit=1&sortby=-delimitation"
        while url:
            assert len(url) < 4_000
            answer = await admin.get(url)
            found += codes(answer)
            url = link(answer.json(), "next") or ""
        assert found == ["a", "b", "c"]

    async def test_time_stamp_is_now(self, anonymous: httpx.AsyncClient, city: Region) -> None:
        stamp = datetime.fromisoformat((await anonymous.get(REGIONS)).json()["timeStamp"])
        assert abs(datetime.now(UTC) - stamp) < timedelta(seconds=10)


class TestBox:
    @pytest.mark.parametrize(
        ("bbox", "found"),
        [
            ("118.1,24.4,118.2,24.5", True),
            ("118.1,24.4,-50,118.2,24.5,50", True),
            ("119,24,120,25", False),
            ("-180,-90,180,90", True),
            ("177,65,-177,70", False),
            ("117,24,-170,25", True),
            ("170,24,118.1,25", True),
            ("-180,0,180,0", False),
        ],
    )
    async def test_features_that_meet_the_box(
        self, anonymous: httpx.AsyncClient, city: Region, bbox: str, found: bool
    ) -> None:
        assert codes(await anonymous.get(REGIONS, params={"bbox": bbox})) == ["city"] * found

    async def test_touching_counts(self, anonymous: httpx.AsyncClient, city: Region) -> None:
        corner = await anonymous.get(REGIONS, params={"bbox": "118.5,24.5,119,25"})
        assert codes(corner) == ["city"]


class TestTime:
    @pytest.fixture
    async def observed(self, session: AsyncSession, city: Region) -> None:
        period = {"observed_from": date(2020, 1, 1), "observed_to": date(2020, 12, 31)}
        await add_dataset(session, city, "ndvi", "ndvi.2020", **period)
        await add_dataset(session, city, "dem", "dem")
        await session.commit()

    @pytest.mark.parametrize(
        ("interval", "found"),
        [
            ("2020-06-01", {"ndvi.2020", "dem"}),
            ("2020-06-01T08:00:00+08:00", {"ndvi.2020", "dem"}),
            ("2021-01-01/..", {"dem"}),
            ("../2019-12-31", {"dem"}),
            ("/2020-01-01T00:00:00Z", {"ndvi.2020", "dem"}),
            ("2019-01-01/2020-01-01", {"ndvi.2020", "dem"}),
            ("2019-12-31T16:00:00Z", {"ndvi.2020", "dem"}),
            ("2019-12-31T15:59:59Z", {"dem"}),
            ("../2020-01-01T00:00:00+08:00", {"ndvi.2020", "dem"}),
            ("2020-12-31T23:59:59+08:00/..", {"ndvi.2020", "dem"}),
            ("2020-12-31T16:00:00Z/..", {"dem"}),
            ("2020-06-01/9999-12-31T23:59:59Z", {"ndvi.2020", "dem"}),
            ("0001-01-01/2019-12-31", {"dem"}),
        ],
    )
    async def test_periods_that_meet_the_interval(
        self, anonymous: httpx.AsyncClient, observed: None, interval: str, found: set[str]
    ) -> None:
        answer = await anonymous.get("/collections/datasets/items", params={"datetime": interval})
        assert set(codes(answer)) == found

    @pytest.mark.parametrize(
        ("moment", "found"),
        [
            ("2020-01-01", ["city"]),
            ("2020-01-01T00:00:00+08:00", ["city"]),
            ("2019-12-31T16:00:00Z", ["city"]),
            ("2020-01-01T23:59:59+23:59", ["city"]),
            ("2019-12-31T15:59:59Z", []),
            ("2020-01-01T16:00:00Z", []),
            ("0001-01-01", []),
            ("9999-12-31T23:59:59Z", []),
        ],
    )
    async def test_an_instant_is_of_the_day_of_the_services_zone(
        self,
        anonymous: httpx.AsyncClient,
        session: AsyncSession,
        city: Region,
        moment: str,
        found: list[str],
    ) -> None:
        city.valid_from = date(2020, 1, 1)
        await session.commit()
        assert codes(await anonymous.get(REGIONS, params={"valid_from": moment})) == found


class TestRefusals:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("limit", "0"),
            ("limit", "-1"),
            ("limit", "10001"),
            ("limit", "ten"),
            ("limit", "١"),
            ("limit", "1e3"),
            ("offset", "-1"),
            ("offset", "10001"),
            ("bbox", "1,2,3"),
            ("bbox", "a,b,c,d"),
            ("bbox", "nan,0,1,1"),
            ("bbox", "0,0,inf,1"),
            ("bbox", "0,50,10,40"),
            ("bbox", "0,0,190,10"),
            ("bbox", "0,0,10,91"),
            ("datetime", "yesterday"),
            ("datetime", "2020-13-01"),
            ("datetime", "2021-01-01/2020-01-01"),
            ("datetime", "2020-01-01T00:00:00"),
            ("as_of", "soon"),
            ("as_of", "2025-06-30T12:00:00Z"),
            ("as_of", "20250630"),
            ("cursor", "AAAA"),
            ("cursor", "%%%"),
            ("cursor", "W1tdLCJ4IiwxXQ"),  # [[],"x",1]
            ("level", "x" * 1001),
            ("level", "a\x00b"),
            ("f", "xml"),
            ("whatever", "1"),
        ],
    )
    async def test_bad_parameter_is_named(
        self, anonymous: httpx.AsyncClient, name: str, value: str
    ) -> None:
        answer = await anonymous.get(REGIONS, params={name: value})
        assert answer.status_code == 400, answer.text
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [name]

    async def test_all_faults_are_told_at_once(self, anonymous: httpx.AsyncClient) -> None:
        answer = await anonymous.get(REGIONS, params={"limit": "x", "bbox": "y", "z": "1"})
        assert {fault["pointer"] for fault in answer.json()["errors"]} == {"limit", "bbox", "z"}

    @pytest.mark.parametrize(
        "path", [REGIONS, f"{REGIONS}/xiamen", "/observations", "/jobs", "/", "/plans/x/funds"]
    )
    async def test_repeated_parameter(self, reader: httpx.AsyncClient, path: str) -> None:
        """All but one of them would be read over, and nobody would know which."""
        answer = await reader.get(f"{path}?f=json&f=json")
        assert answer.status_code == 400
        assert [fault["pointer"] for fault in answer.json()["errors"]] == ["f"]

    async def test_unknown_item(self, anonymous: httpx.AsyncClient) -> None:
        for code in ("nobody", "a%00b", "'; DROP TABLE region; --"):
            assert (await anonymous.get(f"{REGIONS}/{code}")).status_code == 404


class TestZones:
    async def test_zone_tells_class_requirement_and_area(
        self, anonymous: httpx.AsyncClient, zoned: Region
    ) -> None:
        document = (await anonymous.get(ZONES)).json()
        zone = document["features"][0]
        assert zone["id"] == "city.supply_demand.strict_protection"
        assert zone["geometry"]["type"] == "MultiPolygon"
        assert "crs" not in zone["geometry"]
        properties = zone["properties"]
        assert properties["class_value"] == 1
        assert properties["class_name_zh"] == ZONE_CLASSES[0].label.zh
        assert properties["requirement_zh"]
        assert properties["requirement_en"]
        assert properties["share_percent"] == 20.0
        assert properties["area_km2"] == pytest.approx(112.5, abs=1)

    async def test_filters_by_property(self, anonymous: httpx.AsyncClient, zoned: Region) -> None:
        for name, value, number in (
            ("region", "city", 5),
            ("scheme", "city.supply_demand", 5),
            ("group", "protection", 3),
            ("class", "key_protection", 1),
            ("region", "elsewhere", 0),
            ("version", "2", 0),
        ):
            assert len(codes(await anonymous.get(ZONES, params={name: value}))) == number

    async def test_item_stands_by_itself(self, anonymous: httpx.AsyncClient, zoned: Region) -> None:
        answer = await anonymous.get(f"{ZONES}/city.supply_demand.key_protection")
        assert answer.headers["Content-Type"] == "application/geo+json"
        assert answer.json()["properties"]["class"] == "key_protection"
        assert link(answer.json(), "collection") == "http://api.test/collections/zones"
        assert "self" in answer.links

    async def test_page_of_a_zone_leads_to_the_map(
        self, anonymous: httpx.AsyncClient, zoned: Region
    ) -> None:
        page = await anonymous.get(f"{ZONES}/city.supply_demand.key_protection?f=html&lang=zh")
        assert "http://tiles.test/layers/zones/map" in page.text
        assert "重点保护与管控区" in page.text


class TestStates:
    @pytest.fixture
    async def history(self, session: AsyncSession, city: Region) -> None:
        """A superseded version, the one in force, and a draft."""
        change = date(2025, 6, 1)
        for version, status, valid in (
            (1, "superseded", (date(2024, 1, 1), change)),
            (2, "published", (change, None)),
            (3, "draft", (None, None)),
        ):
            scheme = await add_scheme(session, city, status=status, version=version, valid=valid)
            await add_five_zones(session, scheme)
        await session.commit()

    async def version(self, client: httpx.AsyncClient, **parameters: str) -> set[int]:
        answer = await client.get(ZONES, params=parameters)
        return {feature["properties"]["version"] for feature in answer.json()["features"]}

    async def test_today_the_published_version_counts(
        self, anonymous: httpx.AsyncClient, reader: httpx.AsyncClient, history: None
    ) -> None:
        for client in (anonymous, reader):
            assert await self.version(client) == {2}
            assert await self.version(client, scheme="city.supply_demand") == {2}

    async def test_another_day_has_its_own_state(
        self, anonymous: httpx.AsyncClient, history: None
    ) -> None:
        assert await self.version(anonymous, as_of="2025-05-31") == {1}
        assert await self.version(anonymous, as_of="2025-06-01") == {2}
        assert await self.version(anonymous, as_of="2023-01-01") == set()
        scheme = "/collections/zone_schemes/items/city.supply_demand"
        former = (await anonymous.get(scheme, params={"as_of": "2024-02-01"})).json()
        assert former["properties"]["version"] == 1

    async def test_drafts_are_for_those_with_identity(
        self, anonymous: httpx.AsyncClient, reader: httpx.AsyncClient, history: None
    ) -> None:
        assert await self.version(anonymous, status="draft") == set()
        assert await self.version(reader, status="draft") == {3}
        assert await self.version(anonymous, version="1") == {1}

    async def test_scheme_never_published_shows_its_newest_draft_to_its_own(
        self,
        anonymous: httpx.AsyncClient,
        reader: httpx.AsyncClient,
        session: AsyncSession,
        city: Region,
    ) -> None:
        for version in (1, 2):
            await add_scheme(
                session, city, code="plan.b", status="draft", version=version, valid=(None, None)
            )
        await session.commit()
        path = "/collections/zone_schemes/items/plan.b"
        assert (await anonymous.get(path)).status_code == 404
        assert (await reader.get(path)).json()["properties"]["version"] == 2


class TestVisibility:
    async def test_private_datasets_need_identity(
        self,
        anonymous: httpx.AsyncClient,
        reader: httpx.AsyncClient,
        session: AsyncSession,
        city: Region,
    ) -> None:
        await add_dataset(session, city, "dem", "open", visibility="public")
        await add_dataset(session, city, "soil", "closed", visibility="region")
        await session.commit()
        path = "/collections/datasets/items"
        assert codes(await anonymous.get(path)) == ["open"]
        assert (await anonymous.get(f"{path}/closed")).status_code == 404
        assert codes(await reader.get(path)) == ["open", "closed"]
        assert (await reader.get(f"{path}/closed")).status_code == 200

    async def test_deleted_rows_are_gone(
        self, reader: httpx.AsyncClient, session: AsyncSession, city: Region
    ) -> None:
        city.deleted_at = datetime.now(UTC)
        await session.commit()
        assert codes(await reader.get(REGIONS)) == []


class TestCaching:
    async def test_page_has_an_etag_that_leaves_the_time_out(
        self, anonymous: httpx.AsyncClient, session: AsyncSession, city: Region
    ) -> None:
        etag = (await anonymous.get(REGIONS)).headers["ETag"]
        again = await anonymous.get(REGIONS, headers={"If-None-Match": f'"x", W/{etag}'})
        assert again.status_code == 304
        assert again.content == b""
        assert again.headers["ETag"] == etag
        await add_region(session, "other", box=None)
        await session.commit()
        changed = await anonymous.get(REGIONS, headers={"If-None-Match": etag})
        assert changed.status_code == 200

    async def test_shared_caches_must_not_keep_what_needed_identity(
        self, anonymous: httpx.AsyncClient, reader: httpx.AsyncClient, city: Region
    ) -> None:
        assert (await anonymous.get(REGIONS)).headers["Cache-Control"] == "public, no-cache"
        answer = await reader.get(REGIONS)
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert "Authorization" in answer.headers["Vary"]


class TestFormats:
    @pytest.mark.parametrize(
        ("accept", "media_type"),
        [
            ("*/*", "application/geo+json"),
            ("application/json", "application/geo+json"),
            ("application/geo+json", "application/geo+json"),
            ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"),
            ("text/html;q=0.5, application/json", "application/geo+json"),
            ("text/*", "text/html; charset=utf-8"),
        ],
    )
    async def test_accept_decides(
        self, anonymous: httpx.AsyncClient, city: Region, accept: str, media_type: str
    ) -> None:
        answer = await anonymous.get(REGIONS, headers={"Accept": accept})
        assert answer.headers["Content-Type"] == media_type

    async def test_f_beats_accept(self, anonymous: httpx.AsyncClient, city: Region) -> None:
        answer = await anonymous.get(f"{REGIONS}?f=json", headers={"Accept": "text/html"})
        assert answer.headers["Content-Type"] == "application/geo+json"

    async def test_nothing_acceptable(self, anonymous: httpx.AsyncClient) -> None:
        answer = await anonymous.get(REGIONS, headers={"Accept": "application/pdf"})
        assert answer.status_code == 406
        assert "application/geo+json" in answer.json()["detail"]

    async def test_head_has_the_headers_only(
        self, anonymous: httpx.AsyncClient, city: Region
    ) -> None:
        head, get = await anonymous.head(REGIONS), await anonymous.get(REGIONS)
        assert head.content == b""
        assert head.headers["ETag"] == get.headers["ETag"]
        assert head.headers["Content-Length"] == get.headers["Content-Length"]
