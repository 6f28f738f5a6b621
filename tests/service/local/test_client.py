"""The client, of both kinds, against a small server that says what a test has it say."""

import asyncio
import hashlib
import inspect
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from rich.console import Console

from shanhai.cli.imports import import_feature_file, import_file
from shanhai.client import ApiClient, AsyncApiClient, JobFailed
from shanhai.client.steps import LONGEST_PAUSE_S, pause_before_repeat
from shanhai.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    RateLimited,
    Stale,
    Unauthenticated,
    Unavailable,
)
from shanhai.local.demo.inputs import DemoInputs
from shanhai.local.demo.results import (
    INLAND,
    NETWORK_SAVED,
    PNG,
    SAVED,
    SITES_SAVED,
    DemoResults,
    announce,
    digest_of,
    openable,
    read_back,
    read_network,
    read_sites,
    submit_once,
)
from shanhai.local.demo.run import DemoSteps
from shanhai.local.demo.stations import RIVER

KEY = "shk_test"


@dataclass(slots=True)
class Reply:
    """An answer; `cut` says after how many bytes of it the connection is broken off."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(slots=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Server:
    """Gives the replies of a script one by one, the last of a path again and again."""

    url: str
    script: dict[str, list[Reply]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def says(self, path: str, *replies: Reply) -> None:
        self.script[path] = list(replies)

    def reply(self, path: str) -> Reply:
        replies = self.script.get(path, [Reply(404, {"title": "Not found", "status": 404})])
        return replies.pop(0) if len(replies) > 1 else replies[0]


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            address = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(address.query).items()}
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            scripted.asked.append(Asked(self.command, address.path, query, headers, body))
            reply = scripted.reply(address.path)
            content = reply.content()
            self.send_response(reply.status)
            told = {"Content-Type": "application/json", "Content-Length": str(len(content))}
            for name, value in (told | reply.headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content[: reply.cut])
            self.close_connection = reply.cut is not None

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=listening.serve_forever, args=(0.02,), daemon=True).start()
    scripted = Server(f"http://127.0.0.1:{listening.server_port}")
    yield scripted
    listening.shutdown()
    listening.server_close()


@dataclass(frozen=True, slots=True)
class Either:
    """A client of either kind, whose methods are called alike."""

    api: Any
    run: Callable[[Any], Any]

    def __call__(self, method: str, *args: Any, **named: Any) -> Any:
        return self.of(self.api, method, *args, **named)

    def of(self, part: Any, method: str, *args: Any, **named: Any) -> Any:
        made = getattr(part, method)(*args, **named)
        if inspect.isasyncgen(made):
            return self.run(_listed(made))
        return self.run(made) if inspect.isawaitable(made) else made


async def _listed(made: Any) -> list[Any]:
    return [one async for one in made]


@pytest.fixture(params=[ApiClient, AsyncApiClient])
def call(request: pytest.FixtureRequest, server: Server) -> Iterator[Either]:
    with asyncio.Runner() as runner:
        api = request.param(server.url, KEY, lang="zh")
        yield Either(api, runner.run)
        closed = api.close()
        if closed is not None:
            runner.run(closed)


def page(number: int, server: str, **rest: Any) -> Reply:
    link = {"rel": "next", "href": f"{server}/items?page={number + 1}&limit=5"}
    return Reply(body={"rows": [number], "links": [] if rest else [link]})


def test_pages_are_followed_to_their_end_whatever_name_the_links_have(
    call: Either, server: Server
) -> None:
    public = "https://public.example"
    server.says("/items", page(0, public), page(1, public), page(2, public, last=True))
    assert list(call("records", "/items", limit=5)) == [0, 1, 2]
    assert [one.query for one in server.asked] == [
        {"limit": "5"},
        {"page": "1", "limit": "5"},
        {"page": "2", "limit": "5"},
    ]
    assert {one.headers["authorization"] for one in server.asked} == {f"Bearer {KEY}"}


def test_what_is_no_list_is_refused(call: Either, server: Server) -> None:
    server.says("/items", Reply(body={"a": [1], "b": [2]}))
    with pytest.raises(InvalidInput, match="no page of a list"):
        list(call("records", "/items"))


def test_placeholders_and_parameters_make_the_address(call: Either, server: Server) -> None:
    server.says("/plans/a%2Fb/rows", Reply(body=[]))
    call(
        "get",
        "/plans/{plan}/rows?limit=5",
        plan="a/b",
        bbox=[1, 2.5],
        deep=True,
        as_of=date(2025, 1, 2),
        none=None,
    )
    query = {"limit": "5", "bbox": "1,2.5", "deep": "true", "as_of": "2025-01-02"}
    assert server.asked[0].query == query
    with pytest.raises(InvalidInput, match="say what plan is"):
        call("get", "/plans/{plan}/rows")


@pytest.mark.parametrize("plan", ["", ".", "..", None])
def test_what_would_lead_to_another_resource_is_no_value_of_a_placeholder(
    call: Either, server: Server, plan: str | None
) -> None:
    for path in ("/", "/plans", "/plans/", "/plans/None"):
        server.says(path, Reply(body={}))
    with pytest.raises(InvalidInput, match="say what plan is") as caught:
        call("get", "/plans/{plan}", plan=plan)
    assert caught.value.faults[0].pointer == "plan"
    assert server.asked == []


@pytest.mark.parametrize("key", ["", "shk test", "密钥"])
def test_a_key_that_can_be_none_is_refused_before_anything_is_asked(key: str) -> None:
    for client in (ApiClient, AsyncApiClient):
        with pytest.raises(InvalidInput, match="the key is none"):
            client("http://127.0.0.1:1", key)


def test_the_key_is_told_to_no_other_server(call: Either, server: Server) -> None:
    server.says("/items", Reply(body={}))
    other = server.url.replace("127.0.0.1", "localhost")
    call("get", f"{other}/items")
    call("get", f"{server.url}/items")
    assert ["authorization" in one.headers for one in server.asked] == [False, True]


def test_a_file_is_fetched_where_its_store_signs_it_without_the_key(
    call: Either, server: Server, tmp_path: Path
) -> None:
    signed = f"{server.url.replace('127.0.0.1', 'localhost')}/bucket?signature=1"
    server.says("/file", Reply(307, b"", {"Location": signed}))
    server.says("/bucket", Reply(body=b"bytes"))
    call("download", "/file", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"bytes"
    assert ["authorization" in one.headers for one in server.asked] == [True, False]
    assert server.asked[1].query == {"signature": "1"}


def test_what_is_elsewhere_and_cannot_be_followed_is_an_error(
    call: Either, server: Server, tmp_path: Path
) -> None:
    server.says("/lost", Reply(307, b""))
    server.says("/round", Reply(307, b"", {"Location": f"{server.url}/round"}))
    server.says("/moved", Reply(308, b"", {"Location": f"{server.url}/items"}))
    server.says("/kept", Reply(304, b""))
    call.api._repeats = 0
    for path in ("/lost", "/round"):
        with pytest.raises(Unavailable):
            call("download", path, tmp_path / "file")
    with pytest.raises(Unavailable):  # What is sent is sent to whom it was meant for.
        call("post", "/moved", {"b": 2})
    assert not list(tmp_path.iterdir())
    assert call("request", "GET", "/kept").status_code == 304


def test_an_address_in_a_query_is_no_address(call: Either, server: Server) -> None:
    server.says("/items", Reply(body={}))
    call("get", "/items?source=https://a.example/b")
    assert server.asked[0].query == {"source": "https://a.example/b"}


def test_contents_are_what_they_are(call: Either, server: Server) -> None:
    server.says("/json", Reply(body={"a": 1}))
    server.says("/text", Reply(body=b"words", headers={"Content-Type": "text/plain"}))
    server.says("/bytes", Reply(body=b"\x89PNG", headers={"Content-Type": "image/png"}))
    server.says("/nothing", Reply(204, b""))
    found = [call("get", path) for path in ("/json", "/text", "/bytes")]
    assert [*found, call("delete", "/nothing")] == [{"a": 1}, "words", b"\x89PNG", None]
    assert call("request", "GET", "/json").headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("status", [429, 503])
def test_what_is_refused_for_now_is_asked_for_again(
    call: Either, server: Server, status: int
) -> None:
    server.says("/items", Reply(status, {}, {"Retry-After": "0"}), Reply(body={"a": 1}))
    assert call("get", "/items") == {"a": 1}
    assert len(server.asked) == 2


def test_a_lost_answer_is_asked_for_with_the_same_key(call: Either, server: Server) -> None:
    running = Reply(409, {"title": "Conflict", "status": 409}, {"Retry-After": "0"})
    server.says("/items", Reply(body={"a": 1}, cut=0), running, Reply(201, {"a": 1}))
    assert call("post", "/items", {"b": 2}) == {"a": 1}
    assert len({one.headers["idempotency-key"] for one in server.asked}) == 1
    assert [json.loads(one.body) for one in server.asked] == [{"b": 2}] * 3
    call("post", "/items", {"b": 2})
    assert len({one.headers["idempotency-key"] for one in server.asked}) == 2


def test_what_could_happen_twice_is_not_asked_for_again(call: Either, server: Server) -> None:
    server.says("/items", Reply(503, {}))
    with pytest.raises(Unavailable):
        call("patch", "/items", {"b": 2})
    call.api._key = None
    with pytest.raises(Unavailable):
        call("post", "/items", {"b": 2})
    assert len(server.asked) == 2


@pytest.mark.parametrize("first", [Reply(body={}, cut=1), Reply(504, {})])
@pytest.mark.parametrize("then", [404, 410])
def test_what_was_deleted_when_the_answer_was_lost_is_deleted(
    call: Either, server: Server, first: Reply, then: int
) -> None:
    server.says("/items/a", first, Reply(then, {"title": "Gone", "status": then}))
    assert call("delete", "/items/a") is None
    assert len(server.asked) == 2


@pytest.mark.parametrize("first", [[], [Reply(503, {}, {"Retry-After": "0"})]])
def test_what_was_not_there_to_be_deleted_is_told(
    call: Either, server: Server, first: list[Reply]
) -> None:
    server.says("/items/a", *first, Reply(404, {"title": "Not found", "status": 404}))
    with pytest.raises(NotFound):
        call("delete", "/items/a")


@pytest.mark.parametrize("method", ["put", "delete"])
@pytest.mark.parametrize("condition", [{"If-Match": '"1.2"'}, {"If-None-Match": "*"}])
def test_a_change_of_one_state_whose_answer_was_lost_is_not_sent_again(
    call: Either, server: Server, method: str, condition: dict[str, str]
) -> None:
    refused = Reply(503, {}, {"Retry-After": "0"})
    stale = Reply(412, {"title": "Stale", "status": 412})
    server.says("/items/a", refused, Reply(body={"a": 1}, cut=0), stale)
    body = [{"a": 1}] if method == "put" else []
    with pytest.raises(Unavailable):
        call(method, "/items/a", *body, headers=condition)
    assert len(server.asked) == 2


def test_a_change_of_any_state_is_sent_again(call: Either, server: Server) -> None:
    server.says("/items/a", Reply(body={"a": 1}, cut=0), Reply(body={"a": 1}))
    assert call("put", "/items/a", {"a": 1}, headers={"If-Match": "*"}) == {"a": 1}


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("7", 7.0),
        (format_datetime(datetime(2001, 1, 1, tzinfo=UTC), usegmt=True), None),
        ("soon", None),
    ],
)
def test_retry_after_is_honoured(told: str, seconds: float | None) -> None:
    request = httpx.Request("GET", "http://api.test/")
    pause = pause_before_repeat(request, httpx.Response(503, headers={"Retry-After": told}), 0)
    assert pause is not None
    assert pause == seconds if seconds else 0 < pause <= 0.5


def test_a_date_in_retry_after_is_honoured() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    response = httpx.Response(429, headers={"Retry-After": later})
    pause = pause_before_repeat(httpx.Request("GET", "http://api.test/"), response, 0)
    assert pause is not None
    assert 1 < pause <= 30


def test_nobody_waits_longer_than_is_of_use() -> None:
    response = httpx.Response(503, headers={"Retry-After": str(int(LONGEST_PAUSE_S) + 1)})
    assert pause_before_repeat(httpx.Request("GET", "http://api.test/"), response, 0) is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidInput),
        (401, Unauthenticated),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (412, Stale),
        (500, Unavailable),
    ],
)
def test_errors_carry_the_problem_in_the_askers_language(
    call: Either, server: Server, status: int, kind: type[Exception]
) -> None:
    problem = {
        "type": "urn:problem-type:shanhai:x",
        "title": "输入无效",
        "status": status,
        "detail": "未知参数",
        "errors": [{"pointer": "limit", "detail": "须为正数"}],
    }
    headers = {"Content-Type": "application/problem+json"}
    server.says("/items", Reply(status, problem, headers))
    with pytest.raises(kind, match=r"输入无效: 未知参数.*limit: 须为正数") as caught:
        call("get", "/items")
    assert getattr(caught.value, "problem") == problem  # noqa: B009 - of whichever kind it is
    assert server.asked[0].headers["accept-language"] == "zh"


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        ("wrong: /inputs/theme: no such theme", "wrong: /inputs/theme: no such theme"),
        ("请求体无效：/inputs/theme：no such theme", "请求体无效：/inputs/theme：no such theme"),
        ("no such theme", "no such theme (/inputs/theme)"),
        ("wrong", "wrong (/inputs/theme: no such theme)"),
    ],
)
def test_what_the_detail_says_is_not_told_twice(
    call: Either, server: Server, detail: str, told: str
) -> None:
    faults = [{"pointer": "/inputs/theme", "detail": "no such theme"}]
    problem = {"title": "Invalid input", "status": 400, "detail": detail, "errors": faults}
    server.says("/items", Reply(400, problem, {"Content-Type": "application/problem+json"}))
    with pytest.raises(InvalidInput) as caught:
        call("get", "/items")
    assert caught.value.message == f"GET {server.url}/items: Invalid input: {told}"


def test_an_error_without_a_document_has_its_status(call: Either, server: Server) -> None:
    refused = Reply(429, b"no", {"Content-Type": "text/plain", "Retry-After": "3600"})
    server.says("/items", refused)
    with pytest.raises(RateLimited) as caught:
        call("get", "/items")
    assert caught.value.problem["status"] == 429


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with (
        ApiClient("http://127.0.0.1:1", repeats=0) as api,
        pytest.raises(Unavailable, match="GET http://127"),
    ):
        api.request("GET", "/items")


def test_a_download_that_was_cut_is_begun_again(
    call: Either, server: Server, tmp_path: Path
) -> None:
    whole = b"0123456789" * 1000
    kind = {"Content-Type": "image/tiff"}
    server.says("/file", Reply(body=whole, headers=kind, cut=5000), Reply(body=whole, headers=kind))
    call("download", "/file", tmp_path / "file.tif")
    assert (tmp_path / "file.tif").read_bytes() == whole


def test_a_file_may_be_named_by_a_text(call: Either, server: Server, tmp_path: Path) -> None:
    server.says("/file", Reply(body=b"0123", headers={"Content-Type": "image/tiff"}))
    call("download", "/file", str(tmp_path / "file.tif"))
    digest = hashlib.sha256(b"0123").hexdigest()
    stands = {"upload": "u", "bytes": 4, "total_bytes": 4, "sha256": digest}
    server.says("/uploads", Reply(201, stands))
    server.says("/uploads/u", Reply(body=stands))
    assert call("upload", str(tmp_path / "file.tif")) == "u"


def test_a_download_that_fails_leaves_nothing(call: Either, server: Server, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        call("download", "/file", tmp_path / "file.tif")
    assert list(tmp_path.iterdir()) == []


def event(number: int, progress: int, message: str, status: str = "running") -> bytes:
    state = {"jobID": "1", "status": status, "progress": progress, "message": message}
    return f"event: status\nid: {number}\ndata: {json.dumps(state)}\n\n".encode()


EVENTS = {"Content-Type": "text/event-stream"}


def test_a_job_is_told_of_when_it_has_changed_also_across_a_cut(
    call: Either, server: Server
) -> None:
    first = event(1, 0, "") + event(2, 10, "read") + b": waiting\n\n" + event(3, 10, "read")
    half = event(4, 20, "half of it")
    last = event(4, 20, "write") + event(5, 100, "done", "successful")
    path = "/jobs/1/events"
    server.says(
        path,
        Reply(body=first + half, headers=EVENTS, cut=len(first) + 20),
        Reply(body=last, headers=EVENTS),
    )
    told: list[tuple[int, str]] = []
    job = call.api.job("https://public.example/jobs/1")
    status = call.of(job, "wait", lambda *state: told.append(state))
    assert told == [(0, ""), (10, "read"), (20, "write"), (100, "done")]
    assert status["status"] == "successful"


def test_events_that_end_early_are_asked_for_from_where_they_ended(
    call: Either, server: Server
) -> None:
    end = event(2, 100, "done", "successful")
    server.says(
        "/jobs/1/events",
        Reply(body=event(1, 10, "read"), headers=EVENTS),
        Reply(body=end, headers=EVENTS),
    )
    call.of(call.api.job("1"), "wait")
    assert [one.headers.get("last-event-id") for one in server.asked] == [None, "1"]


def test_a_job_that_fails_says_why(call: Either, server: Server) -> None:
    server.says("/jobs/1/events", Reply(body=event(1, 10, "too large", "failed"), headers=EVENTS))
    with pytest.raises(JobFailed, match="job 1 failed: too large") as caught:
        call.of(call.api.job("1"), "wait")
    assert caught.value.problem["status"] == "failed"
    assert caught.value.message_zh == "任务 1 失败：too large", "when nothing else is told"


def test_a_job_that_fails_says_why_in_chinese_too(call: Either, server: Server) -> None:
    server.says("/jobs/1/events", Reply(body=event(1, 10, "one band", "failed"), headers=EVENTS))
    server.says("/jobs/1", Reply(body={"jobID": "1", "status": "failed", "message": "仅 1 个波段"}))
    with pytest.raises(JobFailed) as caught:
        call.of(call.api.job("1"), "wait")
    assert caught.value.message == "job 1 failed: one band"
    assert caught.value.message_zh == "任务 1 失败：仅 1 个波段"
    assert server.asked[-1].headers["accept-language"] == "zh"


def takes(server: Server, process: str, file: Path, results: dict[str, Any]) -> None:
    """Have the server take four bytes of a file, run a process on them, and give its results."""
    file.write_bytes(b"0123")
    digest = hashlib.sha256(b"0123").hexdigest()
    stands = {"upload": "u", "bytes": 4, "total_bytes": 4, "sha256": digest}
    server.says("/uploads", Reply(201, stands))
    server.says("/uploads/u", Reply(body=stands))
    asked = Reply(201, {}, {"Location": "https://public.example/jobs/1"})
    server.says(f"/processes/{process}/execution", asked)
    server.says("/jobs/1/events", Reply(body=event(1, 100, "", "successful"), headers=EVENTS))
    server.says("/jobs/1/results", Reply(body=results))


def test_reports_are_fetched_where_the_job_was_asked_for(server: Server, tmp_path: Path) -> None:
    counts = {"created": 1, "updated": 0, "unchanged": 0, "rejected": 1}
    public = {"href": "https://public.example/jobs/1/results/report"}
    told = {"summary": {"verdict": "partly_imported", **counts}}
    names = ("report", "table", "page")
    takes(server, "import-features", tmp_path / "a.csv", told | dict.fromkeys(names, public))
    found = {"row": 2, "code": None, "member": None, "detail": "no code", "rule": "code"}
    for name in names:
        body = {"findings": [{"severity": "error", **found}]}
        server.says(f"/jobs/1/results/{name}", Reply(body=body))
    with ApiClient(server.url, KEY) as api:
        done = import_feature_file(api, tmp_path / "a.csv", {}, tmp_path / "reports")
    assert done.endswith("row 2: no code [code]")
    assert len(list((tmp_path / "reports").iterdir())) == 3


def test_what_a_check_tells_of_a_raster_can_be_read(server: Server, tmp_path: Path) -> None:
    raster = tmp_path / "soil.tif"
    takes(server, "import-dataset", raster, {"summary": {"theme": "土壤"}})
    with ApiClient(server.url, KEY) as api:
        told = import_file(api, raster, {"region": "xiamen", "theme": "soil", "mode": "check"})
    assert told == '{"theme": "土壤"}'


def test_a_missing_library_is_named(
    call: Either, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "geopandas", None)
    with pytest.raises(ImportError, match=r"geopandas is not installed.*`client`"):
        call.of(call.api.collection("zones"), "to_geodataframe")


def test_only_what_opens_in_a_browser_is_worth_printing(server: Server) -> None:
    server.says("/items", Reply(body={}))
    server.says("/secret", Reply(401, {}))
    given = {
        "page": f"{server.url}/items",
        "alerts": f"{server.url}/secret",
        "report": "demo/report.html",
    }
    assert openable(given) == {"page": f"{server.url}/items", "report": "demo/report.html"}


def test_the_key_of_a_job_of_the_demo_goes_by_what_is_sent() -> None:
    """The API compares the bytes of the body, in which members have an order."""
    first = {"region": "xiamen", "last": "2026-01-02"}
    second = {"last": "2026-01-02", "region": "xiamen"}
    assert digest_of(first) == digest_of(dict(first))
    assert digest_of(first) != digest_of(second)


def test_the_demo_reads_back_as_the_administrator(server: Server, tmp_path: Path) -> None:
    """Results that rest on a raster of a region's own are not shown to strangers."""
    lon, lat = INLAND
    tilejson = {
        "bounds": [lon - 1, lat - 1, lon + 1, lat + 1],
        "tiles": [f"{server.url}/tile"],
    }
    job = f"{server.url}/jobs/1"
    server.says("/collections/zones/items", Reply(body={"features": [{}]}))
    server.says("/collections/corridors/items", Reply(body={"features": [{}]}))
    server.says("/layers/l/tilejson.json", Reply(body=tilejson))
    server.says("/layers/l/point", Reply(body={"value": 1}))
    server.says("/tile", Reply(body=PNG, headers={"Content-Type": "image/png"}))
    saved = {**SAVED, **NETWORK_SAVED, **SITES_SAVED}
    for name in saved:
        server.says(f"/jobs/1/results/{name}", Reply(body=PNG))
    zones = {"scheme": "s", "zones": [{}], "layers": {"zones": "l"}, **saved}
    network = DemoResults(job, {"corridor_codes": ["c"], "layers": {"corridors": "l"}})
    sites = DemoResults(job, {"layers": {"priority": "l"}})
    with ApiClient(server.url, KEY) as api, ApiClient(f"{server.url}/", KEY) as tiles:
        seen = read_back(api, tiles, job, zones, tmp_path)
        seen |= read_network(api, tiles, network, tmp_path)
        seen |= read_sites(api, tiles, sites, tmp_path)
    assert {one.headers.get("authorization") for one in server.asked} == {f"Bearer {KEY}"}
    assert {one.path for one in server.asked} >= {"/tile", "/layers/l/point"}
    assert seen["viewer"] == f"{server.url}/layers/l/map"


