"""People sign in through Keycloak, and programs send its tokens: what the guide says of it.

All of it is asked of a Keycloak that is started for this file (`make test-provider`).
"""

import signal
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import jwt
import pytest
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from shanhai import oidc
from shanhai.db.identity import Identity
from shanhai.errors import Unauthenticated
from shanhai.settings import OidcSettings, OutgoingSettings, PublicSettings, SignInSettings
from shanhai.vocabulary import Scope
from shanhai_api.app import create_app
from shanhai_api.kit.state import Configuration
from tests.service.api.declared import declaration
from tests.service.api.test_sign_in import code_of
from tests.service.api.test_sign_in_in_browser import WINDOW, keep, see
from tests.support.browser import Page, open_page
from tests.support.declared import AsDeclared
from tests.support.keycloak import (
    CLIENT_SECRET,
    FACTOR,
    MACHINE_SECRET,
    PASSWORD,
    PATIENCE_S,
    Keycloak,
    pass_forms,
    running_keycloak,
    tokens_of,
)
from tests.support.serving import serving

BASE = "https://api.test"
CALLBACK = f"{BASE}/session/callback"
JSON = {"f": "json"}
pytestmark = [
    pytest.mark.db,
    pytest.mark.redis,
    pytest.mark.service,
    pytest.mark.timeout(PATIENCE_S + 60),
]
Visit = Callable[[], httpx.AsyncClient]


@pytest.fixture(scope="module")
def keycloak(
    identity_provider: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Keycloak]:
    """Keycloak, and people: Lin plans, Chen is in no group, Wang and Zhao may administer.

    Wang alone has a second factor.
    """
    with running_keycloak(tmp_path_factory.mktemp("keycloak"), BASE) as keycloak:
        keycloak.name_proofs()
        keycloak.add_person("lin", "planning-office", shown="林")
        keycloak.add_person("chen")
        keycloak.add_person("wang", "platform-office", factor=True)
        keycloak.add_person("zhao", "platform-office")
        yield keycloak


def settings_of(keycloak: Keycloak, **others: Any) -> dict[str, Any]:
    """The settings of the guide."""
    oidc = {
        "issuer": (keycloak.issuer,),
        "audience": "shanhai",
        "roles_claim": "groups",
        "roles": ("planning-office=planner", "platform-office=admin"),
        "admin_proof": ("otp",),
        "client_id": "shanhai-web",
        "client_secret": SecretStr(CLIENT_SECRET),
        **others,
    }
    return {
        "oidc": OidcSettings(**oidc),
        "outgoing": OutgoingSettings(networks="127.0.0.0/8,::1/128", tls_ca=keycloak.ca),
        "public": PublicSettings(api_url=BASE, public_read=True),
        "sign_in": SignInSettings(secret=SecretStr("s" * 40)),
    }


@pytest.fixture
async def signing_app(configuration: Configuration, keycloak: Keycloak) -> AsyncIterator[FastAPI]:
    app = create_app(replace(configuration, **settings_of(keycloak)))
    app.add_middleware(AsDeclared, declaration=declaration())
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def visit(signing_app: FastAPI, keycloak: Keycloak) -> AsyncIterator[Visit]:
    """Makes browsers, each with cookies of its own, that reach the platform and the provider."""
    transport = httpx.ASGITransport(app=signing_app, client=("203.0.113.7", 1))
    trust = ssl.create_default_context(cafile=keycloak.ca)
    async with AsyncExitStack() as stack:
        made = [
            httpx.AsyncClient(mounts={BASE: transport}, base_url=BASE, verify=trust, timeout=30)
            for _ in range(3)
        ]
        for browser in made:
            await stack.enter_async_context(browser)
        yield made.pop


async def leave(browser: httpx.AsyncClient, keycloak: Keycloak, page: str = "/collections") -> str:
    """Where the platform sends a browser to sign in."""
    asked = {"issuer": keycloak.issuer, "next": page}
    answer = await browser.get("/session/login", params=asked)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


