"""Checks over HTTP: at once or as a job, pages, exceptions, the register of lines, bad input."""

import asyncio
import json
import math
from datetime import date
from typing import Any

import httpx
import pytest
import shapely
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import RoleGiven
from shanhai.db.queries.audit import Act
from shanhai.db.queries.keys import create_key
from shanhai.db.seeds.load import put_default_rules
from shanhai.db.tables.access import AuditLog
from shanhai.db.tables.control import ControlArea
from shanhai.db.tables.job import Job
from shanhai.db.tables.project import Project
from shanhai.db.tables.zone import Region
from shanhai.processes.catalogue import compute_of, publish_of, read_task
from shanhai.processes.kit.task import Publication
from shanhai.vocabulary import ROLE_SCOPES, Role, Scope
from shanhai_api.kit.state import ServiceState
from tests.support.actors import people_told
from tests.support.job_rows import add_region
from tests.support.known_lines import register_lines

EXECUTION = "/processes/check-compliance/execution"
EXCEPTIONS = "/compliance/exceptions"
REQUESTS = "/compliance/exception-requests"
MINING = "national.red-line.mining"
Colleagues = dict[str, httpx.AsyncClient]


def box(west: float, south: float, size: float = 0.1) -> dict[str, Any]:
    east, north = round(west + size, 6), round(south + size, 6)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def circle(vertices: int) -> dict[str, Any]:
    """A round polygon of so many positions."""
    steps = [2 * math.pi * n / (vertices - 1) for n in range(vertices - 1)]
    ring = [[118.05 + 0.04 * math.cos(step), 24.45 + 0.04 * math.sin(step)] for step in steps]
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


@pytest.fixture
async def city_under_a_line(session: AsyncSession) -> Region:
    """A city with a red line, published, no other lines, and a project in it."""
    await put_default_rules(session, Act("tester"))
    city = await add_region(session, "city", box=(117.5, 24.0, 119.0, 25.0))
    await register_lines(session, city)
    session.add(line(city, "red-1", box(118.0, 24.4), delimitation="2022"))
    session.add(
        Project(
            visibility="public",
            code="project-1",
            name_zh="项目",
            name_en="Project",
            region_id=city.id,
            start_year=2024,
            end_year=2025,
            state="approved",
            geom=polygon(box(118.02, 24.42, 0.02)),
        )
    )
    await session.commit()
    return city


def polygon(geometry: dict[str, Any]) -> str:
    ring = ", ".join(f"{x} {y}" for x, y in geometry["coordinates"][0])
    return f"SRID=4490;POLYGON(({ring}))"


def line(region: Region, code: str, geometry: dict[str, Any] | None, **values: Any) -> ControlArea:
    given = {"kind": "red_line", "status": "published", "valid_from": date(2022, 1, 1)}
    return ControlArea(
        visibility="public",
        code=code,
        name_zh="生态保护红线",
        name_en="Red line",
        region_id=region.id,
        geom=None if geometry is None else polygon(geometry),
        **{**given, **values},
    )


@pytest.fixture
async def approver(
    city_under_a_line: Region, state: ServiceState, client_with: Any
) -> httpx.AsyncClient:
    """An approver of the city."""
    client: httpx.AsyncClient = await client_with(Scope.READ)
    async with state.sessions.begin() as session:
        roles = [RoleGiven(Role.APPROVER, "city")]
        key = await create_key(
            session, name="approver", scopes=[Scope.READ, Scope.WRITE], roles=roles
        )
    client.headers["Authorization"] = f"Bearer {key}"
    return client


async def check(client: httpx.AsyncClient, **inputs: Any) -> dict[str, Any]:
    answer = await client.post(EXECUTION, json={"inputs": inputs})
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()["result"]
    return result


