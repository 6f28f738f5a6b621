"""Joint plans come into force when every region has approved what is in force then."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tests.support.joint_plans import (
    JOINT,
    PLANS,
    People,
    feature,
    names,
    patch,
    plan,
    pointers,
    post,
)

APPROVALS = "/plans/joint/approvals"
MERGE = {"Content-Type": "application/merge-patch+json"}


async def decide(
    client: httpx.AsyncClient, region: str, decision: str, reason: str | None = None, **headers: str
) -> httpx.Response:
    body = {"region": region, "decision": decision}
    given = body if reason is None else {**body, "reason": reason}
    return await client.post(APPROVALS, json=given, headers=headers)


async def standing(client: httpx.AsyncClient) -> dict[str, str]:
    found = (await client.get(APPROVALS)).json()
    return {item["region"]: item["state"] for item in found["approvals"]}


async def status(client: httpx.AsyncClient) -> str:
    return str((await client.get(JOINT)).json()["properties"]["status"])


async def approve(people: People) -> None:
    """Bring the joint plan into force."""
    assert (await patch(people["planner@a"], status="submitted")).status_code == 200
    for place in ("a", "b"):
        answer = await decide(people[f"approver@{place}"], place, "approved")
        assert answer.status_code == 201, answer.text


@pytest.fixture
async def submitted(joint: People) -> People:
    answer = await patch(joint["planner@a"], status="submitted")
    assert answer.status_code == 200, answer.text
    return joint


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
async def test_the_last_approval_puts_it_in_force(
    submitted: People, order: tuple[str, str], session: AsyncSession
) -> None:
    first, last = order
    reader = submitted["planner@b"]
    assert await standing(reader) == {"a": "pending", "b": "pending"}
    made = await decide(submitted[f"approver@{first}"], first, "approved")
    assert made.status_code == 201, made.text
    assert (made.json()["status"], made.json()["complete"]) == ("submitted", False)
    assert await standing(reader) == {first: "approved", last: "pending"}
    assert await status(reader) == "submitted"
    made = await decide(submitted[f"approver@{last}"], last, "approved")
    assert made.status_code == 201, made.text
    assert (made.json()["status"], made.json()["complete"]) == ("approved", True)
    assert await status(submitted["anonymous"]) == "approved"
    assert await standing(reader) == {"a": "approved", "b": "approved"}
    told = await session.execute(
        text(
            "SELECT actor, action, after->>'region' AS region FROM audit_log"
            " WHERE object_id = 'joint' AND action = 'decide' ORDER BY id DESC LIMIT 2"
        )
    )
    assert [row.region for row in told] == [last, first]


async def test_no_status_is_written_past_a_region(submitted: People) -> None:
    lead = submitted["approver@a"]
    refused = await patch(lead, status="approved")
    assert refused.status_code == 409
    assert "a, b" in refused.text
    assert (await decide(lead, "a", "approved")).status_code == 201
    refused = await patch(lead, status="approved")
    assert refused.status_code == 409
    assert "approval of b (b: pending)" in refused.text
    assert await status(lead) == "submitted"


@pytest.mark.parametrize("who", ["planner@a", "planner@b", "approver@b"])
async def test_only_its_own_approver_decides_for_a_region(submitted: People, who: str) -> None:
    for decision in ("approved", "rejected", "withdrawn"):
        answer = await decide(submitted[who], "a", decision, "why")
        assert answer.status_code == 403, answer.text
    assert await standing(submitted["planner@a"]) == {"a": "pending", "b": "pending"}


async def test_strangers_learn_nothing_of_approvals(submitted: People) -> None:
    for who, refusal in (("planner@c", 404), ("approver@c", 404), ("anonymous", 401)):
        assert (await submitted[who].get(APPROVALS)).status_code == 404
        answer = await decide(submitted[who], "a", "approved")
        assert answer.status_code in {refusal, 403}, (who, answer.status_code)


async def test_who_decided_is_for_who_has_a_role_in_the_plan(submitted: People) -> None:
    for place in ("a", "b"):
        await decide(submitted[f"approver@{place}"], place, "approved", "seen")
    for who in ("anonymous", "planner@c"):
        shown = (await submitted[who].get(APPROVALS)).json()["approvals"]
        assert [item["state"] for item in shown] == ["approved", "approved"]
        assert all(item["by"] is None and item["reason"] is None for item in shown)
    known = (await submitted["planner@b"].get(APPROVALS)).json()["approvals"]
    assert [item["reason"] for item in known] == ["seen", "seen"]
    page = await submitted["planner@a"].get(APPROVALS, headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "Region a" in page.text or "区域 a" in page.text


async def test_a_rejection_sends_it_back_with_the_reason(submitted: People) -> None:
    assert (await decide(submitted["approver@a"], "a", "approved")).status_code == 201
    bare = await decide(submitted["approver@b"], "b", "rejected")
    assert bare.status_code == 400
    assert pointers(bare) == ["/reason"]
    made = await decide(submitted["approver@b"], "b", "rejected", "No basin in it")
    assert made.status_code == 201, made.text
    assert await status(submitted["planner@a"]) == "draft"
    shown = (await submitted["planner@a"].get(APPROVALS)).json()["approvals"]
    assert [(item["region"], item["state"]) for item in shown] == [
        ("a", "lapsed"),
        ("b", "rejected"),
    ]
    assert shown[1]["reason"] == "No basin in it"
    # Brought forward again, it needs every approval anew.
    assert (await patch(submitted["planner@a"], status="submitted")).status_code == 200
    assert (await decide(submitted["approver@b"], "b", "approved")).status_code == 201
    assert await status(submitted["planner@a"]) == "submitted"
    assert await standing(submitted["planner@a"]) == {"a": "lapsed", "b": "approved"}


async def test_an_approval_is_taken_back(submitted: People) -> None:
    approver = submitted["approver@a"]
    early = await decide(approver, "a", "withdrawn")
    assert early.status_code == 409
    assert (await decide(approver, "a", "approved")).status_code == 201
    assert (await decide(approver, "a", "approved")).status_code == 409
    assert (await decide(approver, "a", "withdrawn", "Too soon")).status_code == 201
    assert await standing(approver) == {"a": "withdrawn", "b": "pending"}
    assert (await decide(submitted["approver@b"], "b", "approved")).status_code == 201
    assert await status(approver) == "submitted"
    assert (await decide(approver, "a", "approved")).status_code == 201
    assert await status(approver) == "approved"
    late = await decide(approver, "a", "withdrawn", "Too late")
    assert late.status_code == 409


async def change_plan(people: People, session: AsyncSession) -> httpx.Response:
    return await patch(people["planner@a"], name_en="Another")


async def change_part(people: People, session: AsyncSession) -> httpx.Response:
    return await people["planner@b"].patch("/plans/joint/parts/part-b", json={"text_en": "More"})


async def add_programme(people: People, session: AsyncSession) -> httpx.Response:
    return await people["planner@b"].post(
        "/plans/joint/programmes", json={**names("late"), "region": "b"}
    )


async def remove_programme(people: People, session: AsyncSession) -> httpx.Response:
    return await people["planner@a"].delete("/plans/joint/programmes/programme-a")


async def add_provision(people: People, session: AsyncSession) -> httpx.Response:
    body = {**names("late"), "kind": "article"}
    return await people["planner@a"].post("/plans/joint/provisions", json=body)


async def add_figure(people: People, session: AsyncSession) -> httpx.Response:
    body = {**names("late"), "kind": "benefit", "value": 1, "unit": "ha"}
    return await people["planner@a"].post("/plans/joint/figures", json=body)


async def change_project(people: People, session: AsyncSession) -> httpx.Response:
    body = {"type": "Feature", "properties": {"cost": 12}}
    headers = {"Content-Type": "application/merge-patch+json"}
    path = "/collections/projects/items/project-b"
    return await people["planner@b"].patch(path, json=body, headers=headers)


async def change_measure(people: People, session: AsyncSession) -> httpx.Response:
    body = {"measure": "tree_planting", "planned": 2, "unit": "ha"}
    return await people["planner@a"].post("/projects/project-a/measures", json=body)


async def change_target(people: People, session: AsyncSession) -> httpx.Response:
    figures = {"targets": [{"role": "target", "year": 2030, "value": 7}]}
    path = "/plans/joint/indicators/1/targets?region=b"
    return await people["planner@b"].put(path, json=figures)


@pytest.mark.parametrize(
    "change",
    [
        *(change_plan, change_part, add_programme, remove_programme, add_provision, add_figure),
        *(change_project, change_measure, change_target),
    ],
)
async def test_an_approval_holds_for_what_was_approved(
    joint: People, session: AsyncSession, change: Any
) -> None:
    await session.execute(
        text(
            "INSERT INTO indicator (code, name_zh, name_en, unit, property, direction)"
            " VALUES ('forest', '森林', 'Forest', 'ha', 'binding', 'higher')"
        )
    )
    await session.commit()
    listed = {"code": "1", "indicator": "forest", "order": 1}
    await post(joint["planner@a"], "/plans/joint/indicators", listed)
    assert (await patch(joint["planner@a"], status="submitted")).status_code == 200
    seen = await joint["approver@b"].get(APPROVALS)
    assert (await decide(joint["approver@a"], "a", "approved")).status_code == 201
    answer = await change(joint, session)
    assert answer.is_success, answer.text
    assert await standing(joint["planner@a"]) == {"a": "lapsed", "b": "pending"}
    # Who read it before the change approves nothing by that.
    stale = {"If-Match": seen.headers["ETag"]}
    assert (await decide(joint["approver@b"], "b", "approved", **stale)).status_code == 412
    assert (await decide(joint["approver@b"], "b", "approved")).status_code == 201
    assert await status(joint["planner@a"]) == "submitted"
    assert (await decide(joint["approver@a"], "a", "approved")).status_code == 201
    assert await status(joint["planner@a"]) == "approved"


@pytest.mark.parametrize(
    "change", [change_part, add_programme, remove_programme, add_provision, add_figure]
)
async def test_nobody_alone_edits_what_all_approved(
    submitted: People, session: AsyncSession, change: Any
) -> None:
    for place in ("a", "b"):
        await decide(submitted[f"approver@{place}"], place, "approved")
    before = await submitted["planner@a"].get(APPROVALS)
    answer = await change(submitted, session)
    assert answer.status_code == 409, answer.text
    assert "'joint' is approved" in answer.json()["detail"]
    after = await submitted["planner@a"].get(APPROVALS)
    assert after.headers["ETag"] == before.headers["ETag"]


async def test_nothing_is_moved_out_of_a_plan_in_force(submitted: People) -> None:
    for place in ("a", "b"):
        await decide(submitted[f"approver@{place}"], place, "approved")
    await post(submitted["planner@a"], PLANS, plan("single", region="a"))
    path = "/plans/joint/programmes/programme-a"
    moved = await submitted["planner@a"].patch(path, json={"plan": "single"})
    assert moved.status_code == 409, moved.text


PATTERN = {**names("made"), "region": "b", "plan": "joint"}
LINE = {**names("made"), "region": "b", "plan": "joint"}
CONTROL_LINE = LINE | {"kind": "red_line"}
COMPONENT = {**names("belt"), "pattern": "made", "type": "belt"}
RULE = {"code": "made", "scope": "control_area", "activity": "mining", "decision": "forbidden"}
PROBLEM = LINE | {"type": "erosion", "severity": "low"}
SCHEME = LINE | {"kind": "own", "origin": "drawn"}
ZONE = {"code": "made.zone", "scheme": "made", "zone_class": "own.core"}
COLLECTIONS = "/collections/{}/items"
SCHEMES = COLLECTIONS.format("zone_schemes")


@pytest.fixture
async def zone_class(session: AsyncSession) -> AsyncIterator[None]:
    """A class of zones, as the schemes of these tests have."""
    await session.execute(text(_CLASS))
    await session.commit()
    yield
    for table in ("zone", "zone_scheme", "zone_class"):
        await session.execute(text(f"DELETE FROM {table}"))
    await session.commit()


_CLASS = (
    "INSERT INTO zone_class (code, scheme_kind, class_code, order_no, name_zh, name_en)"
    " VALUES ('own.core', 'own', 'core', 1, '核心区', 'Core')"
)


def sent(path: str, body: dict[str, Any]) -> dict[str, Any]:
    """A body as its collection, or its list of records, takes it."""
    return feature(**body) if path.startswith("/collections") else body


@pytest.mark.parametrize(
    ("made", "path", "body", "change"),
    [
        ((), "/patterns", PATTERN, {"name_en": "Ours"}),
        (
            (("/patterns", PATTERN),),
            COLLECTIONS.format("pattern_components"),
            COMPONENT,
            {"type": "bay"},
        ),
        ((), COLLECTIONS.format("corridors"), LINE | {"type": "river"}, {"width_m": 12}),
        ((), COLLECTIONS.format("control_areas"), CONTROL_LINE, {"approved_area_km2": 3}),
        ((), COLLECTIONS.format("problems"), PROBLEM, {"severity": "high"}),
        ((), SCHEMES, SCHEME, {"name_en": "Ours"}),
        (((SCHEMES, SCHEME),), COLLECTIONS.format("zones"), ZONE, {"name_en": "Ours"}),
        (
            (),
            "/control-rules",
            RULE | {"region": "b", "plan": "joint"},
            {"decision": "conditional"},
        ),
        ((), "/plans/joint/duties", names("made"), {"end_year": 2031}),
    ],
)
async def test_what_all_approved_stays(
    joint: People,
    zone_class: None,
    made: Any,
    path: str,
    body: dict[str, Any],
    change: dict[str, Any],
) -> None:
    own = joint["planner@a" if "duties" in path else "planner@b"]
    for where, what in made:
        await post(own, where, sent(where, what))
    await post(own, path, sent(path, body))
    await approve(joint)
    for answer in (
        await own.post(path, json=sent(path, body | {"code": "late"})),
        await own.patch(f"{path}/{body['code']}", json=patched(path, change), headers=MERGE),
        await own.delete(f"{path}/{body['code']}"),
    ):
        assert answer.status_code == 409, answer.text
        assert "'joint' is approved" in answer.json()["detail"]


def patched(path: str, change: dict[str, Any]) -> dict[str, Any]:
    """A merge patch as the collection, or the list of records, takes it."""
    return {"properties": change} if path.startswith("/collections") else change


async def test_what_goes_on_under_a_plan_in_force(joint: People) -> None:
    lines = COLLECTIONS.format("control_areas")
    await post(joint["planner@a"], "/plans/joint/duties", names("made"))
    await post(joint["planner@b"], lines, feature(**CONTROL_LINE))
    await approve(joint)
    path, publisher = f"{lines}/made", joint["approver@b"]
    for status, expected in (("published", 200), ("draft", 409)):
        body = {"properties": {"status": status}}
        answer = await publisher.patch(path, json=body, headers=MERGE)
        assert answer.status_code == expected, answer.text
    done = await joint["planner@a"].patch("/plans/joint/duties/made", json={"state": "on_track"})
    assert done.status_code == 200, done.text


async def test_how_problems_and_zonings_go_on_under_a_plan_in_force(
    joint: People, zone_class: None, session: AsyncSession
) -> None:
    problems, publisher = COLLECTIONS.format("problems"), joint["approver@b"]
    await post(joint["planner@b"], problems, feature(**PROBLEM))
    await post(joint["planner@b"], SCHEMES, feature(**SCHEME))
    await post(joint["planner@b"], COLLECTIONS.format("zones"), feature(**ZONE))
    await approve(joint)
    for who, path, change in (
        ("planner@b", f"{problems}/made", {"status": "resolved"}),
        ("approver@b", f"{problems}/made", {"visibility": "public"}),
        ("planner@b", f"{SCHEMES}/made", {"status": "review"}),
        ("approver@b", f"{SCHEMES}/made", {"status": "approved"}),
        ("approver@b", f"{SCHEMES}/made", {"status": "published", "gap_reason": "x"}),
    ):
        answer = await joint[who].patch(path, json={"properties": change}, headers=MERGE)
        assert answer.status_code == 200, (path, change, answer.text)
    closed = {"properties": {"status": "superseded"}}
    for answer in (
        await publisher.patch(f"{SCHEMES}/made", json=closed, headers=MERGE),
        await joint["planner@b"].post("/zone-schemes/made/versions", json={"note": "Ours"}),
        await joint["planner@b"].post(
            "/zone-schemes/made/mergers", json={"zones": ["made.zone", "x"], "note": "Ours"}
        ),
    ):
        assert answer.status_code == 409, answer.text
        assert "'joint' is approved" in answer.json()["detail"]


async def test_a_step_of_a_project_changes_no_plan(
    submitted: People, session: AsyncSession
) -> None:
    assert (await decide(submitted["approver@a"], "a", "approved")).status_code == 201
    await session.execute(text("UPDATE project SET row_version = row_version + 1, score = 3"))
    await session.commit()
    assert await standing(submitted["planner@a"]) == {"a": "approved", "b": "pending"}


async def test_bad_decisions(submitted: People) -> None:
    approver = submitted["approver@a"]
    for body, pointer in (
        ({}, "/region"),
        ({"region": "a"}, "/decision"),
        ({"region": "a", "decision": "maybe"}, "/decision"),
        ({"region": "c", "decision": "approved"}, "/region"),
        ({"region": "a\x00", "decision": "approved"}, "/region"),
        ({"region": "a", "decision": "approved", "reason": 1}, "/reason"),
        ({"region": "a", "decision": "approved", "more": 1}, "/more"),
    ):
        answer = await approver.post(APPROVALS, json=body)
        assert answer.status_code == 400, (body, answer.text)
        assert pointer in pointers(answer), answer.text
    assert (await approver.post("/plans/nothing/approvals", json={})).status_code in {400, 404}


async def test_nothing_is_decided_of_a_draft_or_by_one_region(joint: People) -> None:
    answer = await decide(joint["approver@a"], "a", "approved")
    assert answer.status_code == 409
    await post(joint["planner@a"], PLANS, plan("single", region="a"))
    body = {"region": "a", "decision": "approved"}
    alone = await joint["approver@a"].post("/plans/single/approvals", json=body)
    assert alone.status_code == 409
    assert (await joint["approver@a"].get("/plans/single/approvals")).json()["approvals"] == []


async def test_the_last_two_at_once(submitted: People) -> None:
    made = await asyncio.gather(
        *(decide(submitted[f"approver@{place}"], place, "approved") for place in ("a", "b"))
    )
    assert [answer.status_code for answer in made] == [201, 201]
    assert await status(submitted["anonymous"]) == "approved"


async def test_an_upper_plan_comes_first(joint: People) -> None:
    await post(joint["planner@a"], PLANS, plan("upper", region="a"))
    assert (await patch(joint["planner@a"], upper_plan="upper")).status_code == 200
    assert (await patch(joint["planner@a"], status="submitted")).status_code == 200
    assert (await decide(joint["approver@a"], "a", "approved")).status_code == 201
    last = await decide(joint["approver@b"], "b", "approved")
    assert last.status_code == 409
    assert await standing(joint["planner@a"]) == {"a": "approved", "b": "pending"}
    assert await status(joint["planner@a"]) == "submitted"


async def revise(people: People, change: dict[str, Any]) -> str:
    """Revise the joint plan by a proposal; the code of its new edition."""
    body = {
        "title": "Revision",
        "reason": "Midterm",
        "revises": {"plan": "joint"},
        "change": change,
    }
    made = (await post(people["planner@a"], "/proposals", body)).json()
    path = f"/proposals/{made['code']}/transitions"
    for who, to in (
        ("planner@a", "submitted"),
        ("approver@a", "accepted"),
        ("planner@a", "carried_out"),
    ):
        made = (await post(people[who], path, {"to": to, "reason": "Founded"})).json()
    return str(made["made"]["code"])


async def test_an_edition_keeps_the_regions_and_needs_them_all_anew(submitted: People) -> None:
    for place in ("a", "b"):
        await decide(submitted[f"approver@{place}"], place, "approved")
    code = await revise(submitted, {"name_en": "Second"})
    path, headers = f"{PLANS}/{code}", {"Content-Type": "application/merge-patch+json"}
    for place in ("a", "b"):
        shown = (await submitted[f"planner@{place}"].get(path)).json()["properties"]
        assert (shown["regions"], shown["status"]) == (["a", "b"], "draft")
        parts = (await submitted[f"planner@{place}"].get(f"/plans/{code}/parts")).json()
        assert [part["region"] for part in parts["plan_parts"]] == ["a", "b"]
    for who in ("planner@c", "anonymous"):
        assert (await submitted[who].get(path)).status_code == 404
        assert (await submitted[who].get(f"/plans/{code}/parts")).status_code == 404
    # The partner writes its part of the edition, too.
    part = parts["plan_parts"][1]["code"]
    written = await submitted["planner@b"].patch(
        f"/plans/{code}/parts/{part}", json={"text_en": "Anew"}
    )
    assert written.status_code == 200, written.text

    async def move(who: str, **members: Any) -> httpx.Response:
        body = {"type": "Feature", "properties": members}
        return await submitted[who].patch(path, json=body, headers=headers)

    # Nobody is left out by a revision.
    emptied = await move("planner@a", regions=[])
    assert emptied.status_code == 409
    assert (await move("planner@a", status="submitted")).status_code == 200
    assert (await move("approver@a", status="approved")).status_code == 409
    for place, now in (("b", "submitted"), ("a", "approved")):
        body = {"region": place, "decision": "approved"}
        made = await submitted[f"approver@{place}"].post(f"/plans/{code}/approvals", json=body)
        assert made.status_code == 201, made.text
        assert made.json()["status"] == now
    assert await status(submitted["anonymous"]) == "superseded"


async def test_an_edition_copies_what_lies_in_every_region(
    submitted: People, session: AsyncSession
) -> None:
    for place in ("a", "b"):
        await decide(submitted[f"approver@{place}"], place, "approved")
    await session.execute(
        text(
            "INSERT INTO control_area (code, name_zh, name_en, kind, status, region_id, plan_id)"
            " SELECT 'line-' || r.code, '线', 'Line', 'red_line', 'published', r.id, p.id"
            " FROM region r, plan p WHERE r.code IN ('a', 'b') AND p.code = 'joint'"
        )
    )
    await session.commit()
    code = await revise(submitted, {"name_en": "Second"})
    lines = await submitted["planner@a"].get(f"/collections/control_areas/items?plan={code}")
    shown = {one["properties"]["region"] for one in lines.json()["features"]}
    assert shown == {"a", "b"}


async def test_an_edition_leaves_no_region_out(submitted: People, session: AsyncSession) -> None:
    for place in ("a", "b"):
        await decide(submitted[f"approver@{place}"], place, "approved")
    await post(submitted["planner@a"], PLANS, plan("next", region="a"))
    await session.execute(
        text(
            "UPDATE plan SET status = 'submitted', supersedes_id ="
            " (SELECT id FROM plan WHERE code = 'joint') WHERE code = 'next'"
        )
    )
    await session.commit()
    body = {"type": "Feature", "properties": {"status": "approved"}}
    headers = {"Content-Type": "application/merge-patch+json"}
    path = f"{PLANS}/next"
    alone = await submitted["approver@a"].patch(path, json=body, headers=headers)
    assert alone.status_code == 409
    assert "/properties/regions" in pointers(alone)
    assert await status(submitted["anonymous"]) == "approved"


async def test_the_page_names_states_regions_and_the_plan(submitted: People) -> None:
    await decide(submitted["approver@a"], "a", "approved", "agreed")
    for lang, words in (
        (
            "zh",
            ("规划</a> · 已上报 · 尚未全部同意", "<td>同意</td>", "<td>待决定</td>", "区域 b</a>"),
        ),
        (
            "en",
            ("Plan</a> · Submitted · not", "<td>Approved</td>", "<td>Not decided</td>", "agreed"),
        ),
    ):
        page = await submitted["planner@b"].get(f"{APPROVALS}?f=html&lang={lang}")
        assert page.status_code == 200
        assert all(word in page.text for word in words)
        assert "<td>approved</td>" not in page.text
