"""Whether answers are what the definition of a service says they are."""

import re
from functools import cache
from typing import Any

import jsonschema_rs
import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

UNDECLARED = frozenset({"head", "options"})
"""Methods that every resource takes, and no definition names."""
REFERENCE = re.compile(r'"#/components/schemas/([^"]+)"')


class Declaration:
    """What a service says it answers.

    Args:
        definition: Its definition in OpenAPI 3.1.
        route: The class of the routes that are held to it.
        whole: Whether they are held to it in every status and media type, not in JSON alone.
    """

    def __init__(self, definition: dict[str, Any], route: type, *, whole: bool = False) -> None:
        self.definition = definition
        self.route = route
        self.whole = whole
        self.validator = cache(self._validator)

    def path_of(self, template: str, given: dict[str, Any]) -> str | None:
        """The path under which a route is declared: what serves all collections, by each of them.

        None of those that are not declared: other addresses of what is.
        """
        known = template.replace("{collection}", str(given.get("collection")))
        return next((path for path in (template, known) if path in self.definition["paths"]), None)

    def content(self, path: str, method: str, status: int) -> dict[str, Any] | None:
        """The media types of an answer of an operation; None where it is not declared."""
        operation = self.definition["paths"][path].get(method, {"responses": {}})
        answers = operation["responses"]
        answer = answers.get(str(status), answers.get("default") if status >= 400 else None)
        return None if answer is None else answer.get("content", {})

    def _validator(self, path: str, method: str, status: int, media_type: str) -> Any:
        content = self.content(path, method, status) or {}
        if media_type not in content:
            return None
        schema = content[media_type].get("schema", {})
        components = {"schemas": self._referred(schema)}
        return jsonschema_rs.Draft202012Validator({**schema, "components": components})

    def _referred(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The schemas one refers to, and what these do; with all there are it would take 20 MB."""
        known, found, waiting = self.definition["components"]["schemas"], {}, [schema]
        while waiting:
            for name in REFERENCE.findall(orjson.dumps(waiting.pop()).decode()):
                if name not in found:
                    found[name] = known[name]
                    waiting.append(known[name])
        return found


class AsDeclared:
    """Middleware that fails a test in which an endpoint answers what it does not declare."""

    def __init__(self, app: ASGIApp, declaration: Declaration) -> None:
        self.app = app
        self.declaration = declaration

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = Answer()
        method = scope["method"].lower()

        async def watched(message: Message) -> None:
            answer.take(message)
            await send(message)

        await self.app(scope, receive, watched)
        if isinstance(scope.get("route"), self.declaration.route) and method not in UNDECLARED:
            path = self.declaration.path_of(scope["route"].path_format, scope["path_params"])
            if path is not None:
                answer.check(self.declaration, path, method)


class Answer:
    """What was answered to a request."""

    def __init__(self) -> None:
        self.status, self.media_type, self.body = 0, "", b""

    def take(self, message: Message) -> None:
        """Note a part of it."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.media_type = dict(message["headers"]).get(b"content-type", b"").decode()
        elif self.media_type.partition(";")[0].endswith("json"):
            # A sequence of JSON texts is none.
            self.body += message.get("body", b"")

    def check(self, declaration: Declaration, path: str, method: str) -> None:
        """Compare it with what is declared; methods that are not offered have no declaration."""
        if self.status == 405:
            return
        if declaration.whole:
            self._check_kind(declaration, path, method)
        if not self.body or (self.status >= 400 and not declaration.whole):
            return
        declared = declaration.validator(path, method, self.status, self.media_type)
        assert declared is not None, f"{method} {path}: {self.status} is not declared"
        found = [
            f"{'/'.join(map(str, error.instance_path))}: {error.message}"
            for error in declared.iter_errors(orjson.loads(self.body))
        ]
        assert not found, f"{method} {path} does not answer as declared: {found}"

    def _check_kind(self, declaration: Declaration, path: str, method: str) -> None:
        """Compare the status and the media type."""
        content = declaration.content(path, method, self.status)
        assert content is not None, f"{method} {path}: {self.status} is not declared"
        known = {self.media_type, self.media_type.removesuffix("; charset=utf-8")}
        told = bool(known & content.keys()) if content else not self.media_type
        assert told, f"{method} {path}: {self.status} {self.media_type!r} is not declared"
