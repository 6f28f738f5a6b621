"""How a resistance surface is read as a circuit, and what its solution may take."""

from dataclasses import dataclass
from typing import Literal, get_args

from shanhai.errors import InvalidInput
from shanhai.science.corridors.spacing import MetricCells, Spacing

Neighbours = Literal[4, 8]
Joining = Literal["average_resistance", "average_conductance"]
Method = Literal["direct", "multigrid"]

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class CircuitSettings:
    """What a run may change.

    Attributes:
        neighbours: Of a cell, 4 or 8; the centres of diagonal ones lie √2 apart.
        joining: What two cells make: `average_resistance` a conductance of 2/(ℓ(R₁ + R₂)), so that
            the resistance of a link is its cost in cell lengths; `average_conductance` one of
            (1/R₁ + 1/R₂)/(2ℓ), the default of Circuitscape and the only one of Omniscape.
        method: `direct` or `multigrid`; None takes what is faster for the size and the memory.
        memory_limit: Bytes the solution may take; a larger one is refused before it begins.
    """

    neighbours: Neighbours = 8
    joining: Joining = "average_resistance"
    method: Method | None = None
    memory_limit: int = 4 * GIB

    def __post_init__(self) -> None:
        """Refuse words that are none of the method's."""
        for name, words in (
            ("neighbours", get_args(Neighbours)),
            ("joining", get_args(Joining)),
            ("method", (*get_args(Method), None)),
        ):
            value = getattr(self, name)
            if value not in words:
                raise InvalidInput(
                    f"{name} is {value!r}; it must be one of {words}",
                    message_zh=f"{name} 为 {value!r}，须为 {words} 之一",
                    pointer=f"/{name}",
                )


DEFAULT_SETTINGS = CircuitSettings()


def require_square(spacing: Spacing) -> float:
    """Side of the cells, m.

    Raises:
        InvalidInput: the cells are in degrees, or oblong: a circuit has no lengths of its own.
    """
    if isinstance(spacing, MetricCells) and spacing.width_m == spacing.height_m:
        return spacing.width_m
    raise InvalidInput(
        f"the cells are {spacing}; circuits and moving windows need square cells in metres: "
        "reproject the raster first",
        message_zh=f"像元为 {spacing}；电路与移动窗口计算需要以米为单位的正方形像元，请先重投影",
        pointer="/spacing",
    )
