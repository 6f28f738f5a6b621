"""Whether answers are what the definition of the API says they are."""

from functools import lru_cache
from typing import Any

import jsonschema_rs
import orjson
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shanhai_api.app import add_routes
from shanhai_api.kit.routing import Route
from shanhai_api.openapi import describe_31


class AsDeclared:
    """Middleware that fails a test in which an endpoint answers what it does not declare."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = Answer()

        async def watched(message: Message) -> None:
            answer.take(message)
            await send(message)

        await self.app(scope, receive, watched)
        if isinstance(scope.get("route"), Route) and answer.body and scope["method"] != "HEAD":
            answer.check(scope["route"].path_format, scope["method"].lower())


class Answer:
    """What was answered to a request."""

    def __init__(self) -> None:
        self.status, self.media_type, self.body = 0, "", b""

    def take(self, message: Message) -> None:
        """Note a part of it."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.media_type = dict(message["headers"]).get(b"content-type", b"").decode()
        elif "json" in self.media_type:
            self.body += message.get("body", b"")

    def check(self, path: str, method: str) -> None:
        """Compare it with what is declared."""
        declared = validator(path, method, str(self.status), self.media_type)
        if declared is None:
            assert self.status >= 400, f"{method} {path}: {self.status} is not declared"
            return
        found = [
            f"{'/'.join(map(str, error.instance_path))}: {error.message}"
            for error in declared.iter_errors(orjson.loads(self.body))
        ]
        assert not found, f"{method} {path} does not answer as declared: {found}"


@lru_cache
def definition() -> dict[str, Any]:
    """The definition of the API."""
    app = FastAPI()
    add_routes(app)
    return describe_31(app, "http://api.test")


@lru_cache
def validator(path: str, method: str, status: str, media_type: str) -> Any:
    """What checks an answer of an operation; None where none of the kind is declared."""
    operation = definition()["paths"][path].get(method, {"responses": {}})
    content = operation["responses"].get(status, {}).get("content", {})
    if not status.startswith("2") or media_type not in content:
        return None
    schema = content[media_type].get("schema", {})
    components = definition()["components"]
    return jsonschema_rs.Draft202012Validator({**schema, "components": components})
