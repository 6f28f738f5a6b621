"""The way of a project from draft to closed: who takes which step, and what stands against it."""

import asyncio
import io
import itertools
import json
import zipfile
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import read_today
from shanhai.db.projects.reserve import comment_days
from shanhai.db.projects.transition_guards import GUARDS
from shanhai.db.tables.access import AuditLog
from shanhai.db.tables.control import ComplianceException, ControlArea, ControlRule
from shanhai.db.tables.project import Project, ProjectEvent, ProjectMeasure
from shanhai.db.tables.zone import Region
from shanhai.vocabulary import Role
from tests.support.actors import people_told
from tests.support.projects import (
    MEASURES,
    PROJECT,
    SQUARE,
    add_measures,
    add_paper,
    add_project,
    add_source,
    age_notice,
    allocate,
    complete,
    prove,
)

pytestmark = [pytest.mark.db, pytest.mark.redis, pytest.mark.service]

People = dict[str, httpx.AsyncClient]
PATH = f"/projects/{PROJECT}"
STEPS = f"{PATH}/transitions"
ITEM = f"/collections/projects/items/{PROJECT}"
TABLE = (
    ("draft", "proposed", "owner", "complete"),
    ("proposed", "draft", "planner", "reason"),
    ("proposed", "reserve", "planner", "checked"),
    ("proposed", "rejected", "approver", "reason"),
    ("reserve", "rejected", "approver", "reason"),
    ("reserve", "approved", "approver", "decided"),
    ("approved", "design", "owner", None),
    ("design", "implementation", "approver", "ready"),
    ("implementation", "suspended", "supervisor", "reason"),
    ("suspended", "implementation", "supervisor", "reason"),
    ("suspended", "cancelled", "approver", "settled"),
    ("implementation", "acceptance", "owner", "done"),
    ("acceptance", "implementation", "approver", "faults"),
    ("acceptance", "monitoring", "approver", "accepted"),
    ("monitoring", "effect_evaluation", "supervisor", "monitored"),
    ("effect_evaluation", "implementation", "approver", "goal_missed"),
    ("effect_evaluation", "after_care", "approver", "evaluated"),
    ("after_care", "closed", "owner", "care_over"),
    ("draft", "cancelled", "owner approver", "reason"),
    ("proposed", "cancelled", "owner approver", "reason"),
    ("reserve", "cancelled", "owner approver", "reason"),
    ("approved", "cancelled", "owner approver", "reason"),
    ("design", "cancelled", "owner approver", "reason"),
)
"""The steps of a project, told once more: what the product has must be this."""
STATES = sorted({state for row in TABLE for state in row[:2]})
PAPERS = {
    "done": "completion",
    "accepted": "acceptance",
    "monitored": "monitoring",
    "evaluated": "effect_evaluation",
}


async def ready(session: AsyncSession, state: str, guard: str | None = None) -> Project:
    """A project in a state, with all that the guard asks for."""
    row = await add_project(session, **complete(), state=state)
    await add_measures(session, row)
    if guard in PAPERS:
        today = await read_today(session)
        figure = (MEASURES[0], 12, "ha")
        await add_paper(session, row, PAPERS[guard], period=(today, today), figure=figure)
    if state == "reserve":
        await prove(session, row)
    await session.commit()
    return row


async def bare(session: AsyncSession, state: str) -> Project:
    """A project in a state it came to without anything its guards ask for."""
    row = await add_project(session, state=state)
    source = await add_source(session)
    if state == "suspended":
        await allocate(session, row, source, "10.00")
    await session.commit()
    return row


async def go(
    client: httpx.AsyncClient, to: str, note: str | None = None, **rest: Any
) -> httpx.Response:
    headers = rest.pop("headers", {})
    return await client.post(STEPS, json={"to": to, "note": note, **rest}, headers=headers)


async def state_of(session: AsyncSession) -> str:
    session.expire_all()
    return (await session.scalars(select(Project.state).where(Project.code == PROJECT))).one()


async def test_steps_are_those_of_the_table(session: AsyncSession) -> None:
    rows = await session.execute(
        text(
            "SELECT from_state, to_state, array_to_string(roles, ' '), guard"
            " FROM project_transition"
        )
    )
    assert {tuple(row) for row in rows} == set(TABLE)
    assert {guard for *_, guard in TABLE if guard} == GUARDS.keys()


