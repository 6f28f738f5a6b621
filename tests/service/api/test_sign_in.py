"""People sign in with a browser: sessions, passwords, second factors, and what attackers try."""

import asyncio
import base64
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai import passwords
from shanhai.db.identity import RoleGiven
from shanhai.db.queries import accounts, keys, sign_ins
from shanhai.db.queries.audit import Act
from shanhai.settings import PublicSettings, RedisSettings, SignInSettings, SmtpSettings
from shanhai.vocabulary import Role, Scope
from shanhai_api.app import create_app
from shanhai_api.kit.state import Configuration, ServiceState
from shanhai_api.session import own_path

BASE = "https://api.test"
PASSWORD, OTHER = "Shan-hai 2035!", "Another+Word 77"
SETTINGS = SignInSettings(secret=SecretStr("s" * 40), lock_after=3, lock_address_after=8)
pytestmark = [
    pytest.mark.db,
    pytest.mark.redis,
    pytest.mark.service,
    pytest.mark.configured(
        sign_in=SETTINGS,
        public=PublicSettings(api_url=BASE, tiles_url="http://tiles.test", public_read=True),
    ),
]
Browse = Callable[..., Awaitable[httpx.AsyncClient]]
HOST = {"Sec-Fetch-Site": "same-origin", "Origin": BASE}


@pytest.fixture
async def nobody_failed(session: AsyncSession) -> None:
    """A database in which nobody has an account of ours, or failed to sign in."""
    await session.execute(text("DELETE FROM account WHERE issuer = :own"), {"own": accounts.OWN})
    await session.execute(text("DELETE FROM sign_in_failure"))
    await session.commit()


@pytest.fixture
async def browse(app: FastAPI, nobody_failed: None) -> AsyncIterator[Browse]:
    """Makes browsers, each with its own cookies."""
    made: list[httpx.AsyncClient] = []

    async def make(address: str = "203.0.113.7", agent: str = "Firefox") -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=app, client=(address, 1))
        headers = {"User-Agent": agent, **HOST}
        client = httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers)
        made.append(client)
        return client

    yield make
    for client in made:
        await client.aclose()


async def make_account(state: ServiceState, name: str, *roles: Role) -> str:
    """An account of our own; its one-time link."""
    given = [RoleGiven(role) for role in roles]
    change = accounts.AccountChange(name=name.title(), roles=given)
    async with state.sessions.begin() as session:
        act = Act("test")
        holder = await accounts.invite(
            session, issuer=accounts.OWN, subject=name, change=change, act=act
        )
        token, _ = await sign_ins.make_link(session, holder.account.id, SETTINGS, act=act)
    return token


async def make_key(state: ServiceState, *more: Scope) -> str:
    """A key of those who run a gauge."""
    async with state.sessions.begin() as session:
        return await keys.create_key(
            session,
            name="the gauge",
            scopes=[Scope.READ, Scope.OBSERVE, *more],
            roles=None if more else [RoleGiven(Role.VIEWER)],
        )


async def start(browser: httpx.AsyncClient, link: str, password: str = PASSWORD) -> dict[str, Any]:
    """The answer to a first password."""
    answer = await browser.post("/session/start", json={"link": link, "new": password})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def sign_in(
    browser: httpx.AsyncClient, name: str, password: str = PASSWORD
) -> httpx.Response:
    return await browser.post("/session/login", json={"name": name, "password": password})


async def entries(
    state: ServiceState, action: str
) -> list[tuple[str, str, dict[str, Any], str | None]]:
    """The actor, object, image and address of the entries of an action, the newest last."""
    asked = (
        "SELECT actor, object_id, after, address FROM audit_log WHERE action = :action ORDER BY id"
    )
    async with state.sessions() as session:
        rows = await session.execute(text(asked), {"action": action})
        return [(row[0], row[1], row[2], str(row[3])) for row in rows]


async def execute(state: ServiceState, statement: str) -> None:
    async with state.sessions.begin() as session:
        await session.execute(text(statement))


def code_of(secret: str, steps: int = 0) -> str:
    """The code an authenticator shows, some stretches of 30 s from now."""
    key = base64.b32decode(secret.replace(" ", ""))
    method = TOTP(key, 6, SHA1(), 30)  # noqa: S303 - as authenticators have it
    return method.generate(int(time.time()) + 30 * steps).decode()


async def set_up_factor(browser: httpx.AsyncClient, csrf: str) -> tuple[str, list[str], str]:
    """The secret of a new factor, its recovery codes and the session's new text."""
    headers = {"X-CSRF-Token": csrf}
    asked = await browser.post("/session/factor", json={"password": PASSWORD}, headers=headers)
    assert asked.status_code == 200, asked.text
    secret, sealed = asked.json()["secret"], asked.json()["sealed"]
    given = {"sealed": sealed, "code": code_of(secret, -1)}
    answer = await browser.post("/session/factor/confirm", json=given, headers=headers)
    assert answer.status_code == 200, answer.text
    return secret, answer.json()["codes"], answer.json()["csrf"]


