"""Routes that are given the request and nothing else."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response


class DirectRoute(APIRoute):
    """A route whose function is given the request and nothing else.

    Finding dependencies costs several times what answering a cached tile does. What the function
    takes is told by hand in the route's `openapi_extra`.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The function itself."""
        handler: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return handler


def parameter(name: str, place: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    """A parameter as OpenAPI describes it; those in the path are always needed."""
    schema = {"type": kind, **more}
    return {"name": name, "in": place, "required": place == "path", "schema": schema}
