"""`/subscriptions` and the way out of one: made, read, ended, refused."""

from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import select

from shanhai.db.alerts.subscriptions import find_subscription, token_of
from shanhai.db.tables.delivery import Delivery
from shanhai.settings import SmtpSettings
from shanhai.vocabulary import Scope
from shanhai_api.kit.state import ServiceState
from tests.service.api.conftest import MakeClient
from tests.support.emptying import forget_rows

SECRET = "s" * 32
NEW: dict[str, Any] = {"name": "值班员", "address": "duty@example.org", "levels": ["red", "yellow"]}


# The API itself never calls the mail server.
pytestmark = pytest.mark.configured(
    smtp=SmtpSettings(host="127.0.0.1", sender="a@bureau.example", link_secret=SecretStr(SECRET))
)


@pytest.fixture
async def clerk(state: ServiceState, admin: httpx.AsyncClient) -> httpx.AsyncClient:
    """An administrator, where nobody is subscribed."""
    async with state.sessions.begin() as session:
        await forget_rows(session, ["subscription", "delivery"])
    return admin


async def test_subscriptions_are_made_replaced_and_ended(
    clerk: httpx.AsyncClient, state: ServiceState
) -> None:
    made = await clerk.post("/subscriptions", json=NEW, headers={"Idempotency-Key": "one"})
    assert made.status_code == 201, made.text
    address = made.headers["Location"]
    told = made.json()
    assert (told["levels"], told["lang"], told["time_zone"]) == (
        *(["yellow", "red"], "zh", "Asia/Shanghai"),
    )
    again = await clerk.post("/subscriptions", json=NEW, headers={"Idempotency-Key": "one"})
    assert again.json() == told
    tag = {"If-Match": made.headers["ETag"]}
    daily = {**NEW, "digest_at": "08:00", "lang": "en"}
    put = await clerk.put(address, json=daily, headers=tag)
    assert put.json()["digest_at"] == "08:00"
    assert (await clerk.put(address, json=daily, headers=tag)).status_code == 412
    assert (await clerk.post(f"{address}/test")).status_code == 202
    [mail] = (await clerk.get(f"{address}/deliveries?status=waiting")).json()["deliveries"]
    assert (mail["type"], mail["status"], mail["attempts"]) == ("alert.test", "waiting", 0)
    async with state.sessions() as session:
        row = (await session.scalars(select(Delivery))).one()
    assert (row.kind, row.target, row.payload["lang"]) == ("email", "duty@example.org", "en")
    for page in ("/subscriptions", address, f"{address}/deliveries"):
        shown = await clerk.get(page, params={"f": "html", "lang": "zh"})
        assert shown.status_code == 200, shown.text
    assert (await clerk.delete(address)).status_code == 204
    assert (await clerk.get(address)).status_code == 404
    assert (await clerk.get("/subscriptions")).json()["subscriptions"] == []


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"address": "no address"}, "/address"),
        ({"address": "a@b.cn, c@d.cn"}, "/address"),
        ({"address": "a@b.cn\r\nBcc: c@d.cn"}, "/address"),
        ({"name": "a\nb"}, "/name"),
        ({"levels": []}, "/levels"),
        ({"rules": ["none"]}, "/rules/0"),
        ({"region": "none"}, "/region"),
        ({"digest_at": "24:00"}, "/digest_at"),
        ({"time_zone": "Beijing"}, "/time_zone"),
        ({"time_zone": "../../etc/passwd"}, "/time_zone"),
        ({"channel": "sms"}, "/channel"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    clerk: httpx.AsyncClient, changes: dict[str, Any], pointer: str
) -> None:
    answer = await clerk.post("/subscriptions", json={**NEW, **changes})
    assert answer.status_code == 400, answer.text
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]


async def test_addresses_are_for_administrators(
    clerk: httpx.AsyncClient, anonymous: httpx.AsyncClient, client_with: MakeClient
) -> None:
    planner = await client_with(Scope.READ, Scope.WRITE)
    for client, status in ((anonymous, 401), (planner, 403)):
        assert (await client.get("/subscriptions")).status_code == status
        assert (await client.post("/subscriptions", json=NEW)).status_code == status


async def test_the_link_of_a_mail_asks_and_then_ends_the_subscription(
    clerk: httpx.AsyncClient, anonymous: httpx.AsyncClient, state: ServiceState
) -> None:
    number = (await clerk.post("/subscriptions", json=NEW)).json()["id"]
    async with state.sessions() as session:
        token = token_of((await find_subscription(session, number)).row, SECRET)
    link = {"token": token, "lang": "zh"}
    asked = await anonymous.get("/unsubscribe", params=link, headers={"Accept": "text/html"})
    assert asked.status_code == 200
    assert "duty@example.org" in asked.text
    assert '<form method="post"' in asked.text
    # Following the link has ended nothing yet.
    assert (await clerk.get(f"/subscriptions/{number}")).json()["unsubscribed"] is None
    body = {"List-Unsubscribe": "One-Click"}
    for _ in range(2):
        ended = await anonymous.post("/unsubscribe", params=link, data=body)
        assert ended.status_code == 200
    assert (await clerk.get(f"/subscriptions/{number}")).json()["unsubscribed"] is not None
    for forged in (f"{number}.0", "1" * 30, "é.x", token + "0"):
        refused = await anonymous.post("/unsubscribe", params={"token": forged})
        assert refused.status_code == 404


async def test_without_a_mail_server_nobody_subscribes(
    clerk: httpx.AsyncClient, app: FastAPI
) -> None:
    state: ServiceState = app.state.service
    state.configuration = replace(state.configuration, smtp=SmtpSettings())
    refused = await clerk.post("/subscriptions", json=NEW)
    assert refused.status_code == 409
    assert "SHANHAI_SMTP_HOST" in refused.json()["detail"]