class TestSessions:
    async def test_a_link_sets_the_password_once_and_signs_in(
        self, browse: Browse, state: ServiceState
    ) -> None:
        browser, link = await browse(), await make_account(state, "li.wei", Role.PLANNER)
        page = await browser.get("/session/start", params={"link": link, "f": "html"})
        assert page.status_code == 200
        assert "li.wei" in page.text
        begun = await start(browser, link)
        assert begun["need"] is None
        mine = (await browser.get("/session", params={"f": "json"})).json()
        assert mine["name"] == "Li.Wei"
        assert mine["roles"] == [{"role": "planner", "region": None}]
        assert mine["csrf"] == begun["csrf"]
        assert [one["current"] for one in mine["sessions"]] == [True]
        assert mine["sessions"][0]["address"] == "203.0.113.7"
        again = await (await browse()).post("/session/start", json={"link": link, "new": OTHER})
        assert again.status_code == 404

    async def test_no_write_of_a_session_takes_a_format_that_is_not_offered(
        self, browse: Browse, state: ServiceState
    ) -> None:
        browser, link = await browse(), await make_account(state, "li.wei", Role.PLANNER)
        headers = {"X-CSRF-Token": (await start(browser, link))["csrf"]}
        for part in (
            "code",
            "password",
            "factor",
            "factor/confirm",
            "security-keys",
            "security-keys/confirm",
            "security-keys/challenge",
            "security-keys/show",
            "security-keys/1/remove",
            "end-others",
            "1/end",
            "logout",
        ):
            answer = await browser.post(f"/session/{part}?f=zzz", json={}, headers=headers)
            assert answer.status_code == 400, part
            assert "f" in {fault["pointer"] for fault in answer.json()["errors"]}, part
        assert (await browser.get("/session")).status_code == 200

    async def test_the_cookie_is_kept_from_scripts_and_other_sites(
        self, browse: Browse, state: ServiceState
    ) -> None:
        browser = await browse()
        link = await make_account(state, "li.wei")
        answer = await browser.post("/session/start", json={"link": link, "new": PASSWORD})
        name, _, rest = answer.headers["Set-Cookie"].partition("=")
        token, *flags = rest.split("; ")
        assert name == "__Host-shanhai"
        assert {*flags} == {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"}
        assert len(token) == 43
        assert token not in answer.text
        async with state.sessions() as session:
            kept = [*await session.scalars(text("SELECT session::text FROM session"))]
        assert token not in "".join(kept)

    async def test_a_session_acts_as_its_account_does(
        self, browse: Browse, state: ServiceState
    ) -> None:
        browser = await browse()
        assert (await browser.get("/jobs")).status_code in {200, 401}
        assert (await browser.get("/keys")).status_code == 401
        await start(browser, await make_account(state, "li.wei", Role.PLANNER))
        assert (await browser.get("/keys")).status_code == 403
        assert (await browser.get("/proposals")).status_code == 200
        page = await browser.get("/?f=html")
        assert "Li.Wei" in page.text
        assert page.headers["Cache-Control"] == "private, no-cache"

    async def test_signing_in_gives_a_new_token_and_ends_the_former_session(
        self, browse: Browse, state: ServiceState
    ) -> None:
        browser, link = await browse(), await make_account(state, "li.wei")
        planted = "A" * 43
        browser.cookies.set("__Host-shanhai", planted, domain="api.test", path="/")
        await start(browser, link)
        first = browser.cookies["__Host-shanhai"]
        assert first != planted
        assert (await sign_in(browser, "li.wei")).status_code == 200
        assert browser.cookies["__Host-shanhai"] != first
        former = await browse()
        former.cookies.set("__Host-shanhai", first, domain="api.test", path="/")
        assert (await former.get("/session")).status_code == 401

    @pytest.mark.parametrize(
        "end",
        [
            "used_at = now() - interval '31 minutes'",
            "expires_at = now() - interval '1 second'",
            "ended_at = now()",
        ],
    )
    async def test_sessions_end(self, browse: Browse, state: ServiceState, end: str) -> None:
        browser = await browse()
        await start(browser, await make_account(state, "li.wei"))
        assert (await browser.get("/session")).status_code == 200
        await execute(state, f"UPDATE session SET {end}")
        answer = await browser.get("/session")
        assert answer.status_code == 401
        assert "Max-Age=0" in answer.headers["Set-Cookie"]
        # The browser has forgotten it: what is public can be read.
        assert (await browser.get("/?f=html")).status_code == 200

    async def test_use_keeps_a_session_alive_but_not_beyond_its_end(
        self, browse: Browse, state: ServiceState
    ) -> None:
        browser = await browse()
        await start(browser, await make_account(state, "li.wei"))
        await execute(state, "UPDATE session SET used_at = now() - interval '20 minutes'")
        assert (await browser.get("/collections")).status_code == 200
        async with state.sessions() as session:
            age = await session.scalar(text("SELECT now() - used_at FROM session"))
        assert age.total_seconds() < 60

    async def test_signing_out_ends_it_at_once(self, browse: Browse, state: ServiceState) -> None:
        browser = await browse()
        begun = await start(browser, await make_account(state, "li.wei"))
        token = browser.cookies["__Host-shanhai"]
        answer = await browser.post("/session/logout", data={"csrf": begun["csrf"]})
        assert answer.status_code == 303
        assert answer.headers["Location"] == f"{BASE}/?f=html"
        browser.cookies.set("__Host-shanhai", token, domain="api.test", path="/")
        assert (await browser.get("/session")).status_code == 401
        assert (await entries(state, "sign-out"))[-1][3] == "203.0.113.7"

    async def test_own_sessions_are_listed_and_ended_and_no_others(
        self, browse: Browse, state: ServiceState
    ) -> None:
        one, two, other = await browse(), await browse(agent="Chromium"), await browse()
        begun = await start(one, await make_account(state, "li.wei"))
        await sign_in(two, "li.wei")
        foreign = await start(other, await make_account(state, "zhang.san"))
        rows = (await one.get("/session")).json()["sessions"]
        assert [row["agent"] for row in rows] == ["Chromium", "Firefox"]
        assert [row["new_device"] for row in rows] == [True, False]
        assert len(await entries(state, "new-device")) >= 1
        number, path = rows[0]["id"], f"/session/{rows[0]['id']}/end"
        theirs = {"X-CSRF-Token": foreign["csrf"]}
        assert (await other.post(path, json={}, headers=theirs)).status_code == 404
        mine = {"X-CSRF-Token": begun["csrf"]}
        assert (await one.post(path, json={}, headers=mine)).status_code == 204
        assert (await two.get("/session")).status_code == 401
        ended = {row["id"]: row["ended"] for row in (await one.get("/session")).json()["sessions"]}
        assert ended[number] is not None
        await sign_in(two, "li.wei")
        assert (await one.post("/session/end-others", json={}, headers=mine)).status_code == 204
        assert (await two.get("/session")).status_code == 401
        assert (await one.get("/session")).status_code == 200
        assert (await other.get("/session")).status_code == 200

    async def test_a_new_device_is_told_by_mail_where_there_is_a_server(
        self, browse: Browse, state: ServiceState, configuration: Configuration
    ) -> None:
        await start(await browse(), await make_account(state, "li.wei"))
        await execute(state, "UPDATE account SET email = 'li.wei@bureau.example'")
        await sign_in(await browse(agent="Chromium"), "li.wei")
        smtp = SmtpSettings(
            host="mail.example", sender="desk@bureau.example", link_secret=SecretStr("s" * 32)
        )
        app = create_app(replace(configuration, smtp=smtp))
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app=app, client=("203.0.113.7", 1))
            for agent in ("Chromium", "Konqueror"):
                headers = {"User-Agent": agent, **HOST}
                async with httpx.AsyncClient(
                    transport=transport, base_url=BASE, headers=headers
                ) as client:
                    assert (await sign_in(client, "li.wei")).is_success
        async with state.sessions() as session:
            asked = text("SELECT target, payload->>'agent' FROM delivery WHERE kind = 'email'")
            rows = [tuple(row) for row in await session.execute(asked)]
        assert rows == [("li.wei@bureau.example", "Konqueror")]

    async def test_disabled_accounts_are_out_at_once(
        self, browse: Browse, state: ServiceState
    ) -> None:
        browser = await browse()
        await start(browser, await make_account(state, "li.wei"))
        await execute(state, "UPDATE account SET disabled_at = now() WHERE subject = 'li.wei'")
        assert (await browser.get("/collections")).status_code == 401
        assert (await sign_in(await browse(), "li.wei")).status_code == 401

    async def test_another_process_knows_the_session_without_any_redis(
        self, browse: Browse, state: ServiceState, configuration: Configuration
    ) -> None:
        browser = await browse()
        await start(browser, await make_account(state, "li.wei"))
        gone = RedisSettings(url=SecretStr("redis://127.0.0.1:1/0"))
        other = create_app(replace(configuration, redis=gone))
        async with other.router.lifespan_context(other):
            transport = httpx.ASGITransport(app=other, client=("203.0.113.7", 1))
            async with httpx.AsyncClient(
                transport=transport, base_url=BASE, cookies=browser.cookies
            ) as elsewhere:
                assert (await elsewhere.get("/session")).status_code == 200


