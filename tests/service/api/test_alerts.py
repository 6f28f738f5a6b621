"""`/alert-rules` and `/alerts`: made, read, answered, refused."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import text

from shanhai.db.alerts.observation_evaluation import evaluate_changes
from shanhai.db.alerts.plan_evaluation import evaluate_lines, evaluate_plans
from shanhai.db.identity import RoleGiven
from shanhai.db.queries.keys import create_key
from shanhai.monitoring.observation import FeedObservation
from shanhai.vocabulary import ROLE_SCOPES, Role, Scope
from shanhai_api.kit.state import ServiceState
from tests.service.api.conftest import MakeClient
from tests.support.actors import people_told
from tests.support.emptying import forget_rows
from tests.support.indicator_rows import add_indicator, add_plan
from tests.support.job_rows import add_region
from tests.support.joint_plans import People
from tests.support.observation_rows import add_station, forget_observations, store_observations

NEW: dict[str, Any] = {
    "code": "pm25-high",
    "name_zh": "细颗粒物偏高",
    "name_en": "Fine particles high",
    "kind": "above",
    "property": "pm25",
    "limits": {"yellow": 75, "red": 250},
}
NIGHT = {"from": "22:00", "to": "07:00"}
LEADS = {"kind": "red_line_lead", "property": None, "control_kind": "red_line"}


@pytest.fixture
async def planner(state: ServiceState, client_with: MakeClient) -> httpx.AsyncClient:
    """A client that may make rules, of which there are none."""
    async with state.sessions.begin() as session:
        await forget_observations(session)
        await add_station(session, "s 1")
    return await client_with(Scope.READ, Scope.WRITE)


async def raise_alert(state: ServiceState, client: httpx.AsyncClient, value: float = 80) -> None:
    made = await client.post("/alert-rules", json=NEW)
    assert made.status_code == 201, made.text
    time = datetime.now(UTC) - timedelta(minutes=1)
    await store_observations(state.sessions, [FeedObservation("s 1", "pm25", time, value)])
    async with state.sessions.begin() as session:
        await evaluate_changes(session)


async def test_rules_are_made_replaced_and_ended(planner: httpx.AsyncClient) -> None:
    made = await planner.post("/alert-rules", json=NEW, headers={"Idempotency-Key": "one"})
    assert made.status_code == 201, made.text
    assert made.headers["Location"].endswith("/alert-rules/pm25-high")
    told = made.json()
    assert (told["reset"], told["unit"], told["stations"]) == (75, "ug/m3", None)
    again = await planner.post("/alert-rules", json=NEW, headers={"Idempotency-Key": "one"})
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (await planner.post("/alert-rules", json=NEW)).status_code == 409
    tag = {"If-Match": made.headers["ETag"]}
    # Sent back as it was read, with the members that are only read.
    same = await planner.put("/alert-rules/pm25-high", json=told, headers=tag)
    assert same.headers["ETag"].split(".")[0] == made.headers["ETag"].split(".")[0]
    changed = {**told, "stations": ["s 1"], "reset": 50}
    put = await planner.put("/alert-rules/pm25-high", json=changed, headers=tag)
    assert (put.json()["stations"], put.json()["reset"]) == (["s 1"], 50)
    stale = await planner.put("/alert-rules/pm25-high", json=changed, headers=tag)
    assert stale.status_code == 412
    listed = (await planner.get("/alert-rules?lang=zh")).json()["rules"]
    assert [rule["name"] for rule in listed] == ["细颗粒物偏高"]
    fresh = {"If-Match": (await planner.get("/alert-rules/pm25-high")).headers["ETag"]}
    assert (await planner.delete("/alert-rules/pm25-high", headers=fresh)).status_code == 204
    assert (await planner.get("/alert-rules/pm25-high")).status_code == 404


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"kind": "sideways"}, "/kind"),
        ({"property": None}, "/property"),
        ({"property": "none"}, "/property"),
        ({"stations": ["none"]}, "/stations/0"),
        ({"limits": {}}, "/limits"),
        ({"limits": {"purple": 1}}, "/limits/purple"),
        ({"limits": {"yellow": 1e16}}, "/limits"),
        ({"limits": {"yellow": 75, "red": 75}}, "/limits"),
        ({"reset": 76}, "/reset"),
        ({"kind": "below", "limits": {"yellow": 5}, "reset": 4}, "/reset"),
        ({"kind": "rate", "limits": {"yellow": 0}}, "/limits"),
        ({"kind": "no_data", "min_duration_s": 1}, "/min_duration_s"),
        ({"min_duration_s": -1}, "/min_duration_s"),
        ({"name_zh": "\x00"}, "/name_zh"),
        ({"code": "a b"}, "/code"),
        ({"plan": "plan"}, "/plan"),
        ({"kind": "indicator_behind_target"}, "/property"),
        ({"kind": "indicator_behind_target", "property": None, "indicator": "woods"}, "/plan"),
        ({"kind": "indicator_behind_target", "property": None, "reset": 5}, "/reset"),
        ({"kind": "red_line_lead", "property": None}, "/control_kind"),
        ({"kind": "red_line_lead", "property": None, "control_kind": "line"}, "/control_kind"),
        ({**LEADS, "limits": {"yellow": -1}}, "/limits"),
        ({"kind": "line_decline", "property": None}, "/control_kind"),
        ({**LEADS, "kind": "line_decline", "reset": 5}, "/reset"),
        ({"valid_from": "2026-02-01", "valid_to": "2026-02-01"}, "/valid_to"),
        ({"valid_from": "soon"}, "/valid_from"),
        ({"quiet": {"from": "22:00"}}, "/quiet/to"),
        ({"quiet": {**NIGHT, "to": "7:00"}}, "/quiet/to"),
        ({"quiet": {**NIGHT, "days": [0]}}, "/quiet/days/0"),
        ({"quiet": {**NIGHT, "time_zone": "Mars"}}, "/quiet/time_zone"),
        ({"quiet": {**NIGHT, "to": "22:00"}}, "/quiet/to"),
        ({"colour": "red"}, "/colour"),
    ],
)
async def test_rules_that_make_no_sense_are_refused(
    planner: httpx.AsyncClient, changes: dict[str, Any], pointer: str
) -> None:
    answer = await planner.post("/alert-rules", json={**NEW, **changes})
    assert answer.status_code == 400, answer.text
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"limits": {"yellow": 75, "red": 75}}, "limits：须从蓝色到红色逐级加重"),
        ({"reset": 76}, "reset：须在各限值的安全一侧"),
        ({"kind": "rate", "limits": {"yellow": 0}}, "limits：各级限值须大于 0"),
        ({"valid_from": "2026-02-01", "valid_to": "2026-02-01"}, "valid_to：止日须晚于起日"),
    ],
)
async def test_rules_that_make_no_sense_are_refused_without_names_of_fields(
    planner: httpx.AsyncClient, changes: dict[str, Any], told: str
) -> None:
    answer = await planner.post("/alert-rules?lang=zh", json={**NEW, **changes})
    assert answer.json()["detail"] == f"请求体无效：/{told}"


async def test_a_cut_of_a_red_line_is_shown_as_an_alert(
    planner: httpx.AsyncClient, state: ServiceState
) -> None:
    async with state.sessions.begin() as session:
        await forget_rows(session, ["region"])
        region = await add_region(session, "city")
        await session.execute(
            text(
                "INSERT INTO control_area (visibility, code,"
                " name_zh, name_en, kind, region_id, status, geom,"
                " valid_from) VALUES ('public',"
                " 'red-1', '线', 'Line', 'red_line', :region, 'published',"
                " ST_MakeEnvelope(118, 24.4, 118.1, 24.5, 4490), '2020-01-01')"
            ),
            {"region": region.id},
        )
    rule = {**NEW, "code": "declines", **LEADS, "kind": "line_decline", "limits": {"red": 1000}}
    made = await planner.post("/alert-rules", json=rule)
    assert made.status_code == 201, made.text
    async with state.sessions.begin() as session:
        await session.execute(
            text(
                "UPDATE control_area SET valid_from = '2024-01-01',"
                " geom = ST_MakeEnvelope(118, 24.4, 118.09, 24.5, 4490)"
            )
        )
    async with state.sessions.begin() as session:
        await evaluate_lines(session)
    [listed] = (await planner.get("/alerts?subject=line&lang=zh")).json()["alerts"]
    assert (listed["level"], listed["unit"]) == ("red", "m2")
    assert listed["subject_name"] == "区域 city · 生态保护红线"
    assert listed["kind_name"] == "管控线面积减少"
    declines = (await planner.get("/regions/city/lines")).json()["declines"]
    assert listed["measure"] == pytest.approx(declines[0]["lost"]["area_m2"], abs=0.01)
    for lang, words in (("zh", "管控线"), ("en", "Control line")):
        page = await planner.get(f"/alerts/{listed['id']}?f=html&lang={lang}")
        assert page.status_code == 200
        assert words in page.text
        assert "red-1" in page.text
        assert "2024-01-01" in page.text


async def test_an_alert_is_shown_acknowledged_and_closed(
    planner: httpx.AsyncClient, state: ServiceState
) -> None:
    await raise_alert(state, planner)
    listed = (await planner.get("/alerts?status=open&lang=zh")).json()["alerts"]
    assert [(one["level_name"], one["measure"], one["unit"]) for one in listed] == [
        ("黄色", 80, "ug/m3")
    ]
    address = f"/alerts/{listed[0]['id']}"
    shown = await planner.get(address)
    related = next(link for link in shown.json()["links"] if link["rel"] == "related")
    assert "s%201" in related["href"]
    assert (await planner.get(related["href"])).json()["id"] == "s 1"
    evidence = next(link for link in shown.json()["links"] if link["rel"] == "evidence")
    values = (await planner.get(evidence["href"])).json()["observations"]
    assert [one["value"] for one in values] == [80]
    tag = {"If-Match": shown.headers["ETag"]}
    noted = await planner.post(f"{address}/acknowledge", json={"note": "seen"}, headers=tag)
    assert noted.status_code == 200, noted.text
    assert noted.json()["status"] == "acknowledged"
    stale = await planner.post(f"{address}/close", json={"note": "done"}, headers=tag)
    assert stale.status_code == 412
    key = {"Idempotency-Key": "close"}
    closed = await planner.post(f"{address}/close", json={"note": "done"}, headers=key)
    again = await planner.post(f"{address}/close", json={"note": "done"}, headers=key)
    assert closed.json() == again.json()
    told = [(one["event"], one["note"]) for one in closed.json()["events"]]
    assert told == [("opened", None), ("acknowledged", "seen"), ("closed", "done")]
    assert (await planner.post(f"{address}/close", json={"note": "x"})).status_code == 409
    assert (await planner.get("/alerts?status=open")).json()["alerts"] == []


async def test_pages_tell_alerts_in_both_languages(
    planner: httpx.AsyncClient, state: ServiceState
) -> None:
    await raise_alert(state, planner, 300)
    number = (await planner.get("/alerts")).json()["alerts"][0]["id"]
    for address in ("/alerts", f"/alerts/{number}", "/alert-rules", "/alert-rules/pm25-high"):
        for lang, name in (("zh", "细颗粒物偏高"), ("en", "Fine particles high")):
            page = await planner.get(address, params={"f": "html", "lang": lang})
            assert page.status_code == 200, page.text
            assert name in page.text


async def test_alerts_are_for_those_who_may(
    planner: httpx.AsyncClient,
    state: ServiceState,
    anonymous: httpx.AsyncClient,
    client_with: MakeClient,
) -> None:
    await raise_alert(state, planner)
    number = (await planner.get("/alerts")).json()["alerts"][0]["id"]
    for address in ("/alerts", f"/alerts/{number}", "/alert-rules"):
        assert (await anonymous.get(address)).status_code == 401
    feed = await client_with(Scope.READ, Scope.OBSERVE)
    assert (await feed.get("/alerts")).status_code == 200
    assert (await feed.post(f"/alerts/{number}/close", json={"note": "x"})).status_code == 403
    assert (await feed.post("/alert-rules", json={**NEW, "code": "x"})).status_code == 403
    assert (await feed.delete("/alert-rules/pm25-high")).status_code == 403
    assert (await planner.post(f"/alerts/{number}/close", json={"note": ""})).status_code == 400
    assert (await planner.get("/alerts/999999999")).status_code == 404


@pytest.mark.configured
async def test_what_happens_is_streamed_and_resumed(
    planner: httpx.AsyncClient, state: ServiceState
) -> None:
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        # The client gives the answer once it has ended, which the stop of the service does.
        first = {"Last-Event-ID": "0"}
        stream = tasks.create_task(planner.get("/alerts/events?lang=zh", headers=first))
        await raise_alert(state, planner)
        number = (await planner.get("/alerts")).json()["alerts"][0]["id"]
        await planner.post(f"/alerts/{number}/close", json={"note": "done"})
        state.draining.set()
    answer = stream.result()
    assert answer.headers["content-type"].startswith("text/event-stream")
    told = events_of(answer.text)
    assert [name for _, name, _ in told] == ["opened", "closed"]
    opened = told[0][2]
    assert (opened["event_name"], opened["alert"]["station"]) == ("发出预警", "s 1")
    resumed = await planner.get("/alerts/events", headers={"Last-Event-ID": str(told[0][0])})
    assert [(place, name) for place, name, _ in events_of(resumed.text)] == [(told[1][0], "closed")]
    from_now_on = await planner.get("/alerts/events")
    assert events_of(from_now_on.text) == []
    for foreign in ("x", "-1", str(2**63), "0" * 20 + "9" * 20):
        refused = await planner.get("/alerts/events", headers={"Last-Event-ID": foreign})
        assert refused.status_code == 400


def events_of(text: str) -> list[tuple[int, str, dict[str, Any]]]:
    """The events of a stream: number, name and data."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line[:1] != ":")
        if fields:
            found.append((int(fields["id"]), fields["event"], orjson.loads(fields["data"])))
    return found


