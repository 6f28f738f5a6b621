"""A STAC API and a file host on the loopback, enough of both to fetch from, that keep a log."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.serving import join

TOKEN = "sig=abc"


@dataclass
class Site:
    """Items to find one per page, files to read by ranges, and what was asked."""

    items: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    paging: str = "post"
    ranged: bool = True
    token_needed: bool = False
    searches: list[dict[str, Any]] = field(default_factory=list)
    sent: dict[str, int] = field(default_factory=dict)
    url: str = ""

    def add_item(self, name: str, moment: str, content: bytes, **assets: str) -> None:
        """Publish an item whose asset `data` is a file of the site."""
        self.files[f"/files/{name}.tif"] = content
        hrefs = {"data": f"{self.url}/files/{name}.tif"} | assets
        self.items.append(
            {
                "id": name,
                "properties": {"datetime": moment},
                "assets": {key: {"href": href} for key, href in hrefs.items()},
            }
        )

    def page(self, number: int) -> dict[str, Any]:
        """One item and a link to the next, in the manner of paging chosen."""
        links: list[dict[str, Any]] = []
        if number + 1 < len(self.items):
            address = f"{self.url}/stac/search"
            if self.paging == "get":
                links = [{"rel": "next", "href": f"{address}?page={number + 1}"}]
            else:
                links = [
                    {
                        "rel": "next",
                        "method": "POST",
                        "href": address,
                        "merge": True,
                        "body": {"page": number + 1},
                    }
                ]
        return {
            "type": "FeatureCollection",
            "features": self.items[number : number + 1],
            "links": links,
        }


class Handler(BaseHTTPRequestHandler):
    """Answers for the site of its server."""

    protocol_version = "HTTP/1.1"

    @property
    def site(self) -> Site:
        """The site this server shows."""
        return self.server.site  # type: ignore[attr-defined, no-any-return]  # set below

    def do_POST(self) -> None:
        """Search, and keep what was asked."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.site.searches.append(body)
        self._json(self.site.page(int(body.get("page", 0))))

    def do_GET(self) -> None:
        """Give a page, a token or a file."""
        path, query = urlsplit(self.path).path, urlsplit(self.path).query
        if path == "/stac/search":
            self._json(self.site.page(int(parse_qs(query)["page"][0])))
        elif path == "/token/tiles":
            self._json({"token": TOKEN})
        else:
            self._file(path, query, body=True)

    def do_HEAD(self) -> None:
        """Give the size of a file."""
        self._file(urlsplit(self.path).path, urlsplit(self.path).query, body=False)

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""

    def _json(self, answer: dict[str, Any]) -> None:
        self._send(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def _file(self, path: str, query: str, *, body: bool) -> None:
        content = self.site.files.get(path)
        if content is None or (self.site.token_needed and query != TOKEN):
            self._send(404 if content is None else 403, b"", {})
            return
        asked = self.headers.get("Range") if self.site.ranged else None
        if asked is None:
            self._send(200, content, {"Accept-Ranges": "bytes"}, path=path, body=body)
            return
        first, last = (int(part) for part in asked.removeprefix("bytes=").split("-"))
        last = min(last, len(content) - 1)
        headers = {"Content-Range": f"bytes {first}-{last}/{len(content)}"}
        self._send(206, content[first : last + 1], headers, path=path, body=body)

    def _send(
        self,
        status: int,
        content: bytes,
        headers: dict[str, str],
        *,
        path: str = "",
        body: bool = True,
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.site.sent[path] = self.site.sent.get(path, 0) + len(content)
            # A reader that wanted a range hangs up when it is sent the whole file.
            with suppress(ConnectionError):
                self.wfile.write(content)


@contextmanager
def serve_site() -> Iterator[Site]:
    """Serve an empty site until the end of the block."""
    site = Site()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.site = site  # type: ignore[attr-defined]  # read above
        site.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            join(thread)