class TestKeys:
    async def test_a_key_begins_a_session_that_acts_as_it_does(
        self, browse: Browse, state: ServiceState
    ) -> None:
        browser, key = await browse(), await make_key(state)
        former = await start(browser, await make_account(state, "li.wei"))
        answer = await browser.post("/session/key", json={"key": f" {key} "})
        assert (answer.status_code, answer.json()["need"]) == (200, None)
        assert key not in answer.headers["Set-Cookie"]
        own = (await browser.get("/session")).json()
        prefix = own["owner"].removeprefix("key:")
        assert prefix in key
        assert (own["name"], own["own"], own["key"]) == ("the gauge", False, True)
        assert own["scopes"] == ["observe", "read"]
        assert own["roles"] == [{"role": "viewer", "region": None}]
        [row] = own["sessions"]
        assert (row["current"], row["address"], row["agent"]) == (True, "203.0.113.7", "Firefox")
        # The session the browser had is over, and what the key may not do is refused.
        assert len(await entries(state, "end-session")) >= 1
        assert own["csrf"] != former["csrf"]
        headers = {"X-CSRF-Token": own["csrf"]}
        refused = await browser.post("/collections/regions/items", json={}, headers=headers)
        assert refused.status_code == 403
        sent = await browser.post("/observations", json={"observations": []}, headers=headers)
        assert sent.status_code != 401
        assert (await browser.post("/observations", json={})).status_code == 403
        begun = (await entries(state, "sign-in"))[-1]
        assert (begun[0], begun[1], begun[3]) == (f"key:{prefix}", prefix, "203.0.113.7")
        assert (await browser.post("/session/logout", json={}, headers=headers)).status_code == 204
        assert (await browser.get("/session")).status_code == 401
        assert (await entries(state, "sign-out"))[-1][0] == f"key:{prefix}"

    @pytest.mark.parametrize(
        "end", ["revoked_at = now()", "expires_at = now()", "networks = '{198.51.100.0/24}'"]
    )
    async def test_it_ends_with_the_key(
        self, browse: Browse, state: ServiceState, end: str
    ) -> None:
        browser = await browse()
        begun = await browser.post("/session/key", json={"key": await make_key(state)})
        assert begun.is_success
        assert (await browser.get("/collections")).status_code == 200
        await execute(state, f"UPDATE api_key SET {end}")
        answer = await browser.get("/session")
        assert answer.status_code == 401
        assert "Max-Age=0" in answer.headers["Set-Cookie"]

    async def test_what_is_no_key_begins_none(self, browse: Browse, state: ServiceState) -> None:
        browser, key = await browse(), await make_key(state)
        for wrong in (key[:-1] + ("a" if key[-1] != "a" else "b"), "x", f"Bearer {key}"):
            assert (await browser.post("/session/key", json={"key": wrong})).status_code == 401
        html = {"Accept": "text/html"}
        page = await browser.post("/session/key?lang=zh", data={"key": "x"}, headers=html)
        assert page.status_code == 401
        assert "API 密钥不存在" in page.text
        foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        refused = await browser.post("/session/key", data={"key": key}, headers=foreign)
        assert refused.status_code == 403
        assert (await browser.get("/session")).status_code == 401

    async def test_administrators_need_their_second_factor(
        self, browse: Browse, state: ServiceState
    ) -> None:
        browser, key = await browse(), await make_key(state, Scope.ADMIN)
        refused = await browser.post("/session/key", json={"key": key})
        assert refused.status_code == 403
        assert "second factor" in refused.json()["detail"]
        assert "Set-Cookie" not in refused.headers

    async def test_it_has_nothing_that_an_account_has(
        self, browse: Browse, state: ServiceState
    ) -> None:
        browser = await browse()
        key = await make_key(state)
        csrf = (await browser.post("/session/key", json={"key": key})).json()["csrf"]
        for path, body in (
            ("/session/code", {"code": "123456"}),
            ("/session/password", {"password": "x", "new": PASSWORD}),
            ("/session/factor", {"password": "x"}),
            ("/session/security-keys", {"password": "x"}),
            ("/session/end-others", {}),
            ("/session/1/end", {}),
        ):
            answer = await browser.post(path, json=body, headers={"X-CSRF-Token": csrf})
            assert answer.status_code == 409, path
        page = (await browser.get("/session?f=html&lang=zh")).text
        assert "API 密钥，权限：" in page
        assert "更换口令" not in page
        assert "结束其他所有会话" not in page