async def forget(session: AsyncSession) -> None:
    await session.execute(text("TRUNCATE project, document, fund_source CASCADE"))
    await session.commit()


async def test_a_step_is_taken_by_its_roles_when_its_guard_is_met(
    people: People, session: AsyncSession
) -> None:
    for source, target, roles, guard in TABLE:
        await ready(session, source, guard)
        edge = f"{source} -> {target}"
        for name, person in people.items():
            if name not in {*roles.split(), "viewer", "feed"}:
                assert (await go(person, target, "理由")).status_code == 403, f"{edge} by {name}"
        answer = await go(people[roles.split()[-1]], target, "理由")
        assert answer.status_code == 201, f"{edge}: {answer.text}"
        assert await state_of(session) == target
        event = answer.json()["event"]
        assert (event["from"], event["to"], event["seq"]) == (source, target, 1)
        assert event["note"] == "理由"
        await forget(session)


async def test_a_step_is_refused_when_its_guard_is_not_met(
    people: People, session: AsyncSession
) -> None:
    events = select(func.count()).select_from(ProjectEvent)
    for source, target, roles, guard in TABLE:
        await bare(session, source)
        answer = await go(people[roles.split()[0]], target)
        if guard is None:
            assert answer.status_code == 201
        else:
            assert answer.status_code == 409, f"{source} -> {target}: {answer.text}"
            assert answer.json()["errors"]
            assert await state_of(session) == source
            assert await session.scalar(events) == 0
        await forget(session)


async def test_no_other_step_exists(
    admin: httpx.AsyncClient, session: AsyncSession, people: People
) -> None:
    for source in STATES:
        await ready(session, source)
        allowed = [row[1] for row in TABLE if row[0] == source]
        for target in sorted({*STATES, "atlantis"} - set(allowed)):
            answer = await go(admin, target, "理由")
            assert answer.status_code == 409, f"{source} -> {target}"
            assert all(name in answer.json()["detail"] for name in allowed)
        assert await state_of(session) == source
        await forget(session)


async def test_the_whole_way(
    people: People, admin: httpx.AsyncClient, session: AsyncSession
) -> None:
    """As people go it, with nothing but what the API offers, papers excepted."""
    row = await add_project(session)
    await session.commit()
    project_id = row.id
    assert (await go(people["owner"], "proposed")).status_code == 409
    patch = {"properties": {"type": "mine_restoration"}}
    assert (await people["owner"].patch(ITEM, json=patch)).status_code == 200
    measure = {"planned": 12.5, "unit": "ha"}
    put = await people["owner"].put(f"{PATH}/measures/mine_restoration", json=measure)
    assert put.status_code == 201, put.text
    assert (await go(people["owner"], "proposed")).status_code == 201

    refused = await go(people["planner"], "reserve")
    assert len(refused.json()["errors"]) == 2
    west, south, east, north = SQUARE
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    body = {
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"cost": 1000000},
    }
    assert (await people["owner"].patch(ITEM, json=body)).status_code == 200
    assert (await go(people["planner"], "reserve")).status_code == 201

    assert len((await go(people["approver"], "approved")).json()["errors"]) == 3
    row = await session.get_one(Project, project_id, populate_existing=True)
    await prove(session, row)
    told = {"comment_until": "2024-01-31", "fund_share_percent": 60}
    given = await people["planner"].patch(ITEM, json={"properties": told})
    assert given.status_code == 200
    assert (await go(people["approver"], "approved")).status_code == 201
    assert (await go(people["owner"], "design")).status_code == 201
    assert (await go(people["approver"], "implementation")).status_code == 409
    final = await people["owner"].patch(ITEM, json={"properties": {"geometry_final": True}})
    assert final.status_code == 200
    assert (await go(people["approver"], "implementation")).status_code == 201

    moved = await people["owner"].patch(ITEM, json={"geometry": None, "properties": {}})
    assert moved.status_code == 409
    assert (await go(people["owner"], "acceptance")).status_code == 409
    put = await people["owner"].put(
        f"{PATH}/measures/mine_restoration", json={**measure, "done": 12}
    )
    assert put.json()["progress_percent"] == 96
    row = await session.get_one(Project, project_id, populate_existing=True)
    await add_paper(session, row, "completion", measure="mine_restoration")
    await session.commit()
    assert (await go(people["owner"], "acceptance")).status_code == 201
    assert (await go(people["approver"], "implementation")).status_code == 409
    assert (await go(people["approver"], "implementation", "排水沟未完工")).status_code == 201
    assert (await go(people["owner"], "acceptance")).status_code == 201

    for kind, who, target in (
        ("acceptance", "approver", "monitoring"),
        ("monitoring", "supervisor", "effect_evaluation"),
        ("effect_evaluation", "approver", "after_care"),
    ):
        assert (await go(people[who], target)).status_code == 409
        today = await read_today(session)
        paper = await add_paper(
            session, row, kind, period=(today, today), figure=("mine_restoration", 12, "ha")
        )
        await session.commit()
        done = await go(people[who], target, documents=[paper.code])
        assert done.status_code == 201, done.text
        kept = await people["approver"].delete(f"/documents/{paper.code}")
        assert kept.status_code == 409, "a step was based on it"
    assert (await go(people["owner"], "closed")).status_code == 409
    patch = {"properties": {"after_care_until": "2024-12-31"}}
    assert (await people["planner"].patch(ITEM, json=patch)).status_code == 200
    assert (await go(people["owner"], "closed")).status_code == 201

    shown = (await people["viewer"].get(f"{PATH}/events", params={"limit": 100})).json()["events"]
    assert [event["seq"] for event in shown] == list(range(1, len(shown) + 1))
    assert [event["to"] for event in shown][-1] == "closed"
    assert all(a["to"] == b["from"] for a, b in itertools.pairwise(shown))
    assert (await people["viewer"].get(STEPS)).json()["transitions"] == []
    entries = select(func.count()).select_from(AuditLog).where(AuditLog.action == "transition")
    assert (await session.scalar(entries) or 0) >= len(shown)


