"""The devices that may push telegrams, known without asking the database for each."""

import asyncio
import sys
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import timedelta

import structlog
from uvicorn.config import STARTUP_FAILURE

from shanhai.db.engine import Sessions
from shanhai.db.observations.feeds import Device, read_devices
from shanhai.errors import InvalidInput
from shanhai.monitoring.hj212.frame import FrameReader, frame
from shanhai.monitoring.hj212.packet import (
    NOTICES,
    UPLOADS,
    Joiner,
    Packet,
    answer_to,
    read_packet,
    readings,
)
from shanhai.monitoring.observation import FeedObservation, RefusedRows, Rejection
from shanhai.overload import parse_address
from shanhai.settings import Hj212Settings
from shanhai.shutdown import end
from shanhai_worker.context import DATABASE_ERRORS, WorkerContext
from shanhai_worker.feeds.intake import Intake, open_intake
from shanhai_worker.metrics import WorkerMetrics

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

KNOWN_S = 5.0
"""Seconds for which what was read is believed: how soon a new device may push."""


class Devices:
    """The devices as they were within the last seconds; during an outage as they were before it."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._known: Mapping[str, tuple[Device, ...]] = {}
        self._read_at: float | None = None
        self._reading = asyncio.Lock()

    async def named(self, code: str) -> tuple[Device, ...]:
        """The series of a device, none for a stranger."""
        async with self._reading:
            if self._read_at is None or time.monotonic() - self._read_at > KNOWN_S:
                await self._read()
                self._read_at = time.monotonic()
        return self._known.get(code, ())

    async def _read(self) -> None:
        try:
            async with self._sessions() as session:
                rows = await read_devices(session)
        except DATABASE_ERRORS as error:
            log.warning("devices not read", error=type(error).__name__)
            return
        known: dict[str, tuple[Device, ...]] = {}
        for device in rows:
            known[device.code] = (*known.get(device.code, ()), device)
        self._known = known


WAY = "hj212"
PIECE = 64 * 1024
"""Bytes taken from a connection at a time; what they bring is stored together."""
WRITE_S = 10.0
"""Seconds a device has to take its answers."""
MOST_REFUSED = 100
"""Things refused in a row after which a connection is closed: no device sends only these."""
MOST_RECENT = 50_000


class Recent:
    """The last telegrams stored, by device, system, command, number and hash of the content: the
    clock of some is so coarse that a number comes more than once."""

    def __init__(self) -> None:
        self._keys: OrderedDict[tuple[str, str, str, str, int], None] = OrderedDict()

    def __contains__(self, packet: Packet) -> bool:
        return _key(packet) in self._keys

    def add(self, packet: Packet) -> None:
        """Note that a telegram is durable."""
        self._keys[_key(packet)] = None
        if len(self._keys) > MOST_RECENT:
            self._keys.popitem(last=False)


class DeviceConnection:
    """Reads telegrams, has them stored, and answers."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        settings: Hj212Settings,
        intake: Intake,
        devices: Devices,
        recent: Recent,
        meters: WorkerMetrics,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._settings = settings
        self._intake = intake
        self._devices = devices
        self._recent = recent
        self._meters = meters
        self._frames = FrameReader(longest=settings.longest_segment)
        self._joiner = Joiner()
        self._refused_in_row = 0

    async def run(self) -> None:
        """Serve until the device hangs up.

        Raises:
            TimeoutError: it was silent for too long, or does not take its answers.
            ConnectionError: the connection broke.
        """
        while self._refused_in_row < MOST_REFUSED:
            async with asyncio.timeout(self._settings.idle_s):
                piece = await self._reader.read(PIECE)
            if not piece:
                return
            answers = await self._answers_to(piece)
            if answers:
                self._writer.write(answers)
                async with asyncio.timeout(WRITE_S):
                    await self._writer.drain()

    async def _answers_to(self, piece: bytes) -> bytes:
        """What is to be sent back, after what `piece` brought has been stored."""
        rows: list[FeedObservation] = []
        unread = RefusedRows()
        handled: list[Packet] = []
        for segment in self._segments_in(piece):
            packet = self._packet_in(segment)
            devices = () if packet is None else await self._devices.named(packet.device)
            whole = None if packet is None else self._admit(packet, devices)
            found = None if whole is None else self._rows_of(whole, devices, unread)
            if whole is not None and found is not None:
                handled.append(whole)
                rows.extend(found)
        try:
            await self._intake.store(rows, unread)
        except Exception:
            # Logged where it was met. Without an answer they will be sent again.
            self._note("not_stored", len(handled))
            return b""
        for packet in handled:
            self._recent.add(packet)
        answers = (answer_to(packet) for packet in handled)
        return b"".join(frame(answer.segment()) for answer in answers if answer is not None)

    def _segments_in(self, piece: bytes) -> list[bytes]:
        before = self._frames.faults.copy()
        segments = self._frames.feed(piece)
        for fault, number in (self._frames.faults - before).items():
            self._refuse(fault.value, number)
        return segments

    def _packet_in(self, segment: bytes) -> Packet | None:
        try:
            return read_packet(segment)
        except InvalidInput as error:
            self._refuse("fields")
            log.warning("telegram not read", reason=error.message)
            return None

    def _admit(self, packet: Packet, devices: Sequence[Device]) -> Packet | None:
        """The whole packet, once there is one, of a device that is known and proves to be it."""
        if not devices:
            self._refuse("device")
            log.warning("telegram of an unknown device", device=packet.device)
            return None
        if not any(device.knows(packet.password) for device in devices):
            self._refuse("password")
            log.warning("telegram with a wrong password", device=packet.device)
            return None
        self._refused_in_row = 0
        before = self._joiner.abandoned
        whole = self._joiner.add(packet, now_s=time.monotonic())
        if self._joiner.abandoned > before:
            self._refuse("parts", self._joiner.abandoned - before)
        return whole

    def _rows_of(
        self, packet: Packet, devices: Sequence[Device], unread: RefusedRows
    ) -> list[FeedObservation] | None:
        """What is to be stored of a packet before it is answered; None for no answer.

        Args:
            unread: Takes the pollutants that cannot be read.
        """
        if packet.command not in UPLOADS | NOTICES:
            self._refuse("command")
            return None
        if packet in self._recent:
            self._note("repeated")
            return []
        device = next((device for device in devices if device.command == packet.command), None)
        if device is None:
            self._note("unused")
            return []
        try:
            found = readings(packet)
        except InvalidInput as error:
            self._refuse("fields")
            log.warning("telegram not read", device=device.code, reason=error.message)
            return None
        if found.faults:
            self._note("reading", len(found.faults))
            unread.add(
                Rejection(
                    *(0, "", f"{device.code}, {fault.pointer}: {fault.detail}"),
                    f"{device.code}，{fault.pointer}：{fault.detail_zh or fault.detail}",
                )
                for fault in found.faults
            )
            first = found.faults[0]
            log.warning(
                "readings not kept",
                device=device.code,
                number=len(found.faults),
                pollutant=first.pointer,
                reason=first.detail,
            )
        return [
            FeedObservation(
                device.station,
                reading.pollutant,
                reading.at,
                reading.value,
                device.units.get(reading.pollutant),
                reading.quality,
            )
            for reading in found.values
        ]

    def _refuse(self, reason: str, number: int = 1) -> None:
        self._refused_in_row += number
        self._note(reason, number)

    def _note(self, reason: str, number: int = 1) -> None:
        self._meters.refused.labels(WAY, reason).inc(number)


