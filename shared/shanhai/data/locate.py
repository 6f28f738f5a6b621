"""Finds the files of a source that touch a box."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any
from urllib.parse import quote, urljoin, urlsplit
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pyproj

from shanhai.data.regions import Box
from shanhai.data.sources import (
    Address,
    BestItems,
    Catalogue,
    DegreeGrid,
    Listing,
    MetreGrid,
    OpenSources,
    Source,
    StacSearch,
    VrtIndex,
)
from shanhai.data.upstream import RemoteFile, Upstream
from shanhai.errors import NotFound, Unavailable

_PAGE_ITEMS = 100
_MOST_PAGES = 50


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file, with the scale and offset that its own description states."""

    file: RemoteFile
    scale: float | None = None
    offset: float | None = None


@dataclass(frozen=True, slots=True)
class FoundItem:
    """Files of one place and time, by input."""

    name: str
    moment: str
    files: Mapping[str, FoundFile]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for.

    Attributes:
        box: West, south, east, north, WGS 84 degrees.
        year: Year of the product; None for one without years.
        country: ISO 3166-1 alpha-3 code, for products by country.
    """

    box: Box
    year: int | None
    country: str = "CHN"


def find_items(
    upstream: Upstream, sources: OpenSources, source: Source, wanted: Wanted
) -> list[FoundItem]:
    """The items of a source in a box, newest first.

    Raises:
        NotFound: there is none.
        InvalidInput: a file lies on a host that is not allowed.
        Unavailable: a publisher does not answer as expected.
    """
    find = source.find
    if isinstance(find, StacSearch):
        found = _by_search(upstream, sources.catalogues[find.catalogue], find, source, wanted)
    elif isinstance(find, Address):
        found = _by_address(find, source, wanted)
    elif isinstance(find, Listing):
        found = _by_listing(upstream, find, source, wanted)
    else:
        found = _by_index(upstream, find, source, wanted)
    items = sorted(found, key=lambda item: (item.moment, item.name), reverse=True)
    if not items:
        raise NotFound(f"{source.code} has nothing in the box {wanted.box}")
    return items


# ------------------------------------------------------------------------------------ addresses


def _by_address(find: Address, source: Source, wanted: Wanted) -> Iterator[FoundItem]:
    for name in _tiles(find, wanted):
        files = {
            key: FoundFile(
                RemoteFile(
                    find.url.format(
                        input=text,
                        name=name,
                        version=find.versions.get(key, find.version),
                        **_words(wanted),
                    ),
                    member=None if find.member is None else find.member.format(name=name),
                    absent=frozenset(find.absent),
                    whole=find.whole,
                )
            )
            for key, text in source.named_inputs.items()
        }
        yield FoundItem(name or source.code, "" if wanted.year is None else f"{wanted.year}", files)


def _words(wanted: Wanted) -> dict[str, Any]:
    return {
        "year": wanted.year,
        "country": wanted.country,
        "country_lower": wanted.country.lower(),
    }


def _tiles(find: Address, wanted: Wanted) -> Iterator[str]:
    """Names of the tiles of the box; one empty name where there are no tiles."""
    if find.grid is None:
        yield ""
    elif isinstance(find.grid, DegreeGrid):
        for lat, lon in _corners(find.grid, wanted.box):
            yield find.name.format(
                ns="N" if lat >= 0 else "S", lat=abs(lat), ew="E" if lon >= 0 else "W", lon=abs(lon)
            )
    else:
        for row, column in _places(find.grid, wanted.box):
            yield find.name.format(row=row, column=column, **_words(wanted))


def _corners(grid: DegreeGrid, box: Box) -> Iterator[tuple[int, int]]:
    """Latitude and longitude of the south-west corners of the squares that a box touches."""
    step = grid.degrees
    west, south, east, north = box
    yield from product(
        range(int(south // step) * step, -int(-north // step) * step, step),
        range(int(west // step) * step, -int(-east // step) * step, step),
    )


def _places(grid: MetreGrid, box: Box) -> Iterator[tuple[int, int]]:
    """Row and column, from 1, of the squares that a box touches."""
    metres = pyproj.Transformer.from_crs("EPSG:4326", grid.crs, always_xy=True)
    west, south, east, north = metres.transform_bounds(*box, densify_pts=21)
    yield from product(
        range(
            int((grid.north - north) // grid.side) + 1, int((grid.north - south) // grid.side) + 2
        ),
        range(int((west - grid.west) // grid.side) + 1, int((east - grid.west) // grid.side) + 2),
    )


# ------------------------------------------------------------------------------------- listings


def _by_listing(
    upstream: Upstream, find: Listing, source: Source, wanted: Wanted
) -> Iterator[FoundItem]:
    """Items whose inputs are all there; a month that is named otherwise is none."""
    patterns = {
        name: re.compile(find.key.format(input=re.escape(text), **_words(wanted)))
        for name, text in source.named_inputs.items()
    }
    found: dict[str, dict[str, FoundFile]] = defaultdict(dict)
    for key in _keys(upstream, find.url, find.prefix.format(**_words(wanted))):
        for name, pattern in patterns.items():
            if (fit := pattern.search(key)) is not None:
                file = RemoteFile(urljoin(find.url, quote(key)))
                found[fit["moment"]][name] = FoundFile(file)
    for moment, files in found.items():
        if len(files) == len(patterns):
            yield FoundItem(moment, _day(moment), files)


def _day(moment: str) -> str:
    return f"{moment[:4]}-{moment[4:6]}-{moment[6:8]}" if len(moment) == len("20230101") else moment


def _keys(upstream: Upstream, url: str, prefix: str) -> Iterator[str]:
    """Keys of a bucket that begin so (S3 ListObjectsV2)."""
    token = ""
    for _ in range(_MOST_PAGES):
        more = f"&continuation-token={quote(token, safe='')}" if token else ""
        page = _xml(upstream, f"{url}?list-type=2&prefix={quote(prefix, safe='')}{more}")
        yield from (text for text in _texts(page, "Key"))
        token = next(iter(_texts(page, "NextContinuationToken")), "")
        if not token:
            return
    raise Unavailable(f"{url} lists more than {_MOST_PAGES} pages of {prefix}")


def _xml(upstream: Upstream, url: str) -> Element:
    text = upstream.document(url)
    if b"<!" in text.replace(b"<!--", b"").replace(b"<![CDATA[", b""):
        raise Unavailable(f"{url} answers with XML that declares entities, which is not read")
    try:
        return ElementTree.fromstring(text)  # noqa: S314  # nothing is declared in it
    except ElementTree.ParseError as error:
        raise Unavailable(f"{url} does not answer with XML: {error}") from error


def _texts(page: Element, name: str) -> list[str]:
    return [one.text or "" for one in page.iter() if one.tag.rpartition("}")[2] == name]


# ------------------------------------------------------------------------------ virtual rasters


def _by_index(
    upstream: Upstream, find: VrtIndex, source: Source, wanted: Wanted
) -> Iterator[FoundItem]:
    """Tiles of a virtual raster that touch the box; all inputs are cut alike."""
    found: dict[str, dict[str, FoundFile]] = defaultdict(dict)
    for name, text in source.named_inputs.items():
        url = find.url.format(input=text, **_words(wanted))
        for place, file in _indexed(upstream, url, wanted.box):
            found[place][name] = FoundFile(file)
    wanted_inputs = len(source.named_inputs)
    for place, files in found.items():
        if len(files) == wanted_inputs:
            yield FoundItem(place, "", files)


def _indexed(upstream: Upstream, url: str, box: Box) -> Iterator[tuple[str, RemoteFile]]:
    root = _xml(upstream, url)
    try:
        west, step_x, _, north, _, step_y = (
            float(part) for part in str(root.findtext("GeoTransform")).split(",")
        )
        metres = pyproj.Transformer.from_crs(
            "EPSG:4326", pyproj.CRS.from_user_input(str(root.findtext("SRS"))), always_xy=True
        )
    except (ValueError, pyproj.exceptions.CRSError) as error:
        raise Unavailable(f"{url} is no virtual raster with a position: {error}") from error
    left, bottom, right, top = metres.transform_bounds(*box, densify_pts=21)
    for part in root.iter():
        place, file = part.find("DstRect"), part.find("SourceFilename")
        if place is None or file is None:
            continue
        x, y, width, height = (float(place.get(key, "nan")) for key in _RECTANGLE)
        begin_x, begin_y = west + x * step_x, north + y * step_y
        outside = (
            begin_x + width * step_x <= left
            or begin_x >= right
            or begin_y <= bottom
            or begin_y + height * step_y >= top
        )
        if not outside:
            yield f"{x:.0f},{y:.0f}", RemoteFile(_beside(url, file))


_RECTANGLE = ("xOff", "yOff", "xSize", "ySize")


def _beside(url: str, file: Element) -> str:
    """Address of a file that lies beside a virtual raster; none that it names elsewhere is read."""
    name = (file.text or "").strip()
    address = urljoin(url, name)
    folder = url.rpartition("/")[0]
    if file.get("relativeToVRT") != "1" or not address.startswith(f"{folder}/"):
        raise Unavailable(f"{url} refers to {name}, which does not lie beside it")
    return address


# ----------------------------------------------------------------------------------------- STAC


def _by_search(
    upstream: Upstream, catalogue: Catalogue, find: StacSearch, source: Source, wanted: Wanted
) -> Iterator[FoundItem]:
    items = list(search(upstream, catalogue, find, source, wanted))
    token = None
    if catalogue.token_url is not None:
        token = catalogue.token_url.format(collection=find.collection)
    for item in items if find.best is None else _best(items, find.best):
        yield _item(item, catalogue, source, token)


def search(
    upstream: Upstream,
    catalogue: Catalogue,
    find: StacSearch,
    source: Source,
    wanted: Wanted,
    limit: int = _PAGE_ITEMS,
) -> Iterator[dict[str, Any]]:
    """Items of the collection that touch the box, page after page (STAC API, item search)."""
    body: dict[str, Any] = {
        "collections": [find.collection],
        "bbox": list(wanted.box),
        "limit": limit,
    }
    if find.datetime is not None and wanted.year is not None:
        body["datetime"] = find.datetime.format(
            year=wanted.year, first_year=wanted.year - source.span + 1
        )
    if find.query:
        body["query"] = find.query
    url = f"{catalogue.url}/search"
    request: tuple[str, dict[str, Any] | None] = (url, body)
    for _ in range(_MOST_PAGES):
        page = upstream.json(*request)
        if not isinstance(page.get("features"), list):
            raise Unavailable(f"{url} gives no features")
        yield from page["features"]
        following = _next(page, body, request[0])
        if following is None:
            return
        request = following
    raise Unavailable(f"{url} gives more than {_MOST_PAGES} pages of {find.collection}")


def _next(
    page: dict[str, Any], body: dict[str, Any], base: str
) -> tuple[str, dict[str, Any] | None] | None:
    """Address and body of the next page, as its link says."""
    for link in page.get("links", []):
        if link.get("rel") != "next":
            continue
        address = urljoin(base, str(link["href"]))
        if urlsplit(address).netloc != urlsplit(base).netloc:
            raise Unavailable(f"the next page of {base} lies on another host: {address}")
        if str(link.get("method", "GET")).upper() == "GET":
            return address, None
        given = link.get("body", {})
        return address, ({**body, **given} if link.get("merge") else given or body)
    return None


def _best(items: Sequence[dict[str, Any]], best: BestItems) -> Iterator[dict[str, Any]]:
    keys = (best.each,) if isinstance(best.each, str) else best.each
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for item in items:
        properties = item.get("properties", {})
        groups[tuple(str(properties.get(key)) for key in keys)].append(item)
    by: Callable[[dict[str, Any]], tuple[float, str]] = lambda item: (  # noqa: E731
        float(item.get("properties", {}).get(best.by, "inf")),
        str(item.get("id")),
    )
    for group in groups.values():
        yield from sorted(group, key=by)[: best.count]


def _item(
    item: dict[str, Any], catalogue: Catalogue, source: Source, token: str | None
) -> FoundItem:
    name, properties = str(item.get("id", "")), item.get("properties", {})
    files = {}
    for key, asset in source.named_inputs.items():
        entry = item.get("assets", {}).get(asset, {})
        if not isinstance(entry.get("href"), str):
            raise Unavailable(
                f"item {name} of {source.code} has no asset {asset}",
                message_zh=f"{source.code} 的条目 {name} 没有资产 {asset}",
            )
        file = RemoteFile(_public(entry["href"], catalogue), token_url=token)
        files[key] = FoundFile(file, *_scale_of(entry, properties, source, key))
    moment = properties.get("datetime") or properties.get("start_datetime") or ""
    return FoundItem(name, str(moment), files)


def _scale_of(
    asset: Mapping[str, Any], properties: Mapping[str, Any], source: Source, key: str
) -> tuple[float | None, float | None]:
    """Scale and offset that an item states of its asset, where the source says they count."""
    if not source.scale_of_item or (source.mask is not None and key == source.mask.input):
        return None, None
    band: Mapping[str, Any] = (asset.get("raster:bands") or asset.get("bands") or [asset])[0]
    scale = band.get("scale", band.get("raster:scale"))
    offset = band.get("offset", band.get("raster:offset"))
    if source.offset_done is not None and properties.get(source.offset_done):
        offset = 0.0
    return (
        None if scale is None else float(scale),
        None if offset is None else float(offset),
    )


def _public(href: str, catalogue: Catalogue) -> str:
    parts = urlsplit(href)
    if parts.scheme == "s3" and catalogue.s3_url is not None:
        return catalogue.s3_url.format(bucket=parts.netloc, key=parts.path.lstrip("/"))
    return href