async def test_a_paper_of_an_earlier_acceptance_does_not_count(
    people: People, session: AsyncSession
) -> None:
    row = await ready(session, "acceptance", "accepted")
    assert (await go(people["approver"], "implementation", "返工")).status_code == 201
    await add_paper(session, row, "completion")
    await session.commit()
    assert (await go(people["owner"], "acceptance")).status_code == 201
    assert (await go(people["approver"], "monitoring")).status_code == 409


async def test_what_is_allowed_now_and_why_not_the_rest(
    people: People, session: AsyncSession
) -> None:
    await bare(session, "proposed")
    answer = await people["planner"].get(STEPS, params={"lang": "zh"})
    assert answer.status_code == 200
    document = answer.json()
    found = {item["to"]: item for item in document["transitions"]}
    assert found.keys() == {"draft", "reserve", "rejected", "cancelled"}
    assert document["state_name"] == "已申报"
    back = found["draft"]
    assert back["allowed"] is True
    assert [(c["code"], c["met"], c["pointer"]) for c in back["conditions"]] == [
        ("reason", None, "/note")
    ]
    reserve = found["reserve"]
    assert reserve["role"]["met"] is True
    assert reserve["allowed"] is False
    assert [c["code"] for c in reserve["conditions"] if c["met"] is False] == ["geometry", "cost"]
    assert reserve["conditions"][0]["text"] == "须有空间范围"
    assert reserve["conditions"][0]["text_en"] == "geometry must be given"
    assert found["rejected"]["role"] == {
        "any_of": ["approver"],
        "met": False,
        "text": "须具角色：审批",
        "text_zh": "须具角色：审批",
        "text_en": "one of the roles approver is needed",
    }


async def test_what_is_lacking_is_told_to_who_has_a_role_in_the_region(
    people: People,
    session: AsyncSession,
    anonymous: httpx.AsyncClient,
    with_role: Callable[..., Awaitable[httpx.AsyncClient]],
) -> None:
    row = await add_project(session, state="suspended")
    await allocate(session, row, await add_source(session), "375")
    await session.commit()
    foreign = await with_role(Role.PLANNER, "elsewhere")
    rule = "the money must be settled"
    for who, told in (
        (people["viewer"], f"{rule}: the balance is 375.00"),
        (foreign, rule),
        (anonymous, rule),
    ):
        for path in (STEPS, PATH):
            steps = (await who.get(path)).json()["transitions"]
            (ended,) = [step for step in steps if step["to"] == "cancelled"]
            (settled,) = [one for one in ended["conditions"] if one["code"] == "settled"]
            assert (settled["met"], settled["text_en"]) == (False, told)


