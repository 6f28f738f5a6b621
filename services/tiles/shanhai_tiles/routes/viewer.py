"""The viewer page of a layer."""

from pathlib import Path

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from shanhai_tiles.answers import DocumentRoute, sends
from shanhai_tiles.dependencies import LangDep, SeenDep, accepts
from shanhai_tiles.http_cache import answer
from shanhai_tiles.pages import HTML, PAGES
from shanhai_tiles.vector.collections import CHOOSING

router = APIRouter(tags=["layers"], route_class=DocumentRoute)

STATIC = Path(__file__).parent.parent / "static"
COMPARED = "with"
PAGE = {"content": {"text/html": {"schema": {"type": "string"}}}}
"""Errors, for a browser."""
MAPLIBRE = STATIC / "vendor" / "maplibre-gl.mjs"


@router.get(
    "/layers/{layer}/map",
    dependencies=[Depends(accepts(COMPARED, *CHOOSING, formats="html"))],
    responses=sends("text/html") | {"default": PAGE},
)
async def read_viewer(request: Request, seen: SeenDep, lang: LangDep) -> Response:
    """A page that shows the layer on a map, with its legend, and what lies under a click.

    The page itself reads `with`: another layer to look at beside this one, such as
    `ratio.xiamen` or, with what is chosen of it, `zones?scheme=…`.
    """
    page = PAGES.get_template("map.html").render(
        title=seen.layer.title.in_(lang),
        lang=lang,
        drawable=MAPLIBRE.is_file(),
    )
    headers = {"Content-Language": lang}
    return answer(request, page.encode(), HTML, private=seen.private, headers=headers)
