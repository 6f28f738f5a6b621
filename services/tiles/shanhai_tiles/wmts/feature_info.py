"""What lies under a pixel, as JSON, as a page, as XML: the same document in each."""

from collections.abc import Iterator
from html import escape
from typing import Any
from xml.etree import ElementTree

import numpy as np
import orjson

from shanhai.vocabulary import Lang
from shanhai_tiles.layers.catalogue import Layer
from shanhai_tiles.layers.identify import PointAnswer
from shanhai_tiles.tile_responses import TileRequest
from shanhai_tiles.wmts.faults import printable

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
