"""The guide's steps of signing in, followed in Chromium: from the one-time link to signing out."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import uvicorn
from pydantic import SecretStr
from sqlalchemy import text

from shanhai.db.identity import RoleGiven
from shanhai.db.queries import accounts, sign_ins
from shanhai.db.queries.keys import OPERATOR
from shanhai.settings import SignInSettings
from shanhai.vocabulary import Role
from shanhai_api.app import create_app
from shanhai_api.kit.state import Configuration
from tests.service.api.test_sign_in import PASSWORD, code_of
from tests.support.browser import Page, open_page
from tests.support.job_rows import open_sessions
from tests.support.serving import serving

WINDOW = (1000, 900)
SETTINGS = SignInSettings(secret=SecretStr("s" * 40), plain_cookie=True)
FIELD = "document.querySelector('main [name={}]').value = '{}'"


async def link_of(database_url: str) -> str:
    """The one-time link of a new administrator."""
    async with open_sessions(database_url) as sessions, sessions.begin() as session:
        await session.execute(text("DELETE FROM account WHERE subject = 'wang.li'"))
        await session.execute(text("DELETE FROM sign_in_failure"))
        change = accounts.AccountChange(name="王丽", roles=[RoleGiven(Role.ADMIN)])
        holder = await accounts.invite(
            session, issuer=accounts.OWN, subject="wang.li", change=change, act=OPERATOR
        )
        token, _ = await sign_ins.make_link(session, holder.account.id, SETTINGS, act=OPERATOR)
    return token


@contextmanager
def browsing(configuration: Configuration, folder: Path) -> Iterator[tuple[str, Page]]:
    """The address of a service on this machine, and a tab."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        # Security keys are good for names of hosts, and for no addresses.
        base = f"http://localhost:{listener.getsockname()[1]}"
        public = configuration.public.model_copy(update={"api_url": base})
        app = create_app(replace(configuration, public=public, sign_in=SETTINGS))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        with serving(server, listener), open_page(folder / "profile", *WINDOW) as page:
            yield base, page


def keep(page: Page, name: str) -> None:
    """Keep what is seen, where somebody wants to look."""
    if folder := os.environ.get("SHANHAI_TEST_PICTURES"):
        Path(folder, f"{name}.png").write_bytes(page.screenshot())


def fill(page: Page, path: str, **fields: str) -> None:
    """Fill in the form that leads to a path, and send it."""
    form = f"document.querySelector('main form[action*=\"{path}\"]')"
    page.wait_for(f"{form} !== null && document.readyState === 'complete'")
    for name, value in fields.items():
        page.evaluate(f"{form}.querySelector('[name={name}]').value = '{value}'")
    page.evaluate(f"{form}.querySelector('button').click()")


def see(page: Page, said: str) -> None:
    page.wait_for(f"document.body !== null && document.body.innerText.includes('{said}')")


@pytest.mark.usefixtures("browser")
def test_the_steps_of_the_guide(
    database_url: str, configuration: Configuration, tmp_path: Path
) -> None:
    link = asyncio.run(link_of(database_url))
    with browsing(configuration, tmp_path) as (base, page):
        page.open(f"{base}/session/start?link={link}&lang=zh")
        see(page, "王丽")
        keep(page, "1-link")
        fill(page, "/session/start", new=PASSWORD, again=PASSWORD)
        see(page, "须启用第二重验证")
        keep(page, "2-factor-needed")
        page.open(f"{base}/session?lang=zh")
        fill(page, "/session/factor", password=PASSWORD)
        see(page, "六位数字")
        keep(page, "3-secret")
        secret = page.evaluate("document.querySelector('main strong.code').textContent")
        fill(page, "/session/factor/confirm", code=code_of(secret, -1))
        see(page, "恢复码")
        keep(page, "4-recovery")
        recovery = page.evaluate("document.querySelector('main pre').textContent").split()
        assert len(recovery) == 10
        page.open(f"{base}/session?lang=zh")
        see(page, "本会话")
        keep(page, "5-account")
        page.evaluate("document.querySelector('form.sign-out button').click()")
        page.wait_for("document.querySelector('form.sign-out') === null")
        see(page, "登录")
        page.open(f"{base}/accounts?f=html&lang=zh")
        see(page, "需要")
        keep(page, "6-refused")
        page.evaluate("document.querySelector('main a[href*=login]').click()")
        fill(page, "/session/login", name="wang.li", password="wrong")
        see(page, "登录名或口令错误")
        keep(page, "7-wrong")
        fill(page, "/session/login", name="wang.li", password=PASSWORD)
        see(page, "恢复码")
        keep(page, "8-code")
        fill(page, "/session/code", code=recovery[0])
        see(page, "wang.li")
        keep(page, "9-accounts")
        assert page.evaluate("location.pathname") == "/accounts"
        # The page of refusal, and the wrong password: nothing of ours was kept from the page.
        assert all("status of 401" in message for message in page.messages)


