"""The demo's early warning: a rule, an alert it raises, and the signed message that tells of it."""

import base64
import hashlib
import hmac
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

import orjson

from shanhai.client import ApiClient
from shanhai.errors import NotFound, Unavailable
from shanhai.local.demo.stations import RIVER
from shanhai.local.secret_book import SecretBook
from shanhai.local.services import HOST

PATIENCE_S = 30.0
RULE = "demo-river-permanganate"
WEBHOOK, SECRET = "demo_webhook", "demo_webhook_signature"
"""What the webhook's id and secret are kept under."""
SECRET_MARK = "whsec_"  # noqa: S105 - how secrets of Standard Webhooks begin
LONGEST_BODY = 1_000_000
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A message as it came."""

    headers: Mapping[str, str]
    body: bytes

    def is_signed_with(self, secret: str) -> bool:
        """Whether the signature is right, as Standard Webhooks has receivers find out."""
        key = base64.b64decode(secret.removeprefix(SECRET_MARK))
        named = (self.headers["webhook-id"], self.headers["webhook-timestamp"])
        signed = ".".join(named).encode() + b"." + self.body
        wanted = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        given = self.headers["webhook-signature"].split()
        return any(hmac.compare_digest(one, f"v1,{wanted}") for one in given)


@dataclass(slots=True)
class Receiver:
    """What came to the address of the webhook."""

    url: str
    messages: list[ReceivedMessage] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Warned:
    """The alert, and how the message that it opened fared.

    Attributes:
        message: Of this run; None when a former run was told already.
    """

    alert: Mapping[str, Any]
    message: Mapping[str, Any] | None


@contextmanager
def receiving(port: int) -> Iterator[Receiver]:
    """Take messages at a port of this machine until the end."""
    receiver = Receiver(f"http://{HOST}:{port}/alerts")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = min(int(self.headers.get("Content-Length") or 0), LONGEST_BODY)
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.messages.append(ReceivedMessage(headers, self.rfile.read(size)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Keep the terminal for the demo."""

    server = ThreadingHTTPServer((HOST, port), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join(PATIENCE_S)


def watch_river(api: ApiClient, receiver: Receiver, book: SecretBook) -> None:
    """Make the rule and the webhook, unless a former run did."""
    try:
        api.get(f"/alert-rules/{RULE}")
    except NotFound:
        api.post(
            "/alert-rules",
            {
                "code": RULE,
                "name_zh": "示范断面高锰酸盐指数超标",
                "name_en": "Permanganate index at the demo section",
                "kind": "above",
                "property": "permanganate_index",
                "stations": [RIVER.code],
                # The limits of classes III, IV and V of GB 3838-2002.
                "limits": {"yellow": 6, "orange": 10, "red": 15},
                "min_duration_s": 3600,
            },
        )
    known = book.get(WEBHOOK)
    try:
        if known is not None and api.get(f"/webhooks/{known}")["url"] == receiver.url:
            return
    except NotFound:
        pass  # of a database that is gone
    made = api.post(
        "/webhooks",
        {
            "name": "make demo",
            "url": receiver.url,
            "events": ["alert.opened", "alert.escalated", "bulletin.published"],
            "lang": "en",
        },
    )
    book.keep(WEBHOOK, made["id"])
    book.keep(SECRET, made["secret"])


def await_warning(api: ApiClient, receiver: Receiver, book: SecretBook) -> Warned:
    """Wait until the alert is there and its message has been delivered, signed.

    Raises:
        Unavailable: one of them does not come, or the signature is not the webhook's.
    """
    alert = _await("no alert was raised", lambda: _alert(api))
    webhook, secret = book.get(WEBHOOK), book.get(SECRET) or ""
    path = f"/webhooks/{webhook}/deliveries"
    _await(
        "the webhook was not told",
        lambda: api.get(path, status="delivered")["deliveries"] or None,
    )
    wrong = [one for one in receiver.messages if not one.is_signed_with(secret)]
    if wrong:
        raise Unavailable(f"{len(wrong)} messages are not signed with the webhook's secret")
    told = [orjson.loads(one.body) for one in receiver.messages]
    opened = [one for one in told if one["type"] in {"alert.opened", "alert.escalated"}]
    return Warned(alert, opened[-1] if opened else None)


def _alert(api: ApiClient) -> Mapping[str, Any] | None:
    found = api.get("/alerts", rule=RULE, limit=1)["alerts"]
    return found[0] if found else None


def _await(failed: str, look: Callable[[], Found | None]) -> Found:
    deadline = time.monotonic() + PATIENCE_S
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise Unavailable(f"{failed} in {PATIENCE_S:g} s")
        time.sleep(0.1)
    return found
