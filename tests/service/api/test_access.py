"""Roles of keys, accounts by token, allowances, and who reads the audit log."""

import asyncio
import csv
import io
import re
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import RoleGiven
from shanhai.db.queries.audit_chain import verify_chain
from shanhai.db.queries.keys import create_key
from shanhai.db.tables.provision import Party
from shanhai.errors import Unauthenticated
from shanhai.settings import OidcSettings, RateSettings
from shanhai.vocabulary import Role, Scope
from shanhai_api.app import create_app
from shanhai_api.kit.state import Configuration, ServiceState
from tests.support.issuer import AUDIENCE, LocalIssuer, local_issuer
from tests.support.job_rows import add_region
from tests.support.serving import PATIENCE_S

pytestmark = pytest.mark.configured
MakeClient = Callable[..., Awaitable[httpx.AsyncClient]]
Document = dict[str, Any]


@pytest.fixture(scope="module")
def issuer() -> Iterator[LocalIssuer]:
    with local_issuer() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def partner() -> Iterator[LocalIssuer]:
    """Another issuer, with a key of its own."""
    with local_issuer() as issuer:
        issuer.rotate("partner")
        yield issuer


@pytest.fixture
def configuration(
    configuration: Configuration, issuer: LocalIssuer, partner: LocalIssuer
) -> Configuration:
    oidc = OidcSettings(
        issuer=(issuer.url, partner.url),
        audience=AUDIENCE,
        allow_loopback_http=True,
        roles_claim="groups",
        roles=("planners=planner@city", "office=admin", "review=auditor"),
        admin_proof=("otp", "hwk"),
    )
    return replace(configuration, oidc=oidc)


@pytest.fixture
async def regions(session: AsyncSession) -> None:
    """A city with a district, and another city."""
    city = await add_region(session, "city")
    await add_region(session, "district", level="district", parent=city)
    await add_region(session, "elsewhere")
    await session.commit()


def bearer(credential: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}"}


async def made(admin: httpx.AsyncClient, body: Document, path: str = "/keys") -> Document:
    answer = await admin.post(path, json=body)
    assert answer.status_code == 201, answer.text
    document: Document = answer.json()
    return document


async def entries(admin: httpx.AsyncClient, **wanted: str) -> list[Document]:
    answer = await admin.get("/audit", params={"limit": 100, **wanted})
    assert answer.status_code == 200, answer.text
    found: list[Document] = answer.json()["entries"]
    return found


class TestKeysWithRoles:
    async def test_scopes_come_with_roles(self, admin: httpx.AsyncClient, regions: None) -> None:
        roles = [{"role": "planner", "region": "city"}, {"role": "auditor"}]
        key = await made(admin, {"name": "k", "roles": roles})
        assert key["scopes"] == ["read", "write", "projects", "jobs"]
        assert key["roles"] == [
            {"role": "planner", "region": "city"},
            {"role": "auditor", "region": None},
        ]
        log = await entries(admin, object=key["id"])
        assert log[0]["after"]["roles"] == key["roles"]

    async def test_role_holds_below_its_region(
        self, state: ServiceState, session: AsyncSession, regions: None
    ) -> None:
        roles = [RoleGiven(Role.PLANNER, "city"), RoleGiven(Role.VIEWER, "gone")]
        key = await create_key(session, name="k", scopes=[Scope.READ], roles=roles)
        await session.commit()
        identity = await state.authenticator.identify(f"Bearer {key}", None)
        assert identity.grants is not None
        assert [len(grant.regions or ()) for grant in identity.grants] == [2, 0]
        assert identity.viewer.regions == identity.grants[0].regions

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"name": "k"}, "/scopes"),
            ({"name": "k", "roles": []}, "/roles"),
            ({"name": "k", "roles": [{"role": "king"}]}, "/roles/0/role"),
            ({"name": "k", "roles": [{"role": "planner", "region": "x"}]}, "/roles/0/region"),
            ({"name": "k", "roles": [{"role": "admin", "region": "city"}]}, "/roles/0/region"),
            ({"name": "k", "roles": [{"role": "viewer"}] * 2}, "/roles/1"),
            ({"name": "k", "roles": [{"role": "viewer", "rank": 1}]}, "/roles/0/rank"),
            ({"name": "k", "scopes": ["admin"], "roles": [{"role": "viewer"}]}, "/scopes"),
        ],
        ids=str,
    )
    async def test_roles_that_cannot_be_given(
        self, admin: httpx.AsyncClient, regions: None, body: Document, pointer: str
    ) -> None:
        answer = await admin.post("/keys", json=body)
        assert answer.status_code == 400
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