async def forbid(session: AsyncSession, decision: str = "forbidden") -> ControlRule:
    """A red line under the project's western half, and a rule against its type there."""
    region_id = await session.scalar(select(Region.id).where(Region.code == "banan"))
    west, south, east, north = SQUARE
    line = ControlArea(
        visibility="public",
        code="line",
        name_zh="红线",
        name_en="Line",
        kind="red_line",
        region_id=region_id,
        status="published",
        geom=func.ST_MakeEnvelope(west, south, (west + east) / 2, north, 4490),
    )
    rule = ControlRule(
        code="no-mines",
        scope="control_area",
        subject="red_line",
        activity="mine_restoration",
        decision=decision,
    )
    session.add_all([line, rule])
    await session.commit()
    return rule


@pytest.mark.parametrize(
    ("source", "target", "who", "decision"),
    [
        ("proposed", "reserve", "planner", "forbidden"),
        ("reserve", "approved", "approver", "restricted"),
        ("design", "implementation", "approver", "forbidden"),
    ],
)
async def test_rules_of_lines_stand_against_a_project_unless_it_is_excepted(
    people: People, session: AsyncSession, source: str, target: str, who: str, decision: str
) -> None:
    row = await ready(session, source)
    rule = await forbid(session, decision)
    refused = await go(people[who], target)
    assert refused.status_code == 409
    assert "no-mines" in refused.json()["detail"]
    session.add(
        ComplianceException(
            code="leave",
            region_id=row.region_id,
            project_id=row.id,
            rule_id=rule.id,
            rule=rule.code,
            reason="历史遗留",
            approver="tester",
        )
    )
    await session.commit()
    assert (await go(people[who], target)).status_code == 201


@pytest.mark.parametrize(
    ("source", "target", "who"),
    [("proposed", "reserve", "planner"), ("design", "implementation", "approver")],
)
async def test_what_is_not_known_stands_against_a_project_until_it_is_decided(
    people: People, session: AsyncSession, source: str, target: str, who: str
) -> None:
    row = await ready(session, source)
    await session.execute(
        text(
            "UPDATE control_area SET approved_area_km2 = 142.4"
            " WHERE kind = 'red_line' AND region_id = :region"
        ),
        {"region": row.region_id},
    )
    session.add(
        ControlRule(
            code="with-care",
            scope="control_area",
            subject="red_line",
            activity="mine_restoration",
            decision="conditional",
        )
    )
    await session.commit()
    steps = (await people[who].get(STEPS)).json()["transitions"]
    (known,) = [
        item
        for step in steps
        if step["to"] == target
        for item in step["conditions"]
        if item["code"] == "known"
    ]
    assert known["met"] is False
    assert "Ecological red line of Banan, 142.4 km² approved, not drawn" in known["text_en"]
    assert "巴南区生态保护红线：批准面积 142.4 平方公里，未绘制" in known["text_zh"]
    refused = await go(people[who], target)
    assert refused.status_code == 409
    gap = "not_drawn:red_line:banan"
    assert gap in refused.json()["detail"]
    assert await state_of(session) == source
    decision = {"project": PROJECT, "gap": gap, "reason": "已核对纸质图"}
    given = await people["approver"].post("/compliance/exceptions", json=decision)
    assert given.status_code == 201, given.text
    if source == "proposed":
        archive = await people["owner"].get(f"{PATH}/application")
        with zipfile.ZipFile(io.BytesIO(archive.content)) as members:
            found = json.loads(members.read("compliance.json"))
        assert (found["verdict"], found["gaps"][0]["decided"]) == ("conditional", True)
    assert (await go(people[who], target)).status_code == 201
    if target == "reserve":
        ranked = (await people["planner"].get("/projects/reserve")).json()["projects"]
        assert ranked[0]["verdict"] == "conditional"
        revoke = f"/compliance/exceptions/{given.json()['code']}/revoke"
        assert (await people["approver"].post(revoke, json={"reason": "x"})).status_code == 200
        ranked = (await people["planner"].get("/projects/reserve")).json()["projects"]
        assert (ranked[0]["verdict_en"], ranked[0]["readiness"]["overlap"]) == (
            "Undetermined",
            False,
        )
        page = await people["planner"].get("/projects/reserve?f=html&lang=zh")
        assert "无法判定" in page.text


