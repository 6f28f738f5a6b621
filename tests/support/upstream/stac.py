"""The STAC APIs of three catalogues: search with filters and paging, collections and items."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt, ne
from typing import Any
from urllib.parse import parse_qsl, urlencode

from tests.support.upstream.faults import Edit
from tests.support.upstream.scenes import Scene, scenes

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Where an API is, what it has, and how it writes the link to the next page."""

    root: str
    collections: tuple[str, ...]
    token: str
    merges: bool


CATALOGUES = (
    Catalogue(
        "earth-search.aws.element84.com/v1",
        ("cop-dem-glo-30", "sentinel-2-c1-l2a", "sentinel-2-l2a"),
        token="next",
        merges=True,
    ),
    Catalogue(
        "planetarycomputer.microsoft.com/api/stac/v1",
        (
            "esa-worldcover",
            "io-lulc-annual-v02",
            "landsat-c2-l2",
            "modis-13Q1-061",
            "modis-17A3HGF-061",
            "nasadem",
            "viirs-13A1-002",
            "viirs-17A3HGF-002",
        ),
        token="token",
        merges=False,
    ),
    Catalogue("api.stac.worldpop.org", ("CHN",), token="token", merges=False),
)
_DEFAULT_PAGE, _LARGEST_PAGE = 10, 1000
_OPERATIONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": eq,
    "neq": ne,
    "lt": lt,
    "lte": le,
    "gt": gt,
    "gte": ge,
    "in": lambda value, listed: value in listed,
    "startsWith": lambda value, start: str(value).startswith(start),
}


class Refused(Exception):
    """A request that the API answers with 400."""


def answer(
    path: str, query: str, body: bytes | None, edits: Sequence[Edit]
) -> tuple[int, Document] | None:
    """Status and document, if the address, `HOST/PATH`, is one of a catalogue."""
    for catalogue in CATALOGUES:
        if path == catalogue.root or path.startswith(f"{catalogue.root}/"):
            try:
                return _answer(catalogue, path.removeprefix(catalogue.root), query, body, edits)
            except (Refused, ValueError) as error:
                return 400, {"code": "BadRequest", "description": str(error)}
    return None


def _answer(
    catalogue: Catalogue, path: str, query: str, body: bytes | None, edits: Sequence[Edit]
) -> tuple[int, Document]:
    match path.strip("/").split("/"):
        case [""]:
            return 200, {
                "type": "Catalog",
                "id": catalogue.root,
                "stac_version": "1.0.0",
                "links": [],
            }
        case ["search"]:
            asked = json.loads(body) if body is not None else _parameters(query)
            return 200, _page(catalogue, asked, edits, posted=body is not None)
        case ["collections", name] if name in catalogue.collections:
            return 200, {"type": "Collection", "id": name, "stac_version": "1.0.0", "links": []}
        case ["collections", name, "items", item] if name in catalogue.collections:
            for document in _documents([name], edits):
                if document["id"] == item:
                    return 200, document
    return 404, {"code": "NotFound", "description": f"{path} is not there"}


def _parameters(query: str) -> Document:
    """The body that says the same as a query string."""
    asked: Document = dict(parse_qsl(query))
    if "collections" in asked:
        asked["collections"] = asked["collections"].split(",")
    if "bbox" in asked:
        asked["bbox"] = [float(part) for part in asked["bbox"].split(",")]
    if "query" in asked:
        asked["query"] = json.loads(asked["query"])
    return asked


def _page(
    catalogue: Catalogue, asked: Document, edits: Sequence[Edit], *, posted: bool
) -> Document:
    limit, start = int(asked.get("limit", _DEFAULT_PAGE)), int(asked.get(catalogue.token, 0))
    if not 1 <= limit <= _LARGEST_PAGE:
        raise Refused(f"limit is {limit}; it is 1 to {_LARGEST_PAGE}")
    names = asked.get("collections") or catalogue.collections
    found = [
        document
        for document in _documents([name for name in catalogue.collections if name in names], edits)
        if _fits(document, asked)
    ]
    found.sort(key=lambda document: _period(document)[1], reverse=True)
    links = []
    if start + limit < len(found):
        links = [_next(catalogue, asked, str(start + limit), posted=posted)]
    return {
        "type": "FeatureCollection",
        "features": found[start : start + limit],
        "numberMatched": len(found),
        "numberReturned": len(found[start : start + limit]),
        "links": links,
    }


def _next(catalogue: Catalogue, asked: Document, token: str, *, posted: bool) -> Document:
    href = f"https://{catalogue.root}/search"
    following = {catalogue.token: token}
    if posted:
        body = following if catalogue.merges else asked | following
        return {
            "rel": "next",
            "method": "POST",
            "href": href,
            "merge": catalogue.merges,
            "body": body,
        }
    plain = asked | following
    if "collections" in plain:
        plain["collections"] = ",".join(plain["collections"])
    if "bbox" in plain:
        plain["bbox"] = ",".join(map(str, plain["bbox"]))
    if "query" in plain:
        plain["query"] = json.dumps(plain["query"])
    return {"rel": "next", "method": "GET", "href": f"{href}?{urlencode(plain)}"}


def _documents(collections: list[str], edits: Sequence[Edit]) -> list[Document]:
    documents = []
    for scene in scenes():
        if scene.collection in collections:
            document = _edited(scene, edits)
            if document is not None:
                documents.append(document)
    return documents


def _edited(scene: Scene, edits: Sequence[Edit]) -> Document | None:
    document: Document | None = scene.document()
    for edit in edits:
        if document is not None:
            document = edit.apply(document)
    return document


def _fits(document: Document, asked: Document) -> bool:
    return (
        _touches(document["bbox"], asked.get("bbox"))
        and _in_time(document, asked.get("datetime"))
        and (not asked.get("ids") or document["id"] in asked["ids"])
        and _answers(document, asked.get("query") or {})
    )


def _touches(bbox: list[float], asked: list[float] | None) -> bool:
    if asked is None:
        return True
    if len(asked) not in (4, 6) or asked[0] > asked[len(asked) // 2]:
        raise Refused(f"bbox is {asked}; it has a west, south, east and north")
    west, south, east, north = asked if len(asked) == 4 else (*asked[:2], *asked[3:5])
    return bbox[0] <= east and bbox[2] >= west and bbox[1] <= north and bbox[3] >= south


def _period(document: Document) -> tuple[str, str]:
    """First and last moment in a form that sorts; a moment is its own end."""
    properties = document["properties"]
    moment = properties["datetime"]
    first = moment or properties["start_datetime"]
    last = moment or properties["end_datetime"]
    return first[:19], last[:19]


def _in_time(document: Document, asked: str | None) -> bool:
    if asked is None:
        return True
    start, _, end = asked.partition("/") if "/" in asked else (asked, "/", asked)
    bounds = ["" if part in ("", "..") else part[:19] for part in (start, end)]
    if any(part and len(part) < 19 for part in bounds) or not any(bounds):
        raise Refused(f"datetime is {asked}; it is an RFC 3339 moment or an interval")
    first, last = _period(document)
    return (not bounds[0] or last >= bounds[0]) and (not bounds[1] or first <= bounds[1])


def _answers(document: Document, query: Mapping[str, Mapping[str, Any]]) -> bool:
    for name, conditions in query.items():
        value = document["properties"].get(name)
        for operation, wanted in conditions.items():
            if operation not in _OPERATIONS:
                raise Refused(f"query of {name} has {operation}; known: {', '.join(_OPERATIONS)}")
            if value is None or not _OPERATIONS[operation](value, wanted):
                return False
    return True