class TestRotation:
    async def test_both_are_valid_until_the_former_ends(
        self, admin: httpx.AsyncClient, anonymous: httpx.AsyncClient
    ) -> None:
        key = await made(admin, {"name": "k", "scopes": ["read", "jobs"]})
        new = await made(admin, {"overlap_hours": 1}, f"/keys/{key['id']}/rotate")
        assert new["scopes"] == key["scopes"]
        for each in (key, new):
            answer = await anonymous.get("/jobs", headers=bearer(each["key"]))
            assert answer.status_code == 200
        former = (await admin.get(f"/keys/{key['id']}")).json()
        assert former["successor"] == new["id"]
        assert former["expires"] is not None
        assert [entry["action"] for entry in await entries(admin, object=key["id"])] == [
            "rotate",
            "create",
        ]
        again = await admin.post(f"/keys/{key['id']}/rotate", json={})
        assert again.status_code == 409

    async def test_without_overlap_the_former_ends_at_once(
        self, admin: httpx.AsyncClient, anonymous: httpx.AsyncClient
    ) -> None:
        key = await made(admin, {"name": "k", "scopes": ["read"]})
        await made(admin, {"overlap_hours": 0}, f"/keys/{key['id']}/rotate")
        answer = await anonymous.get("/collections", headers=bearer(key["key"]))
        assert answer.status_code == 401
        assert (await admin.post("/keys/abcdefgh/rotate", json={})).status_code == 404
        path = f"/keys/{key['id']}"
        expired = await admin.post(f"{path}/rotate", json={})
        assert expired.json()["detail"] == f"key {key['id']!r} has expired"
        assert (await admin.delete(path)).status_code == 204
        for again in (await admin.post(f"{path}/rotate", json={}), await admin.delete(path)):
            assert again.status_code == 404
            assert again.json()["detail"] == f"key {key['id']!r} was revoked"