async def test_comments_are_awaited_from_the_day_the_notice_was_public(
    people: People, session: AsyncSession
) -> None:
    row = await add_project(session, **complete(), state="reserve")
    await add_measures(session, row)
    for kind in ("proposal", "design"):
        await add_paper(session, row, kind)
    await session.commit()
    yesterday = (await read_today(session)) - timedelta(days=1)
    patch = {"properties": {"comment_until": yesterday.isoformat()}}
    assert (await people["planner"].patch(ITEM, json=patch)).status_code == 200
    unpublished = await go(people["approver"], "approved")
    assert unpublished.status_code == 409, "no notice was ever public"
    assert "no notice is public" in unpublished.json()["detail"]

    sent = {"filename": "notice.txt", "kind": "notice", "title_zh": "公示"}
    made = await people["planner"].post(
        f"{PATH}/documents", params=sent, content=b"notice", headers={"Content-Type": "text/plain"}
    )
    assert made.status_code == 201, made.text
    place = made.headers["Location"]
    await age_notice(session, days=30)
    assert (await go(people["approver"], "approved")).status_code == 409, "it is not public"
    assert (await people["planner"].patch(place, json={"visibility": "public"})).status_code == 200
    fresh = await go(people["approver"], "approved")
    assert fresh.status_code == 409, "it is public since today, whenever it was sent"
    ends = yesterday + timedelta(days=1 + comment_days())
    assert f"until {ends}" in fresh.json()["detail"]

    await add_paper(session, row, "notice", visibility="public")
    await age_notice(session, days=comment_days())
    assert (await go(people["approver"], "approved")).status_code == 409, "its last day is today"
    await age_notice(session, days=1)
    assert (await go(people["approver"], "approved")).status_code == 201


async def test_a_notice_of_its_own_goes_before_the_paper(
    people: People, session: AsyncSession
) -> None:
    row = await add_project(session, **complete(), state="reserve")
    await add_measures(session, row)
    await prove(session, row)
    notice = (
        "INSERT INTO notice (code, name_zh, name_en, region_id, subject_collection, subject_code,"
        " text_zh, period_from, period_to, contact_office, state, published_on) SELECT 'n-1', '公',"
        " 'n', region_id, 'projects', code, '文', current_date - {since}, current_date - {until},"
        " '局', 'published', current_date - {since} FROM project"
    )
    await session.execute(text(notice.format(since=8, until=0)))
    await session.commit()
    today = await read_today(session)

    async def lacks() -> list[str]:
        refused = await go(people["approver"], "approved")
        assert refused.status_code == 409, refused.text
        return [fault["detail"] for fault in refused.json()["errors"]]

    told = await lacks()
    assert len(told) == 2, "the paper alone would do"
    assert f"notice n-1 runs until {today}" in told[0]
    assert "no frozen summary" in told[1]
    sent = (
        "INSERT INTO notice_comment (code, notice_id, text, authored, receipt_sha256)"
        " SELECT 'c-1', id, '意见', 'anonymous', 'x' FROM notice"
    )
    await session.execute(text(sent))
    short = "UPDATE notice SET period_to = current_date - 2, published_on = current_date - 7"
    await session.execute(text(f"{short}, period_from = current_date - 7"))
    await session.commit()
    told = await lacks()
    assert f"runs until {today}" in told[0], "seven days after it was published"
    assert "without a reply: 1" in told[1]
    answered = (
        "UPDATE notice_comment SET reply = 'r', adoption = 'adopted', reason = 'w',"
        " replied_at = now(), replied_by = 'planner'"
    )
    await session.execute(text(answered))
    await session.execute(text(f"{short} - 1, period_from = current_date - 8, state = 'closed'"))
    await session.commit()
    assert ["frozen summary" in one for one in await lacks()] == [True]
    frozen = await people["approver"].post("/notices/n-1/summary")
    assert frozen.status_code == 201, frozen.text
    assert (await go(people["approver"], "approved")).status_code == 201


async def test_an_approval_asks_for_the_documents_the_score_asks_for(
    people: People, session: AsyncSession
) -> None:
    row = await add_project(session, **complete(), state="reserve")
    await add_measures(session, row)
    await add_paper(session, row, "notice", visibility="public")
    await age_notice(session, days=30)
    await add_paper(session, row, "proposal")
    await session.commit()
    refused = await go(people["approver"], "approved")
    assert refused.status_code == 409
    assert [fault["detail"] for fault in refused.json()["errors"]] == [
        "documents of these kinds must be there: Design"
    ]
    await add_paper(session, row, "design")
    await session.commit()
    assert (await go(people["approver"], "approved")).status_code == 201


