"""What can be done with observations: store them."""

from fastapi import Request

from shanhai.db.observations.ingest import Sender, store
from shanhai.monitoring.observation import MOST_TOLD, Outcome
from shanhai_api.identity import Caller
from shanhai_api.observations.receiving import Received
from shanhai_api.once import Made, once
from shanhai_api.state import State, Unit
from shanhai_api.view import View


async def keep(
    state: State, request: Request, view: View, caller: Caller, received: Received
) -> Made:
    """Store what was received in one transaction, and tell what became of it."""
    async with state.unit() as unit:
        return await once(
            request,
            unit,
            caller,
            body_sha256=received.sha256,
            effect=lambda: _store(state, unit, view, caller, received),
        )


async def _store(state: State, unit: Unit, view: View, caller: Caller, received: Received) -> Made:
    outcome = await store(
        unit.session,
        received.batch,
        Sender("http", caller),
        skew=state.configuration.observations.skew,
    )
    return Made(describe(outcome, received, view.lang), status=202)


def describe(outcome: Outcome, received: Received, lang: str) -> dict[str, object]:
    """What became of the rows; as many of the refused ones are named as fit an answer."""
    told = [*received.refused.told, *outcome.rejected.told]
    told.sort(key=lambda rejection: rejection.index)
    return {
        "accepted": outcome.accepted,
        "duplicates": outcome.duplicates,
        "revised": outcome.revised,
        "rejected": [rejection.told(lang) for rejection in told[:MOST_TOLD]],
        "rejected_count": received.refused.number + outcome.rejected.number,
    }
