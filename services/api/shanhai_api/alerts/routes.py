"""`/alerts`."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from shanhai.db.alerts import answering
from shanhai.db.alerts.reading import list_alerts
from shanhai.db.alerts.telling import describe_alert
from shanhai.monitoring.alerting import Kind
from shanhai_api.alerts.events import follow, last_event
from shanhai_api.alerts.operations import answer, show_alert
from shanhai_api.alerts.schemas import CODE, Answer, Level
from shanhai_api.body_schema import body_of
from shanhai_api.dependencies import (
    KnownReader,
    PageQuery,
    ReadSession,
    TheState,
    TheUnit,
    TheView,
    Writer,
    act_of,
)
from shanhai_api.event_stream import STREAMED, stream
from shanhai_api.kit.body import parse, read_json
from shanhai_api.negotiation import JSON
from shanhai_api.once import once
from shanhai_api.preconditions import expected_states
from shanhai_api.state import Unit

router = APIRouter(tags=["monitoring"])
Parameters = Annotated[PageQuery, Query()]
AlertId = Annotated[int, Path(ge=1, le=2**63 - 1, description="Number of the alert")]
FILTERS = frozenset({"status", "level", "rule", "kind", "subject", "station", "plan", "case"})
PLAIN = r"^[^\x00]*$"
ANSWER_BODY = body_of(Answer)


class AlertsQuery(PageQuery):
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
async def show_alerts(
    view: TheView,
    caller: KnownReader,
    query: Annotated[AlertsQuery, Query()],
    session: ReadSession,
) -> Response:
    """List the alerts."""
    rows = await list_alerts(
        session, caller.viewer, query.equal, limit=query.limit + 1, before=query.before
    )
    page = rows[: query.limit]
    links = view.self_links("/alerts")
    if len(rows) > query.limit:
        last = page[-1][0].id
        media_type = JSON.media_type
        links.append(
            view.link("/alerts", "next", media_type, **query.equal, limit=query.limit, before=last)
        )
    document = {"alerts": [describe_alert(row, view) for row in page], "links": links}
    return view.respond(document, template="alerts.html")


@router.get(
    "/alerts/events",
    summary="What happens to alerts as server-sent events",
    response_class=StreamingResponse,
    responses=STREAMED,
)
async def stream_events(
    request: Request, view: TheView, state: TheState, caller: KnownReader, query: Parameters
) -> Response:
    """Tell what happens from now on, or after the event of `Last-Event-ID`."""
    events = follow(state, view, caller.viewer, after=last_event(request))
    return stream(events)


@router.get("/alerts/{alert}", summary="One alert")
async def show_one_alert(
    view: TheView, caller: KnownReader, alert: AlertId, query: Parameters, session: ReadSession
) -> Response:
    """Show an alert, and all that happened to it."""
    document, state = await show_alert(session, alert, view, caller)
    return view.respond(document, template="alert.html", state=state)


@router.post(
    "/alerts/{alert}/acknowledge",
    summary="Say that an alert is being looked after",
    openapi_extra=ANSWER_BODY,
)
async def acknowledge(
    request: Request,
    view: TheView,
    caller: Writer,
    alert: AlertId,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Acknowledge an open alert, with a note."""
    return await _answer(request, view, caller, alert, unit, "acknowledge")


@router.post("/alerts/{alert}/close", summary="Close an alert by hand", openapi_extra=ANSWER_BODY)
async def close(
    request: Request,
    view: TheView,
    caller: Writer,
    alert: AlertId,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Close an alert, with a note; it is not opened again before things recover or get worse."""
    return await _answer(request, view, caller, alert, unit, "close")


async def _answer(
    request: Request,
    view: TheView,
    caller: Writer,
    alert: int,
    unit: Unit,
    how: answering.Answer,
) -> Response:
    expected = expected_states(request)
    body = await read_json(request)
    given = parse(Answer, body.value)
    made = await once(
        request,
        unit,
        caller,
        body_sha256=body.sha256,
        effect=lambda: answer(
            unit.session,
            alert,
            how,
            given.note,
            caller=caller,
            view=view,
            act=act_of(caller, view),
            expected=expected,
        ),
    )
    return made.response()