class TestChecks:
    async def test_mining_inside_is_refused_and_outside_accepted(
        self, city_under_a_line: Region, reader: httpx.AsyncClient
    ) -> None:
        inside = await check(reader, geometry=box(118.05, 24.4), activities=["mining"])
        assert inside["verdict"] == "refused"
        (found,) = inside["lines"]
        assert found["share_percent"] == pytest.approx(50, abs=0.1)
        assert found["area_mu"] == pytest.approx(found["area_ha"] * 15, rel=1e-4)
        (hit,) = inside["hits"]
        assert hit["rule"] == MINING
        assert hit["confirm"] is True
        assert "142号" in hit["legal_basis"]
        outside = await check(reader, geometry=box(118.1, 24.4), activities=["mining"])
        assert (outside["verdict"], outside["lines"]) == ("pass", [])

    async def test_overlaps_tell_their_shapes_where_asked(
        self, city_under_a_line: Region, reader: httpx.AsyncClient
    ) -> None:
        site = box(118.05, 24.4)
        asked = await check(reader, geometry=site, activities=["mining"], shapes=True)
        ((area,),) = [line["areas"] for line in asked["lines"]]
        drawn = shapely.geometry.shape(area.pop("geometry"))
        part = shapely.geometry.shape(site)
        # The line ends in the middle of the site.
        assert drawn.area == pytest.approx(part.area * area["share_percent"] / 100, rel=2e-3)
        assert part.buffer(1e-6).covers(drawn)
        for zone in asked["zones"]:
            del zone["geometry"]
        assert asked == await check(reader, geometry=site, activities=["mining"])

    async def test_project_and_measures(
        self, city_under_a_line: Region, reader: httpx.AsyncClient
    ) -> None:
        found = await check(reader, project="project-1", measures=["wetland_restoration"])
        assert (found["verdict"], found["project"]) == ("conditional", "project-1")
        assert (await check(reader, project="project-1"))["verdict"] == "refused"

    async def test_other_systems_and_days(
        self, city_under_a_line: Region, reader: httpx.AsyncClient
    ) -> None:
        turned = [[[y, x] for x, y in box(118.02, 24.42, 0.02)["coordinates"][0]]]
        uri = "http://www.opengis.net/def/crs/EPSG/0/4490"
        geometry = {"type": "Polygon", "coordinates": turned}
        found = await check(reader, geometry=geometry, crs=uri)
        assert found["lines"][0]["share_percent"] == 100
        past = await check(reader, geometry=box(118.02, 24.42, 0.02), as_of="2021-06-01")
        assert past["lines"] == []

    async def test_large_geometry_is_a_job(
        self,
        city_under_a_line: Region,
        state: ServiceState,
        session: AsyncSession,
        runner: httpx.AsyncClient,
        reader: httpx.AsyncClient,
    ) -> None:
        small = await reader.post(EXECUTION, json={"inputs": {"geometry": circle(10_000)}})
        assert small.status_code == 200
        large = {"inputs": {"geometry": circle(10_001)}}
        assert (await reader.post(EXECUTION, json=large)).status_code == 403
        queued = await runner.post(EXECUTION, json=large, headers={"Prefer": "wait=0"})
        assert queued.status_code == 201, queued.text
        asked = {"inputs": {"geometry": box(118.0, 24.4)}}
        chosen = await runner.post(EXECUTION, json=asked, headers={"Prefer": "respond-async"})
        assert chosen.status_code == 201
        job = await session.get_one(Job, queued.json()["jobID"])
        task = read_task(job.task)
        compute = compute_of("check-compliance")
        publication = Publication(task, compute(task, None, print), {}, "x", None)  # type: ignore[arg-type]  # nothing looks at them
        values = await publish_of("check-compliance")(session, publication)
        assert values["result"]["verdict"] == "refused"
        assert values["result"]["lines"][0]["share_percent"] == pytest.approx(100)

    async def test_crowded_place_is_a_job(
        self, city_under_a_line: Region, runner: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shanhai.processes.check_compliance.check.MOST_NEAR", 0)
        inputs = {"inputs": {"geometry": box(118.0, 24.4)}}
        queued = await runner.post(EXECUTION, json=inputs, headers={"Prefer": "wait=0"})
        assert queued.status_code == 201
        page = await runner.get("/compliance/check?project=project-1&f=json")
        assert page.status_code in {400, 413}
        assert "execution" in page.json()["detail"]
        inputs["inputs"]["geometry"]["note"] = "\x00"
        odd = await runner.post(EXECUTION, json=inputs, headers={"Prefer": "wait=0"})
        assert odd.status_code == 201, "what says nothing of the shape is left out"

    @pytest.mark.parametrize(
        ("inputs", "pointer"),
        [
            ({}, "/inputs/geometry"),
            ({"geometry": box(118, 24), "project": "project-1"}, "/inputs/geometry"),
            ({"geometry": {"type": "Polygon", "coordinates": []}}, "/inputs/geometry/coordinates"),
            (
                {"geometry": {"type": "LineString", "coordinates": [[118, 24, 5], [118, 25, 5]]}},
                "/inputs/geometry/coordinates/0",
            ),
            (
                {
                    "geometry": {
                        "type": "Polygon",
                        "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]],
                    }
                },
                "/inputs/geometry",
            ),
            ({"geometry": box(118, 24), "crs": "EPSG:9"}, "/inputs/crs"),
            ({"geometry": box(118, 24), "lines": ["sky_line"]}, "/inputs/lines/0"),
            ({"geometry": box(118, 24), "lines": []}, "/inputs/lines"),
            ({"geometry": box(118, 24), "region": "nowhere"}, "/inputs/region"),
            ({"geometry": box(118, 24), "as_of": "soon"}, "/inputs/as_of"),
            ({"geometry": box(118, 24), "activities": ["a b"]}, "/inputs/activities/0"),
        ],
    )
    async def test_bad_input_is_pointed_at(
        self,
        city_under_a_line: Region,
        reader: httpx.AsyncClient,
        inputs: dict[str, Any],
        pointer: str,
    ) -> None:
        answer = await reader.post(EXECUTION, json={"inputs": inputs})
        assert answer.status_code == 400, answer.text
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]

    async def test_unknown_project_is_not_found(
        self, city_under_a_line: Region, reader: httpx.AsyncClient
    ) -> None:
        answer = await reader.post(EXECUTION, json={"inputs": {"project": "nothing"}})
        assert answer.status_code == 404

    async def test_pages_in_both_languages(
        self, city_under_a_line: Region, reader: httpx.AsyncClient
    ) -> None:
        form = await reader.get("/compliance/check?f=html")
        assert form.status_code == 200
        assert "<form" in form.text
        path = "/compliance/check?f=html&project=project-1&activities=mining"
        chinese, english = await reader.get(path + "&lang=zh"), await reader.get(path + "&lang=en")
        assert "不通过" in chinese.text
        assert "待主管部门确认" in chinese.text
        assert "Refused" in english.text
        empty = await reader.get("/compliance/check?f=json")
        assert empty.json()["result"] is None
        for geometry in ("nonsense", "{}"):
            wrong = await reader.get(
                "/compliance/check", params={"geometry": geometry, "f": "json"}
            )
            assert wrong.status_code == 400
        posted = await reader.post(
            EXECUTION,
            json={"inputs": {"geometry": box(118.0, 24.4)}},
            headers={"Accept": "text/html"},
        )
        assert posted.headers["Content-Type"].startswith("text/html")

    async def test_bureau_confirms_a_rule(
        self, city_under_a_line: Region, approver: httpx.AsyncClient, admin: httpx.AsyncClient
    ) -> None:
        path = f"/control-rules/{MINING}"
        assert (await approver.get(path)).json()["confirm"] is True
        confirmed = await admin.patch(path, json={"confirm": False})
        assert confirmed.status_code == 200, confirmed.text
        found = await check(approver, geometry=box(118.0, 24.4), activities=["mining"])
        assert [hit["confirm"] for hit in found["hits"]] == [False]

    async def test_outside_a_line_is_a_place_with_its_share(
        self, city_under_a_line: Region, approver: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        boundary = line(
            city_under_a_line, "boundary", box(118.0, 24.4, 0.05), kind="urban_boundary"
        )
        session.add(boundary)
        await session.commit()
        asked = {"geometry": box(118.04, 24.4, 0.02), "activities": ["urban_housing"]}
        found = await check(approver, **asked, lines=["urban_boundary"])
        hit = next(one for one in found["hits"] if one["place"]["scope"] == "outside_control_area")
        assert (hit["decision"], hit["confirm"]) == ("forbidden", True)
        place, inside = hit["place"], found["lines"][0]
        assert place["name_zh"] == "城镇开发边界以外"
        assert place["share_percent"] + inside["share_percent"] == pytest.approx(100)
        assert place["area_ha"] + inside["area_ha"] == pytest.approx(found["geometry"]["area_ha"])
        answer = await approver.get(
            "/compliance/check",
            params={"geometry": json.dumps(asked["geometry"]), "f": "html", "lang": "zh"},
        )
        assert "城镇开发边界以外" in answer.text
        leave = {"geometry": asked["geometry"], "region": "city", "rule": hit["rule"]}
        given = await approver.post(EXCEPTIONS, json={**leave, "reason": "批准"})
        assert given.status_code == 201, given.text
        lifted = await check(approver, **asked, lines=["urban_boundary"])
        assert lifted["verdict"] == "conditional"

    @pytest.mark.parametrize(
        ("rule", "pointer"),
        [
            ({"scope": "outside_control_area"}, "/subject"),
            ({"scope": "zone_class", "classes": ["core_zone"]}, "/classes"),
            ({"scope": "beside"}, "/scope"),
        ],
    )
    async def test_rules_of_no_place_are_refused(
        self,
        city_under_a_line: Region,
        admin: httpx.AsyncClient,
        rule: dict[str, Any],
        pointer: str,
    ) -> None:
        body = {"code": "local.rule", "activity": "mining", "decision": "forbidden", **rule}
        answer = await admin.post("/control-rules", json=body)
        assert answer.status_code == 400, answer.text
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]

    async def test_activities_are_listed(self, anonymous: httpx.AsyncClient) -> None:
        listed = (await anonymous.get("/compliance/activities")).json()["activities"]
        assert {"mining", "wetland_restoration"} <= {item["code"] for item in listed}


