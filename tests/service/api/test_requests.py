"""What holds for every request: limits, refusals, headers, the last resort."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import OperationalError

from shanhai.settings import PublicSettings
from shanhai_api.app import create_app
from shanhai_api.kit.state import Configuration, ServiceState
from tests.service.api.declared import declaration

ECHO = "/processes/echo/execution"
JSON = {"Content-Type": "application/json"}
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


OF_SESSIONS = tuple(
    f"/session/{part}"
    for part in ("code", "password", "factor", "security-keys", "logout", "end-others", "{")
)


def written() -> list[tuple[str, str]]:
    """Every operation that writes, at an address that leads nowhere."""
    given = {"upload": "00000000-0000-0000-0000-000000000000"}
    return [
        (method, re.sub(r"{(\w+)}", lambda name: given.get(name[1], "1"), path))
        for path, item in declaration().definition["paths"].items()
        for method in ("post", "put", "patch", "delete")
        # OData has options of its own, and a session is a browser's: see test_sign_in.
        if method in item and not path.startswith(("/sta/", "/processes/", *OF_SESSIONS))
    ] + [("post", ECHO)]


class TestBodies:
    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b"nonsense", b'{"a": NaN}', b'{"a": Infinity}', b"\xff\xfe", b'"\\ud800"'],
    )
    async def test_not_json(self, runner: httpx.AsyncClient, body: bytes) -> None:
        answer = await runner.post(ECHO, content=body, headers=JSON)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == ""

    async def test_too_deep(self, runner: httpx.AsyncClient) -> None:
        for body in (b"[" * 33 + b"]" * 33, b'{"a":' * 100_000, b"[" * 1_000_000):
            answer = await runner.post(ECHO, content=body, headers=JSON)
            assert answer.status_code == 400
            assert "32" in answer.json()["detail"]

    async def test_brackets_in_text_are_not_depth(self, runner: httpx.AsyncClient) -> None:
        message = '[{"\\' * 100
        answer = await runner.post(
            ECHO, json={"inputs": {"message": message}}, headers={"Prefer": "respond-async"}
        )
        assert answer.status_code == 201

    async def test_too_large_with_and_without_length(self, runner: httpx.AsyncClient) -> None:
        async def blocks() -> AsyncIterator[bytes]:
            for _ in range(11):
                yield b" " * 1024**2

        for body in (b" " * (10 * 1024**2 + 1), blocks()):
            answer = await runner.post(ECHO, content=body, headers=JSON)
            assert answer.status_code == 413

    @pytest.mark.parametrize(
        ("header", "value"),
        [
            ("Content-Type", "text/xml"),
            ("Content-Type", "application/json-patch+json"),
            ("Content-Encoding", "gzip"),
        ],
    )
    @pytest.mark.parametrize("lang", ["en", "zh"])
    async def test_other_media_type(
        self, runner: httpx.AsyncClient, header: str, value: str, lang: str
    ) -> None:
        headers = {**JSON, header: value, "Accept-Language": lang}
        answer = await runner.post(ECHO, content=b"<a/>", headers=headers)
        assert answer.status_code == 415
        detail = answer.json()["detail"]
        assert header in detail
        assert detail.endswith(value)


class TestRefusals:
    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/nowhere", 404),
            ("GET", "/collections/", 404),
            ("POST", "/collections", 405),
            ("DELETE", "/collections/zones/items", 405),
            ("PUT", "/", 405),
            ("GET", ECHO, 405),
        ],
    )
    async def test_is_a_problem_document(
        self, admin: httpx.AsyncClient, method: str, path: str, status: int
    ) -> None:
        answer = await admin.request(method, path)
        assert answer.status_code == status
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["Cache-Control"] == "no-store"
        document = answer.json()
        assert document["status"] == status
        assert document["instance"].endswith(answer.headers["X-Request-Id"])
        if status == 405:
            assert answer.headers["Allow"]

    async def test_all_methods_of_a_resource_are_named(self, admin: httpx.AsyncClient) -> None:
        allowed = {
            "/keys": "GET, HEAD, OPTIONS, POST",
            "/jobs/x": "DELETE, GET, HEAD, OPTIONS",
            ECHO: "OPTIONS, POST",
            "/uploads/x": "DELETE, GET, HEAD, OPTIONS, PUT",
            "/sta/v1.1/Observations": "GET, HEAD, OPTIONS, POST",
        }
        for path, methods in allowed.items():
            assert (await admin.patch(path)).headers["Allow"] == methods
            told = await admin.options(path)
            assert (told.status_code, told.headers["Allow"]) == (204, methods)

    async def test_an_address_of_its_own_is_none_of_a_template(
        self, admin: httpx.AsyncClient
    ) -> None:
        for path, methods in (
            ("/proposals/blank", "GET, HEAD, OPTIONS"),
            ("/bulletin-templates/preview", "OPTIONS, POST"),
            ("/sta/v1.1/CreateObservations", "OPTIONS, POST"),
            ("/sta/v1.1/", "GET, HEAD, OPTIONS"),
        ):
            assert (await admin.options(path)).headers["Allow"] == methods

    @pytest.mark.parametrize(
        ("method", "path"),
        [("POST", "/collections/datasets/items"), ("POST", "/documents"), ("PUT", "/documents/x")],
    )
    async def test_what_is_not_offered_is_told_before_what_is_wrong(
        self, admin: httpx.AsyncClient, method: str, path: str
    ) -> None:
        answer = await admin.request(method, path, params={"stranger": 1})
        assert answer.status_code == 405
        assert method not in answer.headers["Allow"]

    async def test_every_post_looks_at_its_key(self, admin: httpx.AsyncClient) -> None:
        for key in ("", "k" * 256):
            answer = await admin.post(
                "/bulletin-templates/preview", json={}, headers={"Idempotency-Key": key}
            )
            assert answer.status_code == 400
            assert answer.json()["errors"][0]["pointer"] == "Idempotency-Key"

    async def test_no_write_takes_parameters_nobody_declared(
        self, admin: httpx.AsyncClient
    ) -> None:
        for method, path in (
            ("POST", "/keys"),
            ("POST", "/keys/x/rotate"),
            ("POST", "/accounts"),
            ("PATCH", "/accounts/1"),
            ("POST", "/zone-schemes/x/versions"),
            ("POST", "/zone-schemes/x/adjustments"),
            ("POST", "/zone-schemes/x/splits"),
            ("POST", "/zone-schemes/x/mergers"),
            ("POST", "/compliance/exceptions"),
            ("POST", "/compliance/exceptions/x/revoke"),
            ("POST", "/uploads"),
            ("PUT", "/uploads/00000000-0000-0000-0000-000000000000"),
            ("POST", ECHO),
        ):
            answer = await admin.request(method, f"{path}?stranger=1", json={})
            assert answer.status_code == 400, path
            assert answer.json()["errors"][0]["pointer"] == "stranger"

    @pytest.mark.parametrize(("method", "path"), written())
    async def test_no_write_takes_a_format_that_is_not_offered(
        self, admin: httpx.AsyncClient, method: str, path: str
    ) -> None:
        answer = await admin.request(method, f"{path}?f=zzz", json={})
        assert answer.status_code == 400
        assert "f" in {fault["pointer"] for fault in answer.json()["errors"]}

    async def test_a_number_is_no_time(self, admin: httpx.AsyncClient) -> None:
        for path in (
            "/audit?until=0.5",
            "/audit?since=86400",
            "/identify?lon=118&lat=24.5&as_of=86400",
            "/collections/zones/items/x?as_of=20260101",
        ):
            answer = await admin.get(path)
            assert answer.status_code == 400, path
            assert "not a number" in answer.json()["detail"]

    async def test_nul_is_never_our_fault(self, admin: httpx.AsyncClient) -> None:
        for method, path in (
            ("GET", "/keys/%00"),
            ("DELETE", "/keys/%00"),
            ("GET", "/audit?actor=%00"),
            ("GET", "/zone-classes?scheme_kind=%00"),
            ("GET", "/jobs?processID=%00"),
            ("GET", "/collections/zones/items/%00"),
            ("GET", "/collections/regions/items?parent=%00"),
        ):
            answer = await admin.request(method, path)
            assert answer.status_code in {400, 404}, path
            if answer.status_code == 400:
                [fault] = answer.json()["errors"]
                assert fault["pointer"] == path.partition("?")[2].partition("=")[0]
        echo = b'{"inputs": {"message": "a\\u0000b"}}'
        key = b'{"name": "a\\u0000b", "scopes": ["read"]}'
        for path, body in ((ECHO, echo), ("/keys", key)):
            answer = await admin.post(path, content=body, headers=JSON)
            assert answer.status_code == 400, path
            assert "NUL" in answer.json()["detail"]

    async def test_unknown_parameter_everywhere(self, admin: httpx.AsyncClient) -> None:
        for path in (
            "/",
            "/conformance",
            "/api",
            "/collections",
            "/collections/zones",
            "/collections/zones/items",
            "/collections/zones/queryables",
            "/processes",
            "/processes/echo",
            "/jobs",
            "/zone-classes",
            "/ecoservices",
            "/keys",
            "/audit",
        ):
            answer = await admin.get(path, params={"random": "1"})
            assert answer.status_code == 400, path
            assert answer.json()["errors"][0]["pointer"] == "random"

    async def test_detail_follows_the_language(self, anonymous: httpx.AsyncClient) -> None:
        chinese = await anonymous.get("/collections/x", headers={"Accept-Language": "zh"})
        assert chinese.json()["title"] == "未找到"
        assert chinese.headers["Content-Language"] == "zh"
        assert (await anonymous.get("/collections/x")).json()["title"] == "Not found"


class TestHeaders:
    async def test_security_headers(self, anonymous: httpx.AsyncClient) -> None:
        for path in ("/", "/nowhere", "/health/live", "/static/shanhai.css"):
            headers = (await anonymous.get(path)).headers
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
            assert "unsafe" not in headers["Content-Security-Policy"]
            assert "server" not in headers

    async def test_request_id_is_kept_when_harmless(self, anonymous: httpx.AsyncClient) -> None:
        given = await anonymous.get("/", headers={"X-Request-Id": "abc-1.2_3"})
        assert given.headers["X-Request-Id"] == "abc-1.2_3"
        for bad in ("a b", "x" * 65, "<script>"):
            answer = await anonymous.get("/", headers={"X-Request-Id": bad})
            assert answer.headers["X-Request-Id"] != bad

    async def test_any_page_may_read_without_credentials(
        self, anonymous: httpx.AsyncClient
    ) -> None:
        answer = await anonymous.get("/collections", headers={"Origin": "https://map.example"})
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer.headers
        asked = {"Origin": "https://map.example", "Access-Control-Request-Method": "DELETE"}
        assert (await anonymous.options("/keys/x", headers=asked)).status_code == 400

    @pytest.mark.configured(
        public=PublicSettings(public_read=True, cors_origins=("https://map.example",))
    )
    async def test_named_pages_may_write_with_an_identity_of_their_own(
        self, admin: httpx.AsyncClient, anonymous: httpx.AsyncClient
    ) -> None:
        for origin, named in (("https://map.example", True), ("https://evil.example", False)):
            asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            preflight = await anonymous.options("/keys", headers=asked)
            assert preflight.status_code == (204 if named else 400)
            assert ("Authorization" in preflight.headers["Access-Control-Allow-Headers"]) == named
            assert "RateLimit" not in preflight.headers
            answer = await admin.get("/keys", headers={"Origin": origin})
            allowed = answer.headers.get("Access-Control-Allow-Origin")
            assert allowed == (origin if named else None)
            assert "Origin" in answer.headers["Vary"]
            assert "Access-Control-Allow-Credentials" not in answer.headers
            if named:
                sent = preflight.headers["Access-Control-Allow-Headers"].split(", ")
                # What writes in another system, in parts or packed, and what goes on or looks up.
                assert {"Content-Crs", "Content-Range", "Content-Encoding"} <= {*sent}
                assert {"Last-Event-ID", "Receipt", "If-Match", "Idempotency-Key"} <= {*sent}
                seen = answer.headers["Access-Control-Expose-Headers"].split(", ")
                assert {"Location", "Link", "ETag", "RateLimit", "X-Request-Id"} <= {*seen}


class TestAddresses:
    FORWARDED = {  # noqa: RUF012  (never changed)
        "X-Forwarded-Host": "eco.example",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Prefix": "/shanhai",
    }

    async def first_link(self, client: httpx.AsyncClient) -> str:
        document = (await client.get("/", headers=self.FORWARDED)).json()
        return str(document["links"][0]["href"])

    async def test_strangers_cannot_forge_links(self, anonymous: httpx.AsyncClient) -> None:
        assert (await self.first_link(anonymous)).startswith("http://api.test/")
        forged = await anonymous.get("/", headers={"Host": "evil.example"})
        assert "evil" not in forged.text

    @pytest.mark.configured
    async def test_trusted_proxy_says_where_it_is(
        self, anonymous: httpx.AsyncClient, state: ServiceState
    ) -> None:
        public = state.configuration.public.model_copy(
            update={"trusted_proxies": (ip_network("127.0.0.0/8"),)}
        )
        object.__setattr__(state.configuration, "public", public)
        assert (await self.first_link(anonymous)).startswith("https://eco.example/shanhai/")


async def break_down() -> None:
    """Fail in a way nobody foresaw."""
    raise RuntimeError("secret 42")


@pytest.mark.configured
class TestLastResort:
    @pytest.mark.parametrize(
        ("error", "status"),
        [
            (RuntimeError("secret 42"), 500),
            (OperationalError("SELECT secret", {}, OSError("secret")), 503),
            (ConnectionRefusedError("secret"), 503),
            (TimeoutError("secret"), 503),
        ],
    )
    async def test_nothing_of_the_inside_is_told(
        self, anonymous: httpx.AsyncClient, app: FastAPI, error: Exception, status: int
    ) -> None:
        async def break_down() -> None:
            raise error

        app.add_api_route("/broken", break_down)
        answer = await anonymous.get("/broken?token=secret")
        assert answer.status_code == status
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert "secret" not in answer.text
        assert answer.headers["X-Request-Id"]
        if status == 503:
            assert answer.headers["Retry-After"]

    @pytest.mark.parametrize(("error", "status"), [(RuntimeError(), 500), (TimeoutError(), 503)])
    async def test_pages_of_other_origins_may_read_that_something_is_wrong(
        self, anonymous: httpx.AsyncClient, app: FastAPI, error: Exception, status: int
    ) -> None:
        async def break_down() -> None:
            raise error

        app.add_api_route("/broken", break_down)
        answer = await anonymous.get("/broken", headers={"Origin": "https://map.example"})
        assert answer.status_code == status
        assert answer.headers["Access-Control-Allow-Origin"] == "*"

    @pytest.mark.parametrize(
        ("lang", "title", "number"),
        [("zh", "内部错误", "请求编号"), ("en", "Internal error", "Request id")],
    )
    async def test_a_browser_is_told_by_a_page(
        self, anonymous: httpx.AsyncClient, app: FastAPI, lang: str, title: str, number: str
    ) -> None:
        app.add_api_route("/broken", break_down)
        answer = await anonymous.get(
            f"/broken?lang={lang}", headers={**BROWSER, "X-Request-Id": "seen-by-me"}
        )
        assert answer.status_code == 500
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.headers["Content-Language"] == lang
        assert answer.headers["Cache-Control"] == "no-store"
        assert f"<h1>{title}</h1>" in answer.text
        assert f'{number} <span class="code">seen-by-me</span>' in answer.text
        assert "secret" not in answer.text
        head = await anonymous.head("/broken", headers=BROWSER)
        assert (head.status_code, head.content) == (500, b"")

    async def test_without_a_page_there_is_still_an_answer(
        self, anonymous: httpx.AsyncClient, app: FastAPI, state: ServiceState
    ) -> None:
        object.__setattr__(state.configuration, "public", None)
        app.add_api_route("/broken", break_down)
        answer = await anonymous.get("/broken", headers=BROWSER)
        assert answer.status_code == 500
        assert answer.headers["Content-Type"] == "application/problem+json"


async def test_overload_is_refused_and_passes(configuration: Configuration) -> None:
    """With one in hand, which is slow, others are refused in words; then all is as before."""
    api = configuration.api.model_copy(update={"most_requests": 1})
    app = create_app(replace(configuration, api=api))
    begun, done = asyncio.Event(), asyncio.Event()

    async def be_slow() -> None:
        begun.set()
        await done.wait()

    app.add_api_route("/slow", be_slow)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api.test") as client,
    ):
        slow = asyncio.create_task(client.get("/slow"))
        async with asyncio.timeout(30):
            await begun.wait()
        refusal = await client.get("/collections?lang=zh")
        assert refusal.status_code == 503
        assert refusal.headers["Retry-After"]
        assert "请求已达上限" in refusal.json()["detail"]
        assert refusal.headers["X-Request-Id"]
        page = await client.get("/collections?lang=zh", headers=BROWSER)
        assert page.status_code == 503
        assert "<h1>" in page.text
        assert (await client.get("/health/ready")).status_code == 200
        done.set()
        assert (await slow).status_code == 200
        assert (await client.get("/collections")).status_code == 200


@pytest.mark.configured
class TestHealth:
    async def test_ready(self, anonymous: httpx.AsyncClient) -> None:
        answer = await anonymous.get("/health/ready")
        assert answer.status_code == 200
        assert set(answer.json()["checks"].values()) == {"ok"}

    async def test_stopping_is_not_ready(
        self, anonymous: httpx.AsyncClient, state: ServiceState
    ) -> None:
        state.draining.set()
        answer = await anonymous.get("/health/ready")
        assert answer.status_code == 503
        assert answer.json()["checks"]["service"] == "stopping"
        assert (await anonymous.get("/health/live")).status_code == 200

    async def test_missing_redis_only_degrades(
        self, anonymous: httpx.AsyncClient, state: ServiceState
    ) -> None:
        redis = state.configuration.redis.model_validate({"url": "redis://127.0.0.1:1/0"})
        object.__setattr__(state.configuration, "redis", redis)
        answer = await anonymous.get("/health/ready")
        assert answer.status_code == 200
        assert answer.json()["checks"]["redis"].startswith("degraded")

    async def test_metrics_count_by_route_pattern(self, anonymous: httpx.AsyncClient) -> None:
        await anonymous.get("/collections/zones/items")
        await anonymous.get("/secret-path")
        text = (await anonymous.get("/metrics")).text
        assert (
            'shanhai_http_requests_total{method="GET",route="/collections/{collection}/items",'
            'status="200"} 1.0'
        ) in text
        assert "secret-path" not in text


async def test_vocabulary_is_bilingual(anonymous: httpx.AsyncClient) -> None:
    classes: list[dict[str, Any]] = (
        await anonymous.get("/zone-classes?scheme_kind=supply_demand&sortby=value")
    ).json()["zone_classes"]
    assert [item["value"] for item in classes] == [1, 2, 3, 4, 5]
    assert classes[0]["name_zh"] == "严格保护与管控区"
    assert (await anonymous.get("/zone-classes?scheme_kind=none")).json()["zone_classes"] == []
    services = (await anonymous.get("/ecoservices")).json()["ecoservices"]
    assert len(services) == 7


async def test_an_empty_accept_header_wishes_for_nothing(admin: httpx.AsyncClient) -> None:
    answer = await admin.get("/collections", headers={"Accept": ""})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("accept", "status", "sent"),
    [
        ("text/html;q=0", 406, "application/problem+json"),
        ("*/*;q=0, text/html", 200, "text/html; charset=utf-8"),
        ("application/json;q=0, */*", 200, "text/html; charset=utf-8"),
        ("*/*, text/html;q=0.5, application/json;q=0.4", 200, "text/html; charset=utf-8"),
        ("text/*;q=0.5, application/*;q=0.9", 200, "application/json"),
    ],
)
async def test_the_most_exact_range_weighs_a_format(
    admin: httpx.AsyncClient, accept: str, status: int, sent: str
) -> None:
    answer = await admin.get("/collections", headers={"Accept": accept})
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, sent)
    nowhere = await admin.get("/nowhere", headers={"Accept": accept})
    assert nowhere.status_code == 404


async def test_our_own_checks_speak_without_a_preamble(admin: httpx.AsyncClient) -> None:
    refused = await admin.get("/changes", params={"since": "abc"})
    assert refused.status_code == 400
    assert "Value error" not in refused.text
