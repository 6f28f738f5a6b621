"""The capabilities document: layers, formats, grids, and how each request is written."""

from collections.abc import Iterable
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from shanhai.vocabulary import Label, Lang
from shanhai_tiles.grids import TILE_SIZE
from shanhai_tiles.layers.catalogue import Layer, band_count
from shanhai_tiles.layers.documents import Links
from shanhai_tiles.layers.sources import attribution
from shanhai_tiles.wmts import requests
from shanhai_tiles.wmts.faults import OWS, VERSION, printable

PATH = "/wmts/1.0.0"
TILE = "{TileMatrixSet}/{TileMatrix}/{TileRow}/{TileCol}"
NAMESPACES = (
    'xmlns="http://www.opengis.net/wmts/1.0" '
    f'xmlns:ows="{OWS}" '
    'xmlns:xlink="http://www.w3.org/1999/xlink" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xsi:schemaLocation="http://www.opengis.net/wmts/1.0 '
    'http://schemas.opengis.net/wmts/1.0/wmtsGetCapabilities_response.xsd"'
)
SERVICE = Label("山海瓦片服务", "Shanhai tiles")
ABSTRACT = Label(
    "生态保护修复规划成果的栅格与矢量瓦片",
    "Raster and vector tiles of ecological restoration planning",
)
LEGEND = Label("图例为波段 1；其他波段加 band=N", "Legend of band 1; add band=N for another")
STAND_IN = Label("含替代数据，不得作为实测结果使用", "Rests on stand-in data")


def capabilities(layers: Iterable[Layer], links: Links, lang: Lang) -> str:
    """The document for the layers a caller may see."""
    offered: dict[str, requests.MatrixSet] = {}
    described = []
    for layer in layers:
        sets = requests.matrix_sets_over(layer.bounds)
        offered |= {one.id: one for one in sets}
        described.append(_layer(layer, sets, links, lang))
    grids = (one for name, one in requests.MATRIX_SETS.items() if name in offered)
    address = quoteattr(links.with_token(f"{links.base}{PATH}/WMTSCapabilities.xml?lang={lang}"))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Capabilities {NAMESPACES} version="{VERSION}">'
        f"{_service(lang)}{_operations(links, lang)}"
        f"<Contents>{''.join(described)}{''.join(_matrix_set(one, lang) for one in grids)}"
        f"</Contents><ServiceMetadataURL xlink:href={address}/></Capabilities>"
    )


def _service(lang: Lang) -> str:
    return (
        f"<ows:ServiceIdentification>{_named('ows:Title', SERVICE.in_(lang))}"
        f"{_named('ows:Abstract', ABSTRACT.in_(lang))}<ows:ServiceType>OGC WMTS</ows:ServiceType>"
        f"<ows:ServiceTypeVersion>{VERSION}</ows:ServiceTypeVersion>"
        "<ows:Fees>none</ows:Fees><ows:AccessConstraints>none</ows:AccessConstraints>"
        "</ows:ServiceIdentification>"
    )


def _operations(links: Links, lang: Lang) -> str:
    resources, asked = f"{links.base}{PATH}/", f"?lang={lang}"
    entries = (
        ("GetCapabilities", asked, links.with_token(f"{resources}WMTSCapabilities.xml{asked}")),
        ("GetTile", "", resources),
        ("GetFeatureInfo", asked, resources),
    )

    def pairs(query: str) -> str:
        # Clients append their pairs to the address, so one that has any ends with `&`.
        address = links.with_token(f"{links.base}/wmts{query}")
        return address + ("&" if "?" in address else "?")

    operations = (
        f'<ows:Operation name="{name}"><ows:DCP><ows:HTTP>{_get(pairs(query), "KVP")}'
        f"{_get(resource, 'RESTful')}</ows:HTTP></ows:DCP></ows:Operation>"
        for name, query, resource in entries
    )
    return f"<ows:OperationsMetadata>{''.join(operations)}</ows:OperationsMetadata>"


def _get(address: str, encoding: str) -> str:
    return (
        f'<ows:Get xlink:href={quoteattr(address)}><ows:Constraint name="GetEncoding">'
        f"<ows:AllowedValues><ows:Value>{encoding}</ows:Value></ows:AllowedValues>"
        "</ows:Constraint></ows:Get>"
    )