async def test_pages_of_alerts_follow_one_another(
    planner: httpx.AsyncClient, state: ServiceState
) -> None:
    await raise_alert(state, planner)
    await planner.post("/alert-rules", json={**NEW, "code": "second"})
    async with state.sessions.begin() as session:
        await evaluate_changes(session)
    first = (await planner.get("/alerts?limit=1&level=yellow")).json()
    following = next(link["href"] for link in first["links"] if link["rel"] == "next")
    second = (await planner.get(following)).json()
    assert [one["rule"] for one in first["alerts"] + second["alerts"]] == ["second", "pm25-high"]
    assert not any(link["rel"] == "next" for link in second["links"])


async def test_alerts_about_indicators_are_told_with_what_was_asked(
    planner: httpx.AsyncClient, state: ServiceState
) -> None:
    async with state.sessions.begin() as session:
        await forget_rows(session, ["region", "indicator"])
        plan = await add_plan(session, "plan", await add_region(session, "city"))
        # The path asks for 40 of 2024.
        figures = [("base", 2020, "0"), ("target", 2090, "700")]
        await add_indicator(session, plan, "woods", figures=figures, values=[(2024, "30")])
    rule = {
        **{name: NEW[name] for name in ("code", "name_zh", "name_en")},
        "kind": "indicator_behind_target",
        "plan": "plan",
        "limits": {"yellow": 10, "red": 50},
        "quiet": NIGHT,
        "valid_from": "2020-01-01",
    }
    made = await planner.post("/alert-rules", json=rule)
    assert made.status_code == 201, made.text
    assert (made.json()["unit"], made.json()["reset"]) == ("%", 0)
    assert made.json()["quiet"]["time_zone"] == "Asia/Shanghai"
    async with state.sessions.begin() as session:
        assert await evaluate_plans(session) == 1
    for asked in ("subject=indicator", "plan=plan", "kind=indicator_behind_target"):
        [alert] = (await planner.get(f"/alerts?{asked}&lang=zh")).json()["alerts"]
    assert (await planner.get("/alerts?subject=station")).json()["alerts"] == []
    assert (alert["measure"], alert["unit"], alert["level"]) == (25, "%", "yellow")
    assert (alert["subject_name"], alert["station"]) == ("指标 woods · 区域 city 2090", None)
    assert alert["facts"] == {
        "value": 30,
        "value_year": 2024,
        "path_value": 40,
        "target_value": 700,
        "target_year": 2090,
        "progress_percent": 4.29,
        "unit": "%",
    }
    links = {link["rel"]: link["href"] for link in alert["links"]}
    values = (await planner.get(links["evidence"])).json()["values"]
    assert [(one["year"], one["value"]) for one in values] == [(2024, 30)]
    assert (await planner.get(links["related"])).status_code == 200
    for address in ("/alerts", f"/alerts/{alert['id']}", "/alert-rules/pm25-high"):
        page = await planner.get(address, params={"f": "html", "lang": "zh"})
        assert page.status_code == 200, page.text
        assert "指标 woods" in page.text or "细颗粒物偏高" in page.text