@pytest.mark.parametrize(
    ("source", "target", "who", "kind"),
    [
        ("monitoring", "effect_evaluation", "supervisor", "monitoring"),
        ("effect_evaluation", "after_care", "approver", "effect_evaluation"),
    ],
)
async def test_results_tell_a_period_after_acceptance_and_a_figure(
    people: People, session: AsyncSession, source: str, target: str, who: str, kind: str
) -> None:
    row = await ready(session, source)
    today = await read_today(session)
    old = today - timedelta(days=40), today - timedelta(days=10)
    begun = ProjectEvent(
        project_id=row.id, seq=1, from_state="acceptance", to_state="monitoring", actor="tester"
    )
    session.add(begun)
    for wanting in (
        {},
        {"period": (today, today)},
        {"figure": ("mine_restoration", 12, "ha")},
        {"period": old, "figure": ("mine_restoration", 12, "ha")},
        {"period": (today, today + timedelta(days=1)), "figure": ("mine_restoration", 12, "ha")},
    ):
        await add_paper(session, row, kind, **wanting)
    await session.commit()
    refused = await go(people[who], target)
    assert refused.status_code == 409, refused.text
    assert "period" in refused.json()["detail"]
    await add_paper(session, row, kind, period=(today, today), figure=("x", 12, "ha"))
    await session.commit()
    assert (await go(people[who], target)).status_code == 201


async def test_a_line_that_only_touches_stands_against_nothing(
    people: People, session: AsyncSession
) -> None:
    await ready(session, "proposed")
    await forbid(session)
    west, south, _, north = SQUARE
    await session.execute(
        text("UPDATE control_area SET geom = ST_MakeEnvelope(:a, :b, :c, :d, 4490)"),
        {"a": west - 0.01, "b": south, "c": west, "d": north},
    )
    await session.commit()
    assert (await go(people["planner"], "reserve")).status_code == 201


async def test_of_two_steps_at_once_one_wins(
    people: People, admin: httpx.AsyncClient, session: AsyncSession
) -> None:
    await ready(session, "proposed")
    first, second = await asyncio.gather(
        go(people["planner"], "reserve", "甲"), go(people["approver"], "cancelled", "乙")
    )
    assert sorted([first.status_code, second.status_code]) in ([201, 409], [201, 201])
    events = (await admin.get(f"{PATH}/events")).json()["events"]
    # One after the other they may both be taken; never both from the same state.
    assert len({event["from"] for event in events}) == len(events)


async def test_who_waits_for_another_step_is_told(people: People, session: AsyncSession) -> None:
    row = await ready(session, "proposed")
    held = text("SELECT FROM project WHERE id = :id FOR NO KEY UPDATE")
    await session.execute(held, {"id": row.id})
    waiting = asyncio.create_task(go(people["approver"], "cancelled", "乙"))
    await until_waiting(session)
    await session.execute(text("UPDATE project SET state = 'reserve'"))
    await session.commit()
    answer = await waiting
    assert answer.status_code == 409
    assert "reserve" in answer.json()["detail"]
    assert await state_of(session) == "reserve"


async def until_waiting(session: AsyncSession) -> None:
    query = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    for _ in range(200):
        if await session.scalar(query):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("nobody waits")


async def test_preconditions_and_replays(people: People, session: AsyncSession) -> None:
    await ready(session, "draft")
    tag = (await people["owner"].get(ITEM)).headers["ETag"]
    headers = {"If-Match": tag, "Idempotency-Key": "once"}
    first = await go(people["owner"], "proposed", headers=headers)
    assert first.status_code == 201, first.text
    assert first.headers["Location"].endswith(f"{PATH}/events/1")
    assert (await people["owner"].get(first.headers["Location"])).json()["to"] == "proposed"
    again = await go(people["owner"], "proposed", headers=headers)
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    stale = await go(people["owner"], "cancelled", "理由", headers={"If-Match": tag})
    assert stale.status_code == 412
    now = (await people["owner"].get(ITEM)).headers["ETag"]
    whole = (await people["owner"].get(PATH)).headers["ETag"]
    for tag in (first.headers["ETag"], whole):
        assert tag.partition(".")[0] == now.partition(".")[0]
    moved = await go(people["owner"], "cancelled", "理由", headers={"If-Match": now})
    assert moved.status_code == 201


