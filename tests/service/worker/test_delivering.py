"""A worker sends what is in the outbox to receivers that really listen."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import orjson
import pytest
from pydantic import SecretStr
from sqlalchemy import select, text
from standardwebhooks import Webhook as StandardWebhook

from shanhai.crypto import SecretBox
from shanhai.db.deliveries.outbox import enqueue
from shanhai.db.deliveries.webhooks import PURPOSE, create_webhook, find_webhook, rotate_secret
from shanhai.db.engine import Sessions
from shanhai.db.identity import Identity
from shanhai.db.queries.audit import Act
from shanhai.db.tables.access import AuditLog
from shanhai.db.tables.delivery import Delivery
from shanhai.jobs import states
from shanhai.jobs.messages import lost
from shanhai.processes.echo.contract import ECHO, EchoInputs
from shanhai.settings import OutgoingSettings, PublicSettings, WebhookSettings
from shanhai.shutdown import end
from shanhai.vocabulary import Scope
from shanhai_worker import deliveries
from shanhai_worker.context import Agenda, WorkerContext
from shanhai_worker.deliveries import make_senders
from tests.support.emptying import forget_rows
from tests.support.job_rows import claim_job, submit
from tests.support.receiver import Receiver, local_receiver
from tests.support.serving import kill
from tests.support.workers import Workers, eventually

SECRET = "a secret of the server, for tests."
PLANNER = Identity("key:test", frozenset({Scope.WRITE}))
ACT = Act("key:test")
BASE = "https://api.example"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with local_receiver() as receiver:
        yield receiver


@pytest.fixture
async def outbox(sessions: Sessions) -> Sessions:
    """Sessions on a database where nothing is to be sent."""
    async with sessions.begin() as session:
        await forget_rows(session, ["delivery", "webhook"])
    return sessions


@asynccontextmanager
async def keeping(
    context: WorkerContext, *receivers: Receiver, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    """A keeper that may reach the receivers, and looks often."""
    for module in ("context", "deliveries"):
        monkeypatch.setattr(f"shanhai_worker.{module}.LOOK_S", 0.05)
    settings = OutgoingSettings.model_validate(
        {
            "http_hosts": [f"127.0.0.1:{receiver.port}" for receiver in receivers],
            "networks": "127.0.0.0/8",
        }
    )
    senders = make_senders(
        context.sessions,
        PublicSettings(api_url=BASE),
        WebhookSettings(secret=SecretStr(SECRET)),
        settings,
    )
    task = asyncio.create_task(deliveries.run_deliveries(context, senders))
    try:
        yield
    finally:
        await end(task)


async def hook_to(sessions: Sessions, receiver: Receiver) -> tuple[str, StandardWebhook]:
    """A webhook, and what its receiver verifies with."""
    contents = {
        "name": "desk",
        "url": f"{receiver.url}/in",
        "events": ["alert.opened"],
        "region": None,
        "lang": "zh",
        "enabled": True,
    }
    async with sessions.begin() as session:
        found, secret = await create_webhook(
            session, contents, seal=SecretBox(SECRET, PURPOSE), identity=PLANNER, act=ACT
        )
        return found.row.code, StandardWebhook(secret)


async def tell(sessions: Sessions, code: str, number: int = 1) -> UUID:
    payload = {"type": "alert.opened", "data": {"n": number, "links": [{"href": "/alerts/1"}]}}
    async with sessions.begin() as session:
        made = await enqueue(session, "webhook", code, "alert.opened", payload)
    assert made is not None
    return made


async def ended(sessions: Sessions, delivery_id: UUID, status: str = "delivered") -> Delivery:
    """The delivery, once it is in a state."""
    query = select(Delivery).where(Delivery.id == delivery_id)

    async def is_so() -> bool:
        async with sessions() as session:
            return (await session.scalars(query)).one().status == status

    await eventually(is_so)
    async with sessions() as session:
        return (await session.scalars(query)).one()


async def test_messages_are_signed_and_tried_again(
    outbox: Sessions, context: WorkerContext, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, verifier = await hook_to(outbox, receiver)
    receiver.statuses = [500, 302, 204]
    delivery_id = await tell(outbox, code)
    async with keeping(context, receiver, monkeypatch=monkeypatch):
        for number in (1, 2):
            await asyncio.to_thread(receiver.wait_for, number)
            await ended(outbox, delivery_id, "waiting")

            async def due_again(attempt: int = number) -> bool:
                """Let time pass, once the answer has been noted."""
                moved = text(
                    "UPDATE delivery SET due_at = now() WHERE attempt = :n AND lease_until IS NULL"
                    " RETURNING id"
                )
                async with outbox.begin() as session:
                    return (await session.execute(moved, {"n": attempt})).first() is not None

            await eventually(due_again)
        row = await ended(outbox, delivery_id)
    assert (row.attempt, row.answered, row.reason) == (3, 204, None)
    assert {one.headers["webhook-id"] for one in receiver.received} == {str(delivery_id)}
    told = [verifier.verify(one.body, dict(one.headers)) for one in receiver.received]
    assert told[0] == {
        "type": "alert.opened",
        "data": {"n": 1, "links": [{"href": f"{BASE}/alerts/1"}]},
        "sequence": row.number,
    }
    assert told[1:] == told[:1] * 2
    assert receiver.received[0].headers["Content-Type"] == "application/json"


async def test_both_secrets_sign_while_they_overlap(
    outbox: Sessions, context: WorkerContext, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, former = await hook_to(outbox, receiver)
    async with outbox.begin() as session:
        _, shown = await rotate_secret(
            session,
            code,
            overlap=timedelta(hours=1),
            seal=SecretBox(SECRET, PURPOSE),
            identity=PLANNER,
            act=ACT,
        )
    async with keeping(context, receiver, monkeypatch=monkeypatch):
        await ended(outbox, await tell(outbox, code))
        async with outbox.begin() as session:
            await session.execute(text("UPDATE webhook SET former_until = now()"))
        await ended(outbox, await tell(outbox, code, 2))
    first, second = receiver.received
    for verifier in (former, StandardWebhook(shown)):
        verifier.verify(first.body, dict(first.headers))
    assert len(second.headers["webhook-signature"].split(" ")) == 1
    StandardWebhook(shown).verify(second.body, dict(second.headers))


async def test_one_that_wants_no_more_is_disabled(
    outbox: Sessions, context: WorkerContext, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _ = await hook_to(outbox, receiver)
    receiver.statuses = [410]
    async with keeping(context, receiver, monkeypatch=monkeypatch):
        row = await ended(outbox, await tell(outbox, code), "dead")
        assert (row.attempt, row.answered) == (1, 410)
        # What was waiting for it is given up without asking.
        later = await ended(outbox, await tell(outbox, code), "dead")
        assert (later.reason, later.reason_zh) == ("the webhook is disabled", "订阅已停用")
    assert len(receiver.received) == 1
    async with outbox() as session:
        hook = (await find_webhook(session, code, PLANNER)).row
        assert not hook.enabled
        assert hook.disabled_reason == "gone"
        noted = select(AuditLog.action).where(AuditLog.object_id == code)
        assert "disable" in set(await session.scalars(noted))


async def test_a_slow_receiver_keeps_nobody_waiting(
    outbox: Sessions, context: WorkerContext, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with local_receiver() as slow:
        slow.delay_s = 60
        slow_code, _ = await hook_to(outbox, slow)
        code, _ = await hook_to(outbox, receiver)
        waiting = [await tell(outbox, slow_code) for _ in range(40)]
        async with keeping(context, slow, receiver, monkeypatch=monkeypatch):
            await asyncio.to_thread(slow.wait_for, 1)
            for number in range(5):
                await ended(outbox, await tell(outbox, code, number))
            assert len(slow.received) == 1
        async with outbox() as session:
            query = select(Delivery.status).where(Delivery.id.in_(waiting))
            assert set(await session.scalars(query)) == {"waiting"}
    assert [orjson.loads(one.body)["data"]["n"] for one in receiver.received] == list(range(5))


async def test_who_waits_for_deliveries_sees_one_that_is_due(
    outbox: Sessions, receiver: Receiver
) -> None:
    code, _ = await hook_to(outbox, receiver)
    assert not await Agenda(outbox).is_due("deliveries")
    await tell(outbox, code)
    assert await Agenda(outbox).is_due("deliveries")


async def test_a_worker_killed_before_it_noted_sends_the_same_again(
    outbox: Sessions, workers: Workers, receiver: Receiver
) -> None:
    code, verifier = await hook_to(outbox, receiver)
    receiver.delay_s = 60
    delivery_id = await tell(outbox, code)
    reaching = {
        "SHANHAI_WEBHOOKS_SECRET": SECRET,
        "SHANHAI_OUTGOING_HTTP_HOSTS": f"127.0.0.1:{receiver.port}",
        "SHANHAI_OUTGOING_NETWORKS": "127.0.0.0/8",
        "SHANHAI_OUTGOING_TIMEOUT_S": "30",
    }
    victim = workers.start(variables=reaching)
    await asyncio.to_thread(receiver.wait_for, 1)
    kill(victim)
    async with outbox.begin() as session:
        # As if the lease had run out since.
        await session.execute(text("UPDATE delivery SET lease_until = now() - interval '1 second'"))
    receiver.delay_s = 0
    workers.start(variables=reaching)
    row = await ended(outbox, delivery_id)
    assert row.attempt == 2
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == str(delivery_id)
    assert first.body == second.body
    verifier.verify(second.body, dict(second.headers))


async def test_subscribers_are_told_of_their_jobs(
    outbox: Sessions, context: WorkerContext, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def job(message: str) -> states.Lease:
        subscriber = {
            name: f"{receiver.url}/{message}/{name}"
            for name in ("successUri", "inProgressUri", "failedUri")
        }
        async with outbox.begin() as session:
            made = await submit(
                session,
                contract=ECHO,
                inputs=EchoInputs(message=message),
                requested_by="tester",
                subscriber={**subscriber, "lang": "en"},
            )
        async with outbox.begin() as session:
            claim = await claim_job(session, worker="w", lease_s=60, job_id=made.id)
        assert claim is not None
        return claim.lease

    good, bad, stopped = await job("good"), await job("bad"), await job("stopped")
    async with outbox.begin() as session:
        await states.succeed(session, good, result={"values": {"message": "good"}, "outputs": {}})
        await states.fail(session, bad, lost(2))
        await states.dismiss(session, stopped)
    with pytest.raises(states.LeaseLost):
        async with outbox.begin() as session:
            # A second end is none, and tells nobody.
            await states.succeed(session, good, result={"values": {}, "outputs": {}})
    async with keeping(context, receiver, monkeypatch=monkeypatch):
        await asyncio.to_thread(receiver.wait_for, 6)
    told = {one.path: orjson.loads(one.body) for one in receiver.received}
    assert len(receiver.received) == 6
    assert told["/good/successUri"] == {"message": "good"}
    for name, status in (("bad", "failed"), ("stopped", "dismissed")):
        # Told late, it is still what it was.
        assert told[f"/{name}/inProgressUri"]["status"] == "running"
        info = told[f"/{name}/failedUri"]
        assert (info["status"], info["processID"]) == (status, "echo")
        assert info["links"][0]["href"].startswith(f"{BASE}/jobs/")