async def test_an_alert_is_commented_and_stays_as_it_is(
    planner: httpx.AsyncClient, state: ServiceState
) -> None:
    await raise_alert(state, planner)
    number = (await planner.get("/alerts")).json()["alerts"][0]["id"]
    address = f"/alerts/{number}"
    read = await planner.get(address)
    key = {"Idempotency-Key": "said"}
    said = await planner.post(f"{address}/comments", json={"note": " 已通知街道 \n"}, headers=key)
    assert said.status_code == 201, said.text
    again = await planner.post(f"{address}/comments", json={"note": " 已通知街道 \n"}, headers=key)
    assert again.json() == said.json()
    told = said.json()
    assert (told["status"], told["acknowledged"], told["closed"]) == ("open", None, None)
    assert [(one["event"], one["note"]) for one in told["events"]] == [
        ("opened", None),
        ("commented", "已通知街道"),
    ]
    comment = told["events"][-1]
    assert comment["actor"]
    assert comment["at"] >= told["opened"]
    assert comment["level"] == "yellow"
    # Whoever answers without having read what was said is told so.
    assert said.headers["ETag"] != read.headers["ETag"]
    tag = {"If-Match": read.headers["ETag"]}
    late = await planner.post(f"{address}/close", json={"note": "done"}, headers=tag)
    assert late.status_code == 412
    closed = await planner.post(f"{address}/close", json={"note": "done"})
    assert closed.status_code == 200
    after = await planner.post(f"{address}/comments", json={"note": "cause: a leak"})
    assert (after.status_code, after.json()["status"]) == (201, "closed")
    for lang, words in (("zh", "意见"), ("en", "Comment")):
        page = await planner.get(address, params={"f": "html", "lang": lang})
        assert words in page.text
        assert "cause: a leak" in page.text
        assert people_told(page.text) == {"test"}
    async with state.sessions() as session:
        query = "SELECT after->>'note' FROM audit_log WHERE action = 'comment' AND object_id = :id"
        noted = (await session.scalars(text(query), {"id": str(number)})).all()
    assert list(noted) == ["已通知街道", "cause: a leak"]


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        ({}, "/note", "必填"),
        ({"note": ""}, "/note", "至少 1 个字符"),
        ({"note": " \n\t"}, "/note", "至少 1 个字符"),
        ({"note": "长" * 2001}, "/note", "至多 2000 个字符"),
        ({"note": "a\x00b"}, "/note", "必须符合格式"),
        ({"note": 5}, "/note", "必须"),
        ({"note": "x", "status": "closed"}, "/status", ""),
    ],
)
async def test_what_says_nothing_or_too_much_is_no_comment(
    planner: httpx.AsyncClient, state: ServiceState, body: dict[str, Any], pointer: str, words: str
) -> None:
    await raise_alert(state, planner)
    number = (await planner.get("/alerts")).json()["alerts"][0]["id"]
    refused = await planner.post(f"/alerts/{number}/comments?lang=zh", json=body)
    assert refused.status_code == 400, refused.text
    [error] = refused.json()["errors"]
    assert error["pointer"] == pointer
    assert words in error["detail"]
    events = (await planner.get(f"/alerts/{number}")).json()["events"]
    assert [one["event"] for one in events] == ["opened"]
    longest = await planner.post(f"/alerts/{number}/comments", json={"note": "长" * 2000})
    assert longest.status_code == 201


