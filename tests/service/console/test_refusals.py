"""Whoever may not write is refused, whatever a script in their browser sends."""

import re
from collections.abc import Collection
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.service.console.conftest import PLANNING, Bureaus, OpenConsole, Visit
from tests.service.console.drafts import Draft
from tests.service.console.test_everywhere import SCREENS, parts, settle

FOR_EVERYBODY = frozenset(
    {
        "/complaints",
        "/complaints/photos",
        "/compliance/opinion",
        "/notices/{notice}/comments",
        "/receipts",
        "/tile-tokens",
        "/unsubscribe",
    }
)
"""What nobody needs a role for."""
PUBLIC = "/processes/check-compliance/execution"
OWN = tuple(screen for screen in SCREENS if screen != "sign-in")
"""What somebody who has signed in comes to."""
MOST_BUTTONS = 20
FILE = "photo.png"
FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "uri": "https://example.org",
    "^wh-[0-9a-f]{16}$": "wh-0000000000000000",
}
"""A text of each form that is asked for."""
BODIES: dict[str, dict[str, Any]] = {
    "/zone-schemes/{code}/mergers": {"zones": ["one", "two"], "note": "joined"},
    "/projects/{project}/funds": {"kind": "allocation", "amount": 1},
    "/mines/{mine}/deposits": {"kind": "paid", "year": 2026, "amount": 1},
    "/compliance/exceptions": {"rule": "a-rule", "project": "a-project"},
    "/compliance/exception-requests": {"rule": "a-rule", "project": "a-project"},
    "/proposals": {"revises": {"project": "any"}},
    "/proposals/{proposal}": {"revises": {"project": "any"}},
    "/alert-rules": {"limits": {"red": 1}, "property": "ph"},
    "/alert-rules/{rule}": {"limits": {"red": 1}, "property": "ph"},
    "/webhooks": {"events": ["alert.opened"], "url": "https://example.org"},
    "/webhooks/{webhook}": {"events": ["alert.opened"], "url": "https://example.org"},
}
"""Members of bodies of which the schema does not say all."""
SEND_ALL = """async ({writes, proven}) => {
  const {csrf} = await (await fetch("/session")).json();
  const told = [];
  for (const {method, path, type, body} of writes) {
    const headers = {"Content-Type": type, "If-Match": "*"};
    if (proven) headers["X-CSRF-Token"] = csrf;
    const sent = method === "DELETE" ? {} : {body: JSON.stringify(body)};
    const answer = await fetch(path, {method, headers, ...sent});
    told.push({status: answer.status, text: await answer.text()});
  }
  return told;
}"""
MADE_UP = ("aaaaaaaa", "1900")
"""Codes of nothing: of what is not there nobody is told who might write it."""
MOST_MADE_UP = 10
"""How many writes may be of nothing: what the seeded cities have none of."""
LEAST_REAL = 100
"""How many must be of objects that there are, or of lists."""
LISTED = {
    "/zone-schemes/": "/collections/zone_schemes/items",
    "/projects/": "/collections/projects/items",
    "/mines/": "/collections/mines/items",
    "/notices/": "/collections/notices/items",
}
"""Where objects are listed of which an address begins otherwise."""
WRITING = re.compile(
    r"^(＋|\+|新建|新增|添加|编辑|修改|删除|保存|提交|批准|发布|导入|上传|绘制|撤回|驳回|受理|派发|签发"
    r"|登记|申请|发起|启用|停用|填报|上报|改划|分割|合并|退回|轮换|吊销|关闭预警|确认预警)"
)
"""How the names of controls that write begin."""
HARMLESS = frozenset({("data", "tab", "导入")})
"""What begins so and writes nothing: the tab says that one may not import."""
NAMES = """(controls) => controls.filter((one) => !one.disabled && one.checkVisibility())
  .map((one) => [
    one.getAttribute("role") ?? one.localName,
    (one.getAttribute("aria-label") ?? one.innerText).trim(),
  ])"""
"""Controls that somebody sees and may use, each with what it is."""
Schema = dict[str, Any]