async def sign_in(
    browser: httpx.AsyncClient, keycloak: Keycloak, who: str, code: str = ""
) -> dict[str, Any]:
    """Sign in through the provider, and see who one is."""
    back = await pass_forms(browser, await leave(browser, keycloak), who, code)
    answer = await browser.get(back)
    assert answer.status_code == 303, answer.text
    assert answer.headers["Location"] == f"{BASE}/collections"
    mine: dict[str, Any] = (await browser.get("/session", params=JSON)).json()
    return mine


async def sign_out(browser: httpx.AsyncClient, mine: Mapping[str, Any]) -> None:
    headers = {"X-CSRF-Token": mine["csrf"]}
    assert (await browser.post("/session/logout", json={}, headers=headers)).status_code == 204
    assert (await browser.get("/session", params=JSON)).status_code == 401


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def refused(browser: httpx.AsyncClient, token: str) -> str:
    """Why the API takes no notice of a token."""
    answer = await browser.get("/keys", headers=bearing(token))
    assert answer.status_code == 401, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["detail"])


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


class TestSigningIn:
    async def test_the_whole_way(self, visit: Visit, keycloak: Keycloak) -> None:
        browser = visit()
        page = await browser.get("/session/login?f=html")
        assert keycloak.issuer in page.text
        mine = await sign_in(browser, keycloak, "lin")
        assert (mine["name"], mine["own"], mine["need"]) == ("林 工", False, None)
        assert "write" in mine["scopes"]
        assert (await browser.get("/proposals")).status_code == 200
        await sign_out(browser, mine)

    async def test_who_is_in_no_group_reads_alone(self, visit: Visit, keycloak: Keycloak) -> None:
        browser = visit()
        mine = await sign_in(browser, keycloak, "chen")
        assert (mine["scopes"], mine["roles"]) == (["read"], [])
        headers = {"X-CSRF-Token": mine["csrf"]}
        for path in ("/collections/plans/items", "/keys"):
            answer = await browser.post(path, json={}, headers=headers)
            assert answer.status_code == 403, answer.text

    async def test_administrators_show_a_second_factor_there(
        self, visit: Visit, keycloak: Keycloak
    ) -> None:
        with_factor, without = visit(), visit()
        mine = await sign_in(with_factor, keycloak, "wang", code_of(FACTOR))
        assert "admin" in mine["scopes"]
        assert (await with_factor.get("/keys")).status_code == 200
        mine = await sign_in(without, keycloak, "zhao")
        assert mine["scopes"] == ["read"]
        assert (await without.get("/keys")).status_code == 403

    async def test_signing_out_leaves_the_provider_signed_in(
        self, visit: Visit, keycloak: Keycloak
    ) -> None:
        """As the guide says; the provider's own page ends its session."""
        browser = visit()
        await sign_out(browser, await sign_in(browser, keycloak, "lin"))
        answer = await browser.get(await leave(browser, keycloak))
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith(CALLBACK)