async def test_alerts_are_commented_by_those_who_answer_in_their_region(
    people: People, planner: httpx.AsyncClient, state: ServiceState
) -> None:
    async with state.sessions.begin() as session:
        await session.execute(
            text("UPDATE station SET region_id = (SELECT id FROM region WHERE code = 'a')")
        )
        keys = {
            role: await create_key(
                session,
                name=f"{role} of a",
                scopes=sorted(ROLE_SCOPES[role]),
                roles=[RoleGiven(role, "a")],
            )
            for role in (Role.VIEWER, Role.FEED, Role.SUPERVISOR)
        }
    await raise_alert(state, planner)
    number = (await planner.get("/alerts")).json()["alerts"][0]["id"]
    address, said = f"/alerts/{number}/comments", {"note": "seen from the bridge"}
    held = {
        role: await planner.post(address, json=said, headers={"Authorization": f"Bearer {key}"})
        for role, key in keys.items()
    }
    assert {role: answer.status_code for role, answer in held.items()} == {
        Role.VIEWER: 403,
        Role.FEED: 403,
        Role.SUPERVISOR: 201,
    }
    assert (await people["planner@a"].post(address, json=said)).status_code == 201
    assert (await people["approver@a"].post(address, json=said)).status_code == 201
    # Those of another region do not know that there is such an alert.
    assert (await people["planner@b"].post(address, json=said)).status_code == 404
    assert (await people["anonymous"].post(address, json=said)).status_code == 401
    assert (await planner.post("/alerts/999999999/comments", json=said)).status_code == 404
    shown = (await people["planner@a"].get(f"/alerts/{number}")).json()
    assert [one["event"] for one in shown["events"]] == ["opened", *["commented"] * 3]
    assert len({one["actor"] for one in shown["events"][1:]}) == 3


