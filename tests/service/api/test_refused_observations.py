"""`/observations/refused`: what could not be stored of late, counted with the newest reason."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from shanhai.db.identity import RoleGiven
from shanhai.db.queries.keys import create_key
from shanhai.vocabulary import ROLE_SCOPES, Role, Scope
from shanhai_api.kit.state import ServiceState
from tests.service.api.conftest import MakeClient
from tests.support.job_rows import add_region
from tests.support.joint_plans import People
from tests.support.observation_rows import add_station, forget_observations

GOOD: dict[str, Any] = {
    "station": "s a",
    "property": "pm25",
    "time": "2026-03-01T08:00:00+08:00",
    "value": 35,
}
Told = Mapping[str, Any]


@pytest.fixture
async def sender(people: People, state: ServiceState, client_with: MakeClient) -> httpx.AsyncClient:
    """Sends observations of a station below the region `a` and one in `b`, of which is nothing."""
    async with state.sessions.begin() as session:
        await forget_observations(session)
        for code in ("a", "b"):
            parent = await session.scalar(
                text("SELECT id FROM region WHERE code = :code"), {"code": code}
            )
            below = await add_region(session, f"{code}.below", level="district")
            below.parent_id = parent
            await add_station(session, f"s {code}", region=below)
    return await client_with(Scope.READ, Scope.OBSERVE)


async def send(client: httpx.AsyncClient, *rows: Any, **headers: str) -> Any:
    answer = await client.post("/observations", json=list(rows), headers=headers)
    assert answer.status_code == 202, answer.text
    return answer.json()


async def refused(client: httpx.AsyncClient, query: str = "") -> list[Told]:
    answer = await client.get(f"/observations/refused?{query}")
    assert answer.status_code == 200, answer.text
    found: list[Told] = answer.json()["refused"]
    return found


async def test_they_are_counted_by_station_and_member_with_the_newest_reason(
    sender: httpx.AsyncClient,
) -> None:
    began = datetime.now(UTC)
    assert await refused(sender) == []
    await send(sender, GOOD)
    assert await refused(sender) == []
    wrong_unit = {**GOOD, "unit": "m"}
    sent = await send(sender, wrong_unit, {**wrong_unit, "unit": "kg"}, {**GOOD, "property": "no"})
    assert sent["rejected_count"] == 3
    await send(sender, {**GOOD, "station": "s b", "unit": "s"}, **{"Idempotency-Key": "k"})
    # Said again, it is the same request.
    await send(sender, {**GOOD, "station": "s b", "unit": "s"}, **{"Idempotency-Key": "k"})
    found = {(one["station"], one["pointer"]): one for one in await refused(sender, "lang=zh")}
    assert {key: one["number"] for key, one in found.items()} == {
        ("s a", "/unit"): 2,
        ("s a", "/property"): 1,
        ("s b", "/unit"): 1,
    }
    units = found["s a", "/unit"]
    assert (units["way"], units["way_name"], units["station_name"]) == (
        "http",
        "接口上传",
        "站点 s a",
    )
    assert "kg" in units["detail"]
    assert began - timedelta(seconds=1) <= datetime.fromisoformat(units["last"])
    english = {one["pointer"]: one for one in await refused(sender, "lang=en")}
    assert english["/property"]["station_name"] == "Station s a"
    assert english["/property"]["detail"] != found["s a", "/property"]["detail"]


async def test_rows_that_cannot_be_read_or_name_no_station_are_counted_too(
    sender: httpx.AsyncClient,
) -> None:
    await send(sender, {**GOOD, "station": "s\x00 gone"}, {**GOOD, "station": "gone" * 20}, GOOD)
    await send(sender, "nonsense", {**GOOD, "value": "much"}, {**GOOD, "value": None})
    odd = [{**GOOD, f"member {number}": 1} for number in range(150)]
    await send(sender, *odd)
    found = {one["pointer"]: one for one in await refused(sender)}
    assert {one["station"] for one in found.values()} == {None}
    assert found["/value"]["number"] == 2
    # Whatever members are made up, they are one kind.
    assert sum(one["number"] for one in found.values()) == 2 + 3 + 150
    assert found.keys() == {"/station", "/value", ""}
    assert all(len(one["detail"]) <= 500 for one in found.values())


async def test_they_are_told_to_those_of_the_region(
    sender: httpx.AsyncClient, state: ServiceState, people: People
) -> None:
    await send(sender, {**GOOD, "unit": "m"}, {**GOOD, "station": "s b", "unit": "m"})
    await send(sender, {**GOOD, "station": "gone"})
    assert (await people["anonymous"].get("/observations/refused")).status_code == 401
    assert [one["station"] for one in await refused(people["planner@a"])] == ["s a"]
    assert [one["station"] for one in await refused(people["approver@b"])] == ["s b"]
    assert await refused(people["planner@c"]) == []
    async with state.sessions.begin() as session:
        viewer = await create_key(
            session,
            name="viewer",
            scopes=sorted(ROLE_SCOPES[Role.VIEWER]),
            roles=[RoleGiven(Role.VIEWER, None)],
        )
    everywhere = await people["anonymous"].get(
        "/observations/refused", headers={"Authorization": f"Bearer {viewer}"}
    )
    told = {one["station"] for one in everywhere.json()["refused"]}
    assert told == {None, "s a", "s b"}


async def test_they_are_asked_for_by_region_and_days(
    sender: httpx.AsyncClient, state: ServiceState
) -> None:
    await send(sender, {**GOOD, "unit": "m"}, {**GOOD, "station": "s b", "unit": "m"})
    await send(sender, {**GOOD, "station": "gone"})
    # Those of unknown stations may be of any region.
    assert {one["station"] for one in await refused(sender, "region=a")} == {"s a", None}
    assert {one["station"] for one in await refused(sender, "region=b.below")} == {"s b", None}
    assert {one["station"] for one in await refused(sender, "region=c")} == {None}
    async with state.sessions.begin() as session:
        await session.execute(text("UPDATE observation_refusal SET day = day - 3"))
    await send(sender, {**GOOD, "unit": "kg"})
    [newest] = await refused(sender, "region=a&days=3")
    assert (newest["number"], "kg" in newest["detail"]) == (1, True)
    found = {one["station"]: one for one in await refused(sender, "days=4")}
    assert (found["s a"]["number"], "kg" in found["s a"]["detail"]) == (2, True)
    async with state.sessions.begin() as session:
        await session.execute(text("UPDATE observation_refusal SET day = day - 40"))
    await send(sender, {**GOOD, "unit": "kg"})
    async with state.sessions() as session:
        kept = await session.scalar(text("SELECT count(*) FROM observation_refusal"))
    assert kept == 1
    for wrong in ("days=0", "days=31", "days=x", "region=%00"):
        answer = await sender.get(f"/observations/refused?{wrong}")
        assert answer.status_code == 400, wrong