class TestRefusedSignIns:
    async def test_a_code_is_good_once(self, visit: Visit, keycloak: Keycloak) -> None:
        browser = visit()
        back = await pass_forms(browser, await leave(browser, keycloak), "lin")
        waiting = browser.cookies["__Host-shanhai-flow"]
        assert (await browser.get(back)).status_code == 303
        assert (await browser.get(back)).status_code == 401
        # Nor does the provider take it again of a browser that has kept its cookie.
        again = visit()
        again.cookies.set("__Host-shanhai-flow", waiting, "api.test", "/")
        answer = await again.get(back)
        assert answer.status_code == 401
        assert "does not take the code" in answer.json()["detail"]

    async def test_the_way_back_is_for_the_browser_that_began(
        self, visit: Visit, keycloak: Keycloak
    ) -> None:
        victim, attacker = visit(), visit()
        back = await pass_forms(attacker, await leave(attacker, keycloak), "chen")
        assert (await victim.get(back)).status_code == 401
        await leave(victim, keycloak)
        assert (await victim.get(back)).status_code == 401
        assert (await victim.get("/session", params=JSON)).status_code == 401
        assert (await attacker.get(back)).status_code == 303

    async def test_a_code_of_another_sign_in(self, visit: Visit, keycloak: Keycloak) -> None:
        """Put into the place of one's own: the verifier is not that of its challenge."""
        victim, attacker = visit(), visit()
        theirs = await pass_forms(attacker, await leave(attacker, keycloak), "chen")
        mine = await pass_forms(victim, await leave(victim, keycloak), "lin")
        stolen = dict(parse_qsl(urlsplit(theirs).query))["code"]
        query = {**dict(parse_qsl(urlsplit(mine).query)), "code": stolen}
        answer = await victim.get(f"{CALLBACK}?{urlencode(query)}")
        assert answer.status_code == 401
        assert "does not take the code" in answer.json()["detail"]

    async def test_without_a_challenge_the_provider_lets_nobody_in(
        self, visit: Visit, keycloak: Keycloak
    ) -> None:
        browser = visit()
        address = await leave(browser, keycloak)
        asked = dict(parse_qsl(urlsplit(address).query))
        bare = {name: asked[name] for name in asked if not name.startswith("code_challenge")}
        answer = await browser.get(f"{keycloak.endpoint('auth')}?{urlencode(bare)}")
        back = answer.headers["Location"]
        assert back.startswith(CALLBACK)
        told = await browser.get(back)
        assert told.status_code == 401
        assert "invalid_request" in told.json()["detail"]