class TestForgery:
    """What other sites make a browser send changes nothing."""

    @pytest.fixture
    async def signed(self, browse: Browse, state: ServiceState) -> tuple[httpx.AsyncClient, str]:
        browser = await browse()
        link = await make_account(state, "li.wei", Role.PLANNER)
        return browser, (await start(browser, link))["csrf"]

    async def test_writes_take_the_text_of_the_session(
        self, signed: tuple[httpx.AsyncClient, str], browse: Browse, state: ServiceState
    ) -> None:
        browser, csrf = signed
        other = await browse()
        foreign = (await start(other, await make_account(state, "zhang.san")))["csrf"]
        asked = {"layers": ["a"]}
        for wrong in (None, "", "x" * 64, "é", foreign):
            headers = {} if wrong is None else {b"X-CSRF-Token": wrong.encode()}
            answer = await browser.post("/tile-tokens", json=asked, headers=headers)
            assert answer.status_code == 403, wrong
            answer = await browser.post("/session/logout", json={}, headers=headers)
            assert answer.status_code == 403, wrong
            field = {} if wrong is None else {"csrf": wrong}
            answer = await browser.post("/session/end-others", data=field)
            assert answer.status_code in {403, 415}, wrong
        # None was set up: it is not the caller that is refused.
        right = await browser.post("/tile-tokens", json=asked, headers={"X-CSRF-Token": csrf})
        assert right.status_code == 404

    @pytest.mark.parametrize(
        "headers",
        [
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "https://evil.test"},
            {"Origin": "https://api.test.evil.test"},
            {"Origin": "http://api.test"},
            {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        ],
    )
    async def test_other_sites_are_refused_whatever_they_know(
        self, signed: tuple[httpx.AsyncClient, str], headers: dict[str, str]
    ) -> None:
        browser, csrf = signed
        told = {"X-CSRF-Token": csrf, **headers}
        assert (await browser.post("/session/logout", json={}, headers=told)).status_code == 403
        assert (await browser.post("/keys", json={}, headers=told)).status_code == 403
        given = {"name": "li.wei", "password": PASSWORD}
        assert (await browser.post("/session/login", data=given, headers=told)).status_code == 403
        assert (await browser.get("/session")).status_code == 200

    async def test_a_page_that_tells_no_referrer_may_send_its_own_form(
        self, signed: tuple[httpx.AsyncClient, str]
    ) -> None:
        browser, csrf = signed
        headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
        answer = await browser.post("/session/logout", data={"csrf": csrf}, headers=headers)
        assert answer.status_code == 303

    async def test_keys_need_none_of_it(
        self, signed: tuple[httpx.AsyncClient, str], admin: httpx.AsyncClient
    ) -> None:
        browser, _ = signed
        headers = {"Authorization": admin.headers["Authorization"]}
        asked = {"name": "x", "scopes": ["read"]}
        answer = await browser.post("/keys", json=asked, headers=headers)
        assert answer.status_code == 201

    async def test_links_of_mails_work_for_whoever_is_signed_in(
        self, signed: tuple[httpx.AsyncClient, str]
    ) -> None:
        browser, _ = signed
        answer = await browser.post("/unsubscribe", params={"token": "x"})
        assert answer.status_code == 404


