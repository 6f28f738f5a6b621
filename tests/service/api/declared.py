"""What the API says it answers."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from shanhai_api.app import add_routes
from shanhai_api.openapi import describe_31
from tests.support.declared import Declaration


@cache
def declaration() -> Declaration:
    """The declaration of the API."""
    return Declaration(describe_31(_routed(), "http://api.test"), APIRoute)


@cache
def served_paths() -> Mapping[str, Any]:
    """The operations by the paths of the routes, one for all collections."""
    routes = _routed().state.routes
    paths: Mapping[str, Any] = get_openapi(title="", version="", routes=routes)["paths"]
    # Without any, a walk over all of them would find nothing wrong.
    assert len(paths) > 200
    return paths


def _routed() -> FastAPI:
    app = FastAPI()
    add_routes(app)
    return app
