"""`/plans/{plan}/package`: everything of a plan in one file."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from shanhai.db.indicators.plan_indicators import find_plan
from shanhai_api.dependencies import PageQuery, Reader, ReadSession, TheView, act_of
from shanhai_api.plans.packaging import ZIP, demand_insider, respond_package
from shanhai_api.state import state_of

router = APIRouter(tags=["records"])


@router.get(
    "/plans/{plan}/package",
    summary="Everything of a plan in one file",
    response_class=Response,
    responses={200: {"content": {ZIP: {"schema": {"type": "string", "format": "binary"}}}}},
)
async def get_package(
    view: TheView,
    caller: Reader,
    plan: str,
    query: Annotated[PageQuery, Query()],
    session: ReadSession,
) -> Response:
    """Give a zip of rows as JSON, a GeoPackage and the documents, with a checksum for each.

    The same state of a plan gives the same bytes; `import-plan` rebuilds the plan from them.
    """
    seen = await find_plan(session, plan, caller.viewer)
    demand_insider(caller, seen)
    return await respond_package(state_of(view.request), seen, act_of(caller, view))
