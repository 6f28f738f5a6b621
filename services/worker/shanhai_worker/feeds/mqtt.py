"""Fetches observations from an MQTT broker, each until it is durable.

A message is acknowledged after the transaction that holds what it brought; the broker delivers
again what was not, to this worker or to the one that takes over, and what is there already is
counted as a duplicate. What cannot be used is counted and acknowledged, for it would come back for
ever. Many messages are read and stored as one.
"""

import asyncio
import random
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

import orjson
import structlog
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shanhai.db.engine import Sessions, is_of_data
from shanhai.db.observations.feeds import MOST_ROWS
from shanhai.errors import InvalidInput, LimitExceeded, Unavailable
from shanhai.monitoring.observation import RefusedRows, Rejection
from shanhai.monitoring.observation_formats import NUMBER, ParsedRows, ndjson_rows
from shanhai.settings import MqttSettings
from shanhai.shutdown import end
from shanhai_worker.context import DATABASE_ERRORS, WorkerContext
from shanhai_worker.feeds.intake import Intake, open_intake
from shanhai_worker.feeds.mqtt_connection import BrokerConnection, MqttMessage
from shanhai_worker.metrics import WorkerMetrics

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

TRY_S = 2.0
"""Seconds between attempts to become the one."""
CHECK_S = 5.0
"""Seconds between proofs that the lock is still held: the connection that holds it lives."""


