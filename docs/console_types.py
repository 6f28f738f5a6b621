"""Write the types that the console asks the API by, and the words of the audit log.

`.venv/bin/python docs/console_types.py` writes `services/api/console/kit/schema.d.ts` from the
API's OpenAPI document: the paths and schemas that the console's sources name, and what those are
made of. `screens/results/audit_words.json` is of the API's own words. A test says when it is due.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from shanhai_api.app import add_routes
from shanhai_api.openapi import describe_31
from shanhai_api.words.members import ACTIONS
from shanhai_api.words.naming import KINDS

ROOT = Path(__file__).parents[1]
CONSOLE = ROOT / "services" / "api" / "console"
TARGET = CONSOLE / "kit" / "schema.d.ts"
AUDIT_WORDS = CONSOLE / "screens" / "results" / "audit_words.json"
PROGRAM = CONSOLE / "node_modules" / ".bin" / "openapi-typescript"
PATH = re.compile(r'"(/[^"\s]*)"')
SCHEMA = re.compile(r'Schema<\s*"(\w+)"')
REFERENCE = "#/components/schemas/"
PROSE = frozenset({"description", "summary", "title", "examples", "example", "tags", "operationId"})
METHODS = ("get", "post", "put", "patch", "delete")

Document = Mapping[str, Any]


def sources() -> Iterator[str]:
    """The texts of the console."""
    for folder in ("kit", "screens"):
        for path in sorted((CONSOLE / folder).rglob("*.ts*")):
            if path != TARGET:
                yield path.read_text("utf-8")
    yield (CONSOLE / "main.tsx").read_text("utf-8")


def named_part(document: Document, texts: Iterator[str]) -> Document:
    """The document with what the texts name alone, and without prose."""
    whole = "\n".join(texts)
    paths = {
        path: {method: _operation(item[method]) for method in METHODS if method in item}
        for path, item in document["paths"].items()
        if path in set(PATH.findall(whole))
    }
    schemas = document["components"]["schemas"]
    wanted = [name for name in SCHEMA.findall(whole) if name in schemas]
    kept: dict[str, Any] = {}
    wanted += _referred(paths)
    while wanted:
        name = wanted.pop()
        if name not in kept:
            kept[name] = _plain(schemas[name])
            wanted += _referred(kept[name])
    schemas_kept = {name: kept[name] for name in sorted(kept)}
    return {
        "openapi": document["openapi"],
        "info": {"title": "Shanhai", "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas_kept},
    }


def _operation(operation: Document) -> Document:
    """What is sent and what is answered when all is well; as JSON, where there is a choice."""
    answers = {
        code: {"description": "", "content": _json(answer["content"])}
        if "content" in answer
        else {"description": ""}
        for code, answer in operation["responses"].items()
        if code.startswith("2") and "$ref" not in answer
    }
    body = operation.get("requestBody")
    sent = {} if body is None else {"requestBody": {**body, "content": _json(body["content"])}}
    kept = {"parameters": operation.get("parameters", []), "responses": answers, **sent}
    return _plain(kept)  # type: ignore[no-any-return]


def _json(content: Document) -> Document:
    told = {kind: body for kind, body in content.items() if kind.endswith("json")}
    return told or content


def _plain(value: Any, *, names: bool = False) -> Any:
    """Without prose; where members have names of their own, none of them is prose."""
    if isinstance(value, dict):
        return {
            key: _plain(member, names=key == "properties" and not names)
            for key, member in value.items()
            if names or key not in PROSE
        }
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _referred(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = value.get("$ref", "")
        here = [own.removeprefix(REFERENCE)] if str(own).startswith(REFERENCE) else []
        return here + [name for member in value.values() for name in _referred(member)]
    return [name for one in value for name in _referred(one)] if isinstance(value, list) else []


def types() -> str:
    """The whole file.

    Raises:
        FileNotFoundError: the console's packages are not installed; `make console` does that.
    """
    api = FastAPI()
    add_routes(api)
    document = named_part(describe_31(api, "http://localhost"), sources())
    done = subprocess.run(
        [PROGRAM, "--default-non-nullable=false"],
        input=json.dumps(document),
        capture_output=True,
        text=True,
        check=True,
        cwd=CONSOLE,
        # Node.js comes with the Python environment.
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
    )
    return done.stdout


def audit_words() -> str:
    """The whole file of words, as the console's formatter leaves it."""
    lists = {"actions": ACTIONS, "kinds": KINDS}
    told = {
        name: {code: [label.zh, label.en] for code, label in sorted(words.items())}
        for name, words in lists.items()
    }
    wide = json.dumps(told, ensure_ascii=False, indent=2)
    return re.sub(r"\[\n +(.+)\n +(.+)\n +\]", r"[\1 \2]", wide) + "\n"


if __name__ == "__main__":
    TARGET.write_text(types(), "utf-8")
    AUDIT_WORDS.write_text(audit_words(), "utf-8")
