"""Requests that people send who look for a way in, byte by byte as they go over the wire."""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

LOOPBACK = "2130706433"
"""127.0.0.1 as one number."""
ELSEWHERE = "evil.example"
JWT_OF_NOBODY = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiIsInNjb3BlIjoiYWRtaW4ifQ."
"""`{"alg":"none"}`, and the claim to be an administrator."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A request, and what must not be in its answer.

    `{canary}` stands for an address nobody may be made to ask, `{key}` for a key of the platform.
    """

    name: str
    sent: bytes
    never: tuple[bytes, ...] = ()


def request(
    method: str,
    target: str,
    given: Mapping[str, str] | None = None,
    *,
    body: bytes | None = None,
    key: bool = True,
    **named: str,
) -> bytes:
    """A request of HTTP/1.1; names of headers are given with `_` for `-`."""
    headers = {**(given or {}), **named}
    lines = [f"{method} {target} HTTP/1.1", "Connection: close"]
    if "Host" not in headers:
        lines.append("Host: api.test")
    if key:
        lines.append("Authorization: Bearer {key}")
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


def of_json(method: str, target: str, document: Any, **named: str) -> bytes:
    """A request with a document, or with bytes that are said to be one."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return request(method, target, {**named, "Content_Type": "application/json"}, body=body)


def probes(canary: str) -> Iterator[Probe]:
    """All of them, with what stands for the canary."""
    yield from _to_inside(canary)
    yield from _files()
    yield from _queries(canary)
    yield from _heads(canary)
    yield from _frames()
    yield from _bodies(canary)
    yield from _identities(canary)
    yield from _pages()


def _to_inside(canary: str) -> Iterator[Probe]:
    """Addresses that the platform is asked to call."""
    port = canary.partition(":")[2]
    places = (
        *(f"http://{canary}/", f"https://{canary}/", f"https://localhost:{port}/"),
        *(f"https://localhost.:{port}/", f"https://{LOOPBACK}:{port}/", f"https://0:{port}/"),
        *(
            f"https://[::1]:{port}/",
            f"https://[::ffff:127.0.0.1]:{port}/",
            f"https://127.1:{port}/",
        ),
        *(f"https://hooks.city.example@{canary}/", "https://169.254.169.254/latest/meta-data"),
        *("file:///etc/passwd", f"gopher://{canary}/_x", f"dict://{canary}/", "//evil.example/"),
    )
    for url in places:
        hook = {"name": "x", "url": url, "events": ["alert.opened"]}
        yield Probe(f"a webhook to {url}", of_json("POST", "/webhooks", hook))
    for url in places[:6]:
        job = {"inputs": {"message": "x"}, "subscriber": {"successUri": url}}
        sent = of_json("POST", "/processes/echo/execution", job, Prefer="respond-async")
        yield Probe(f"a callback to {url}", sent)


def _files() -> Iterator[Probe]:
    """Files of the machine."""
    for target in (
        *("/static/../../../../etc/passwd", "/static/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd"),
        *("/static/..%2f..%2f..%2f..%2fetc%2fpasswd", "/static//etc/passwd", "//etc/passwd"),
        *(
            "/static/%00/etc/passwd",
            "/static/..%5c..%5cetc%5cpasswd",
            "/static/%252e%252e/etc/passwd",
        ),
        *("/documents/..%2f..%2fetc%2fpasswd/file", "/jobs/..%2f..%2fetc/results"),
        *("/collections/datasets/items/..%2f..%2fetc%2fpasswd/file", "/.git/config", "/.env"),
        "/collections/datasets/items/x/file?sha256=../../../../etc/passwd",
    ):
        yield Probe(f"GET {target}", request("GET", target), (b"root:", b"[core]"))
    for name in ("../../etc/cron.d/x", "..\\x", "/etc/passwd", "x\x00.pdf", "%2e%2e%2fx"):
        quoted = "".join(f"%{byte:02x}" for byte in name.encode())
        target = f"/uploads?filename={quoted}"
        yield Probe(f"an upload called {name!r}", request("POST", target, body=b"x"))
    yield Probe(
        "an upload with a path for its id", request("PUT", "/uploads/..%2f..%2fx", body=b"x")
    )


def _queries(canary: str) -> Iterator[Probe]:
    """Parameters that are to become part of something else."""
    items = "/collections/regions/items"
    for query in (
        *("filter=code='x'%20OR%201=1--", "filter=1=1;DROP%20TABLE%20region", "sortby=code;DROP"),
        *("bbox=1,2,3,4);SELECT%20pg_sleep(9)--", "bbox=NaN,NaN,NaN,NaN", "bbox=1e400,0,1,1"),
        *("q=%25'%20OR%20'1'='1", "limit=-1", "limit=99999999999999999999", "offset=-1"),
        *(
            "datetime=../..",
            "datetime=9999999-01-01",
            "crs=file:///etc/passwd",
            f"crs=http://{canary}/",
        ),
        *(f"filter-crs=http://{canary}/", f"profile=http://{canary}/", "f=../../etc/passwd"),
        *("properties=(SELECT%20sha256%20FROM%20api_key)", "name_zh=%00", "as_of=0000-00-00"),
        "filter=" + "(" * 3000 + "code='x'" + ")" * 3000,
        "filter=" + "%20OR%20".join(["code='x'"] * 3000),
        "filter=code%20LIKE%20'" + "%25a" * 2000 + "'",
        "filter=S_INTERSECTS(geometry,POLYGON((" + "0%200," * 9000 + "0%200)))",
        "q=" + "a" * 60_000,
        "&".join(f"a{number}=1" for number in range(5000)),
    ):
        yield Probe(f"{items}?{query[:60]}", request("GET", f"{items}?{query}"), (b"asyncpg",))
    for query in (
        "$filter=name%20eq%20'x''%20or%20true--",
        "$expand=" + "Datastreams($expand=Thing(" * 50 + "))" * 50,
        "$top=-1",
        "$orderby=(select%201)",
        "$filter=" + "not%20" * 5000 + "true",
    ):
        yield Probe(
            f"Things?{query[:60]}", request("GET", f"/sta/v1.1/Things?{query}"), (b"asyncpg",)
        )


def _heads(canary: str) -> Iterator[Probe]:
    """Headers that claim what only a proxy or the platform may say."""
    for name, value in (
        *(
            ("Host", ELSEWHERE),
            ("X_Forwarded_Host", ELSEWHERE),
            ("X_Forwarded_Prefix", f"//{ELSEWHERE}"),
        ),
        *(
            ("Forwarded", f"host={ELSEWHERE};proto=https"),
            ("X_Host", ELSEWHERE),
            ("Origin", "null"),
        ),
        *(
            ("X_Original_URL", "/keys"),
            ("X_Rewrite_URL", "/keys"),
            ("X_HTTP_Method_Override", "DELETE"),
        ),
        *(
            ("X_Forwarded_For", "127.0.0.1, ::1"),
            ("X_Real_IP", "127.0.0.1"),
            ("Referer", f"//{canary}"),
        ),
        *(
            ("X_Request_Id", "x" * 9000),
            ("Accept_Language", "zh," * 5000),
            ("Accept", "a/b;q=1," * 3000),
        ),
        *(
            ("If_None_Match", '"x",' * 3000),
            ("Range", "bytes=" + "0-0," * 3000),
            ("Expect", "200-ok"),
        ),
        *(("traceparent", "00-" + "0" * 9000), ("Idempotency_Key", "../../x"), ("Upgrade", "h2c")),
    ):
        sent = request("GET", "/?f=json", {name: value})
        yield Probe(f"{name}: {value[:40]}", sent, (ELSEWHERE.encode(),))
    for target in ("/%0d%0aSet-Cookie:%20a=b", "/?lang=zh%0d%0aSet-Cookie:%20a=b"):
        yield Probe(f"a line break in {target}", request("GET", target), (b"\r\nset-cookie: a=b",))


def _frames() -> Iterator[Probe]:
    """Requests whose beginning and end are not to be agreed on."""
    host = "Host: api.test\r\n"
    post = f"POST /processes/echo/execution HTTP/1.1\r\n{host}"
    for name, sent in {
        "two lengths": f"{post}Content-Length: 5\r\nContent-Length: 6\r\n\r\nxxxxxx",
        "a length and chunks": f"{post}Content-Length: 4\r\n"
        f"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /keys HTTP/1.1\r\n{host}\r\n",
        "an unknown coding": f"{post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "a chunk of no size": f"{post}Transfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n",
        "a negative length": f"{post}Content-Length: -5\r\n\r\nxxxxx",
        "a length in words": f"{post}Content-Length: five\r\n\r\nxxxxx",
        "a folded header": f"GET / HTTP/1.1\r\n{host}X-A: b\r\n c\r\n\r\n",
        "a header without a colon": f"GET / HTTP/1.1\r\n{host}X-A\r\n\r\n",
        "a space before the colon": f"GET / HTTP/1.1\r\n{host}X-A : b\r\n\r\n",
        "no host": "GET / HTTP/1.1\r\n\r\n",
        "no version": "GET /\r\n\r\n",
        "a version of the future": f"GET / HTTP/9.9\r\n{host}\r\n",
        "a long line": f"GET /{'a' * 200_000} HTTP/1.1\r\n{host}\r\n",
        "many headers": f"GET / HTTP/1.1\r\n{host}"
        + "".join(f"X-{n}: y\r\n" for n in range(9000))
        + "\r\n",
        "another machine": "GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        "a tunnel": "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        "all resources": f"OPTIONS * HTTP/1.1\r\n{host}\r\n",
        "an echo of the head": f"TRACE / HTTP/1.1\r\n{host}X-Secret: told\r\n\r\n",
        "a method of its own": f"FOO / HTTP/1.1\r\n{host}\r\n",
        "TLS": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "\x00" * 60,
        "the preface of HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    }.items():
        yield Probe(name, sent.encode("latin-1"), (b"X-Secret", b"evil.example"))


def _bodies(canary: str) -> Iterator[Probe]:
    """Bodies that are not what they seem."""
    items, echo = "/collections/problems/items", "/processes/echo/execution"
    feature = {"type": "Feature", "geometry": None, "properties": {"code": "probe"}}
    linked = {"type": "link", "properties": {"href": f"http://{canary}/", "type": "proj4"}}
    yield Probe("a linked CRS", of_json("POST", items, {**feature, "crs": linked}))
    yield Probe("deep brackets", of_json("POST", echo, b"[" * 200_000))
    yield Probe("deep objects", of_json("POST", echo, b'{"a":' * 100_000 + b"1" + b"}" * 100_000))
    yield Probe("a huge number", of_json("POST", echo, b'{"inputs":{"message":1e99999999}}'))
    yield Probe(
        "a long number", of_json("POST", echo, b'{"inputs":{"message":' + b"9" * 90_000 + b"}}")
    )
    twice = b'{"type":"Feature","type":"Feature","geometry":null,"properties":{}}'
    yield Probe("a member twice", of_json("POST", items, twice))
    yield Probe("half a surrogate", of_json("POST", echo, b'{"inputs":{"message":"\\ud800"}}'))
    yield Probe(
        "bytes that are no text", of_json("POST", echo, b'{"inputs":{"message":"\xff\xfe"}}')
    )
    yield Probe("a prototype", of_json("POST", echo, b'{"__proto__":{"admin":true}}'))
    bomb = gzip.compress(b" " * 50_000_000)
    yield Probe("a packed bomb", of_json("POST", echo, bomb, Content_Encoding="gzip"))
    entity = f'<!DOCTYPE x [<!ENTITY e SYSTEM "http://{canary}/">]><x>&e;</x>'.encode()
    for media_type in ("application/xml", "text/xml", "application/gml+xml"):
        sent = request("POST", items, body=entity, Content_Type=media_type)
        yield Probe(f"an external entity as {media_type}", sent)
    form = b"--x\r\nContent-Disposition: form-data; name=a; filename=../../x\r\n\r\nx\r\n--x--"
    kind = "multipart/form-data; boundary=x"
    yield Probe("a form with a path", request("POST", "/uploads", body=form, Content_Type=kind))


def _identities(canary: str) -> Iterator[Probe]:
    """Claims to be somebody."""
    jwks = f'{{"alg":"RS256","jku":"http://{canary}/","kid":"../../dev/null"}}'.encode()
    told = jwks.hex()
    for name, value in {
        "a token of nobody": f"Bearer {JWT_OF_NOBODY}",
        "a token that brings its keys": f"Bearer {told}.{told}.{told}",
        "an empty token": "Bearer ",
        "a key of one's own": "Bearer shk_aaaaaaaa_" + "a" * 43,
        "a long token": "Bearer " + "a" * 15_000,
        "a name and a password": "Basic YWRtaW46YWRtaW4=",
        "a word": "admin",
    }.items():
        yield Probe(name, request("GET", "/keys", key=False, Authorization=value), (b'"prefix"',))
    for cookie in (
        "__Host-shanhai=admin",
        "__Host-shanhai=" + "a" * 6000,
        "shanhai=1; __Host-shanhai=2",
    ):
        yield Probe(f"the cookie {cookie[:30]}", request("GET", "/keys", key=False, Cookie=cookie))
    login = b"name=admin&password=admin"
    form = "application/x-www-form-urlencoded"
    sent = request("POST", "/session/login", body=login, key=False, Content_Type=form)
    yield Probe("a form of another page", sent, (b"set-cookie: __Host-shanhai=",))
    sent = request("GET", "/session/callback?code=x&state=y&iss=http://evil.example", key=False)
    yield Probe("an answer nobody asked for", sent, (b"set-cookie: __Host-shanhai=",))
    yield Probe(
        "a key in the address", request("GET", "/keys?token={key}", key=False), (b'"prefix"',)
    )


def _pages() -> Iterator[Probe]:
    """What is to be shown or followed by somebody else."""
    script = "%3Cscript%3Ealert(1)%3C/script%3E"
    shown = (b"<script>alert(1)", b"<img src=x", b">42<")
    for target in (
        f"/collections/regions/items?f=html&q={script}",
        f"/collections/{script}?f=html",
        f"/collections/regions/items/{script}?f=html",
        "/identify?f=html&lon=%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E&lat=1",
        f"/vocabulary?f=html&lang={script}",
        "/collections/regions/items?f=html&q=%7B%7B6*7%7D%7D",
    ):
        yield Probe(f"a page of {target[:50]}", request("GET", target), shown)
    for target in (
        "//evil.example/%2f..",
        "/\\evil.example",
        "/session/login?next=https://evil.example/",
        "/session/login?next=//evil.example/",
        "/session/login?next=/\\evil.example",
    ):
        yield Probe(
            f"a way out by {target}",
            request("GET", target),
            (
                b"location: //evil",
                b"location: https://evil",
                b'href="//evil',
                b'href="https://evil',
                b'value="https://evil',
                b'value="//evil',
            ),
        )
