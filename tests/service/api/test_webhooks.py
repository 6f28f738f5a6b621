"""`/webhooks`: made, shown, replaced, rotated, tested, ended; and what is written for them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import select

from shanhai.crypto import SecretBox
from shanhai.db.alerts.observation_evaluation import evaluate_changes
from shanhai.db.deliveries.webhooks import PURPOSE, valid_secrets
from shanhai.db.identity import RoleGiven
from shanhai.db.queries.keys import create_key
from shanhai.db.tables.access import AuditLog
from shanhai.db.tables.delivery import Delivery, Webhook
from shanhai.monitoring.observation import FeedObservation
from shanhai.settings import OutgoingSettings, WebhookSettings
from shanhai.vocabulary import Role, Scope
from shanhai.webhook_secrets import show_secret
from shanhai_api.kit.state import ServiceState
from tests.service.api.conftest import BASE, MakeClient
from tests.support.emptying import forget_rows
from tests.support.job_rows import add_region
from tests.support.observation_rows import add_station, forget_observations, store_observations

SECRET = "a secret of the server, for tests."
NEW: dict[str, Any] = {
    "name": "Duty desk",
    "url": "https://hooks.example.org/in?token=t",
    "events": ["alert.closed", "alert.opened"],
}
ALERT_EVENTS = [
    *("alert.opened", "alert.escalated", "alert.acknowledged", "alert.closed"),
]


pytestmark = pytest.mark.configured(
    outgoing=OutgoingSettings(hosts=("hooks.example.org",)),
    webhooks=WebhookSettings(secret=SecretStr(SECRET)),
)


@pytest.fixture
async def planner(state: ServiceState, client_with: MakeClient) -> httpx.AsyncClient:
    async with state.sessions.begin() as session:
        await forget_rows(session, ["delivery", "webhook", "region"])
    return await client_with(Scope.READ, Scope.WRITE)


async def make(client: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    made = await client.post("/webhooks", json={**NEW, **changes})
    assert made.status_code == 201, made.text
    document: dict[str, Any] = made.json()
    return document


async def written(state: ServiceState, code: str) -> list[Delivery]:
    async with state.sessions() as session:
        query = select(Delivery).where(Delivery.target == code).order_by(Delivery.created_at)
        return list(await session.scalars(query))


async def test_made_shown_replaced_and_ended(
    planner: httpx.AsyncClient, state: ServiceState
) -> None:
    key = {"Idempotency-Key": "one"}
    made = await planner.post("/webhooks", json=NEW, headers=key)
    assert made.status_code == 201, made.text
    told = made.json()
    path = f"/webhooks/{told['id']}"
    assert made.headers["Location"] == f"{BASE}{path}"
    assert made.headers["Cache-Control"] == "no-store"
    assert told["events"] == ["alert.opened", "alert.closed"]
    # It is shown once, and kept so that the database alone does not tell it.
    async with state.sessions() as session:
        row = (await session.scalars(select(Webhook))).one()
        audited = await session.scalars(
            select(AuditLog.after).where(AuditLog.object_id == told["id"])
        )
        assert told["secret"] not in str(list(audited))
    opened = SecretBox(SECRET, PURPOSE).open(row.secret, row.code)
    assert show_secret(opened) == told["secret"]
    assert opened not in row.secret
    again = await planner.post("/webhooks", json=NEW, headers=key)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "secret" not in again.json()
    shown = await planner.get(path)
    assert "secret" not in shown.json()
    assert [hook["id"] for hook in (await planner.get("/webhooks")).json()["webhooks"]] == [
        told["id"]
    ]

    tag = {"If-Match": shown.headers["ETag"]}
    changed = {**shown.json(), "enabled": False, "lang": "en"}
    put = await planner.put(path, json=changed, headers=tag)
    assert (put.json()["enabled"], put.json()["lang"]) == (False, "en")
    assert (await planner.put(path, json=changed, headers=tag)).status_code == 412
    assert (await planner.post(f"{path}/test")).status_code == 409
    fresh = {"If-Match": put.headers["ETag"]}
    assert (await planner.delete(path, headers=fresh)).status_code == 204
    assert (await planner.get(path)).status_code == 404


async def test_rotation_keeps_the_former_secret_for_a_while(
    planner: httpx.AsyncClient, state: ServiceState
) -> None:
    first = await make(planner)
    path = f"/webhooks/{first['id']}/rotate"
    rotated = await planner.post(path, json={"overlap_hours": 2})
    assert rotated.status_code == 201, rotated.text
    assert rotated.json()["secret"] != first["secret"]
    until = datetime.fromisoformat(rotated.json()["former_secret_until"])
    assert abs(until - datetime.now(UTC) - timedelta(hours=2)) < timedelta(minutes=1)
    for overlap in (-1, 24 * 31, "1", None):
        refused = await planner.post(path, json={"overlap_hours": overlap})
        assert refused.status_code == 400
    async with state.sessions() as session:
        row = (await session.scalars(select(Webhook))).one()
        assert row.former_secret is not None
        kept = [
            SecretBox(SECRET, PURPOSE).open(one, row.code)
            for one in (row.former_secret, row.secret)
        ]
    assert [show_secret(one) for one in kept] == [first["secret"], rotated.json()["secret"]]
    async with state.sessions.begin() as session:
        row = (await session.scalars(select(Webhook))).one()
        row.secret = SecretBox("the server's former secret", PURPOSE).close(b"secret", row.code)
    again = await planner.post(path, json={})
    assert (again.status_code, again.json()["former_secret_until"]) == (201, None)
    async with state.sessions() as session:
        row = (await session.scalars(select(Webhook))).one()
        [signs] = valid_secrets(row, SecretBox(SECRET, PURPOSE), datetime.now(UTC))
    assert show_secret(signs) == again.json()["secret"]


async def test_tests_and_redelivery(planner: httpx.AsyncClient, state: ServiceState) -> None:
    code = (await make(planner))["id"]
    path = f"/webhooks/{code}/deliveries"
    for _ in range(3):
        sent = await planner.post(f"/webhooks/{code}/test")
        assert sent.status_code == 201, sent.text
    told = (await planner.get(sent.headers["Location"])).json()["payload"]
    assert told["type"] == "webhook.test"
    assert told.keys() == {"type", "timestamp", "sequence", "data"}
    first = (await planner.get(f"{path}?limit=2&status=waiting")).json()
    assert [one["status"] for one in first["deliveries"]] == ["waiting", "waiting"]
    following = next(link["href"] for link in first["links"] if link["rel"] == "next")
    rest = (await planner.get(following)).json()
    assert len(rest["deliveries"]) == 1
    assert not [link for link in rest["links"] if link["rel"] == "next"]
    ids = [one["id"] for one in (*first["deliveries"], *rest["deliveries"])]
    assert len(set(ids)) == 3
    assert (await planner.get(f"{path}?status=dead")).json()["deliveries"] == []
    assert (await planner.get(f"{path}?status=lost")).status_code == 400

    async with state.sessions.begin() as session:
        row = await session.get_one(Delivery, sent.json()["id"])
        row.status, row.attempt, row.finished_at = "dead", 10, datetime.now(UTC)
    again = await planner.post(f"{path}/{sent.json()['id']}/redeliver")
    assert again.status_code == 201, again.text
    assert (again.json()["id"], again.json()["status"]) == (sent.json()["id"], "waiting")
    assert again.json()["attempts"] == 0
    absent = "00000000-0000-0000-0000-000000000000"
    assert (await planner.post(f"{path}/{absent}/redeliver")).status_code == 404
    # Deliveries of one webhook are not those of another.
    other = (await make(planner))["id"]
    assert (await planner.get(f"/webhooks/{other}/deliveries/{ids[0]}")).status_code == 404


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"url": "http://hooks.example.org/"}, "/url"),
        ({"url": "https://elsewhere.example/"}, "/url"),
        ({"url": "https://169.254.169.254/latest"}, "/url"),
        ({"url": "https://user:pw@hooks.example.org/"}, "/url"),
        ({"url": ""}, "/url"),
        ({"events": []}, "/events"),
        ({"events": ["alert.exploded"]}, "/events"),
        ({"region": "nowhere"}, "/region"),
        ({"lang": "fr"}, "/lang"),
        ({"name": ""}, "/name"),
        ({"name": "a\x00"}, "/name"),
        ({"secret": "whsec_mine"}, "/secret"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    planner: httpx.AsyncClient, state: ServiceState, changes: dict[str, Any], pointer: str
) -> None:
    for lang in ("zh", "en"):
        answer = await planner.post(f"/webhooks?lang={lang}", json={**NEW, **changes})
        assert answer.status_code == 400, answer.text
        assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]
    async with state.sessions() as session:
        assert (await session.scalars(select(Webhook))).all() == []


async def test_only_for_those_who_work_for_the_region(
    planner: httpx.AsyncClient, state: ServiceState, app: FastAPI, client_with: MakeClient
) -> None:
    async with state.sessions.begin() as session:
        for code in ("west", "east"):
            await add_region(session, code, level="district")
        key = await create_key(
            session,
            name="west",
            scopes=[Scope.READ, Scope.WRITE],
            roles=[RoleGiven(Role.PLANNER, "west")],
        )
    everywhere = await make(planner)
    west = await make(planner, region="west")
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers) as local:
        listed = (await local.get("/webhooks")).json()["webhooks"]
        assert [hook["id"] for hook in listed] == [west["id"]]
        for path in ("", "/deliveries"):
            assert (await local.get(f"/webhooks/{everywhere['id']}{path}")).status_code == 404
        assert (await local.post(f"/webhooks/{everywhere['id']}/test")).status_code == 404
        assert (await local.delete(f"/webhooks/{everywhere['id']}")).status_code == 404
        for region, status in ((None, 403), ("east", 403), ("west", 201)):
            answer = await local.post("/webhooks", json={**NEW, "region": region})
            assert answer.status_code == status, answer.text
        moved = await local.put(f"/webhooks/{west['id']}", json={**NEW, "region": "east"})
        assert moved.status_code == 403
    # Its deliveries tell of the region it was made for.
    for region in ("east", None):
        moved = await planner.put(f"/webhooks/{west['id']}", json={**NEW, "region": region})
        assert (moved.status_code, moved.json()["errors"][0]["pointer"]) == (400, "/region")
    assert (await planner.get(f"/webhooks/{west['id']}")).json()["region"] == "west"
    anonymous, reader = await client_with(), await client_with(Scope.READ)
    for client, status in ((anonymous, 401), (reader, 403)):
        assert (await client.get("/webhooks")).status_code == status
        assert (await client.post("/webhooks", json=NEW)).status_code == status


async def make_rule(planner: httpx.AsyncClient, state: ServiceState, **changes: Any) -> None:
    """A rule at the only station there is."""
    async with state.sessions.begin() as session:
        await forget_observations(session)
        await add_station(session, "s 1")
    rule = {
        "code": "pm25-high",
        "name_zh": "细颗粒物偏高",
        "name_en": "Fine particles high",
        "kind": "above",
        "property": "pm25",
        "limits": {"yellow": 75, "red": 250},
        **changes,
    }
    made = await planner.post("/alert-rules", json=rule)
    assert made.status_code == 201, made.text


async def test_quiet_hours_hold_messages_back(
    planner: httpx.AsyncClient, state: ServiceState
) -> None:
    now = datetime.now(UTC)
    begins, ends = (f"{now + timedelta(hours=by):%H:%M}" for by in (-1, 2))
    await make_rule(planner, state, quiet={"from": begins, "to": ends, "time_zone": "UTC"})
    hook = await make(planner, events=ALERT_EVENTS)
    for minute, value in ((2, 80.0), (1, 260.0)):
        moment = now - timedelta(minutes=minute)
        await store_observations(state.sessions, [FeedObservation("s 1", "pm25", moment, value)])
        async with state.sessions.begin() as session:
            await evaluate_changes(session)
    opened, escalated = await written(state, hook["id"])
    assert opened.due_at > now + timedelta(hours=1.9)
    # What is red passes.
    assert escalated.payload["data"]["level"] == "red"
    assert escalated.due_at < now + timedelta(minutes=1)


async def test_alerts_are_written_for_webhooks(
    planner: httpx.AsyncClient, state: ServiceState
) -> None:
    await make_rule(planner, state)
    hook = await make(planner, events=ALERT_EVENTS, lang="en")
    deaf = await make(planner, events=["case.opened"])
    time = datetime.now(UTC) - timedelta(minutes=5)
    for minute, value in enumerate((80.0, 260.0)):
        moment = time + timedelta(minutes=minute)
        await store_observations(state.sessions, [FeedObservation("s 1", "pm25", moment, value)])
        async with state.sessions.begin() as session:
            await evaluate_changes(session)
    [alert] = (await planner.get("/alerts")).json()["alerts"]
    noted = await planner.post(f"/alerts/{alert['id']}/acknowledge", json={"note": "seen"})
    assert noted.status_code == 200, noted.text
    now = time + timedelta(minutes=3)
    await store_observations(state.sessions, [FeedObservation("s 1", "pm25", now, 10)])
    async with state.sessions.begin() as session:
        await evaluate_changes(session)
    rows = await written(state, hook["id"])
    assert [row.event_type for row in rows] == ALERT_EVENTS
    assert [row.payload["data"]["level"] for row in rows] == ["yellow", "red", "red", "red"]
    last = rows[-1].payload
    assert (last["type"], last["timestamp"][-1]) == ("alert.closed", "Z")
    # As it is answered, but for the host of its links.
    shown = (await planner.get(f"/alerts/{alert['id']}?lang=en")).json()
    assert {"id", "station", "level", "status", "events", "links"} <= last["data"].keys()
    answered = {(link["rel"], link["href"].replace("&lang=en", "")) for link in shown["links"]}
    told = [(link["rel"], link["href"]) for link in last["data"]["links"]]
    assert {(rel, f"{BASE}{href}") for rel, href in told} <= {
        (rel, href.replace("?lang=en", "")) for rel, href in answered
    }
    assert {"self", "describedby", "related", "evidence"} == {rel for rel, _ in told}
    plain = {name: value for name, value in last["data"].items() if name != "links"}
    assert {name: shown[name] for name in plain} == plain
    assert await written(state, deaf["id"]) == []


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_pages(planner: httpx.AsyncClient, lang: str) -> None:
    code = (await make(planner, name="<b>desk</b>"))["id"]
    sent = (await planner.post(f"/webhooks/{code}/test")).json()
    word = {"zh": "投递记录", "en": "Deliveries"}[lang]
    for path in (
        "/webhooks",
        f"/webhooks/{code}",
        f"/webhooks/{code}/deliveries",
        f"/webhooks/{code}/deliveries?status=waiting",
    ):
        page = await planner.get(path, params={"f": "html", "lang": lang})
        assert page.status_code == 200, page.text
        assert word in page.text
        assert "<b>" not in page.text
    page = await planner.get(f"/webhooks/{code}/deliveries/{sent['id']}?f=html&lang={lang}")
    assert "webhook.test" in page.text


@pytest.mark.configured(webhooks=WebhookSettings())
class TestWithoutASecret:
    async def test_no_webhook_is_made(self, planner: httpx.AsyncClient) -> None:
        refused = await planner.post("/webhooks?lang=en", json=NEW)
        assert refused.status_code == 409
        assert "SHANHAI_WEBHOOKS_SECRET" in refused.json()["detail"]
