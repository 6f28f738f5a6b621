"""What a request for observations asks: everything checked, every fault named; and cursors."""

import base64
import binascii
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal
from zoneinfo import ZoneInfo

import orjson
from pydantic import Field
from starlette.datastructures import QueryParams

from shanhai.db.collections.data_sources import STATIONS
from shanhai.db.engine import Executor
from shanhai.db.features.crs import CRS84
from shanhai.db.features.selection import Box, Filter, Outline, Selection, TimeInterval
from shanhai.db.identity import Viewer
from shanhai.db.observations import queries
from shanhai.db.observations.rollups import Every
from shanhai.errors import InvalidInput
from shanhai_api.features.parameters import DEFAULT_LIMIT, Reader, read_filter
from shanhai_api.features.values import MAX_LIMIT, foreign_cursor, parse_bbox, parse_datetime
from shanhai_api.kit.dependencies import PageQuery

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LIMITS = ((-(10**15), 2 * 10**17), (0, 2**31 - 1), (0, 2**15 - 1))
"""What time, from 1938 to 8307, and numbers of series can be."""


def write_place(place: queries.SeriesPosition, made_for: Mapping[str, str]) -> str:
    """The word of a place."""
    at = (place.at - EPOCH) // timedelta(microseconds=1)
    packed = orjson.dumps([_fingerprint(made_for), at, place.station_id, place.property_id])
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def parse_place(text: str, made_for: Mapping[str, str]) -> queries.SeriesPosition:
    """The place a word means.

    Raises:
        ValueError: it is none, or one of another query.
    """
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
        mark, *numbers = orjson.loads(packed)
        at, station, of = numbers
    except (binascii.Error, TypeError, ValueError):
        raise foreign_cursor() from None
    if any(
        type(number) is not int or not least <= number <= most
        for number, (least, most) in zip(numbers, LIMITS, strict=True)
    ):
        raise foreign_cursor()
    if mark != _fingerprint(made_for):
        raise ValueError(
            "belongs to another query; follow the links / 属于另一个查询；请用给出的链接"
        )
    return queries.SeriesPosition(EPOCH + timedelta(microseconds=at), station, of)


def _fingerprint(made_for: Mapping[str, str]) -> str:
    return hashlib.sha256(repr(sorted(made_for.items())).encode()).hexdigest()[:16]


MOST_NAMED = 1_000
LATEST = datetime(9000, 1, 1, tzinfo=UTC)
CHANGING_NO_PLACE = frozenset({"f", "lang", "limit", "cursor", "revisions"})
"""Parameters that change how rows are told, not which follow one another."""