@pytest.mark.parametrize("in_force", [True, False])
def test_the_demo_goes_on_with_the_zones_in_force_where_an_approved_version_waits(
    server: Server, in_force: bool
) -> None:
    waits = {"title": "Conflict", "status": 409, "detail": "version 4 is approved and waits"}
    server.says("/collections/datasets/items", Reply(body={"features": []}))
    server.says("/processes/delineate-zones/execution", Reply(409, waits))
    listed = [{"jobID": job} for job in ("3", "2", "1")]
    server.says("/jobs", Reply(body={"jobs": listed, "links": []}))
    elsewhere = {"scheme": "banan.supply_demand", "status": "published"}
    drafted = {"scheme": "xiamen.supply_demand", "status": "draft"}
    published = {**drafted, "status": "published" if in_force else "draft"}
    for job, results in (("3", elsewhere), ("2", drafted), ("1", published)):
        server.says(f"/jobs/{job}/results", Reply(body=results))
    ended = event(1, 100, "done", "successful")
    server.says("/jobs/1/events", Reply(body=ended, headers=EVENTS))
    steps = DemoSteps(console=Console(file=StringIO(), width=200))
    given = DemoInputs((), {})
    with ApiClient(server.url, KEY) as api:
        if not in_force:
            with pytest.raises(Conflict, match="approved and waits"):
                steps._delineate(api, given)
            return
        assert steps._delineate(api, given) == (f"{server.url}/jobs/1", published)
    assert isinstance(steps.console.file, StringIO)
    told = steps.console.file.getvalue()
    assert "version 4 is approved and waits" in told
    assert f"the zones of {server.url}/jobs/1 stay" in told


