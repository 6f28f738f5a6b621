"""One trace from the request through the queue to the stages of the computation."""

import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from pydantic import SecretStr

from shanhai.db.engine import Sessions
from shanhai.db.queries.keys import create_key
from shanhai.settings import (
    ApiSettings,
    ArtifactSettings,
    DatabaseSettings,
    LogSettings,
    PublicSettings,
    RedisSettings,
)
from shanhai.telemetry import NO_SPAN, configure_tracing, span, stop_tracing, traceparent
from shanhai.vocabulary import JobStatus, Scope
from shanhai_api.app import create_app
from shanhai_api.kit.state import Configuration
from shanhai_worker.context import WorkerContext
from tests.support.accounts import account_url
from tests.support.job_rows import read_job
from tests.support.serving import join
from tests.support.workers import reach

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SENT = f"00-{TRACE}-{CALLER}-01"


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Span]]:
    """A collector of OTLP on a port of its own, and what it was sent."""
    spans: list[Span] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sent = ExportTraceServiceRequest.FromString(body)
            spans.extend(
                one
                for resource in sent.resource_spans
                for scope in resource.scope_spans
                for one in scope.spans
            )
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    configure_tracing("shanhai-test")
    try:
        yield spans
    finally:
        stop_tracing()
        server.shutdown()
        server.server_close()
        join(thread)


@pytest.fixture
async def client(
    sessions: Sessions, database_url: str, redis_url: str, tmp_path: Path
) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(
        Configuration(
            DatabaseSettings(url=SecretStr(account_url(database_url, "api")), pool_size=5),
            RedisSettings(url=SecretStr(redis_url)),
            ArtifactSettings(root=tmp_path / "artifacts"),
            PublicSettings(api_url="http://api.test", public_read=True),
            ApiSettings(),
            LogSettings(),
        )
    )
    async with sessions.begin() as session:
        key = await create_key(session, name="test", scopes=[Scope.JOBS])
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=transport,
            base_url="http://api.test",
            headers={"Authorization": f"Bearer {key}"},
        ) as client,
    ):
        yield client


async def test_a_trace_goes_on_over_the_queue(
    collected: list[Span], client: httpx.AsyncClient, worker: WorkerContext, sessions: Sessions
) -> None:
    order = {"inputs": {"message": "hello", "pause": 0.2}}
    answer = await client.post(
        "/processes/echo/execution",
        json=order,
        headers={"traceparent": SENT, "Prefer": "respond-async"},
    )
    assert answer.status_code == 201, answer.text
    job = await reach(sessions, answer.json()["jobID"], JobStatus.SUCCESSFUL)
    assert job.traceparent is not None
    assert job.traceparent.split("-")[1] == TRACE
    stop_tracing()

    assert {one.trace_id.hex() for one in collected} >= {TRACE}
    spans = {one.name: one for one in collected if one.trace_id.hex() == TRACE}
    request = spans["POST /processes/{process}/execution"]
    run, stage = spans["job echo"], spans["stage wait"]
    assert request.parent_span_id.hex() == CALLER
    assert run.parent_span_id == request.span_id
    assert stage.parent_span_id == run.span_id
    assert (request.kind, run.kind) == (Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CONSUMER)
    told = {one.key: one.value for one in (*request.attributes, *run.attributes)}
    assert told["http.response.status_code"].int_value == 201
    assert told["ending"].string_value == "successful"


async def test_nothing_is_traced_unless_told_to(
    client: httpx.AsyncClient, worker: WorkerContext, sessions: Sessions
) -> None:
    configure_tracing("shanhai-test", {})
    configure_tracing(
        "shanhai-test", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "true"}
    )
    assert span("anything") is NO_SPAN
    assert traceparent() is None
    answer = await client.post(
        "/processes/echo/execution",
        json={"inputs": {"message": "hello"}},
        headers={"traceparent": SENT, "Prefer": "respond-async"},
    )
    assert (await read_job(sessions, answer.json()["jobID"])).traceparent is None