class TestUnknown:
    """The city's farmland is registered by its figure, and nobody drew it."""

    @pytest.fixture
    async def undrawn(self, city_under_a_line: Region, session: AsyncSession) -> Region:
        values = {"kind": "permanent_basic_farmland", "approved_area_km2": 301.09}
        session.add(line(city_under_a_line, "farmland", None, **values))
        await session.commit()
        return city_under_a_line

    async def test_a_gap_is_named_in_documents_and_on_pages(
        self, undrawn: Region, reader: httpx.AsyncClient
    ) -> None:
        asked = {"geometry": box(118.5, 24.4, 0.01), "activities": ["mining"]}
        found = await check(reader, **asked)
        assert (found["verdict"], found["verdict_zh"]) == ("undetermined", "无法判定")
        (gap,) = found["gaps"]
        assert gap["code"] == "not_drawn:permanent_basic_farmland:city"
        assert (gap["approved_km2"], gap["drawn_km2"]) == (301.09, 0)
        assert gap["rules"] == ["national.permanent-basic-farmland.mining"]
        assert gap["text_en"].endswith("301.09 km² approved, not drawn")
        assert gap["text_en"] in found["reasons"][0]["en"]
        query = {"geometry": json.dumps(asked["geometry"]), "activities": "mining", "f": "html"}
        for lang, words in (
            ("zh", ["无法判定", "批准面积 301.09 平方公里", "未绘制", "未知项"]),
            ("en", ["Undetermined", "301.09 km² approved, not drawn", "What is not known"]),
        ):
            page = (await reader.get("/compliance/check", params={**query, "lang": lang})).text
            assert all(word in page for word in words)
            assert gap["code"] in page

    async def test_words_are_not_judged(
        self, city_under_a_line: Region, reader: httpx.AsyncClient
    ) -> None:
        query = {"geometry": json.dumps(box(118.02, 24.42, 0.02)), "f": "html", "lang": "en"}
        asked = {"geometry": box(118.02, 24.42, 0.02), "activities": ["wetland_restoration"]}
        found = await check(reader, **asked)
        listed = {item["code"] for item in found["conditions_not_judged"]}
        assert listed == {"in_approved_plan", "function_not_reduced"}
        assert all(
            condition["judged"] is False for hit in found["hits"] for condition in hit["conditions"]
        )
        page = await reader.get(
            "/compliance/check", params={**query, "activities": "wetland_restoration"}
        )
        assert "Conditions that were not judged" in page.text

    async def test_a_place_outside_every_region_is_bad_input(
        self, city_under_a_line: Region, reader: httpx.AsyncClient
    ) -> None:
        inputs = {"geometry": box(2.3, 48.8), "activities": ["mining"]}
        answer = await reader.post(EXECUTION + "?lang=en", json={"inputs": inputs})
        assert answer.status_code == 400
        (fault,) = answer.json()["errors"]
        assert fault["pointer"] == "/inputs/geometry"
        assert "Region city (city)" in fault["detail"]
        page = await reader.get(
            "/compliance/check",
            params={"geometry": json.dumps(inputs["geometry"]), "f": "html", "lang": "zh"},
        )
        assert page.status_code == 400
        assert "区域 city（city）" in page.text

    async def test_an_approver_decides_about_a_gap(
        self, undrawn: Region, approver: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        gap = "not_drawn:permanent_basic_farmland:city"
        asked = {"geometry": box(118.5, 24.4, 0.01), "activities": ["mining"]}
        body = {"geometry": asked["geometry"], "region": "city", "reason": "已核对纸质图"}
        given = await approver.post(EXCEPTIONS, json={**body, "gap": gap})
        assert given.status_code == 201, given.text
        code = given.json()["code"]
        assert (given.json()["rule"], given.json()["gap"]) == (None, gap)
        found = await check(approver, **asked)
        assert (found["verdict"], found["gaps"][0]["decided"]) == ("conditional", True)
        assert [item["code"] for item in found["exceptions"]] == [code]
        for wrong, pointer in (
            ({"gap": "not_drawn:red_line:city"}, "/gap"),
            ({"gap": gap, "rule": MINING}, "/rule"),
            ({}, "/rule"),
            ({"gap": gap, "geometry": box(2.3, 48.8)}, "/geometry"),
        ):
            answer = await approver.post(EXCEPTIONS, json={**body, **wrong})
            assert answer.status_code == 400, answer.text
            assert answer.json()["errors"][0]["pointer"] == pointer
        page = await approver.get(f"{EXCEPTIONS}/{code}?f=html&lang=zh")
        assert gap in page.text
        assert people_told(page.text) == {"approver"}
        revoked = await approver.post(f"{EXCEPTIONS}/{code}/revoke", json={"reason": "撤回"})
        assert revoked.status_code == 200
        assert (await check(approver, **asked))["verdict"] == "undetermined"

    async def test_a_gap_is_decided_about_once_a_request_is_granted(
        self, undrawn: Region, colleagues: Colleagues
    ) -> None:
        gap = "not_drawn:permanent_basic_farmland:city"
        place = box(118.5, 24.4, 0.01)
        body = {"geometry": place, "region": "city", "gap": gap, "reason": "已核对纸质图"}
        asked = await colleagues["planner"].post(REQUESTS, json=body)
        assert asked.status_code == 201, asked.text
        about = {"geometry": place, "activities": ["mining"]}
        assert (await check(colleagues["planner"], **about))["verdict"] == "undetermined"
        done = await step(colleagues["approver"], asked.json()["code"], "grant", {})
        assert done.status_code == 200, done.text
        assert (await check(colleagues["planner"], **about))["verdict"] == "conditional"

    async def test_who_does_not_answer_for_the_line_decides_nothing(
        self, undrawn: Region, state: ServiceState, session: AsyncSession, client_with: Any
    ) -> None:
        await add_region(session, "district", parent=undrawn, box=(118.4, 24.3, 118.6, 24.5))
        await session.commit()
        client: httpx.AsyncClient = await client_with(Scope.READ)
        async with state.sessions.begin() as own:
            key = await create_key(
                own,
                name="district",
                scopes=[Scope.READ, Scope.WRITE],
                roles=[RoleGiven(Role.APPROVER, "district")],
            )
        client.headers["Authorization"] = f"Bearer {key}"
        body = {
            "geometry": box(118.5, 24.4, 0.01),
            "region": "district",
            "gap": "not_drawn:permanent_basic_farmland:city",
            "reason": "已核对",
        }
        assert (await client.post(EXCEPTIONS, json=body)).status_code == 403


class TestExceptions:
    async def test_given_shown_and_revoked(
        self, approver: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        body = {
            "project": "project-1",
            "rule": MINING,
            "reason": "战略性矿产",
            "approver": "王工",
            "document": "厦自然资〔2026〕1号",
        }
        given = await approver.post(EXCEPTIONS, json=body)
        assert given.status_code == 201, given.text
        code = given.json()["code"]
        found = await check(approver, project="project-1", activities=["mining"])
        assert found["verdict"] == "conditional"
        assert [item["code"] for item in found["exceptions"]] == [code]
        assert found["exceptions"][0]["approver"] == "王工"
        assert (await approver.get(given.headers["Location"])).json()["reason"] == "战略性矿产"
        revoked = await approver.post(f"{EXCEPTIONS}/{code}/revoke", json={"reason": "撤回"})
        assert revoked.status_code == 200
        assert revoked.json()["revoked"]["reason"] == "撤回"
        assert (await check(approver, project="project-1", activities=["mining"]))[
            "verdict"
        ] == "refused"
        again = await approver.post(f"{EXCEPTIONS}/{code}/revoke", json={"reason": "撤回"})
        assert again.status_code == 409
        listed = (await approver.get(f"{EXCEPTIONS}?project=project-1")).json()
        assert listed["numberReturned"] == 1
        page = await approver.get(f"{EXCEPTIONS}?f=html")
        assert page.status_code == 200
        query = select(AuditLog.action).where(AuditLog.object_id == code).order_by(AuditLog.id)
        assert list(await session.scalars(query)) == ["create", "revoke"]

    async def test_for_one_geometry(self, approver: httpx.AsyncClient) -> None:
        shape = box(118.05, 24.45, 0.02)
        body = {"geometry": shape, "region": "city", "rule": MINING, "reason": "x"}
        assert (await approver.post(EXCEPTIONS, json=body)).status_code == 201
        assert (await check(approver, geometry=shape, activities=["mining"]))[
            "verdict"
        ] == "conditional"
        other = await check(approver, geometry=box(118.05, 24.45, 0.03), activities=["mining"])
        assert other["verdict"] == "refused"

    async def test_are_listed_page_by_page(self, approver: httpx.AsyncClient) -> None:
        body = {"geometry": box(118.05, 24.45), "region": "city", "rule": MINING, "reason": "x"}
        made = [await approver.post(EXCEPTIONS, json=body) for _ in range(3)]
        newest = [answer.json()["code"] for answer in reversed(made)]
        first = (await approver.get(EXCEPTIONS, params={"rule": MINING, "limit": 2})).json()
        assert [item["code"] for item in first["exceptions"]] == newest[:2]
        (following,) = [link["href"] for link in first["links"] if link["rel"] == "next"]
        last = (await approver.get(following)).json()
        assert [item["code"] for item in last["exceptions"]] == newest[2:]
        assert not [link for link in last["links"] if link["rel"] == "next"]
        page = await approver.get(EXCEPTIONS, params={"limit": 2, "f": "html"})
        assert "limit=2&amp;before=" in page.text

    async def test_only_by_approvers_of_the_regions_concerned(
        self,
        city_under_a_line: Region,
        session: AsyncSession,
        approver: httpx.AsyncClient,
        anonymous: httpx.AsyncClient,
        reader: httpx.AsyncClient,
    ) -> None:
        elsewhere = await add_region(session, "elsewhere")
        session.add(line(elsewhere, "red-2", box(119.0, 24.4)))
        await session.commit()
        body = {"project": "project-1", "rule": MINING, "reason": "x"}
        assert (await anonymous.post(EXCEPTIONS, json=body)).status_code == 401
        assert (await reader.post(EXCEPTIONS, json=body)).status_code == 403
        assert (await anonymous.get(EXCEPTIONS)).status_code == 401
        for bad in ("project=%00", "rule=%00", "limit=0", "before=0", "day=soon"):
            assert (await approver.get(f"{EXCEPTIONS}?{bad}")).status_code == 400
        assert (await approver.get(f"{EXCEPTIONS}/%00")).status_code == 404
        assert (await approver.get("/regions/%00/lines")).status_code == 404
        abroad = {"geometry": box(119.0, 24.4), "region": "city", "rule": MINING, "reason": "x"}
        assert (await approver.post(EXCEPTIONS, json=abroad)).status_code == 403

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"rule": "no.such"}, "/rule"),
            ({"project": "nothing"}, "/project"),
            ({"control_area": "nothing"}, "/control_area"),
            ({"valid_from": "2024-01-01", "valid_to": "2024-01-01"}, "/valid_to"),
            ({"reason": ""}, "/reason"),
            ({"reason": "a\x00b"}, "/reason"),
            ({"rule": "\x00"}, "/rule"),
            ({"geometry": box(118, 24)}, "/geometry"),
        ],
    )
    async def test_bad_exceptions_are_pointed_at(
        self, approver: httpx.AsyncClient, change: dict[str, Any], pointer: str
    ) -> None:
        body = {"project": "project-1", "rule": MINING, "reason": "x", **change}
        answer = await approver.post(EXCEPTIONS, json=body)
        assert answer.status_code == 400, answer.text
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


