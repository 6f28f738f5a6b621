"""What a run may change about the moving window."""

from dataclasses import dataclass

from shanhai.errors import InvalidInput
from shanhai.science.corridors.circuit.settings import (
    DEFAULT_SETTINGS,
    CircuitSettings,
    Joining,
    Method,
    Neighbours,
)


@dataclass(frozen=True, slots=True)
class WindowSettings:
    """What a run may change.

    Attributes:
        radius: Of the windows, cells: centres lie at most so far from that of the target.
        block: Side of the blocks whose strengths are sent to one target in their middle, cells,
            odd; about a tenth of the radius costs little and saves the square of it.
        threshold: Strengths below it count as none.
        neighbours: Of a cell, 4 or 8.
        joining: As in `CircuitSettings`; averages of conductances are what Omniscape's maps show.
        method: As in `CircuitSettings`.
        memory_limit: Bytes that one window's solution may take.
    """

    radius: int
    block: int = 1
    threshold: float = 0.0
    neighbours: Neighbours = 8
    joining: Joining = "average_conductance"
    method: Method | None = None
    memory_limit: int = DEFAULT_SETTINGS.memory_limit

    def __post_init__(self) -> None:
        """Refuse settings outside the method."""
        if self.radius < 1:
            raise InvalidInput(
                f"radius is {self.radius} cells; it must be at least 1",
                message_zh=f"radius 为 {self.radius} 个像元，至少为 1",
                pointer="/radius",
            )
        if self.block < 1 or self.block % 2 == 0 or self.block > self.radius:
            raise InvalidInput(
                f"block is {self.block} cells; it must be odd, at least 1 and at most the radius "
                f"of {self.radius}",
                message_zh=f"block 为 {self.block} 个像元，须为奇数，"
                f"且在 1 与半径 {self.radius} 之间",
                pointer="/block",
            )

    @property
    def circuit(self) -> CircuitSettings:
        """Of each window's circuit."""
        return CircuitSettings(self.neighbours, self.joining, self.method, self.memory_limit)
