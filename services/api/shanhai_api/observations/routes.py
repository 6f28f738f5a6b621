"""`/observations`."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from shanhai.monitoring.parsing import MEMBERS, NEEDED
from shanhai.vocabulary import QUALITIES
from shanhai_api.dependencies import Observer, PageQuery, Reader, TheState, TheView
from shanhai_api.observations import operations, reading
from shanhai_api.observations.asking import ObservationsQuery
from shanhai_api.observations.receiving import receive

router = APIRouter(tags=["monitoring"])
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
    },
}
BODY = {
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
    }
}


@router.post("/observations", summary="Send observations", status_code=202, openapi_extra=BODY)
async def send_observations(
    request: Request,
    view: TheView,
    state: TheState,
    caller: Observer,
    query: Annotated[PageQuery, Query()],
) -> Response:
    """Store observations: what is counted is durable. Rows that break a rule are named, the others
    kept; whatever was sent may be sent again."""
    limit = state.configuration.observations.body_limit_bytes
    received = await receive(request, limit=limit)
    made = await operations.keep(state, request, view, caller, received)
    return made.response()


@router.get("/observations", summary="Observations")
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
