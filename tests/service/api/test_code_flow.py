"""People sign in through an identity provider: authorization code with PKCE, done by the API."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.tables.access import AuditLog
from shanhai.settings import OidcSettings, PublicSettings, SignInSettings
from shanhai_api.app import create_app
from shanhai_api.kit.state import Configuration, ServiceState
from tests.support.issuer import AUDIENCE, LocalIssuer, local_issuer

BASE = "https://api.test"
CLIENT = "shanhai-web"
pytestmark = [pytest.mark.db, pytest.mark.redis, pytest.mark.service]


@pytest.fixture
def provider() -> Iterator[LocalIssuer]:
    with local_issuer() as provider:
        yield provider


@pytest.fixture
async def code_flow_app(
    configuration: Configuration, provider: LocalIssuer, state: ServiceState
) -> AsyncIterator[FastAPI]:
    """The application, where people sign in through the issuer."""
    oidc = OidcSettings(
        issuer=(provider.url,),
        audience=AUDIENCE,
        allow_loopback_http=True,
        roles_claim="groups",
        roles=("chiefs=admin", "desk=planner"),
        admin_proof=("otp",),
        client_id=CLIENT,
        client_secret=SecretStr("hush"),
    )
    changed = replace(
        configuration,
        oidc=oidc,
        public=PublicSettings(api_url=BASE, public_read=True),
        sign_in=SignInSettings(secret=SecretStr("s" * 40)),
    )
    app = create_app(changed)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def visiting(code_flow_app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A browser."""
    transport = httpx.ASGITransport(app=code_flow_app, client=("203.0.113.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
        yield client


async def leave(
    visiting: httpx.AsyncClient, provider: LocalIssuer, page: str = "/collections"
) -> dict[str, str]:
    """What the browser is sent to the issuer with."""
    asked = {"issuer": provider.url, "next": page}
    answer = await visiting.get("/session/login", params=asked)
    assert answer.status_code == 303
    target = urlsplit(answer.headers["Location"])
    assert f"{target.scheme}://{target.netloc}{target.path}" == f"{provider.url}/authorize"
    return dict(parse_qsl(target.query))


def signed_in(provider: LocalIssuer, asked: dict[str, str], **claims: Any) -> dict[str, str]:
    """What the issuer sends the browser back with when somebody has signed in."""
    given = {"aud": CLIENT, "nonce": asked["nonce"], "sub": "lin", "name": "林工", **claims}
    provider.grants["code-1"] = (asked["code_challenge"], given)
    return {"code": "code-1", "state": asked["state"], "iss": provider.url, "session_state": "x"}


async def come_back(visiting: httpx.AsyncClient, query: dict[str, str]) -> httpx.Response:
    return await visiting.get("/session/callback", params=query)


async def test_signing_in_through_the_provider(
    visiting: httpx.AsyncClient, provider: LocalIssuer
) -> None:
    page = await visiting.get("/session/login?f=html")
    assert provider.url in page.text
    asked = await leave(visiting, provider)
    assert asked["response_type"] == "code"
    assert asked["client_id"] == CLIENT
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == f"{BASE}/session/callback"
    query = signed_in(provider, asked, groups=["desk"])
    answer = await come_back(visiting, query)
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"{BASE}/collections"
    assert provider.sent[0]["redirect_uri"] == asked["redirect_uri"]
    mine = (await visiting.get("/session", params={"f": "json"})).json()
    assert (mine["name"], mine["own"], mine["need"]) == ("林工", False, None)
    assert "write" in mine["scopes"]
    # What its groups stand for is told as its own roles are: pages offer what these may do.
    assert mine["roles"] == [{"role": "planner", "region": None}]
    assert "规划" in (await visiting.get("/session", params={"f": "html", "lang": "zh"})).text
    assert (await visiting.get("/proposals")).status_code == 200
    # A code, and what the browser was sent with, is good once.
    assert (await come_back(visiting, query)).status_code == 401


async def test_flags_of_the_cookie_that_waits(
    visiting: httpx.AsyncClient, provider: LocalIssuer
) -> None:
    answer = await visiting.get("/session/login", params={"issuer": provider.url})
    name, _, rest = answer.headers["Set-Cookie"].partition("=")
    sealed, *flags = rest.split("; ")
    assert name == "__Host-shanhai-flow"
    assert {*flags} == {"Path=/", "Secure", "HttpOnly", "SameSite=Lax", "Max-Age=600"}
    asked = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
    assert asked["state"] not in sealed
    assert asked["nonce"] not in sealed


@pytest.mark.parametrize(
    ("given", "claims"),
    [
        ({"state": "x" * 43}, {}),
        ({"state": ""}, {}),
        ({"iss": "https://evil.test"}, {}),
        ({"code": "another"}, {}),
        ({}, {"nonce": "x" * 43}),
        ({}, {"nonce": None}),
        ({}, {"aud": AUDIENCE}),
        ({}, {"aud": "another-client"}),
        ({}, {"aud": [CLIENT, "another-client"]}),
        ({}, {"aud": [CLIENT, "another-client"], "azp": CLIENT}),
        ({}, {"aud": [CLIENT, AUDIENCE], "azp": "another-client"}),
        ({}, {"azp": "another-client"}),
        ({}, {"iss": "https://evil.test"}),
        ({}, {"exp": 1}),
    ],
)
async def test_what_belongs_to_another_sign_in_is_refused(
    visiting: httpx.AsyncClient,
    provider: LocalIssuer,
    given: dict[str, str],
    claims: dict[str, Any],
) -> None:
    query = signed_in(provider, await leave(visiting, provider), **claims)
    answer = await come_back(visiting, {**query, **given})
    assert answer.status_code == 401
    assert "__Host-shanhai" not in visiting.cookies


async def test_another_browser_cannot_finish_it(
    visiting: httpx.AsyncClient, provider: LocalIssuer
) -> None:
    query = signed_in(provider, await leave(visiting, provider))
    visiting.cookies.clear()
    assert (await come_back(visiting, query)).status_code == 401
    # Nor one that began its own.
    await leave(visiting, provider)
    assert (await come_back(visiting, query)).status_code == 401


async def test_the_verifier_must_be_the_one_of_the_challenge(
    visiting: httpx.AsyncClient, provider: LocalIssuer
) -> None:
    asked = await leave(visiting, provider)
    query = signed_in(provider, {**asked, "code_challenge": "x" * 43})
    answer = await come_back(visiting, query)
    assert answer.status_code == 401
    assert "does not take the code" in answer.json()["detail"]


async def test_a_refusal_of_the_provider_is_told(
    visiting: httpx.AsyncClient, provider: LocalIssuer
) -> None:
    asked = await leave(visiting, provider)
    answer = await come_back(visiting, {"error": "access_denied", "state": asked["state"]})
    assert answer.status_code == 401
    assert "access_denied" in answer.json()["detail"]


async def test_who_looks_does_not_make_us_ask_the_provider(
    visiting: httpx.AsyncClient, provider: LocalIssuer
) -> None:
    looks = [leave(visiting, provider) for _ in range(5)]
    await asyncio.gather(*looks)
    query = signed_in(provider, await leave(visiting, provider))
    assert (await come_back(visiting, query)).status_code == 303
    assert provider.asked == ["/.well-known/openid-configuration", "/keys"]


async def test_a_provider_that_is_away_is_asked_seldom(
    visiting: httpx.AsyncClient, provider: LocalIssuer
) -> None:
    provider.status = 500
    for _ in range(5):
        answer = await visiting.get("/session/login", params={"issuer": provider.url})
        assert answer.status_code == 503
    assert provider.asked == ["/.well-known/openid-configuration"]


async def test_only_the_issuers_own_addresses_are_gone_to(
    visiting: httpx.AsyncClient, provider: LocalIssuer
) -> None:
    known = provider.document("/.well-known/openid-configuration")
    elsewhere = {**known, "authorization_endpoint": "https://evil.test/authorize"}
    provider.answers["/.well-known/openid-configuration"] = elsewhere
    answer = await visiting.get("/session/login", params={"issuer": provider.url})
    assert answer.status_code == 503
    other = await visiting.get("/session/login", params={"issuer": "https://evil.test"})
    assert other.status_code == 400


@pytest.mark.parametrize("page", ["//evil.test", "/\\evil.test", "https://evil.test"])
async def test_it_leads_back_to_own_pages_alone(
    visiting: httpx.AsyncClient, provider: LocalIssuer, page: str
) -> None:
    query = signed_in(provider, await leave(visiting, provider, page))
    answer = await come_back(visiting, query)
    assert answer.headers["Location"] == f"{BASE}/session"


async def test_administrators_need_their_proof(
    visiting: httpx.AsyncClient, provider: LocalIssuer
) -> None:
    for amr, status, roles in ((["pwd"], 403, []), (["pwd", "otp"], 200, ["admin"])):
        asked = await leave(visiting, provider)
        await come_back(visiting, signed_in(provider, asked, groups=["chiefs"], amr=amr))
        assert (await visiting.get("/keys")).status_code == status
        mine = (await visiting.get("/session", params={"f": "json"})).json()
        assert [held["role"] for held in mine["roles"]] == roles


async def test_disabled_accounts_stay_out(
    code_flow_app: FastAPI,
    visiting: httpx.AsyncClient,
    provider: LocalIssuer,
    session: AsyncSession,
) -> None:
    assert (
        await come_back(visiting, signed_in(provider, await leave(visiting, provider)))
    ).is_redirect
    disable = "UPDATE account SET disabled_at = now() WHERE issuer = :issuer"
    await session.execute(text(disable), {"issuer": provider.url})
    await session.commit()
    assert (await visiting.get("/session")).status_code == 401
    for claims in ({}, {"exp": 1}):
        query = signed_in(provider, await leave(visiting, provider), **claims)
        assert (await come_back(visiting, query)).status_code == 401
    # The audit log tells both, and of a valid token whose account it was.
    service: ServiceState = code_flow_app.state.service
    await service.authenticator.tally.write()
    of_refusals = select(AuditLog).where(AuditLog.action == "refuse-sign-in")
    newest = await session.scalars(of_refusals.order_by(AuditLog.id.desc()).limit(2))
    disabled, expired = sorted(newest, key=reason_of)
    assert disabled.object_id.startswith("account:")
    assert [reason_of(disabled), disabled.address] == ["the account is disabled", "203.0.113.7"]
    assert reason_of(expired) == "the token is refused: it has expired"


def reason_of(row: AuditLog) -> str:
    return str((row.after or {})["reason"])