def _key(packet: Packet) -> tuple[str, str, str, str, int]:
    return packet.device, packet.system, packet.command, packet.number, hash(packet.content)


async def run_gateway(context: WorkerContext, settings: Hj212Settings, *, skew: timedelta) -> None:
    """Listen and store for ever."""
    async with open_intake(context, WAY, skew=skew) as intake:
        await Gateway(context, settings, intake).listen()


class Gateway:
    """What the connections share."""

    def __init__(self, context: WorkerContext, settings: Hj212Settings, intake: Intake) -> None:
        self._intake = intake
        self._settings = settings
        self._meters = context.meters
        self._devices = Devices(context.sessions)
        self._recent = Recent()
        self._links: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        """Accept connections until cancelled; then end them."""
        host, port = self._settings.host, self._settings.port
        try:
            server = await asyncio.start_server(self._accept, host, port)
        except OSError as error:
            log.error("gateway cannot listen: SHANHAI_HJ212_HOST, _PORT", reason=str(error))
            sys.exit(STARTUP_FAILURE)  # as uvicorn does at the worker's other port
        log.info("gateway listening", host=host, port=port)
        try:
            await server.serve_forever()
        finally:
            server.close()
            await end(*self._links)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._links.add(task)
        task.add_done_callback(self._links.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = str((writer.get_extra_info("peername") or ("",))[0])
        connections = self._meters.connections.labels(WAY)
        connections.inc()
        try:
            reason = self._reason_to_refuse(peer)
            if reason is not None:
                self._meters.refused.labels(WAY, reason).inc()
                log.warning("connection refused", peer=peer, reason=reason)
                return
            link = DeviceConnection(
                reader,
                writer,
                settings=self._settings,
                intake=self._intake,
                devices=self._devices,
                recent=self._recent,
                meters=self._meters,
            )
            await link.run()
        except (ConnectionError, TimeoutError) as error:
            log.info("connection of a device ended", peer=peer, error=type(error).__name__)
        except Exception:
            # A mistake met with one device must not end the others' connections.
            log.exception("telegrams not handled", peer=peer)
        finally:
            connections.dec()
            writer.close()

    def _reason_to_refuse(self, peer: str) -> str | None:
        if len(self._links) > self._settings.connections:
            return "connections"
        networks, address = self._settings.networks, parse_address(peer)
        if networks and not (address and any(address in network for network in networks)):
            return "network"
        return None
