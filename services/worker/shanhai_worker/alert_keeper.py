"""Evaluates the rules of early warning: what changed soon after, and what just happens by time.

Any number of workers may do this at once; one at a time evaluates.
"""

import asyncio
import time
from datetime import UTC, datetime

import structlog

from shanhai.db.alerts.evaluation_queue import note_all_lines, note_all_plans
from shanhai.db.alerts.notifications import send_notices
from shanhai.db.alerts.observation_evaluation import end_expired, evaluate_changes, evaluate_silence
from shanhai.db.alerts.plan_evaluation import evaluate_cases, evaluate_lines, evaluate_plans
from shanhai_worker.context import Context
from shanhai_worker.outages import DATABASE_ERRORS

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

LOOK_S = 1.0
"""Seconds between looks for what has changed, while there is nothing."""
SILENCE_S = 10.0
PLANS_S = 600.0
"""A year that begins, a plan that is approved and a project that is accepted count by then."""
CHANGES = (evaluate_changes, evaluate_plans, evaluate_cases, evaluate_lines)


async def run(context: Context) -> None:
    """Evaluate for ever."""
    silence_at = plans_at = float("-inf")
    while True:
        done = 0
        try:
            for evaluate in CHANGES:
                async with context.sessions.begin() as session:
                    done += await evaluate(session)
            async with context.sessions.begin() as session:
                done += await send_notices(session, datetime.now(UTC))
            if time.monotonic() - silence_at >= SILENCE_S:
                silence_at = time.monotonic()
                for look in (evaluate_silence, end_expired):
                    async with context.sessions.begin() as session:
                        await look(session)
            if time.monotonic() - plans_at >= PLANS_S:
                plans_at = time.monotonic()
                async with context.sessions.begin() as session:
                    await note_all_plans(session)
                    await note_all_lines(session)
        except DATABASE_ERRORS as error:
            log.warning("no rule evaluated", error=type(error).__name__)
        await asyncio.sleep(0 if done else LOOK_S)