def writes(bureaus: Bureaus, reader: httpx.Client) -> list[dict[str, Any]]:
    """Each write of the API, to objects there are where a reader sees any, with the least body."""
    document = bureaus.admin.get("/api", params={"f": "json"}).json()
    schemas = document["components"]["schemas"]
    objects = Objects(reader, document["paths"])
    found = []
    for path, operations in document["paths"].items():
        if path in FOR_EVERYBODY or path.startswith("/session"):
            continue
        for method, operation in operations.items():
            if method in {"post", "put", "patch", "delete"}:
                address, there = addressed(path, operation, schemas, objects)
                body = with_more(least(body_of(operation), schemas), BODIES.get(path))
                found.append(
                    {
                        "method": method.upper(),
                        "path": address,
                        "route": path,
                        "there": there,
                        "type": kind_of(operation),
                        "body": body,
                    }
                )
    return found


class Objects:
    """Codes of objects that a reader sees, by where they are listed."""

    def __init__(self, reader: httpx.Client, paths: Collection[str]) -> None:
        self.reader = reader
        self.paths = {re.sub(r"{\w+}", "{}", path) for path in paths}
        self.known = {"/processes/": "echo", "/plans/": "xiamen-vanguard-2025"}

    def first(self, listed: str, route: str) -> str | None:
        """The code of the first that is listed at an address; None where there is none."""
        place = LISTED.get(listed, listed.rstrip("/"))
        is_list = listed in LISTED or re.sub(r"{\w+}", "{}", route.rstrip("/")) in self.paths
        if listed not in self.known and is_list:
            answer = self.reader.get(place, params={"limit": 1, "f": "json"})
            if answer.status_code == 200:
                code = first_code(answer.json())
                if code is not None:
                    self.known[listed] = code
        return self.known.get(listed)


def first_code(listed: Schema) -> str | None:
    """The code of the first object of a list, whatever the list is called."""
    for name, members in listed.items():
        if name != "links" and isinstance(members, list) and members:
            first = members[0]
            if isinstance(first, dict):
                code = next((first[key] for key in ("code", "id", "number") if key in first), None)
                return None if code is None else quote(str(code), safe="")
    return None


def addressed(path: str, operation: Schema, schemas: Schema, objects: Objects) -> tuple[str, bool]:
    """A path with an object for each of its parameters, or a code that one could have; and whether
    all of them are there."""
    there = True
    given = {one["name"]: one for one in operation.get("parameters", []) if one["in"] == "path"}
    address, route = "", ""
    for part in re.split(r"({\w+})", path):
        value = part
        if part.startswith("{"):
            code = objects.first(address, route) if there else None
            there = there and code is not None
            value = code or str(least(given[part[1:-1]]["schema"], schemas))
        address, route = address + value, route + part
    must = [
        f"{one['name']}={FILE if one['name'] == 'filename' else least(one['schema'], schemas)}"
        for one in operation.get("parameters", [])
        if one["in"] == "query" and one.get("required")
    ]
    return f"{address}?{'&'.join(must)}", there


def unrefused(visit: Visit, sent: list[dict[str, Any]], *, proven: bool) -> list[str]:
    """Send all from the page; what was met by anything but 403, or by 404 where nothing is."""
    told = visit.page.evaluate(SEND_ALL, {"writes": sent, "proven": proven})
    found, absent = [], []
    for one, answer in zip(sent, told, strict=True):
        line = f"{one['method']} {one['path']}: {answer['status']} {answer['text']}"
        made_up = answer["status"] == 404 and any(code in answer["text"] for code in MADE_UP)
        if made_up and not one["there"]:
            absent.append(f"{one['method']} {one['route']}")
        elif answer["status"] != 403:
            found.append(line)
    refused = [one for one, answer in zip(sent, told, strict=True) if answer["status"] == 403]
    real = [one for one in refused if one["there"]]
    print(f"{len(refused)} of {len(sent)} writes met by 403, {len(real)} of objects there are")  # noqa: T201
    print("of nothing:", [one["route"] for one in refused if not one["there"]])  # noqa: T201
    print(f"met by 404, of nothing: {absent}")  # noqa: T201
    assert len(real) >= LEAST_REAL
    assert len(absent) <= MOST_MADE_UP, absent
    return found


def with_more(body: Any, more: dict[str, Any] | None) -> Any:
    """A body with members that its schema does not ask for."""
    return body if more is None else body | more


