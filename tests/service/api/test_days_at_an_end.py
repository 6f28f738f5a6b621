"""Days and moments at the ends of the years 1 to 9999: no door lets them in."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from shanhai.vocabulary import Scope
from shanhai_api.kit.state import ServiceState
from tests.support.emptying import forget_rows
from tests.support.indicator_rows import add_plan
from tests.support.job_rows import add_region
from tests.support.observation_rows import add_station, forget_observations

ENDS = ("0001-01-01", "9999-12-31")
MOMENTS = ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00+08:00")
STATIONS = "/collections/stations/items"
STATION = {"code": "d1", "name_zh": "x", "kind": "land", "region": "xiamen"}
RULE = {"code": "r", "name_zh": "x", "kind": "above", "property": "pm25", "limits": {"red": 1}}
SCHEDULE = {"code": "s", "name_zh": "x", "process": "echo", "every_s": 3600}
KEY = {"name": "k", "scopes": ["read"]}


@pytest.fixture
async def dated_by(state: ServiceState, client_with: Any) -> httpx.AsyncClient:
    async with state.sessions.begin() as session:
        await forget_observations(session)
        await forget_rows(session, ["region", "indicator"])
        await add_plan(session, "plan", await add_region(session, "xiamen"))
        await add_station(session, "w2")
    client: httpx.AsyncClient = await client_with(
        Scope.READ, Scope.WRITE, Scope.OBSERVE, Scope.JOBS
    )
    return client


def feature(**properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": None, "properties": {**STATION, **properties}}


async def demand_refused(
    client: httpx.AsyncClient, path: str, body: Mapping[str, Any], pointer: str, value: str
) -> None:
    """What is refused is named, in both languages, with the way out."""
    for lang, way_out in (("en", "leave an open end out (null)"), ("zh", "请留空（null）")):
        answer = await client.post(path, json=body, params={"lang": lang})
        assert answer.status_code == 400, answer.text
        (fault,) = answer.json()["errors"]
        assert fault["pointer"] == pointer
        assert value in fault["detail"]
        assert way_out in fault["detail"]


@pytest.mark.parametrize("day", ENDS)
@pytest.mark.parametrize("name", ["valid_from", "valid_to"])
async def test_of_features(dated_by: httpx.AsyncClient, name: str, day: str) -> None:
    await demand_refused(dated_by, STATIONS, feature(**{name: day}), f"/properties/{name}", day)
    assert (await dated_by.get(f"{STATIONS}/d1")).status_code == 404
    headers = {"Content-Type": "application/merge-patch+json"}
    changed = await dated_by.patch(
        f"{STATIONS}/w2", json={"properties": {name: day}}, headers=headers
    )
    assert changed.status_code == 400, changed.text


async def test_those_beside_them_are_kept_and_put_as_they_were_got(
    dated_by: httpx.AsyncClient,
) -> None:
    made = await dated_by.post(
        STATIONS, json=feature(valid_from="0001-01-02", valid_to="9999-12-30")
    )
    assert made.status_code == 201, made.text
    got = (await dated_by.get(f"{STATIONS}/d1")).json()
    told = got["properties"]
    assert (told["valid_from"], told["valid_to"]) == ("0001-01-02", "9999-12-30")
    put = await dated_by.put(
        f"{STATIONS}/d1", json={name: got[name] for name in ("type", "geometry", "properties")}
    )
    assert put.status_code == 200, put.text
    value = {"station": "d1", "property": "pm25", "time": "2026-03-01T00:00:00Z", "value": 7}
    sent = await dated_by.post("/observations", json=value)
    assert (sent.status_code, sent.json()["accepted"]) == (202, 1)


@pytest.mark.parametrize("day", ENDS)
async def test_of_records(dated_by: httpx.AsyncClient, day: str) -> None:
    duty = {"code": "d", "name_zh": "x", "due_on": day}
    await demand_refused(dated_by, "/plans/plan/duties", duty, "/due_on", day)


@pytest.mark.parametrize("moment", MOMENTS)
async def test_of_schedules(dated_by: httpx.AsyncClient, moment: str) -> None:
    body = {**SCHEDULE, "starts_at": moment}
    if moment.endswith("Z"):
        await demand_refused(dated_by, "/schedules", body, "/starts_at", moment[:10])
    assert (await dated_by.post("/schedules", json=body)).status_code == 400


@pytest.mark.parametrize("day", ENDS)
async def test_of_rules_of_alerts(dated_by: httpx.AsyncClient, day: str) -> None:
    await demand_refused(dated_by, "/alert-rules", {**RULE, "valid_from": day}, "/valid_from", day)


@pytest.mark.parametrize("day", ENDS)
async def test_of_inputs(dated_by: httpx.AsyncClient, day: str) -> None:
    inputs = {"region": "xiamen", "first": "2025-01-01", "last": "2025-12-31", "issued_on": day}
    path = "/processes/publish-bulletin/execution"
    await demand_refused(dated_by, path, {"inputs": inputs}, "/inputs/issued_on", day)


@pytest.mark.parametrize("moment", MOMENTS)
async def test_of_observations(
    dated_by: httpx.AsyncClient, state: ServiceState, moment: str
) -> None:
    row = {"station": "w2", "property": "pm25", "time": "2026-03-01T00:00:00Z", "value": 7}
    for body in ({**row, "result_time": moment}, [row, {**row, "result_time": moment}]):
        (refused,) = (await dated_by.post("/observations", json=body)).json()["rejected"]
        assert refused["pointer"] == "/result_time"
        assert "inside the years 1 to 9999" in refused["detail"]
    async with state.sessions() as session:
        stored = await session.scalars(text("SELECT result_time FROM observation"))
        assert list(stored) == [None]