async def test_who_may_not_know_or_write(
    people: People,
    session: AsyncSession,
    anonymous: httpx.AsyncClient,
    with_role: Callable[..., Awaitable[httpx.AsyncClient]],
) -> None:
    await ready(session, "draft")
    stranger = await with_role(Role.OWNER, "elsewhere")
    assert (await anonymous.get(STEPS)).status_code == 404
    assert (await anonymous.get(f"{PATH}/events")).status_code == 404
    assert (await go(anonymous, "proposed")).status_code == 401
    assert (await go(people["viewer"], "proposed")).status_code == 403
    assert (await stranger.get(STEPS)).status_code == 404
    assert (await go(stranger, "proposed")).status_code == 404
    await session.execute(text("UPDATE project SET state = 'approved'"))
    await session.commit()
    assert (await go(stranger, "design")).status_code == 403
    shown = (await anonymous.get(STEPS)).json()
    assert not any(item["allowed"] for item in shown["transitions"])


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/to"),
        ({"to": 7}, "/to"),
        ({"to": "proposed", "reason": "x"}, "/reason"),
        ({"to": "proposed", "documents": ["none"]}, "/documents/0"),
        ({"to": "proposed", "note": ""}, "/note"),
    ],
)
async def test_bad_bodies(
    people: People, session: AsyncSession, body: dict[str, Any], pointer: str
) -> None:
    await ready(session, "draft")
    answer = await people["owner"].post(STEPS, json=body)
    assert answer.status_code == 400
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


async def test_events_are_paged_and_the_public_reads_no_names(
    people: People, session: AsyncSession, anonymous: httpx.AsyncClient
) -> None:
    await ready(session, "implementation")
    for target in ("suspended", "implementation", "suspended"):
        assert (await go(people["supervisor"], target, "汛期")).status_code == 201
    page = (await anonymous.get(f"{PATH}/events", params={"limit": 2})).json()
    assert [event["seq"] for event in page["events"]] == [1, 2]
    assert {event["actor"] for event in page["events"]} == {None}
    assert {event["note"] for event in page["events"]} == {None}
    following = next(link["href"] for link in page["links"] if link["rel"] == "next")
    rest = (await people["viewer"].get(following)).json()
    assert [event["seq"] for event in rest["events"]] == [3]
    assert rest["events"][0]["note"] == "汛期"
    for path in (PATH, f"{PATH}/events"):
        for who, named in ((people["viewer"], {"supervisor"}), (anonymous, set())):
            shown = await who.get(path, params={"f": "html"})
            assert people_told(shown.text) == named
    assert not [link for link in rest["links"] if link["rel"] == "next"]
    for seq in (0, 4, -1, 2**40):
        assert (await anonymous.get(f"{PATH}/events/{seq}")).status_code == 404
    with pytest.raises(DBAPIError, match="append-only"):
        await session.execute(text("UPDATE project_event SET note = 'x'"))


async def test_former_states_are_kept(people: People, session: AsyncSession) -> None:
    await ready(session, "approved")
    await session.execute(text("UPDATE project SET valid_from = '2024-01-01'"))
    await session.commit()
    assert (await go(people["owner"], "design")).status_code == 201
    then = await people["viewer"].get(ITEM, params={"as_of": "2024-06-01"})
    assert then.json()["properties"]["state"] == "approved"
    assert (await people["viewer"].get(ITEM)).json()["properties"]["state"] == "design"


async def test_measures_without_amount_or_paper_are_named(
    people: People, session: AsyncSession
) -> None:
    row = await add_project(session, **complete(), state="implementation")
    await add_measures(session, row)
    await add_paper(session, row, "completion", measure="mine_restoration")
    await session.execute(
        update(ProjectMeasure).where(ProjectMeasure.measure == "mine_restoration").values(done=None)
    )
    await session.commit()
    answer = await go(people["owner"], "acceptance")
    details = [error["detail"] for error in answer.json()["errors"]]
    assert [detail.rpartition("：")[2].rpartition(": ")[2] for detail in details] == [
        "mine_restoration",
        "tree_planting",
    ]