def body_of(operation: Schema) -> Schema:
    """The schema of what an operation takes as JSON."""
    found = (one.get("schema", {}) for kind, one in contents(operation).items() if "json" in kind)
    return next(found, {})


def kind_of(operation: Schema) -> str:
    """The media type of what is sent: JSON, or a picture where it is a file."""
    return "application/json" if "application/json" in contents(operation) else "image/png"


def contents(operation: Schema) -> dict[str, Schema]:
    """What an operation takes, by its media type."""
    taken: dict[str, Schema] = operation.get("requestBody", {}).get("content", {})
    return taken


def least(schema: Schema, schemas: Schema) -> Any:
    """The least value that a schema takes."""
    if "$ref" in schema:
        return least(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    for way in ("anyOf", "oneOf", "allOf"):
        if way in schema and "type" not in schema:
            return least(schema[way][0], schemas)
    for given in ("const", "default", "example"):
        if schema.get(given) is not None:
            return schema[given]
    if "examples" in schema:
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object")
    if kind == "object":
        members = schema.get("properties", {})
        return {name: least(members[name], schemas) for name in schema.get("required", ())}
    if kind == "array":
        return [least(schema["items"], schemas) for _ in range(schema.get("minItems", 0))]
    if kind == "string":
        return FORMATS.get(str(schema.get("format", schema.get("pattern"))), "a" * 8)
    return False if kind == "boolean" else schema.get("minimum", 1)


@pytest.fixture
def objects_of_all(bureaus: Bureaus) -> None:
    """A zoning with its zones, beside what the seeded cities have."""
    with bureaus.client(bureaus.key(*PLANNING)) as planner:
        Draft(planner)


def test_a_viewer_is_refused_each_write(
    bureaus: Bureaus, open_console: OpenConsole, objects_of_all: None
) -> None:
    key = bureaus.key("viewer")
    visit = open_console(key)
    with bureaus.client(key) as viewer:
        sent = writes(bureaus, viewer)
    found = unrefused(visit, sent, proven=True)
    assert not found, "\n".join(found)


@pytest.mark.long
def test_no_control_of_a_viewer_writes(bureaus: Bureaus, open_console: OpenConsole) -> None:
    visit = open_console(bureaus.key("viewer"))
    sent: set[str] = set()
    visit.page.on("request", lambda asked: sent.add(f"{asked.method} {asked.url}"))
    pressed = 0
    for screen in OWN:
        page = visit.open(screen)
        for _ in parts(visit):
            buttons = page.locator("main button:enabled:visible:not([role=tab])")
            for nth in range(min(buttons.count(), MOST_BUTTONS)):
                button = buttons.nth(nth)
                if button.count() and button.is_visible() and button.is_enabled():
                    button.evaluate("(one) => one.click()")
                    pressed += 1
                    page.keyboard.press("Escape")
            settle(visit)
            # What was opened may come once it has been asked for.
            page.keyboard.press("Escape")
    writing = {one for one in sent if not one.startswith(("GET", "HEAD")) and PUBLIC not in one}
    assert not writing
    assert pressed > 50


@pytest.mark.long
def test_a_viewer_sees_no_control_that_writes(bureaus: Bureaus, open_console: OpenConsole) -> None:
    visit = open_console(bureaus.key("viewer"))
    names: set[str] = set()
    found: list[str] = []
    for screen in OWN:
        page = visit.open(screen)
        for part in parts(visit):
            seen = page.locator("main :is(button, a, summary, input[type=file])").evaluate_all(
                NAMES
            )
            names |= {name for _, name in seen}
            found += [
                f"{screen or 'home'}, {part}: {name}"
                for role, name in seen
                if WRITING.match(name) and (screen, role, name) not in HARMLESS
            ]
    assert not found, "\n".join(sorted(set(found)))
    assert len(names) > 50


def test_no_write_passes_without_the_proof_of_the_session(
    bureaus: Bureaus, open_console: OpenConsole, objects_of_all: None
) -> None:
    key = bureaus.key(*PLANNING)
    visit = open_console(key)
    with bureaus.client(key) as planner:
        sent = writes(bureaus, planner)
    found = unrefused(visit, sent, proven=False)
    assert not found, "\n".join(found)
