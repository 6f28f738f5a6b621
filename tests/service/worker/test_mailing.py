"""Mails are handed to a real mail server: over TLS, in both languages, again when it was away."""

import asyncio
import os
import signal
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from threading import Event
from typing import Any
from uuid import uuid4

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP as Server
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from pydantic import SecretStr
from sqlalchemy import select, text

from shanhai.db.alerts.observation_evaluation import evaluate_changes
from shanhai.db.alerts.rules import create_rule
from shanhai.db.alerts.subscriptions import create_subscription, find_by_token, send_test
from shanhai.db.alerts.transitions import send_notices
from shanhai.db.deliveries.outbox import ClaimedDelivery
from shanhai.db.engine import Sessions
from shanhai.db.identity import Identity
from shanhai.db.queries.accounts import OWN, register
from shanhai.db.queries.audit import Act
from shanhai.db.queries.sign_ins import SignInOrigin, begin_session
from shanhai.db.tables.delivery import Delivery
from shanhai.monitoring.observation import FeedObservation
from shanhai.settings import PublicSettings, SignInSettings, SmtpSettings
from shanhai.shutdown import end
from shanhai.vocabulary import ALERT_EVENTS, LANGUAGES, Lang, Scope
from shanhai_worker import deliveries
from shanhai_worker.context import WorkerContext
from shanhai_worker.mail import sender as sender_module
from shanhai_worker.mail.sender import Letterhead, MailSender, compose
from tests.support.alert_rows import rule
from tests.support.certificates import make_certificates
from tests.support.emptying import forget_rows
from tests.support.observation_rows import add_station, forget_observations, store_observations
from tests.support.workers import Workers, free_port

PATIENCE_S = 30.0
SECRET = "s" * 32
ACT = Act("key:test")
READER: dict[str, Any] = {
    "name": "Duty <b>desk</b>",
    "address": "duty@example.org",
    "lang": "en",
    "levels": ["yellow", "red"],
    "rules": None,
    "region": None,
    "digest_at": None,
    "time_zone": "Asia/Shanghai",
    "endings": True,
    "enabled": True,
}
RULE = rule(
    code="pm25",
    name_zh="细颗粒物",
    name_en="Fine particles\nBcc: x@example.org",
    kind="above",
    property="pm25",
    limits={"yellow": 75.0},
    reset=75.0,
    max_age_s=86_400,
)


