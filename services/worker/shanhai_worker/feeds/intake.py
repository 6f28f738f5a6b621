"""Where feeds bring their observations; what became of them is counted and logged."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog

from shanhai.db.identity import Identity
from shanhai.db.observations.feeds import GroupCommit
from shanhai.db.observations.ingest import IncomingBatch, Sender
from shanhai.monitoring.observation import Batch, BatchOutcome, FeedObservation, RefusedRows
from shanhai.vocabulary import Scope
from shanhai_worker.context import WorkerContext, is_outage, outlast
from shanhai_worker.metrics import WorkerMetrics

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Intake:
    """Takes the observations that come by one way.

    Args:
        way: How they come, as `observation_source` names it.
    """

    def __init__(self, gathering: GroupCommit, meters: WorkerMetrics, way: str) -> None:
        self._gathering = gathering
        self._counters = {
            name: meters.observations.labels(way, name)
            for name in ("accepted", "duplicate", "revised", "rejected")
        }
        self._sender = Sender(way, Identity(way, frozenset({Scope.OBSERVE})))

    async def store(
        self, batch: Batch | Sequence[FeedObservation], unread: RefusedRows | None = None
    ) -> None:
        """Wait until the batch is durable; its refused rows are counted and logged.

        Args:
            unread: What could not be read; it is noted as refused, too.

        Raises:
            Exception: What kept it from being stored.
        """
        unread = unread or RefusedRows()
        if not len(batch) and not unread.number:
            return
        try:
            outcome = await self._gathering.store(IncomingBatch(batch, self._sender, unread))
        except Exception as error:
            log.warning(
                "observations not stored",
                way=self._sender.kind,
                rows=len(batch),
                error=type(error).__name__,
                exc_info=not is_outage(error),
            )
            raise
        self._count(outcome)

    def _count(self, outcome: BatchOutcome) -> None:
        rejected = outcome.rejected.number
        counts = (outcome.accepted, outcome.duplicates, outcome.revised, rejected)
        for counter, number in zip(self._counters.values(), counts, strict=True):
            if number:
                counter.inc(number)
        if rejected:
            log.warning(
                "observations rejected",
                way=self._sender.kind,
                number=rejected,
                first=outcome.rejected.told[0].detail,
            )


@asynccontextmanager
async def open_intake(
    context: WorkerContext, way: str, *, skew: timedelta
) -> AsyncIterator[Intake]:
    """A place to bring observations to; an outage of the database is outlasted.

    Args:
        skew: How far ahead of the clock a time may be.
    """
    gathering = GroupCommit(
        context.sessions, skew=skew, files=context.artifacts, persist=outlast, transactions=2
    )
    try:
        yield Intake(gathering, context.meters, way)
    finally:
        await gathering.close()