async def test_alerts_are_found_by_their_region_and_those_above(
    planner: httpx.AsyncClient, state: ServiceState
) -> None:
    async with state.sessions.begin() as session:
        await forget_rows(session, ["region"])
        city = await add_region(session, "city")
        east = await add_region(session, "east", level="district", parent=city)
        await add_region(session, "west", level="district", parent=city)
        await forget_observations(session)
        await add_station(session, "s 1", region=east)
        await add_station(session, "s 2", region=city)
        await add_station(session, "nowhere")
    made = await planner.post("/alert-rules", json=NEW)
    assert made.status_code == 201, made.text
    time = datetime.now(UTC) - timedelta(minutes=1)
    for station in ("s 1", "s 2", "nowhere"):
        await store_observations(state.sessions, [FeedObservation(station, "pm25", time, 80)])
    async with state.sessions.begin() as session:
        await evaluate_changes(session)

    async def found(**query: str) -> set[str]:
        answer = await planner.get("/alerts", params=query)
        assert answer.status_code == 200, answer.text
        return {one["station"] for one in answer.json()["alerts"]}

    assert await found() == {"s 1", "s 2", "nowhere"}
    assert await found(region="city") == {"s 1", "s 2"}
    assert await found(region="east") == {"s 1"}
    assert await found(region="west") == set()
    assert await found(region="mars") == set()
    assert await found(region="city", status="open", level="yellow") == {"s 1", "s 2"}
    assert await found(region="city", level="red") == set()
    first = (await planner.get("/alerts?region=city&limit=1")).json()
    following = next(link["href"] for link in first["links"] if link["rel"] == "next")
    assert "region=city" in following
    assert len((await planner.get(following)).json()["alerts"]) == 1
    assert (await planner.get("/alerts?region=%00")).status_code == 400


