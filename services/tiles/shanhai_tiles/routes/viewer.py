"""The viewer page of a layer."""

from pathlib import Path
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import Response

from shanhai_tiles.answers import answer
from shanhai_tiles.dependencies import CHOOSING, LangDep, LinksDep, SeenDep, accepts

router = APIRouter(default_response_class=Response)

STATIC = Path(__file__).parent.parent / "static"
MAPLIBRE = STATIC / "vendor" / "maplibre-gl.mjs"

_pages = Environment(
    loader=PackageLoader("shanhai_tiles"), autoescape=True, undefined=StrictUndefined
)


@router.get("/layers/{layer}/map", dependencies=[Depends(accepts(*CHOOSING))])
async def read_viewer(request: Request, seen: SeenDep, links: LinksDep, lang: LangDep) -> Response:
    """A page that shows the layer on a map, with its legend, and what lies under a click."""
    page = _pages.get_template("map.html").render(
        title=seen.layer.title.in_(lang),
        lang=lang,
        drawable=MAPLIBRE.is_file(),
    )
    headers = {"Content-Security-Policy": _policy(links.base), "Content-Language": lang}
    return answer(
        request, page.encode(), "text/html; charset=utf-8", private=seen.private, headers=headers
    )


def _policy(base: str) -> str:
    """Own files only, and tiles from the configured public address, maybe another host name."""
    parts = urlsplit(base)
    tiles = f"{parts.scheme}://{parts.netloc}"
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "worker-src 'self'",
            "style-src 'self'",
            f"img-src 'self' data: blob: {tiles}",
            f"connect-src 'self' {tiles}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
