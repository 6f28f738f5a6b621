"""Packets of HJ 212-2017 that were split because they would be longer than a data segment."""

from collections import OrderedDict
from dataclasses import dataclass, field, replace

from shanhai.monitoring.hj212.packet import NUMBERED, Packet

MOST_WAITING = 16
"""Split packets one connection may have begun."""
LONGEST_CONTENT = 2**18
"""Characters in the content of one split packet, and in all parts that wait."""
PATIENCE_S = 60.0
"""Seconds after the last part for which the others are waited for."""

_Key = tuple[str, str, str, str]


@dataclass(slots=True)
class _Begun:
    parts: int
    touched_s: float
    contents: dict[int, str] = field(default_factory=dict)

    @property
    def length(self) -> int:
        return sum(map(len, self.contents.values()))


class Joiner:
    """Joins the parts of split packets by device, system, command and number, in any order.

    Attributes:
        abandoned: Split packets given up: parts were missing for too long, contradicted each
            other, or were too many.
    """

    def __init__(self) -> None:
        self.abandoned = 0
        self._begun: OrderedDict[_Key, _Begun] = OrderedDict()

    def add(self, packet: Packet, *, now_s: float) -> Packet | None:
        """The whole packet, once `packet` completes it; one that was not split is whole.

        Args:
            packet: The next packet of the connection.
            now_s: The time on any steady clock, in seconds.
        """
        self._give_up_before(now_s - PATIENCE_S)
        if packet.parts == 1:
            return replace(packet, flag=packet.flag & ~NUMBERED)
        key = (packet.device, packet.system, packet.command, packet.number)
        begun = self._begun.pop(key, None)
        if begun is not None and begun.parts != packet.parts:
            self.abandoned += 1
            begun = None
        begun = begun or _Begun(packet.parts, now_s)
        begun.contents[packet.part] = packet.content
        begun.touched_s = now_s
        if begun.length > LONGEST_CONTENT:
            self.abandoned += 1
            return None
        if len(begun.contents) == begun.parts:
            return replace(
                packet, content=_joined(begun), flag=packet.flag & ~NUMBERED, parts=1, part=1
            )
        self._begun[key] = begun
        while len(self._begun) > MOST_WAITING or self._length > LONGEST_CONTENT:
            self._begun.popitem(last=False)
            self.abandoned += 1
        return None

    @property
    def _length(self) -> int:
        return sum(begun.length for begun in self._begun.values())

    def _give_up_before(self, limit_s: float) -> None:
        # In the order of their last parts, because each part puts its packet last.
        while self._begun and next(iter(self._begun.values())).touched_s < limit_s:
            self._begun.popitem(last=False)
            self.abandoned += 1


def _joined(begun: _Begun) -> str:
    """The contents in order: packets are split between fields, whether or not a `;` is left."""
    parts = (begun.contents[number].strip(";") for number in sorted(begun.contents))
    return ";".join(part for part in parts if part)
