"""`/observations`; rows are written as they are read, without models."""

from typing import Annotated, Any, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from shanhai.db.observations.refusals import KEPT_DAYS, list_refusals
from shanhai.monitoring.observation_formats import MEMBERS, NEEDED
from shanhai.validation import rfc3339
from shanhai.vocabulary import OBSERVATION_WAYS, QUALITIES, Scope, label_in
from shanhai_api.features.definition import LANG, query_parameter
from shanhai_api.kit import dependencies
from shanhai_api.kit.answers import Answered, Document, Link, Maybe, MomentText, one_of
from shanhai_api.kit.late_route import DirectRoute
from shanhai_api.kit.requests import confirmed_first, demand, presumed_of
from shanhai_api.kit.routing import FILE, TEXT, Route
from shanhai_api.kit.state import state_of
from shanhai_api.kit.view import GEOJSON, HTML, JSON, View
from shanhai_api.observations import reading, receiving, station_page
from shanhai_api.observations.asking import ObservationsQuery
from shanhai_api.observations.receiving import receive


class RefusedRow(Answered):
    """A row that broke a rule."""

    index: int
    pointer: str
    detail: str


class ObservationReceipt(Answered):
    """What became of the rows that were sent."""

    accepted: int
    duplicates: int
    revised: int
    rejected: list[RefusedRow] = Field(description="As many as fit an answer")
    rejected_count: int


class RefusedObservations(Answered):
    """Rows that came by one way for one station, or for none that is known, and were refused for
    the same member."""

    way: Annotated[str, one_of(OBSERVATION_WAYS)]
    way_name: str
    station: str | None
    station_name: str | None
    pointer: str
    number: int
    last: MomentText
    detail: str = Field(description="The rule that the last of them broke")


class Refusals(Document):
    """What was refused of late, the newest first."""

    days: int
    refused: list[RefusedObservations]
    links: list[Link]


class RefusalsQuery(dependencies.PageQuery):
    """Parameters of the refused observations."""

    region: str | None = Field(
        None,
        max_length=200,
        pattern=r"^[^\x00]*$",
        description="Only of stations in this region or below it, and of unknown ones",
    )
    days: int = Field(7, ge=1, le=KEPT_DAYS, description="How many days back, today being one")


class FormerValue(Answered):
    """What a value was before another was sent."""

    value: float
    quality: str = one_of(QUALITIES)
    flags: list[str]
    received: MomentText
    replaced: MomentText
    result_time: Maybe[MomentText] = None


class StoredObservation(Answered):
    """A value at a time."""

    station: str
    property: str
    time: MomentText
    value: float
    unit: str
    quality: str = one_of(QUALITIES)
    flags: list[str]
    received: MomentText
    result_time: Maybe[MomentText] = None
    revisions: Maybe[list[FormerValue]] = Field(None, description="With `revisions`")
    gap: Maybe[bool] = Field(None, description="With `latest`: silent for longer than is usual")


class NewestObservation(StoredObservation):
    """The newest value of a property, with its name and local time."""

    name: str
    local_time: str


class PeriodStatistics(Answered):
    """Statistics of an hour, a day or a month, by its begin."""

    station: str
    property: str
    time: MomentText
    unit: str
    mean: float
    min: float
    max: float
    p50: float
    p98: float
    count: int


class ObservationPage(Document):
    """Observations or their statistics in the order of time."""

    observations: list[StoredObservation | PeriodStatistics]
    links: list[Link]


class StationPoint(Answered):
    """Where a station is."""

    type: Literal["Point"]
    coordinates: list[float]


class ObservationFeature(Answered):
    """A row at the place of its station."""

    type: Literal["Feature"]
    geometry: StationPoint | None
    properties: StoredObservation | PeriodStatistics


class ObservationFeatures(Answered):
    """Observations or their statistics as GeoJSON."""

    type: Literal["FeatureCollection"]
    features: list[ObservationFeature]
    links: list[Link]


class StationObservations(Document):
    """What a station tells: its newest values, and one property over a stretch of time."""

    station: str
    name: str
    interval_s: int | None
    properties: list[NewestObservation]
    property: str | None
    range: station_page.Range
    start: MomentText
    end: MomentText
    observations: list[StoredObservation | PeriodStatistics]
    marked: list[StoredObservation] = Field(description="Values in doubt")
    links: list[Link]


