"""Frames of HJ 212-2017: how packets lie in a stream of bytes (its section 6.3).

A frame is `##`, the length of the data segment in four decimal digits, the segment, its check sum
in four hexadecimal digits, carriage return and line feed.
"""

from collections import Counter
from enum import StrEnum

from shanhai.errors import InvalidInput

HEAD = b"##"
TAIL = b"\r\n"
LENGTH_DIGITS = 4
CRC_DIGITS = 4
LONGEST_SEGMENT = 1024
"""Bytes of a data segment, by the standard."""
_BEFORE = len(HEAD) + LENGTH_DIGITS
_AFTER = CRC_DIGITS + len(TAIL)


class FrameFault(StrEnum):
    """Why bytes that began like a frame are none."""

    LENGTH = "length"
    CRC = "crc"


def _remainder(byte: int) -> int:
    register = byte
    for _ in range(8):
        register = (register >> 1) ^ 0xA001 if register & 1 else register >> 1
    return register


_REMAINDERS = tuple(_remainder(byte) for byte in range(256))


def checksum(segment: bytes) -> int:
    """The check sum of a data segment, 0 to 65535 (HJ 212-2017, annex A).

    Unlike Modbus's, the register is shifted down by a byte before the next byte is combined with
    it, so its low byte has no effect.
    """
    register = 0xFFFF
    for byte in segment:
        register = _REMAINDERS[(register >> 8) ^ byte]
    return register


def frame(segment: bytes, *, longest: int = LONGEST_SEGMENT) -> bytes:
    """The frame that carries a data segment.

    Raises:
        InvalidInput: the segment is longer than `longest`, or would end the frame within itself.
    """
    if len(segment) > longest:
        raise InvalidInput(
            f"a data segment has {len(segment)} bytes; at most {longest}",
            message_zh=f"数据段有 {len(segment)} 字节，至多 {longest}",
        )
    if TAIL in segment:
        raise InvalidInput(
            "a data segment contains the end of a frame", message_zh="数据段中含有帧尾"
        )
    return b"%b%04d%b%04X%b" % (HEAD, len(segment), segment, checksum(segment), TAIL)


class FrameReader:
    """Finds the frames in a stream that comes in pieces; how it is cut makes no difference.

    Where something is no frame, reading goes on one byte later, so a frame that begins inside a
    broken one is found. At most one frame's length of bytes is kept between two pieces.

    Attributes:
        faults: How often bytes began like a frame and were none.
        garbage: Number of bytes that are part of no frame.
    """

    def __init__(self, *, longest: int = LONGEST_SEGMENT) -> None:
        self.faults: Counter[FrameFault] = Counter()
        self.garbage = 0
        self._longest = longest
        self._rest = b""

    def feed(self, piece: bytes) -> list[bytes]:
        """The data segments of the frames that `piece` completes."""
        held = self._rest + piece
        segments: list[bytes] = []
        at = 0
        while (start := held.find(HEAD, at)) >= 0:
            self.garbage += start - at
            at = start
            found = self._look(held, at)
            if found is None:
                self._rest = held[at:]
                return segments
            if isinstance(found, FrameFault):
                self.faults[found] += 1
                self.garbage += 1
                at += 1
                continue
            segments.append(found)
            at += _BEFORE + len(found) + _AFTER
        # The last byte may be half of a head.
        end = max(at, len(held) - held.endswith(HEAD[:1]))
        self.garbage += end - at
        self._rest = held[end:]
        return segments

    def _look(self, held: bytes, at: int) -> bytes | FrameFault | None:
        """The segment of the frame that begins at `at`; None while that cannot be told."""
        digits = held[at + len(HEAD) : at + _BEFORE]
        if digits and not digits.isdigit():
            return FrameFault.LENGTH
        if len(digits) < LENGTH_DIGITS:
            return None
        length = int(digits)
        if length > self._longest:
            return FrameFault.LENGTH
        segment_end = at + _BEFORE + length
        end = segment_end + _AFTER
        # An end that comes early settles it without waiting for bytes that never come.
        tail = held.find(TAIL, at + _BEFORE, end)
        if tail < 0 and len(held) < end:
            return None
        if tail != end - len(TAIL):
            return FrameFault.LENGTH
        segment = held[at + _BEFORE : segment_end]
        stated = held[segment_end : segment_end + CRC_DIGITS]
        if stated.upper() != b"%04X" % checksum(segment):
            return FrameFault.CRC
        return segment
