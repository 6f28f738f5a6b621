"""One connection of a device, or of a concentrator that speaks for several."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence

import structlog

from shanhai.db.observations.devices import Device
from shanhai.errors import InvalidInput
from shanhai.monitoring.hj212.frame import FrameReader, frame
from shanhai.monitoring.hj212.measurements import readings
from shanhai.monitoring.hj212.packet import NOTICES, UPLOADS, Joiner, Packet, answer_to, read_packet
from shanhai.monitoring.observation import Batch, FeedObservation
from shanhai.settings import Hj212Settings
from shanhai_worker.feeds.hj212_devices import Devices
from shanhai_worker.feeds.intake import Intake
from shanhai_worker.meters import Meters

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

WAY = "hj212"
PIECE = 64 * 1024
"""Bytes taken from a connection at a time; what they bring is stored together."""
WRITE_S = 10.0
"""Seconds a device has to take its answers."""
MOST_REFUSED = 100
"""Things refused in a row after which a connection is closed: no device sends only these."""
MOST_RECENT = 50_000


class Recent:
    """The last telegrams stored, by device, system, command and number."""

    def __init__(self) -> None:
        self._keys: OrderedDict[tuple[str, str, str, str], None] = OrderedDict()

    def __contains__(self, packet: Packet) -> bool:
        return _key(packet) in self._keys

    def add(self, packet: Packet) -> None:
        """Note that a telegram is durable."""
        self._keys[_key(packet)] = None
        if len(self._keys) > MOST_RECENT:
            self._keys.popitem(last=False)


class Link:
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
        meters: Meters,
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
        handled: list[Packet] = []
        for segment in self._segments_in(piece):
            packet = self._packet_in(segment)
            devices = () if packet is None else await self._devices.named(packet.device)
            whole = None if packet is None else self._admit(packet, devices)
            found = None if whole is None else self._rows_of(whole, devices)
            if whole is not None and found is not None:
                handled.append(whole)
                rows.extend(found)
        try:
            await self._intake.store(Batch.of(rows))
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

    def _rows_of(self, packet: Packet, devices: Sequence[Device]) -> list[FeedObservation] | None:
        """What is to be stored of a packet before it is answered; None for no answer."""
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


def _key(packet: Packet) -> tuple[str, str, str, str]:
    return packet.device, packet.system, packet.command, packet.number
