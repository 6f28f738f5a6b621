"""The short way to tiles, ahead of all routes."""

from fastapi import Request
from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from shanhai_tiles.errors import tell
from shanhai_tiles.routes.tiles import PATH, read_layer_tile, router

_TILE = compile_path(PATH)[0]


class Shortcut:
    """ASGI middleware that hands requests for tiles to the function of their route.

    The layers around a router, and its look at each route, take longer than a tile that is kept.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        (self.route,) = router.routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer for a tile, and pass on everything else."""
        plain = scope["type"] == "http" and scope["method"] == "GET" and not scope.get("root_path")
        found = _TILE.match(scope["path"]) if plain else None
        if found is None:
            await self.app(scope, receive, send)
            return
        scope["path_params"], scope["route"] = found.groupdict(), self.route
        request = Request(scope, receive)
        try:
            answer = await read_layer_tile(request)
        except Exception as error:
            answer = await tell(request, error)
        await answer(scope, receive, send)
