"""Hands mails over to the mail server.

By aiosmtplib and not the standard library's client in a thread: what is being sent ends with its
deadline and with the worker, which no thread does.
"""

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
)
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from shanhai.db.alerts.subscriptions import token_of
from shanhai.db.deliveries.outbox import ClaimedDelivery, DeliveryOutcome
from shanhai.db.engine import Sessions
from shanhai.db.queries.sign_ins import NEW_DEVICE
from shanhai.db.tables.alert import Subscription
from shanhai.errors import InvalidInput
from shanhai.settings import PublicSettings, SmtpSettings
from shanhai.vocabulary import Label, Lang

SUBJECTS: Mapping[str, Label] = {
    "notice": Label(
        "[山海] {event_name} · {level_name}预警：{subject}",
        "[Shanhai] {event_name} · {level_name} alert: {subject}",
    ),
    "digest": Label("[山海] 预警汇总：{number} 项", "[Shanhai] {number} events of alerts"),
    "daily": Label(
        "[山海] 预警日报 {day}：{number} 项", "[Shanhai] Alerts of {day}: {number} events"
    ),
    "test": Label("[山海] 测试邮件", "[Shanhai] Mail for trial"),
}
WORDS: Mapping[str, Label] = {
    "greeting": Label("{name}：", "{name},"),
    "intro": Label("以下预警有新情况：", "This has happened to alerts:"),
    "more": Label("另有较早的 {number} 项未列出。", "{number} earlier events are not listed."),
    "all": Label("全部未处理预警", "All open alerts"),
    "test": Label(
        "这是一封测试邮件：预警邮件可以送达此地址。",
        "This is a mail for trial: mails about alerts reach this address.",
    ),
    "time": Label("时间", "Time"),
    "level": Label("级别", "Level"),
    "event": Label("情况", "Event"),
    "subject": Label("对象", "Subject"),
    "rule": Label("规则", "Rule"),
    "value": Label("数值", "Value"),
    "note": Label("说明", "Note"),
    "unsubscribe": Label("不再接收此类邮件", "End these mails"),
    "zone": Label("时间为 {zone}。", "Times are those of {zone}."),
}
CHINA = ZoneInfo("Asia/Shanghai")
PAGES = Environment(
    loader=PackageLoader("shanhai_worker.mail"),
    autoescape=select_autoescape(enabled_extensions=("html",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class _Whole(UnstructuredHeader, BaseHeader):
    """A header of one long word, which must neither be cut nor encoded (RFC 2369)."""

    def fold(self, *, policy: "policy.Policy[Any]") -> str:
        """The header on one line."""
        return f"{self.name}: {self}{policy.linesep}"


MAIL_HEADERS = HeaderRegistry()
MAIL_HEADERS.map_to_type("list-unsubscribe", _Whole)
MAIL_POLICY = policy.SMTP.clone(header_factory=MAIL_HEADERS)


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What all mails have: the address they come from, and the public address of the API."""

    sender: str
    base_url: str


def compose(taken: ClaimedDelivery, head: Letterhead, token: str) -> EmailMessage:
    """The mail of a delivery; sent again it is the same mail.

    Args:
        taken: What is told, as `alerts.noticing` wrote it.
        head: What all mails have.
        token: What its link to unsubscribe is signed with.
    """
    lang: Lang = "en" if taken.payload["lang"] == "en" else "zh"
    content = _content(taken, head, token, lang)
    mail = _addressed(taken, head, _subject(taken, content, lang))
    mail["List-Unsubscribe"] = f"<{content['unsubscribe']}>"
    mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(PAGES.get_template("mail.txt").render(content))
    mail.add_alternative(PAGES.get_template("mail.html").render(content), subtype="html")
    return mail


def compose_new_device(taken: ClaimedDelivery, head: Letterhead) -> EmailMessage:
    """The mail about a sign-in from a new device, in both languages: accounts have none.

    Args:
        taken: What is told, as `sign_ins.begin_session` wrote it.
        head: What all mails have.
    """
    told = {name: " ".join(str(value or "-").split()) for name, value in taken.payload.items()}
    at = f"{taken.created_at.astimezone(CHINA):%Y-%m-%d %H:%M}"
    mail = _addressed(taken, head, f"[山海] 新设备登录 · [Shanhai] New device: {told['name']}")
    page = PAGES.get_template("new_device.txt")
    mail.set_content(page.render(told, at=at, sessions=f"{head.base_url}/session"))
    return mail


def _addressed(taken: ClaimedDelivery, head: Letterhead, subject: str) -> EmailMessage:
    mail = EmailMessage(policy=MAIL_POLICY)
    mail["From"] = head.sender
    mail["To"] = taken.target
    mail["Subject"] = " ".join(subject.split())
    mail["Date"] = format_datetime(taken.created_at)
    mail["Message-ID"] = f"<{taken.id}@{head.sender.rpartition('@')[2]}>"
    # Answers of absence must not be sent to a machine, nor may it answer one.
    mail["Auto-Submitted"] = "auto-generated"
    return mail


def _content(taken: ClaimedDelivery, head: Letterhead, token: str, lang: Lang) -> dict[str, Any]:
    payload = taken.payload
    zone = ZoneInfo(payload["time_zone"])
    asked = urlencode({"token": token, "lang": lang})

    def word(key: str, **values: Any) -> str:
        return WORDS[key].in_(lang).format(**values)

    return {
        "word": word,
        "lang": lang,
        "name": payload["name"],
        "zone": payload["time_zone"],
        "events": [_told(event, head, zone, lang) for event in payload.get("events", ())],
        "number": payload.get("number", 0),
        "day": f"{taken.created_at.astimezone(zone):%Y-%m-%d}",
        "all": f"{head.base_url}/alerts?{urlencode({'status': 'open', 'f': 'html', 'lang': lang})}",
        "unsubscribe": f"{head.base_url}/unsubscribe?{asked}",
    }


def _told(event: Mapping[str, Any], head: Letterhead, zone: ZoneInfo, lang: Lang) -> dict[str, Any]:
    at = datetime.fromisoformat(event["at"]).astimezone(zone)
    measure = event["measure"]
    # Six digits of what is large would need an exponent.
    number = f"{measure:,.0f}" if abs(measure) >= 100_000 else f"{measure:.6g}"
    # A dash is the unit of what has none.
    value = f"{number} {event['unit'] or ''}".removesuffix("–").strip()
    link = f"{head.base_url}{event['href']}?{urlencode({'f': 'html', 'lang': lang})}"
    # The lines of a text tell its members apart: none may make lines of its own.
    texts = {name: " ".join(str(event[name] or "").split()) for name in ("subject", "rule", "note")}
    return {**event, **texts, "at": f"{at:%Y-%m-%d %H:%M}", "value": value, "link": link}


def _subject(taken: ClaimedDelivery, content: Mapping[str, Any], lang: Lang) -> str:
    if taken.event_type == "alert.test":
        return SUBJECTS["test"].in_(lang)
    if taken.event_type == "alert.notice":
        return SUBJECTS["notice"].in_(lang).format(**content["events"][0])
    kind = "daily" if taken.payload["daily"] else "digest"
    return SUBJECTS[kind].in_(lang).format(**content)


FAREWELL_S = 1.0
FOR_EVER = 500
"""Answers from here on say that trying again is of no use."""


def trust_of(smtp: SmtpSettings) -> ssl.SSLContext | None:
    """What the mail server is trusted by; None where mail goes without TLS, or nowhere.

    Raises:
        InvalidInput: the file of the settings cannot be read as certificates.
    """
    if not smtp.host or smtp.tls == "none":
        return None
    try:
        return ssl.create_default_context(cafile=smtp.tls_ca)
    except OSError as error:
        why = error.strerror or str(error)
        raise InvalidInput(
            f"SHANHAI_SMTP_TLS_CA is {smtp.tls_ca}, which holds no certificate to read: {why}",
            message_zh=f"SHANHAI_SMTP_TLS_CA 为 {smtp.tls_ca}，无法从中读取证书：{why}",
            pointer="SHANHAI_SMTP_TLS_CA",
        ) from error


@dataclass(frozen=True, slots=True)
class MailSender:
    """Sends mails to those who are subscribed, and to accounts about themselves."""

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
        mail = await self._composed(taken)
        if mail is None:
            return DeliveryOutcome(
                reason="the subscription has ended", reason_zh="订阅已结束", final=True
            )
        try:
            return await self._hand_over(mail)
        except SMTPRecipientsRefused as error:
            refused = error.recipients[0]
            return _refusal(refused, final=refused.code >= FOR_EVER)
        except SMTPResponseException as error:
            # What was said of the message itself is final; the rest may be set right.
            final = isinstance(error, SMTPDataError) and error.code >= FOR_EVER
            return _refusal(error, final=final)
        except InvalidInput as error:  # the file was there when the worker started
            return DeliveryOutcome(
                reason=error.message, reason_zh=error.message_zh or error.message
            )
        except (SMTPException, OSError) as error:
            why = " ".join(str(error).split()) or type(error).__name__
            return DeliveryOutcome(
                reason=f"the mail was not handed over: {why}",
                reason_zh=f"邮件未能交给邮件服务器：{why}",
            )

    async def _composed(self, taken: ClaimedDelivery) -> EmailMessage | None:
        """The mail; None: its reader wants no more."""
        head = Letterhead(self.smtp.sender, self.public.api_url)
        if taken.event_type == NEW_DEVICE:
            return compose_new_device(taken, head)
        async with self.sessions() as session:
            row = await session.get(Subscription, taken.payload["subscription"])
        if row is None or not _wants(row, taken.target):
            return None
        return compose(taken, head, token_of(row, self.smtp.link_secret.get_secret_value()))

    async def _hand_over(self, mail: EmailMessage) -> DeliveryOutcome:
        client = self._client()
        try:
            async with asyncio.timeout(self.smtp.timeout_s):
                await client.connect()
                await client.send_message(mail)
        finally:
            # What was accepted is sent, whatever becomes of the farewell, and however late it is.
            with suppress(SMTPException, OSError):
                await client.quit(timeout=FAREWELL_S)
            client.close()
        return DeliveryOutcome(answered=250)

    def _client(self) -> SMTP:
        smtp = self.smtp
        return SMTP(
            hostname=smtp.host,
            port=smtp.port,
            username=smtp.user or None,
            password=smtp.password.get_secret_value() or None,
            use_tls=smtp.tls == "tls",
            start_tls=smtp.tls == "starttls",
            tls_context=trust_of(smtp),
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