@pytest.fixture
async def colleagues(
    city_under_a_line: Region, session: AsyncSession, state: ServiceState, client_with: Any
) -> dict[str, httpx.AsyncClient]:
    """Those who work on requests, by name: in the city, in another region, and in both roles."""
    await add_region(session, "elsewhere", box=(119.0, 24.0, 120.0, 25.0))
    await session.commit()
    held = {
        "planner": [(Role.PLANNER, "city")],
        "approver": [(Role.APPROVER, "city")],
        "second": [(Role.APPROVER, "city")],
        "both": [(Role.PLANNER, "city"), (Role.APPROVER, "city")],
        "viewer": [(Role.VIEWER, "city")],
        "planner_elsewhere": [(Role.PLANNER, "elsewhere")],
        "approver_elsewhere": [(Role.APPROVER, "elsewhere")],
    }
    found: dict[str, httpx.AsyncClient] = {}
    for name, roles in held.items():
        async with state.sessions.begin() as own:
            given = [RoleGiven(role, region) for role, region in roles]
            scopes = sorted(frozenset().union(*(ROLE_SCOPES[role] for role, _ in roles)))
            key = await create_key(own, name=name, scopes=scopes, roles=given)
        client: httpx.AsyncClient = await client_with(Scope.READ)
        client.headers["Authorization"] = f"Bearer {key}"
        found[name] = client
    return found