@dataclass
class Inbox:
    """What a mail server received; addresses that begin with `refused` or `busy` it does not take.

    Attributes:
        secured: Whether each mail came over TLS.
        deadly: A process that is killed while it hands over its first mail.
    """

    received: list[EmailMessage] = field(default_factory=list)
    secured: list[bool] = field(default_factory=list)
    deadly: int | None = None

    async def handle_RCPT(
        self, server: Server, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("refused"):
            return "550 5.1.1 no such mailbox"
        if address.startswith("busy"):
            return "451 4.7.1 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Server, session: Session, envelope: Envelope) -> str:
        if self.deadly is not None:
            os.kill(self.deadly, signal.SIGKILL)
            self.deadly = None
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.received.append(mail)
        self.secured.append(session.ssl is not None)
        return "250 OK"


def check_password(
    server: Server, session: Session, envelope: Envelope, mechanism: str, data: Any
) -> AuthResult:
    assert isinstance(data, LoginPassword)
    known = (data.login, data.password) == (b"shanhai", b"secret")
    # What is not handled here is answered by the server.
    return AuthResult(success=known, handled=known)


class SilentServer(Server):
    """A server that does not answer who takes leave."""

    left = Event()
    """Somebody who was not answered has gone."""

    async def smtp_QUIT(self, arg: str | None) -> None:
        """Say nothing."""

    def connection_lost(self, error: Exception | None) -> None:
        """Note that somebody has gone."""
        super().connection_lost(error)
        self.left.set()


class SilentController(Controller):
    """Runs such a server."""

    def factory(self) -> Server:
        """The server."""
        return SilentServer(self.handler, **self.SMTP_kwargs)


@contextmanager
def mail_server(
    inbox: Inbox,
    smtp: SmtpSettings,
    files: dict[str, str],
    kind: type[Controller] = Controller,
    *,
    plain: bool = False,
) -> Iterator[None]:
    """A server that demands TLS and a password, or has neither."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(files["tls_cert"], files["tls_key"])
    demands: dict[str, Any] = {
        "tls_context": tls,
        "require_starttls": True,
        "auth_required": True,
        "authenticator": check_password,
    }
    controller = kind(inbox, hostname="127.0.0.1", port=smtp.port, **({} if plain else demands))
    controller.start()
    try:
        yield
    finally:
        controller.stop()


@pytest.fixture(scope="module")
def certificate_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return make_certificates(tmp_path_factory.mktemp("mail") / "certificates")


@pytest.fixture
def smtp(certificate_files: dict[str, str]) -> SmtpSettings:
    return SmtpSettings(
        host="127.0.0.1",
        port=free_port(),
        tls_ca=Path(certificate_files["tls_ca"]),
        user="shanhai",
        password=SecretStr("secret"),
        sender="warning@bureau.example",
        link_secret=SecretStr(SECRET),
        timeout_s=10,
    )


@pytest.fixture
async def warned_station(sessions: Sessions) -> None:
    """A station, of whose alerts nobody is told yet."""
    async with sessions.begin() as session:
        await forget_observations(session)
        await forget_rows(session, ["subscription", "delivery"])
        await add_station(session, "a")


@asynccontextmanager
async def sending_by(context: WorkerContext, smtp: SmtpSettings) -> AsyncIterator[MailSender]:
    """A worker that sends mails."""
    public = PublicSettings(api_url="https://api.example")
    sender = MailSender(context.sessions, smtp, public)
    task = asyncio.create_task(deliveries.run_deliveries(context, {"email": sender.send}))
    yield sender
    await end(task)


@pytest.fixture
async def sending(
    context: WorkerContext, smtp: SmtpSettings, warned_station: None
) -> AsyncIterator[MailSender]:
    """A worker that sends mails, of which none wait."""
    async with sending_by(context, smtp) as sender:
        yield sender


async def warn(sessions: Sessions, *addresses: str, evaluated: bool = True, **changes: Any) -> None:
    """An alert, of which somebody at each of the addresses is told."""
    now = datetime.now(UTC)
    async with sessions.begin() as session:
        planner = Identity("key:test", frozenset({Scope.WRITE}))
        await create_rule(session, RULE, identity=planner, act=ACT)
        for address in addresses:
            contents = {**READER, "address": address, **changes}
            await create_subscription(session, contents, ACT)
    value = FeedObservation("a", "pm25", now - timedelta(minutes=1), 80.25)
    await store_observations(sessions, [value])
    if not evaluated:
        return
    async with sessions.begin() as session:
        await evaluate_changes(session)
        await send_notices(session, datetime.now(UTC))


async def ended(sessions: Sessions, address: str, *, attempts: int = 1) -> Delivery:
    """The mail to an address, once it was tried so often."""
    query = select(Delivery).where(Delivery.target == address)
    async with asyncio.timeout(PATIENCE_S):
        while True:
            async with sessions() as session:
                row = (await session.scalars(query)).one()
            if row.attempt >= attempts and row.lease_until is None:
                return row
            await asyncio.sleep(0.05)


async def test_a_mail_is_sent_over_tls_with_its_way_out(
    sessions: Sessions, sending: MailSender, smtp: SmtpSettings, certificate_files: dict[str, str]
) -> None:
    inbox = Inbox()
    with mail_server(inbox, smtp, certificate_files):
        await warn(sessions, "duty@example.org")
        row = await ended(sessions, "duty@example.org")
    assert (row.status, row.answered, row.reason) == ("delivered", 250, None)
    [mail] = inbox.received
    assert inbox.secured == [True]
    assert mail["Subject"] == "[Shanhai] Opened · Yellow alert: Station a · PM2.5"
    assert (mail["From"], mail["To"]) == ("warning@bureau.example", "duty@example.org")
    assert mail["Message-ID"] == f"<{row.id}@bureau.example>"
    plain, page = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert page is not None
    words, html = plain.get_content(), page.get_content()
    assert "  Subject: Station a · PM2.5\r\n" in words
    assert "  Value: 80.25 µg/m³\r\n" in words
    # What people named never becomes a header, a line or markup of its own.
    assert mail["Bcc"] is None
    assert "  Rule: Fine particles Bcc: x@example.org\r\n" in words
    assert "Duty <b>desk</b>" in words
    assert "Duty &lt;b&gt;desk" in html
    alert = row.payload["events"][0]["alert"]
    assert f"https://api.example/alerts/{alert}?f=html&lang=en" in words
    way_out = mail["List-Unsubscribe"].strip("<>")
    # Programs read it as it is: no part of it may be cut or encoded.
    assert dict(mail.raw_items())["List-Unsubscribe"] == f"<{way_out}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert way_out in words
    token = way_out.partition("token=")[2].partition("&")[0]
    async with sessions() as session:
        assert (await find_by_token(session, token, SECRET)).row.address == "duty@example.org"


async def test_a_refused_address_is_given_up_and_a_busy_one_tried_again(
    sessions: Sessions, sending: MailSender, smtp: SmtpSettings, certificate_files: dict[str, str]
) -> None:
    inbox = Inbox()
    with mail_server(inbox, smtp, certificate_files):
        await warn(sessions, "refused@example.org", "busy@example.org", "duty@example.org")
        refused = await ended(sessions, "refused@example.org")
        busy = await ended(sessions, "busy@example.org")
        other = await ended(sessions, "duty@example.org")
    assert (refused.status, refused.answered) == ("dead", 550)
    assert refused.reason == "the mail server answered 550: 5.1.1 no such mailbox"
    assert (busy.status, busy.answered) == ("waiting", 451)
    assert other.status == "delivered"
    assert [mail["To"] for mail in inbox.received] == ["duty@example.org"]


async def test_a_server_that_was_away_gets_the_same_mail_later(
    sessions: Sessions, sending: MailSender, smtp: SmtpSettings, certificate_files: dict[str, str]
) -> None:
    await warn(sessions, "duty@example.org", lang="zh", name="值班室", digest_at=None)
    row = await ended(sessions, "duty@example.org")
    assert row.status == "waiting"
    assert row.reason is not None
    assert "was not handed over" in row.reason
    assert f"port {smtp.port}" in row.reason
    assert row.due_at > row.created_at
    inbox = Inbox()
    with mail_server(inbox, smtp, certificate_files):
        async with sessions.begin() as session:
            # As if the pause were over.
            await session.execute(text("UPDATE delivery SET due_at = now()"))
        row = await ended(sessions, "duty@example.org", attempts=2)
    assert row.status == "delivered"
    [mail] = inbox.received
    assert mail["Message-ID"] == f"<{row.id}@bureau.example>"
    assert mail["Subject"] == "[山海] 发出预警 · 黄色预警：站点 a · 细颗粒物 PM2.5"
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert "对象: 站点 a · 细颗粒物 PM2.5\r\n  规则: 细颗粒物\r\n" in plain.get_content()


def notice(lang: Lang, **members: Any) -> EmailMessage:
    """The mail about one event with these members."""
    event = {"at": "2026-03-01T00:00:00Z", "href": "/alerts/1", "measure": 1.0, "unit": "–"}
    event |= dict.fromkeys(("subject", "rule", "note", "color", "level_name", "event_name"), "a")
    payload = {
        "subscription": 1,
        "name": "a",
        "lang": lang,
        "time_zone": "Asia/Shanghai",
        "daily": False,
        "number": 1,
        "events": [{**event, "level": "red", **members}],
    }
    now = datetime.now(UTC)
    taken = ClaimedDelivery(uuid4(), "email", "a@example.org", "alert.notice", payload, 1, now, 1)
    return compose(taken, Letterhead("a@example.org", "https://api.example"), "token")


@pytest.mark.parametrize(
    ("measure", "unit", "told"),
    [
        (1_965_676.4238, "平方米", "1,965,676 平方米"),
        (99_999.5, "m²", "99999.5 m²"),
        (7.25, "–", "7.25"),
        (-397.0, "天", "-397 天"),
    ],
)
def test_numbers_are_written_out(measure: float, unit: str, told: str) -> None:
    plain = notice("zh", measure=measure, unit=unit).get_body(("plain",))
    assert plain is not None
    assert f"数值: {told}\n" in plain.get_content()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_subject_line_says_what_happened(lang: Lang) -> None:
    lines = []
    for term in ALERT_EVENTS:
        name = term.label.in_(lang)
        lines.append(notice(lang, event_name=name)["Subject"])
        assert name in lines[-1]
    assert len(set(lines)) == len(ALERT_EVENTS)


async def test_a_wrong_password_is_told_and_who_left_gets_nothing(
    sessions: Sessions, sending: MailSender, smtp: SmtpSettings, certificate_files: dict[str, str]
) -> None:
    inbox = Inbox()
    with mail_server(inbox, smtp, certificate_files):
        async with sessions.begin() as session:
            left = await create_subscription(session, READER, ACT)
            await send_test(session, left.row.id, ACT)
            await session.execute(text("UPDATE subscription SET unsubscribed_at = now()"))
        row = await ended(sessions, "duty@example.org")
        assert (row.status, row.reason) == ("dead", "the subscription has ended")
        async with sessions() as session:
            await session.execute(text("UPDATE subscription SET unsubscribed_at = NULL"))
            await session.commit()
        wrong = smtp.model_copy(update={"password": SecretStr("guessed")})
        taken = ClaimedDelivery(
            row.id, "email", row.target, row.event_type, row.payload, 1, row.created_at, 1
        )
        outcome = await MailSender(sessions, wrong, sending.public).send(taken)
        assert (outcome.answered, outcome.final) == (535, False), outcome
        assert "guessed" not in str(outcome.reason)
        assert (await sending.send(taken)).answered == 250
    assert [mail["Subject"] for mail in inbox.received] == ["[Shanhai] Mail for trial"]


async def a_test_mail(sessions: Sessions) -> ClaimedDelivery:
    """A mail for trial, for a sender that is asked by hand."""
    async with sessions.begin() as session:
        reader = await create_subscription(session, READER, ACT)
    payload = {"subscription": reader.row.id, "name": "a", "time_zone": "UTC", "lang": "en"}
    at = datetime.now(UTC)
    return ClaimedDelivery(uuid4(), "email", READER["address"], "alert.test", payload, 1, at, 1)


async def test_a_mail_that_was_taken_is_sent_though_its_time_ends_at_the_farewell(
    sessions: Sessions,
    warned_station: None,
    smtp: SmtpSettings,
    certificate_files: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sender_module, "FAREWELL_S", 5.0)
    smtp = smtp.model_copy(update={"timeout_s": 4.0})
    inbox, taken = Inbox(), await a_test_mail(sessions)
    with mail_server(inbox, smtp, certificate_files, SilentController):
        outcome = await MailSender(sessions, smtp, PublicSettings()).send(taken)
        assert await asyncio.to_thread(SilentServer.left.wait, PATIENCE_S)
    assert len(inbox.received) == 1
    assert (outcome.answered, outcome.reason) == (250, None)


async def test_what_the_server_lacks_or_is_not_trusted_for_is_told(
    sessions: Sessions, warned_station: None, smtp: SmtpSettings, certificate_files: dict[str, str]
) -> None:
    inbox, taken = Inbox(), await a_test_mail(sessions)
    with mail_server(inbox, smtp, certificate_files, plain=True):
        lacking = await MailSender(sessions, smtp, PublicSettings()).send(taken)
    unknown = smtp.model_copy(update={"tls_ca": None, "port": free_port()})
    with mail_server(inbox, unknown, certificate_files):
        untrusted = await MailSender(sessions, unknown, PublicSettings()).send(taken)
    assert "STARTTLS" in str(lacking.reason)
    assert "certificate verify failed" in str(untrusted.reason_zh)
    assert not inbox.received
    assert not lacking.final
    assert not untrusted.final


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_an_authority_that_cannot_be_read_is_told_at_the_start(
    sessions: Sessions,
    warned_station: None,
    smtp: SmtpSettings,
    workers: Workers,
    tmp_path: Path,
    content: str | None,
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    variables = {
        "SHANHAI_SMTP_HOST": smtp.host,
        "SHANHAI_SMTP_TLS_CA": str(path),
        "SHANHAI_SMTP_SENDER": smtp.sender,
        "SHANHAI_SMTP_LINK_SECRET": SECRET,
    }
    worker = workers.start(variables=variables)
    assert await asyncio.to_thread(worker.wait, PATIENCE_S) != 0
    # And where it was taken away since, with the mail, which is tried again.
    outcome = await MailSender(
        sessions, smtp.model_copy(update={"tls_ca": path}), PublicSettings()
    ).send(await a_test_mail(sessions))
    assert f"SHANHAI_SMTP_TLS_CA is {path}" in str(outcome.reason)
    assert not outcome.final


async def test_an_account_is_told_of_a_new_device(
    sessions: Sessions, sending: MailSender, smtp: SmtpSettings, certificate_files: dict[str, str]
) -> None:
    def come(address: str, *, mails: bool = True) -> SignInOrigin:
        return SignInOrigin(ip_address(address), address, "Firefox\nBcc: x@y.org", mails=mails)

    inbox, settings = Inbox(), SignInSettings(secret=SecretStr("s" * 40))
    with mail_server(inbox, smtp, certificate_files):
        async with sessions.begin() as session:
            holder = await register(
                session, issuer=OWN, subject="li.wei", name="李伟", email="li.wei@bureau.example"
            )
            # The first device is no new one; without a mail server nothing waits for one.
            for origin in (come("203.0.113.7"), come("203.0.113.8", mails=False)):
                await begin_session(
                    session, holder.account, origin, settings, need=None, proofs=set()
                )
        async with sessions.begin() as session:
            assert await session.scalar(text("SELECT count(*) FROM delivery")) == 0
            account, origin = holder.account, come("203.0.113.9")
            await begin_session(session, account, origin, settings, need=None, proofs=set())
        row = await ended(sessions, "li.wei@bureau.example")
    assert (row.status, row.answered, row.reason) == ("delivered", 250, None)
    [mail] = inbox.received
    assert mail["Subject"] == "[山海] 新设备登录 · [Shanhai] New device: 李伟"
    assert (mail["Bcc"], mail["List-Unsubscribe"]) == (None, None)
    plain = mail.get_content()
    assert "地址：203.0.113.9" in plain
    assert "Browser: Firefox Bcc: x@y.org" in plain
    assert "https://api.example/session" in plain


async def test_a_worker_that_dies_while_sending_has_the_same_mail_sent_again(
    sessions: Sessions,
    context: WorkerContext,
    warned_station: None,
    smtp: SmtpSettings,
    certificate_files: dict[str, str],
    workers: Workers,
) -> None:
    variables = {
        "SHANHAI_SMTP_HOST": smtp.host,
        "SHANHAI_SMTP_PORT": str(smtp.port),
        "SHANHAI_SMTP_TLS_CA": certificate_files["tls_ca"],
        "SHANHAI_SMTP_USER": "shanhai",
        "SHANHAI_SMTP_PASSWORD": "secret",
        "SHANHAI_SMTP_SENDER": smtp.sender,
        "SHANHAI_SMTP_LINK_SECRET": SECRET,
    }
    inbox = Inbox()
    with mail_server(inbox, smtp, certificate_files):
        first = workers.start(variables=variables)
        inbox.deadly = first.pid
        # Here it is only stored: evaluating it, noticing and sending are the worker's.
        await warn(sessions, "duty@example.org", evaluated=False)
        await asyncio.to_thread(first.wait, PATIENCE_S)
        async with sessions.begin() as session:
            # As if its lease had run out.
            await session.execute(text("UPDATE delivery SET lease_until = now()"))
        async with sending_by(context, smtp):
            row = await ended(sessions, "duty@example.org", attempts=2)
    assert row.status == "delivered"
    assert {mail["Message-ID"] for mail in inbox.received} == {f"<{row.id}@bureau.example>"}
    async with sessions() as session:
        assert await session.scalar(text("SELECT count(*) FROM alert_notice")) == 0
