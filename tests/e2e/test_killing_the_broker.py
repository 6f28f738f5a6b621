"""Observations published to a broker that is killed are there once, if feeds repeat the last ones.

Mosquitto acknowledges a message before it has written it down. Whoever publishes therefore repeats,
after a broken connection, what was acknowledged in the second before; what came twice is a
duplicate.
"""

import asyncio
import os
import signal
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import orjson
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import text

from shanhai.local.servers import BROKER_USER
from shanhai.local.stack import Stack
from tests.e2e.conftest import wait_until
from tests.support.feeds import add_station
from tests.support.job_rows import open_sessions

STATION = "killed-broker"
START = datetime(2024, 1, 1, tzinfo=UTC)
UNANSWERED = 200
REPEATED_S = 1.0
KILLS = 2
BETWEEN = 800
"""Messages acknowledged before, between and after the kills."""
FOUND = text("""
  SELECT count(*) AS found, count(DISTINCT o.observed_at) AS times,
         (SELECT count(*) FROM observation_revision r WHERE r.station_id = s.id) AS revised
    FROM station s LEFT JOIN observation o ON o.station_id = s.id
   WHERE s.code = :station GROUP BY s.id
""")


@dataclass
class Publisher:
    """Publishes one observation after another; starts again where a connection broke.

    Attributes:
        acknowledged: When the broker took each observation, by its number.
        waiting: Numbers to be sent before new ones.
        next: The first number never sent.
    """

    stack: Stack
    acknowledged: dict[int, float] = field(default_factory=dict)
    waiting: deque[int] = field(default_factory=deque)
    next: int = 0
    breaks: int = 0
    done: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not (self.done.is_set() and not self.waiting):
            try:
                self._publish_until_broken()
            except OSError:
                time.sleep(0.05)

    def has_reached(self, number: int) -> bool:
        """Whether as many were sent."""
        return self.next >= number

    def _publish_until_broken(self) -> None:
        sent: dict[int, int] = {}
        broken: list[float] = []
        client = Client(CallbackAPIVersion.VERSION2)
        client.username_pw_set(BROKER_USER, self.stack.broker.password)
        client.max_inflight_messages_set(UNANSWERED)

        def taken(_client: Any, _data: Any, mid: int, *_: Any) -> None:
            self.acknowledged[sent[mid]] = time.monotonic()

        client.on_publish = taken
        client.on_disconnect = lambda *_: broken.append(time.monotonic())
        client.connect("127.0.0.1", self.stack.broker.port)
        client.loop_start()
        while not broken and not (self.done.is_set() and not self.waiting):
            if sum(number not in self.acknowledged for number in sent.values()) >= UNANSWERED:
                time.sleep(0.001)
                continue
            number = self.waiting.popleft() if self.waiting else self._new()
            self.acknowledged.pop(number, None)
            message = client.publish("shanhai/observations", self._payload(number), qos=1)
            sent[message.mid] = number
        if not broken:
            wait_until(lambda: all(n in self.acknowledged for n in sent.values()))
        client.on_disconnect = None
        client.disconnect()
        client.loop_stop()
        if broken:
            self.breaks += 1
            last = broken[0] - REPEATED_S
            self.waiting.extend(
                sorted(n for n in sent.values() if self.acknowledged.get(n, last) >= last)
            )

    def _new(self) -> int:
        self.next += 1
        return self.next - 1

    @staticmethod
    def _payload(number: int) -> bytes:
        at = START + timedelta(seconds=number)
        return orjson.dumps(
            {"station": STATION, "property": "water_level", "time": at, "value": number % 1000}
        )


async def make_station(url: str) -> None:
    async with open_sessions(url) as sessions:
        await add_station(sessions, STATION)


async def look_for(url: str) -> dict[str, int]:
    async with open_sessions(url) as sessions, sessions() as session:
        row = (await session.execute(FOUND, {"station": STATION})).one()
        return {"found": row.found, "doubled": row.found - row.times + row.revised}


def test_acknowledged_observations_outlive_the_broker(stack: Stack) -> None:
    asyncio.run(make_station(stack.database_url))
    publisher = Publisher(stack)
    thread = threading.Thread(target=publisher.run, daemon=True)
    thread.start()
    for _ in range(KILLS):
        wait_until(partial(publisher.has_reached, publisher.next + BETWEEN))
        process = stack.broker.process()
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        wait_until(lambda: not stack.broker.is_running())
        stack.broker.start()
    before = publisher.next
    wait_until(lambda: publisher.next >= before + BETWEEN)
    publisher.done.set()
    thread.join(30)
    assert not thread.is_alive()
    acknowledged = len(publisher.acknowledged)
    wait_until(lambda: asyncio.run(look_for(stack.database_url))["found"] >= acknowledged)
    seen = asyncio.run(look_for(stack.database_url))
    lost = acknowledged - seen["found"]
    print(  # noqa: T201 - the figures, for who asks what was tried
        f"acknowledged {acknowledged}, found {seen['found']}, lost {lost},"
        f" doubled {seen['doubled']}"
    )
    assert publisher.breaks >= KILLS
    assert acknowledged == publisher.next
    assert (lost, seen["doubled"]) == (0, 0)
