"""Joint plans: each region's people read the whole draft and write their part; nobody else does."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from shapely.geometry import shape
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.projects import PROJECTS as ENTITY
from shanhai.db.features.bulk_write import write_many
from shanhai.db.identity import Grant, Identity, RoleGiven
from shanhai.db.queries.audit import Act
from shanhai.db.queries.keys import create_key
from shanhai.db.seeds.load import seed_cities
from shanhai.vocabulary import ROLE_SCOPES, Role, Scope
from shanhai_api.kit.state import ServiceState
from tests.support.job_rows import add_region
from tests.support.joint_plans import (
    JOINT,
    PLANS,
    PROJECTS,
    People,
    feature,
    names,
    patch,
    plan,
    pointers,
    post,
    project,
)

ROLES = (Role.PLANNER, Role.APPROVER)
DRAFT = (
    *(JOINT, "/plans/joint/programmes/programme-a", "/plans/joint/programmes/programme-b"),
    *("/plans/joint/parts", "/plans/joint/parts/part-a", "/plans/joint/parts/part-b"),
    *("/plans/joint/programmes", "/plans/joint/indicators", "/plans/joint/totals"),
    *("/plans/joint/findings", "/plans/joint/coverage", "/plans/joint/timetable"),
    *("/plans/joint/tree", "/plans/joint/progress?region=b", "/plans/joint/conformance"),
    *(
        "/plans/joint/evaluation?region=b&year=2025",
        "/plans/joint/evaluations",
        f"{JOINT}/versions",
    ),
    *(f"{PROJECTS}/project-a", f"{PROJECTS}/project-b"),
    *("/projects/project-a", "/projects/project-b/transitions"),
)
LISTS = (
    *(f"{PLANS}?limit=100", f"{PLANS}?f=csv", f"{PLANS}?f=html", f"{PLANS}?regions=b"),
    *(f"{PLANS}?filter=code='joint'", f"{PLANS}?bbox=118.12,24.42,118.18,24.48"),
    *(f"{PROJECTS}?plan=joint", f"{PROJECTS}?f=csv"),
)


@pytest.mark.parametrize("place", ["a", "b"])
@pytest.mark.parametrize("role", ROLES)
async def test_people_of_each_region_read_the_whole_draft(
    joint: People, role: Role, place: str
) -> None:
    client = joint[f"{role}@{place}"]
    for path in DRAFT:
        answer = await client.get(path)
        assert answer.status_code == 200, (path, answer.text)
        page = await client.get(path, headers={"Accept": "text/html"})
        assert page.status_code == 200, (path, page.text)
    for path in LISTS:
        answer = await client.get(path)
        assert answer.status_code == 200, (path, answer.text)
        assert "joint" in answer.text, path


@pytest.mark.parametrize("who", ["planner@c", "approver@c", "anonymous"])
async def test_nobody_else_learns_of_the_draft(joint: People, who: str) -> None:
    client = joint[who]
    for path in DRAFT:
        for headers in ({}, {"Accept": "text/html"}):
            answer = await client.get(path, headers=headers)
            assert answer.status_code == 404, (path, answer.status_code)
    for path in LISTS:
        answer = await client.get(path)
        assert answer.status_code == 200, (path, answer.text)
        assert "Name joint" not in answer.text, path
        assert "Name project-" not in answer.text, path


async def test_a_region_that_is_no_longer_of_it_reads_it_no_more(joint: People) -> None:
    own, other = joint["planner@a"], joint["planner@c"]
    assert (await patch(own, regions=["a", "b", "c"])).status_code == 200
    assert (await other.get(JOINT)).status_code == 200
    assert (await patch(own, regions=["a", "b"])).status_code == 200
    assert (await other.get(JOINT)).status_code == 404
    assert (await other.get(f"{PROJECTS}/project-a")).status_code == 404


async def test_regions_are_read_as_they_were_written(joint: People) -> None:
    own = joint["planner@a"]
    shown = (await own.get(JOINT)).json()
    assert shown["properties"]["regions"] == ["a", "b"]
    again = await own.put(JOINT, json=plan("joint", region="a", regions=["a", "b"]))
    assert again.status_code == 200, again.text
    # A plan of several regions lies where they lie.
    assert shown["geometry"]["type"] == "MultiPolygon"
    assert shape(shown["geometry"]).bounds == pytest.approx((118.0, 24.4, 118.2, 24.5))


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"region": "a", "regions": ["a"]}, "/properties/regions"),
        ({"region": "a", "regions": ["a", "a"]}, "/properties/regions"),
        ({"region": "a", "regions": ["b", "c"]}, "/properties/regions"),
        ({"region": "a", "regions": ["a", "nowhere"]}, "/properties/regions"),
        ({"region": "a", "regions": ["a", "a.below"]}, "/properties/regions"),
        ({"region": "a", "regions": "a"}, "/properties/regions"),
        ({"regions": ["a", "b"]}, "/properties/regions"),
    ],
)
async def test_regions_that_make_no_joint_plan(
    people: People, session: AsyncSession, members: Any, pointer: str
) -> None:
    above = await session.scalar(text("SELECT id FROM region WHERE code = 'a'"))
    row = await add_region(session, "a.below", level="district")
    row.parent_id = above
    await session.commit()
    answer = await people["planner@a"].post(PLANS, json=plan("other", **members))
    assert answer.status_code in {400, 409}, answer.text
    assert pointer in pointers(answer)
    assert (await people["planner@a"].get(f"{PLANS}/other")).status_code == 404


async def test_each_writes_its_own_part_only(joint: People) -> None:
    own, other = joint["planner@a"], joint["planner@b"]
    common = {"name_en": "Changed"}
    for path, mine, theirs in (
        ("/plans/joint/programmes/programme-a", own, other),
        ("/plans/joint/programmes/programme-b", other, own),
        ("/plans/joint/parts/part-a", own, other),
        ("/plans/joint/parts/part-b", other, own),
    ):
        assert (await mine.patch(path, json=common)).status_code == 200
        assert (await theirs.patch(path, json=common)).status_code == 403
        assert (await theirs.delete(path)).status_code == 403
    for code, mine, theirs in (("project-a", own, other), ("project-b", other, own)):
        body = {"type": "Feature", "properties": common}
        headers = {"Content-Type": "application/merge-patch+json"}
        path = f"{PROJECTS}/{code}"
        assert (await mine.patch(path, json=body, headers=headers)).status_code == 200
        assert (await theirs.patch(path, json=body, headers=headers)).status_code == 403
    assert (await patch(other, name_en="Changed")).status_code == 403
    assert (await patch(other, regions=["b", "c"])).status_code == 403
    # What one has, one cannot give to another, nor take.
    moved = await other.patch("/plans/joint/programmes/programme-b", json={"region": "a"})
    assert moved.status_code == 403
    taken = await other.patch("/plans/joint/programmes/programme-a", json={"region": "b"})
    assert taken.status_code == 403
    assert (await other.post("/plans/joint/programmes", json=names("third"))).status_code == 403


async def test_who_is_not_of_the_plan_writes_nothing_into_it(
    joint: People, session: AsyncSession
) -> None:
    stranger = joint["planner@c"]
    third = {**names("programme-c"), "region": "c"}
    assert (await stranger.post("/plans/joint/programmes", json=third)).status_code == 404
    listed = await stranger.post(PROJECTS, json=project("project-c", region="c", plan="joint"))
    assert listed.status_code == 400
    await session.execute(text("UPDATE plan SET status = 'approved'"))
    await session.commit()
    refused = await stranger.post("/plans/joint/programmes", json=third)
    assert refused.status_code == 409
    assert pointers(refused) == ["/region"]
    assert (await stranger.get("/plans/joint/programmes")).json()["numberMatched"] == 2


async def test_a_region_has_one_part_and_keeps_it(joint: People) -> None:
    other = joint["planner@b"]
    again = await other.post("/plans/joint/parts", json={**names("again"), "region": "b"})
    assert again.status_code == 409
    assert (await other.delete("/plans/joint/parts/part-b")).status_code == 204
    await post(other, "/plans/joint/parts", {**names("again"), "region": "b"})
    left = await patch(joint["planner@a"], regions=["a", "c"])
    assert left.status_code == 409
    assert pointers(left) == ["/properties/regions"]


async def test_figures_are_stated_by_the_region_they_are_of(
    joint: People, session: AsyncSession
) -> None:
    own, other = joint["planner@a"], joint["planner@b"]
    await session.execute(
        text(
            "INSERT INTO indicator (code, name_zh, name_en, unit, property, direction)"
            " VALUES ('forest', '森林', 'Forest', 'ha', 'binding', 'higher')"
        )
    )
    await session.commit()
    await post(own, "/plans/joint/indicators", {"code": "1", "indicator": "forest", "order": 1})
    place = "/plans/joint/indicators/1/targets?region="
    figures = {"targets": [{"role": "target", "year": 2030, "value": 5}]}
    assert (await other.put(f"{place}b", json=figures)).status_code == 200
    assert (await own.put(f"{place}a", json=figures)).status_code == 200
    assert (await own.put(f"{place}b", json=figures)).status_code == 403
    assert (await other.put(f"{place}a", json=figures)).status_code == 403
    assert (await own.put(f"{place}c", json=figures)).status_code == 400
    assert (await joint["planner@c"].get(f"{place}b")).status_code == 404
    shown = (await own.get("/plans/joint/indicators/1")).json()
    assert [target["region"] for target in shown["targets"]] == ["a", "b"]


async def test_what_a_draft_holds_is_not_told_by_what_is_public(
    joint: People, session: AsyncSession
) -> None:
    own = joint["planner@a"]
    await post(
        own,
        "/collections/problems/items",
        feature(**names("problem-a"), type="erosion", region="a", plan="joint"),
    )
    await post(
        own,
        "/collections/zone_schemes/items",
        feature(**names("scheme-a"), region="a", plan="joint", kind="own", origin="drawn"),
    )
    await session.execute(text("UPDATE project SET state = 'approved' WHERE code = 'project-a'"))
    await session.execute(
        text(
            "INSERT INTO project_problem SELECT pj.id, pb.id FROM project pj, problem pb"
            " WHERE pj.code = 'project-a'"
        )
    )
    await session.execute(
        text(
            "UPDATE zone_scheme SET status = 'approved', valid_from = '2026-01-01',"
            " gap_reason = 'x'"
        )
    )
    await session.commit()
    items = (
        *(f"{PROJECTS}/project-a", "/collections/problems/items/problem-a"),
        "/collections/zone_schemes/items/scheme-a",
    )
    body = {"type": "Feature", "properties": {"status": "published"}}
    headers = {"Content-Type": "application/merge-patch+json"}
    early = await joint["approver@a"].patch(items[2], json=body, headers=headers)
    assert early.status_code == 409, early.text
    for path in items:
        for place in ("a", "b"):
            assert (await joint[f"planner@{place}"].get(path)).status_code == 200, path
        for who in ("planner@c", "anonymous"):
            assert (await joint[who].get(path)).status_code == 404, path
    await session.execute(text("UPDATE plan SET status = 'approved'"))
    await session.execute(text("UPDATE problem SET visibility = 'public'"))
    await session.commit()
    published = await joint["approver@a"].patch(items[2], json=body, headers=headers)
    assert published.status_code == 200, published.text
    for path in items:
        assert (await joint["anonymous"].get(path)).status_code == 200, path


COLUMNS = ("name_en", "name_zh", "region", "plan", "start_year", "end_year")


async def written_by(session: AsyncSession, place: str) -> list[str]:
    """The projects that the planner of a region may write, of a file of several."""
    region = await session.scalar(text("SELECT id FROM region WHERE code = :c"), {"c": place})
    grant = Grant(Role.PLANNER, frozenset({region or 0}))
    identity = Identity(f"planner of {place}", frozenset({Scope.WRITE}), (grant,))

    async def blocks() -> AsyncIterator[Sequence[Any]]:
        yield [
            (
                number,
                code,
                None,
                None,
                None,
                *map(json.dumps, (f"By {place}", "名", of, "joint", 2026, 2027)),
            )
            for number, (code, of) in enumerate(
                (("project-a", "a"), ("project-b", "b"), ("project-d", "b"), ("project-e", "c")), 1
            )
        ]

    properties = [item for name in COLUMNS for item in ENTITY.receivables if item.name == name]
    act = Act(f"planner of {place}")
    await write_many(
        session, ENTITY, identity, act, properties, blocks(), shaped=False, partly=True
    )
    await session.commit()
    query = text("SELECT code FROM project WHERE name_en = :name ORDER BY code")
    return list(await session.scalars(query, {"name": f"By {place}"}))


async def test_a_file_is_judged_like_what_is_written_by_hand(
    joint: People, session: AsyncSession
) -> None:
    assert await written_by(session, "c") == []
    assert await written_by(session, "b") == ["project-b", "project-d"]
    assert await written_by(session, "a") == ["project-a"]


async def test_sums_by_region_add_up(
    joint: People, session: AsyncSession, admin: httpx.AsyncClient
) -> None:
    above = await session.scalar(text("SELECT id FROM region WHERE code = 'b'"))
    row = await add_region(session, "b.town", level="town", box=None)
    row.parent_id = above
    await session.execute(text("UPDATE region SET geom = NULL WHERE code = 'b'"))
    await session.commit()
    await post(admin, PROJECTS, project("project-t", region="b.town", plan="joint", cost=0.3))
    await session.execute(text("UPDATE project SET cost = 0.1 WHERE code = 'project-a'"))
    await session.execute(
        text(
            "UPDATE project SET geom = ST_MakeEnvelope(118.0, 24.4, 118.01, 24.41, 4490)"
            " WHERE code = 'project-a'"
        )
    )
    await session.commit()
    found = (await joint["planner@a"].get("/plans/joint/totals")).json()
    first, second = found["regions"]
    assert [first["region"], second["region"]] == ["a", "b"]
    assert [first["projects"], second["projects"]] == [1, 2]
    assert [first["cost"], second["cost"]] == ["0.10", "0.30"]
    assert sum(item["projects"] for item in found["programmes"]) == found["projects"] == 3
    # What nobody has drawn has no area; it is not an area of nothing.
    assert first["region_area_km2"] > 100
    assert second["region_area_km2"] is None
    assert first["area_km2"] > 1
    assert second["area_km2"] is None
    assert second["drawn"] == 0
    assert found["regions_area_km2"] is None
    assert found["regions_not_drawn"] == ["b"]
    table = await joint["planner@b"].get("/plans/joint/totals?by=region&f=csv")
    assert table.text.splitlines()[1].startswith("a,")
    page = await joint["planner@b"].get("/plans/joint/totals?f=html")
    assert "Region b" in page.text or "区域 b" in page.text
    shown = (await joint["planner@a"].get("/plans/joint/parts/part-b")).json()
    assert shown["area_km2"] is None
    drawn = (await joint["planner@a"].get(JOINT)).json()
    assert shape(drawn["geometry"]).bounds == pytest.approx((118.0, 24.4, 118.1, 24.5))
    assert drawn["properties"]["regions_not_drawn"] == ["b"]
    await session.execute(text("UPDATE region SET geom = NULL WHERE code = 'a'"))
    await session.commit()
    undrawn = (await joint["planner@a"].get(JOINT)).json()
    assert undrawn["geometry"] is None
    assert undrawn["properties"]["regions_not_drawn"] == ["a", "b"]


async def test_members_of_cooperation_regions(people: People, admin: httpx.AsyncClient) -> None:
    regions = "/collections/regions/items"
    common = {**names("bay"), "level": "cooperation"}
    await post(admin, regions, feature(**common, members=["b", "a"]))
    shown = (await people["anonymous"].get(f"{regions}/bay")).json()
    assert shown["properties"]["members"] == ["b", "a"]
    assert shown["properties"]["area_km2"] is None
    found = (await people["anonymous"].get(f"{regions}?members=a")).json()
    assert [item["id"] for item in found["features"]] == ["bay"]
    for members, level in ((["a", "a"], "cooperation"), (["bay"], "cooperation"), (["a"], "city")):
        given = feature(**names("other"), level=level, members=members)
        refused = await admin.post(regions, json=given)
        assert refused.status_code in {400, 409}, refused.text
        assert pointers(refused) == ["/properties/members"]
    # A cooperation region leads a plan of its members, and is no party itself.
    lead = plan("led", region="bay", regions=["a", "b"])
    assert (await people["planner@a"].post(PLANS, json=lead)).status_code == 403
    await post(admin, PLANS, lead)
    assert (await people["planner@a"].get(f"{PLANS}/led")).status_code == 200
    assert (await people["planner@c"].get(f"{PLANS}/led")).status_code == 404
    other = await admin.post(PLANS, json=plan("other", region="bay", regions=["a", "c"]))
    assert other.status_code == 400
    # What others refer to stays.
    assert (await admin.delete(f"{regions}/a")).status_code == 409


async def test_neighbours_nobody_has_drawn_plan_together(
    app: FastAPI, state: ServiceState, session: AsyncSession
) -> None:
    """From the seeded regions to a plan in force, as the guide tells it."""
    await seed_cities(session, ["xiamen"], [], act=Act("tester"))
    await session.commit()
    client: dict[str, httpx.AsyncClient] = {}
    for role in ROLES:
        for place in ("xiamen", "zhangzhou"):
            async with state.sessions.begin() as unit:
                roles, scopes = [RoleGiven(role, place)], sorted(ROLE_SCOPES[role])
                key = await create_key(unit, name=place, scopes=scopes, roles=roles)
            client[f"{role}@{place}"] = httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app, client=("127.0.0.1", 1)),
                base_url="http://api.test",
                headers={"Authorization": f"Bearer {key}"},
            )
    own, other = client["planner@xiamen"], client["planner@zhangzhou"]
    await post(own, PLANS, plan("joint", region="xiamen", regions=["xiamen", "zhangzhou"]))
    part = {**names("zhangzhou"), "region": "zhangzhou", "text_zh": "红树林"}
    await post(other, "/plans/joint/parts", part)
    await post(other, "/plans/joint/programmes", {**names("mangroves"), "region": "zhangzhou"})
    await post(other, PROJECTS, project("mouth", region="zhangzhou", programme="mangroves", cost=7))
    found = (await own.get("/plans/joint/totals")).json()
    assert [(item["region"], item["projects"]) for item in found["regions"]] == [
        ("xiamen", 0),
        ("zhangzhou", 1),
    ]
    assert all(item["region_area_km2"] is None for item in found["regions"])
    assert found["regions_area_km2"] is None
    lines = (await own.get("/regions/zhangzhou/lines")).json()
    assert lines["region_area_km2"] is None
    shown = (await own.get(JOINT)).json()
    assert shown["geometry"] is None
    assert shown["properties"]["regions_not_drawn"] == ["xiamen", "zhangzhou"]
    for path in (JOINT, "/plans/joint/parts", "/collections/regions/items/zhangzhou"):
        page = await other.get(path, headers={"Accept": "text/html", "Accept-Language": "zh"})
        assert page.status_code == 200, path
    assert (await patch(own, status="submitted")).status_code == 200
    for place in ("zhangzhou", "xiamen"):
        body = {"region": place, "decision": "approved"}
        made = await post(client[f"approver@{place}"], "/plans/joint/approvals", body)
    assert made.json()["status"] == "approved"
    for one in client.values():
        await one.aclose()


async def test_jobs_for_a_draft_are_for_those_who_know_of_it(joint: People) -> None:
    path = "/processes/delineate-zones/execution"

    async def told(who: str, region: str, **inputs: Any) -> Any:
        body = {"inputs": {"region": region, **inputs}}
        answer = await joint[who].post(path, json=body)
        assert answer.status_code == 400, answer.text
        faults = {fault["pointer"]: fault["detail"] for fault in answer.json()["errors"]}
        return faults.get("/inputs/plan")

    for region in ("a", "c"):
        assert await told("planner@c", region, plan="joint") == "there is no plan 'joint'"
        assert await told("planner@c", region, plan="none") == "there is no plan 'none'"
    # Each region of the plan may compute for it; only the data is missing here.
    assert await told("planner@a", "a", plan="joint") is None
    assert await told("planner@b", "b", plan="joint") is None


async def test_the_planners_of_each_region_have_the_figures_checked(joint: People) -> None:
    for place in ("a", "b"):
        answer = await joint[f"planner@{place}"].post("/plans/joint/findings")
        assert answer.status_code == 200, answer.text
    assert (await joint["approver@b"].post("/plans/joint/findings")).status_code == 403
    assert (await joint["planner@c"].post("/plans/joint/findings")).status_code == 404
