"""Hands mails over to the mail server.

By aiosmtplib and not the standard library's client in a thread: what is being sent ends with its
deadline and with the worker, which no thread does.
"""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
)

from shanhai.db.alerts.subscriptions import token_of
from shanhai.db.deliveries.outbox import ClaimedDelivery, DeliveryOutcome
from shanhai.db.engine import Sessions
from shanhai.db.tables.alert import Subscription
from shanhai.settings import PublicSettings, SmtpSettings
from shanhai_worker.mail.message import Letterhead, compose

FOR_EVER = 500
"""Answers from here on say that trying again is of no use."""


@dataclass(frozen=True, slots=True)
class MailSender:
    """Sends mails to those who are subscribed."""

    sessions: Sessions
    smtp: SmtpSettings
    public: PublicSettings

    async def send(self, taken: ClaimedDelivery) -> DeliveryOutcome:
        """Send a mail, unless its reader wants no more."""
        if not self.smtp.host:
            return DeliveryOutcome(
                reason="SHANHAI_SMTP_HOST is not set: there is no mail server",
                reason_zh="SHANHAI_SMTP_HOST 未设置：没有邮件服务器",
            )
        async with self.sessions() as session:
            row = await session.get(Subscription, taken.payload["subscription"])
        if row is None or not _wants(row, taken.target):
            return DeliveryOutcome(
                reason="the subscription has ended", reason_zh="订阅已结束", final=True
            )
        token = token_of(row, self.smtp.link_secret.get_secret_value())
        mail = compose(taken, Letterhead(self.smtp.sender, self.public.api_url), token)
        try:
            async with asyncio.timeout(self.smtp.timeout_s):
                return await self._hand_over(mail)
        except SMTPRecipientsRefused as error:
            refused = error.recipients[0]
            return _refusal(refused, final=refused.code >= FOR_EVER)
        except SMTPResponseException as error:
            # What was said of the message itself is final; the rest may be set right.
            final = isinstance(error, SMTPDataError) and error.code >= FOR_EVER
            return _refusal(error, final=final)
        except (SMTPException, OSError) as error:
            why = type(error).__name__
            return DeliveryOutcome(
                reason=f"the mail server cannot be reached: {why}",
                reason_zh=f"邮件服务器无法连接：{why}",
            )

    async def _hand_over(self, mail: EmailMessage) -> DeliveryOutcome:
        client = self._client()
        try:
            await client.connect()
            await client.send_message(mail)
        finally:
            # What was accepted is sent, whatever becomes of the farewell.
            with suppress(SMTPException, OSError):
                await client.quit(timeout=1)
            client.close()
        return DeliveryOutcome(answered=250)

    def _client(self) -> SMTP:
        smtp = self.smtp
        trusted = None
        if smtp.tls != "none":
            trusted = ssl.create_default_context(cafile=smtp.tls_ca)
        return SMTP(
            hostname=smtp.host,
            port=smtp.port,
            username=smtp.user or None,
            password=smtp.password.get_secret_value() or None,
            use_tls=smtp.tls == "tls",
            start_tls=smtp.tls == "starttls",
            tls_context=trusted,
            # The name of the machine may take seconds to look up.
            local_hostname=smtp.sender.rpartition("@")[2],
            timeout=smtp.timeout_s,
        )


def _wants(row: Subscription, address: str) -> bool:
    return (
        row.enabled
        and row.deleted_at is None
        and row.unsubscribed_at is None
        and row.address == address
    )


def _refusal(error: SMTPResponseException, *, final: bool) -> DeliveryOutcome:
    said = " ".join(error.message.split())
    return DeliveryOutcome(
        answered=error.code,
        reason=f"the mail server answered {error.code}: {said}",
        reason_zh=f"邮件服务器应答 {error.code}：{said}",
        final=final,
    )
