"""`/alerts`."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from shanhai.db.alerts.queries import list_alerts
from shanhai.db.alerts.serialization import describe_alert
from shanhai.monitoring.thresholds import Kind
from shanhai_api.alerts import service
from shanhai_api.alerts.events import follow, last_event
from shanhai_api.alerts.models import Alert, Alerts
from shanhai_api.alerts.schemas import CODE, AlertNote, Level
from shanhai_api.dependencies import KnownReader, TheState, TheView, Writer
from shanhai_api.event_stream import STREAMED, stream
from shanhai_api.kit.answers import Answer, LimitedQuery, page_of
from shanhai_api.kit.body import JsonBody
from shanhai_api.kit.routing import Route
from shanhai_api.kit.writing import IfMatch, Read, Write

router = APIRouter(tags=["monitoring"], route_class=Route)
AlertId = Annotated[int, Path(ge=1, le=2**63 - 1, description="Number of the alert")]
FILTERS = frozenset({"status", "level", "rule", "kind", "subject", "station", "plan", "case"})
PLAIN = r"^[^\x00]*$"


class AlertsQuery(LimitedQuery):
    """Parameters of the list of alerts."""

    status: Literal["open", "acknowledged", "closed"] | None = Field(
        None, description="Only alerts in this state"
    )
    level: Level | None = Field(None, description="Only alerts of this level")
    rule: str | None = Field(None, pattern=CODE, description="Only alerts of this rule")
    kind: Kind | None = Field(None, description="Only alerts of rules of this kind")
    subject: Literal["station", "indicator", "case", "line"] | None = Field(
        None, description="Only alerts about stations, indicators, cases or lines"
    )
    station: str | None = Field(
        None, max_length=200, pattern=PLAIN, description="Only alerts at this station"
    )
    plan: str | None = Field(
        None, max_length=200, pattern=PLAIN, description="Only alerts about indicators of this plan"
    )
    case: str | None = Field(
        None, max_length=200, pattern=PLAIN, description="Only alerts about this case"
    )
    limit: int = Field(10, ge=1, le=10_000, description="Alerts on a page")
    before: int | None = Field(None, ge=1, le=2**63 - 1, description="Only alerts before this one")

    @property
    def equal(self) -> dict[str, str]:
        """What the alerts are to be."""
        given: dict[str, str] = self.model_dump(include=set(FILTERS), exclude_none=True)
        return given


@router.get("/alerts", summary="Alerts, the newest first")
async def show_alerts(read: Read[KnownReader], query: Annotated[AlertsQuery, Query()]) -> Alerts:
    """List the alerts."""
    rows = await list_alerts(
        read.session, read.caller.viewer, query.equal, limit=query.limit + 1, before=query.before
    )
    page, links = page_of(rows, query, read, "/alerts", lambda last: {"before": last[0].id})
    return Alerts(alerts=[Alert(**describe_alert(row, read)) for row in page], links=links)


@router.get(
    "/alerts/events",
    summary="What happens to alerts as server-sent events",
    response_class=StreamingResponse,
    responses=STREAMED,
)
async def stream_events(
    request: Request, view: TheView, state: TheState, caller: KnownReader
) -> Response:
    """Tell what happens from now on, or after the event of `Last-Event-ID`."""
    events = follow(state, view, caller.viewer, after=last_event(request))
    return stream(events)


@router.get("/alerts/{alert}", summary="One alert")
async def show_one_alert(read: Read[KnownReader], alert: AlertId) -> Answer[Alert]:
    """Show an alert, and all that happened to it."""
    return await service.show_alert(read, alert)


@router.post("/alerts/{alert}/acknowledge", summary="Say that an alert is being looked after")
async def acknowledge(
    write: Write[Writer], alert: AlertId, expected: IfMatch, said: JsonBody[AlertNote]
) -> Answer[Alert]:
    """Acknowledge an open alert, with a note."""
    return await service.answer_alert(write, alert, "acknowledge", said.note, expected)


@router.post("/alerts/{alert}/close", summary="Close an alert by hand")
async def close(
    write: Write[Writer], alert: AlertId, expected: IfMatch, said: JsonBody[AlertNote]
) -> Answer[Alert]:
    """Close an alert, with a note; it is not opened again before things recover or get worse."""
    return await service.answer_alert(write, alert, "close", said.note, expected)
