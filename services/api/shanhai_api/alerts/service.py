"""What can be done with rules and alerts."""

from shanhai.db.alerts import acknowledge
from shanhai.db.alerts.queries import find_alert, list_events
from shanhai.db.alerts.rules import RuleDefinition
from shanhai.db.alerts.serialization import describe_alert, describe_events
from shanhai.db.proposals.queries import founded_on
from shanhai_api.alerts.models import Alert, AlertRule
from shanhai_api.kit.answers import Answer
from shanhai_api.kit.writing import Context, WriteContext
from shanhai_api.proposal_links import name_proposals, propose_link
from shanhai_api.view import View


def shown_rule(rule: RuleDefinition, view: View, location: str | None = None) -> Answer[AlertRule]:
    """A rule as a change has left it."""
    return Answer(AlertRule.of(rule, view), state=rule.state, location=location)


async def answer_alert(
    write: WriteContext,
    alert: int,
    how: acknowledge.Answer,
    note: str,
    expected: frozenset[str] | None,
) -> Answer[Alert]:
    """Acknowledge or close an alert."""
    await acknowledge.answer_alert(
        write.session, alert, how, note, identity=write.caller, act=write.act, expected=expected
    )
    return await show_alert(write, alert)


async def show_alert(context: Context, alert: int) -> Answer[Alert]:
    """An alert with all that happened to it, and its state."""
    session, viewer = context.session, context.caller.viewer
    row = await find_alert(session, viewer, alert)
    told = describe_alert(row, context)
    found = await founded_on(session, viewer, "alert", str(alert))
    shown = Alert(
        **told | {"links": [*told["links"], propose_link(context, alert=alert)]},
        events=describe_events(await list_events(session, alert), context.lang),
        proposals=name_proposals(found, context),
    )
    return Answer(shown, state=str(row[0].row_version))
