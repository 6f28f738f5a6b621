"""The peer of the tile service: rio-tiler behind the smallest application that serves its tiles.

It finds no layer in a database, caches nothing and names no version; a request for `/kept` answers
bytes it holds, as the floor of what is cached.
"""

import os
from pathlib import Path

from rio_tiler.io import Reader
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shanhai.cartography import ClassStyle, style_of
from shanhai_tiles.drawing import palette_of
from shanhai_tiles.grids import GRIDS

RASTERS = "BENCHMARK_RASTERS"
"""Names the folder of the rasters, one `{theme}.tif` each."""
KEPT_BYTES = 8_000


def create_app() -> Starlette:
    """The application, for the folder the environment names."""
    folder = Path(os.environ[RASTERS])

    def draw(request: Request) -> Response:
        asked = request.path_params
        theme = asked["theme"]
        style = style_of(theme)
        colors = dict(enumerate(map(tuple, palette_of(style).tolist())))
        with Reader(str(folder / f"{theme}.tif"), tms=GRIDS[asked["tms"]].tms) as source:
            image = source.tile(asked["x"], asked["y"], asked["z"])
        if not isinstance(style, ClassStyle):
            image.rescale(((style.low, style.high),), out_range=((1, 255),))
        return Response(image.render(img_format="PNG", colormap=colors), media_type="image/png")

    async def keep(request: Request) -> Response:
        return Response(KEPT, media_type="image/png")

    tile = "/{theme}/{tms}/{z:int}/{x:int}/{y:int}.png"
    return Starlette(routes=[Route("/kept", keep), Route(tile, draw)])


KEPT = bytes(KEPT_BYTES)