class TestTokens:
    async def test_of_a_person_speak_for_the_account_that_signs_in(
        self, signing_app: FastAPI, visit: Visit, keycloak: Keycloak
    ) -> None:
        mine = await sign_in(visit(), keycloak, "lin")
        program = visit()
        token = (await tokens_of(keycloak, program, "shanhai-desktop", "lin"))["access_token"]
        assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
        assert (await program.get("/proposals", headers=bearing(token))).status_code == 200
        assert (await program.get("/keys", headers=bearing(token))).status_code == 403
        assert (await identity_of(signing_app, token)).owner == mine["owner"]

    async def test_of_an_administrator_tell_the_second_factor(
        self, visit: Visit, keycloak: Keycloak
    ) -> None:
        statuses = []
        for who, code in (("wang", code_of(FACTOR)), ("zhao", "")):
            program = visit()
            tokens = await tokens_of(keycloak, program, "shanhai-desktop", who, code=code)
            answer = await program.get("/keys", headers=bearing(tokens["access_token"]))
            statuses.append(answer.status_code)
        assert statuses == [200, 403]

    async def test_of_a_machine(
        self, signing_app: FastAPI, visit: Visit, keycloak: Keycloak
    ) -> None:
        machine = visit()
        token = await token_of_machine(machine, keycloak)
        identity = await identity_of(signing_app, token)
        assert identity.scopes == {Scope.READ}
        # Its roles are given to its account, as the guide says.
        admin = await tokens_of(keycloak, visit(), "shanhai-desktop", "wang", code=code_of(FACTOR))
        path = f"/accounts/{identity.owner.partition(':')[2]}"
        headers, roles = bearing(admin["access_token"]), {"roles": [{"role": "feed"}]}
        given = await machine.patch(path, json=roles, headers=headers)
        assert given.status_code == 200, given.text
        assert (await identity_of(signing_app, token)).scopes == {Scope.READ, Scope.OBSERVE}

    async def test_of_a_client_without_our_audience_are_refused(
        self, visit: Visit, keycloak: Keycloak
    ) -> None:
        program = visit()
        page = "http://127.0.0.1:49153/back"
        client = {
            "clientId": "another-office",
            "publicClient": True,
            "redirectUris": [page],
            "attributes": {"access.token.header.type.rfc9068": "true"},
        }
        keycloak.administer("POST", "/clients", client)
        tokens = await tokens_of(keycloak, program, "another-office", "lin", page=page)
        assert "somebody else" in await refused(program, tokens["access_token"])

    async def test_of_clients_that_are_not_named_are_refused(
        self, configuration: Configuration, visit: Visit, keycloak: Keycloak
    ) -> None:
        machine = visit()
        token = await token_of_machine(machine, keycloak)
        person = await tokens_of(keycloak, machine, "shanhai-desktop", "lin")
        settings = settings_of(keycloak, clients=("shanhai-desktop",))
        app = create_app(replace(configuration, **settings))
        async with app.router.lifespan_context(app):
            assert Scope.WRITE in (await identity_of(app, person["access_token"])).scopes
            with pytest.raises(Unauthenticated, match="client is not accepted"):
                await identity_of(app, token)

    @pytest.mark.parametrize("types", [("at+jwt",), ("at+jwt", "JWT")])
    @pytest.mark.parametrize("audience", ["shanhai", "shanhai-web"])
    async def test_that_are_no_access_tokens_are_refused(
        self,
        configuration: Configuration,
        visit: Visit,
        keycloak: Keycloak,
        types: tuple[str, ...],
        audience: str,
    ) -> None:
        """Even where all tokens have one type, or the API the name of the client."""
        tokens = await tokens_of(
            keycloak, visit(), "shanhai-web", "lin", page=CALLBACK, secret=CLIENT_SECRET
        )
        assert claims_of(tokens["id_token"])["aud"] == "shanhai-web"
        settings = settings_of(keycloak, token_types=types, audience=audience)
        app = create_app(replace(configuration, **settings))
        async with app.router.lifespan_context(app):
            for name in ("id_token", "refresh_token"):
                with pytest.raises(Unauthenticated):
                    await identity_of(app, tokens[name])
            with pytest.raises(Unauthenticated):
                await identity_of(app, tokens["access_token"])

    async def test_without_the_type_of_access_tokens(
        self, configuration: Configuration, visit: Visit, keycloak: Keycloak
    ) -> None:
        """As Keycloak gives them unless told otherwise: the setting of the guide takes them."""
        program = visit()
        with keycloak.changed("shanhai-desktop", {"access.token.header.type.rfc9068": "false"}):
            tokens = await tokens_of(keycloak, program, "shanhai-desktop", "lin")
        assert "no access token" in await refused(program, tokens["access_token"])
        app = create_app(
            replace(configuration, **settings_of(keycloak, token_types=("at+jwt", "JWT")))
        )
        async with app.router.lifespan_context(app):
            assert Scope.WRITE in (await identity_of(app, tokens["access_token"])).scopes
            with pytest.raises(Unauthenticated, match=r"no access token|somebody else"):
                await identity_of(app, tokens["id_token"])


@pytest.mark.usefixtures("browser")
def test_in_a_browser(configuration: Configuration, keycloak: Keycloak, tmp_path: Path) -> None:
    """Chromium takes the cookies of both sides, which are two sites, and lets the forms through."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        keycloak.lead_back_to("shanhai-web", f"{base}/session/callback")
        settings = settings_of(
            keycloak,
            issuer=(keycloak.issuer.replace(keycloak.url, keycloak.plain_url),),
            allow_loopback_http=True,
        )
        plain = {
            "public": PublicSettings(api_url=base, public_read=True),
            "sign_in": SignInSettings(secret=SecretStr("s" * 40), plain_cookie=True),
        }
        app = create_app(replace(configuration, **{**settings, **plain}))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        with serving(server, listener), open_page(tmp_path / "profile", *WINDOW) as page:
            page.open(f"{base}/accounts?f=html&lang=zh")
            see(page, "需要")
            page.evaluate("document.querySelector('main a[href*=login]').click()")
            see(page, "通过统一身份认证登录")
            page.evaluate("document.querySelector('main a[href*=issuer]').click()")
            page.wait_for("document.querySelector('#kc-form-login') !== null")
            keep(page, "keycloak-1-password")
            fill_in(page, username="wang", password=PASSWORD)
            page.wait_for("document.querySelector('#kc-otp-login-form') !== null")
            fill_in(page, otp=code_of(FACTOR))
            see(page, "wang")
            assert page.evaluate("location.href").startswith(f"{base}/accounts")
            keep(page, "keycloak-2-accounts")
            page.evaluate("document.querySelector('form.sign-out button').click()")
            page.wait_for("document.querySelector('form.sign-out') === null")
            see(page, "登录")
        # The page of refusal, before anybody had signed in.
        assert all("status of 401" in message for message in page.messages)


def fill_in(page: Page, **fields: str) -> None:
    """Fill in the provider's form, and send it."""
    for name, value in fields.items():
        page.evaluate(f"document.querySelector('#{name}').value = '{value}'")
    page.evaluate("document.querySelector('#kc-login').click()")


