"""WMTS 1.0.0: capabilities, tiles and what lies under a pixel, asked for in either of two ways."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Annotated, Any
from xml.etree import ElementTree

import numpy as np
import orjson
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from shanhai.errors import NotFound
from shanhai.vocabulary import Lang
from shanhai_tiles.access import TileReader
from shanhai_tiles.answers import JSON, DocumentRoute, Responses, answer, sends
from shanhai_tiles.dependencies import (
    LangDep,
    LinksDep,
    ReaderDep,
    Services,
    ServicesDep,
    VisibleLayer,
    see_layer,
)
from shanhai_tiles.layers.catalogue import RASTER_FORMATS, VECTOR_FORMATS, Layer
from shanhai_tiles.layers.documents import Links
from shanhai_tiles.layers.identify import PointAnswer, PointFeatures, PointValue, identify
from shanhai_tiles.tile_responses import EMPTY, TileRequest, answer_tile
from shanhai_tiles.wmts import requests
from shanhai_tiles.wmts.capabilities import PATH, capabilities
from shanhai_tiles.wmts.faults import INVALID, VERSION, WmtsFault, printable

MEDIA_TYPES = {
    "json": "application/json",
    "html": "text/html; charset=utf-8",
    "xml": "text/xml",
}


def degrees_of(asked: TileRequest, column: int, row: int) -> tuple[float, float]:
    """Longitude and latitude of the centre of a pixel of a tile."""
    west, _, _, north = asked.bounds
    cell = asked.grid.cell_at(asked.zoom)
    x, y = west + (column + 0.5) * cell, north - (row + 0.5) * cell
    lon, lat = asked.grid.to_lonlat(np.array([x]), np.array([y]))
    return float(lon[0]), float(lat[0])


def tell(found: PointAnswer, layer: Layer, suffix: str, lang: Lang) -> bytes:
    """The document in one of the formats."""
    document = found.as_json()
    if suffix == "json":
        return orjson.dumps(document)
    return (_page if suffix == "html" else _xml)(document, layer.title.in_(lang), lang)


def _page(found: dict[str, Any], title: str, lang: Lang) -> bytes:
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in _flat(found)
    )
    return (
        f'<!doctype html><html lang="{lang}"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<table><caption>{escape(title)}</caption>{rows}</table></html>"
    ).encode()


def _xml(found: dict[str, Any], title: str, lang: Lang) -> bytes:
    root = ElementTree.Element("FeatureInfo", {"title": printable(title), "xml:lang": lang})
    for name, value in found.items():
        _append(root, name, value)
    written: bytes = ElementTree.tostring(root, "UTF-8", xml_declaration=True)
    return written


def _append(parent: ElementTree.Element, name: str, value: Any) -> None:
    """One element; a list is its element again and again."""
    if isinstance(value, list):
        for one in value:
            _append(parent, name, one)
        return
    element = ElementTree.SubElement(parent, name)
    if isinstance(value, dict):
        for inner, one in value.items():
            _append(element, inner, one)
    else:
        element.text = printable(_text(value))


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Names and texts of a document's leaves, such as `class.code`."""
    if isinstance(value, dict):
        for inner, one in value.items():
            yield from _flat(one, f"{name}.{inner}" if name else inner)
    elif isinstance(value, list):
        for number, one in enumerate(value, start=1):
            yield from _flat(one, f"{name} {number}")
    else:
        yield name, _text(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


router = APIRouter(tags=["wmts"], route_class=DocumentRoute)

OPERATIONS = ("GetCapabilities", "GetTile", "GetFeatureInfo")
KEYS = (
    *("SERVICE", "REQUEST", "VERSION", "LAYER", "STYLE", "FORMAT", "TILEMATRIXSET", "TILEMATRIX"),
    *("TILEROW", "TILECOL", "INFOFORMAT", "I", "J", "band"),
)
CLOSED = {"SERVICE": ["WMTS"], "REQUEST": [*OPERATIONS]}
DESCRIBED: dict[str, Any] = {
    "parameters": [
        {
            "name": name,
            "in": "query",
            "required": name in {"SERVICE", "REQUEST"},
            "schema": {"type": "string"} | ({"enum": CLOSED[name]} if name in CLOSED else {}),
        }
        for name in KEYS
    ]
}
TILES = tuple(dict.fromkeys((*RASTER_FORMATS.values(), *VECTOR_FORMATS.values())))
CAPABILITIES = "application/xml"


def _told(*media_types: str) -> Responses:
    """What a route declares that tells what lies under a pixel, and may send something else."""
    found = sends(*media_types, *(one for one in requests.INFO_FORMATS if one != JSON))
    return {200: {**found[200], "model": PointValue | PointFeatures}}


ADDRESS = f"{PATH}/{{layer}}/{{style}}/{{matrix_set}}/{{matrix}}/{{row}}"
PlaceDep = Annotated[requests.PixelPosition, Depends()]


@dataclass(frozen=True, slots=True)
class WmtsCall:
    """A request with what answering it takes."""

    request: Request
    services: Services
    lang: Lang

    async def see(self, name: str, *, to_draw: bool = False) -> VisibleLayer:
        """The layer of this name; with `to_draw` as far as drawing a tile needs it.

        Raises:
            WmtsFault: there is none for this caller.
        """
        try:
            return await see_layer(self.request, self.services, name, {}, to_draw=to_draw)
        except NotFound as error:
            raise WmtsFault(INVALID, "Layer", error.message, error.message_zh) from error

    async def info(
        self, seen: VisibleLayer, asked: TileRequest, at: tuple[int, int], suffix: str
    ) -> Response:
        """What the layer holds under a pixel of a tile."""
        lon, lat = degrees_of(asked, *at)
        found = await identify(seen.layer, self.services, lon, lat, asked.band)
        return answer(
            self.request,
            tell(found, seen.layer, suffix, self.lang),
            MEDIA_TYPES[suffix],
            private=seen.private,
            headers={"Content-Language": self.lang},
        )


@router.get(
    "/wmts",
    openapi_extra=DESCRIBED,
    operation_id="wmts.keyValuePairs",
    responses=_told(CAPABILITIES, *TILES) | EMPTY,
)
async def answer_pairs(
    request: Request, services: ServicesDep, reader: ReaderDep, links: LinksDep, lang: LangDep
) -> Response:
    """GetCapabilities, GetTile or GetFeatureInfo by key-value pairs, keys in any case."""
    pairs = requests.Pairs(request.query_params)
    pairs.one_of("Service", "WMTS")
    operation = pairs.required("Request")
    call = WmtsCall(request, services, lang)
    if operation.lower() == "getcapabilities":
        _agree_on_version(pairs.optional("AcceptVersions", VERSION))
        return await _capabilities(call, reader, links)
    if operation.lower() not in {one.lower() for one in OPERATIONS}:
        known = ", ".join(OPERATIONS)
        raise WmtsFault(
            "OperationNotSupported",
            "Request",
            f"Request is {operation[:40]!r}; there are {known}",
            f"Request 为 {operation[:40]!r}；可用：{known}",
        )
    pairs.one_of("Version", VERSION)
    return await _tile_or_info(call, pairs, info=operation.lower() == "getfeatureinfo")


async def _tile_or_info(call: WmtsCall, pairs: requests.Pairs, *, info: bool) -> Response:
    seen = await call.see(pairs.required("Layer"), to_draw=not info)
    suffix = requests.suffix_of(seen.layer, pairs.required("Format"))
    asked = requests.read_tile(seen.layer, pairs.place, suffix)
    if not info:
        return await answer_tile(call.request, seen, call.services, asked)
    at = requests.read_pixel(pairs.required("I"), pairs.required("J"))
    return await call.info(seen, asked, at, requests.info_suffix(pairs.required("InfoFormat")))


def _agree_on_version(accepted: str) -> None:
    if VERSION not in {version.strip() for version in accepted.split(",")}:
        raise WmtsFault(
            "VersionNegotiationFailed",
            "AcceptVersions",
            f"AcceptVersions is {accepted[:40]!r}; this service speaks {VERSION}",
            f"AcceptVersions 为 {accepted[:40]!r}；本服务支持 {VERSION}",
        )


async def _capabilities(call: WmtsCall, reader: TileReader, links: Links) -> Response:
    layers = await call.services.directory.all(reader.viewer)
    body = capabilities([one for one in layers if reader.may_see(one)], links, call.lang)
    return answer(
        call.request,
        body.encode(),
        CAPABILITIES,
        private=reader.known or not reader.public_read,
        headers={"Content-Language": call.lang},
    )


@router.get(
    f"{PATH}/WMTSCapabilities.xml",
    operation_id="wmts.getCapabilities",
    responses=sends(CAPABILITIES),
)
async def read_capabilities(
    request: Request, services: ServicesDep, reader: ReaderDep, links: LinksDep, lang: LangDep
) -> Response:
    """The capabilities document."""
    return await _capabilities(WmtsCall(request, services, lang), reader, links)


@router.get(
    f"{ADDRESS}/{{column}}.{{suffix}}",
    operation_id="wmts.getTile",
    responses=sends(*TILES) | EMPTY,
)
async def read_resource_tile(
    request: Request,
    services: ServicesDep,
    lang: LangDep,
    layer: str,
    place: PlaceDep,
    suffix: str,
) -> Response:
    """A tile by its address."""
    seen = await WmtsCall(request, services, lang).see(layer, to_draw=True)
    asked = requests.read_tile(seen.layer, place, requests.known_suffix(seen.layer, suffix))
    return await answer_tile(request, seen, services, asked)


@router.get(
    f"{ADDRESS}/{{column}}/{{j}}/{{i}}.{{suffix}}",
    operation_id="wmts.getFeatureInfo",
    responses=_told(),
)
async def read_resource_info(
    request: Request,
    services: ServicesDep,
    lang: LangDep,
    layer: str,
    place: PlaceDep,
    j: str,
    i: str,
    suffix: str,
) -> Response:
    """What lies under a pixel of a tile, by its address."""
    call = WmtsCall(request, services, lang)
    seen = await call.see(layer)
    asked = requests.read_tile(seen.layer, place, "")
    media_types = {"json": "application/json", "html": "text/html", "xml": "text/xml"}
    told = requests.info_suffix(media_types.get(suffix, suffix))
    return await call.info(seen, asked, requests.read_pixel(i, j), told)
