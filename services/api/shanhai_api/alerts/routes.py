"""`/alerts` and `/alert-rules`."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from shanhai.db.alerts import queries, rules
from shanhai.db.alerts import subscriptions as answers
from shanhai.db.alerts.rules import RuleDefinition
from shanhai.db.proposals.queries import founded_on
from shanhai.errors import InvalidInput
from shanhai.monitoring.thresholds import Kind
from shanhai_api.alerts import models
from shanhai_api.kit.answers import (
    HEARTBEAT,
    HEARTBEAT_S,
    LONGEST_S,
    STREAMED,
    Answer,
    LimitedQuery,
    page_of,
    stream,
)
from shanhai_api.kit.body import JsonBody
from shanhai_api.kit.dependencies import (
    Context,
    IfMatch,
    KnownReader,
    Read,
    TheState,
    TheView,
    Write,
    WriteContext,
    Writer,
)
from shanhai_api.kit.requests import StreamReader
from shanhai_api.kit.routing import Route
from shanhai_api.kit.state import ServiceState
from shanhai_api.kit.view import View
from shanhai_api.proposals.links import name_proposals, propose_link

POLL_S = 0.5
PORTION = 100


def last_event(request: Request) -> int | None:
    """The number of the event a client has seen last, if it says so.

    Raises:
        InvalidInput: it is no number of an event.
    """
    given = request.headers.get("last-event-id")
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 20 and int(given) < 2**63):
        raise InvalidInput(
            "Last-Event-ID must be the id of an event",
            message_zh="Last-Event-ID 须为事件的 id",
            pointer="Last-Event-ID",
        )
    return int(given)


async def follow(
    state: ServiceState, view: View, reader: StreamReader, *, after: int | None
) -> AsyncIterator[bytes]:
    """An event for each thing the reader may know of, named as it is, until the service stops."""
    async with state.reading() as session:
        seen = await queries.newest_event(session) if after is None else after
    yield HEARTBEAT
    silent_s, loop = 0.0, asyncio.get_running_loop()
    ends_at = loop.time() + LONGEST_S
    while loop.time() < ends_at and (caller := await reader.now()) is not None:
        async with state.reading() as session:
            newest, news = await queries.events_after(session, caller.viewer, seen, limit=PORTION)
        moved, seen = newest > seen, newest
        for event, row in news:
            [told] = queries.describe_events([event], view.lang)
            document = orjson.dumps({**told, "alert": queries.describe_alert(row, view)})
            yield b"id: %d\nevent: %s\ndata: %s\n\n" % (event.id, event.kind.encode(), document)
            silent_s = 0.0
        if moved:
            # There may be more.
            continue
        if state.draining.is_set():
            return
        if silent_s >= HEARTBEAT_S:
            yield HEARTBEAT
            silent_s = 0.0
        await asyncio.sleep(POLL_S)
        silent_s += POLL_S


def shown_rule(
    rule: RuleDefinition, view: View, location: str | None = None
) -> Answer[models.AlertRule]:
    """A rule as a change has left it."""
    return Answer(models.AlertRule.of(rule, view), state=rule.state, location=location)


async def answer_alert(
    write: WriteContext,
    alert: int,
    how: answers.Answer,
    note: str,
    expected: frozenset[str] | None,
) -> Answer[models.Alert]:
    """Acknowledge or close an alert."""
    await answers.answer_alert(
        write.session, alert, how, note, identity=write.caller, act=write.act, expected=expected
    )
    return await show_alert(write, alert)


async def show_alert(context: Context, alert: int) -> Answer[models.Alert]:
    """An alert with all that happened to it, and its state."""
    session, viewer = context.session, context.caller.viewer
    row = await queries.find_alert(session, viewer, alert)
    told = queries.describe_alert(row, context)
    found = await founded_on(session, viewer, "alert", str(alert))
    shown = models.Alert(
        **told | {"links": [*told["links"], propose_link(context, alert=alert)]},
        events=queries.describe_events(await queries.list_events(session, alert), context.lang),
        proposals=name_proposals(found, context),
    )
    return Answer(shown, state=str(row[0].row_version))


alert_rules = APIRouter(tags=["monitoring"], route_class=Route)
Code = Annotated[str, Path(pattern=models.CODE, description="Code of the rule")]


@alert_rules.get("/alert-rules", summary="What raises warnings")
async def show_rules(read: Read[KnownReader]) -> models.AlertRules:
    """List the rules of the regions in which the caller has a role, and those of no region."""
    seen = await rules.list_rules(read.session, read.caller.viewer)
    found = [models.AlertRule.of(rule, read) for rule in seen]
    return models.AlertRules(rules=found, links=read.self_links("/alert-rules"))


@alert_rules.post("/alert-rules", summary="Make a rule", status_code=201)
async def create_rule(
    write: Write[Writer], new: JsonBody[models.NewRule]
) -> Answer[models.AlertRule]:
    """Make a rule; the newest values are judged by it at once."""
    found = await rules.create_rule(
        write.session, new.contents(), identity=write.caller, act=write.act
    )
    return shown_rule(found, write, location=f"/alert-rules/{new.code}")


@alert_rules.get("/alert-rules/{rule}", summary="One rule")
async def show_rule(read: Read[KnownReader], rule: Code) -> Answer[models.AlertRule]:
    """Show a rule."""
    found = await rules.find_rule(read.session, rule, read.caller.viewer)
    shown = models.AlertRule.of(found, read, read.self_links(f"/alert-rules/{rule}"))
    return Answer(shown, state=found.state)


@alert_rules.put("/alert-rules/{rule}", summary="Replace a rule")
async def put_rule(
    write: Write[Writer], rule: Code, expected: IfMatch, contents: JsonBody[models.RuleContents]
) -> Answer[models.AlertRule]:
    """Replace a rule: its open alerts are closed, and it starts anew."""
    found = await rules.replace_rule(
        write.session,
        rule,
        contents.contents(),
        identity=write.caller,
        act=write.act,
        expected=expected,
    )
    return shown_rule(found, write)


@alert_rules.delete("/alert-rules/{rule}", summary="End a rule", status_code=204)
async def delete_rule(write: Write[Writer], rule: Code, expected: IfMatch) -> None:
    """End a rule; its open alerts are closed, and alerts are kept."""
    await rules.drop_rule(
        write.session, rule, identity=write.caller, act=write.act, expected=expected
    )


router = APIRouter(tags=["monitoring"], route_class=Route)
AlertId = Annotated[int, Path(ge=1, le=2**63 - 1, description="Number of the alert")]
FILTERS = frozenset(
    {"status", "level", "rule", "kind", "subject", "station", "plan", "case", "region"}
)
PLAIN = r"^[^\x00]*$"


Subject = Literal[
    "station",
    "indicator",
    "case",
    "line",
    "duty",
    "balance",
    "settlement",
    "mine",
    "reclamation",
]


class AlertsQuery(LimitedQuery):
    """Parameters of the list of alerts."""

    status: Literal["open", "acknowledged", "closed"] | None = Field(
        None, description="Only alerts in this state"
    )
    level: models.Level | None = Field(None, description="Only alerts of this level")
    rule: str | None = Field(None, pattern=models.CODE, description="Only alerts of this rule")
    kind: Kind | None = Field(None, description="Only alerts of rules of this kind")
    subject: Subject | None = Field(None, description="Only alerts about subjects of this kind")
    station: str | None = Field(
        None, max_length=200, pattern=PLAIN, description="Only alerts at this station"
    )
    plan: str | None = Field(
        None, max_length=200, pattern=PLAIN, description="Only alerts about indicators of this plan"
    )
    case: str | None = Field(
        None, max_length=200, pattern=PLAIN, description="Only alerts about this case"
    )
    region: str | None = Field(
        None,
        max_length=200,
        pattern=PLAIN,
        description="Only alerts about what lies in this region or below it",
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
    read: Read[KnownReader], query: Annotated[AlertsQuery, Query()]
) -> models.Alerts:
    """List the alerts."""
    rows = await queries.list_alerts(
        read.session, read.caller.viewer, query.equal, limit=query.limit + 1, before=query.before
    )
    page, links = page_of(rows, query, read, "/alerts", lambda last: {"before": last[0].id})
    return models.Alerts(
        alerts=[models.Alert(**queries.describe_alert(row, read)) for row in page], links=links
    )


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
    events = follow(state, view, StreamReader(request, caller), after=last_event(request))
    return stream(events)


@router.get("/alerts/{alert}", summary="One alert")
async def show_one_alert(read: Read[KnownReader], alert: AlertId) -> Answer[models.Alert]:
    """Show an alert, and all that happened to it."""
    return await show_alert(read, alert)


@router.post("/alerts/{alert}/acknowledge", summary="Say that an alert is being looked after")
async def acknowledge(
    write: Write[Writer], alert: AlertId, expected: IfMatch, said: JsonBody[models.AlertNote]
) -> Answer[models.Alert]:
    """Acknowledge an open alert, with a note."""
    return await answer_alert(write, alert, "acknowledge", said.note, expected)


@router.post("/alerts/{alert}/comments", summary="Say something of an alert", status_code=201)
async def comment(
    write: Write[Writer], alert: AlertId, said: JsonBody[models.AlertNote]
) -> Answer[models.Alert]:
    """Add a note to what happened to an alert, which stays open, acknowledged or closed."""
    await answers.comment_alert(
        write.session, alert, said.note, identity=write.caller, act=write.act
    )
    return await show_alert(write, alert)


@router.post("/alerts/{alert}/close", summary="Close an alert by hand")
async def close(
    write: Write[Writer], alert: AlertId, expected: IfMatch, said: JsonBody[models.AlertNote]
) -> Answer[models.Alert]:
    """Close an alert, with a note; it is not opened again before things recover or get worse."""
    return await answer_alert(write, alert, "close", said.note, expected)