async def test_a_rule_tells_of_stations_those_its_reader_may_know_of(
    state: ServiceState, planner: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    async with state.sessions.begin() as session:
        for code in ("own", "other"):
            region = await add_region(session, code)
            for visibility in ("public", "signed_in", "region"):
                station = await add_station(session, f"{code}-{visibility}", region=region)
                station.visibility = visibility
        headers = [
            {"Authorization": f"Bearer {key}"}
            for key in [
                await create_key(
                    session, name="test", scopes=[Scope.READ], roles=[RoleGiven(Role.VIEWER, code)]
                )
                for code in ("own", "other")
            ]
        ]
    shown = {f"{code}-{how}" for code in ("own", "other") for how in ("public", "signed_in")}
    every = [*shown, "own-region", "other-region"]
    made = await planner.post("/alert-rules", json={**NEW, "stations": every})
    assert made.json()["stations"] == sorted(every)
    hidden = {**NEW, "code": "hidden", "stations": ["other-region"], "region": "own"}
    assert (await planner.post("/alert-rules", json=hidden)).status_code == 201
    for key, own, of_hidden in zip(headers, ("own", "other"), ([], ["other-region"]), strict=True):
        one = (await anonymous.get(f"/alert-rules/{NEW['code']}", headers=key)).json()
        assert set(one["stations"]) == {*shown, f"{own}-region"}
        rules = (await anonymous.get("/alert-rules", headers=key)).json()["rules"]
        told = {rule["code"]: rule["stations"] for rule in rules}
        # None would say that it is of all stations.
        assert told == {NEW["code"]: one["stations"], "hidden": of_hidden}
    async with state.sessions.begin() as session:
        role = RoleGiven(Role.PLANNER, "own")
        own_planner = await create_key(session, name="test", scopes=[Scope.WRITE], roles=[role])
    for code in ("other-region", "nowhere"):
        answer = await anonymous.post(
            "/alert-rules",
            json={**hidden, "code": "asked", "stations": [code]},
            headers={"Authorization": f"Bearer {own_planner}"},
        )
        assert answer.json()["errors"][0]["pointer"] == "/stations/0", answer.text
