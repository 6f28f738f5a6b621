"""`/observations`."""

from typing import Annotated, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query, Request, Response

from shanhai.monitoring.observation_formats import MEMBERS, NEEDED
from shanhai.vocabulary import QUALITIES
from shanhai_api.dependencies import (
    DirectRoute,
    PageQuery,
    Reader,
    TheState,
    TheView,
    get_observer,
    query_of,
)
from shanhai_api.features.definition import LANG, query_parameter
from shanhai_api.kit.routing import FILE, TEXT, Route
from shanhai_api.negotiation import GEOJSON, HTML, JSON
from shanhai_api.observations import operations, reading
from shanhai_api.observations.asking import ObservationsQuery
from shanhai_api.observations.models import (
    ObservationPage,
    ObservationReceipt,
    StationObservations,
)
from shanhai_api.observations.receiving import receive
from shanhai_api.observations.station_page import (
    MOST_MARKED,
    StationQuery,
    chart_of,
    read_station,
    station_document,
)
from shanhai_api.state import state_of
from shanhai_api.view import View

router = APIRouter(tags=["monitoring"], route_class=Route)
quick = APIRouter(tags=["monitoring"], route_class=DirectRoute)
"""What feeds do every second; looked at early."""
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
    view, state, caller = View.of(request), state_of(request), await get_observer(request)
    query_of(request, PageQuery)
    limit = state.configuration.observations.body_limit_bytes
    received = await receive(request, limit=limit)
    made = await operations.keep(state, request, view, caller, received)
    return made.response()


@router.get(
    "/observations",
    summary="Observations",
    response_model=ObservationPage,
    responses=OTHER_FORMS,
)
async def show_observations(
    request: Request,
    view: TheView,
    state: TheState,
    caller: Reader,
    query: Annotated[ObservationsQuery, Query()],
) -> Response:
    """Read observations in the order of time, their statistics by hour, day or month (`every`), or
    the newest of each series (`latest`), in the order of stations."""
    return await reading.answer(state, request, view, caller, query)


@router.get(
    "/stations/{station}/observations",
    summary="What a station tells",
    response_model=StationObservations,
)
async def show_station(
    view: TheView,
    state: TheState,
    caller: Reader,
    station: Annotated[str, Path(max_length=200, description="Code of the station")],
    query: Annotated[StationQuery, Query()],
) -> Response:
    """Show the newest values of a station, and one property over a day, a month or a year."""
    zone = ZoneInfo(state.configuration.database.timezone)
    found = await read_station(state.quick, state.store, caller, station, query, zone)
    path = f"/stations/{quote(station, safe='')}/observations"
    document = {**station_document(found, view.lang), "links": view.self_links(path)}
    page: dict[str, Any] = {"chosen": found.chosen, "span": found.span, "most_marked": MOST_MARKED}
    if view.wants_html(JSON, HTML):
        page |= {"own_path": path, "chart": chart_of(found, view.lang)}
    return view.respond(document, template="station.html", extra=page)