ABOUT_PROJECT = {"project": "project-1", "rule": MINING, "reason": "战略性矿产"}


async def requested(planner: httpx.AsyncClient, **change: Any) -> dict[str, Any]:
    answer = await planner.post(REQUESTS, json={**ABOUT_PROJECT, **change})
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"].endswith(f"{REQUESTS}/{answer.json()['code']}")
    found: dict[str, Any] = answer.json()
    return found


async def listed(client: httpx.AsyncClient, **asked: Any) -> list[str]:
    answer = await client.get(REQUESTS, params=asked)
    assert answer.status_code == 200, answer.text
    return [item["code"] for item in answer.json()["requests"]]


async def step(client: httpx.AsyncClient, code: str, name: str, body: Any = None) -> httpx.Response:
    return await client.post(f"{REQUESTS}/{code}/{name}", json=body)


class TestRequests:
    async def test_lifts_nothing_until_it_is_granted(
        self, colleagues: Colleagues, session: AsyncSession
    ) -> None:
        planner, approver = colleagues["planner"], colleagues["approver"]
        asked = await requested(planner, valid_from="2020-01-01")
        code = asked["code"]
        assert (asked["state"], asked["steps"], asked["exception"]) == (
            "requested",
            ["withdraw"],
            None,
        )
        mining = {"project": "project-1", "activities": ["mining"]}
        before = await check(planner, **mining)
        assert (before["verdict"], before["exceptions"]) == ("refused", [])
        assert before["geometry"]["sha256"] == asked["geometry_sha256"]
        assert (await approver.get(EXCEPTIONS)).json()["numberReturned"] == 0
        seen = (await approver.get(f"{REQUESTS}/{code}?lang=zh")).json()
        assert (seen["project_name"], seen["region_name"]) == ("项目", "区域 city")
        assert (seen["state_name"], seen["steps"]) == ("待批准", ["grant", "refuse"])
        assert MINING not in seen["about_name"]
        granted = await step(approver, code, "grant", {"approver": "王工", "document": "1号"})
        assert granted.status_code == 200, granted.text
        told = granted.json()
        assert (told["state"], told["steps"]) == ("granted", [])
        given = (await planner.get(f"{EXCEPTIONS}/{told['exception']}")).json()
        assert (given["requested_by"], given["request"]) == (asked["requested_by"], code)
        assert (given["approver"], given["document"]) == ("王工", "1号")
        # Nobody had decided on the days before.
        assert given["valid_from"] == before["as_of"]
        after = await check(planner, **mining)
        assert after["verdict"] == "conditional"
        assert [item["code"] for item in after["exceptions"]] == [told["exception"]]
        query = select(AuditLog.action).where(AuditLog.object_id == code).order_by(AuditLog.id)
        assert list(await session.scalars(query)) == ["create", "grant"]

    async def test_of_a_geometry_has_its_shape_to_the_last_digit(
        self, colleagues: Colleagues
    ) -> None:
        planner, approver = colleagues["planner"], colleagues["approver"]
        shape = box(118.0512345678, 24.4512345678, 0.02)
        body = {"geometry": shape, "region": "city", "rule": MINING, "reason": "x"}
        asked = (await planner.post(REQUESTS, json=body)).json()
        seen = (await approver.get(f"{REQUESTS}/{asked['code']}")).json()
        found = await check(approver, geometry=seen["geometry"], activities=["mining"])
        assert found["geometry"]["sha256"] == asked["geometry_sha256"]
        assert found["verdict"] == "refused"
        same = {"geometry_sha256": asked["geometry_sha256"], "state": "requested"}
        assert await listed(approver, **same) == [asked["code"]]
        assert (await step(approver, asked["code"], "grant", {})).status_code == 200
        lifted = await check(planner, geometry=shape, activities=["mining"])
        assert lifted["verdict"] == "conditional"
        assert await listed(approver, **same) == []

    async def test_nobody_decides_on_their_own(self, colleagues: Colleagues) -> None:
        both = colleagues["both"]
        asked = await requested(both)
        assert asked["steps"] == ["withdraw"]
        assert await listed(both, decidable=True) == []
        for name, body in (("grant", {}), ("refuse", {"reason": "x"})):
            assert (await step(both, asked["code"], name, body)).status_code == 403
        assert (await step(colleagues["approver"], asked["code"], "grant", {})).status_code == 200

    async def test_is_refused_with_a_reason_and_withdrawn_by_who_made_it(
        self, colleagues: Colleagues
    ) -> None:
        planner, approver = colleagues["planner"], colleagues["approver"]
        code = (await requested(planner))["code"]
        silent = await step(approver, code, "refuse", {})
        assert silent.status_code == 400
        assert silent.json()["errors"][0]["pointer"] == "/reason"
        refused = (await step(approver, code, "refuse", {"reason": "未论证"})).json()
        assert (refused["state"], refused["decision_reason"]) == ("refused", "未论证")
        other = (await requested(planner))["code"]
        assert (await step(approver, other, "withdraw")).status_code == 403
        assert (await step(planner, other, "withdraw")).json()["state"] == "withdrawn"
        for ended in (code, other):
            for name, body in (("grant", {}), ("refuse", {"reason": "x"})):
                assert (await step(approver, ended, name, body)).status_code == 409
            assert (await step(planner, ended, "withdraw")).status_code == 409
        assert (await approver.get(EXCEPTIONS)).json()["numberReturned"] == 0
        assert (await check(planner, project="project-1", activities=["mining"]))[
            "verdict"
        ] == "refused"

    async def test_of_two_who_decide_at_once_one_does(self, colleagues: Colleagues) -> None:
        code = (await requested(colleagues["planner"]))["code"]
        answers = await asyncio.gather(
            step(colleagues["approver"], code, "grant", {}),
            step(colleagues["second"], code, "grant", {}),
            step(colleagues["both"], code, "refuse", {"reason": "x"}),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
        exceptions = (await colleagues["approver"].get(EXCEPTIONS)).json()["numberReturned"]
        state = (await colleagues["planner"].get(f"{REQUESTS}/{code}")).json()["state"]
        assert exceptions == (1 if state == "granted" else 0)

    async def test_sent_again_with_its_key_is_one_request(self, colleagues: Colleagues) -> None:
        planner = colleagues["planner"]
        headers = {"Idempotency-Key": "the-same"}
        first = await planner.post(REQUESTS, json=ABOUT_PROJECT, headers=headers)
        again = await planner.post(REQUESTS, json=ABOUT_PROJECT, headers=headers)
        assert again.headers["Idempotency-Replayed"] == "true"
        assert first.json()["code"] == again.json()["code"]
        assert await listed(planner) == [first.json()["code"]]

    async def test_only_by_planners_and_for_approvers_of_all_regions_concerned(
        self,
        colleagues: Colleagues,
        session: AsyncSession,
        anonymous: httpx.AsyncClient,
        reader: httpx.AsyncClient,
    ) -> None:
        planner = colleagues["planner"]
        for name in ("approver", "viewer", "planner_elsewhere"):
            answer = await colleagues[name].post(REQUESTS, json=ABOUT_PROJECT)
            assert answer.status_code == 403, name
        assert (await reader.post(REQUESTS, json=ABOUT_PROJECT)).status_code == 403
        assert (await anonymous.post(REQUESTS, json=ABOUT_PROJECT)).status_code == 401
        assert (await anonymous.get(REQUESTS)).status_code == 401
        code = (await requested(planner))["code"]
        assert (await anonymous.get(f"{REQUESTS}/{code}")).status_code == 401
        for name in ("planner_elsewhere", "approver_elsewhere"):
            assert (await colleagues[name].get(f"{REQUESTS}/{code}")).status_code == 404
            assert (await step(colleagues[name], code, "grant", {})).status_code == 404
            assert await listed(colleagues[name]) == []
        for name in ("planner", "viewer"):
            assert (await step(colleagues[name], code, "grant", {})).status_code == 403
            refusal = await step(colleagues[name], code, "refuse", {"reason": "x"})
            assert refusal.status_code == 403
            assert await listed(colleagues[name], decidable=True) == []
        assert await listed(colleagues["approver"], decidable=True) == [code]
        # The line there is another region's, whose approver has to agree.
        elsewhere = await session.scalar(select(Region).where(Region.code == "elsewhere"))
        assert elsewhere is not None
        session.add(line(elsewhere, "red-2", box(119.0, 24.4)))
        await session.commit()
        abroad = {"project": None, "geometry": box(119.0, 24.4), "region": "city"}
        far = (await requested(planner, **abroad))["code"]
        assert await listed(colleagues["approver"], decidable=True) == [code]
        for name, body in (("grant", {}), ("refuse", {"reason": "x"})):
            assert (await step(colleagues["approver"], far, name, body)).status_code == 403

    async def test_is_listed_page_by_page_and_by_state(self, colleagues: Colleagues) -> None:
        planner = colleagues["planner"]
        codes = [(await requested(planner))["code"] for _ in range(3)]
        await step(planner, codes[1], "withdraw")
        waiting = [codes[2], codes[0]]
        assert await listed(planner, state="requested", project="project-1") == waiting
        first = (await planner.get(REQUESTS, params={"limit": 2, "lang": "zh"})).json()
        assert [item["code"] for item in first["requests"]] == codes[:0:-1]
        (following,) = [link["href"] for link in first["links"] if link["rel"] == "next"]
        last = (await planner.get(following)).json()
        assert [item["code"] for item in last["requests"]] == [codes[0]]
        assert not [link for link in last["links"] if link["rel"] == "next"]
        for bad in ("state=given", "limit=0", "before=0", "geometry_sha256=x", "project=%00"):
            assert (await planner.get(f"{REQUESTS}?{bad}")).status_code == 400
        assert (await planner.get(f"{REQUESTS}/%00")).status_code == 404
        for page in (REQUESTS, f"{REQUESTS}/{codes[1]}"):
            shown = await planner.get(f"{page}?f=html&lang=zh")
            assert shown.status_code == 200
            assert "已撤回" in shown.text
            assert "withdrawn" not in shown.text
            assert people_told(shown.text) == {"planner"}

    async def test_is_no_longer_granted_where_its_project_has_moved(
        self, colleagues: Colleagues, session: AsyncSession
    ) -> None:
        code = (await requested(colleagues["planner"]))["code"]
        moved = text("UPDATE project SET geom = ST_Translate(geom, 0.01, 0) WHERE code = :code")
        await session.execute(moved, {"code": "project-1"})
        await session.commit()
        answer = await step(colleagues["approver"], code, "grant", {})
        assert answer.status_code == 409
        assert "changed since the request" in answer.json()["detail"]
        assert (await colleagues["approver"].get(EXCEPTIONS)).json()["numberReturned"] == 0

    async def test_is_no_longer_granted_when_its_days_are_over(
        self, colleagues: Colleagues, session: AsyncSession
    ) -> None:
        code = (await requested(colleagues["planner"], valid_to="2999-01-01"))["code"]
        await session.execute(text("UPDATE exception_request SET valid_to = '2020-01-01'"))
        await session.commit()
        answer = await step(colleagues["approver"], code, "grant", {})
        assert answer.status_code == 409
        assert "no longer so" in answer.json()["detail"]

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"rule": "no.such"}, "/rule"),
            ({"project": "nothing"}, "/project"),
            ({"valid_from": "2024-01-01", "valid_to": "2024-01-01"}, "/valid_to"),
            ({"reason": ""}, "/reason"),
            ({"gap": "x"}, "/rule"),
            ({"approver": "me"}, "/approver"),
        ],
    )
    async def test_bad_requests_are_pointed_at(
        self, colleagues: Colleagues, change: dict[str, Any], pointer: str
    ) -> None:
        answer = await colleagues["planner"].post(REQUESTS, json={**ABOUT_PROJECT, **change})
        assert answer.status_code == 400, answer.text
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


