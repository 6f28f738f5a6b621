"""What can be done with rules and alerts."""

from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.alerts import answering, rules
from shanhai.db.alerts.reading import find_alert, list_events
from shanhai.db.alerts.telling import describe_alert, describe_events
from shanhai.db.proposals.reading import founded_on
from shanhai.db.queries.audit import Act
from shanhai_api.alerts.documents import describe_rule
from shanhai_api.alerts.schemas import NewRule
from shanhai_api.identity import Caller
from shanhai_api.once import Made
from shanhai_api.proposing import name_proposals, propose_link
from shanhai_api.view import View, entity_tag


async def make_rule(
    session: AsyncSession, new: NewRule, *, caller: Caller, view: View, act: Act
) -> Made:
    """Make a rule."""
    rule = await rules.create_rule(session, new.contents(), identity=caller, act=act)
    made = told_rule(rule, view, 201)
    return Made(
        made.content, {**made.headers, "Location": f"{view.base}/alert-rules/{new.code}"}, 201
    )


def told_rule(rule: rules.Rule, view: View, status: int = 200) -> Made:
    """A rule as a change has left it."""
    content = describe_rule(rule, view.lang)
    tag = entity_tag(rule.state, orjson.dumps(content))
    return Made(content, {"ETag": f'"{tag}"'}, status)


async def answer(
    session: AsyncSession,
    alert_id: int,
    how: answering.Answer,
    note: str,
    *,
    caller: Caller,
    view: View,
    act: Act,
    expected: frozenset[str] | None,
) -> Made:
    """Acknowledge or close an alert."""
    await answering.answer_alert(
        session, alert_id, how, note, identity=caller, act=act, expected=expected
    )
    content, state = await show_alert(session, alert_id, view, caller)
    return Made(content, {"ETag": f'"{entity_tag(state, orjson.dumps(content))}"'}, 200)


async def show_alert(
    session: AsyncSession, alert_id: int, view: View, caller: Caller
) -> tuple[dict[str, Any], str]:
    """An alert with all that happened to it, and its state."""
    row = await find_alert(session, caller.viewer, alert_id)
    events = describe_events(await list_events(session, alert_id), view.lang)
    told = describe_alert(row, view)
    found = await founded_on(session, caller.viewer, "alert", str(alert_id))
    document = {
        **told,
        "events": events,
        "proposals": name_proposals(found, view),
        "links": [*told["links"], propose_link(view, alert=alert_id)],
    }
    return document, str(row[0].row_version)
