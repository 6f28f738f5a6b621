"""Layers: the list, descriptions, TileJSON, styles, legends, values at a point."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field
from starlette.responses import Response

from shanhai.db.features.selection import Box
from shanhai.errors import InvalidInput
from shanhai.vocabulary import Lang
from shanhai_tiles import answers
from shanhai_tiles.dependencies import (
    LangDep,
    LinksDep,
    ReaderDep,
    SeenDep,
    Services,
    ServicesDep,
    accepts,
)
from shanhai_tiles.grids import WEB_MERCATOR, TileGrid, grid_named
from shanhai_tiles.layers.catalogue import SHOWN_BY_DEFAULT, Layer, RasterLayer, VectorLayer
from shanhai_tiles.layers.documents import (
    LayerList,
    LayerSummary,
    Links,
    RasterDescription,
    VectorDescription,
    description,
)
from shanhai_tiles.layers.identify import PointFeatures, PointValue, identify
from shanhai_tiles.layers.sources import attribution_html
from shanhai_tiles.raster.areas import box_of
from shanhai_tiles.request import parse_format, parse_rescale, require_band
from shanhai_tiles.styles.legend import (
    LayerLegend,
    Legend,
    LegendEntry,
    asks_for_classes,
    drawable_language,
    legend_of,
    png,
    read_classes,
    svg,
)
from shanhai_tiles.styles.map_styles import MapStyle, style_document
from shanhai_tiles.vector.collections import CHOOSING
from shanhai_tiles.vector.tiles import LABELS


class TileFields(answers.DocumentPart):
    """A layer within vector tiles, and what its features carry."""

    id: str
    fields: dict[str, str] = Field(description="Names and titles of properties")
    minzoom: int
    maxzoom: int


class TileJson(answers.DocumentPart):
    """TileJSON 3.0."""

    tilejson: Literal["3.0.0"] = "3.0.0"
    name: str
    description: str
    version: Literal["1.0.0"] = "1.0.0"
    attribution: str = Field(description="Short credits as HTML")
    scheme: Literal["xyz"] = "xyz"
    format: str
    tiles: list[str] = Field(description="Templates of addresses, naming the present version")
    minzoom: int
    maxzoom: int
    bounds: answers.Corners
    center: tuple[float, float, int] = Field(description="Longitude, latitude and zoom")
    legend: str = Field(description="Address of the legend")
    tile_matrix_set: answers.Maybe[str] = Field(None, description="The grid, if not web mercator")
    vector_layers: answers.Maybe[list[TileFields]] = None


def tilejson(
    layer: Layer, links: Links, grid: TileGrid, format_: str, lang: Lang, **query: str | None
) -> TileJson:
    """TileJSON 3.0; for a grid other than web mercator it says which."""
    west, south, east, north = layer.bounds
    maxzoom = grid.level_like(layer.maxzoom)
    return TileJson(
        name=layer.title.in_(lang),
        description=_description_line(layer, lang),
        attribution=attribution_html(layer.sources, links.layer(layer, "/map", lang=lang), lang),
        format=format_,
        tiles=[links.tiles(layer, grid, format_, **query)],
        minzoom=0,
        maxzoom=maxzoom,
        bounds=layer.bounds,
        center=((west + east) / 2, (south + north) / 2, min(maxzoom, grid.level_like(9))),
        legend=links.layer(layer, "/legend.png", lang=lang, **query),
        tile_matrix_set=None if grid is WEB_MERCATOR else grid.id,
        vector_layers=(
            _vector_layers(layer, maxzoom, lang) if isinstance(layer, VectorLayer) else None
        ),
    )


def _vector_layers(layer: VectorLayer, maxzoom: int, lang: Lang) -> list[TileFields]:
    parts = {layer.name: layer.collection.chosen_columns(layer.selection.properties)}
    if layer.collection.labelled:
        parts[layer.name + LABELS] = layer.collection.label_columns
    return [
        TileFields(
            id=name,
            fields={item.name: item.title.in_(lang) for item in columns},
            minzoom=0,
            maxzoom=maxzoom,
        )
        for name, columns in parts.items()
    ]


def _description_line(layer: Layer, lang: Lang) -> str:
    if not layer.stand_in:
        return layer.title.in_(lang)
    warning = "含替代数据，不得作为实测结果使用" if lang == "zh" else "rests on stand-in data"
    return f"{layer.title.in_(lang)} ({warning})"


router = APIRouter(tags=["layers"], route_class=answers.DocumentRoute)

Longitude = Annotated[float, Query(ge=-180, le=180, allow_inf_nan=False)]
Latitude = Annotated[float, Query(ge=-90, le=90, allow_inf_nan=False)]
Band = Annotated[int, Query(ge=1, le=10_000)]
plain = Depends(accepts(*CHOOSING))


def keyed_as(format_: str) -> Any:
    """The dependency of a legend in one format."""
    return Depends(accepts("bbox", "band", "rescale", "colormap", *CHOOSING, formats=format_))


@router.get("/layers", dependencies=[Depends(accepts())])
async def list_all(
    request: Request, services: ServicesDep, reader: ReaderDep, links: LinksDep, lang: LangDep
) -> answers.JsonAnswer[LayerList]:
    """Every layer the caller may see."""
    layers = await services.directory.all(reader.viewer)
    entries = [LayerSummary.of(layer, links, lang) for layer in layers if reader.may_see(layer)]
    private = reader.known or not reader.public_read
    return answers.answer_json(request, LayerList(layers=entries), lang=lang, private=private)


async def seen_classes(seen: SeenDep, services: ServicesDep) -> list[LegendEntry] | None:
    """The classes a legend lists; None for all that are declared."""
    return await _classes_in(seen.layer, services, None)


async def classes_in_box(
    seen: SeenDep,
    services: ServicesDep,
    bbox: Annotated[str | None, Query(max_length=200)] = None,
) -> list[LegendEntry] | None:
    """The same within `bbox`: west, south, east, north in degrees.

    Raises:
        InvalidInput: it is no box, or the layer has no features that could lie in it.
    """
    if bbox is None:
        return await _classes_in(seen.layer, services, None)
    box = Box(*box_of(bbox).bounds)
    if isinstance(seen.layer, RasterLayer):
        raise InvalidInput(
            "bbox chooses among the classes of features; this layer is a raster, whose legend is"
            " the same everywhere: /statistics tells which classes lie in a box",
            message_zh="bbox 用于筛选要素的类别；本图层为栅格，图例处处相同，"
            "区域内有哪些类别见 /statistics",
            pointer="bbox",
        )
    return await _classes_in(seen.layer, services, box)


async def _classes_in(
    layer: Layer, services: Services, box: Box | None
) -> list[LegendEntry] | None:
    if not asks_for_classes(layer, box):
        return None
    async with services.session() as session:
        return await read_classes(session, layer, box)


ClassesDep = Annotated[list[LegendEntry] | None, Depends(seen_classes)]
BoxedClassesDep = Annotated[list[LegendEntry] | None, Depends(classes_in_box)]


async def asked_legend(
    seen: SeenDep, classes: BoxedClassesDep, band: Band = 1, rescale: str | None = None
) -> Legend:
    """The legend of the classes, or of a ramp of one band.

    Raises:
        InvalidInput: the layer has no such band, or no ramp to rescale.
    """
    drawn = parse_rescale(seen.layer, rescale)
    require_band(seen.layer, band)
    if drawn is None and isinstance(seen.layer, RasterLayer):
        drawn = seen.layer.range_of(band)
    return legend_of(seen.layer, drawn, classes)


LegendDep = Annotated[Legend, Depends(asked_legend)]


@router.get("/layers/{layer}", dependencies=[plain])
async def read_layer(
    request: Request, seen: SeenDep, classes: ClassesDep, links: LinksDep, lang: LangDep
) -> answers.JsonAnswer[RasterDescription | VectorDescription]:
    """One layer: titles, extent, version, sources, legend."""
    document = description(seen.layer, links, lang, classes)
    return answers.answer_json(request, document, lang=lang, private=seen.private)


@router.get(
    "/layers/{layer}/tilejson.json",
    dependencies=[Depends(accepts("tms", "format", "band", "rescale", "colormap", *CHOOSING))],
)
async def read_tilejson(
    request: Request,
    seen: SeenDep,
    links: LinksDep,
    lang: LangDep,
    tms: str = WEB_MERCATOR.id,
    format_: Annotated[str | None, Query(alias="format")] = None,
    band: Band | None = None,
    rescale: str | None = None,
) -> answers.JsonAnswer[TileJson]:
    """TileJSON 3.0, whose tile addresses name the layer's present version."""
    grid = grid_named(tms)
    suffix = parse_format(seen.layer, format_ or SHOWN_BY_DEFAULT[seen.layer.kind])
    parse_rescale(seen.layer, rescale)
    require_band(seen.layer, band or 1)
    query = {
        "band": None if band is None else str(band),
        "rescale": rescale,
        "colormap": request.query_params.get("colormap"),
    }
    document = tilejson(seen.layer, links, grid, suffix, lang, **query)
    return answers.answer_json(request, document, lang=lang, private=seen.private)


