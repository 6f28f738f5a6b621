"""Red-line leads over HTTP: sent, cased, walked to their end, counted; and what is refused."""

from datetime import date
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import RoleGiven
from shanhai.db.queries.keys import create_key
from shanhai.db.tables.control import ControlArea
from shanhai.db.tables.delivery import Delivery, Webhook
from shanhai.db.tables.zone import Region
from shanhai.vocabulary import WEBHOOK_EVENTS, Role, Scope, codes
from tests.support.actors import people_told
from tests.support.emptying import forget_rows
from tests.support.job_rows import add_region

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 32
SCOPES = (Scope.READ, Scope.PROJECTS, Scope.OBSERVE)


def square(west: float, south: float, size: float = 0.01) -> dict[str, Any]:
    east, north = round(west + size, 6), round(south + size, 6)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def lead(number: int, west: float = 118.02, south: float = 24.42, **said: Any) -> dict[str, Any]:
    properties = {
        "source": "satellite",
        "external_id": f"lead-{number}",
        "kind": "mining",
        "sensed_before": "2025-01-01",
        "sensed_after": "2025-06-01",
    }
    geometry = said.pop("geometry", None) or square(west, south)
    return {"type": "Feature", "geometry": geometry, "properties": {**properties, **said}}


@pytest.fixture
async def district(session: AsyncSession) -> Region:
    """Two districts side by side in a city, with a red line over the west of the first one."""
    await forget_rows(session, ["lead_case"])
    city = await add_region(session, "city", box=(118.0, 24.4, 118.2, 24.5))
    west = await add_region(
        session, "west", level="district", parent=city, box=(118.0, 24.4, 118.1, 24.5)
    )
    await add_region(session, "east", level="district", parent=city, box=(118.1, 24.4, 118.2, 24.5))
    shape = "SRID=4490;POLYGON((118 24.4, 118.05 24.4, 118.05 24.5, 118 24.5, 118 24.4))"
    for code, since, until in (("red-1", "2020-01-01", None), ("old", "2000-01-01", "2010-01-01")):
        await session.execute(
            text(
                "INSERT INTO control_area (visibility, code,"
                " name_zh, name_en, kind, region_id, status, geom,"
                " valid_from, valid_to, delimitation) VALUES ('public',"
                " :code, '线', 'Line', 'red_line',"
                " :region, 'published', :shape, CAST(:since AS text)::date,"
                " CAST(:until AS text)::date, '2020')"
            ),
            {"code": code, "region": city.id, "shape": shape, "since": since, "until": until},
        )
    await session.commit()
    return west


async def test_a_lead_where_the_lines_are_not_known_is_told_as_undetermined(
    admin: httpx.AsyncClient, district: Region, session: AsyncSession
) -> None:
    await session.execute(
        text(
            "INSERT INTO control_area (visibility, code,"
            " name_zh, name_en, kind, region_id, status, valid_from,"
            " approved_area_km2) SELECT 'public',"
            " 'city.red-line', '红线', 'Red line', 'red_line', parent_id,"
            " 'published', '2020-01-01', 142.4 FROM region WHERE code = 'west'"
        )
    )
    await session.commit()
    leads = [lead(1), lead(2, west=118.07), lead(3, west=121.0)]
    collection = {"type": "FeatureCollection", "features": leads}
    answer = (await admin.post("/cases?lang=en", json=collection)).json()
    assert [item["outcome"] for item in answer["results"]] == [
        "opened",
        "undetermined",
        "undetermined",
    ]
    assert (answer["undetermined"], answer["no_case"]) == (2, 0)
    assert "142.4 km² approved" in answer["results"][1]["detail"]
    assert "no known region" in answer["results"][2]["detail"]


async def role_headers(session: AsyncSession, role: Role, region: str) -> dict[str, str]:
    key = await create_key(session, name="role", scopes=SCOPES, roles=[RoleGiven(role, region)])
    await session.commit()
    return {"Authorization": f"Bearer {key}"}