class TestTokens:
    async def test_first_token_makes_a_known_reader(
        self, admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, issuer: LocalIssuer
    ) -> None:
        token = issuer.token(sub="first", name="林工", auth_time=1_700_000_000)
        for _ in range(2):
            answer = await anonymous.get("/jobs", headers=bearer(token))
            assert answer.status_code == 200, answer.text
        accounts = (await admin.get("/accounts")).json()["accounts"]
        account = next(item for item in accounts if item["subject"] == "first")
        assert (account["name"], account["roles"]) == ("林工", [])
        log = await entries(admin, table="account", object=str(account["id"]))
        assert [entry["action"] for entry in log] == ["sign-in", "create"]
        assert {entry["actor"] for entry in log} == {f"account:{account['id']}"}
        again = issuer.token(sub="first", auth_time=1_700_000_500)
        await anonymous.get("/jobs", headers=bearer(again))
        log = await entries(admin, table="account", object=str(account["id"]))
        assert [entry["action"] for entry in log] == ["sign-in", "sign-in", "create"]
        assert (await anonymous.get("/keys", headers=bearer(token))).status_code == 403

    async def test_requests_of_a_new_account_at_once_make_one(
        self, admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, issuer: LocalIssuer
    ) -> None:
        token = issuer.token(sub="twin")
        asked = (anonymous.get("/collections", headers=bearer(token)) for _ in range(6))
        assert {answer.status_code for answer in await asyncio.gather(*asked)} == {200}
        accounts = (await admin.get("/accounts")).json()["accounts"]
        assert sum(item["subject"] == "twin" for item in accounts) == 1

    async def test_invited_account_has_its_roles_at_once(
        self,
        admin: httpx.AsyncClient,
        state: ServiceState,
        issuer: LocalIssuer,
        regions: None,
    ) -> None:
        body = {
            "issuer": issuer.url,
            "subject": "invited",
            "name": "规划处",
            "roles": [{"role": "planner", "region": "city"}],
        }
        account = await made(admin, body, "/accounts")
        identity = await state.authenticator.identify(f"Bearer {issuer.token(sub='invited')}", None)
        assert identity.owner == f"account:{account['id']}"
        assert Scope.WRITE in identity.scopes
        again = await admin.post("/accounts?lang=zh", json=body)
        assert (again.status_code, again.json()["detail"]) == (409, "登录名“invited”已有账户")

    async def test_roles_change_with_the_next_request(
        self,
        admin: httpx.AsyncClient,
        anonymous: httpx.AsyncClient,
        issuer: LocalIssuer,
        regions: None,
    ) -> None:
        body = {"issuer": issuer.url, "subject": "changing"}
        account = await made(admin, body, "/accounts")
        token, path = bearer(issuer.token(sub="changing")), f"/accounts/{account['id']}"
        assert (await anonymous.get("/audit", headers=token)).status_code == 403
        changed = await admin.patch(path, json={"roles": [{"role": "auditor"}]})
        assert changed.json()["roles"] == [{"role": "auditor", "region": None}]
        assert (await anonymous.get("/audit", headers=token)).status_code == 200
        await admin.patch(path, json={"roles": [{"role": "auditor", "region": "city"}]})
        refused = await anonymous.get("/audit", headers=token)
        assert refused.status_code == 403
        assert "'auditor' everywhere" in refused.json()["detail"]
        assert (await admin.patch(path, json={"disabled": True})).json()["disabled"] is not None
        assert (await anonymous.get("/collections", headers=token)).status_code == 401
        await admin.patch(path, json={"disabled": False})
        assert (await anonymous.get("/collections", headers=token)).status_code == 200
        log = await entries(admin, table="account", object=str(account["id"]), action="update")
        assert log[-1]["before"]["roles"] == []
        assert log[-1]["after"]["roles"] == [{"role": "auditor", "region": None}]

    async def test_an_address_and_a_party_are_given_and_taken_away(
        self, admin: httpx.AsyncClient, state: ServiceState
    ) -> None:
        async with state.sessions.begin() as session:
            session.add(Party(code="water", name_zh="水务局", name_en="Water", kind="department"))
        contact = {"email": "li.wei@bureau.example", "party": "water"}
        account = await made(admin, {"subject": "li.wei", "name": "Li Wei", **contact}, "/accounts")
        path = f"/accounts/{account['id']}"

        async def changed(**members: Any) -> Document:
            answer = await admin.patch(path, json=members)
            assert answer.status_code == 200, answer.text
            return {name: answer.json()[name] for name in ("name", "email", "party")}

        assert await changed(name="Li") == {"name": "Li", **contact}
        assert await changed(email=None) == {"name": "Li", "email": None, "party": "water"}
        assert await changed(party=None) == {"name": "Li", "email": None, "party": None}
        for wrong in ({"email": ""}, {"party": ""}):
            assert (await admin.patch(path, json=wrong)).status_code == 400

    async def test_an_account_is_sent_back_as_it_is_shown(self, admin: httpx.AsyncClient) -> None:
        account = await made(admin, {"subject": "sent.back", "name": "Back"}, "/accounts")
        path = f"/accounts/{account['id']}"
        for disabled in (False, True):
            await admin.patch(path, json={"disabled": disabled})
            shown = (await admin.get(path)).json()
            assert (shown["disabled"] is not None) == disabled
            answer = await admin.patch(path, json=shown)
            assert answer.status_code == 200, answer.text
            assert answer.json() == shown
            refused = await admin.patch(path, json={"disabled": "soon"})
            assert {fault["pointer"] for fault in refused.json()["errors"]} == {"/disabled"}
        assert (await admin.patch(path, json={"disabled": None})).json()["disabled"] is None

    @pytest.mark.parametrize("member", ["name", "roles"])
    async def test_what_every_account_has_is_not_taken_away(
        self, admin: httpx.AsyncClient, member: str
    ) -> None:
        body = {"subject": f"keeps.{member}", "name": "Keeper", "roles": [{"role": "auditor"}]}
        account = await made(admin, body, "/accounts")
        path = f"/accounts/{account['id']}"
        refused = await admin.patch(path, json={member: None, "email": "keeper@bureau.example"})
        assert refused.status_code == 400
        assert [fault["pointer"] for fault in refused.json()["errors"]] == [f"/{member}"]
        assert (await admin.get(path)).json() == account

    async def test_nobody_writes_over_what_he_has_not_read(
        self, admin: httpx.AsyncClient, state: ServiceState, issuer: LocalIssuer
    ) -> None:
        body = {"issuer": issuer.url, "subject": "tagged", "name": "first"}
        answer = await admin.post("/accounts", json=body)
        path, made_as = answer.headers["Location"], answer.headers["ETag"]
        assert (await admin.get(path)).headers["ETag"] == made_as
        # Coming in leaves its mark on the account, and takes nobody's right to change it.
        await state.authenticator.identify(f"Bearer {issuer.token(sub='tagged')}", None)
        assert (await admin.get(path)).json()["last_seen"] is not None

        async def rename(name: str, tag: str) -> httpx.Response:
            return await admin.patch(path, json={"name": name}, headers={"If-Match": tag})

        second = await rename("second", made_as)
        assert (second.status_code, second.json()["name"]) == (200, "second")
        assert second.headers["ETag"] == (await admin.get(path)).headers["ETag"] != made_as
        assert (await rename("third", made_as)).status_code == 412
        assert (await rename("third", f"{made_as}, {second.headers['ETag']}")).status_code == 200
        assert (await rename("fourth", "*")).json()["name"] == "fourth"

    async def test_roles_of_groups(
        self, state: ServiceState, issuer: LocalIssuer, regions: None
    ) -> None:
        async def scopes(**claims: Any) -> frozenset[Scope]:
            token = issuer.token(sub="member", **claims)
            return (await state.authenticator.identify(f"Bearer {token}", None)).scopes

        assert await scopes() == {Scope.READ}
        assert Scope.WRITE in await scopes(groups=["planners", "unknown"])
        assert Scope.WRITE not in await scopes(groups="planner")
        # Administration asks for more than a password.
        assert Scope.ADMIN not in await scopes(groups=["office"], amr=["pwd"])
        assert Scope.ADMIN in await scopes(groups=["office"], amr=["pwd", "otp"])
        assert Scope.ADMIN in await scopes(groups=["office"], acr="hwk")

    async def test_several_issuers(
        self, state: ServiceState, issuer: LocalIssuer, partner: LocalIssuer, regions: None
    ) -> None:
        async def shown(token: str) -> tuple[str, bool]:
            identity = await state.authenticator.identify(f"Bearer {token}", None)
            return identity.owner, Scope.WRITE in identity.scopes

        here = await shown(issuer.token(sub="same", groups=["planners"]))
        there = await shown(partner.token(sub="same", groups=["planners"]))
        # A group gives its role whichever issuer names it; the people are two.
        assert (here[1], there[1]) == (True, True)
        assert here[0] != there[0]
        with pytest.raises(Unauthenticated):
            await shown(issuer.token(iss=partner.url, sub="same"))
        partner.status = 500
        try:
            assert await shown(issuer.token(sub="same")) == (here[0], False)
            assert await shown(partner.token(sub="same")) == (there[0], False)
        finally:
            partner.status = 200

    async def test_wrong_token_is_401_everywhere(
        self, anonymous: httpx.AsyncClient, issuer: LocalIssuer
    ) -> None:
        expired = issuer.token(exp=int(time.time()) - 3600)
        for credential in (expired, issuer.token(aud="x"), "a.b.c", "shk_a.b.c"):
            answer = await anonymous.get("/collections", headers=bearer(credential))
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")

    async def test_issuer_away_is_503(
        self, anonymous: httpx.AsyncClient, state: ServiceState, issuer: LocalIssuer
    ) -> None:
        assert state.authenticator.tokens is not None
        issuer.status = 500
        try:
            answer = await anonymous.get("/collections", headers=bearer(issuer.token()))
        finally:
            issuer.status = 200
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"subject": "x"}, "/subject"),
            ({"subject": "li.wei", "email": "a@b.cn, c@b.cn"}, "/email"),
            ({"issuer": "me", "subject": "x"}, "/issuer"),
            ({"issuer": "https://i.example", "subject": ""}, "/subject"),
            ({"issuer": "https://i.example", "subject": "x", "party": "none"}, "/party"),
            (
                {"issuer": "https://i.example", "subject": "x", "roles": [{"role": "x"}]},
                "/roles/0/role",
            ),
        ],
        ids=str,
    )
    async def test_bad_account(
        self, admin: httpx.AsyncClient, body: Document, pointer: str
    ) -> None:
        answer = await admin.post("/accounts", json=body)
        assert answer.status_code == 400
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
        assert (await admin.get("/accounts/999999")).status_code == 404
        assert (await admin.patch("/accounts/999999", json={})).status_code == 404


