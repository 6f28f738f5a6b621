"""What the demo shows: a signed warning, results read back over HTTP, and the bulletin."""

import base64
import hashlib
import hmac
import json
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import orjson

from shanhai import __version__
from shanhai.client import ApiClient, RemoteJob, Sync, file_sha256
from shanhai.errors import NotFound, ShanhaiError, Unavailable
from shanhai.local.demo.stations import DAYS, RIVER
from shanhai.local.places import SecretBook
from shanhai.local.services import HOST
from shanhai.monitoring.hj212.packet import BEIJING
from shanhai.vocabulary import SUPPLY_DEMAND

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
    """Take messages at a port of this machine until the end.

    Raises:
        Unavailable: another program has the port, which the worker was told of when it started.
    """
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

    try:
        server = ThreadingHTTPServer((HOST, port), Handler)
    except OSError as error:
        raise Unavailable(
            f"nothing can listen at {HOST}:{port}, where the webhook of the demonstration goes:"
            f" {error.strerror}; end the program that does, and run this again"
        ) from error
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join(PATIENCE_S)


def watch_river(api: ApiClient, receiver: Receiver, book: SecretBook) -> None:
    """Make the rule and the webhook, unless a former run did; its webhook goes to this receiver."""
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
    wanted = {
        "name": "make demo",
        "url": receiver.url,
        "events": ["alert.opened", "alert.escalated", "bulletin.published"],
        "lang": "en",
    }
    known = book.get(WEBHOOK)
    try:
        if known is not None:
            if api.get(f"/webhooks/{known}")["url"] != receiver.url:
                api.put(f"/webhooks/{known}", wanted)
            return
    except NotFound:
        pass  # of a database that is gone
    made = api.post("/webhooks", wanted)
    book.keep(WEBHOOK, made["id"])
    book.keep(SECRET, made["secret"])


def await_warning(api: ApiClient, receiver: Receiver, book: SecretBook) -> Warned:
    """Wait until the alert is there and its message has been delivered, signed.

    Raises:
        Unavailable: one of them does not come, or the signature is not the webhook's.
    """
    alert = _await(
        "no alert was raised",
        lambda: next(iter(api.get("/alerts", rule=RULE, limit=1)["alerts"]), None),
    )
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


def _await(failed: str, look: Callable[[], Found | None]) -> Found:
    deadline = time.monotonic() + PATIENCE_S
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise Unavailable(f"{failed} in {PATIENCE_S:g} s")
        time.sleep(0.1)
    return found


ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def openable(addresses: Mapping[str, str]) -> dict[str, str]:
    """Those of some addresses that answer a browser with what they show; files are kept as such."""
    with ApiClient("http://localhost", repeats=0, follow_redirects=True) as stranger:
        return {
            title: address
            for title, address in addresses.items()
            if not address.startswith("http") or _opens(stranger, address)
        }


def _opens(stranger: ApiClient, address: str) -> bool:
    try:
        stranger.request("GET", address, headers={"Accept": ACCEPT})
    except ShanhaiError:
        return False
    return True


INLAND = (118.05, 24.72)
"""A place on the mainland of Xiamen, in Jimei."""
ZOOM = 9
SAVED = {"map_zh": "zones_zh.png", "map_en": "zones_en.png", "report": "report.html"}
NETWORK_SAVED = {
    "map_zh": "network_zh.png",
    "map_en": "network_en.png",
    "report": "network_report.html",
}
PNG = b"\x89PNG"
SITES_SAVED = {"map_zh": "sites_zh.png", "map_en": "sites_en.png", "report": "sites_report.html"}


@dataclass(frozen=True, slots=True)
class DemoResults:
    """What a job made.

    Attributes:
        job: Address of its job.
        results: Its results document.
    """

    job: str
    results: Mapping[str, Any]


def read_back(
    api: ApiClient, tiles: ApiClient, job: str, results: Mapping[str, Any], pictures: Path
) -> dict[str, str]:
    """Check that the zones can be read and drawn, save the pictures, and give what to open.

    Raises:
        Unavailable: something a client would ask for is missing or empty.
    """
    scheme, layer = results["scheme"], results["layers"]["zones"]
    zones = api.get("/collections/zones/items", scheme=scheme, limit=100)
    _expect(len(zones["features"]) == len(results["zones"]), f"all zones of {scheme} in /zones")
    west, south, east, north = expect_tile(tiles, layer)["bounds"]
    lon, lat = INLAND
    _expect(west < lon < east and south < lat < north, "the layer lies over Xiamen")
    _expect(bool(tiles.get(f"/layers/{layer}/point", lon=lon, lat=lat)), "a point's class")
    for output, name in SAVED.items():
        if output in results:
            api.download(f"{job}/results/{output}", pictures / name)
    return {
        "viewer": f"{tiles.url}/layers/{layer}/map",
        "tilejson": f"{tiles.url}/layers/{layer}/tilejson.json",
        "zones": f"{job.split('/jobs/')[0]}/collections/zones/items?scheme={scheme}&f=html",
        "report": str(pictures / SAVED["report"]),
        "pictures": str(pictures),
    }


def read_network(
    api: ApiClient, tiles: ApiClient, network: DemoResults, pictures: Path
) -> dict[str, str]:
    """Check that the network can be read and drawn, save its maps, and give what to open.

    Raises:
        Unavailable: something a client would ask for is missing or empty.
    """
    job, results = network.job, network.results
    corridors = api.get("/collections/corridors/items", job=job.rsplit("/", 1)[-1], limit=1000)
    _expect(
        len(corridors["features"]) == len(results["corridor_codes"]), "all corridors in /corridors"
    )
    for layer in results["layers"].values():
        expect_tile(tiles, layer)
    for output, name in NETWORK_SAVED.items():
        api.download(f"{job}/results/{output}", pictures / name)
    return {
        "network": f"{tiles.url}/layers/{results['layers']['corridors']}/map",
        "corridors": f"{job.split('/jobs/')[0]}/collections/corridors/items?f=html",
    }