async def test_a_lead_inside_the_line_opens_a_case_and_others_do_not(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, district: Region
) -> None:
    leads: list[Any] = [
        lead(1),
        lead(2, west=118.07),
        lead(3, geometry=square(118.0499, 24.42, 0.00015)),
        lead(4, sensed_before="2011-01-01", sensed_after="2012-01-01"),
        lead(5, kind="picnic"),
        lead(6, geometry={"type": "Point", "coordinates": [118, 24]}),
        lead(7, sensed_after="2024-01-01"),
        {"type": "Feature"},
        *(None, 5, "lead", []),
    ]
    collection = {"type": "FeatureCollection", "features": leads}
    answer = await admin.post("/cases", json=collection)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    outcomes = [item["outcome"] for item in told["results"]]
    assert outcomes == ["opened", "no_case", "no_case", "no_case", *["rejected"] * 8]
    assert [told["results"][n]["pointer"] for n in (4, 5, 6)] == [
        "/properties/kind",
        "/geometry/type",
        "/properties/sensed_after",
    ]
    assert [(item["index"], item["pointer"]) for item in told["results"][7:]] == [
        *((7, "/geometry"), (8, ""), (9, ""), (10, ""), (11, ""))
    ]
    assert all(item["detail"] for item in told["results"][4:])
    assert "2012-01-01" in told["results"][3]["detail"]
    again = (await admin.post("/cases", json=collection)).json()
    assert (again["opened"], again["duplicate"]) == (0, 1)
    assert again["results"][0]["case"] == told["results"][0]["case"]
    other = (await admin.post("/cases", json=lead(1, kind="road"))).json()
    assert other["results"][0]["pointer"] == "/properties/external_id"

    listed = (
        await admin.get("/cases", params={"filter": "overdue = false AND kind = 'mining'"})
    ).json()
    assert listed["numberReturned"] == 1
    case = listed["cases"][0]
    assert (case["region"], case["state"], case["area_ha"]) == ("west", "new", case["inside_ha"])
    assert case["lines"][0]["areas"][0]["code"] == "red-1"
    assert case["lines"][0]["share"] == pytest.approx(1)
    assert case["code"] in (await admin.get("/cases?f=csv")).text
    for path in ("/cases", f"/cases/{case['code']}", "/cases?f=csv"):
        assert (await anonymous.get(path)).status_code == 401


async def test_a_lead_over_two_districts_goes_to_the_larger_part(
    admin: httpx.AsyncClient, district: Region, session: AsyncSession
) -> None:
    session.add(
        ControlArea(
            visibility="public",
            code="red-2",
            name_zh="线",
            name_en="Line",
            kind="red_line",
            region_id=district.id,
            status="published",
            valid_from=date(2000, 1, 1),
            geom="SRID=4490;POLYGON((118 24.4, 118.2 24.4, 118.2 24.5, 118 24.5, 118 24.4))",
        )
    )
    await session.commit()
    sent = await admin.post("/cases", json=lead(1, west=118.098))
    case = (await admin.get(f"/cases/{sent.json()['results'][0]['case']}")).json()
    assert case["region"] == "east"
    assert case["lines"][0]["share"] == pytest.approx(1)


async def add_webhook(session: AsyncSession, code: str, region_id: int) -> None:
    hook = Webhook(
        code=code,
        name=code,
        url="https://hooks.example.org/",
        lang="zh",
        events=[event for event in codes(WEBHOOK_EVENTS) if event.startswith("case.")],
        region_id=region_id,
        enabled=True,
        secret=b"",
        created_by="test",
    )
    session.add(hook)
    await session.commit()


async def told(session: AsyncSession, code: str) -> list[Delivery]:
    query = select(Delivery).where(Delivery.target == code).order_by(Delivery.created_at)
    return list(await session.scalars(query))