class TestRealProvider:
    """A provider somebody else wrote, in a process of its own, with its own code flow."""

    async def test_id_token_of_a_code_flow_and_of_its_next_key(
        self, configuration: Configuration
    ) -> None:
        """Its access tokens are opaque: the ID token is proven by its key, and then refused."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        oidc = OidcSettings(issuer=(url,), audience=AUDIENCE, allow_loopback_http=True)
        app = create_app(replace(configuration, oidc=oidc))
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://x") as caller:
                async with provider(port):
                    token = await sign_in(url)
                    answer = await caller.get("/jobs", headers=bearer(token))
                    assert answer.status_code == 401
                    assert "no access token" in answer.text
                    last = "A" if token[-10] != "A" else "B"
                    changed = f"{token[:-10]}{last}{token[-9:]}"
                    answer = await caller.get("/jobs", headers=bearer(changed))
                    assert "signature is not valid" in answer.text
                # Started anew it has another key.
                async with provider(port):
                    state: ServiceState = app.state.service
                    assert state.authenticator.tokens is not None
                    state.authenticator.tokens.issuers[url].tried_at = None
                    answer = await caller.get("/jobs", headers=bearer(await sign_in(url)))
                    assert answer.status_code == 401
                    assert "no access token" in answer.text


@asynccontextmanager
async def provider(port: int) -> AsyncIterator[None]:
    command = (sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port))
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, stdout=quiet, stderr=quiet)
    try:
        async with httpx.AsyncClient() as client, asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    await client.get(f"http://127.0.0.1:{port}/.well-known/openid-configuration")
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
        yield
    finally:
        process.kill()
        await asyncio.wait_for(process.wait(), PATIENCE_S)


async def sign_in(url: str) -> str:
    """The identity token of a person who agrees to everything."""
    back = "http://client.example/back"
    asked = {
        "client_id": AUDIENCE,
        "redirect_uri": back,
        "response_type": "code",
        "scope": "openid email",
        "nonce": "n",
    }
    async with httpx.AsyncClient(base_url=url) as client:
        agreed = await client.post("/oauth2/authorize", params=asked, data={"sub": "lin"})
        code = parse_qs(urlsplit(agreed.headers["Location"]).query)["code"][0]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back}
        given = await client.post("/oauth2/token", data=form, auth=(AUDIENCE, "secret"))
        token: str = given.json()["id_token"]
        return token


class TestAllowances:
    async def test_headers_tell_what_is_left(
        self, reader: httpx.AsyncClient, anonymous: httpx.AsyncClient
    ) -> None:
        first, second = [await reader.get("/collections") for _ in range(2)]
        assert first.headers["RateLimit-Policy"] == '"identity";q=20000;w=10'
        left = [re.search(r"r=(\d+)", each.headers["RateLimit"]) for each in (first, second)]
        assert all(left)
        answer = await anonymous.get("/collections")
        assert answer.headers["RateLimit-Policy"] == '"anonymous";q=10000;w=10'
        assert "RateLimit" not in (await anonymous.get("/health/live")).headers

    async def test_nothing_left_is_429(
        self, reader: httpx.AsyncClient, anonymous: httpx.AsyncClient, state: ServiceState
    ) -> None:
        state.limiter.settings = RateSettings(identity=3, anonymous=30, window_s=60)
        answers = [await reader.get("/collections") for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
        refused = answers[-1]
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert int(refused.headers["Retry-After"]) >= 15
        assert refused.headers["RateLimit"].startswith('"identity";r=0')
        assert (await anonymous.get("/collections")).status_code == 200
        assert (await reader.get("/health/ready")).status_code == 200

    async def test_guessing_keys_ends_soon(
        self, anonymous: httpx.AsyncClient, state: ServiceState
    ) -> None:
        state.limiter.settings = RateSettings(identity=1000, anonymous=30, window_s=600)
        wrong = bearer("shk_aaaaaaaa_" + "x" * 43)
        answers = [await anonymous.get("/collections", headers=wrong) for _ in range(4)]
        assert [answer.status_code for answer in answers][-1] == 429

    async def test_large_pages_cost_more(
        self, reader: httpx.AsyncClient, state: ServiceState
    ) -> None:
        state.limiter.settings = RateSettings(identity=100, anonymous=100, window_s=600)
        assert (await reader.get("/collections/regions/items?limit=9000")).status_code == 200
        assert (await reader.get("/collections/regions/items?limit=9000")).status_code == 429
        assert (await reader.get("/collections/regions/items")).status_code == 200

    @pytest.mark.parametrize(
        "path",
        [
            *("/collections/regions/items?limit=009000", "/collections/regions/items?%6Cimit=9000"),
            *("/jobs?limit=%2B9000", "/jobs?limit=9000.0", "/jobs?limit=9_000"),
            "/collections/regions/items?%66=csv",
        ],
    )
    async def test_they_cost_as_much_however_they_are_written(
        self, admin: httpx.AsyncClient, state: ServiceState, path: str
    ) -> None:
        state.limiter.settings = RateSettings(identity=60, anonymous=100, window_s=600)
        answers = [await admin.get(path) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 429], answers[0].text

    @pytest.mark.parametrize("limit", ["nan", "inf", "-9000", "999999999", "x"])
    async def test_what_is_no_limit_costs_as_little_as_any_refusal(
        self, reader: httpx.AsyncClient, state: ServiceState, limit: str
    ) -> None:
        state.limiter.settings = RateSettings(identity=4, anonymous=100, window_s=600)
        answers = [await reader.get(f"/processes?limit={limit}") for _ in range(5)]
        assert [answer.status_code for answer in answers] == [400] * 4 + [429]

    @pytest.mark.parametrize(
        ("path", "accept"),
        [
            ("/collections/regions/items?f=csv", "*/*"),
            ("/collections/regions/items", "text/csv, */*"),
            ("/collections/regions/items?as_of=2999-01-01", "text/csv, */*"),
            ("/collections/occurrences/darwin-core", "*/*"),
        ],
    )
    async def test_files_cost_as_much_however_they_are_asked_for(
        self, reader: httpx.AsyncClient, state: ServiceState, path: str, accept: str
    ) -> None:
        state.limiter.settings = RateSettings(identity=60, anonymous=100, window_s=600)
        answers = [await reader.get(path, headers={"Accept": accept}) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 429], answers[0].text


class TestAudit:
    async def test_refused_administration_is_noted(
        self, admin: httpx.AsyncClient, runner: httpx.AsyncClient
    ) -> None:
        answer = await runner.get("/keys", headers={"X-Request-Id": "trace-403"})
        assert answer.status_code == 403
        noted = await entries(admin, request="trace-403")
        assert [(item["action"], item["object"]) for item in noted] == [("refuse", "GET /keys")]

    async def test_time_and_paging(self, admin: httpx.AsyncClient) -> None:
        for number in range(3):
            await made(admin, {"name": f"page-{number}", "scopes": ["read"]})
        log = await entries(admin, action="create", table="api_key")
        later = await entries(admin, action="create", table="api_key", since=log[1]["at"])
        assert [item["id"] for item in later][:2] == [item["id"] for item in log[:2]]
        assert log[-1]["id"] not in [item["id"] for item in later]
        sooner = await entries(admin, action="create", table="api_key", until=log[2]["at"])
        assert log[0]["id"] not in [item["id"] for item in sooner]
        assert sooner
        url, seen = f"/audit?action=create&table=api_key&limit=1&since={log[2]['at']}", []
        while url:
            page = (await admin.get(url)).json()
            seen += [item["id"] for item in page["entries"]]
            url = next((item["href"] for item in page["links"] if item["rel"] == "next"), "")
        assert seen[:3] == [item["id"] for item in log[:3]]
        for none in ("yesterday", "0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00"):
            refused = await admin.get(f"/audit?since={none}")
            assert [fault["pointer"] for fault in refused.json()["errors"]] == ["since"]

    async def test_table_for_other_programs(
        self, admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shanhai_api.audit.BLOCK", 2)
        await made(admin, {"name": "=1+1", "scopes": ["read"]})
        log = await entries(admin, table="api_key")
        answer = await admin.get("/audit", params={"f": "csv", "table": "api_key"})
        assert answer.headers["Content-Type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert [row["id"] for row in rows] == [str(item["id"]) for item in log]
        assert rows[0]["digest"] == log[0]["digest"]
        exports = await entries(admin, action="export")
        assert exports[0]["after"]["table"] == "api_key"

    async def test_chain_of_all_that_was_done_is_sound(
        self, admin: httpx.AsyncClient, state: ServiceState
    ) -> None:
        async with state.sessions() as session:
            assert (await verify_chain(session)).rows > 0
