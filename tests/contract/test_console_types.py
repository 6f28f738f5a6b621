"""The console asks the API by types that are made from the API's own definition."""

import ast
import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
MADE = runpy.run_path(str(ROOT / "docs" / "console_types.py"))
named_part: Callable[..., dict[str, Any]] = MADE["named_part"]

DOCUMENT = {
    "openapi": "3.1.0",
    "paths": {
        "/things/{thing}": {
            "get": {
                "summary": "A thing",
                "parameters": [{"name": "thing", "in": "path", "description": "Its code"}],
                "responses": {
                    "200": {
                        "description": "It",
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Thing"}},
                            "text/html": {"schema": {"type": "string"}},
                        },
                    },
                    "404": {"description": "None"},
                },
            }
        },
        "/others": {"get": {"responses": {}}},
    },
    "components": {
        "schemas": {
            "Thing": {
                "title": "A thing",
                "properties": {
                    "title": {"type": "string", "title": "Title"},
                    "part": {"$ref": "#/components/schemas/Part"},
                },
            },
            "Part": {"type": "string", "description": "A part"},
            "Other": {"type": "string"},
            "Named": {"type": "integer"},
        }
    },
}


def test_what_the_sources_name_is_kept_with_what_it_is_made_of() -> None:
    kept = named_part(DOCUMENT, iter(['GET("/things/{thing}")', 'Schema<"Named">']))
    assert list(kept["paths"]) == ["/things/{thing}"]
    assert list(kept["components"]["schemas"]) == ["Named", "Part", "Thing"]


def test_prose_goes_and_members_of_that_name_stay() -> None:
    kept = named_part(DOCUMENT, iter(['"/things/{thing}"']))
    operation = kept["paths"]["/things/{thing}"]["get"]
    assert "summary" not in operation
    assert list(operation["responses"]) == ["200"]
    assert list(operation["responses"]["200"]["content"]) == ["application/json"]
    thing = kept["components"]["schemas"]["Thing"]
    assert "title" not in thing
    assert thing["properties"]["title"] == {"type": "string"}


def test_the_audit_log_has_words_for_whatever_is_written_to_it() -> None:
    kept = MADE["AUDIT_WORDS"].read_text("utf-8")
    assert MADE["audit_words"]() == kept, "run `make docs`"
    sources = [*ROOT.glob("shared/shanhai/**/*.py"), *ROOT.glob("services/*/shanhai_*/**/*.py")]
    texts = [path.read_text("utf-8") for path in sources]
    calls = [
        node
        for text in texts
        if "record(" in text or "_note(" in text
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("record", "audit.record", "_note")
    ]
    given = [part for call in calls for part in call.args[1:3]]
    given += [
        part for one in given if isinstance(one, ast.IfExp) for part in (one.body, one.orelse)
    ]
    tables = [one.value for call in calls for one in call.keywords if one.arg == "table"]
    for name, parts in (("actions", given), ("kinds", tables)):
        logged = {one.value for one in parts if isinstance(one, ast.Constant)} - {None}
        assert len(logged) > 20
        assert logged <= json.loads(kept)[name].keys()


@pytest.mark.usefixtures("browser")
def test_the_types_are_those_of_the_code() -> None:
    stored = (ROOT / "services/api/console/kit/schema.d.ts").read_text("utf-8")
    assert MADE["types"]() == stored, "run `make docs`"