async def test_a_case_is_walked_to_its_end(
    admin: httpx.AsyncClient, district: Region, session: AsyncSession
) -> None:
    await forget_rows(session, ["delivery", "webhook"])
    for name, region in (("own", district.id), ("above", district.parent_id)):
        assert region is not None
        await add_webhook(session, name, region)
    code = (await admin.post("/cases", json=lead(1))).json()["results"][0]["case"]
    supervisor = await role_headers(session, Role.SUPERVISOR, "west")
    approver = await role_headers(session, Role.APPROVER, "west")
    stranger = await role_headers(session, Role.SUPERVISOR, "east")
    steps, papers = f"/cases/{code}/transitions", f"/cases/{code}/documents"

    async def go(headers: dict[str, str], **body: Any) -> httpx.Response:
        return await admin.post(steps, json=body, headers=headers)

    async def add(
        headers: dict[str, str], kind: str = "photo", content: bytes = PNG
    ) -> httpx.Response:
        about = {"filename": "site.png", "kind": kind, "title_zh": "现场"}
        sent = {**headers, "Content-Type": "image/png"}
        return await admin.post(papers, params=about, content=content, headers=sent)

    assert (await go(stranger, to="assigned", assignee="Li")).status_code == 404
    assert (await admin.get("/cases", headers=stranger)).json()["cases"] == []
    assert code not in (await admin.get("/cases?f=csv", headers=stranger)).text
    counted = (await admin.get("/cases/statistics", headers=stranger)).json()["total"]["cases"]
    assert counted == 0
    assert (await go(approver, to="assigned", assignee="Li")).status_code == 403
    assert (await go(supervisor, to="closed", note="x")).status_code == 409
    assert (await go(supervisor, to="assigned")).json()["errors"][0]["pointer"] == "/assignee"
    late = await go(supervisor, to="assigned", assignee="Li", due="2020-01-01")
    assert late.json()["errors"][0]["pointer"] == "/due"
    assert (await go(supervisor, to="assigned", assignee="Li")).status_code == 201
    found = {"to": "verified", "result": "confirmed", "note": "采石"}
    assert (await go(supervisor, **found)).json()["errors"][0]["pointer"] == "/documents"
    assert (await add(supervisor, content=b"no picture")).status_code == 400
    photo = (await add(supervisor)).json()
    assert (await go(supervisor, **found, documents=["none"])).status_code == 400
    verified = await go(supervisor, **found, documents=[photo["code"]])
    assert verified.json()["result"] == "confirmed"
    assert (await go(approver, to="closed", note="x")).status_code == 409
    assert (await go(supervisor, to="rectification", note="停工复绿")).status_code == 201
    done = {"to": "closed", "note": "已复绿"}
    # The photo of the check does not show that anything was made good.
    assert (await go(approver, **done, documents=[photo["code"]])).status_code == 400
    proof = (await add(approver)).json()["code"]
    assert (await go(approver, **done, documents=[proof])).status_code == 201
    assert (await add(supervisor)).status_code == 409
    case = (await admin.get(f"/cases/{code}", headers=supervisor)).json()
    assert [event["to"] for event in case["events"]] == [
        *("new", "assigned", "verified", "rectification", "closed")
    ]
    assert (case["state"], case["due"], case["steps"]) == ("closed", None, [])
    assert (await admin.delete(f"/documents/{photo['code']}")).status_code == 409
    file = await admin.get(f"/documents/{photo['code']}/file", headers=supervisor)
    assert file.content == PNG
    page = await admin.get(f"/cases/{code}?lang=zh", headers={"Accept": "text/html"})
    assert "已销号" in page.text
    assert people_told(page.text) == {"test", "role"}
    rows = await told(session, "own")
    events = ("opened", "assigned", "verified", "rectification", "closed")
    assert [row.event_type for row in rows] == [f"case.{event}" for event in events]
    assert [row.event_type for row in await told(session, "above")] == [
        row.event_type for row in rows
    ]
    data = [row.payload["data"] for row in rows]
    assert [one["step"]["seq"] for one in data] == [1, 2, 3, 4, 5]
    assert [one["state"] for one in data] == [event["to"] for event in case["events"]]
    # What was refused on the way told nobody; the state of each moment is kept.
    assert [one["result"] for one in data] == [None, None, "confirmed", "confirmed", "confirmed"]
    last = data[-1]
    assert (last["code"], last["region"], last["area_ha"]) == (code, "west", case["area_ha"])
    assert (last["state_name"], last["due"]) == ("已销号", None)
    assert last["links"][0]["href"] == f"/cases/{code}"


