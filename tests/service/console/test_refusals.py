"""Whoever may not write is refused, whatever a script in their browser sends."""

from typing import Any

from tests.service.console.conftest import PLANNING, Bureaus, OpenConsole
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
  const NONE = ["aaaaaaaa", "1900"];
  const {csrf} = await (await fetch("/session")).json();
  const found = [];
  for (const {method, path, type, body} of writes) {
    const headers = {"Content-Type": type, "If-Match": "*"};
    if (proven) headers["X-CSRF-Token"] = csrf;
    const sent = method === "DELETE" ? {} : {body: JSON.stringify(body)};
    const answer = await fetch(path, {method, headers, ...sent});
    const told = await answer.text();
    // Of what is not there nobody is told who might write it.
    const absent = answer.status === 404 && NONE.some((code) => told.includes(code));
    if (answer.status !== 403 && !absent)
      found.push(`${method} ${path}: ${answer.status} ${told}`);
  }
  return found;
}"""
Schema = dict[str, Any]


def writes(bureaus: Bureaus) -> list[dict[str, Any]]:
    """Each write of the API, to objects there are, with the least that it takes."""
    document = bureaus.admin.get("/api", params={"f": "json"}).json()
    known = objects(bureaus)
    schemas = document["components"]["schemas"]
    return [
        {
            "method": method.upper(),
            "path": addressed(path, operation, schemas, known),
            "type": kind_of(operation),
            "body": with_more(least(body_of(operation), schemas), BODIES.get(path)),
        }
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if method in {"post", "put", "patch", "delete"}
        and path not in FOR_EVERYBODY
        and not path.startswith("/session")
    ]


def objects(bureaus: Bureaus) -> dict[str, str]:
    """Codes of objects that everybody sees, by what they are called in paths."""

    def first(path: str, *members: str) -> str:
        found: Any = bureaus.admin.get(path, params={"limit": 1, "f": "json"}).json()
        for member in members:
            found = found[int(member)] if member.isdigit() else found[member]
        return str(found)

    plan = "xiamen-vanguard-2025"
    return {
        "plan": plan,
        "project": first("/collections/projects/items", "features", "0", "id"),
        "process": "echo",
    }


def addressed(path: str, operation: Schema, schemas: Schema, known: dict[str, str]) -> str:
    """A path with an object for each of its parameters, or a code that one could have."""
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            name = parameter["name"]
            value = known.get(name) or least(parameter["schema"], schemas)
            path = path.replace(f"{{{name}}}", str(value))
    must = [
        f"{one['name']}={FILE if one['name'] == 'filename' else least(one['schema'], schemas)}"
        for one in operation.get("parameters", [])
        if one["in"] == "query" and one.get("required")
    ]
    return f"{path}?{'&'.join(must)}"


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


def test_a_viewer_is_refused_each_write(bureaus: Bureaus, open_console: OpenConsole) -> None:
    visit = open_console(bureaus.key("viewer"))
    found = visit.page.evaluate(SEND_ALL, {"writes": writes(bureaus), "proven": True})
    assert not found, "\n".join(found)


def test_no_control_of_a_viewer_writes(bureaus: Bureaus, open_console: OpenConsole) -> None:
    visit = open_console(bureaus.key("viewer"))
    sent: set[str] = set()
    visit.page.on("request", lambda asked: sent.add(f"{asked.method} {asked.url}"))
    pressed = 0
    for screen in SCREENS[2:]:
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
    writing = {one for one in sent if not one.startswith(("GET", "HEAD")) and PUBLIC not in one}
    assert not writing
    assert pressed > 50


def test_no_write_passes_without_the_proof_of_the_session(
    bureaus: Bureaus, open_console: OpenConsole
) -> None:
    visit = open_console(bureaus.key(*PLANNING))
    found = visit.page.evaluate(SEND_ALL, {"writes": writes(bureaus), "proven": False})
    assert not found, "\n".join(found)
