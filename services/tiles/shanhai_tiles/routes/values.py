"""The values of rasters: statistics over an area, clips, previews."""

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Query, Request
from shapely.geometry.base import BaseGeometry
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response

from shanhai.cartography import ClassStyle
from shanhai.errors import NotFound
from shanhai_tiles.answers import DocumentRoute, Freshness, JsonAnswer, answer_json, etag_of, sends
from shanhai_tiles.dependencies import LangDep, SeenDep, Services, ServicesDep, accepts
from shanhai_tiles.layers.catalogue import RasterLayer
from shanhai_tiles.layers.sources import attribution, stand_in_notes
from shanhai_tiles.raster.area_statistics import (
    MOST_VALUES,
    ClassStatistics,
    QuantityStatistics,
    class_areas,
    clip_raster,
    quantity_figures,
)
from shanhai_tiles.raster.areas import MOST_BYTES, MOST_CELLS, MOST_VERTICES, box_of, read_area
from shanhai_tiles.request import parse_rescale, source_of
from shanhai_tiles.tile_responses import MOST_PIXELS, draw_preview

router = APIRouter(tags=["values"], route_class=DocumentRoute)

Band = Annotated[int, Query(ge=1, le=10_000)]
Result = TypeVar("Result")
GEOTIFF = "image/tiff; application=geotiff"


def _shape(type_: str, coordinates: dict[str, Any]) -> dict[str, Any]:
    """A geometry of GeoJSON."""
    members = {"type": {"type": "string", "enum": [type_]}, "coordinates": coordinates}
    return {"type": "object", "required": [*members], "properties": members}


def _several(least: int, items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "minItems": least, "items": items}


RINGS = _several(1, _several(4, _several(2, {"type": "number"})))
SHAPES = [_shape("Polygon", RINGS), _shape("MultiPolygon", _several(1, RINGS))]
FEATURE = {
    "type": "object",
    "required": ["type", "geometry"],
    "properties": {
        "type": {"type": "string", "enum": ["Feature"]},
        "geometry": {"anyOf": SHAPES},
    },
}
AREA: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": (
            "A GeoJSON Polygon, MultiPolygon or Feature of one, in longitude and latitude: at most"
            f" {MOST_BYTES} bytes and {MOST_VERTICES} vertices; its box may have {MOST_CELLS} cells"
        ),
        "content": {"application/geo+json": {"schema": {"anyOf": [*SHAPES, FEATURE]}}},
    }
}
FILE = sends(
    GEOTIFF, description=f"A GeoTIFF on the layer's own cells, of at most {MOST_VALUES} values"
)
PICTURE = sends("image/png", description="A PNG; transparent where the layer has no value")
Statistics = ClassStatistics | QuantityStatistics


def raster_of(seen: SeenDep) -> RasterLayer:
    """The layer named in the path, which must be a raster.

    Raises:
        NotFound: it holds features.
    """
    if not isinstance(seen.layer, RasterLayer):
        raise NotFound(
            f"layer {seen.layer.name} holds features; only rasters have values to reckon with",
            message_zh=f"图层 {seen.layer.name} 是矢量图层；只有栅格图层才有像元值",
        )
    return seen.layer


RasterDep = Annotated[RasterLayer, Depends(raster_of)]


@router.get(
    "/layers/{layer}/statistics",
    dependencies=[Depends(accepts("bbox", "band"))],
)
async def read_statistics(
    request: Request,
    seen: SeenDep,
    layer: RasterDep,
    services: ServicesDep,
    lang: LangDep,
    bbox: Annotated[str | None, Query(max_length=200)] = None,
    band: Band = 1,
) -> JsonAnswer[Statistics]:
    """What the layer holds as a whole, or within `bbox`: west, south, east, north in degrees."""
    area = None if bbox is None else box_of(bbox)
    document = await _figures(services, layer, band, area)
    return answer_json(request, document, lang=lang, private=seen.private)