@pytest.mark.parametrize("stands", [True, False])
def test_the_demo_takes_the_bulletin_that_stands(
    server: Server, tmp_path: Path, stands: bool
) -> None:
    """A second one of the same days would have to correct it."""
    content = b"%PDF"
    names = ("pdf_zh", "pdf_en", "docx_zh")
    files = [{"name": name, "sha256": hashlib.sha256(content).hexdigest()} for name in names]
    head = {
        "code": "b.1",
        "region": "xiamen",
        "plan": "p",
        "public": True,
        "state": "published",
        "first": "2026-01-03",
        "last": "2026-01-31",
    }
    other = {**head, "code": "b.0", "plan": None}
    server.says("/bulletins", Reply(body={"bulletins": [other, *([head] if stands else [])]}))
    rows = {"alerts": {"rows": [{"station": RIVER.code}]}}
    server.says("/bulletins/b.1", Reply(body={**head, "files": files, "content": rows}))
    for name in names:
        server.says(f"/bulletins/b.1/files/{name}", Reply(body=content))
    made = {"Location": f"{server.url}/jobs/1"}
    server.says("/processes/publish-bulletin/execution", Reply(201, {}, made))
    server.says("/jobs/1", Reply(body={"status": "successful"}))
    with ApiClient(server.url, KEY) as api:
        told = announce(
            api,
            region="xiamen",
            plan="p",
            now=datetime(2026, 2, 1, 4, tzinfo=UTC),
            folder=tmp_path,
            follow=lambda _: {"bulletin": "b.1"},
        )
    assert told.code == "b.1"
    asked = [json.loads(one.body)["inputs"] for one in server.asked if one.method == "POST"]
    same = {name: head[name] for name in ("region", "plan", "first", "last")}
    assert asked == ([] if stands else [same])


def test_a_job_of_the_demo_that_failed_before_is_asked_for_anew(server: Server) -> None:
    def stands(job: int, status: str, since: timedelta) -> None:
        created = (datetime.now(UTC) + since).isoformat()
        server.says(f"/jobs/{job}", Reply(body={"status": status, "created": created}))

    asked = [Reply(201, {}, {"Location": f"{server.url}/jobs/{job}"}) for job in (1, 2, 3)]
    server.says("/processes/echo/execution", *asked)
    stands(1, "failed", -timedelta(days=1))
    stands(2, "dismissed", -timedelta(hours=1))
    stands(3, "failed", timedelta(seconds=1))  # what fails at once is no reason to go on asking
    with ApiClient(server.url, KEY) as api:
        assert submit_once(api, "echo", {}, "demo").id == "3"
    keys = [one.headers["idempotency-key"] for one in server.asked if one.method == "POST"]
    assert keys == ["demo", "demo-after-1", "demo-after-2"]
