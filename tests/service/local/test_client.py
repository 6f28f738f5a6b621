"""The client of the API: addresses with a query, and what it tells of a job."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from shanhai.client import ApiClient
from shanhai.local.demo.results import openable

PAGES = 3


class Answering(BaseHTTPRequestHandler):
    """Pages of a collection that link to the next, and a job that stays as it is for a while."""

    jobs: list[dict[str, Any]]

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        if address.path == "/secret":
            self.send_error(401)
            return
        document = self.job() if address.path == "/jobs/1" else self.page(query)
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def page(self, query: dict[str, str]) -> dict[str, Any]:
        number = int(query.get("page", 0))
        last = number == PAGES - 1
        host = self.headers["Host"]
        links = [] if last else [f"http://{host}/items?page={number + 1}&limit=5"]
        return {"number": number, "query": query, "next": links}

    def job(self) -> dict[str, Any]:
        jobs = type(self).jobs
        return jobs.pop(0) if len(jobs) > 1 else jobs[0]

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def api(url: str) -> Iterator[ApiClient]:
    with ApiClient(url, None) as client:
        yield client


def test_following_next_comes_to_an_end(api: ApiClient) -> None:
    page = api.get("/items")
    seen = [page["number"]]
    while page["next"] and len(seen) <= PAGES:
        page = api.get(page["next"][0])
        seen.append(page["number"])
    assert seen == [0, 1, 2]
    assert page["query"] == {"page": "2", "limit": "5"}


def test_parameters_are_added_to_the_query_of_an_address(api: ApiClient) -> None:
    assert api.get("/items?limit=5", f="json", page=2)["query"] == {
        "limit": "5",
        "f": "json",
        "page": "2",
    }


def test_a_job_is_told_of_only_when_it_has_changed(api: ApiClient) -> None:
    def running(progress: int, message: str) -> dict[str, Any]:
        return {"jobID": "1", "status": "running", "progress": progress, "message": message}

    Answering.jobs = [
        *(running(0, ""), running(10, "read"), running(10, "read"), running(10, "write")),
        {"jobID": "1", "status": "successful", "progress": 100, "message": "done"},
    ]
    told: list[tuple[int, str]] = []
    api.follow("/jobs/1", on_progress=lambda *state: told.append(state), interval_s=0.01)
    assert told == [(0, ""), (10, "read"), (10, "write"), (100, "done")]


def test_only_what_opens_in_a_browser_is_worth_printing(url: str) -> None:
    given = {"page": f"{url}/items", "alerts": f"{url}/secret", "report": "demo/report.html"}
    assert openable(given) == {"page": f"{url}/items", "report": "demo/report.html"}