async def test_the_photos_of_a_case_go_to_the_region_that_answers_for_it(
    admin: httpx.AsyncClient, district: Region, session: AsyncSession
) -> None:
    code = (await admin.post("/cases", json=lead(1))).json()["results"][0]["case"]
    given, taking = [
        await role_headers(session, Role.SUPERVISOR, region) for region in ("west", "east")
    ]
    steps, about = f"/cases/{code}/transitions", {"filename": "site.png", "title_zh": "现场"}
    sent = {**given, "Content-Type": "image/png"}
    assert (
        await admin.post(steps, json={"to": "assigned", "assignee": "Li"}, headers=given)
    ).status_code == 201
    photos = []
    for _ in range(2):
        asked = {**about, "kind": "photo"}
        added = await admin.post(
            f"/cases/{code}/documents", params=asked, content=PNG, headers=sent
        )
        photos.append(added.json()["code"])
    gone = await admin.delete(f"/documents/{photos[1]}", headers=given)
    assert gone.status_code == 204, gone.text
    since = (await admin.get("/changes?since=now")).json()["cursor"]
    body = {"to": "assigned", "assignee": "Wang", "note": "在东区", "region": "east"}
    moved = await admin.post(steps, json=body, headers=given)
    assert moved.status_code == 201, moved.text
    for headers, change in ((given, "deleted"), (taking, "updated")):
        asked = {"since": since, "collection": "documents"}
        changes = (await admin.get("/changes", params=asked, headers=headers)).json()["changes"]
        known = [(one["id"], one["change"], one["row_version"]) for one in changes]
        assert known == [(photos[0], change, 2)]

    path = f"/documents/{photos[0]}"
    for place in (path, f"{path}/file"):
        assert (await admin.get(place, headers=given)).status_code == 404
        assert (await admin.get(place, headers=taking)).status_code == 200
    assert (await admin.delete(path, headers=given)).status_code in {403, 404}
    entries = await session.execute(
        text(
            "SELECT object_id, before->>'region_id', after->>'region_id' FROM audit_log"
            " WHERE object_table = 'document' AND action = 'update' ORDER BY id DESC LIMIT 1"
        )
    )
    east = await session.scalar(select(Region.id).where(Region.code == "east"))
    assert entries.one() == (photos[0], str(district.id), str(east))
    # What was deleted stays where it was.
    left = text("SELECT region_id FROM document WHERE code = :code")
    assert await session.scalar(left, {"code": photos[1]}) == district.id
    again = {"to": "assigned", "assignee": "Zhao", "note": "改派"}
    assert (await admin.post(steps, json=again, headers=taking)).status_code == 201
    versions = text("SELECT row_version FROM document WHERE code = :code")
    assert await session.scalar(versions, {"code": photos[0]}) == 2


async def test_a_step_meant_for_another_state_is_refused(
    admin: httpx.AsyncClient, district: Region
) -> None:
    code = (await admin.post("/cases", json=lead(1))).json()["results"][0]["case"]
    tag = {"If-Match": (await admin.get(f"/cases/{code}")).headers["ETag"]}
    body = {"to": "assigned", "assignee": "Li"}
    steps = f"/cases/{code}/transitions"
    assert (await admin.post(steps, json=body, headers=tag)).status_code == 201
    body |= {"assignee": "Wu", "note": "休假"}
    assert (await admin.post(steps, json=body, headers=tag)).status_code == 412


async def test_figures_add_up(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, district: Region, session: AsyncSession
) -> None:
    leads = [lead(1), lead(2, west=118.03), lead(3, south=24.45, kind="road")]
    await admin.post("/cases", json={"type": "FeatureCollection", "features": leads})
    await session.execute(
        text("UPDATE lead_case SET due_on = current_date - 1 WHERE external_id = 'lead-1'")
    )
    await session.commit()
    found = (await admin.get("/cases/statistics")).json()
    assert [found["total"][name] for name in ("cases", "open", "overdue")] == [3, 3, 1]
    assert {item["kind"]: item["cases"] for item in found["by_kind"]} == {"mining": 2, "road": 1}
    assert [(item["region"], item["cases"]) for item in found["by_region"]] == [("west", 3)]
    assert found["by_region"][0]["name"] == {"zh": "区域 west", "en": "Region west"}
    for group in ("by_region", "by_state", "by_kind", "by_month"):
        areas = sum(item["area_ha"] for item in found[group])
        assert areas == pytest.approx(found["total"]["area_ha"], abs=1e-3)
    assert (await admin.get("/cases/statistics?until=2020-01-01")).json()["total"]["cases"] == 0
    assert (await anonymous.get("/cases/statistics")).status_code == 401
    for path in ("/cases/statistics", "/cases"):
        page = await admin.get(f"{path}?lang=zh", headers={"Accept": "text/html"})
        assert page.status_code == 200
        assert "红线线索" in page.text


async def test_who_may_send_leads(
    admin: httpx.AsyncClient,
    reader: httpx.AsyncClient,
    district: Region,
    session: AsyncSession,
) -> None:
    assert (await reader.post("/cases", json=lead(1))).status_code == 403
    feed = await role_headers(session, Role.FEED, "east")
    sent = await admin.post("/cases", json=lead(1), headers=feed)
    assert sent.json()["results"][0]["pointer"] == "/geometry"
    planner = await role_headers(session, Role.PLANNER, "west")
    assert (await admin.post("/cases", json=lead(1), headers=planner)).status_code == 403
    assert (await admin.post("/cases", json={"type": "FeatureCollection"})).status_code == 400
    assert (
        await admin.post("/cases", content=b"{", headers={"Content-Type": "application/json"})
    ).status_code == 400