router = APIRouter(tags=["monitoring"], route_class=Route)
quick = APIRouter(tags=["monitoring"], route_class=DirectRoute)
"""What feeds do every second: found first, and without dependencies."""
OBSERVATION: dict[str, Any] = {
    "type": "object",
    "required": list(NEEDED),
    "additionalProperties": False,
    "properties": {
        "station": {"type": "string", "description": "Code of the station"},
        "property": {
            "type": "string",
            "description": "Code of the property, or another one it is known by",
        },
        "time": {"type": "string", "format": "date-time", "description": "With its offset"},
        "value": {"type": "number"},
        "unit": {"type": "string", "description": "Default the unit of the property"},
        "quality": {
            "type": "string",
            "enum": [name for term in QUALITIES for name in (term.code, term.letter)],
            "default": "valid",
        },
        "result_time": {
            "type": "string",
            "format": "date-time",
            "description": "When the value was known, with its offset",
        },
    },
}
SENDING = {
    "parameters": [
        query_parameter("f", "Format", {"type": "string", "enum": [JSON.name, HTML.name]}),
        LANG,
    ],
    "requestBody": {
        "required": True,
        "description": "Observations; `Content-Encoding: gzip` is understood",
        "content": {
            "application/json": {
                "schema": {
                    "oneOf": [OBSERVATION, {"type": "array", "items": OBSERVATION}],
                }
            },
            "application/x-ndjson": {
                "schema": {"type": "string", "description": "An observation in each line"}
            },
            "text/csv": {
                "schema": {
                    "type": "string",
                    "description": f"Columns by name, in any order: {', '.join(MEMBERS)}",
                }
            },
        },
    },
}

OTHER_FORMS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            GEOJSON.media_type: {"schema": {"$ref": "#/components/schemas/ObservationFeatures"}},
            HTML.media_type: {"schema": TEXT},
            **{item.media_type.partition(";")[0]: {"schema": FILE} for item in reading.FILES},
        }
    }
}


@quick.post(
    "/observations",
    summary="Send observations",
    status_code=202,
    response_model=ObservationReceipt,
    openapi_extra=SENDING,
)
async def send_observations(request: Request) -> Response:
    """Store observations: what is counted is durable. Rows that break a rule are named, the others
    kept; whatever was sent may be sent again."""
    view, state, caller = View.of(request), state_of(request), await presumed_of(request)
    limit = state.configuration.observations.body_limit_bytes
    async with confirmed_first(request, caller):
        demand(caller, Scope.OBSERVE)
        dependencies.query_of(request, dependencies.PageQuery)
        received = await receive(request, limit=limit)
        made = await receiving.keep(state, request, view, caller, received)
    return made.response()


@router.get(
    "/observations",
    summary="Observations",
    response_model=ObservationPage,
    responses=OTHER_FORMS,
)
async def show_observations(
    request: Request,
    view: dependencies.TheView,
    state: dependencies.TheState,
    caller: dependencies.Reader,
    query: Annotated[ObservationsQuery, Query()],
) -> Response:
    """Read observations in the order of time, their statistics by hour, day or month (`every`), or
    the newest of each series (`latest`), in the order of stations."""
    return await reading.answer(state, request, view, caller, query)


@router.get("/observations/refused", summary="Observations that were refused")
async def show_refused(
    read: dependencies.Read[dependencies.KnownReader], query: Annotated[RefusalsQuery, Query()]
) -> Refusals:
    """Count what was refused of the stations of the caller's regions, with the newest reason; who
    has a role everywhere is also told of rows that name no known station."""
    found = await list_refusals(
        read.session, read.caller.viewer, days=query.days, region=query.region
    )
    return Refusals(
        days=query.days,
        refused=[
            RefusedObservations(
                way=one.way,
                way_name=label_in(OBSERVATION_WAYS, one.way, read.lang),
                station=one.station,
                station_name=one.name_zh if read.lang == "zh" else one.name_en,
                pointer=one.pointer,
                number=one.number,
                last=rfc3339(one.last_at),
                detail=one.detail_zh if read.lang == "zh" else one.detail_en,
            )
            for one in found
        ],
        links=read.self_links("/observations/refused"),
    )


@router.get(
    "/stations/{station}/observations",
    summary="What a station tells",
    response_model=StationObservations,
)
async def show_station(
    view: dependencies.TheView,
    state: dependencies.TheState,
    caller: dependencies.Reader,
    station: Annotated[str, Path(max_length=200, description="Code of the station")],
    query: Annotated[station_page.StationQuery, Query()],
) -> Response:
    """Show the newest values of a station, and one property over a day, a month or a year."""
    zone = ZoneInfo(state.configuration.database.timezone)
    found = await station_page.read_station(state.quick, state.store, caller, station, query, zone)
    path = f"/stations/{quote(station, safe='')}/observations"
    document = {**station_page.station_document(found, view.lang), "links": view.self_links(path)}
    page: dict[str, Any] = {
        "chosen": found.chosen,
        "span": found.span,
        "most_marked": station_page.MOST_MARKED,
    }
    if view.wants_html(JSON, HTML):
        page |= {"own_path": path, "chart": station_page.chart_of(found, view.lang)}
    return view.respond(document, template="station.html", extra=page)