OUTSIDE = ("//evil.test", "/\\evil.test", "https://evil.test", "javascript:alert(1)", "\\\\evil")


@pytest.mark.parametrize("path", [*OUTSIDE, "/a\r\nSet-Cookie: x=1", "/a\x00", "evil.test", ""])
async def test_signing_in_leads_nowhere_else(
    browse: Browse, state: ServiceState, path: str
) -> None:
    browser = await browse()
    await start(browser, await make_account(state, "li.wei"))
    given = {"name": "li.wei", "password": PASSWORD, "next": path}
    answer = await browser.post("/session/login", data=given)
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"{BASE}/session"


async def test_signing_in_leads_back_to_the_page(browse: Browse, state: ServiceState) -> None:
    browser = await browse()
    await start(browser, await make_account(state, "li.wei"))
    given = {"name": "li.wei", "password": PASSWORD, "next": "/collections?q=海&f=html&a=%20"}
    answer = await browser.post("/session/login", data=given)
    assert answer.headers["Location"] == f"{BASE}/collections?q=%E6%B5%B7&f=html&a=%20"


def test_own_paths_are_kept() -> None:
    assert (
        own_path("/collections/stations?f=html&lang=zh") == "/collections/stations?f=html&lang=zh"
    )


class TestPasswords:
    async def test_wrong_names_and_passwords_are_answered_alike(
        self, browse: Browse, state: ServiceState
    ) -> None:
        browser = await browse()
        await start(browser, await make_account(state, "li.wei"))
        guesser = await browse("198.51.100.1")
        known, unknown = await sign_in(guesser, "li.wei", "x"), await sign_in(guesser, "nobody")
        assert known.status_code == unknown.status_code == 401
        told = {"type", "title", "status", "detail"}
        assert {k: known.json()[k] for k in told} == {k: unknown.json()[k] for k in told}
        assert {"set-cookie"}.isdisjoint(known.headers)
        failed = await entries(state, "sign-in-failed")
        assert [one[1] == "unknown" for one in failed[-2:]] == [False, True]
        assert failed[-1][2:] == ({"failures": 1}, "198.51.100.1")

    async def test_unknown_names_take_as_long(
        self, browse: Browse, state: ServiceState, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        compared: list[str | None] = []
        original = passwords.is_password

        async def noted(password: str, kept: str | None) -> bool:
            compared.append(kept)
            return await original(password, kept)

        monkeypatch.setattr(passwords, "is_password", noted)
        assert (await sign_in(await browse(), "nobody")).status_code == 401
        assert compared == [None]

    async def test_an_address_is_locked_out_and_no_other(
        self, browse: Browse, state: ServiceState
    ) -> None:
        await start(await browse(), await make_account(state, "li.wei"))
        guesser = await browse("198.51.100.1")
        for _ in range(3):
            assert (await sign_in(guesser, "li.wei", "x")).status_code == 401
        locked = await sign_in(guesser, "li.wei")
        assert locked.status_code == 429
        assert locked.headers["Retry-After"] == "900"
        assert (await sign_in(await browse("198.51.100.2"), "li.wei")).status_code == 200
        assert (await entries(state, "lock-out"))[-1][3] == "198.51.100.1"
        await execute(state, "UPDATE sign_in_failure SET at = at - interval '16 minutes'")
        assert (await sign_in(guesser, "li.wei")).status_code == 200

    async def test_unknown_names_are_locked_alike(self, browse: Browse) -> None:
        guesser = await browse("198.51.100.1")
        statuses = [(await sign_in(guesser, "nobody")).status_code for _ in range(4)]
        assert statuses == [401, 401, 401, 429]

    async def test_many_at_once_try_no_more_than_one_after_another(
        self, browse: Browse, state: ServiceState
    ) -> None:
        await start(await browse(), await make_account(state, "li.wei"))
        guesser = await browse("198.51.100.1")
        answers = await asyncio.gather(*(sign_in(guesser, "li.wei", str(n)) for n in range(12)))
        statuses = [answer.status_code for answer in answers]
        assert statuses.count(401) <= 3
        assert {*statuses} <= {401, 429}

    async def test_an_address_cannot_try_many_names(self, browse: Browse) -> None:
        guesser = await browse("198.51.100.1")
        statuses = [(await sign_in(guesser, f"name{n}")).status_code for n in range(9)]
        assert statuses == [401] * 8 + [429]

    @pytest.mark.configured(sign_in=SETTINGS.model_copy(update={"lock_account_after": 4}))
    async def test_guessing_from_everywhere_locks_not_out_where_one_works(
        self, browse: Browse, state: ServiceState
    ) -> None:
        await start(await browse(), await make_account(state, "li.wei"))
        for number in range(4):
            guesser = await browse(f"198.51.100.{number}")
            assert (await sign_in(guesser, "li.wei", "x")).status_code == 401
        assert (await sign_in(await browse("198.51.100.9"), "li.wei")).status_code == 429
        assert (await sign_in(await browse(), "li.wei")).status_code == 200

    @pytest.mark.parametrize(
        ("password", "rule"),
        [
            ("Short-1", "12 to 128"),
            ("A-1" * 50, "12 to 128"),
            ("alllowercase", "3 kinds"),
            ("lowercase12345", "3 kinds"),
            ("x-LI.WEI-2035", "hold the name"),
        ],
    )
    async def test_weak_passwords_are_refused(
        self, browse: Browse, state: ServiceState, password: str, rule: str
    ) -> None:
        link = await make_account(state, "li.wei")
        browser = await browse()
        answer = await browser.post("/session/start", json={"link": link, "new": password})
        assert answer.status_code == 400
        assert rule in answer.json()["detail"]
        # The link is still good.
        await start(browser, link)

    async def test_former_passwords_cannot_be_taken_again(
        self, browse: Browse, state: ServiceState
    ) -> None:
        browser = await browse()
        csrf = (await start(browser, await make_account(state, "li.wei")))["csrf"]
        present = PASSWORD
        for new, status in ((PASSWORD, 400), (OTHER, 200), (PASSWORD, 400), ("Third#Word 1", 200)):
            answer = await browser.post(
                "/session/password",
                json={"password": present, "new": new},
                headers={"X-CSRF-Token": csrf},
            )
            assert answer.status_code == status, answer.text
            if status == 200:
                present, csrf = new, answer.json()["csrf"]
        assert (await sign_in(await browse(), "li.wei", "Third#Word 1")).status_code == 200

    async def test_changing_it_takes_the_present_one_and_ends_other_sessions(
        self, browse: Browse, state: ServiceState
    ) -> None:
        browser, elsewhere = await browse(), await browse()
        csrf = (await start(browser, await make_account(state, "li.wei")))["csrf"]
        await sign_in(elsewhere, "li.wei")
        headers = {"X-CSRF-Token": csrf}
        wrong = {"password": "wrong", "new": OTHER}
        answer = await browser.post("/session/password", json=wrong, headers=headers)
        assert answer.status_code == 401
        token = browser.cookies["__Host-shanhai"]
        right = {"password": PASSWORD, "new": OTHER}
        answer = await browser.post("/session/password", json=right, headers=headers)
        assert answer.status_code == 200
        assert browser.cookies["__Host-shanhai"] != token
        assert (await elsewhere.get("/session")).status_code == 401
        assert (await browser.get("/session")).status_code == 200

    async def test_old_passwords_must_be_changed_first(
        self, browse: Browse, state: ServiceState
    ) -> None:
        await start(await browse(), await make_account(state, "li.wei", Role.PLANNER))
        await execute(
            state, "UPDATE account_credential SET password_at = now() - interval '91 days'"
        )
        browser = await browse()
        begun = (await sign_in(browser, "li.wei")).json()
        assert begun["need"] == "password"
        assert (await browser.get("/proposals")).status_code == 401
        answer = await browser.post(
            "/session/password",
            json={"password": PASSWORD, "new": OTHER},
            headers={"X-CSRF-Token": begun["csrf"]},
        )
        assert answer.json()["need"] is None
        assert (await browser.get("/proposals")).status_code == 200

    async def test_forms_are_shown_again_with_what_is_wrong(self, browse: Browse) -> None:
        browser = await browse()
        given = {"name": "li.wei", "password": "x", "next": "/collections"}
        answer = await browser.post(
            "/session/login", params={"lang": "zh"}, data=given, headers={"Accept": "text/html"}
        )
        assert answer.status_code == 401
        assert "登录名或口令错误" in answer.text
        assert 'name="next" value="/collections"' in answer.text


class TestSecondFactor:
    async def test_administrators_need_one(self, browse: Browse, state: ServiceState) -> None:
        browser = await browse()
        begun = await start(browser, await make_account(state, "root", Role.ADMIN))
        assert begun["need"] == "factor"
        assert (await browser.get("/keys")).status_code == 401
        token = browser.cookies["__Host-shanhai"]
        await set_up_factor(browser, begun["csrf"])
        assert browser.cookies["__Host-shanhai"] != token
        assert (await browser.get("/keys")).status_code == 200
        accounts_page = (await browser.get("/accounts?f=html&lang=zh")).text
        assert all(
            name in accounts_page for name in ("<th>签发方</th>", "<th>登录名或令牌主体</th>")
        )
        audit_page = (await browser.get("/audit?f=html&lang=zh")).text
        for code, words in (("use-link", "使用登录链接"), ("account", "账户")):
            assert f'<span title="{code}">{words}</span>' in audit_page

    @pytest.mark.configured(sign_in=SETTINGS.model_copy(update={"second_factor": "none"}))
    async def test_where_the_operator_asks_for_none(
        self, browse: Browse, state: ServiceState
    ) -> None:
        browser = await browse()
        begun = await start(browser, await make_account(state, "root", Role.ADMIN))
        assert begun["need"] is None
        assert (await browser.get("/keys")).status_code == 200

    async def test_the_role_admin_given_later_waits_for_it(
        self, browse: Browse, state: ServiceState, admin: httpx.AsyncClient
    ) -> None:
        browser = await browse()
        await start(browser, await make_account(state, "li.wei"))
        number = (await browser.get("/session")).json()["owner"].partition(":")[2]
        changed = await admin.patch(f"/accounts/{number}", json={"roles": [{"role": "admin"}]})
        assert changed.status_code == 200
        assert (await browser.get("/keys")).status_code == 403

    async def test_a_code_is_good_once(self, browse: Browse, state: ServiceState) -> None:
        browser = await browse()
        begun = await start(browser, await make_account(state, "root", Role.ADMIN))
        secret, _, _ = await set_up_factor(browser, begun["csrf"])
        code = code_of(secret)
        first, second = await browse(), await browse()
        for each, status in ((first, 200), (second, 401)):
            begun = (await sign_in(each, "root")).json()
            assert begun["need"] == "code"
            assert (await each.get("/keys")).status_code == 401
            token = each.cookies["__Host-shanhai"]
            headers = {"X-CSRF-Token": begun["csrf"]}
            answer = await each.post("/session/code", json={"code": code}, headers=headers)
            assert answer.status_code == status
            assert (each.cookies["__Host-shanhai"] != token) is (status == 200)
        assert (await first.get("/keys")).status_code == 200
        assert (await second.get("/keys")).status_code == 401

    async def test_the_code_that_set_it_up_is_used(
        self, browse: Browse, state: ServiceState
    ) -> None:
        browser = await browse()
        begun = await start(browser, await make_account(state, "root", Role.ADMIN))
        secret, _, _ = await set_up_factor(browser, begun["csrf"])
        other = await browse()
        begun = (await sign_in(other, "root")).json()
        given, headers = {"code": code_of(secret, -1)}, {"X-CSRF-Token": begun["csrf"]}
        answer = await other.post("/session/code", json=given, headers=headers)
        assert answer.status_code == 401

    async def test_guessing_codes_ends_the_session_and_locks_from_everywhere(
        self, browse: Browse, state: ServiceState
    ) -> None:
        browser = await browse()
        begun = await start(browser, await make_account(state, "root", Role.ADMIN))
        secret, _, _ = await set_up_factor(browser, begun["csrf"])
        guesser = await browse("198.51.100.1")
        begun = (await sign_in(guesser, "root")).json()
        headers = {"X-CSRF-Token": begun["csrf"]}
        for _ in range(3):
            answer = await guesser.post("/session/code", json={"code": "abcdef"}, headers=headers)
            assert answer.status_code == 401
        assert (await guesser.get("/session")).status_code == 401
        elsewhere = await browse("198.51.100.2")
        begun = (await sign_in(elsewhere, "root")).json()
        answer = await elsewhere.post(
            "/session/code",
            json={"code": code_of(secret)},
            headers={"X-CSRF-Token": begun["csrf"]},
        )
        assert answer.status_code == 429

    @pytest.mark.configured(sign_in=SETTINGS.model_copy(update={"lock_account_after": 4}))
    async def test_names_that_are_typed_lock_no_second_factor(
        self, browse: Browse, state: ServiceState
    ) -> None:
        browser = await browse()
        begun = await start(browser, await make_account(state, "root", Role.ADMIN))
        secret, _, _ = await set_up_factor(browser, begun["csrf"])
        number = (await browser.get("/session")).json()["owner"].partition(":")[2]
        for guess in range(4):
            guesser = await browse(f"198.51.100.{guess}")
            assert (await sign_in(guesser, f"factor:{number}", "x")).status_code == 401
        begun = (await sign_in(browser, "root")).json()
        answer = await browser.post(
            "/session/code",
            json={"code": code_of(secret)},
            headers={"X-CSRF-Token": begun["csrf"]},
        )
        assert answer.status_code == 200

    async def test_recovery_codes_are_good_once(self, browse: Browse, state: ServiceState) -> None:
        browser = await browse()
        begun = await start(browser, await make_account(state, "root", Role.ADMIN))
        _, codes, _ = await set_up_factor(browser, begun["csrf"])
        assert len({*codes}) == 10
        for status in (200, 401):
            other = await browse()
            begun = (await sign_in(other, "root")).json()
            headers = {"X-CSRF-Token": begun["csrf"]}
            answer = await other.post("/session/code", json={"code": codes[3]}, headers=headers)
            assert answer.status_code == status
        assert (await browser.get("/session")).json()["recovery_codes"] == 9

    async def test_the_password_alone_changes_nothing(
        self, browse: Browse, state: ServiceState
    ) -> None:
        browser = await browse()
        begun = await start(browser, await make_account(state, "root", Role.ADMIN))
        await set_up_factor(browser, begun["csrf"])
        thief = await browse("198.51.100.1")
        begun = (await sign_in(thief, "root")).json()
        headers = {"X-CSRF-Token": begun["csrf"]}
        answer = await thief.post(
            "/session/password", json={"password": PASSWORD, "new": OTHER}, headers=headers
        )
        assert answer.status_code == 409
        asked = await thief.post("/session/factor", json={"password": PASSWORD}, headers=headers)
        told = asked.json()
        given = {"sealed": told["sealed"], "code": code_of(told["secret"])}
        answer = await thief.post("/session/factor/confirm", json=given, headers=headers)
        assert answer.status_code == 409
        for path in ("/session/end-others", "/session/1/end"):
            assert (await thief.post(path, json={}, headers=headers)).status_code == 409

    async def test_a_factor_of_another_session_is_none(
        self, browse: Browse, state: ServiceState
    ) -> None:
        one, two = await browse(), await browse()
        first = await start(one, await make_account(state, "li.wei"))
        second = await start(two, await make_account(state, "zhang.san"))
        asked = await one.post(
            "/session/factor",
            json={"password": PASSWORD},
            headers={"X-CSRF-Token": first["csrf"]},
        )
        given = {"sealed": asked.json()["sealed"], "code": code_of(asked.json()["secret"])}
        headers = {"X-CSRF-Token": second["csrf"]}
        for sealed in (given["sealed"], "ff" * 30, "not hexadecimal at all"):
            wrong = {**given, "sealed": sealed}
            answer = await two.post("/session/factor/confirm", json=wrong, headers=headers)
            assert answer.status_code == 400

    async def test_it_is_kept_sealed_and_an_administrator_takes_it_away(
        self, browse: Browse, state: ServiceState, admin: httpx.AsyncClient
    ) -> None:
        browser = await browse()
        begun = await start(browser, await make_account(state, "root", Role.ADMIN))
        secret, _, _ = await set_up_factor(browser, begun["csrf"])
        async with state.sessions() as session:
            kept = await session.scalar(text("SELECT totp FROM account_credential"))
        assert base64.b32decode(secret.replace(" ", "")) not in bytes(kept)
        number = (await browser.get("/session")).json()["owner"].partition(":")[2]
        assert (await admin.delete(f"/accounts/{number}/factor")).status_code == 204
        assert (await admin.delete(f"/accounts/{number}/factor")).status_code == 404
        assert (await browser.get("/session")).status_code == 401
        assert (await sign_in(browser, "root")).json()["need"] == "factor"


class TestAdministration:
    async def test_accounts_and_links_over_http(
        self, browse: Browse, admin: httpx.AsyncClient, client_with: Any
    ) -> None:
        new = {"subject": "wang.wu", "name": "王五", "roles": [{"role": "viewer"}]}
        made = await admin.post("/accounts", json=new)
        assert made.status_code == 201
        assert made.json()["issuer"] == accounts.OWN
        path = f"/accounts/{made.json()['id']}"
        link = await admin.post(f"{path}/link")
        assert link.status_code == 201
        told = re.fullmatch(rf"{BASE}/session/start\?link=(\S+)", link.json()["link"])
        assert told is not None
        second = (await admin.post(f"{path}/link")).json()["link"].partition("=")[2]
        browser = await browse()
        gone = await browser.post("/session/start", json={"link": told[1], "new": PASSWORD})
        assert gone.status_code == 404
        await start(browser, second)
        assert (await admin.delete(f"{path}/sessions")).status_code == 204
        assert (await browser.get("/session")).status_code == 401
        writer = await client_with(Scope.WRITE)
        assert (await writer.post(f"{path}/link")).status_code == 403

    @pytest.mark.parametrize("name", ["", "x", "Li Wei", "李伟", "-a", "a/b", "a" * 65])
    async def test_names_that_nobody_could_type_are_refused(
        self, browse: Browse, admin: httpx.AsyncClient, name: str
    ) -> None:
        assert (await admin.post("/accounts", json={"subject": name})).status_code == 400

    async def test_accounts_of_issuers_have_no_password(
        self, browse: Browse, admin: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        new = {"issuer": "https://id.test", "subject": f"u-{time.time_ns()}"}
        made = (await admin.post("/accounts", json=new)).json()
        assert (await admin.post(f"/accounts/{made['id']}/link")).status_code == 409

    async def test_what_ended_with_an_account_stays_so_when_it_is_enabled(
        self, browse: Browse, state: ServiceState, admin: httpx.AsyncClient
    ) -> None:
        browser, number = await browse(), {}
        for name in ("li.wei", "wang.wu"):
            link = await make_account(state, name)
            if name == "li.wei":
                await start(browser, link)
        async with state.sessions() as session:
            for name in ("li.wei", "wang.wu"):
                holder = await accounts.find_holder(session, accounts.OWN, name)
                assert holder is not None
                number[name] = holder.account.id
        for disabled in (True, False):
            for one in number.values():
                answer = await admin.patch(f"/accounts/{one}", json={"disabled": disabled})
                assert answer.status_code == 200
        assert (await browser.get("/session")).status_code == 401
        gone = await browser.post("/session/start", json={"link": link, "new": PASSWORD})
        assert gone.status_code == 404
        assert (await sign_in(browser, "li.wei")).status_code == 200
        ended = await entries(state, "end-session")
        assert ended[-1][1] == str(number["li.wei"])

    async def test_links_end(self, browse: Browse, state: ServiceState) -> None:
        link = await make_account(state, "li.wei")
        await execute(
            state, "UPDATE account_credential SET link_expires_at = now() - interval '1 second'"
        )
        given = {"link": link, "new": PASSWORD}
        assert (await (await browse()).post("/session/start", json=given)).status_code == 404


@pytest.mark.configured(sign_in=SignInSettings())
async def test_nobody_signs_in_where_no_secret_is_set(browse: Browse) -> None:
    browser = await browse()
    answer = await sign_in(browser, "li.wei")
    assert answer.status_code == 404
    assert "SHANHAI_SIGN_IN_SECRET" in answer.json()["detail"]
    assert "/session/login" not in (await browser.get("/?f=html")).text


@pytest.mark.configured(public=PublicSettings(api_url="http://api.test", public_read=True))
async def test_without_tls_it_is_said_what_is_missing(browse: Browse) -> None:
    answer = await sign_in(await browse(), "li.wei")
    assert answer.status_code == 409
    assert "SHANHAI_SIGN_IN_PLAIN_COOKIE" in answer.json()["detail"]


def test_plain_cookies_are_for_this_machine_alone(configuration: Configuration) -> None:
    plain = SETTINGS.model_copy(update={"plain_cookie": True})
    for url in ("http://api.test", "https://localhost"):
        changed = replace(configuration, public=PublicSettings(api_url=url), sign_in=plain)
        with pytest.raises(ValueError, match="PLAIN_COOKIE"):
            create_app(changed)
