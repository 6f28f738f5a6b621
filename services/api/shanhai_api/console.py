"""`/console`: the planner's console, a program in the browser that asks the services alone."""

from functools import cache
from pathlib import Path as FilePath
from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import HTMLResponse
from pydantic import ConfigDict
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shanhai.cors import origin_of
from shanhai_api.kit.dependencies import PageQuery, TheView
from shanhai_api.kit.pages import ASSETS, render
from shanhai_api.kit.routing import Route
from shanhai_api.kit.state import state_of
from shanhai_api.kit.view import HTML

FOLDER = "console"
BUILT = FilePath(__file__).parent / "static" / FOLDER
ENTRY = "main.tsx"
SCREEN = "^[a-z-]+$"

router = APIRouter(tags=["service"], route_class=Route, default_response_class=HTMLResponse)


class ScreenQuery(PageQuery):
    """What a screen is to show is for the screen to read, whatever it is."""

    model_config = ConfigDict(extra="allow")


@cache
def entry() -> tuple[str, tuple[str, ...]] | None:
    """The script that starts the console, and its styles, in the static folder; None unbuilt."""
    # A build that came after the start is served by the next one.
    if f"{FOLDER}/manifest.json" not in ASSETS:
        return None
    manifest = BUILT / "manifest.json"
    chunk = orjson.loads(manifest.read_bytes())[ENTRY]
    return f"{FOLDER}/{chunk['file']}", tuple(f"{FOLDER}/{name}" for name in chunk.get("css", ()))


def policy(tiles: str) -> str:
    """What the console's page may load: scripts and styles of its own, and what is asked of tiles.

    The map library makes pictures of its own data, `blob:`, and the console keeps no others.
    """
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; worker-src 'self';"
        f" img-src 'self' data: blob: {tiles}; connect-src 'self' {tiles};"
        " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


class WithPolicy:
    """ASGI application: static files with the console's policy, by which its map's worker lives."""

    def __init__(self, app: ASGIApp, tiles: str) -> None:
        self.app = app
        self._policy = (b"content-security-policy", policy(origin_of(tiles)).encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a file: a worker asks for tiles under the policy of its own script."""

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], self._policy]
            await send(message)

        await self.app(scope, receive, told)


@router.get("/console/", include_in_schema=False)
@router.get("/console", summary="The planner's console")
async def open_console(view: TheView, query: Annotated[ScreenQuery, Query()]) -> Response:
    """Open the console at home."""
    return _page(view)


@router.get("/console/{screen}", summary="A screen of the console")
async def open_screen(
    view: TheView,
    screen: Annotated[str, Path(pattern=SCREEN, max_length=40, description="Name of the screen")],
    query: Annotated[ScreenQuery, Query()],
) -> Response:
    """Open the console at one of its screens."""
    return _page(view)


def _page(view: TheView) -> Response:
    public = state_of(view.request).configuration.public
    return view.send(
        render("console.html", view.page_context({}, {"entry": entry(), "public": public})),
        HTML.media_type,
        headers={"Content-Security-Policy": policy(origin_of(public.tiles_url))},
    )
