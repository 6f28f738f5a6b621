"""What can be done with observations: store them."""

from fastapi import Request

from shanhai.db.observations.ingest import IncomingBatch, Sender, store
from shanhai.monitoring.observation import MOST_TOLD, BatchOutcome
from shanhai_api.identity import Caller
from shanhai_api.observations.receiving import Received
from shanhai_api.once import HEADER, Made, once
from shanhai_api.state import ServiceState, UnitOfWork
from shanhai_api.view import View

GATHERED_ROWS = 200
"""Batches of no more rows share transactions with those of other requests."""


async def keep(
    state: ServiceState, request: Request, view: View, caller: Caller, received: Received
) -> Made:
    """Store what was received, and tell what became of it.

    A large batch has a transaction of its own, and so has one whose answer is kept for replays.
    """
    delivery = IncomingBatch(received.batch, Sender("http", caller))
    if len(received.batch) <= GATHERED_ROWS and HEADER not in request.headers:
        outcome = await state.gathering.store(delivery)
        return _made(state, view, outcome, received)
    async with state.unit() as unit:
        return await once(
            request,
            unit,
            caller,
            body_sha256=received.sha256,
            effect=lambda: _store(state, unit, view, delivery, received),
        )


async def _store(
    state: ServiceState, unit: UnitOfWork, view: View, delivery: IncomingBatch, received: Received
) -> Made:
    skew = state.configuration.observations.skew
    outcome = await store(
        unit.session, delivery.batch, delivery.sender, skew=skew, files=state.store
    )
    return _made(state, view, outcome, received)


def _made(state: ServiceState, view: View, outcome: BatchOutcome, received: Received) -> Made:
    """The answer, counted."""
    document = describe(outcome, received, view.lang)
    counted = {
        "accepted": outcome.accepted,
        "duplicate": outcome.duplicates,
        "revised": outcome.revised,
        "rejected": received.refused.number + outcome.rejected.number,
    }
    for name, number in counted.items():
        state.metrics.observations.labels(name).inc(number)
    return Made(document, status=202)


def describe(outcome: BatchOutcome, received: Received, lang: str) -> dict[str, object]:
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
