"""One connection to an MQTT broker, for as long as it lasts.

paho's network loop runs in a thread of its own and hands over what arrives. There is a client for
each connection: numbers of messages begin anew with every connection, so an acknowledgement that
comes late must not reach another message of the same number on the next one.
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from shanhai.settings import MqttSettings

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

QOS = 1
PORTS = {"mqtt": 1883, "mqtts": 8883}
CONNECT_S = 15.0
"""Seconds for the broker to accept connection and subscriptions."""
MOST_HELD = 64 * 2**20
"""Bytes taken from the network and not dealt with; then the broker has to wait."""
BESIDE = 4096  # bytes that a message counts beside its payload
MOST_AT_ONCE = 2_000
STOP_LOOK_S = 0.2


class ConnectionLost(ConnectionError):
    """The broker refused or ended the connection."""


@dataclass(frozen=True, slots=True)
class MqttMessage:
    """What the broker delivered; `number` names it on its connection until it is acknowledged, and
    one that is `retained` was published before this connection subscribed. Of a payload larger than
    the settings allow, `size` bytes, nothing is kept."""

    topic: str
    payload: bytes
    number: int
    qos: int
    retained: bool
    size: int


class BrokerConnection:
    """Fetches messages, each of which stays with the broker until it is acknowledged.

    Args:
        filters: The topics to fetch.

    Used as a context manager, which connects and disconnects.
    """

    def __init__(self, settings: MqttSettings, filters: Sequence[str]) -> None:
        self._settings = settings
        self._filters = filters
        self._loop = asyncio.get_running_loop()
        self._held: deque[MqttMessage] = deque()
        self._room, self._taken = threading.Condition(), 0
        self._closing = threading.Event()
        self._lost: str | None = None
        self._ready = False
        self._news = asyncio.Event()
        self._client = self._make_client()

    async def __aenter__(self) -> "BrokerConnection":
        try:
            await asyncio.to_thread(self._connect)
            self._client.loop_start()
            async with asyncio.timeout(CONNECT_S):
                while not self._ready:
                    await self._next_news()
        except BaseException:
            self._close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._close()

    async def messages(self) -> list[MqttMessage]:
        """Wait for messages; those that have arrived, in their order, up to `MOST_AT_ONCE`.

        Raises:
            ConnectionLost: there is no connection any more. What was not acknowledged comes again.
        """
        while not self._held:
            await self._next_news()
        self._check()
        return [self._held.popleft() for _ in range(min(len(self._held), MOST_AT_ONCE))]

    def acknowledge(self, message: MqttMessage) -> None:
        """Let the broker forget a message; they are acknowledged in the order they arrived in."""
        if message.qos:
            self._client.ack(message.number, message.qos)
        with self._room:
            self._taken -= len(message.payload) + BESIDE
            self._room.notify()

    async def _next_news(self) -> None:
        self._check()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.keepalive_s):
                await self._news.wait()
        self._news.clear()
        if self._ready and not self._client.is_connected():
            self._lost = self._lost or "the connection has ended"
        self._check()

    def _check(self) -> None:
        if self._lost is not None:
            raise ConnectionLost(self._lost)

    def _make_client(self) -> Client:
        settings = self._settings
        five = settings.version == "5"
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=settings.client_id,
            clean_session=None if five else False,
            protocol=MQTTv5 if five else MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        parts = urlsplit(settings.url.get_secret_value())
        if parts.username is not None:
            client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
        if parts.scheme == "mqtts":
            client.tls_set(
                _text(settings.tls_ca), _text(settings.tls_cert), _text(settings.tls_key)
            )
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        return client

    def _connect(self) -> None:
        parts = urlsplit(self._settings.url.get_secret_value())
        options: dict[str, Any] = {}
        if self._settings.version == "5":
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = self._settings.session_s
            properties.ReceiveMaximum = MOST_AT_ONCE
            options = {"clean_start": False, "properties": properties}
        self._client.connect(
            str(parts.hostname),
            parts.port or PORTS[parts.scheme],
            self._settings.keepalive_s,
            **options,
        )

    def _close(self) -> None:
        self._closing.set()
        self._client.disconnect()
        self._client.loop_stop()

    # What follows is called by paho's thread.

    def _on_connect(
        self, client: Client, _: Any, flags: ConnectFlags, reason: ReasonCode, __: Any
    ) -> None:
        if reason.is_failure:
            self._tell(lambda: self._note_lost(str(reason)))
            return
        log.info("connected to the broker", session_present=flags.session_present)
        client.subscribe([(topic, QOS) for topic in self._filters])

    def _on_subscribe(
        self, _: Client, __: Any, ___: int, reasons: list[ReasonCode], ____: Any
    ) -> None:
        refused = [
            topic
            for topic, reason in zip(self._filters, reasons, strict=False)
            if reason.is_failure
        ]
        self._tell(
            lambda: (
                self._note_lost(f"subscription refused: {', '.join(refused)}")
                if refused
                else self._note_ready()
            )
        )

    def _on_message(self, _: Client, __: Any, message: MQTTMessage) -> None:
        size = len(message.payload)
        payload = b"" if size > self._settings.message_limit_bytes else bytes(message.payload)
        found = MqttMessage(message.topic, payload, message.mid, message.qos, message.retain, size)
        with self._room:
            while self._taken >= MOST_HELD:
                self._room.wait(STOP_LOOK_S)
                if self._closing.is_set():
                    return
            self._taken += len(payload) + BESIDE
        self._tell(lambda: self._note_arrived(found))

    def _on_disconnect(
        self, _: Client, __: Any, ___: DisconnectFlags, reason: ReasonCode, ____: Any
    ) -> None:
        self._tell(lambda: self._note_lost(str(reason)))

    def _tell(self, note: Callable[[], None]) -> None:
        # A loop that is closed has nobody left to tell.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(note)

    # And this again by the event loop.

    def _note_ready(self) -> None:
        self._ready = True
        self._news.set()

    def _note_lost(self, reason: str) -> None:
        self._lost = self._lost or reason  # the first says why
        self._news.set()

    def _note_arrived(self, message: MqttMessage) -> None:
        self._held.append(message)
        self._news.set()


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