@router.post(
    "/layers/{layer}/statistics",
    dependencies=[Depends(accepts("band"))],
    openapi_extra=AREA,
)
async def reckon_statistics(
    request: Request,
    seen: SeenDep,
    layer: RasterDep,
    services: ServicesDep,
    lang: LangDep,
    band: Band = 1,
) -> JsonAnswer[Statistics]:
    """What the layer holds within an area."""
    document = await _figures(services, layer, band, await read_area(request))
    return answer_json(request, document, lang=lang, private=seen.private)


async def _figures(
    services: Services, layer: RasterLayer, band: int, area: BaseGeometry | None
) -> Statistics:
    source, style = source_of(layer, services.artifacts), layer.style
    common = {
        "layer": layer.name,
        "version": layer.version,
        "band": band,
        "unit": layer.unit,
        "stand_in": layer.stand_in,
        "stand_in_notes": stand_in_notes(layer.sources),
    }

    def reckon() -> Statistics:
        if isinstance(style, ClassStyle):
            classes = class_areas(services.rasters, source, band, area, style)
            return ClassStatistics(**common, **dict(classes))
        quantity = quantity_figures(services.rasters, source, band, area)
        return QuantityStatistics(**common, **dict(quantity))

    return await _analysed(services, reckon)


@router.post(
    "/layers/{layer}/clip",
    dependencies=[Depends(accepts("band", formats="tif"))],
    openapi_extra=AREA,
    responses=FILE,
)
async def clip(
    request: Request,
    seen: SeenDep,
    layer: RasterDep,
    services: ServicesDep,
    band: Annotated[int | None, Query(ge=1, le=10_000)] = None,
) -> Response:
    """The layer's cells within an area as a GeoTIFF, all bands or one.

    Without identity not those of a dataset that states no licence, as its file is not given.
    """
    private = seen.with_cells().private
    area = await read_area(request)
    source = source_of(layer, services.artifacts)
    target = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="shanhai-clip-")) / "clip.tif"
    tags = {
        "SHANHAI_LAYER": layer.name,
        "SHANHAI_VERSION": layer.version,
        "SHANHAI_STAND_IN": "true" if layer.stand_in else "false",
        "TIFFTAG_COPYRIGHT": attribution(layer.sources),
    }

    def write() -> None:
        clip_raster(services.rasters, source, area, target, band=band, tags=tags)

    try:
        await _analysed(services, write)
    except BaseException:
        _remove(target)
        raise
    return FileResponse(
        target,
        media_type=GEOTIFF,
        filename=f"{layer.name}.tif",
        headers={"Cache-Control": "no-store" if private else "no-cache"},
        background=BackgroundTask(_remove, target),
    )


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.parent.rmdir()


@router.get(
    "/layers/{layer}/preview.png",
    dependencies=[Depends(accepts("size", "band", "rescale", "colormap", formats="png"))],
    responses=PICTURE,
)
async def read_preview(
    request: Request,
    seen: SeenDep,
    layer: RasterDep,
    services: ServicesDep,
    size: Annotated[int, Query(ge=16, le=MOST_PIXELS)] = 512,
    band: Band = 1,
    rescale: str | None = None,
) -> Response:
    """A picture of the whole layer on its own cells, its longer side `size` pixels at most."""
    drawn = parse_rescale(layer, rescale) or layer.range_of(band)
    tag = etag_of(layer.name, layer.version, layer.style, drawn, "preview", size, band)
    freshness = Freshness(tag, private=seen.private)
    headers = {**freshness.headers, "Vary": "Authorization, Cookie"}
    if freshness.holds_for(request):
        return Response(status_code=304, headers=headers)
    source = source_of(layer, services.artifacts)
    body = await services.off_the_loop(
        draw_preview, services.rasters, source, band, layer.style, drawn, size
    )
    return Response(body, headers=headers, media_type="image/png")


async def _analysed(services: Services, work: Callable[[], Result]) -> Result:
    """Do what may take seconds where tiles need not wait for it."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(services.analysts, work)