def _layer(layer: Layer, sets: list[requests.MatrixSet], links: Links, lang: Lang) -> str:
    west, south, east, north = layer.bounds
    formats = requests.drawn_formats(layer)
    set_links = "".join(
        f"<TileMatrixSetLink><TileMatrixSet>{one.id}</TileMatrixSet></TileMatrixSetLink>"
        for one in sets
    )
    return (
        f"<Layer>{_named('ows:Title', layer.title.in_(lang))}"
        f"{_named('ows:Abstract', _abstract(layer, lang))}"
        f"<ows:WGS84BoundingBox><ows:LowerCorner>{west!r} {south!r}</ows:LowerCorner>"
        f"<ows:UpperCorner>{east!r} {north!r}</ows:UpperCorner></ows:WGS84BoundingBox>"
        f"{_named('ows:Identifier', layer.name)}{_style(layer, links, lang)}"
        f"{''.join(_named('Format', one) for one in formats)}"
        f"{''.join(_named('InfoFormat', one) for one in requests.INFO_FORMATS)}"
        f"{_bands(layer)}{set_links}{_resources(layer, formats, links, lang)}</Layer>"
    )


def _abstract(layer: Layer, lang: Lang) -> str:
    """What must be said wherever the layer is shown: stand-ins, then credits."""
    parts = (STAND_IN.in_(lang) if layer.stand_in else "", attribution(layer.sources))
    return "; ".join(part for part in parts if part)


def _style(layer: Layer, links: Links, lang: Lang) -> str:
    legend = quoteattr(links.layer(layer, "/legend.png", lang=lang))
    told = _named("ows:Abstract", LEGEND.in_(lang)) if band_count(layer) > 1 else ""
    return (
        f'<Style isDefault="true">{told}<ows:Identifier>{requests.STYLE}</ows:Identifier>'
        f'<LegendURL format="image/png" xlink:href={legend}/></Style>'
    )


def _bands(layer: Layer) -> str:
    """A dimension, for rasters that have several bands."""
    count = band_count(layer)
    if count == 1:
        return ""
    values = "".join(f"<Value>{band}</Value>" for band in range(1, count + 1))
    return (
        f"<Dimension><ows:Identifier>band</ows:Identifier><Default>1</Default>{values}</Dimension>"
    )


def _resources(layer: Layer, formats: dict[str, str], links: Links, lang: Lang) -> str:
    base = f"{links.base}{PATH}/{quote(layer.name)}/{{Style}}/{TILE}"
    band = "?band={band}" if band_count(layer) > 1 else ""
    in_lang = f"{band}{'&' if band else '?'}lang={lang}"
    tiles = ((media_type, "tile", f".{suffix}{band}") for media_type, suffix in formats.items())
    infos = (
        (media_type, "FeatureInfo", f"/{{J}}/{{I}}.{suffix}{in_lang}")
        for media_type, suffix in requests.INFO_FORMATS.items()
    )
    return "".join(
        f'<ResourceURL format="{media_type}" resourceType="{kind}" '
        f"template={quoteattr(links.with_token(base + end))}/>"
        for media_type, kind, end in (*tiles, *infos)
    )


def _matrix_set(one: requests.MatrixSet, lang: Lang) -> str:
    scale_set = one.grid.scale_set
    known = (
        f"<WellKnownScaleSet>urn:ogc:def:wkss:OGC:1.0:{scale_set}</WellKnownScaleSet>"
        if scale_set and not one.shift and one.first == 0
        else ""
    )
    levels = "".join(_matrix(one, number) for number in range(one.first, one.last + 1))
    return (
        f"<TileMatrixSet>{_named('ows:Title', one.grid.title.in_(lang))}"
        f"{_named('ows:Identifier', one.id)}<ows:SupportedCRS>{_urn(one.grid.crs)}"
        f"</ows:SupportedCRS>{known}{levels}</TileMatrixSet>"
    )


def _matrix(one: requests.MatrixSet, number: int) -> str:
    zoom = number - one.shift
    columns, rows = one.grid.size_at(zoom)
    first, second = one.grid.corner
    return (
        f"<TileMatrix><ows:Identifier>{number}</ows:Identifier>"
        f"<ScaleDenominator>{one.grid.scale_at(zoom)!r}</ScaleDenominator>"
        f"<TopLeftCorner>{first!r} {second!r}</TopLeftCorner>"
        f"<TileWidth>{TILE_SIZE}</TileWidth><TileHeight>{TILE_SIZE}</TileHeight>"
        f"<MatrixWidth>{columns}</MatrixWidth><MatrixHeight>{rows}</MatrixHeight></TileMatrix>"
    )


def _urn(uri: str) -> str:
    """`…/def/crs/EPSG/0/4490` as `urn:ogc:def:crs:EPSG::4490`, which WMTS clients read."""
    authority, version, code = uri.rsplit("/", 3)[1:]
    return f"urn:ogc:def:crs:{authority}:{'' if version == '0' else version}:{code}"


def _named(element: str, text: str) -> str:
    return f"<{element}>{escape(printable(text))}</{element}>"