@pytest.mark.usefixtures("browser")
def test_a_security_key_is_added_and_signs_in(
    database_url: str, configuration: Configuration, tmp_path: Path
) -> None:
    link = asyncio.run(link_of(database_url))
    with browsing(configuration, tmp_path) as (base, page):
        page.call("WebAuthn.enable")
        device = {"protocol": "ctap2", "transport": "usb", "automaticPresenceSimulation": True}
        added = page.call("WebAuthn.addVirtualAuthenticator", options=device)
        page.open(f"{base}/session/start?link={link}&lang=zh")
        see(page, "王丽")
        fill(page, "/session/start", new=PASSWORD, again=PASSWORD)
        see(page, "须启用第二重验证")
        keep(page, "key-1-needed")
        fill(page, "/session/security-keys", password=PASSWORD)
        see(page, "为安全密钥命名")
        keep(page, "key-2-name")
        fill(page, "/session/security-keys/confirm", name="   ")
        name = "document.querySelector('main [name=name]')"
        page.wait_for(f"{name}.matches(':focus:invalid')")
        assert page.evaluate(f"{name}.validationMessage") == "名称：不得为空"
        keep(page, "key-2-blank")
        fill(page, "/session/security-keys/confirm", name="蓝色密钥")
        see(page, "恢复码")
        for lang, said in (("en", "Last used"), ("zh", "蓝色密钥")):
            page.open(f"{base}/session?lang={lang}")
            see(page, said)
            page.evaluate("scrollTo(0, 10000)")
            keep(page, f"key-3-account-{lang}")
        for lang, said in (("en", "is added to the account already"), ("zh", "已添加到本账户")):
            page.open(f"{base}/session?lang={lang}")
            fill(page, "/session/security-keys?", password=PASSWORD)
            fill(page, "/session/security-keys/confirm", name="again")
            see(page, f"{said}{'.' if lang == 'en' else '。'} (InvalidStateError)")
        page.open(f"{base}/session?lang=zh")
        see(page, "本会话")
        page.evaluate("document.querySelector('form.sign-out button').click()")
        page.wait_for("document.querySelector('form.sign-out') === null")
        page.open(f"{base}/session/login?next=/accounts&lang=zh")
        fill(page, "/session/login", name="wang.li", password=PASSWORD)
        see(page, "使用安全密钥")
        keep(page, "key-4-code")
        # Another security key than the account's is told of in words of ours.
        held = page.call("WebAuthn.getCredentials", **added)["credentials"]
        page.call("WebAuthn.clearCredentials", **added)
        fill(page, "/session/security-keys/challenge")
        see(page, "未在本账户登记。可再试一次。 (NotAllowedError)")
        # The page asks the security key by itself, and goes on.
        page.call("WebAuthn.addCredential", **added, credential=held[0])
        page.open(f"{base}/session/login?next=/accounts&lang=zh")
        fill(page, "/session/login", name="wang.li", password=PASSWORD)
        see(page, "使用安全密钥")
        fill(page, "/session/security-keys/challenge")
        see(page, "wang.li")
        assert page.evaluate("location.pathname") == "/accounts"
        assert page.messages == []
