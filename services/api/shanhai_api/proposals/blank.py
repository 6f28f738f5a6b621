"""A proposal to be filled in: what it is about and founded on, with the figures there are."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.alerts.queries import find_alert
from shanhai.db.identity import Viewer
from shanhai.db.indicators.plan_indicators import find_indicator, find_place, find_plan
from shanhai.db.indicators.targets import describe_target, read_targets
from shanhai_api.proposals.models import ProposalDraft
from shanhai_api.proposals.schemas import BlankQuery

EVIDENCE = ("alert", "case", "value")
REVISES = ("project", "programme", "plan", "indicator", "region", "scheme", "zone")


async def blank_proposal(session: AsyncSession, viewer: Viewer, query: BlankQuery) -> ProposalDraft:
    """A body for `POST /proposals` without the title, the reason and the change.

    Raises:
        NotFound: there is no such alert, plan or indicator the viewer may know of.
        InvalidInput: the region does not lie in the plan's.
    """
    given = query.model_dump(include={*EVIDENCE, *REVISES}, exclude_none=True)
    if query.alert is not None and given.keys().isdisjoint(REVISES):
        given = {**await _missed(session, viewer, query.alert), **given}
    change: dict[str, Any] = {}
    if "plan" in given and "indicator" in given:
        plan = await find_plan(session, given["plan"], viewer)
        listed = await find_indicator(session, plan, given["indicator"])
        place = await find_place(session, plan, given.get("region"), pointer="region")
        rows = await read_targets(session, plan.id, indicators=[listed.id], region_id=place.id)
        change = {"targets": [_stated(describe_target(row)) for row in rows]}
        given["region"] = place.code
    return ProposalDraft(
        title="",
        reason="",
        revises={name: given[name] for name in REVISES if name in given},
        change=change,
        evidence=[{name: given[name]} for name in EVIDENCE if name in given],
    )


async def _missed(session: AsyncSession, viewer: Viewer, alert_id: int) -> dict[str, str]:
    """The target an alert is about, where it is about one."""
    alert = await find_alert(session, viewer, alert_id)
    named = {"plan": alert.plan, "indicator": alert.indicator, "region": alert.region}
    return {} if alert.indicator is None else named


def _stated(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name != "revisions"}
