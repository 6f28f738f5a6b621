"""Sends messages to webhooks, signed, and the end of jobs to their subscribers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from shanhai import __version__
from shanhai.db.deliveries.outbox import ClaimedDelivery, DeliveryOutcome
from shanhai.db.deliveries.webhooks import (
    PURPOSE,
    disable_webhook,
    live_webhook,
    valid_secrets,
)
from shanhai.db.engine import Sessions
from shanhai.db.queries.audit import Act
from shanhai.db.tables.job import Job
from shanhai.jobs.callbacks import callback_results
from shanhai.outgoing import Outgoing
from shanhai.sealing import Seal
from shanhai.settings import OutgoingSettings, PublicSettings, WebhookSettings
from shanhai.signature import sign
from shanhai_worker.delivery_keeper import Sender

GONE = 410
CHANGED_BY = Act("worker:deliveries")
ENDED = DeliveryOutcome(reason="the webhook was ended", reason_zh="订阅已删除", final=True)
DISABLED = DeliveryOutcome(reason="the webhook is disabled", reason_zh="订阅已停用", final=True)
FORGOTTEN = DeliveryOutcome(
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
    outgoing: Outgoing
    base_url: str
    seal: Seal

    async def __call__(self, taken: ClaimedDelivery) -> DeliveryOutcome:
        """Send a message to a webhook; one that answers 410 is disabled."""
        async with self.sessions() as session:
            hook = await live_webhook(session, taken.target)
        if hook is None or not hook.enabled:
            return ENDED if hook is None else DISABLED
        body = orjson.dumps(with_host(taken.payload, self.base_url))
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
    outgoing: Outgoing
    base_url: str

    async def __call__(self, taken: ClaimedDelivery) -> DeliveryOutcome:
        """Tell the subscriber of a job how it goes, or what came of it."""
        body = with_host(taken.payload.get("status"), self.base_url)
        if body is None:
            async with self.sessions() as session:
                job = await session.get(Job, UUID(taken.payload["job"]))
            if job is None:
                return FORGOTTEN
            body = callback_results(job, base_url=self.base_url)
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
    client, secret = Outgoing(outgoing), webhooks.secret.get_secret_value()
    subscribers = SubscriberSender(sessions, client, public.api_url)
    senders: dict[str, Sender] = {"callback": subscribers}
    if secret:
        # Without it they wait, for a worker that has it.
        senders["webhook"] = WebhookSender(sessions, client, public.api_url, Seal(secret, PURPOSE))
    return senders


def outcome_of(status: int, *, final: bool) -> DeliveryOutcome:
    """What an answer means; redirects are not followed, so they deliver nothing."""
    if 200 <= status < 300:
        return DeliveryOutcome(answered=status)
    en, zh = f"the receiver answered {status}", f"接收方应答 {status}"
    return DeliveryOutcome(answered=status, reason=en, reason_zh=zh, final=final)


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