class ObservationsQuery(PageQuery):
    """What observations are wanted, and how."""

    f: str | None = Field(
        None,
        description="`json`, `geojson`, `html`; all of them as a file: `csv`, `parquet`",
        json_schema_extra={"enum": ["json", "geojson", "html", "csv", "parquet"]},
    )
    station: str | None = Field(None, description="Codes of stations, with commas between")
    property: str | None = Field(
        None, description="Codes of properties, or others they are known by, with commas between"
    )
    datetime: str | None = Field(
        None,
        description="A time or `from/to` of RFC 3339, either end `..` for open; a date means the"
        " day of the platform's zone",
    )
    bbox: str | None = Field(None, description="West, south, east, north: stations within")
    filter: str | None = Field(None, description="CQL2 over the collection `stations`")
    filter_lang: str | None = Field(
        None, alias="filter-lang", description="`cql2-text` or `cql2-json`"
    )
    filter_crs: str | None = Field(
        None, alias="filter-crs", description="System of the filter's coordinates, by URI"
    )
    every: Every | None = Field(
        None, description="Statistics of valid and possible values by hour, day or month"
    )
    latest: Literal["true", "false"] = Field("false", description="Only the newest of each series")
    revisions: Literal["true", "false"] = Field(
        "false", description="With what the values were before others were sent"
    )
    limit: int | None = Field(
        None, ge=1, le=MAX_LIMIT, description=f"Rows of a page; default {DEFAULT_LIMIT}"
    )
    cursor: str | None = Field(None, max_length=300, description="A place, from a link `next`")


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked.

    Attributes:
        stations, properties: Names; None for all there are.
        kept: The parameters that links to the next page repeat.
    """

    stations: tuple[str, ...] | None
    properties: tuple[str, ...] | None
    during: TimeInterval
    box: Box | Outline | None
    filter: Filter | None
    every: Every | None
    latest: bool
    revisions: bool
    limit: int | None
    after: queries.SeriesPosition | None
    kept: Mapping[str, str]

    @property
    def page(self) -> int:
        """How many rows a page has."""
        return self.limit or DEFAULT_LIMIT


def read_question(query: ObservationsQuery, zone: ZoneInfo) -> Question:
    """The parameters of a request.

    Raises:
        InvalidInput: with a fault for each one that is malformed, or does not go with another.
    """
    given = {
        name: str(value)
        for name, value in query.model_dump(by_alias=True, exclude_unset=True).items()
        if value not in {None, ""}
    }
    reader = Reader(QueryParams(given))
    kept = {name: value for name, value in given.items() if name not in {"cursor", "lang"}}
    if query.latest == "true" and query.every is not None:
        raise InvalidInput(
            "latest and every exclude each other", message_zh="latest 与 every 不能同时给出"
        )
    question = Question(
        stations=reader.read("station", _names),
        properties=reader.read("property", _names),
        during=reader.read("datetime", partial(parse_datetime, zone=zone))
        or TimeInterval(None, None),
        box=reader.read("bbox", lambda text: parse_bbox(text, CRS84)),
        filter=read_filter(STATIONS, reader),
        every=query.every,
        latest=query.latest == "true",
        revisions=query.revisions == "true" and query.every is None,
        limit=query.limit,
        after=reader.read("cursor", partial(parse_place, made_for=made_for(kept))),
        kept=kept,
    )
    reader.refuse_faults()
    return question


def made_for(kept: Mapping[str, str]) -> Mapping[str, str]:
    """The parameters a cursor belongs to."""
    return {name: value for name, value in kept.items() if name not in CHANGING_NO_PLACE}


def _names(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    if len(names) > MOST_NAMED or not all(names) or any(len(n) > 200 or "\x00" in n for n in names):
        raise ValueError(
            f"must be 1 to {MOST_NAMED} codes with commas between"
            f" / 须为 1 至 {MOST_NAMED} 个以逗号分隔的代码"
        )
    return names


async def find_series(
    asked: Executor, question: Question, viewer: Viewer
) -> tuple[queries.SeriesQuery, dict[int, queries.SeenStation]]:
    """The series a question means, of stations the viewer may know of; those stations it looked up.

    Raises:
        InvalidInput: a station or property that was named is not known.
    """
    properties = await queries.find_properties(asked, question.properties)
    selection = Selection(viewer, box=question.box, filter=question.filter)
    known = dict[int, queries.SeenStation]()
    stations: Collection[int] = known
    if question.stations is not None:
        stations = known = await _named_stations(asked, question, selection, question.stations)
    elif question.latest:  # a page of them has nearly as many stations as rows
        stations = known = await queries.find_stations(asked, selection)
    else:
        stations = await queries.find_station_ids(asked, selection)
    during = question.during
    end = min(during.end or LATEST, LATEST) + timedelta(microseconds=1)
    start = max(during.start or queries.EARLIEST, queries.EARLIEST)
    return queries.SeriesQuery(stations, properties, start, end), known


async def _named_stations(
    asked: Executor, question: Question, selection: Selection, named: Sequence[str]
) -> dict[int, queries.SeenStation]:
    known = await queries.find_stations(asked, replace(selection, box=None, filter=None), named)
    missing = set(named) - {station.code for station in known.values()}
    if missing:
        first = min(missing)[:80]
        raise InvalidInput(
            f"no station {first!r} is known", message_zh=f"没有站点 {first!r}", pointer="station"
        )
    if question.box is None and question.filter is None:
        return known
    return await queries.find_stations(asked, selection, named)