async def run_in_one(sessions: Sessions, name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Do the work, which goes on for ever, in the worker that holds the lock called `name`.

    The lock belongs to a connection, so PostgreSQL frees it as soon as its worker is gone. For some
    seconds after a lost connection two workers may do the work.
    """
    while True:
        try:
            async with sessions() as session:
                # Outside transactions: one that lasts would hold up the clearing of old rows.
                connection = await session.connection(
                    execution_options={"isolation_level": "AUTOCOMMIT"}
                )
                if await _take(connection, name):
                    log.info("doing work of one", work=name)
                    try:
                        await _work_while_held(connection, work)
                    finally:
                        # Ends the connection, and so the lock, even where it no longer answers.
                        await connection.invalidate()
        except DATABASE_ERRORS as error:
            log.warning("work of one interrupted", work=name, error=type(error).__name__)
        await asyncio.sleep(TRY_S)


async def _take(connection: AsyncConnection, name: str) -> bool:
    key = func.hashtextextended(f"one_of_many {name}", 0)
    return bool(await connection.scalar(select(func.pg_try_advisory_lock(key))))


async def _work_while_held(
    connection: AsyncConnection, work: Callable[[], Awaitable[None]]
) -> None:
    async def working() -> None:
        await work()

    task = asyncio.create_task(working())
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=CHECK_S)
            await connection.execute(text("SELECT 1"))
    finally:
        await end(task)


STATION, PROPERTY = "{station}", "{property}"
PLACES = frozenset({STATION, PROPERTY})
LONGEST_NUMBER = 64
"""Bytes of a payload that is nothing but a number."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of the settings, by its levels."""

    levels: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "Topic":
        """The topic as settings write it."""
        return cls(tuple(text.split("/")))

    @property
    def filter(self) -> str:
        """What is asked of the broker."""
        return "/".join("+" if level in PLACES else level for level in self.levels)

    def match(self, topic: str) -> dict[str, str] | None:
        """Station and property that `topic` names, as far as this one asks; None where it is not
        one of these."""
        given = topic.split("/")
        levels = self.levels
        if levels[-1] == "#":
            levels, given = levels[:-1], given[: len(levels) - 1]
        if len(given) != len(levels):
            return None
        named: dict[str, str] = {}
        for level, word in zip(levels, given, strict=True):
            if level in PLACES:
                named[level.strip("{}")] = word
            elif level not in {"+", word}:
                return None
        return named


class Timeless(InvalidInput):
    """A retained number: what the broker sends at every subscription was not measured then."""


def read_message(
    topics: Sequence[Topic], topic: str, payload: bytes, *, now: datetime | None
) -> list[Any]:
    """The rows of a message that was published `now`, as `ParsedRows` takes them.

    Where the topic names station and property, the payload's rows need not, and a number alone is
    a value of that time. Else it is JSON or NDJSON as the body of POST /observations.

    Raises:
        InvalidInput: no topic of the settings fits.
        Timeless: it is a number alone, and nobody knows when it was published (None).
    """
    named = next((found for one in topics if (found := one.match(topic)) is not None), None)
    if named is None:
        raise InvalidInput(
            f"no configured topic fits {topic[:200]!r}",
            message_zh=f"没有与 {topic[:200]!r} 相符的主题设置",
        )
    number = payload.decode("ascii", "replace").strip() if len(payload) <= LONGEST_NUMBER else ""
    if named and NUMBER.fullmatch(number):
        if now is None:
            about = "a retained number has no time of its own", "保留消息中的单个数值没有自己的时间"
            raise Timeless(about[0], message_zh=about[1])
        return [{**named, "time": now.isoformat(), "value": float(number)}]
    rows = _rows_of(payload)
    return [{**row, **named} if isinstance(row, dict) else row for row in rows] if named else rows


def _rows_of(payload: bytes) -> list[Any]:
    try:
        document = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return ndjson_rows(payload.replace(b"\r\n", b"\n").strip())
    return document if isinstance(document, list) else [document]


WAY = "mqtt"
REASONS = {LimitExceeded: "size", Timeless: "retained"}
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0


async def run_fetcher(context: WorkerContext, settings: MqttSettings, *, skew: timedelta) -> None:
    """Fetch for ever, in one worker of all that share the database."""
    await run_in_one(context.sessions, WAY, lambda: fetch(context, settings, skew))


async def fetch(context: WorkerContext, settings: MqttSettings, skew: timedelta) -> None:
    """Fetch for ever, connecting anew whenever the connection ends."""
    async with open_intake(context, WAY, skew=skew) as intake:
        await Fetcher(settings, intake, context.meters).run()


@dataclass(frozen=True, slots=True)
class _Read:
    """A message, and its rows; or why there are none."""

    message: MqttMessage
    rows: Sequence[Any] = ()
    refused: tuple[Rejection, ...] = ()


class Fetcher:
    """Brings what the broker delivers to be stored."""

    def __init__(self, settings: MqttSettings, intake: Intake, meters: WorkerMetrics) -> None:
        self._settings = settings
        self._intake = intake
        self._meters = meters
        self._topics = [Topic.of(text) for text in settings.topics]
        self._pause_s = FIRST_PAUSE_S

    async def run(self) -> None:
        """Fetch for ever; pauses grow until messages are dealt with again."""
        while True:
            try:
                await self._fetch()
            except (Unavailable, *DATABASE_ERRORS) as error:
                log.warning(
                    "connection to the broker ended", error=type(error).__name__, reason=str(error)
                )
            jitter = random.uniform(0.5, 1)  # noqa: S311  (no secret)
            await asyncio.sleep(self._pause_s * jitter)
            self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)

    async def _fetch(self) -> None:
        filters = [topic.filter for topic in self._topics]
        connected = self._meters.connections.labels(WAY)
        async with BrokerConnection(self._settings, filters) as connection:
            with connected.track_inprogress():
                while True:
                    await self._deal_with(connection, await connection.messages())
                    self._pause_s = FIRST_PAUSE_S

    async def _deal_with(self, connection: BrokerConnection, messages: list[MqttMessage]) -> None:
        """Have messages stored and acknowledge them in their order.

        Raises:
            Exception: something that passes kept some from being stored.
        """
        for portion in _portions([self._read(message) for message in messages]):
            await self._store(portion)
            for one in portion:
                connection.acknowledge(one.message)

    def _read(self, message: MqttMessage) -> _Read:
        size, now = message.size, None if message.retained else datetime.now(UTC)
        try:
            if size > self._settings.message_limit_bytes:
                about = f"a message of {size} bytes is too large", f"消息过大：{size} 字节"
                raise LimitExceeded(about[0], message_zh=about[1])
            rows = read_message(self._topics, message.topic, message.payload, now=now)
        except InvalidInput as error:
            self._refuse(REASONS.get(type(error), "topic"), message, error.message)
            return _Read(message, refused=(Rejection(0, "", error.message, error.message_zh),))
        return _Read(message, rows)

    async def _store(self, portion: Sequence[_Read]) -> None:
        """Store what messages bring as one; each for itself where one of them stands against that.

        Raises:
            Exception: something that passes kept some from being stored.
        """
        reading = ParsedRows()
        reading.take([row for one in portion for row in one.rows])
        refused = reading.refused
        if len(portion) > 1 and refused.number > len(refused.told):
            await self._store_each(portion)
            return
        unread = RefusedRows(refused.number, [*refused.told])
        unread.add(rejection for one in portion for rejection in one.refused)
        try:
            await self._intake.store(reading.batch(), unread)
        except Exception as error:
            if not is_of_data(error):
                raise
            if len(portion) > 1:
                await self._store_each(portion)
                return
            if isinstance(error, Unavailable):
                raise
            self._refuse("not_stored", portion[0].message, type(error).__name__)
        self._tell_refused(portion, refused)

    async def _store_each(self, portion: Sequence[_Read]) -> None:
        results = await asyncio.gather(
            *(self._store([one]) for one in portion), return_exceptions=True
        )
        for result in results:
            if result is not None:
                raise result

    def _tell_refused(self, portion: Sequence[_Read], refused: RefusedRows) -> None:
        """Count the refused rows of each message, and tell of its first one."""
        ends = [*accumulate(len(one.rows) for one in portion)]
        of_message: dict[int, list[Rejection]] = {}
        for rejection in refused.told:
            of_message.setdefault(bisect_right(ends, rejection.index), []).append(rejection)
        untold = refused.number - len(refused.told)
        for number, rejections in of_message.items():
            first = rejections[0]
            why = f"{first.pointer} {first.detail}"
            self._refuse("row", portion[number].message, why, len(rejections) + untold)

    def _refuse(self, reason: str, message: MqttMessage, why: str, number: int = 1) -> None:
        self._meters.refused.labels(WAY, reason).inc(number)
        log.warning("not kept", reason=reason, number=number, topic=message.topic, why=why)


def _portions(read: Sequence[_Read]) -> Iterator[list[_Read]]:
    """Messages whose rows one transaction can hold."""
    portion: list[_Read] = []
    rows = 0
    for one in read:
        if portion and rows + len(one.rows) > MOST_ROWS:
            yield portion
            portion, rows = [], 0
        portion.append(one)
        rows += len(one.rows)
    if portion:
        yield portion