class TestRegister:
    async def test_totals_beside_the_approved_figure(
        self, city_under_a_line: Region, session: AsyncSession, reader: httpx.AsyncClient
    ) -> None:
        district = await add_region(session, "district", parent=city_under_a_line)
        session.add_all(
            [
                line(city_under_a_line, "figure", None, approved_area_km2=288),
                line(district, "red-3", box(118.05, 24.4), delimitation="2022"),
                line(city_under_a_line, "reserve", box(118.0, 24.4), kind="protected_area"),
                line(city_under_a_line, "park", box(118.0, 24.4), kind="protected_area"),
                line(
                    city_under_a_line,
                    "draft",
                    box(118.3, 24.4),
                    kind="protected_area",
                    status="draft",
                ),
            ]
        )
        await session.commit()
        document = (await reader.get("/regions/city/lines")).json()
        [up] = [item for item in document["links"] if item["rel"] == "up"]
        assert (await reader.get(up["href"])).headers["Content-Type"] == up["type"]
        lines = document["lines"]
        found = {item["kind"]: item for item in lines}
        single = 112.46
        assert found["protected_area"]["area_km2"] == pytest.approx(single, rel=5e-3)
        red = found["red_line"]
        assert red["area_km2"] == pytest.approx(1.5 * single, rel=5e-3)
        assert red["approved_km2"] == 288
        assert red["difference_km2"] == pytest.approx(red["area_km2"] - 288, abs=1e-3)
        assert [item["delimitation"] for item in red["delimitations"]] == ["2022"]
        below = (await reader.get("/regions/district/lines")).json()["lines"]
        assert below[0]["area_km2"] == pytest.approx(single, rel=5e-3)
        page = await reader.get("/regions/city/lines?f=html&lang=zh")
        assert "生态保护红线" in page.text
        assert (await reader.get("/regions/nowhere/lines")).status_code == 404

    async def test_cut_within_one_delimitation_is_a_decline(
        self, city_under_a_line: Region, session: AsyncSession, reader: httpx.AsyncClient
    ) -> None:
        async def declines() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = (await reader.get("/regions/city/lines")).json()[
                "declines"
            ]
            return found

        assert await declines() == []
        await session.execute(
            text(
                "UPDATE control_area SET valid_from = '2023-05-01', geom = ST_Multi("
                "ST_MakeEnvelope(118.0, 24.4, 118.0999, 24.5, 4490)) WHERE code = 'red-1'"
            )
        )
        await session.commit()
        (found,) = await declines()
        assert (found["day"], found["delimitation"]) == ("2023-05-01", "2022")
        assert found["lost"]["area_ha"] == pytest.approx(11.2, rel=0.01)
        await session.execute(
            text(
                "UPDATE control_area SET valid_from = '2024-05-01', delimitation = '2024',"
                " geom = ST_MakeEnvelope(118.0, 24.4, 118.05, 24.5, 4490) WHERE code = 'red-1'"
            )
        )
        await session.commit()
        assert len(await declines()) == 1


async def test_a_check_repeated_with_its_key_is_answered_as_before(
    approver: httpx.AsyncClient,
) -> None:
    headers = {"Idempotency-Key": "once"}
    body = {"inputs": {"geometry": box(118.0, 24.4), "activities": ["mining"]}}
    first = await approver.post(EXECUTION, json=body, headers=headers)
    again = await approver.post(EXECUTION, json=body, headers=headers)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
    body["inputs"]["activities"] = ["tourism"]
    assert (await approver.post(EXECUTION, json=body, headers=headers)).status_code == 422
