"""The outbox: deliveries are leased, sent outside any transaction, then recorded."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import structlog

from shanhai import __version__
from shanhai.crypto import SecretBox
from shanhai.db.deliveries import outbox
from shanhai.db.deliveries.webhooks import (
    PURPOSE,
    disable_webhook,
    live_webhook,
    valid_secrets,
)
from shanhai.db.engine import Sessions
from shanhai.db.queries.audit import Act
from shanhai.db.tables.job import Job
from shanhai.errors import ShanhaiError
from shanhai.http_egress import EgressClient
from shanhai.jobs.results import language_of, results_document
from shanhai.settings import OutgoingSettings, PublicSettings, WebhookSettings
from shanhai.webhook_secrets import sign
from shanhai_worker.context import DATABASE_ERRORS, WorkerContext, outlast

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

LOOK_S = 1.0
"""Seconds between looks for what is due, while there is nothing."""
PRUNE_S = 600.0
MOST_AT_ONCE = 32
LEASE_S = 60.0
"""Longer than any sender takes: what is left of it when one is done is not missed by anybody."""
SEND_S = 45.0
FINISH_S = 0.8
"""Seconds that what is being sent gets to finish when the worker stops, which does not ask twice
for less than a second; what does not is sent again by another one."""

Sender = Callable[[outbox.ClaimedDelivery], Awaitable[outbox.DeliveryOutcome]]


async def run_deliveries(context: WorkerContext, senders: Mapping[str, Sender]) -> None:
    """Send for ever, each kind by its sender; kinds without one wait."""
    sending: set[asyncio.Task[None]] = set()
    pruned_at = 0.0
    try:
        while True:
            taken: list[outbox.ClaimedDelivery] = []
            try:
                taken = await _take(context, senders, MOST_AT_ONCE - len(sending))
                if time.monotonic() - pruned_at >= PRUNE_S:
                    pruned_at = time.monotonic()
                    async with context.sessions.begin() as session:
                        await outbox.prune_deliveries(session)
            except DATABASE_ERRORS as error:
                log.warning("nothing sent", error=type(error).__name__)
            for one in taken:
                task = asyncio.create_task(deliver(context, senders[one.kind], one))
                sending.add(task)
                task.add_done_callback(sending.discard)
            if sending:
                # Who is done makes room, for its own target too.
                await asyncio.wait(sending, timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
            else:
                await context.agenda.wait_for("deliveries")
    finally:
        if sending:
            _, late = await asyncio.wait(sending, timeout=FINISH_S)
            for task in late:
                task.cancel()


async def deliver(context: WorkerContext, sender: Sender, taken: outbox.ClaimedDelivery) -> None:
    """Send one delivery, and note what became of it."""
    outcome = await _send(sender, taken)

    async def write() -> str | None:
        async with context.sessions.begin() as session:
            return await outbox.note_outcome(session, taken, outcome)

    try:
        status = await outlast(write)
    except DATABASE_ERRORS as error:
        # Its lease runs out, and it is sent again.
        log.warning("outcome not noted", delivery=str(taken.id), error=type(error).__name__)
        return
    context.meters.deliveries.labels(taken.kind, status or "taken over").inc()
    if status != "delivered":
        log.warning(
            "not delivered",
            delivery=str(taken.id),
            kind=taken.kind,
            attempt=taken.attempt,
            status=status,
            answered=outcome.answered,
        )


async def _send(sender: Sender, taken: outbox.ClaimedDelivery) -> outbox.DeliveryOutcome:
    try:
        async with asyncio.timeout(SEND_S):
            return await sender(taken)
    except TimeoutError:
        return outbox.DeliveryOutcome(
            reason=f"not sent within {SEND_S:g} s", reason_zh=f"{SEND_S:g} 秒内未能发出"
        )
    except ShanhaiError as error:
        return outbox.DeliveryOutcome(reason=error.message, reason_zh=error.message_zh)
    except Exception as error:
        # One message that cannot be made must not keep the others from being sent.
        log.exception("delivery failed in the worker", delivery=str(taken.id), kind=taken.kind)
        why = type(error).__name__
        return outbox.DeliveryOutcome(
            reason=f"could not be sent: {why}", reason_zh=f"无法发出：{why}"
        )


async def _take(
    context: WorkerContext, senders: Mapping[str, Sender], room: int
) -> list[outbox.ClaimedDelivery]:
    if room <= 0 or not senders:
        return []
    async with context.sessions.begin() as session:
        return await outbox.take(session, senders, most=room, lease_s=LEASE_S)


GONE = 410
CHANGED_BY = Act("worker:deliveries")
ENDED = outbox.DeliveryOutcome(reason="the webhook was ended", reason_zh="订阅已删除", final=True)
DISABLED = outbox.DeliveryOutcome(
    reason="the webhook is disabled", reason_zh="订阅已停用", final=True
)
FORGOTTEN = outbox.DeliveryOutcome(
    reason="the job is not kept any more", reason_zh="作业已不存在", final=True
)
PLAIN_HEADERS = {
    "Content-Type": "application/json",
    "User-Agent": f"Shanhai/{__version__}",
}


@dataclass(frozen=True, slots=True)
class WebhookSender:
    """Sends signed messages to webhooks.

    Attributes:
        base_url: Public address of the API, with which links begin.
        seal: Opens the secrets of webhooks.
    """

    sessions: Sessions
    outgoing: EgressClient
    base_url: str
    seal: SecretBox

    async def __call__(self, taken: outbox.ClaimedDelivery) -> outbox.DeliveryOutcome:
        """Send a message to a webhook; one that answers 410 is disabled."""
        async with self.sessions() as session:
            hook = await live_webhook(session, taken.target)
        if hook is None or not hook.enabled:
            return ENDED if hook is None else DISABLED
        body = orjson.dumps(with_host({**taken.payload, "sequence": taken.number}, self.base_url))
        moment = datetime.now(UTC)
        now = int(moment.timestamp())
        secrets = valid_secrets(hook, self.seal, moment)
        headers = {
            **PLAIN_HEADERS,
            "webhook-id": str(taken.id),
            "webhook-timestamp": str(now),
            "webhook-signature": sign(secrets, str(taken.id), now, body),
        }
        status = await self.outgoing.post(hook.url, body, headers)
        if status == GONE:
            async with self.sessions.begin() as session:
                await disable_webhook(session, hook.code, act=CHANGED_BY)
        return outcome_of(status, final=status == GONE)


@dataclass(frozen=True, slots=True)
class SubscriberSender:
    """Tells subscribers of jobs.

    Attributes:
        base_url: Public address of the API, with which links begin.
    """

    sessions: Sessions
    outgoing: EgressClient
    base_url: str

    async def __call__(self, taken: outbox.ClaimedDelivery) -> outbox.DeliveryOutcome:
        """Tell the subscriber of a job how it goes, or what came of it."""
        body = with_host(taken.payload.get("status"), self.base_url)
        if body is None:
            async with self.sessions() as session:
                job = await session.get(Job, UUID(taken.payload["job"]))
            if job is None:
                return FORGOTTEN
            body = results_document(job, base_url=self.base_url, lang=language_of(job))
        headers = {**PLAIN_HEADERS, "webhook-id": str(taken.id)}
        status = await self.outgoing.post(taken.target, orjson.dumps(body), headers)
        return outcome_of(status, final=status == GONE)


def make_senders(
    sessions: Sessions,
    public: PublicSettings,
    webhooks: WebhookSettings,
    outgoing: OutgoingSettings,
) -> Mapping[str, Sender]:
    """Senders by the kinds of deliveries they send."""
    client, secret = EgressClient(outgoing), webhooks.secret.get_secret_value()
    subscribers = SubscriberSender(sessions, client, public.api_url)
    senders: dict[str, Sender] = {"callback": subscribers}
    if secret:
        # Without it they wait, for a worker that has it.
        senders["webhook"] = WebhookSender(
            sessions, client, public.api_url, SecretBox(secret, PURPOSE)
        )
    return senders


def outcome_of(status: int, *, final: bool) -> outbox.DeliveryOutcome:
    """What an answer means; redirects are not followed, so they deliver nothing."""
    if 200 <= status < 300:
        return outbox.DeliveryOutcome(answered=status)
    en, zh = f"the receiver answered {status}", f"接收方应答 {status}"
    return outbox.DeliveryOutcome(answered=status, reason=en, reason_zh=zh, final=final)


def with_host(content: Any, base_url: str) -> Any:
    """The content with its links made absolute."""
    if isinstance(content, Mapping):
        return {
            name: f"{base_url}{value}"
            if name == "href" and isinstance(value, str) and value.startswith("/")
            else with_host(value, base_url)
            for name, value in content.items()
        }
    return [with_host(item, base_url) for item in content] if isinstance(content, list) else content
