"""Writing over HTTP: preconditions, keys, coordinates, repair, and what is refused with what."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.vocabulary import Scope
from shanhai_api.app import create_app
from shanhai_api.kit.state import Configuration

REGIONS = "/collections/regions/items"
AREAS = "/collections/control_areas/items"
SQUARE = [[118.0, 24.4], [118.1, 24.4], [118.1, 24.5], [118.0, 24.5], [118.0, 24.4]]
BOW = [[118.0, 24.4], [118.1, 24.5], [118.1, 24.4], [118.0, 24.5], [118.0, 24.4]]
EPSG = "http://www.opengis.net/def/crs/EPSG/0"


def polygon(ring: list[list[float]]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [ring]}


def region(geometry: Any = None, **members: Any) -> dict[str, Any]:
    names = {"name_zh": "区", "name_en": "Region", "level": "district"}
    return {"type": "Feature", "geometry": geometry, "properties": {**names, **members}}


async def make(client: httpx.AsyncClient, **members: Any) -> httpx.Response:
    answer = await client.post(REGIONS, json=region(**members))
    assert answer.status_code == 201, answer.text
    return answer


def pointers(answer: httpx.Response) -> list[str]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    return [fault["pointer"] for fault in answer.json()["errors"]]


@pytest.fixture
async def writer(client_with: Any, session: AsyncSession) -> httpx.AsyncClient:
    client: httpx.AsyncClient = await client_with(Scope.READ, Scope.WRITE)
    return client


class TestCreate:
    async def test_without_code_it_is_given_one(self, writer: httpx.AsyncClient) -> None:
        made = await make(writer)
        code = made.json()["id"]
        assert made.headers["Location"].endswith(f"{REGIONS}/{code}")
        assert code.startswith("region-")
        assert len(code) == len("region-") + 10
        assert made.headers["Content-Crs"].endswith("CRS84>")

    async def test_in_english_it_is_called_as_in_chinese_unless_told(
        self, writer: httpx.AsyncClient
    ) -> None:
        schema = (await writer.get("/collections/regions/schema")).json()
        assert "name_en" not in schema["required"]
        body = region()
        del body["properties"]["name_en"]
        made = await writer.post(REGIONS, json=body)
        assert made.status_code == 201, made.text
        place = made.headers["Location"]
        assert made.json()["properties"]["name_en"] == "区"
        renamed = await writer.patch(place, json={"properties": {"name_zh": "县"}})
        assert renamed.json()["properties"]["name_en"] == "县"
        told = await writer.patch(place, json={"properties": {"name_en": "County"}})
        assert told.json()["properties"]["name_en"] == "County"
        kept = await writer.patch(place, json={"properties": {"name_zh": "市"}})
        assert kept.json()["properties"]["name_en"] == "County"
        emptied = await writer.patch(place, json={"properties": {"name_en": None}})
        assert emptied.json()["properties"]["name_en"] == "市"
        replaced = await writer.put(place, json=body)
        assert replaced.json()["properties"]["name_en"] == "区"

    @pytest.mark.parametrize("name", [" ", "\u3000", " 区", "区\n", "思明\n区", "区\u2028"])
    @pytest.mark.parametrize("member", ["name_zh", "name_en"])
    async def test_a_name_is_one_line_without_blanks_at_its_ends(
        self, writer: httpx.AsyncClient, session: AsyncSession, member: str, name: str
    ) -> None:
        answer = await writer.post(REGIONS, json=region(**{member: name}))
        assert (answer.status_code, pointers(answer)) == (400, [f"/properties/{member}"])
        assert "one line without blanks at its ends" in answer.text
        await make(writer, code="here", name_zh="a", name_en="b")
        place, patch = f"{REGIONS}/here", {"properties": {member: name}}
        assert (await writer.patch(place, json=patch)).status_code == 400
        # What was stored before stays, as long as it is not changed.
        await session.execute(
            text(f"UPDATE region SET {member} = :name WHERE code = 'here'"),
            {"name": name},
        )
        await session.commit()
        stored = (await writer.get(place)).json()
        stored["properties"]["level"] = "town"
        replaced = await writer.put(place, json=stored)
        assert replaced.status_code == 200, replaced.text
        assert replaced.json()["properties"][member] == name

    async def test_a_key_makes_one_only(self, writer: httpx.AsyncClient) -> None:
        headers = {"Idempotency-Key": "k"}
        first = await writer.post(REGIONS, json=region(), headers=headers)
        again = await writer.post(REGIONS, json=region(), headers=headers)
        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.json() == first.json()
        assert again.headers["ETag"] == first.headers["ETag"]
        other = {**headers, "Content-Crs": f"{EPSG}/4490"}
        assert (await writer.post(REGIONS, json=region(), headers=other)).status_code == 422
        assert (await writer.get(REGIONS)).json()["numberMatched"] == 1

    async def test_a_code_that_is_taken(self, writer: httpx.AsyncClient) -> None:
        await make(writer, code="here")
        answer = await writer.post(REGIONS, json=region(code="here"))
        assert answer.status_code == 409
        assert pointers(answer) == ["/properties/code"]

    async def test_by_put_with_the_code_of_the_path(self, writer: httpx.AsyncClient) -> None:
        new = {"If-None-Match": "*"}
        place = f"{REGIONS}/here"
        assert (await writer.put(place, json=region())).status_code == 404
        made = await writer.put(place, json=region(), headers=new)
        assert made.status_code == 201
        assert made.headers["Location"].endswith(place)
        assert (await writer.put(place, json=region(), headers=new)).status_code == 412
        differs = await writer.put(f"{REGIONS}/there", json=region(code="x"), headers=new)
        assert differs.status_code == 400
        for code in ("0" * 81, "a b", "-x"):
            answer = await writer.put(f"{REGIONS}/{code}", json=region(), headers=new)
            assert answer.status_code == 400
            assert pointers(answer) == ["code"]

    async def test_who_may_not_is_told_before_the_body_is_read(
        self, anonymous: httpx.AsyncClient, reader: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        assert (await anonymous.post(REGIONS, content=b"{")).status_code == 401
        assert (await reader.post(REGIONS, content=b"{")).status_code == 403
        assert (await reader.delete(f"{REGIONS}/x")).status_code == 403


class TestPreconditions:
    async def test_a_state_is_the_same_in_every_representation(
        self, writer: httpx.AsyncClient
    ) -> None:
        place = (await make(writer)).headers["Location"]
        page = await writer.get(place, params={"f": "html", "lang": "zh"})
        other = await writer.get(place, params={"crs": f"{EPSG}/4490"})
        assert page.headers["ETag"] != other.headers["ETag"]
        for tag in (page.headers["ETag"], other.headers["ETag"]):
            answer = await writer.patch(place, json={}, headers={"If-Match": f'"x", {tag}'})
            assert answer.status_code == 200

    async def test_a_state_is_the_same_after_a_proxy_has_compressed_it(
        self, writer: httpx.AsyncClient
    ) -> None:
        made = await make(writer)
        place, weakened = made.headers["Location"], f"W/{made.headers['ETag']}"
        headers = {"If-Match": weakened}
        changed = {"properties": {"name_en": "Changed"}}
        assert (await writer.patch(place, json=changed, headers=headers)).status_code == 200
        assert (await writer.patch(place, json=changed, headers=headers)).status_code == 412

    @pytest.mark.parametrize("tag", ['"stale.x"', 'W/"stale.x"', "W/", "nonsense", '""'])
    async def test_a_tag_that_is_not_of_this_state(
        self, writer: httpx.AsyncClient, tag: str
    ) -> None:
        made = await make(writer)
        place, own = made.headers["Location"], made.headers["ETag"]
        headers = {"If-Match": tag.format(own)}
        assert (await writer.patch(place, json={}, headers=headers)).status_code == 412
        assert (await writer.delete(place, headers=headers)).status_code == 412
        assert (await writer.put(place, json=region(), headers=headers)).status_code == 412

    async def test_of_two_writers_with_one_tag_the_second_is_late(
        self, writer: httpx.AsyncClient
    ) -> None:
        made = await make(writer)
        headers = {"If-Match": made.headers["ETag"]}
        answers = await asyncio.gather(
            *(
                writer.patch(
                    made.headers["Location"],
                    json={"properties": {"name_en": f"Writer {number}"}},
                    headers=headers,
                )
                for number in range(3)
            )
        )
        assert sorted(answer.status_code for answer in answers) == [200, 412, 412]

    async def test_the_service_can_demand_them(
        self, configuration: Configuration, writer: httpx.AsyncClient
    ) -> None:
        place = (await make(writer)).headers["Location"]
        public = configuration.public.model_copy(update={"require_if_match": True})
        app = create_app(replace(configuration, public=public))
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
            async with httpx.AsyncClient(
                transport=transport, base_url="http://api.test", headers=writer.headers
            ) as strict:
                assert (await strict.delete(place)).status_code == 428
                assert (await strict.patch(place, json={})).status_code == 428
                classes = (await strict.get("/conformance")).json()["conformsTo"]
                assert any(name.endswith("optimistic-locking-etags") for name in classes)
                assert (await strict.delete(place, headers={"If-Match": "*"})).status_code == 204

    async def test_who_needs_no_answer_gets_none(self, writer: httpx.AsyncClient) -> None:
        place = (await make(writer)).headers["Location"]
        headers = {"Prefer": "return=minimal"}
        answer = await writer.patch(place, json={"properties": {"name_en": "A"}}, headers=headers)
        assert answer.status_code == 204
        assert answer.headers["Preference-Applied"] == "return=minimal"
        assert (
            answer.headers["ETag"].split(".")[0]
            == ((await writer.get(place)).headers["ETag"].split(".")[0])
        )


class TestGeometry:
    @pytest.mark.parametrize(
        ("crs", "position"),
        [
            ("<http://www.opengis.net/def/crs/OGC/1.3/CRS84>", [118.0, 24.5]),
            (f"<{EPSG}/4490>", [24.5, 118.0]),
            ("[EPSG:4490]", [24.5, 118.0]),
            (f"{EPSG}/4548", [2711000.0, 601300.0]),
        ],
    )
    async def test_is_read_in_its_system_and_axis_order(
        self, writer: httpx.AsyncClient, crs: str, position: list[float]
    ) -> None:
        body = {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": position},
            "properties": {"name_zh": "站", "name_en": "Station", "kind": "land"},
        }
        path = "/collections/stations/items"
        made = await writer.post(path, json=body, headers={"Content-Crs": crs})
        assert made.status_code == 201, made.text
        assert made.json()["geometry"]["coordinates"] == pytest.approx([118.0, 24.5], abs=0.01)
        body["geometry"] = {"type": "Point", "coordinates": position[::-1]}
        refused = await writer.post(path, json=body, headers={"Content-Crs": crs})
        assert refused.status_code == 400
        assert pointers(refused) == ["/geometry/coordinates"]
        assert "swapped" in refused.json()["detail"]

    async def test_of_an_unknown_system_is_refused(self, writer: httpx.AsyncClient) -> None:
        headers = {"Content-Crs": f"{EPSG}/2326"}
        answer = await writer.post(REGIONS, json=region(), headers=headers)
        assert answer.status_code == 400
        assert pointers(answer) == ["Content-Crs"]

    @pytest.mark.parametrize(
        ("geometry", "pointer"),
        [
            (polygon(BOW), "/geometry"),
            (polygon([[*position, 1.0] for position in SQUARE]), "/geometry/coordinates/0/0"),
            ({"type": "CurvePolygon", "coordinates": []}, "/geometry/type"),
            ({"type": "Point", "coordinates": SQUARE[0]}, "/geometry/type"),
            (polygon([[24.4, 118.0], *SQUARE[1:4], [24.4, 118.0]]), "/geometry/coordinates"),
        ],
    )
    async def test_that_is_wrong_is_refused_in_the_readers_language(
        self, writer: httpx.AsyncClient, geometry: Any, pointer: str
    ) -> None:
        answer = await writer.post(
            REGIONS, json=region(geometry), headers={"Accept-Language": "zh"}
        )
        assert answer.status_code == 400
        assert pointers(answer) == [pointer]
        assert not answer.json()["errors"][0]["detail"].isascii()
        assert (await writer.get(REGIONS)).json()["numberReturned"] == 0

    async def test_of_a_million_vertices_is_refused(self, writer: httpx.AsyncClient) -> None:
        positions = ",".join(["[118.0001,24.4001]"] * 1_000_000)
        body = f'{{"type":"Polygon","coordinates":[[{positions}]]}}'
        feature = '{"type":"Feature","properties":{},"geometry":' + body + "}"
        headers = {"Content-Type": "application/geo+json"}
        answer = await writer.post(REGIONS, content=feature.encode(), headers=headers)
        assert answer.status_code == 400
        assert "500000" in answer.json()["detail"]

    async def test_is_repaired_on_request_and_the_answer_says_so(
        self, writer: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        made = await writer.post(
            REGIONS, json=region(polygon(BOW), code="bow"), params={"repair": "true"}
        )
        assert made.status_code == 201, made.text
        assert made.json()["repair"]["reason"].startswith("Self-intersection at")
        assert "original_wkb" not in made.json()["repair"]
        kept = await session.scalar(text("SELECT attrs->'geometry_repair' FROM region"))
        assert kept["original_wkb"]
        await session.rollback()
        place = made.headers["Location"]
        await writer.patch(place, json={"geometry": polygon(SQUARE)})
        assert await session.scalar(text("SELECT attrs ? 'geometry_repair' FROM region")) is False

    async def test_its_original_is_read_among_the_details(self, writer: httpx.AsyncClient) -> None:
        assert (await writer.post(REGIONS, json=region(code="bow"))).status_code == 201
        own = {"code": "p", "name_zh": "问题", "name_en": "Problem", "region": "bow"}
        properties = {**own, "type": "erosion"}
        body = {"type": "Feature", "geometry": polygon(BOW), "properties": properties}
        problems = "/collections/problems/items"
        made = await writer.post(problems, json=body, params={"repair": "true"})
        assert made.status_code == 201, made.text
        told = (await writer.get(made.headers["Location"])).json()["properties"]["details"]
        original = shapely.from_wkb(told["geometry_repair"]["original_wkb"])
        assert shapely.get_coordinates(original).tolist() == BOW

    async def test_that_comes_back_as_it_was_shown_has_not_moved(
        self, writer: httpx.AsyncClient
    ) -> None:
        exact = [[118.00000004, 24.4], *SQUARE[1:4], [118.00000004, 24.4]]
        made = await writer.post(REGIONS, json=region(polygon(exact)))
        shown = (await writer.get(made.headers["Location"])).json()
        again = await writer.put(made.headers["Location"], json=shown)
        assert again.headers["ETag"] == made.headers["ETag"]


class TestBodies:
    @pytest.mark.parametrize(
        ("content", "media_type", "status"),
        [
            (b"{", "application/geo+json", 400),
            (b"[]", "application/geo+json", 400),
            (b'{"a":' * 40 + b"1" + b"}" * 40, "application/geo+json", 400),
            (b"{}", "text/plain", 415),
            (b"\xff", "application/json", 400),
        ],
    )
    async def test_that_are_no_features(
        self, writer: httpx.AsyncClient, content: bytes, media_type: str, status: int
    ) -> None:
        headers = {"Content-Type": media_type}
        assert (await writer.post(REGIONS, content=content, headers=headers)).status_code == status

    async def test_with_faults_name_each_of_them(self, writer: httpx.AsyncClient) -> None:
        body = region(colour="red", metric_epsg="4548", parent=3)
        answer = await writer.post(REGIONS, json=body)
        assert answer.status_code == 400
        assert set(pointers(answer)) == {
            "/properties/colour",
            "/properties/metric_epsg",
            "/properties/parent",
        }

    async def test_that_refer_to_what_is_not_there(self, writer: httpx.AsyncClient) -> None:
        answer = await writer.post(REGIONS, json=region(parent="nowhere"))
        assert answer.status_code == 400
        assert pointers(answer) == ["/properties/parent"]

    async def test_that_change_the_code(self, writer: httpx.AsyncClient) -> None:
        place = (await make(writer, code="here")).headers["Location"]
        answer = await writer.patch(place, json={"properties": {"code": "there"}})
        assert answer.status_code == 400
        assert pointers(answer) == ["/properties/code"]

    async def test_unknown_parameters_are_refused(self, writer: httpx.AsyncClient) -> None:
        answer = await writer.post(REGIONS, json=region(), params={"reapir": "true"})
        assert answer.status_code == 400

    async def test_a_patch_that_names_the_first_day_corrects_the_state(
        self, writer: httpx.AsyncClient
    ) -> None:
        made = (await make(writer, valid_from="2020-01-01")).headers["Location"]
        first = {"name_en": "Corrected", "valid_from": "2020-01-01"}
        corrected = await writer.patch(made, json={"properties": first})
        assert corrected.json()["properties"]["valid_from"] == "2020-01-01"
        then = await writer.get(made, params={"as_of": "2021-06-01"})
        assert then.json()["properties"]["name_en"] == "Corrected"
        states = (await writer.get(f"{made}/versions")).json()["versions"]
        assert (states[1]["valid_from"], states[1]["valid_to"]) == ("2020-01-01", "2020-01-01")

    async def test_what_holds_now_is_not_changed_ahead_of_the_day(
        self, writer: httpx.AsyncClient
    ) -> None:
        now = (await make(writer)).headers["Location"]
        later = {"name_en": "Later", "valid_from": "2135-01-01"}
        refused = await writer.patch(now, json={"properties": later})
        assert (refused.status_code, pointers(refused)) == (400, ["/properties/valid_from"])
        whole = await writer.put(now, json=region(**later))
        assert (whole.status_code, pointers(whole)) == (400, ["/properties/valid_from"])
        stays = (await writer.get(now)).json()["properties"]
        assert stays["name_en"] == "Region"
        then = await writer.get(now, params={"as_of": stays["valid_from"]})
        assert then.json()["properties"]["name_en"] == "Region"
        # What has not begun may still begin later.
        made = (await make(writer, valid_from="2134-01-01")).headers["Location"]
        moved = await writer.patch(made, json={"properties": later})
        assert (moved.status_code, moved.json()["properties"]["valid_from"]) == (200, "2135-01-01")

    async def test_a_patch_merges_objects_and_null_empties(self, writer: httpx.AsyncClient) -> None:
        place = (await make(writer, adcode="350200", licence="CC0")).headers["Location"]
        headers = {"Content-Type": "application/merge-patch+json"}
        patch = {"properties": {"adcode": None}}
        answer = await writer.patch(place, json=patch, headers=headers)
        assert answer.json()["properties"]["adcode"] is None
        assert answer.json()["properties"]["licence"] == "CC0"


class TestStates:
    async def test_steps_that_do_not_exist(self, writer: httpx.AsyncClient) -> None:
        await make(writer, code="here")
        names = {"name_zh": "线", "name_en": "Line", "kind": "red_line", "region": "here"}
        body = {"type": "Feature", "geometry": polygon(SQUARE), "properties": names}
        made = await writer.post(AREAS, json={**body, "id": "line"})
        assert made.status_code == 201, made.text
        place = made.headers["Location"]
        answer = await writer.patch(place, json={"properties": {"status": "draft"}})
        assert answer.status_code == 200, "it is one already"
        wrong = await writer.patch(place, json={"properties": {"status": "approved"}})
        assert wrong.status_code in {400, 409}
        assert pointers(wrong) == ["/properties/status"]
        assert (await writer.delete(f"{REGIONS}/here")).status_code == 409

    async def test_drafts_have_no_states_for_strangers(
        self, writer: httpx.AsyncClient, anonymous: httpx.AsyncClient
    ) -> None:
        await make(writer, code="here")
        names = {"name_zh": "线", "name_en": "Line", "kind": "red_line", "region": "here"}
        body = {"type": "Feature", "geometry": None, "properties": {**names, "code": "line"}}
        place = (await writer.post(AREAS, json=body)).headers["Location"]
        assert (await anonymous.get(f"{place}/versions")).status_code == 404
        answer = await writer.patch(place, json={"properties": {"status": "published"}})
        assert answer.status_code == 200, answer.text
        seen = (await anonymous.get(f"{place}/versions")).json()["versions"]
        assert [item["row_version"] for item in seen] == [2]
        assert (await anonymous.get(f"{AREAS}/x%00/versions")).status_code == 404


async def test_a_preflight_is_not_mistaken_for_options(anonymous: httpx.AsyncClient) -> None:
    headers = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
    answer = await anonymous.options(REGIONS, headers=headers)
    assert answer.status_code == 400
    assert "POST" not in answer.headers["Access-Control-Allow-Methods"]
