"""Fetches observations from an MQTT broker, each until it is durable.

A message is acknowledged after the transaction that holds what it brought; the broker delivers
again what was not, to this worker or to the one that takes over, and what is there already is
counted as a duplicate. What cannot be used is counted and acknowledged, for it would come back for
ever.
"""

import asyncio
import random
from datetime import timedelta

import structlog

from shanhai.db.observations.group_commit import is_of_data
from shanhai.errors import InvalidInput
from shanhai.monitoring.observation import Batch
from shanhai.settings import MqttSettings
from shanhai_worker.context import Context
from shanhai_worker.feeds.intake import Intake, open_intake
from shanhai_worker.feeds.mqtt_connection import Connection, Message
from shanhai_worker.feeds.mqtt_messages import Topic, read_message
from shanhai_worker.feeds.one_of_many import run_in_one
from shanhai_worker.meters import Meters
from shanhai_worker.outages import DATABASE_ERRORS

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

WAY = "mqtt"
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0


async def run(context: Context, settings: MqttSettings, *, skew: timedelta) -> None:
    """Fetch for ever, in one worker of all that share the database."""
    await run_in_one(context.sessions, WAY, lambda: fetch(context, settings, skew))


async def fetch(context: Context, settings: MqttSettings, skew: timedelta) -> None:
    """Fetch for ever, connecting anew whenever the connection ends."""
    async with open_intake(context, WAY, skew=skew) as intake:
        await Fetcher(settings, intake, context.meters).run()


class Fetcher:
    """Brings what the broker delivers to be stored."""

    def __init__(self, settings: MqttSettings, intake: Intake, meters: Meters) -> None:
        self._settings = settings
        self._intake = intake
        self._meters = meters
        self._topics = [Topic.of(text) for text in settings.topics]
        self._pause_s = FIRST_PAUSE_S

    async def run(self) -> None:
        """Fetch for ever; pauses grow until the broker lets us in again."""
        while True:
            try:
                await self._fetch()
            except DATABASE_ERRORS as error:
                log.warning(
                    "connection to the broker ended", error=type(error).__name__, reason=str(error)
                )
            jitter = random.uniform(0.5, 1)  # noqa: S311  (no secret)
            await asyncio.sleep(self._pause_s * jitter)
            self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)

    async def _fetch(self) -> None:
        filters = [topic.filter for topic in self._topics]
        connected = self._meters.connections.labels(WAY)
        async with Connection(self._settings, filters) as connection:
            self._pause_s = FIRST_PAUSE_S
            with connected.track_inprogress():
                while True:
                    await self._deal_with(connection, await connection.messages())

    async def _deal_with(self, connection: Connection, messages: list[Message]) -> None:
        """Have messages stored and acknowledge them in their order.

        Raises:
            Exception: something that passes kept some from being stored.
        """
        batches = [self._batch_of(message) for message in messages]
        results = await asyncio.gather(
            *(self._intake.store(batch) for batch in batches), return_exceptions=True
        )
        for message, result in zip(messages, results, strict=True):
            if result is not None:
                if not is_of_data(result):
                    raise result
                self._refuse("not_stored", message, type(result).__name__)
            connection.acknowledge(message)

    def _batch_of(self, message: Message) -> Batch:
        """What can be stored of a message; the rest is counted."""
        if len(message.payload) > self._settings.message_limit_bytes:
            self._refuse("size", message, f"{len(message.payload)} bytes")
            return Batch.of([])
        try:
            reading = read_message(self._topics, message.topic, message.payload)
        except InvalidInput as error:
            self._refuse("topic", message, error.message)
            return Batch.of([])
        if reading.refused.number:
            first = reading.refused.told[0]
            why = f"{first.pointer} {first.detail}"
            self._refuse("row", message, why, reading.refused.number)
        return reading.batch()

    def _refuse(self, reason: str, message: Message, why: str, number: int = 1) -> None:
        self._meters.refused.labels(WAY, reason).inc(number)
        log.warning("not kept", reason=reason, number=number, topic=message.topic, why=why)