class TestChangesOfTheProvider:
    async def test_its_next_key(
        self,
        signing_app: FastAPI,
        visit: Visit,
        keycloak: Keycloak,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        browser = visit()
        former = await token_of_machine(browser, keycloak)
        await identity_of(signing_app, former)
        keycloak.rotate()
        monkeypatch.setattr(oidc, "REFRESH_S", 0.0)
        assert "write" in (await sign_in(browser, keycloak, "lin"))["scopes"]
        next_one = await token_of_machine(browser, keycloak)
        assert (
            jwt.get_unverified_header(next_one)["kid"] != jwt.get_unverified_header(former)["kid"]
        )
        assert (await identity_of(signing_app, next_one)).scopes
        assert "does not publish" in await refused(browser, former)

    async def test_who_left_a_group(self, visit: Visit, keycloak: Keycloak) -> None:
        keycloak.add_person("huang", "planning-office")
        browser = visit()
        mine = await sign_in(browser, keycloak, "huang")
        assert "write" in mine["scopes"]
        keycloak.leave_groups("huang")
        mine = (await browser.get("/session", params=JSON)).json()
        assert "write" in mine["scopes"]
        await sign_out(browser, mine)
        answer = await browser.get(await leave(browser, keycloak))
        assert (await browser.get(answer.headers["Location"])).status_code == 303
        assert (await browser.get("/session", params=JSON)).json()["scopes"] == ["read"]

    async def test_it_hangs_and_ends(self, visit: Visit, keycloak: Keycloak) -> None:
        """The last test: nobody starts it again."""
        browser, waiting, signed_in = visit(), visit(), visit()
        mine = await sign_in(signed_in, keycloak, "lin")
        token = await token_of_machine(browser, keycloak)
        assert (await browser.get("/collections", headers=bearing(token))).status_code == 200
        back = await pass_forms(waiting, await leave(waiting, keycloak), "lin")
        for sign in (signal.SIGSTOP, signal.SIGKILL):
            keycloak.tell(sign)
            answer = await waiting.get(back, headers={"Accept": "application/json"})
            assert answer.status_code == 503, answer.text
            assert answer.headers["content-type"] == "application/problem+json"
            assert "Retry-After" in answer.headers
            # What it said of itself is known: whoever looks does not make us ask again.
            assert (await leave(browser, keycloak)).startswith(keycloak.endpoint("auth"))
            # Who was there already goes on.
            assert (await signed_in.get("/proposals")).status_code == 200
            assert (await browser.get("/collections", headers=bearing(token))).status_code == 200
        page = await waiting.get(back, headers={"Accept": "text/html"})
        assert page.status_code == 503
        assert page.headers["content-type"].startswith("text/html")
        await sign_out(signed_in, mine)


async def identity_of(app: FastAPI, token: str) -> Identity:
    """Whom a token speaks for."""
    identity: Identity = await app.state.service.authenticator.identify(f"Bearer {token}", None)
    return identity


async def token_of_machine(machine: httpx.AsyncClient, keycloak: Keycloak) -> str:
    fields = {"grant_type": "client_credentials", "client_id": "shanhai-machine"}
    given = {**fields, "client_secret": MACHINE_SECRET}
    answer = await machine.post(keycloak.endpoint("token"), data=given)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])
