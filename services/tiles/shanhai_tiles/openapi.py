"""The service's OpenAPI document, saying of errors what the service does."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from shanhai.openapi import downgrade

PROBLEM: dict[str, Any] = {
    "description": "Problem document (RFC 9457)",
    "content": {
        "application/problem+json": {
            "schema": {
                "type": "object",
                "required": ["type", "title", "status", "detail"],
                "properties": {
                    "type": {"type": "string"},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "detail": {"type": "string"},
                    "instance": {"type": "string"},
                    "errors": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {
                                "pointer": {"type": "string"},
                                "detail": {"type": "string"},
                            },
                        },
                    },
                },
            }
        }
    },
}


def describe_30(app: FastAPI) -> dict[str, Any]:
    """The definition as OpenAPI 3.0, which OGC API names."""
    document: dict[str, Any] = downgrade(describe_31(app))
    return {**document, "openapi": "3.0.3"}


def describe_31(app: FastAPI) -> dict[str, Any]:
    """OpenAPI 3.1; invalid parameters are answered with 400 and never with FastAPI's own 422."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, routes=app.routes)
        for path in document["paths"].values():
            for operation in path.values():
                operation["responses"].pop("422", None)
                operation["responses"]["default"] = PROBLEM
        unused = ("HTTPValidationError", "ValidationError")
        schemas = document.get("components", {}).get("schemas", {})
        for name in unused:
            schemas.pop(name, None)
        app.openapi_schema = document
    return app.openapi_schema
