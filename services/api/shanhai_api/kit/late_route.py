"""Routes that find out what their endpoints take when first asked, and a table to find them in."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from threading import RLock
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match, compile_path
from starlette.types import Receive, Scope, Send

_BUILDING = RLock()
"""The definition of the API may be made in a thread while requests are answered."""


class LateRoute(APIRoute):
    """A route of which only address and methods are known until it is asked or described.

    To find out about the dependencies, the query and the models of all routes takes seconds, and
    half of those of a start; of one route it takes milliseconds.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        self.path = path
        self.endpoint = endpoint
        self.name = options["name"] or endpoint.__name__
        self.methods = {method.upper() for method in options["methods"] or ("GET",)}
        self.path_regex, self.path_format, self.param_convertors = compile_path(path)
        self._options: dict[str, Any] | None = options

    def build(self, options: dict[str, Any]) -> None:
        """Find out everything else."""
        super().__init__(self.path, self.endpoint, **options)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        with _BUILDING:
            # Taken away first: an attribute that is missing while it is built is missing.
            options = self.__dict__.get("_options")
            self._options = None
            if options is not None:
                self.build(options)
        return super().__getattribute__(name)


class DirectRoute(LateRoute):
    """A route whose function is given the request and nothing else.

    Finding dependencies costs several times what such a function does; the definition of what it
    takes is made from the declared entities.
    """

    def build(self, options: dict[str, Any]) -> None:
        """Answer by the function itself."""
        super().build(options)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            answer: Response = await self.endpoint(Request(scope, receive))
            await answer(scope, receive, send)

        self.app = app


class RouteTable(BaseRoute):
    """Routes, found by the first name of their address.

    To try several hundred one after another takes longer than most of what they answer.
    """

    def __init__(self, routes: Iterable[APIRoute]) -> None:
        self._named: defaultdict[str, list[APIRoute]] = defaultdict(list)
        for route in routes:
            self._named[route.path[1:].partition("/")[0]].append(route)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """The first route for the address and method, else the first for the address."""
        best: tuple[Match, Scope] = Match.NONE, {}
        path = scope["path"].removeprefix(f"{scope.get('root_path', '')}/").lstrip("/")
        for route in self._named.get(path.partition("/")[0], ()):
            found = route.matches(scope)
            if found[0] is Match.FULL:
                return found
            best = max(best, found, key=lambda match: match[0].value)
        return best

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by the route that was found."""
        await scope["route"].handle(scope, receive, send)