def read_sites(
    api: ApiClient, tiles: ApiClient, sites: DemoResults, pictures: Path
) -> dict[str, str]:
    """Check that the priority map can be drawn, save its maps, and give what to open.

    Raises:
        Unavailable: something a client would ask for is missing or empty.
    """
    layer = sites.results["layers"]["priority"]
    expect_tile(tiles, layer)
    for output, name in SITES_SAVED.items():
        api.download(f"{sites.job}/results/{output}", pictures / name)
    return {
        "priority": f"{tiles.url}/layers/{layer}/map",
        "sites": str(pictures / SITES_SAVED["report"]),
    }


def tile_at(lon: float, lat: float, zoom: int) -> tuple[int, int]:
    """Column and row of the web-mercator tile that holds a point (degrees)."""
    across = 2**zoom
    height = math.asinh(math.tan(math.radians(lat))) / math.pi
    return int((lon + 180) / 360 * across), int((1 - height) / 2 * across)


def expect_tile(tiles: ApiClient, layer: str) -> Mapping[str, Any]:
    """The TileJSON of a layer, whose tile that holds the place on the mainland can be drawn."""
    tilejson: dict[str, Any] = tiles.get(f"/layers/{layer}/tilejson.json")
    column, row = tile_at(*INLAND, ZOOM)
    drawn = tiles.get(tilejson["tiles"][0], z=ZOOM, x=column, y=row)
    _expect(drawn.startswith(PNG), f"a tile of {layer} in PNG")
    return tilejson


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise Unavailable(f"the results cannot be read back: expected {what}")


BULLETIN_SAVED = {
    "pdf_zh": "bulletin_zh.pdf",
    "pdf_en": "bulletin_en.pdf",
    "docx_zh": "bulletin_zh.docx",
}


def digest_of(facts: Mapping[str, Any]) -> str:
    """What a key tells facts apart by, also by their order: so does the API with what is sent."""
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def submit_once(
    api: ApiClient, process: str, inputs: Mapping[str, Any], key: str
) -> RemoteJob[Sync]:
    """Submit a process, or take the job of the same key; one that failed before is asked anew."""
    begun = datetime.now(UTC)
    job = api.submit(process, inputs, idempotency_key=key)
    while _has_failed(job.status(), before=begun):
        job = api.submit(process, inputs, idempotency_key=f"{key}-after-{job.id}")
    return job


def published_before(api: ApiClient, region: str) -> RemoteJob[Sync] | None:
    """The newest job that put zones of a region in force."""
    wanted = (f"{region}.{SUPPLY_DEMAND}", "published")
    for done in api.records("/jobs", processID="delineate-zones", status="successful"):
        results = (job := api.job(done["jobID"])).results()
        if (results["scheme"], results["status"]) == wanted:
            return job
    return None


def _has_failed(status: Mapping[str, Any], before: datetime) -> bool:
    if status["status"] not in ("failed", "dismissed"):
        return False
    return datetime.fromisoformat(status["created"]) < before


@dataclass(frozen=True, slots=True)
class Announced:
    """A published bulletin."""

    code: str
    url: str
    sha256: str


def announce(
    api: ApiClient,
    *,
    region: str,
    plan: str,
    now: datetime,
    folder: Path,
    follow: Callable[[RemoteJob[Sync]], dict[str, Any]],
) -> Announced:
    """Make the bulletin unless one of the same days stands, publish it, and save its files.

    Args:
        folder: Where the files are saved.
        follow: Waits for a job and gives its results.

    Raises:
        Unavailable: the alert of the river is not in it, or a file is not the one that was hashed.
    """
    last = now.astimezone(BEIJING).date() - timedelta(days=1)
    period = {"first": str(last - timedelta(days=DAYS - 2)), "last": str(last)}
    inputs = {"region": region, "plan": plan, **period}
    wanted = {**inputs, "public": True, "state": "published"}
    heads = api.records("/bulletins", region=region, **period)
    code = next((one["code"] for one in heads if wanted.items() <= one.items()), None)
    if code is None:
        key = f"demo-bulletin-{digest_of({**inputs, 'software': __version__})}"
        code = follow(submit_once(api, "publish-bulletin", inputs, key))["bulletin"]
    path = f"/bulletins/{code}"
    bulletin = api.get(path, lang="zh")
    if bulletin["state"] == "draft":
        api.post(f"{path}/publish", {})
        bulletin = api.get(path, lang="zh")
    rows = bulletin["content"]["alerts"]["rows"]
    if RIVER.code not in {row["station"] for row in rows}:
        raise Unavailable(f"the alert of {RIVER.code} is not in bulletin {code}")
    files = {file["name"]: file for file in bulletin["files"]}
    for name, target in BULLETIN_SAVED.items():
        _save(api, f"{path}/files/{name}", files[name], folder / target)
    return Announced(bulletin["code"], f"{path}?f=html", files["pdf_zh"]["sha256"])


def _save(api: ApiClient, path: str, told: Mapping[str, Any], target: Path) -> None:
    api.download(path, target)
    if file_sha256(target) != told["sha256"]:
        raise Unavailable(f"{path} is not the file that was hashed")