@router.get("/layers/{layer}/style.json", dependencies=[plain])
async def read_style(
    request: Request, seen: SeenDep, classes: ClassesDep, links: LinksDep, lang: LangDep
) -> answers.JsonAnswer[MapStyle]:
    """A MapLibre style that draws the layer."""
    document = style_document(seen.layer, links, lang, classes)
    return answers.answer_json(request, document, lang=lang, private=seen.private)


@router.get("/layers/{layer}/legend.json", dependencies=[keyed_as("json")])
async def read_legend(
    request: Request, seen: SeenDep, legend: LegendDep, lang: LangDep
) -> answers.JsonAnswer[LayerLegend]:
    """What the colours mean, in both languages."""
    document = LayerLegend.of(legend, lang, layer=seen.layer.name)
    return answers.answer_json(request, document, lang=lang, private=seen.private)


@router.get(
    "/layers/{layer}/legend.svg",
    dependencies=[keyed_as("svg")],
    responses=answers.sends("image/svg+xml"),
)
async def read_legend_svg(
    request: Request, seen: SeenDep, legend: LegendDep, lang: LangDep
) -> Response:
    """The legend as SVG."""
    body = svg(legend, lang).encode()
    headers = {"Content-Language": lang}
    return answers.answer(request, body, "image/svg+xml", private=seen.private, headers=headers)


@router.get(
    "/layers/{layer}/legend.png",
    dependencies=[keyed_as("png")],
    responses=answers.sends("image/png"),
)
async def read_legend_png(
    request: Request,
    seen: SeenDep,
    services: ServicesDep,
    legend: LegendDep,
    lang: LangDep,
) -> Response:
    """The legend as PNG; in English where the machine has no Chinese font, and it says so."""
    body = await services.off_the_loop(png, legend, lang)
    headers = {"Content-Language": drawable_language(lang)}
    return answers.answer(request, body, "image/png", private=seen.private, headers=headers)


@router.get(
    "/layers/{layer}/point", dependencies=[Depends(accepts("lon", "lat", "band", *CHOOSING))]
)
async def identify_point(
    request: Request,
    seen: SeenDep,
    services: ServicesDep,
    lang: LangDep,
    lon: Longitude,
    lat: Latitude,
    band: Band = 1,
) -> answers.JsonAnswer[PointValue | PointFeatures]:
    """What the layer holds at a point: a value with its class, or the features there."""
    document = await identify(seen.layer, services, lon, lat, band)
    return answers.answer_json(request, document, lang=lang, private=seen.private)
